// Powers, logarithms, trigonometric and hyperbolic functions beyond those that networks need, which are in
// transcendental.cpp.

#include "chainrule/functions.h"

#include <numbers>

#include "ops/functions/curve.h"
#include "ops/functions/packed_loops.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
using std::numbers::ln10, std::numbers::ln2, std::numbers::pi;

struct Rsqrt {
  static constexpr bool cheap = true;
  static constexpr std::string_view name = "rsqrt", formula = "∂(1/√x)/∂x = −1 / (2 x √x)";
  static auto value(auto x) { return 1 / sqrt(x); }
  static constexpr auto vjp_x(auto x, auto g) { return g * (-1 / x / (2 * sqrt(x))); }
};

struct Cbrt : ByNumber<Cbrt> {
  static constexpr std::string_view name = "cbrt", formula = "∂∛x/∂x = 1 / (3 ∛x²)";
  static constexpr Reads read = reads_output;
  static double value(double x) {
    const double y = std::cbrt(x), square = y * y;
    // That of the C library is within a unit; one of Newton's steps leaves its rounding alone.
    const double step = (std::fma(square, y, -x) + std::fma(y, y, -square) * y) / (3 * square);
    return std::isfinite(step) ? y - step : y;
  }
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::cube_root;
  // The reciprocal is squared, not the root, as the slope of y² is 0 at 0 and would end further derivatives.
  static Tensor slope(const Tensor&, const Tensor& y) { return square(1 / y) / 3; }
};

struct Exp2 : ByNumber<Exp2> {
  static constexpr std::string_view name = "exp2", formula = "∂2ˣ/∂x = exp2(x) · log 2";
  static constexpr Reads read = reads_output;
  static double value(double x) { return std::exp2(x); }
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::exp2;
  static Tensor slope(const Tensor&, const Tensor& y) { return y * ln2; }
};

struct Log2 : ByNumber<Log2> {
  static constexpr std::string_view name = "log2", formula = "∂log2(x)/∂x = 1 / (x log 2)";
  static double value(double x) { return std::log2(x); }
  using Wide = LogarithmPacks;
  static constexpr auto which = special::Logarithm::of_base_2;
  static Tensor slope(const Tensor& x, const Tensor&) { return 1 / ln2 / x; }
};

struct Log10 : ByNumber<Log10> {
  static constexpr std::string_view name = "log10", formula = "∂log10(x)/∂x = 1 / (x log 10)";
  static double value(double x) { return std::log10(x); }
  using Wide = LogarithmPacks;
  static constexpr auto which = special::Logarithm::of_base_10;
  static Tensor slope(const Tensor& x, const Tensor&) { return 1 / ln10 / x; }
};

struct Logit : ByNumber<Logit> {
  static constexpr std::string_view name = "logit", formula = "∂logit(x)/∂x = 1 / (x (1 − x))";
  static double value(double x) {
    // Around ½ the logarithms would cancel, and 2x - 1 is exact.
    return std::abs(x - 0.5) < 0.25 ? 2 * std::atanh(2 * x - 1) : std::log(x) - std::log1p(-x);
  }
  using Wide = LogarithmPacks;
  static constexpr auto which = special::Logarithm::of_odds, which_slope = special::Logarithm::odds_slope;
  // Not 1 / (x (1 - x)), whose own slope near 0 is the difference of two infinities.
  static Tensor slope(const Tensor& x, const Tensor&) { return 1 / x + 1 / (1 - x); }
};

struct Hypot : ByNumber<Hypot, 2> {
  static constexpr std::string_view name = "hypot",
                                    formula = "∂√(a² + b²)/∂a = a / √(a² + b²),  ∂/∂b = b / √(a² + b²)";
  static constexpr Reads read_a = reads_input(0) | reads_input(1) | reads_output, read_b = read_a;
  static constexpr auto pair = special::Pair::hypot, pair_slope_a = special::Pair::hypot_slope_a,
                        pair_slope_b = special::Pair::hypot_slope_b;
  static double value(double a, double b) { return std::hypot(a, b); }
  static Tensor slope_a(const Tensor& a, const Tensor& b, const Tensor& y) { return share(a, b, y); }
  static Tensor slope_b(const Tensor& a, const Tensor& b, const Tensor& y) { return share(b, a, y); }

