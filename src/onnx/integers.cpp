// Bits of whole numbers, which carry no gradient.
// They are computed in 64 bits; the types of fewer are wrapped around afterwards.

#include <bit>
#include <cstring>

#include "chainrule/functions.h"
#include "onnx/call.h"
#include "onnx/operators.h"

namespace chainrule::onnx {
namespace {

/// Refuses all but whole numbers.
void require_integers(const Call& call, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    if (call[i].dtype() != DType::int64)
      Call::fail("it works on whole numbers, not on " + to_string(call.type(i)));
  if (count == 2) call.require_broadcast(call[0], call[1]);
}

Values bitwise_and(const Call& call) {
  require_integers(call, 2);
  return one(call[0] & call[1]);
}
Values bitwise_or(const Call& call) {
  require_integers(call, 2);
  return one(call[0] | call[1]);
}
Values bitwise_xor(const Call& call) {
  require_integers(call, 2);
  return one(call[0] ^ call[1]);
}
Values bitwise_not(const Call& call) {
  require_integers(call, 1);
  return one(~call[0]);
}

/// Of unsigned numbers; by as many bits as there are, or more, it gives 0.
Values bit_shift(const Call& call) {
  require_integers(call, 2);
  const Tensor &a = call[0], &b = call[1];
  if (call.choice("direction", {"", "LEFT", "RIGHT"}) == 1) return one(left_shift(a, b));
  const Tensor others = left_shift(-1, 64 - b);  // the bits that come in, which are those of the sign
  return one(where((b < 0) | (b >= 64), 0, right_shift(a, b) & ~others));
}

/// The bytes of x as another type stores them, of the same size.
Values bit_cast(const Call& call) {
  const ElementType from = call.type(0), to = call.element_type("to", ElementType::undefined);
  const Tensor& x = call[0];
  const auto bits = [](ElementType type) {
    if (const auto format = integer_format(type)) return format->bits;
    return type == ElementType::float64   ? 64
           : type == ElementType::float32 ? 32
           : type == ElementType::boolean ? 8
                                          : 16;
  };
  if (bits(from) != bits(to))
    Call::fail("elements of type " + to_string(from) + " have other sizes than those of type " +
               to_string(to));
  std::vector<std::int64_t> patterns;
  if (is_floating(x.dtype())) {
    for (const double number : x.to_vector<double>()) {
      const auto narrow = static_cast<float>(number);  // exact, unless the type is float64
      patterns.push_back(from == ElementType::float64    ? std::bit_cast<std::int64_t>(number)
                         : from == ElementType::float32  ? std::bit_cast<std::int32_t>(narrow)
                         : from == ElementType::bfloat16 ? BFloat16(narrow).bits()
                                                         : Float16(number).bits());
    }
  } else {
    patterns = x.to_vector<std::int64_t>();
  }
  if (const auto format = integer_format(to))
    return one(wrapped(tensor(std::move(patterns), x.shape()), *format), to);
  std::vector<double> doubles;
  std::vector<float> floats;
  for (const std::int64_t pattern : patterns) {
    if (to == ElementType::float64) doubles.push_back(std::bit_cast<double>(pattern));
    if (to == ElementType::float32)
      floats.push_back(std::bit_cast<float>(static_cast<std::int32_t>(pattern)));
    if (to == ElementType::float16) floats.push_back(Float16::from_bits(static_cast<std::uint16_t>(pattern)));
    if (to == ElementType::bfloat16)
      floats.push_back(BFloat16::from_bits(static_cast<std::uint16_t>(pattern)));
  }
  if (to == ElementType::float64) return one(tensor(std::move(doubles), x.shape()), to);
  if (to == ElementType::boolean) return one(tensor(std::move(patterns), x.shape()) != 0, to);
  return one(tensor(std::move(floats), x.shape()), to);
}

constexpr Operator table[] = {
    {"BitCast", bit_cast},       {"BitShift", bit_shift},   {"BitwiseAnd", bitwise_and},
    {"BitwiseNot", bitwise_not}, {"BitwiseOr", bitwise_or}, {"BitwiseXor", bitwise_xor},
};

}  // namespace

std::span<const Operator> integer_operators() { return table; }

}  // namespace chainrule::onnx
