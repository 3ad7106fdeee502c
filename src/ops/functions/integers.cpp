// Whole numbers: their bits, and what divides them. Without gradients, as they have none.

#include <bit>
#include <limits>

#include "chainrule/functions.h"
#include "ops/functions/number_function.h"
#include "ops/functions/packed_loops.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

using Unsigned = std::uint64_t;
constexpr std::int64_t bits = std::numeric_limits<Unsigned>::digits;

/// |x|, also of the smallest number.
Unsigned size_of(std::int64_t x) { return x < 0 ? 0 - static_cast<Unsigned>(x) : static_cast<Unsigned>(x); }

/// By differences of odd numbers, which are even: a division would take longer than several of these steps
/// (Stein, Computational problems associated with Racah algebra, 1967).
Unsigned greatest_divisor(std::int64_t a, std::int64_t b) {
  Unsigned x = size_of(a), y = size_of(b);
  if (x == 0 || y == 0) return x | y;
  const int twos = std::countr_zero(x | y);
  x >>= std::countr_zero(x);
  y >>= std::countr_zero(y);
  while (x != y) {  // without a branch that the processor would have to guess
    const Unsigned more = x - y, sign = 0 - static_cast<Unsigned>(x < y);
    y += more & sign;
    x = ((more ^ sign) - sign) >> std::countr_zero(more);
  }
  return x << twos;
}

constexpr std::string_view of_whole_numbers = "of whole numbers: no gradient";
using Integers = std::int64_t(std::int64_t, std::int64_t);

constexpr NumberFunction function_of(std::string_view name, Integers* f,
                                     std::optional<special::Pair> pair = {}) {
  return {.name = name, .formula = of_whole_numbers, .of_integers = f, .pair = pair};
}

constexpr NumberFunction
    bit_and = function_of(
        "bitwise_and", [](std::int64_t a, std::int64_t b) { return a & b; }, special::Pair::bit_and),
    bit_or = function_of(
        "bitwise_or", [](std::int64_t a, std::int64_t b) { return a | b; }, special::Pair::bit_or),
    bit_xor = function_of(
        "bitwise_xor", [](std::int64_t a, std::int64_t b) { return a ^ b; }, special::Pair::bit_xor),
    shifted_left = function_of(
        "left_shift",
        [](std::int64_t a, std::int64_t b) {
          if (b < 0 || b >= bits) return std::int64_t{0};
          return static_cast<std::int64_t>(static_cast<Unsigned>(a) << b);
        },
        special::Pair::shift_left),
    shifted_right = function_of(
        "right_shift",
        [](std::int64_t a, std::int64_t b) { return a >> (b < 0 || b >= bits ? bits - 1 : b); },
        special::Pair::shift_right),
    greatest = function_of(
        "gcd",
        [](std::int64_t a, std::int64_t b) { return static_cast<std::int64_t>(greatest_divisor(a, b)); }),
    least = function_of("lcm", [](std::int64_t a, std::int64_t b) {
      const Unsigned divisor = greatest_divisor(a, b);
      return divisor == 0 ? 0 : static_cast<std::int64_t>(size_of(a) / divisor * size_of(b));
    });

void require_whole(std::string_view name, DType dtype) {
  if (is_floating(dtype))
    throw DTypeError(std::string(name) + ": takes whole numbers, not " + std::string(to_string(dtype)) +
                     "; cast to int64, or compare, which gives bool");
}

/// Of the dtype of both, bool among them as int64.
Tensor of_integers(const NumberFunction& f, const Operand& a, const Operand& b) try {
  const DType dtype = number_dtype(common_dtype(a, b));
  require_whole(f.name, dtype);
  return apply(FunctionOfNumbers{&f}, a.here(), Argument(a, dtype), Argument(b, dtype));
} catch (...) {
  rethrow_in_call(a, b);
}

/// The same, and something else of truth values.
Tensor of_bits(const NumberFunction& f, Tensor (*of_bool)(const Operand&, const Operand&), const Operand& a,
               const Operand& b) {
  return common_dtype(a, b) == DType::boolean ? of_bool(a, b) : of_integers(f, a, b);
}

