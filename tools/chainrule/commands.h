// The subcommands.
// Each registers itself with CLI11, and does its work when that calls it back; tool.cpp lists them.

#pragma once

#include <CLI/CLI.hpp>

namespace chainrule::cli {

/// The subcommands. Each registers itself, and does its work when CLI11 calls it back.
void add_eval(CLI::App& app);   ///< value and gradients
void add_check(CLI::App& app);  ///< gradients compared with differences
void add_graph(CLI::App& app);  ///< the graph, drawn
void add_walk(CLI::App& app);   ///< the forward and the backward pass, step by step
void add_ops(CLI::App& app);    ///< the derivative of every operation

}  // namespace chainrule::cli
