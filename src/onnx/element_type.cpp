// How ONNX's element types are stored, and how integers and floats of fewer bits behave: these wrap around,
// those round to the nearest even number.

#include "onnx/element_type.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "chainrule/ops.h"

namespace chainrule::onnx {

namespace {

constexpr std::array<std::string_view, 27> names = {
    "undefined", "float",      "uint8",      "int8",         "uint16",         "int16",      "int32",
    "int64",     "string",     "bool",       "float16",      "double",         "uint32",     "uint64",
    "complex64", "complex128", "bfloat16",   "float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz",
    "uint4",     "int4",       "float4e2m1", "float8e8m0",   "uint2",          "int2"};

}  // namespace

std::string to_string(ElementType type) {
  const auto number = static_cast<std::int32_t>(type);
  if (number >= 0 && static_cast<std::size_t>(number) < names.size())
    return std::string(names[static_cast<std::size_t>(number)]);
  return "type " + std::to_string(number);
}

ElementType element_type_named(std::string_view name) {
  const auto found = std::ranges::find(names, name);
  return found == names.end() ? ElementType::undefined : static_cast<ElementType>(found - names.begin());
}

std::optional<DType> dtype_of(ElementType type) {
  switch (type) {
    case ElementType::float32:
    case ElementType::float16:
    case ElementType::bfloat16: return DType::float32;
    case ElementType::float64: return DType::float64;
    case ElementType::boolean: return DType::boolean;
    default: return integer_format(type) ? std::optional(DType::int64) : std::nullopt;
  }
}

std::string reason_against(ElementType type) {
  switch (type) {
    case ElementType::string: return "strings";
    case ElementType::complex64:
    case ElementType::complex128: return "complex numbers";
    case ElementType::float8e4m3fn:
    case ElementType::float8e4m3fnuz:
    case ElementType::float8e5m2:
    case ElementType::float8e5m2fnuz:
    case ElementType::float8e8m0:
    case ElementType::float4e2m1: return "floats of 4 and 8 bits";
    default: return "element type " + to_string(type);
  }
}

ElementType natural_type(DType dtype) {
  if (dtype == DType::float32) return ElementType::float32;
  if (dtype == DType::float64) return ElementType::float64;
  return element_type_named(to_string(dtype));  // the others have one name everywhere
}

std::optional<IntegerFormat> integer_format(ElementType type) {
  switch (type) {
    case ElementType::int2: return IntegerFormat{2, true};
    case ElementType::int4: return IntegerFormat{4, true};
    case ElementType::int8: return IntegerFormat{8, true};
    case ElementType::int16: return IntegerFormat{16, true};
    case ElementType::int32: return IntegerFormat{32, true};
    case ElementType::int64: return IntegerFormat{64, true};
    case ElementType::uint2: return IntegerFormat{2, false};
    case ElementType::uint4: return IntegerFormat{4, false};
    case ElementType::uint8: return IntegerFormat{8, false};
    case ElementType::uint16: return IntegerFormat{16, false};
    case ElementType::uint32: return IntegerFormat{32, false};
    case ElementType::uint64: return IntegerFormat{64, false};
    default: return {};
  }
}

Tensor wrapped(const Tensor& x, IntegerFormat format) {
  if (format.bits == 64) return x;
  const std::int64_t range = std::int64_t{1} << format.bits, low = format.is_signed ? -range / 2 : 0;
  const auto wrap = [&](std::int64_t number) {
    // In unsigned arithmetic, where nothing overflows: range divides 2⁶⁴.
    const auto above = static_cast<std::uint64_t>(number) - static_cast<std::uint64_t>(low);
    return static_cast<std::int64_t>(above & static_cast<std::uint64_t>(range - 1)) + low;
  };
  const auto elements = x.data<std::int64_t>();
  if (std::ranges::all_of(elements, [&](std::int64_t number) { return wrap(number) == number; })) return x;
  std::vector<std::int64_t> result(elements.begin(), elements.end());
  for (std::int64_t& number : result) number = wrap(number);
  return tensor(std::move(result), x.shape());
}

Tensor rounded(const Tensor& x, ElementType type) {
  std::vector<float> result = x.to_vector<float>();
  for (float& number : result)
    number = type == ElementType::float16 ? float(Float16(number)) : float(BFloat16(number));
  Tensor target = tensor(std::move(result), x.shape());
  if (!x.requires_grad()) return target;
  // x plus a constant that is exact: both are close, and of float32. Infinities are equal, or made so.
  const Tensor value = x.detach();
  return x + where(value == target, zeros_like(value), target - value);
}

}  // namespace chainrule::onnx
