// Models from files of either kind: what `train --save` or `export` has written, and models of ONNX that know
// nothing of tables. For all subcommands that take a model.

#pragma once

#include <optional>
#include <string>
#include <variant>

#include "chainrule/model.h"
#include "foreign_model.h"
#include "train_options.h"

namespace chainrule::cli {

/// What `train --save` or `export` has written, or else a model of ONNX that knows nothing of tables.
using AnyModel = std::variant<Model, ForeignModel>;
AnyModel load_any_model(const std::string& path);
/// The same, and an error that says so where the two arguments of a command, MODEL and DATA, are exchanged.
AnyModel load_any_model(const std::string& path, const std::string& data);
/// The same without those others, for which there is an error.
Model load_table_model(const std::string& path);

/// How a table is read for the model: as these options say, and else as the one that it was learned from.
ReadOptions reading_for(const AnyModel& model, ReadOptions options);

/// What is in a model of ONNX that knows nothing of tables, for people or programs; nothing for others.
struct ForeignDescription {
  std::string text;
  std::string json;
};
std::optional<ForeignDescription> describe_foreign(const std::string& path);

}  // namespace chainrule::cli
