// What an operation was called with beside tensors, for those who compare operations, print them, or write a
// graph in another form.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "chainrule/tensor.h"

namespace chainrule {

/// A function of the program's own: equal to itself alone.
using OpaqueAttribute = std::shared_ptr<const void>;
using AttributeValue = std::variant<bool, std::int64_t, double, std::vector<std::int64_t>, Tensor,
                                    std::string_view, std::vector<double>, OpaqueAttribute>;
using Attributes = std::vector<std::pair<std::string_view, AttributeValue>>;

/// Are they the same names with the same values, bit for bit?
bool are_equal(const Attributes& a, const Attributes& b);
/// The same, where none is a tensor or a function, whose use may differ from one time to the next.
bool are_equal_numbers(const Attributes& a, const Attributes& b);
/// "axes=[0, 1], keepdims=false".
std::string to_string(const Attributes& attributes);

inline std::vector<std::int64_t> as_attribute(const Shape& shape) { return {shape.begin(), shape.end()}; }
inline std::int64_t as_attribute(std::size_t axis) { return static_cast<std::int64_t>(axis); }

}  // namespace chainrule
