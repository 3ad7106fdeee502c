#pragma once

#include <CLI/CLI.hpp>

namespace chainrule::cli {

/// The subcommand `train`: a multi-layer perceptron on a CSV file, or on half-moons without one.
void add_train(CLI::App& app);

}  // namespace chainrule::cli