 private:
  static Tensor share(const Tensor& a, const Tensor& b, const Tensor& y) {
    const Tensor direction = sign(a);
    const Tensor of_infinities = where(isinf(b), direction * (std::numbers::sqrt2 / 2), direction);
    return where(y == infinity, where(isinf(a), of_infinities, 0), where(y == 0, 0, a / y));
  }
};

struct Tan : ByNumber<Tan> {
  static constexpr std::string_view name = "tan", formula = "∂tan(x)/∂x = 1 + tan(x)²";
  static constexpr Reads read = reads_output;
  static double value(double x) { return std::tan(x); }
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::tan;
  static Tensor slope(const Tensor&, const Tensor& y) { return 1 + square(y); }
};

/// 1 - x², with the digits of 1 - |x| near 1, and with those of its slope, -2x, near 0.
Tensor one_less_square(const Tensor& x) { return where(abs(x) < 0.5, 1 - square(x), (1 - x) * (1 + x)); }

struct Asin : ByNumber<Asin> {
  static constexpr std::string_view name = "asin", formula = "∂asin(x)/∂x = 1 / √((1 − x) (1 + x))";
  static double value(double x) { return std::asin(x); }
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::asin;
  static constexpr auto pair_of_float32 = special::Pair::asin;
  static Tensor slope(const Tensor& x, const Tensor&) { return 1 / sqrt(one_less_square(x)); }
};

struct Acos : ByNumber<Acos> {
  static constexpr std::string_view name = "acos", formula = "∂acos(x)/∂x = −1 / √((1 − x) (1 + x))";
  static double value(double x) { return std::acos(x); }
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::acos;
  static constexpr auto pair_of_float32 = special::Pair::acos;
  static Tensor slope(const Tensor& x, const Tensor&) { return -1 / sqrt(one_less_square(x)); }
};

struct Atan : ByNumber<Atan> {
  static constexpr std::string_view name = "atan", formula = "∂atan(x)/∂x = 1 / (1 + x²)";
  static double value(double x) { return std::atan(x); }
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::atan;
  static constexpr auto pair_of_float32 = special::Pair::atan;
  static Tensor slope(const Tensor& x, const Tensor&) { return 1 / (1 + square(x)); }
};

struct Atan2 : ByNumber<Atan2, 2> {
  static constexpr std::string_view name = "atan2",
                                    formula = "∂atan2(a, b)/∂a = b / (a² + b²),  ∂/∂b = −a / (a² + b²)";
  static double value(double a, double b) { return std::atan2(a, b); }
  static Tensor slope_a(const Tensor& a, const Tensor& b, const Tensor&) { return slope(b, hypot(a, b)); }
  static Tensor slope_b(const Tensor& a, const Tensor& b, const Tensor&) { return -slope(a, hypot(a, b)); }
  static constexpr auto pair = special::Pair::atan2, pair_slope_a = special::Pair::atan2_slope_a,
                        pair_slope_b = special::Pair::atan2_slope_b;

 private:
  static Tensor slope(const Tensor& side, const Tensor& distance) {
    return where((distance == 0) | (distance == infinity), 0, side / distance / distance);
  }
};

struct Sinh : ByNumber<Sinh> {
  static constexpr std::string_view name = "sinh", formula = "∂sinh(x)/∂x = cosh(x)";
  static double value(double x) { return std::sinh(x); }
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::sinh;
  static Tensor slope(const Tensor& x, const Tensor&) { return cosh(x); }
};

struct Cosh : ByNumber<Cosh> {
  static constexpr std::string_view name = "cosh", formula = "∂cosh(x)/∂x = sinh(x)";
  static double value(double x) { return std::cosh(x); }
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::cosh;
  static Tensor slope(const Tensor& x, const Tensor&) { return sinh(x); }
};

struct Asinh : ByNumber<Asinh> {
  static constexpr std::string_view name = "asinh", formula = "∂asinh(x)/∂x = 1 / √(x² + 1)";
  static double value(double x) { return std::asinh(x); }
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::asinh;
  static Tensor slope(const Tensor& x, const Tensor&) { return 1 / hypot(x, 1); }
};

struct Acosh : ByNumber<Acosh> {
  static constexpr std::string_view name = "acosh", formula = "∂acosh(x)/∂x = 1 / (√(x − 1) √(x + 1))";
  static double value(double x) { return std::acosh(x); }
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::acosh;
  static Tensor slope(const Tensor& x, const Tensor&) { return rsqrt(x - 1) * rsqrt(x + 1); }
};

