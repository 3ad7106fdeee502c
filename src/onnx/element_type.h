// ONNX's element types, and how tensors of chainrule carry them: some as they are, some in a wider dtype
// whose results are wrapped or rounded.

#pragma once

#include <optional>
#include <string>

#include "chainrule/tensor.h"

namespace chainrule::onnx {

/// The numbers are TensorProto.DataType's, those of later versions than the installed schema included.
enum class ElementType : std::int32_t {
  undefined = 0,
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  uint16 = 4,
  int16 = 5,
  int32 = 6,
  int64 = 7,
  string = 8,
  boolean = 9,
  float16 = 10,
  float64 = 11,
  uint32 = 12,
  uint64 = 13,
  complex64 = 14,
  complex128 = 15,
  bfloat16 = 16,
  float8e4m3fn = 17,
  float8e4m3fnuz = 18,
  float8e5m2 = 19,
  float8e5m2fnuz = 20,
  uint4 = 21,
  int4 = 22,
  float4e2m1 = 23,
  float8e8m0 = 24,
  uint2 = 25,
  int2 = 26
};

/// ONNX's own name, as "float16"; "type 99" for a number that means nothing.
std::string to_string(ElementType type);
/// The type of that name; undefined where there is none.
ElementType element_type_named(std::string_view name);
/// What carries it; nothing for types that are not for this engine.
std::optional<DType> dtype_of(ElementType type);
/// Why there is no dtype for it, in a word or two.
std::string reason_against(ElementType type);
/// The type of tensors that nothing else is known about.
ElementType natural_type(DType dtype);

/// Whole numbers: how many bits, and is there a sign?
struct IntegerFormat {
  int bits = 64;
  bool is_signed = true;
};
/// Nothing for types that are no whole numbers.
std::optional<IntegerFormat> integer_format(ElementType type);

/// int64 elements modulo 2^bits, as the type stores them. The same tensor where all fit already.
Tensor wrapped(const Tensor& x, IntegerFormat format);

/// The same tensor but for the digits that float16 or bfloat16 has not. The derivative is 1.
Tensor rounded(const Tensor& x, ElementType type);

}  // namespace chainrule::onnx
