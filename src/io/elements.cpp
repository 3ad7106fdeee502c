// Elements as files have them, which is as memory has them, in more types.

#include "io/elements.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

#include "io/file.h"
#include "io/halves.h"

namespace chainrule {
namespace {

static_assert(std::endian::native == std::endian::little, "files are little-endian, and read as memory is");

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

Tensor widened_halves(const char* bytes, const Shape& shape, float (*from_bits)(std::uint16_t)) {
  std::vector<float> result(static_cast<std::size_t>(shape.size()));
  for (float& number : result) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes, sizeof bits);
    bytes += sizeof bits;
    number = from_bits(bits);
  }
  return tensor(std::move(result), shape);
}

/// Any other pattern of bits would not be a bool.
Tensor normalized(const char* bytes, const Shape& shape) {
  std::string result(bytes, static_cast<std::size_t>(shape.size()));
  for (char& byte : result) byte = byte != 0 ? 1 : 0;
  return from_memory(result.data(), DType::boolean, shape);
}

template <Element T>
std::string_view bytes_of(const Tensor& tensor) {
  const auto data = tensor.data<T>();
  return {reinterpret_cast<const char*>(data.data()), data.size_bytes()};
}

}  // namespace

std::size_t item_size(Stored type) {
  switch (type) {
    case Stored::boolean:
    case Stored::int8:
    case Stored::uint8: return 1;
    case Stored::int16:
    case Stored::uint16:
    case Stored::float16:
    case Stored::bfloat16: return 2;
    case Stored::int32:
    case Stored::uint32:
    case Stored::float32: return 4;
    case Stored::int64:
    case Stored::uint64:
    case Stored::float64: return 8;
  }
  return 0;
}

Tensor copy_elements(const char* bytes, Stored type, const Shape& shape, const std::string& source) {
  switch (type) {
    case Stored::boolean: return normalized(bytes, shape);
    case Stored::int8: return widened<std::int8_t>(bytes, shape, source);
    case Stored::int16: return widened<std::int16_t>(bytes, shape, source);
    case Stored::int32: return widened<std::int32_t>(bytes, shape, source);
    case Stored::int64: return from_memory(bytes, DType::int64, shape);
    case Stored::uint8: return widened<std::uint8_t>(bytes, shape, source);
    case Stored::uint16: return widened<std::uint16_t>(bytes, shape, source);
    case Stored::uint32: return widened<std::uint32_t>(bytes, shape, source);
    case Stored::uint64: return widened<std::uint64_t>(bytes, shape, source);
    case Stored::float16: return widened_halves(bytes, shape, from_float16);
    case Stored::bfloat16: return widened_halves(bytes, shape, from_bfloat16);
    case Stored::float32: return from_memory(bytes, DType::float32, shape);
    case Stored::float64: return from_memory(bytes, DType::float64, shape);
  }
  return {};
}

std::string swapped_bytes(std::string_view elements, std::size_t item_bytes) {
  std::string result(elements);
  for (auto at = result.begin(); at != result.end(); at += static_cast<std::ptrdiff_t>(item_bytes))
    std::reverse(at, at + static_cast<std::ptrdiff_t>(item_bytes));
  return result;
}

std::string_view bytes_of(const Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::boolean: return bytes_of<bool>(tensor);
    case DType::int64: return bytes_of<std::int64_t>(tensor);
    case DType::float32: return bytes_of<float>(tensor);
    case DType::float64: return bytes_of<double>(tensor);
  }
  return {};
}

}  // namespace chainrule
