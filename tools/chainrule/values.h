// Values given on the command line, as texts or from files.
// session.h gives them to the expression.

#pragma once

#include <span>
#include <string>
#include <vector>

#include "functions.h"

namespace chainrule::cli {

/// A value given on the command line.
struct Given {
  std::string name;
  Tensor tensor;  ///< a constant; float of the context's dtype unless it is bool, or a cast says otherwise
};

/// Reads NAME=VALUE arguments. VALUE is an expression without names, as 2, [[1, 2], [3, 4]] or
/// randn(3, 4), or @FILE for a .npy or .csv file. CommandError for anything else and for names given
/// twice; IoError or ParseError for a file that cannot be used.
std::vector<Given> read_values(std::span<const std::string> arguments, Context& context);

}  // namespace chainrule::cli
