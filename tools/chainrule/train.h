// The subcommands about models of tables, and options that they share. commands.h has all others.
// train_options.h has their values.

#pragma once

#include <CLI/CLI.hpp>

#include "ranks.h"
#include "train_options.h"

namespace chainrule::cli {

/// The subcommand `train`: a multi-layer perceptron on a table, or on half-moons without one.
void add_train(CLI::App& app, Ranks& ranks);

/// The subcommands `predict`, `evaluate` and `summary`: of what `train --save` has saved.
void add_models(CLI::App& app);

/// The subcommands `export` and `import`: models of ONNX, where chainrule::onnx has been built.
void add_exchange(CLI::App& app);
/// The subcommand `explain`: what each column contributes.
void add_explain(CLI::App& app);

/// The options that say how a table is read.
void add_reading(CLI::App& command, ReadOptions& options);
/// Those that say which columns a model takes that does not know.
struct ColumnOptions;
void add_columns(CLI::App& command, ColumnOptions& options);

}  // namespace chainrule::cli
