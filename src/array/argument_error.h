// The exception for wrong arguments that have no type of their own. Relies on nothing; graph/call_error.h
// gives it the place of the call.

#pragma once

#include <stdexcept>

namespace chainrule {

/// A std::invalid_argument of an operation, as users know it: unlike those that come from a user's function,
/// it gets the place of the call.
class ArgumentError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

}  // namespace chainrule
