#pragma once

#include <optional>
#include <string>

#include "chainrule/model.h"

namespace chainrule::cli {

/// Is it the name of a model of ONNX?
bool is_onnx(const std::string& path);

/// A model that `train --save` or `export` has written. An error for models that do not say what their
/// columns are.
Model load_any_model(const std::string& path);

/// What is in a model of ONNX that load_any_model would refuse as it says nothing of columns; nothing for
/// others.
std::optional<std::string> describe_foreign(const std::string& path);

}  // namespace chainrule::cli
