// Numbers and tensors as people read them, in few characters; how tensors are printed in full is
// graph/print.cpp.

#include "draw/numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace chainrule {
namespace {

std::string list(const std::vector<double>& elements, std::size_t& next,
                 std::span<const std::int64_t> sizes) {
  if (sizes.empty()) return number(elements[next++], 6);
  std::string text = "[";
  for (std::int64_t i = 0; i < sizes.front(); ++i)
    text += (i == 0 ? "" : ", ") + list(elements, next, sizes.subspan(1));
  return text + "]";
}

}  // namespace

std::string number(double value, int digits) {
  if (std::isnan(value)) return "nan";  // has a sign, too, but it means nothing
  return fmt::format("{:.{}g}", value == 0 ? 0.0 : value, digits);
}

bool is_small(const Tensor& tensor) { return tensor.size() <= 12; }

std::string one_line(const Tensor& tensor) {
  if (tensor.dtype() == DType::boolean && tensor.rank() == 0) return tensor.item<bool>() ? "True" : "False";
  const std::vector<double> elements = tensor.to_vector<double>();
  std::size_t next = 0;
  if (elements.empty()) return "[]";
  if (is_small(tensor)) return list(elements, next, tensor.shape().sizes());
  const auto [smallest, largest] = std::minmax_element(elements.begin(), elements.end());
  return fmt::format("{} from {} to {}", to_string(tensor.shape()), number(*smallest, 6),
                     number(*largest, 6));
}

}  // namespace chainrule
