// From one element type to another.
// Between floats the derivative is the cast back; through whole numbers and bool none flows.

#include <cmath>

#include "onnx/call.h"
#include "onnx/operators.h"

namespace chainrule::onnx {
namespace {

/// Floats become whole numbers towards 0 and wrap around in fewer bits; float16 and bfloat16 lose the digits
/// that they have not.
Value converted(const Value& x, ElementType to) {
  const DType dtype = *dtype_of(to);
  Tensor result = x.tensor.dtype() == dtype ? x.tensor : cast(x.tensor, dtype);
  const bool is_half = to == ElementType::float16 || to == ElementType::bfloat16;
  if (is_half && x.type != to) result = rounded(result, to);
  return {result, to};
}

Values cast_to(const Call& call) {
  call.ignore({"saturate", "round_mode"});  // of floats with 8 bits
  const ElementType to = call.element_type("to", ElementType::undefined);
  return {converted(call.value(0), to)};
}

Values cast_like(const Call& call) {
  call.ignore({"saturate", "round_mode"});
  return {converted(call.value(0), call.type(1))};
}

constexpr Operator table[] = {{"Cast", cast_to}, {"CastLike", cast_like}};

}  // namespace

std::span<const Operator> cast_operators() { return table; }

}  // namespace chainrule::onnx
