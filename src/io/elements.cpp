// Elements as files have them, which is as memory has them, in more types.

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

constexpr Stored all_types[] = {Stored::boolean, Stored::int8,    Stored::int16,    Stored::int32,
                                Stored::int64,   Stored::uint8,   Stored::uint16,   Stored::uint32,
                                Stored::uint64,  Stored::float16, Stored::bfloat16, Stored::float32,
                                Stored::float64};

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

std::size_t item_size(Stored type) {
  switch (type) {
    case Stored::int8: return 1;
    case Stored::int16:
    case Stored::uint16: return 2;
    case Stored::uint32: return 4;
    case Stored::uint64: return 8;
    default: return item_size(*tensor_dtype(type));
  }
}

std::optional<DType> tensor_dtype(Stored type) {
  switch (type) {
    case Stored::boolean: return DType::boolean;
    case Stored::uint8: return DType::uint8;
    case Stored::int32: return DType::int32;
    case Stored::int64: return DType::int64;
    case Stored::float16: return DType::float16;
    case Stored::bfloat16: return DType::bfloat16;
    case Stored::float32: return DType::float32;
    case Stored::float64: return DType::float64;
    default: return {};
  }
}

Stored stored_as(DType dtype) {
  for (const Stored type : all_types)
    if (tensor_dtype(type) == dtype) return type;
  throw std::invalid_argument("no file stores " + std::string(to_string(dtype)));
}

Tensor copy_elements(const char* bytes, Stored type, const Shape& shape, const std::string& source) {
  switch (type) {
    case Stored::boolean: return normalized(bytes, shape);
    case Stored::int8: return widened<std::int8_t>(bytes, shape, source);
    case Stored::int16: return widened<std::int16_t>(bytes, shape, source);
    case Stored::uint16: return widened<std::uint16_t>(bytes, shape, source);
    case Stored::uint32: return widened<std::uint32_t>(bytes, shape, source);
    case Stored::uint64: return widened<std::uint64_t>(bytes, shape, source);
    default: return from_memory(bytes, *tensor_dtype(type), shape);
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
