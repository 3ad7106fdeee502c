// Rounding, remainders, and what treats signs, zeros, NaN and infinities of numbers. Gradients are 0 or those
// of the part that is not rounded, as PyTorch has them.

#include "chainrule/functions.h"
#include "graph/traced.h"
#include "kernels/repeated.h"
#include "ops/functions/activations.h"
#include "ops/functions/packed_loops.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Constant between its jumps.
template <class Op>
struct Rounding : ByNumber<Op> {
  static constexpr Reads read = 0;
  static Tensor slope(const Tensor& x, const Tensor&) { return zeros_like(x); }
  void vjp(Inputs in, const Tensor& y, const Tensor& g, Cotangents& to) const {
    if (!to.in_numbers()) return ByNumber<Op>::vjp(in, y, g, to);
    if (to.wants(0))  // one 0 for all
      to[0] = constant(kernels::repeated(value_of(scalar(0, g.dtype())), g.shape()));
  }
};

struct Floor : Rounding<Floor> {
  using Wide = RoundingPacks;
  static constexpr auto which = special::Direction::down;
  static constexpr std::string_view name = "floor", formula = "∂⌊x⌋/∂x = 0";
  static double value(double x) { return std::floor(x); }
};
struct Ceil : Rounding<Ceil> {
  using Wide = RoundingPacks;
  static constexpr auto which = special::Direction::up;
  static constexpr std::string_view name = "ceil", formula = "∂⌈x⌉/∂x = 0";
  static double value(double x) { return std::ceil(x); }
};
struct Trunc : Rounding<Trunc> {
  using Wide = RoundingPacks;
  static constexpr auto which = special::Direction::to_0;
  static constexpr std::string_view name = "trunc", formula = "∂trunc(x)/∂x = 0";
  static double value(double x) { return std::trunc(x); }
};
struct Round : Rounding<Round> {
  using Wide = RoundingPacks;
  static constexpr auto which = special::Direction::nearest;
  static constexpr std::string_view name = "round", formula = "∂round(x)/∂x = 0";
  static double value(double x) { return std::nearbyint(x); }  // ties to even
};

/// Do both have at most 32 bits, and no sign, and is b not 0? Dividing these takes half as long.
bool are_short(std::int64_t a, std::int64_t b) {
  return (static_cast<std::uint64_t>(a) | static_cast<std::uint64_t>(b)) >> 32 == 0 && b != 0;
}

/// a - b n for a whole number n.
template <class Op>
struct Remaining : ByNumber<Op, 2> {
  static constexpr bool integers = true, slope_a_is_1 = true;
  static constexpr Reads read_a = 0;
};

struct Remainder : Remaining<Remainder> {
  static constexpr auto pair = special::Pair::remainder, pair_of_int64 = special::Pair::remainder_of_int64;
  static constexpr std::string_view name = "remainder", formula = "∂remainder(a, b)/∂a = 1,  ∂/∂b = −⌊a / b⌋";
  static double value(double a, double b) {
    const double left = std::fmod(a, b);
    if (left == 0) return std::copysign(0.0, b);
    return (left < 0) == (b < 0) ? left : left + b;
  }
  static std::int64_t on_integers(std::int64_t a, std::int64_t b) {
    if (are_short(a, b)) return static_cast<std::uint32_t>(a) % static_cast<std::uint32_t>(b);
    if (b == 0 || b == -1) return 0;  // -2⁶³ by -1 is undefined in C++
    const std::int64_t left = a % b;
    return left == 0 || (left < 0) == (b < 0) ? left : left + b;
  }
  static Tensor slope_b(const Tensor& a, const Tensor& b, const Tensor&) { return -floor_divide(a, b); }
};

struct Fmod : Remaining<Fmod> {
  static constexpr auto pair = special::Pair::fmod, pair_of_int64 = special::Pair::fmod_of_int64;
  static constexpr std::string_view name = "fmod", formula = "∂fmod(a, b)/∂a = 1,  ∂/∂b = −trunc(a / b)";
  static double value(double a, double b) { return std::fmod(a, b); }
  static std::int64_t on_integers(std::int64_t a, std::int64_t b) { return b == 0 || b == -1 ? 0 : a % b; }
  static Tensor slope_b(const Tensor& a, const Tensor& b, const Tensor&) { return -trunc(a / b); }
};

