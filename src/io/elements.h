// What files store elements as, and tensors of it.
// All formats with typed elements read and write through here.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "chainrule/tensor.h"

namespace chainrule {

/// What files store elements as, which is more than the dtypes of tensors.
enum class Stored : std::uint8_t {
  boolean,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float16,
  bfloat16,
  float32,
  float64
};

/// Bytes of one element.
std::size_t item_size(Stored type);

/// A tensor of the elements that lie at `bytes`, little-endian, in row-major order and aligned or not. They
/// are copied: in the same dtype where there is one, other integers as int64, and any byte but 0 as true.
/// IoError that begins with `source` for an integer beyond int64.
Tensor copy_elements(const char* bytes, Stored type, const Shape& shape, const std::string& source);

/// The dtype of the same elements, if there is one.
std::optional<DType> tensor_dtype(Stored type);
Stored stored_as(DType dtype);

/// Elements of so many bytes each, from one byte order to the other.
std::string swapped_bytes(std::string_view elements, std::size_t item_bytes);

/// The elements as copy_elements reads them back, as long as the tensor lives.
std::string_view bytes_of(const Tensor& tensor);

}  // namespace chainrule
