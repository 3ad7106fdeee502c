#pragma once

#include <stdexcept>

#include "chainrule/detail/api.h"

namespace CHAINRULE_API chainrule {

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

}  // namespace chainrule