struct FloorDivide : ByNumber<FloorDivide, 2> {
  static constexpr bool integers = true;
  static constexpr std::string_view name = "floor_divide", formula = "∂⌊a / b⌋/∂a = 0,  ∂/∂b = 0";
  static constexpr Reads read_a = 0, read_b = 0;
  static constexpr auto pair = special::Pair::floor_divide,
                        pair_of_int64 = special::Pair::floor_divide_of_int64;
  /// As Python and NumPy have it: by way of the remainder, as a/b may have been rounded up.
  static double value(double a, double b) {
    if (b == 0) return a / b;
    const double left = std::fmod(a, b);
    const double quotient = (a - left) / b - (left != 0 && (left < 0) != (b < 0) ? 1 : 0);
    return quotient == 0 ? std::copysign(0.0, a / b) : std::nearbyint(quotient);
  }
  static std::int64_t on_integers(std::int64_t a, std::int64_t b) {
    if (are_short(a, b)) return static_cast<std::uint32_t>(a) / static_cast<std::uint32_t>(b);
    if (b == 0) return 0;
    if (b == -1) return static_cast<std::int64_t>(-Wrapping(a));
    const std::int64_t quotient = a / b, left = a - quotient * b;
    return quotient - (left != 0 && (a < 0) != (b < 0) ? 1 : 0);
  }
  static Tensor slope_a(const Tensor&, const Tensor&, const Tensor& y) { return zeros_like(y); }
  static Tensor slope_b(const Tensor&, const Tensor&, const Tensor& y) { return zeros_like(y); }
};

struct Copysign : ByNumber<Copysign, 2> {
  static constexpr std::string_view name = "copysign",
                                    formula = "∂copysign(a, b)/∂a = sign(a) · copysign(1, b),  ∂/∂b = 0";
  static constexpr Reads read_b = 0;
  static constexpr auto pair = special::Pair::copysign;
  static double value(double a, double b) { return std::copysign(a, b); }
  static Tensor slope_a(const Tensor& a, const Tensor& b, const Tensor&) { return sign(a) * copysign(1, b); }
  static Tensor slope_b(const Tensor&, const Tensor&, const Tensor& y) { return zeros_like(y); }
};

/// A whole number stays as it is.
template <class Op>
Tensor rounded(const Operand& x) {
  const DType dtype = dtype_of(x);
  return is_floating(dtype) ? unary<Op>(x) : x.as(number_dtype(dtype));
}

/// Of floats.
struct Heaviside : ByNumber<Heaviside, 2> {
  static constexpr std::string_view name = "heaviside",
                                    formula = "∂H(a, b)/∂a = 0,  ∂/∂b = 1 if a = 0 else 0";
  static constexpr Reads read_a = 0, read_b = reads_input(0);
  static constexpr auto pair = special::Pair::heaviside;
  static double value(double a, double b) { return a == 0 ? b : a < 0 ? 0 : a > 0 ? 1 : a; }
  static Tensor slope_a(const Tensor&, const Tensor&, const Tensor& y) { return zeros_like(y); }
  static Tensor slope_b(const Tensor& a, const Tensor&, const Tensor&) { return cast(a == 0, a.dtype()); }
};

}  // namespace
}  // namespace ops

double special::quotient_of(double a, double b, double which) {
  const auto is = [&](Pair one) { return which == static_cast<double>(one); };
  return is(Pair::fmod)        ? ops::Fmod::value(a, b)
         : is(Pair::remainder) ? ops::Remainder::value(a, b)
                               : ops::FloorDivide::value(a, b);
}

std::int64_t special::whole_quotient_of(std::int64_t a, std::int64_t b, double which) {
  const auto is = [&](Pair one) { return which == static_cast<double>(one); };
  return is(Pair::fmod_of_int64)        ? ops::Fmod::on_integers(a, b)
         : is(Pair::remainder_of_int64) ? ops::Remainder::on_integers(a, b)
                                        : ops::FloorDivide::on_integers(a, b);
}