struct Atanh : ByNumber<Atanh> {
  static constexpr std::string_view name = "atanh", formula = "∂atanh(x)/∂x = 1 / ((1 − x) (1 + x))";
  static double value(double x) { return std::atanh(x); }
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::atanh;
  static Tensor slope(const Tensor& x, const Tensor&) { return 1 / one_less_square(x); }
};

}  // namespace

Entries function_operations() {
  static constexpr Entry table[] = {
      {.name = "reciprocal",
       .parameters = one_input,
       .call = call<reciprocal>,
       .formula = "∂(1/x)/∂x = −1/x²",
       .example = "reciprocal([1, 4])"},
      {.name = Rsqrt::name,
       .parameters = one_input,
       .call = call<rsqrt>,
       .formula = Rsqrt::formula,
       .example = "rsqrt([1, 4])"},
      {.name = Cbrt::name,
       .parameters = one_input,
       .call = call<chainrule::cbrt>,
       .formula = Cbrt::formula,
       .example = "cbrt([-8, 27])"},
      {.name = Exp2::name,
       .parameters = one_input,
       .call = call<chainrule::exp2>,
       .formula = Exp2::formula,
       .example = "exp2([-1, 10])"},
      {.name = Log2::name,
       .parameters = one_input,
       .call = call<chainrule::log2>,
       .formula = Log2::formula,
       .example = "log2([0.5, 1024])"},
      {.name = Log10::name,
       .parameters = one_input,
       .call = call<chainrule::log10>,
       .formula = Log10::formula,
       .example = "log10([0.1, 1000])"},
      {.name = "xlogy",
       .parameters = "x|x1|input, y|x2|other",
       .call = call<xlogy>,
       .formula = "∂(x log y)/∂x = log(y),  ∂/∂y = x/y",
       .example = "xlogy([0, 2], [0, 3])",
       .note = "0 where x = 0 and y is not positive and finite, and so are both derivatives"},
      {.name = "xlog1py",
       .parameters = "x|x1|input, y|x2|other",
       .call = call<xlog1py>,
       .formula = "∂(x log(1 + y))/∂x = log(1 + y),  ∂/∂y = x / (1 + y)",
       .example = "xlog1py([0, 2], [-1, 3])",
       .note = "0 where x = 0 and 1 + y is not positive and finite, and so are both derivatives"},
      {.name = Hypot::name,
       .parameters = two_inputs,
       .call = call<chainrule::hypot>,
       .formula = Hypot::formula,
       .example = "hypot(3, [4, 0])",
       .note = "derivative 0 at (0, 0); of infinite inputs, equal shares"},
      {.name = Logit::name,
       .parameters = "x|input, eps=None",
       .call = call<logit>,
       .formula = Logit::formula,
       .example = "logit([0.1, 0.5])"},
      {.name = Tan::name,
       .parameters = one_input,
       .call = call<chainrule::tan>,
       .formula = Tan::formula,
       .example = "tan([0, pi / 4])"},
      {.name = Asin::name,
       .parameters = one_input,
       .call = call<chainrule::asin>,
       .formula = Asin::formula,
       .aliases = "arcsin",
       .example = "asin([0, 0.5])"},
      {.name = Acos::name,
       .parameters = one_input,
       .call = call<chainrule::acos>,
       .formula = Acos::formula,
       .aliases = "arccos",
       .example = "acos([0, 0.5])"},
      {.name = Atan::name,
       .parameters = one_input,
       .call = call<chainrule::atan>,
       .formula = Atan::formula,
       .aliases = "arctan",
       .example = "atan([0, 1])"},
      {.name = Atan2::name,
       .parameters = two_inputs,
       .call = call<chainrule::atan2>,
       .formula = Atan2::formula,
       .aliases = "arctan2",
       .example = "atan2([1, -1], [-1, 1])",
       .note = "derivatives 0 at (0, 0) and where an input is infinite"},
      {.name = Sinh::name,
       .parameters = one_input,
       .call = call<chainrule::sinh>,
       .formula = Sinh::formula,
       .example = "sinh([0, 1])"},
      {.name = Cosh::name,
       .parameters = one_input,
       .call = call<chainrule::cosh>,
       .formula = Cosh::formula,
       .example = "cosh([0, 1])"},
      {.name = Asinh::name,
       .parameters = one_input,
       .call = call<chainrule::asinh>,
       .formula = Asinh::formula,
       .aliases = "arcsinh",
       .example = "asinh([0, 1])"},
      {.name = Acosh::name,
       .parameters = one_input,
       .call = call<chainrule::acosh>,
       .formula = Acosh::formula,
       .aliases = "arccosh",
       .example = "acosh([1, 2])"},
      {.name = Atanh::name,
       .parameters = one_input,
       .call = call<chainrule::atanh>,
       .formula = Atanh::formula,
       .aliases = "arctanh",
       .example = "atanh([0, 0.5])"},
      {.name = "deg2rad",
       .parameters = one_input,
       .call = call<deg2rad>,
       .formula = "∂(x π/180)/∂x = π/180",
       .aliases = "radians",
       .example = "deg2rad([0, 180])"},
      {.name = "rad2deg",
       .parameters = one_input,
       .call = call<rad2deg>,
       .formula = "∂(x 180/π)/∂x = 180/π",
       .aliases = "degrees",
       .example = "rad2deg([0, pi])"},
  };
  return table;
}

}  // namespace ops

