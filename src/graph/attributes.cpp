// Parameters of operations, compared and printed. They are numbers, texts, shapes and tensors, by name;
// tensors are equal where their elements are.

#include "graph/attributes.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "graph/node.h"

namespace chainrule {
namespace {

bool is_same(const Tensor& a, const Tensor& b) {
  if (a.is_empty() || b.is_empty()) return a.is_empty() && b.is_empty();
  const Array &x = value_of(a), &y = value_of(b);
  return x.shape() == y.shape() && x.dtype() == y.dtype() &&
         (x.byte_count() == 0 || std::memcmp(x.raw(), y.raw(), x.byte_count()) == 0);
}
bool is_same(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}
bool is_same(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](double x, double y) { return is_same(x, y); });
}
template <class T>
bool is_same(const T& a, const T& b) {
  return a == b;
}

std::string text(bool flag) { return flag ? "true" : "false"; }
std::string text(std::int64_t number) { return std::to_string(number); }
std::string text(double number) { return to_string(scalar(number, DType::float64)); }
std::string text(std::string_view word) { return std::string(word); }
std::string text(const Tensor& tensor) { return tensor.is_empty() ? "none" : to_string(tensor); }
std::string text(const OpaqueAttribute& function) { return function == nullptr ? "none" : "a function"; }
template <class T>
std::string text(const std::vector<T>& list) {
  std::string all;
  for (const T& each : list) all += (all.empty() ? "" : ", ") + text(each);
  return "[" + all + "]";
}

}  // namespace

bool are_equal(const Attributes& a, const Attributes& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const auto& x, const auto& y) {
           return x.first == y.first && x.second.index() == y.second.index() &&
                  std::visit([&]<class T>(const T& value) { return is_same(value, std::get<T>(y.second)); },
                             x.second);
         });
}

bool are_equal_numbers(const Attributes& a, const Attributes& b) {
  return are_equal(a, b) && std::none_of(a.begin(), a.end(), [](const auto& each) {
           return std::holds_alternative<Tensor>(each.second) ||
                  std::holds_alternative<OpaqueAttribute>(each.second);
         });
}

std::string to_string(const Attributes& attributes) {
  std::string all;
  for (const auto& [name, value] : attributes) {
    if (!all.empty()) all += ", ";
    all += std::string(name) + "=" + std::visit([](const auto& each) { return text(each); }, value);
  }
  return all;
}

}  // namespace chainrule