namespace ops {

Entries rounding_operations() {
  static constexpr Entry table[] = {
      {.name = Floor::name,
       .parameters = one_input,
       .call = call<chainrule::floor>,
       .formula = Floor::formula,
       .example = "floor([1.5, -1.5])"},
      {.name = Ceil::name,
       .parameters = one_input,
       .call = call<chainrule::ceil>,
       .formula = Ceil::formula,
       .example = "ceil([1.5, -1.5])"},
      {.name = Trunc::name,
       .parameters = one_input,
       .call = call<chainrule::trunc>,
       .formula = Trunc::formula,
       .aliases = "fix",
       .example = "trunc([1.5, -1.5])"},
      {.name = Round::name,
       .parameters = "x|a|input, decimals=0",
       .call = call<chainrule::round>,
       .formula = Round::formula,
       .aliases = "around rint",
       .example = "round([1.25, 2.5], 1)",
       .note = "ties go to the even number"},
      {.name = Remainder::name,
       .parameters = two_inputs,
       .call = call<chainrule::remainder>,
       .formula = Remainder::formula,
       .aliases = "mod",
       .example = "remainder([7, -7], 3)",
       .note = "of b's sign, as Python's %; integers by 0 give 0"},
      {.name = Fmod::name,
       .parameters = two_inputs,
       .call = call<chainrule::fmod>,
       .formula = Fmod::formula,
       .example = "fmod([7, -7], 3)",
       .note = "of a's sign, as C's; integers by 0 give 0"},
      {.name = FloorDivide::name,
       .parameters = two_inputs,
       .call = call<floor_divide>,
       .formula = FloorDivide::formula,
       .example = "floor_divide([7, -7], 3)",
       .note = "integers by 0 give 0"},
      {.name = Copysign::name,
       .parameters = two_inputs,
       .call = call<chainrule::copysign>,
       .formula = Copysign::formula,
       .example = "copysign(2, [3, -0.0])",
       .note = "derivative 0 at a = 0"},
      {.name = "heaviside",
       .parameters = "x|x1|input, values|x2",
       .call = call<heaviside>,
       .formula = "∂H(x, v)/∂x = 0,  ∂/∂v = 1 if x = 0 else 0",
       .example = "heaviside([-1, 0, 1], 0.5)"},
      {.name = "isnan",
       .parameters = one_input,
       .call = call<chainrule::isnan>,
       .formula = "piecewise constant: no gradient",
       .example = "isnan([1, nan])",
       .differentiable = false},
      {.name = "isinf",
       .parameters = one_input,
       .call = call<chainrule::isinf>,
       .formula = "piecewise constant: no gradient",
       .example = "isinf([1, -inf])",
       .differentiable = false},
      {.name = "isposinf",
       .parameters = one_input,
       .call = call<isposinf>,
       .formula = "piecewise constant: no gradient",
       .example = "isposinf([1, -inf, inf])",
       .differentiable = false},
      {.name = "isneginf",
       .parameters = one_input,
       .call = call<isneginf>,
       .formula = "piecewise constant: no gradient",
       .example = "isneginf([1, -inf, inf])",
       .differentiable = false},
      {.name = "signbit",
       .parameters = one_input,
       .call = call<chainrule::signbit>,
       .formula = "piecewise constant: no gradient",
       .example = "signbit([1, -2, -0.0])",
       .differentiable = false},
      {.name = "fmax",
       .parameters = two_inputs,
       .call = call<chainrule::fmax>,
       .formula = "as maximum, but of what is not NaN",
       .example = "fmax([1, nan], 3)"},
      {.name = "fmin",
       .parameters = two_inputs,
       .call = call<chainrule::fmin>,
       .formula = "as minimum, but of what is not NaN",
       .example = "fmin([1, nan], 3)"},
      {.name = "isfinite",
       .parameters = one_input,
       .call = call<chainrule::isfinite>,
       .formula = "piecewise constant: no gradient",
       .example = "isfinite([1, nan, inf])",
       .differentiable = false},
      {.name = "nan_to_num",
       .parameters = "x|input, nan=0.0, posinf=None, neginf=None",
       .call = call<nan_to_num>,
       .formula = "∂nan_to_num(x)/∂x = 1 if x is finite else 0",
       .example = "nan_to_num([1, nan], nan=2)"},
  };
  return table;
}

}  // namespace ops