/// An argument by name: truth values stay.
Tensor whole(Arguments& a, std::size_t i) {
  const Tensor& given = a.tensor(i);
  return is_floating(given.dtype()) ? a.places(i) : given;
}
Result of_two(Tensor (*f)(const Operand&, const Operand&), Arguments& a) {
  const Tensor first = whole(a, 0), second = whole(a, 1);
  return f(first, second);
}
template <Tensor (*f)(const Operand&, const Operand&)>
Result of_two(Arguments& a) {
  return of_two(f, a);
}

}  // namespace

Entries integer_operations() {
  static constexpr Entry table[] = {
      {.name = "bitwise_and",
       .parameters = two_inputs,
       .call = of_two<bitwise_and>,
       .formula = of_whole_numbers,
       .example = "bitwise_and([6, 7], 3)",
       .differentiable = false,
       .weak = false},
      {.name = "bitwise_or",
       .parameters = two_inputs,
       .call = of_two<bitwise_or>,
       .formula = of_whole_numbers,
       .example = "bitwise_or([6, 7], 1)",
       .differentiable = false,
       .weak = false},
      {.name = "bitwise_xor",
       .parameters = two_inputs,
       .call = of_two<bitwise_xor>,
       .formula = of_whole_numbers,
       .example = "bitwise_xor([6, 7], 3)",
       .differentiable = false,
       .weak = false},
      {.name = "bitwise_not",
       .parameters = one_input,
       .call = [](Arguments& a) -> Result { return bitwise_not(whole(a, 0)); },
       .formula = of_whole_numbers,
       .aliases = "invert",
       .example = "bitwise_not([0, 5])",
       .differentiable = false,
       .weak = false},
      {.name = "left_shift",
       .parameters = two_inputs,
       .call = of_two<left_shift>,
       .formula = of_whole_numbers,
       .aliases = "bitwise_left_shift",
       .example = "left_shift([1, 5], 2)",
       .differentiable = false,
       .weak = false},
      {.name = "right_shift",
       .parameters = two_inputs,
       .call = of_two<right_shift>,
       .formula = of_whole_numbers,
       .aliases = "bitwise_right_shift",
       .example = "right_shift([4, -5], 1)",
       .differentiable = false,
       .weak = false},
      {.name = "gcd",
       .parameters = two_inputs,
       .call = of_two<gcd>,
       .formula = of_whole_numbers,
       .example = "gcd([12, 18], 8)",
       .differentiable = false,
       .weak = false},
      {.name = "lcm",
       .parameters = two_inputs,
       .call = of_two<lcm>,
       .formula = of_whole_numbers,
       .example = "lcm([4, 6], 10)",
       .differentiable = false,
       .weak = false},
  };
  return table;
}

}  // namespace ops

Tensor bitwise_and(const Operand& a, const Operand& b) {
  return ops::of_bits(ops::bit_and, logical_and, a, b);
}
Tensor bitwise_or(const Operand& a, const Operand& b) { return ops::of_bits(ops::bit_or, logical_or, a, b); }
Tensor bitwise_xor(const Operand& a, const Operand& b) {
  return ops::of_bits(ops::bit_xor, logical_xor, a, b);
}
Tensor bitwise_not(const Operand& x) try {
  if (x.dtype() == DType::boolean) return logical_not(x);
  ops::require_whole("bitwise_not", x.dtype());
  return ops::of_integers(ops::bit_xor, x, cast(tensor(-1), x.dtype()));
} catch (...) {
  rethrow_in_call("bitwise_not", x);
}
Tensor left_shift(const Operand& a, const Operand& b) { return ops::of_integers(ops::shifted_left, a, b); }
Tensor right_shift(const Operand& a, const Operand& b) { return ops::of_integers(ops::shifted_right, a, b); }
Tensor gcd(const Operand& a, const Operand& b) { return ops::of_integers(ops::greatest, a, b); }
Tensor lcm(const Operand& a, const Operand& b) { return ops::of_integers(ops::least, a, b); }

}  // namespace chainrule
