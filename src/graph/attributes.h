#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "chainrule/tensor.h"

/// What an operation was called with beside tensors, for those who write a graph in another form.
namespace chainrule {

using AttributeValue = std::variant<bool, std::int64_t, double, std::vector<std::int64_t>, Tensor>;
using Attributes = std::vector<std::pair<std::string_view, AttributeValue>>;

}  // namespace chainrule
