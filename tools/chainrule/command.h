#pragma once

#include "chainrule/error.h"

namespace chainrule::cli {

/// The command itself is wrong, rather than the work it asks for: an expression that makes no sense, a
/// value that is missing. Ends the program with exit code 2 instead of 1.
class CommandError : public ParseError {
 public:
  using ParseError::ParseError;
};

}  // namespace chainrule::cli