Tensor reciprocal(const Operand& x) { return div({1, x.here()}, x); }
Tensor rsqrt(const Operand& x) { return ops::curve<ops::Rsqrt>(x); }
Tensor cbrt(const Operand& x) { return ops::unary<ops::Cbrt>(x); }
Tensor exp2(const Operand& x) { return ops::unary<ops::Exp2>(x); }
Tensor log2(const Operand& x) { return ops::unary<ops::Log2>(x); }
Tensor log10(const Operand& x) { return ops::unary<ops::Log10>(x); }
Tensor hypot(const Operand& a, const Operand& b) { return ops::binary<ops::Hypot>(a, b); }

namespace ops {

/// x log(y - zero), and 0 where x is unless y is NaN.
static Tensor times_logarithm(const Operand& x, const Operand& y, double zero,
                              Tensor (*log)(const Operand&)) {
  const DType dtype = real_dtype(common_dtype(x, y));
  const Tensor factor = x.as(dtype), argument = y.as(dtype);
  const Tensor vanishes = (factor == 0) & ((argument <= zero) | (argument == infinity));
  return mul({factor, x.here()}, log(where(vanishes, 1, argument)));
}

}  // namespace ops

Tensor xlogy(const Operand& x, const Operand& y) try {
  return ops::times_logarithm(x, y, 0, log);
} catch (...) {
  rethrow_in_call("xlogy", x, y);
}
Tensor xlog1py(const Operand& x, const Operand& y) try {
  return ops::times_logarithm(x, y, -1, log1p);
} catch (...) {
  rethrow_in_call("xlog1py", x, y);
}

Tensor logit(const Operand& x, std::optional<double> eps) {
  if (!eps) return ops::unary<ops::Logit>(x);
  const DType dtype = ops::real_dtype(ops::dtype_of(x));
  const Tensor wide = x.as(computed_in(dtype));  // in a half, 1 - eps may be 1
  return Operand(ops::unary<ops::Logit>({clamp({wide, x.here()}, *eps, 1 - *eps), x.here()})).as(dtype);
}

Tensor tan(const Operand& x) { return ops::unary<ops::Tan>(x); }
Tensor asin(const Operand& x) { return ops::unary<ops::Asin>(x); }
Tensor acos(const Operand& x) { return ops::unary<ops::Acos>(x); }
Tensor atan(const Operand& x) { return ops::unary<ops::Atan>(x); }
Tensor atan2(const Operand& a, const Operand& b) { return ops::binary<ops::Atan2>(a, b); }
Tensor sinh(const Operand& x) { return ops::unary<ops::Sinh>(x); }
Tensor cosh(const Operand& x) { return ops::unary<ops::Cosh>(x); }
Tensor asinh(const Operand& x) { return ops::unary<ops::Asinh>(x); }
Tensor acosh(const Operand& x) { return ops::unary<ops::Acosh>(x); }
Tensor atanh(const Operand& x) { return ops::unary<ops::Atanh>(x); }
Tensor deg2rad(const Operand& x) { return mul({ops::real(x), x.here()}, ops::pi / 180); }
Tensor rad2deg(const Operand& x) { return mul({ops::real(x), x.here()}, 180 / ops::pi); }

}  // namespace chainrule
