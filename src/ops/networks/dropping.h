// Dropout as an option of other operations: whether there is any, and its mistakes in the words of the
// caller.

#pragma once

#include <string>
#include <string_view>

#include "chainrule/distributions.h"
#include "chainrule/error.h"

namespace chainrule::ops {

/// Does an operation with such an option drop anything? ShapeError for what is no probability, as dropout()
/// has it, and for one without a generator.
inline bool drops(std::string_view operation, std::string_view option, double p, const Generator* generator) {
  const auto fail = [&](const std::string& what) {
    throw ShapeError(std::string(operation) + ": " + std::string(option) + " is " + std::to_string(p) + what);
  };
  if (!(p >= 0 && p <= 1)) fail("; it is a probability, from 0 to 1");
  if (p > 0 && generator == nullptr) fail(", without a generator; give .generator = &generator");
  return p > 0;
}

}  // namespace chainrule::ops
