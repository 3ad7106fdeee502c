// Elements as files have them, which is as memory has them, in more types. Widening and byte order are here;
// everything else sees tensors.

#include "io/elements.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

#include "graph/node.h"
#include "io/file.h"

namespace chainrule {
namespace {

static_assert(std::endian::native == std::endian::little, "files are little-endian, and read as memory is");

/// In the order of Stored. A dtype of the same name has the same elements.
struct Type {
  std::string_view name;
  std::size_t bytes;
};
constexpr Type types[] = {{"bool", 1},     {"int8", 1},    {"int16", 2},  {"int32", 4},  {"int64", 8},
                          {"uint8", 1},    {"uint16", 2},  {"uint32", 4}, {"uint64", 8}, {"float16", 2},
                          {"bfloat16", 2}, {"float32", 4}, {"float64", 8}};
constexpr const Type& properties(Stored type) { return types[static_cast<std::size_t>(type)]; }

template <class From>
Tensor widened(const char* bytes, const Shape& shape, const std::string& source) {
  std::vector<std::int64_t> result(static_cast<std::size_t>(shape.size()));
  for (std::int64_t& number : result) {
    From element;
    std::memcpy(&element, bytes, sizeof element);
    bytes += sizeof element;
    if (!std::in_range<std::int64_t>(element))
      fail_on(source, "its element " + std::to_string(element) + " does not fit int64");
    number = static_cast<std::int64_t>(element);  // NOLINT(bugprone-signed-char-misuse): a number, no text
  }
  return tensor(std::move(result), shape);
}

/// Any other pattern of bits would not be a bool.
Tensor normalized(const char* bytes, const Shape& shape) {
  std::string result(bytes, static_cast<std::size_t>(shape.size()));
  for (char& byte : result) byte = byte != 0 ? 1 : 0;
  return from_memory(result.data(), DType::boolean, shape);
}

}  // namespace

std::size_t item_size(Stored type) { return properties(type).bytes; }

std::optional<DType> tensor_dtype(Stored type) {
  const auto found = std::ranges::find(detail::dtype_names, properties(type).name);
  if (found == std::end(detail::dtype_names)) return {};
  return static_cast<DType>(found - std::begin(detail::dtype_names));
}

Stored stored_as(DType dtype) {
  const auto found = std::ranges::find(types, to_string(dtype), &Type::name);
  if (found == std::end(types))
    throw std::invalid_argument("no file stores " + std::string(to_string(dtype)));
  return static_cast<Stored>(found - std::begin(types));
}

Tensor copy_elements(const char* bytes, Stored type, const Shape& shape, const std::string& source) {
  if (type == Stored::boolean) return normalized(bytes, shape);
  if (const auto dtype = tensor_dtype(type)) return from_memory(bytes, *dtype, shape);
  switch (type) {
    case Stored::int8: return widened<std::int8_t>(bytes, shape, source);
    case Stored::int16: return widened<std::int16_t>(bytes, shape, source);
    case Stored::uint16: return widened<std::uint16_t>(bytes, shape, source);
    case Stored::uint32: return widened<std::uint32_t>(bytes, shape, source);
    case Stored::uint64: return widened<std::uint64_t>(bytes, shape, source);
    default: throw std::logic_error("no integer holds " + std::string(properties(type).name));
  }
}

std::string swapped_bytes(std::string_view elements, std::size_t item_bytes) {
  std::string result(elements);
  for (auto at = result.begin(); at != result.end(); at += static_cast<std::ptrdiff_t>(item_bytes))
    std::reverse(at, at + static_cast<std::ptrdiff_t>(item_bytes));
  return result;
}

std::string_view bytes_of(const Tensor& tensor) {
  const Array& value = value_of(tensor);
  return {static_cast<const char*>(value.raw()), value.byte_count()};
}

}  // namespace chainrule
