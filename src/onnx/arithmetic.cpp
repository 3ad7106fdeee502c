// Arithmetic, functions of real numbers, comparisons and logic: what works element by element and broadcasts.
// Whole numbers divide towards 0, and keep their type as base of a power.

#include "chainrule/functions.h"
#include "onnx/call.h"
#include "onnx/operators.h"

namespace chainrule::onnx {
namespace {

template <Tensor (*f)(const Operand&)>
Values unary(const Call& call) {
  return one(f(call[0]));
}
template <Tensor (*f)(const Operand&, const Operand&)>
Values binary(const Call& call) {
  call.require_broadcast(call[0], call[1]);
  return one(f(call[0], call[1]));
}
/// f of the first two, of that and the third, and so on.
template <Tensor (*f)(const Operand&, const Operand&)>
Values variadic(const Call& call) {
  Tensor result = call[0];
  for (std::size_t i = 1; i < call.inputs(); ++i) {
    call.require_broadcast(result, call[i]);
    result = f(result, call[i]);
  }
  return one(result);
}

bool is_integer(const Tensor& x) { return x.dtype() == DType::int64; }

/// Of whole numbers the quotient rounded towards 0, as C has it.
Values divide(const Call& call) {
  const Tensor &a = call[0], &b = call[1];
  call.require_broadcast(a, b);
  if (!is_integer(a)) return one(a / b);
  return one(floor_divide(a - fmod(a, b), b));  // what is divided is a multiple of b
}

Values modulo(const Call& call) {
  call.require_broadcast(call[0], call[1]);
  if (call.flag("fmod")) return one(fmod(call[0], call[1]));
  if (!is_integer(call[0]))
    Call::fail("of floats there is only the remainder of C: set the attribute fmod to 1");
  return one(remainder(call[0], call[1]));
}

/// Whole powers of whole numbers modulo 2⁶⁴.
Tensor whole_power(const Tensor& base, const Tensor& exponent) {
  const Tensor both = base + exponent;
  const std::vector<std::int64_t> bases = broadcast_to(base, both.shape()).to_vector<std::int64_t>();
  std::vector<std::int64_t> result = broadcast_to(exponent, both.shape()).to_vector<std::int64_t>();
  for (std::size_t i = 0; i < result.size(); ++i) {
    auto left = static_cast<std::uint64_t>(result[i]), square = static_cast<std::uint64_t>(bases[i]),
         product = std::uint64_t{1};
    if (result[i] < 0) Call::fail("a whole number to a negative power is no whole number");
    for (; left != 0; left >>= 1, square *= square)
      if ((left & 1) != 0) product *= square;
    result[i] = static_cast<std::int64_t>(product);
  }
  return tensor(std::move(result), both.shape());
}

/// The result has the type of the base.
Values power(const Call& call) {
  const Tensor &a = call[0], &b = call[1];
  call.require_broadcast(a, b);
  if (is_integer(a) && is_integer(b)) return one(whole_power(a, b));
  if (is_integer(a)) return one(cast(pow(cast(a, DType::float64), b), DType::int64));
  return one(pow(a, is_integer(b) ? cast(b, a.dtype()) : b));
}

Values sum_of_all(const Call& call) { return variadic<add>(call); }
Values mean_of_all(const Call& call) {
  return one(variadic<add>(call)[0].tensor / static_cast<double>(call.inputs()));
}

/// Held between bounds, each of which may be missing. Of crossed bounds the upper one holds, as in clamp.
Values clip(const Call& call) {
  const Tensor& x = call[0];
  Tensor low = call.maybe(1), high = call.maybe(2);
  if (call.opset() < 11) {
    low = tensor(call.number("min", -std::numeric_limits<double>::infinity()));
    high = tensor(call.number("max", std::numeric_limits<double>::infinity()));
    return one(clamp(x, low.item(), high.item()));
  }
  if (is_integer(x)) {
    Tensor result = x;
    if (!low.is_empty()) result = maximum(result, low);
    if (!high.is_empty()) result = minimum(result, high);
    return one(result);
  }
  const double infinity = std::numeric_limits<double>::infinity();
  if (low.is_empty() && high.is_empty()) return one(x);
  if (low.is_empty()) return one(clamp(x, -infinity, high));
  if (high.is_empty()) return one(clamp(x, low, infinity));
  return one(clamp(x, low, high));
}

Values round_to_even(const Call& call) { return one(round(call[0])); }

/// Which infinities count is said by attributes.
Values is_infinite(const Call& call) {
  const Tensor& x = call[0];
  const bool negative = call.flag("detect_negative", true), positive = call.flag("detect_positive", true);
  const Tensor infinite = isinf(x);
  if (negative && positive) return one(infinite);
  if (negative) return one(infinite & (x < 0));
  if (positive) return one(infinite & (x > 0));
  return one(infinite & (x != x));
}

constexpr Operator table[] = {
    {"Abs", unary<chainrule::abs>},
    {"Acos", unary<chainrule::acos>},
    {"Acosh", unary<chainrule::acosh>},
    {"Add", binary<add>},
    {"And", binary<logical_and>},
    {"Asin", unary<chainrule::asin>},
    {"Asinh", unary<chainrule::asinh>},
    {"Atan", unary<chainrule::atan>},
    {"Atanh", unary<chainrule::atanh>},
    {"Ceil", unary<chainrule::ceil>},
    {"Clip", clip},
    {"Cos", unary<chainrule::cos>},
    {"Cosh", unary<chainrule::cosh>},
    {"Div", divide},
    {"Equal", binary<equal>},
    {"Erf", unary<chainrule::erf>},
    {"Exp", unary<chainrule::exp>},
    {"Floor", unary<chainrule::floor>},
    {"Greater", binary<greater>},
    {"GreaterOrEqual", binary<greater_equal>},
    {"IsInf", is_infinite},
    {"IsNaN", unary<chainrule::isnan>},
    {"Less", binary<less>},
    {"LessOrEqual", binary<less_equal>},
    {"Log", unary<chainrule::log>},
    {"Max", variadic<maximum>},
    {"Mean", mean_of_all},
    {"Min", variadic<minimum>},
    {"Mod", modulo},
    {"Mul", binary<mul>},
    {"Neg", unary<neg>},
    {"Not", unary<logical_not>},
    {"Or", binary<logical_or>},
    {"Pow", power},
    {"Reciprocal", unary<reciprocal>},
    {"Round", round_to_even},
    {"Sign", unary<sign>},
    {"Sin", unary<chainrule::sin>},
    {"Sinh", unary<chainrule::sinh>},
    {"Sqrt", unary<chainrule::sqrt>},
    {"Sub", binary<sub>},
    {"Sum", sum_of_all},
    {"Tan", unary<chainrule::tan>},
    {"Tanh", unary<chainrule::tanh>},
    {"Xor", binary<logical_xor>},
};

}  // namespace

std::span<const Operator> arithmetic_operators() { return table; }

}  // namespace chainrule::onnx
