// Rows of operations on one kind of input, written in a line each.
// For the files of rows.

#pragma once

#include "op_inputs.h"

namespace chainrule::test {

using Call = std::function<Tensor(const Arguments&)>;
using Expected = std::function<reference::Array(const reference::Arrays&)>;

/// Of a function that is composed of others.
inline OpCase composed(const std::string& operation, Call call, std::vector<Shapes> shapes,
                       std::vector<Misuse> misuses = {}, Input input = between(-1, 1)) {
  return {.operation = operation,
          .inputs = {std::move(input)},
          .variants = {{"", std::move(call), {}, std::move(shapes)}},
          .misuses = std::move(misuses),
          .composed = true,
          .float32_tolerance = 2e-5};
}
/// Of one in several variants, on numbers that differ.
inline OpCase composed(const std::string& name, std::vector<Variant> variants,
                       std::vector<Misuse> misuses = {}, std::size_t inputs = 1) {
  return {.operation = name,
          .inputs = std::vector<Input>(inputs, distinct()),
          .variants = std::move(variants),
          .misuses = std::move(misuses),
          .composed = true};
}
/// Of an operation of its own.
inline OpCase own(const std::string& operation, Call call, Expected expected, std::vector<Shapes> shapes,
                  Input input = between(-1, 1)) {
  return {.operation = operation,
          .inputs = {std::move(input)},
          .variants = {{"", std::move(call), std::move(expected), std::move(shapes)}},
          .tolerance = 1e-14,
          .float32_tolerance = 1e-5};
}

}  // namespace chainrule::test
