#pragma once

#include <stdexcept>
#include <string_view>

#include "chainrule/detail/api.h"

namespace CHAINRULE_API chainrule {

// Errors of operations end with the names of the tensors that have one, and with the file and line of the
// call: of the forward call, where they come from a derivative. ("; called with 'W' and 'x' at fit.cpp:12")

/// Shapes that do not fit an operation. The message names the operation, the shapes and a remedy.
class ShapeError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// An element type that an operation cannot work with.
class DTypeError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// A gradient that cannot be had: a non-scalar result without a seed, a value already released, ...
class GradError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Text that is not what it should be: an expression, a number, a row of a file.
class ParseError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// A file that cannot be read or written.
class IoError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The message of an error without file and line, for programs whose users do not see their source. Valid as
/// long as the error.
std::string_view without_place(const std::exception& error);

}  // namespace chainrule
