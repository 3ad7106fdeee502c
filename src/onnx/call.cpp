// Reading a node's inputs and attributes, with one clear error for whatever does not fit.
// evaluate() puts the node's place in front.

#include "onnx/call.h"

#include <algorithm>

namespace chainrule::onnx {

const Value& Call::value(std::size_t i) const {
  if (!has(i)) fail("its input " + std::to_string(i) + " is missing, counted from 0");
  return *inputs_[i];
}

std::vector<Tensor> Call::all() const {
  std::vector<Tensor> result;
  for (std::size_t i = 0; i < inputs(); ++i) result.push_back((*this)[i]);
  if (result.empty()) fail("it has no inputs");
  return result;
}

std::vector<std::int64_t> Call::list(std::size_t i) const {
  const Tensor& x = (*this)[i];
  if (x.dtype() != DType::int64)
    fail("its input " + std::to_string(i) + " must be whole numbers, not " +
         std::string(to_string(x.dtype())));
  return x.to_vector<std::int64_t>();
}

std::int64_t Call::whole(std::size_t i) const {
  const std::vector<std::int64_t> numbers = list(i);
  if (numbers.size() != 1)
    fail("its input " + std::to_string(i) + " must be one number, and has shape " +
         to_string((*this)[i].shape()));
  return numbers[0];
}

double Call::real(std::size_t i) const {
  const Tensor& x = (*this)[i];
  if (x.size() != 1)
    fail("its input " + std::to_string(i) + " must be one number, and has shape " + to_string(x.shape()));
  return x.item();
}

const Attribute* Call::find(std::string_view name) const {
  const auto found = std::ranges::find(node_.attributes, name, &Attribute::name);
  if (found == node_.attributes.end()) return nullptr;
  read_.push_back(found->name);
  return &*found;
}

template <class T>
const T* Call::get(std::string_view name, const char* kind) const {
  const Attribute* const attribute = find(name);
  if (attribute == nullptr) return nullptr;
  const T* const value = std::get_if<T>(&attribute->value);
  if (value == nullptr) fail("its attribute '" + std::string(name) + "' is not " + kind);
  return value;
}

std::int64_t Call::integer(std::string_view name, std::int64_t otherwise) const {
  const auto* const found = get<std::int64_t>(name, "a whole number");
  return found != nullptr ? *found : otherwise;
}

double Call::number(std::string_view name, double otherwise) const {
  const auto* const found = get<double>(name, "a number");
  return found != nullptr ? *found : otherwise;
}

std::string Call::text(std::string_view name, const std::string& otherwise) const {
  const auto* const found = get<std::string>(name, "text");
  return found != nullptr ? *found : otherwise;
}

std::size_t Call::choice(std::string_view name, std::initializer_list<std::string_view> words) const {
  const std::string word = text(name, std::string(*words.begin()));
  const auto* const found = std::ranges::find(words, word);
  if (found == words.end()) {
    std::string all;
    for (const std::string_view other : words) all += (all.empty() ? "" : ", ") + std::string(other);
    fail("its attribute '" + std::string(name) + "' is '" + word + "', and must be one of " + all);
  }
  return static_cast<std::size_t>(found - words.begin());
}

std::optional<std::vector<std::int64_t>> Call::integers(std::string_view name) const {
  const auto* const found = get<std::vector<std::int64_t>>(name, "a list of whole numbers");
  return found != nullptr ? std::optional(*found) : std::nullopt;
}

std::optional<std::vector<double>> Call::numbers(std::string_view name) const {
  const auto* const found = get<std::vector<double>>(name, "a list of numbers");
  return found != nullptr ? std::optional(*found) : std::nullopt;
}

std::optional<std::vector<std::string>> Call::texts(std::string_view name) const {
  const auto* const found = get<std::vector<std::string>>(name, "a list of texts");
  return found != nullptr ? std::optional(*found) : std::nullopt;
}

const Value* Call::tensor(std::string_view name) const { return get<Value>(name, "a tensor"); }

ElementType Call::element_type(std::string_view name, ElementType otherwise) const {
  const std::int64_t number = integer(name, static_cast<std::int64_t>(otherwise));
  if (number <= 0 || number > INT32_MAX) fail("its attribute '" + std::string(name) + "' is no element type");
  const auto type = static_cast<ElementType>(number);
  if (!dtype_of(type))
    refuse("its attribute '" + std::string(name) + "' asks for " + to_string(type), reason_against(type));
  return type;
}

const Graph& Call::graph(std::string_view name) const {
  const auto* const found = get<std::shared_ptr<const Graph>>(name, "a graph");
  if (found == nullptr) fail("its attribute '" + std::string(name) + "' is missing");
  return **found;
}

void Call::require_all_read() const {
  for (const Attribute& attribute : node_.attributes)
    if (std::ranges::find(read_, attribute.name) == read_.end())
      refuse("its attribute '" + attribute.name + "' is none that opsets up to 28 have, or is not used here",
             "attribute " + attribute.name);
}

std::int64_t Call::axis(std::int64_t axis, std::size_t rank) {
  const auto axes = static_cast<std::int64_t>(rank);
  if (axis < -axes || axis >= axes)
    fail("axis " + std::to_string(axis) + " does not exist in a tensor of " + std::to_string(rank) + " axes");
  return axis < 0 ? axis + axes : axis;
}

void Call::require_size(std::span<const std::int64_t> sizes) const {
  std::int64_t count = 1;
  bool empty = false, too_many = false;
  for (const std::int64_t size : sizes) {
    if (size < 0) fail("a size of its result is negative: " + std::to_string(size));
    empty |= size == 0;
    too_many |= size != 0 && __builtin_mul_overflow(count, size, &count);
  }
  if (too_many || (!empty && count > most_elements_))
    fail("its result of shape " + to_string(Shape(sizes)) +
         " would have more elements than LoadOptions allow, " + std::to_string(most_elements_));
}

void Call::require_broadcast(const Tensor& a, const Tensor& b) const {
  const Shape &longer = (a.rank() >= b.rank() ? a : b).shape(),
              &other = (a.rank() >= b.rank() ? b : a).shape();
  std::vector<std::int64_t> sizes(longer.begin(), longer.end());
  for (std::size_t i = 0; i < other.rank(); ++i) {
    std::int64_t& size = sizes[longer.rank() - other.rank() + i];
    if (size == 1) size = other[i];
  }
  require_size(sizes);
}

}  // namespace chainrule::onnx
