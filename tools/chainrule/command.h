// How a command ends early: by a mistake in the command itself, or because somebody stopped it.
// tool.cpp turns both into exit codes.

#pragma once

#include <stdexcept>
#include <string>

#include "chainrule/error.h"

namespace chainrule::cli {

/// The command itself is wrong, rather than the work it asks for: an expression that makes no sense, a
/// value that is missing. Ends the program with exit code 2 instead of 1.
class CommandError : public ParseError {
 public:
  using ParseError::ParseError;
};

/// A signal has asked the work to end, which it has done in order.
class Stopped : public std::runtime_error {
 public:
  Stopped(const std::string& message, int number) : std::runtime_error(message), signal(number) {}
  int signal;
};

}  // namespace chainrule::cli