Tensor floor(const Operand& x) { return ops::rounded<ops::Floor>(x); }
Tensor ceil(const Operand& x) { return ops::rounded<ops::Ceil>(x); }
Tensor trunc(const Operand& x) { return ops::rounded<ops::Trunc>(x); }
Tensor round(const Operand& x, Integer decimals) try {
  if (decimals == 0 || (decimals > 0 && !is_floating(ops::dtype_of(x)))) return ops::rounded<ops::Round>(x);
  if (!is_floating(ops::dtype_of(x)))
    throw DTypeError("round: negative decimals are for floats, not " +
                     std::string(to_string(ops::dtype_of(x))) + "; cast to float64 first");
  const DType dtype = ops::dtype_of(x);
  const Tensor in = x.as(computed_in(dtype));  // a half has no digits left for the power
  const int most =
      dispatch_stored(in.dtype(), []<class T>() { return std::numeric_limits<T>::max_exponent10; });
  const double power = std::pow(10.0, std::min(std::abs(static_cast<double>(decimals)), most + 0.0));
  if (decimals < 0) return Operand(round({in / power, x.here()}) * power).as(dtype);
  return Operand(ops::round_to_decimals({in, x.here()}, power)).as(dtype);
} catch (...) {
  rethrow_in_call("round", x);
}

Tensor remainder(const Operand& a, const Operand& b) { return ops::binary<ops::Remainder>(a, b); }
Tensor fmod(const Operand& a, const Operand& b) { return ops::binary<ops::Fmod>(a, b); }
Tensor floor_divide(const Operand& a, const Operand& b) { return ops::binary<ops::FloorDivide>(a, b); }
Tensor copysign(const Operand& a, const Operand& b) { return ops::binary<ops::Copysign>(a, b); }

Tensor heaviside(const Operand& x, const Operand& values) try {
  const DType dtype = ops::common_dtype(x, values);
  if (is_floating(dtype))
    return apply(ops::Heaviside{}, x.here(), Argument(x, dtype), Argument(values, dtype));
  const Tensor in = x.as(dtype);
  return where(in == 0, values.as(dtype), where(in < 0, 0, where(in > 0, 1, in)));
} catch (...) {
  rethrow_in_call("heaviside", x, values);
}

Tensor isnan(const Operand& x) {
  const Tensor in = x.as_tensor();
  return not_equal({in, x.here()}, in);
}
Tensor isinf(const Operand& x) {
  const Tensor in = x.as_tensor();
  return is_floating(in.dtype()) ? abs(in.detach()) == ops::infinity : in != in;
}
Tensor isposinf(const Operand& x) { return equal({x.as_tensor(), x.here()}, ops::infinity); }
Tensor isneginf(const Operand& x) { return equal({x.as_tensor(), x.here()}, -ops::infinity); }
Tensor signbit(const Operand& x) {
  const Tensor in = x.as_tensor();
  return is_floating(in.dtype()) ? less({copysign(1, in.detach()), x.here()}, 0) : less({in, x.here()}, 0);
}

// Of two NaN, both take the other's place; of one, both are the other number, and each gets half of the
// gradient.
Tensor fmax(const Operand& a, const Operand& b) try {
  const DType dtype = ops::common_dtype(a, b);
  const Tensor x = a.as(dtype), y = b.as(dtype);
  return maximum({where(isnan(x), y, x), a.here()}, where(isnan(y), x, y));
} catch (...) {
  rethrow_in_call("fmax", a, b);
}
Tensor fmin(const Operand& a, const Operand& b) try {
  const DType dtype = ops::common_dtype(a, b);
  const Tensor x = a.as(dtype), y = b.as(dtype);
  return minimum({where(isnan(x), y, x), a.here()}, where(isnan(y), x, y));
} catch (...) {
  rethrow_in_call("fmin", a, b);
}

Tensor isfinite(const Operand& x) {
  const Tensor in = x.as_tensor();
  return is_floating(in.dtype()) ? abs(in.detach()) < ops::infinity : in == in;
}

Tensor nan_to_num(const Operand& x, double nan, std::optional<double> posinf, std::optional<double> neginf) {
  Tensor in = x.as_tensor();
  if (!is_floating(in.dtype())) return in;
  if (!posinf && !neginf && in.dtype() == computed_in(in.dtype()))
    return ops::numbers_for_nan({in, x.here()}, nan);
  const double most =
      dispatch_stored(in.dtype(), []<class T>() { return convert<double>(std::numeric_limits<T>::max()); });
  const Tensor replaced = where(in == ops::infinity, posinf.value_or(most),
                                where(in == -ops::infinity, neginf.value_or(-most), in));
  return where({isnan(in), x.here()}, nan, replaced);
}

}  // namespace chainrule
