// The rows of the functions in chainrule/functions.h. References are the C library's functions of long
// double, and plain formulas where it has none.

#include "chainrule/functions.h"

#include <cmath>
#include <numbers>

#include "op_inputs.h"

namespace chainrule::test {
namespace {

using reference::Arrays;
using reference::Number;
using reference::Numbers;

constexpr Number pi = std::numbers::pi_v<Number>;
const Number infinity = std::numeric_limits<Number>::infinity(),
             nan = std::numeric_limits<Number>::quiet_NaN();

/// How a row differs from others.
struct Options {
  double lowest = -1e3, highest = 1e3;
  bool composed = false, sign_of_zero = true, differentiable = true;
  std::string derivative = "";
};
constexpr bool composed = true;

OpCase row(const std::string& operation, std::vector<Input> inputs,
           std::function<Tensor(const Arguments&)> call, reference::Scalar scalar, std::vector<Shapes> shapes,
           const Options& options) {
  return {.operation = operation,
          .inputs = std::move(inputs),
          .variants = {{"", std::move(call),
                        [scalar](const Arrays& in) { return reference::elementwise(scalar, in); },
                        std::move(shapes)}},
          .composed = options.composed,
          .derivative = options.derivative,
          .differentiable = options.differentiable,
          .tolerance = 4e-15,
          .scalar = scalar,
          .sign_of_zero = options.sign_of_zero,
          .lowest = options.lowest,
          .highest = options.highest};
}

OpCase unary(const std::string& operation, std::function<Tensor(const Operand&)> function,
             Number (*scalar)(Number), const Input& input, const Options& options = {}) {
  return row(
      operation, {input}, [=](const Arguments& in) { return function(in[0]); },
      [=](const Numbers& in) { return scalar(in[0]); }, {{{}}, {{2, 3}}, {{0, 3}}}, options);
}

OpCase binary(const std::string& operation, Tensor (*function)(const Operand&, const Operand&),
              Number (*scalar)(Number, Number), const Input& a, const Input& b, const Options& options = {}) {
  return row(
      operation, {a, b}, [=](const Arguments& in) { return function(in[0], in[1]); },
      [=](const Numbers& in) { return scalar(in[0], in[1]); }, {{{}, {}}, {{2, 3}, {3}}, {{0, 3}, {1, 3}}},
      options);
}

// ---- References ----------------------------------------------------------------------------------------

Number sigmoid_of(Number x) { return 1 / (1 + std::exp(-x)); }
Number between_of(Number x, Number low, Number high) { return x < low ? low : x > high ? high : x; }

Number remainder_of(Number a, Number b) {
  const Number left = std::fmod(a, b);
  return left == 0 ? std::copysign(Number(0), b) : (left < 0) != (b < 0) ? left + b : left;
}
Number floor_divide_of(Number a, Number b) {
  if (std::isinf(b) && std::isfinite(a)) return a != 0 && (a < 0) != (b < 0) ? -1 : 0;
  return b == 0 ? a / b : std::round((a - remainder_of(a, b)) / b);
}

/// By the continued fraction of tanh, where the difference would lose digits.
Number tanhshrink_of(Number x) {
  if (std::abs(x) > 2) return x - std::tanh(x);
  Number fraction = 0;
  for (int odd = 51; odd > 1; odd -= 2) fraction = x * x / (static_cast<Number>(odd) + fraction);
  return x * fraction / (1 + fraction);
}

Number sinc_of(Number x) {
  Number r = std::remainder(x, Number(2));
  if (std::abs(r) > 0.5L) r = std::copysign(1, r) - r;
  return x == 0 ? 1 : std::sin(pi * r) / (pi * x);
}

/// By bisection.
Number erfinv_of(Number x) {
  if (!(std::abs(x) < 1) || x == 0) return x == 0 ? x : std::abs(x) == 1 ? x * infinity : nan;
  Number low = 0, high = 10;
  for (int i = 0; i < 100; ++i) {
    const Number middle = (low + high) / 2, size = std::abs(x);
    const bool below = size < 0.5L ? std::erf(middle) < size : std::erfc(middle) > 1 - size;
    (below ? low : high) = middle;
  }
  return std::copysign(low, x);
}

/// From far out, where a few terms are enough, in steps of 1.
Number digamma_of(Number x) {
  if (x == 0) return -1 / x;
  if (x < 0) return x == std::floor(x) ? nan : digamma_of(1 - x) - pi / std::tan(pi * (x - std::round(x)));
  Number sum = 0;
  for (; x < 1000; ++x) sum -= 1 / x;
  return sum + std::log(x) - 1 / (2 * x) - 1 / (12 * x * x) + 1 / (120 * x * x * x * x);
}
Number polygamma_of(int n, Number x) {
  Number sum = 0, factorial = 1;
  for (int i = 2; i <= n; ++i) factorial *= i;
  for (; x < 1000; ++x) sum += factorial * std::pow(x, -n - 1);
  sum += factorial * std::pow(x, -n) * (1 / Number(n) + 1 / (2 * x) + (n + 1) / (12 * x * x));
  return n % 2 == 1 ? sum : -sum;
}

// ---- Rows ------------------------------------------------------------------------------------------------

std::vector<OpCase> elementary() {
  return {
      unary("reciprocal", reciprocal, [](Number x) { return 1 / x; }, between(0.5, 2),
            {.composed = composed}),
      unary("rsqrt", rsqrt, [](Number x) { return 1 / std::sqrt(x); }, between(0.5, 2), {1e-300, 1e300}),
      unary(
          "cbrt", cbrt, [](Number x) { return std::cbrt(x); }, between(0.5, 2)),
      unary("exp2", exp2, [](Number x) { return std::exp2(x); }, between(-2, 2), {-1000, 120}),
      unary("log2", log2, [](Number x) { return std::log2(x); }, between(0.3, 2), {1e-300, 1e300}),
      unary("log10", log10, [](Number x) { return std::log10(x); }, between(0.3, 2), {1e-300, 1e300}),
      binary("xlogy", xlogy,
             [](Number x, Number y) { return x == 0 && !std::isnan(y) ? 0 : x * std::log(y); },
             between(-2, 2), between(0.3, 2), {.composed = composed, .sign_of_zero = false}),
      binary("xlog1py", xlog1py,
             [](Number x, Number y) { return x == 0 && !std::isnan(y) ? 0 : x * std::log1p(y); },
             between(-2, 2), between(-0.7, 2), {.composed = composed, .sign_of_zero = false}),
      binary("logaddexp2", logaddexp2,
             [](Number a, Number b) { return std::log2(std::exp2(a) + std::exp2(b)); }, between(-2, 2),
             between(-2, 2), {.composed = composed}),
      binary(
          "hypot", hypot, [](Number a, Number b) { return std::hypot(a, b); }, between(0.5, 2),
          between(-2, -0.5)),
      unary(
          "logit", [](const Operand& x) { return logit(x); },
          [](Number x) { return std::log(x) - std::log1p(-x); }, between(0.25, 0.75), {1e-300, 0.9999}),
      unary(
          "tan", tan, [](Number x) { return std::tan(x); }, between(-1.2, 1.2)),
      unary("asin", asin, [](Number x) { return std::asin(x); }, between(-0.8, 0.8), {-1, 1}),
      unary("acos", acos, [](Number x) { return std::acos(x); }, between(-0.8, 0.8), {-1, 1}),
      unary(
          "atan", atan, [](Number x) { return std::atan(x); }, between(-2, 2)),
      binary(
          "atan2", atan2, [](Number a, Number b) { return std::atan2(a, b); }, between(-2, 2, {0}),
          between(0.3, 2)),
      unary("sinh", sinh, [](Number x) { return std::sinh(x); }, between(-2, 2), {-80, 80}),
      unary("cosh", cosh, [](Number x) { return std::cosh(x); }, between(-2, 2), {-80, 80}),
      unary(
          "asinh", asinh, [](Number x) { return std::asinh(x); }, between(-2, 2)),
      unary("acosh", acosh, [](Number x) { return std::acosh(x); }, between(1.3, 3), {1, 1e300}),
      unary("atanh", atanh, [](Number x) { return std::atanh(x); }, between(-0.8, 0.8), {-1, 1}),
      unary("deg2rad", deg2rad, [](Number x) { return x * pi / 180; }, between(-90, 90),
            {.composed = composed}),
      unary("rad2deg", rad2deg, [](Number x) { return x * 180 / pi; }, between(-2, 2),
            {.composed = composed}),
  };
}

OpCase polygamma_row() {
  const auto of_order = [](int n) {
    return Variant{"of order " + std::to_string(n),
                   [=](const Arguments& in) { return polygamma(n, in[0]); },
                   [=](const Arrays& in) {
                     return reference::elementwise([=](const Numbers& x) { return polygamma_of(n, x[0]); },
                                                   in);
                   },
                   {{{}}, {{2, 3}}, {{0, 3}}}};
  };
  return {.operation = "polygamma",
          .inputs = {between(0.7, 3)},
          .variants = {of_order(1), of_order(2), of_order(5)},
          .tolerance = 4e-15};
}

std::vector<OpCase> special() {
  return {
      unary("erf", erf, [](Number x) { return std::erf(x); }, between(-2, 2), {.derivative = "gaussian"}),
      unary("erfc", erfc, [](Number x) { return std::erfc(x); }, between(-2, 2), {-1e3, 26}),
      unary("erfinv", erfinv, erfinv_of, between(-0.7, 0.7),
            {.lowest = -1, .highest = 1, .derivative = "erfinv_slope"}),
      unary("ndtr", ndtr, [](Number x) { return std::erfc(-x / std::sqrt(Number(2))) / 2; }, between(-2, 2),
            {.lowest = -37, .highest = 37, .derivative = "half_gaussian"}),
      unary("lgamma", lgamma, [](Number x) { return std::lgamma(x); }, between(0.5, 4), {3, 1e300}),
      unary("digamma", digamma, digamma_of, between(0.5, 4), {2, 1e300}),
      unary("sinc", sinc, sinc_of, between(-4, 4), {.sign_of_zero = false}),
      polygamma_row(),
  };
}

std::vector<OpCase> rounding() {
  const Input fractions = between(-3, 3, {-3, -2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3});
  return {
      unary(
          "floor", floor, [](Number x) { return std::floor(x); }, fractions),
      unary(
          "ceil", ceil, [](Number x) { return std::ceil(x); }, fractions),
      unary(
          "trunc", trunc, [](Number x) { return std::trunc(x); }, fractions),
      unary(
          "round", [](const Operand& x) { return round(x); }, [](Number x) { return std::nearbyint(x); },
          fractions),
      binary("remainder", remainder, remainder_of, between(-3.8, -3.2), between(1.3, 1.5)),
      binary(
          "fmod", fmod, [](Number a, Number b) { return std::fmod(a, b); }, between(-3.8, -3.2),
          between(1.3, 1.5)),
      binary("floor_divide", floor_divide, floor_divide_of, between(-3.8, -3.2), between(1.3, 1.5),
             {.sign_of_zero = false}),
      unary(
          "frac", frac, [](Number x) { return x - std::trunc(x); }, between(-2, 2, {-1, 0, 1})),
      binary("fmax", fmax, [](Number a, Number b) { return std::fmax(a, b); }, distinct(), distinct(0.05),
             {.composed = composed, .sign_of_zero = false}),
      binary("fmin", fmin, [](Number a, Number b) { return std::fmin(a, b); }, distinct(), distinct(0.05),
             {.composed = composed, .sign_of_zero = false}),
      binary(
          "copysign", copysign, [](Number a, Number b) { return std::copysign(a, b); }, between(-2, 2, {0}),
          between(-2, 2, {0})),
      binary(
          "heaviside", heaviside,
          [](Number x, Number v) { return std::isnan(x) ? x
                                          : x == 0      ? v
                                                        : Number(x > 0); }, whole(-1, 1),
          between(-2, 2)),
      unary("isnan", isnan, [](Number x) -> Number { return std::isnan(x); }, whole(-2, 2),
            {.composed = composed, .differentiable = false}),
      unary("isinf", isinf, [](Number x) -> Number { return std::isinf(x); }, whole(-2, 2),
            {.composed = composed, .differentiable = false}),
      unary("isposinf", isposinf, [](Number x) -> Number { return x == infinity; }, whole(-2, 2),
            {.composed = composed, .differentiable = false}),
      unary("isneginf", isneginf, [](Number x) -> Number { return x == -infinity; }, whole(-2, 2),
            {.composed = composed, .differentiable = false}),
      unary("signbit", signbit, [](Number x) -> Number { return std::signbit(x); }, whole(-2, 2),
            {.composed = composed, .differentiable = false}),
      unary("isfinite", isfinite, [](Number x) -> Number { return std::isfinite(x); }, whole(-2, 2),
            {.composed = composed, .differentiable = false}),
      unary(
          "nan_to_num", [](const Operand& x) { return nan_to_num(x, 0.5, 7, -9); },
          [](Number x) { return std::isnan(x)   ? 0.5L
                                : std::isinf(x) ? (x > 0 ? 7 : -9)
                                                : x; },
          between(-2, 2), {.composed = composed}),
  };
}

OpCase lerp_row() {
  const reference::Scalar between_both = [](const Numbers& in) { return in[0] + in[2] * (in[1] - in[0]); };
  return {.operation = "lerp",
          .inputs = {between(-2, 2), between(-2, 2), between(-0.5, 1.5)},
          .variants = {{"",
                        [](const Arguments& in) { return lerp(in[0], in[1], in[2]); },
                        [=](const Arrays& in) { return reference::elementwise(between_both, in); },
                        {{{}, {}, {}}, {{2, 3}, {3}, {2, 1}}, {{3}, {2, 1}, {}}, {{0, 3}, {3}, {}}}}},
          .misuses = {
              {"sizes that differ", [] { lerp(blank({2}), blank({3}), blank({})); }, {"(2,)", "(3,)"}},
              {"a weight that differs", [] { lerp(blank({2}), blank({2}), blank({3})); }, {"(2,)", "(3,)"}}}};
}

std::vector<OpCase> activations() {
  return {
      unary("logsigmoid", logsigmoid,
            [](Number x) { return x < 0 ? x - std::log1p(std::exp(x)) : -std::log1p(std::exp(-x)); },
            between(-4, 4), {-1e3, 80, composed}),
      unary("silu", silu, [](Number x) { return x * sigmoid_of(x); }, between(-4, 4),
            {.lowest = -80, .highest = 1e3, .derivative = "gated_derivative"}),
      unary("mish", mish, [](Number x) { return x > 1e3 ? x : x * std::tanh(std::log1p(std::exp(x))); },
            between(-4, 4), {-80, 1e3}),
      unary(
          "softsign", softsign, [](Number x) { return x / (1 + std::abs(x)); }, between(-2, 2, {0})),
      unary("tanhshrink", tanhshrink, tanhshrink_of, between(-2, 2), {.sign_of_zero = false}),
      unary(
          "hardshrink", [](const Operand& x) { return hardshrink(x, 0.75); },
          [](Number x) { return std::abs(x) <= 0.75L ? 0 : x; }, between(-2, 2, {-0.75, 0.75})),
      unary(
          "softshrink", [](const Operand& x) { return softshrink(x); },
          [](Number x) { return x - between_of(x, -0.5L, 0.5L); }, between(-2, 2, {-0.5, 0.5})),
      unary(
          "threshold", [](const Operand& x) { return threshold(x, 0.5, -2); },
          [](Number x) { return x <= 0.5L ? -2 : x; }, between(-2, 2, {0.5})),
      unary(
          "elu", [](const Operand& x) { return elu(x, 1.5); },
          [](Number x) { return x > 0 ? x : 1.5L * std::expm1(x); }, between(-2, 2, {0})),
      unary("selu", selu,
            [](Number x) {
              return 1.0507009873554804934193349852946L *
                     (x > 0 ? x : 1.6732632423543772848170429916717L * std::expm1(x));
            },
            between(-2, 2, {0}), {.composed = composed}),
      unary(
          "celu", [](const Operand& x) { return celu(x, 2); },
          [](Number x) { return x > 0 ? x : 2 * std::expm1(x / 2); }, between(-2, 2, {0})),
      unary(
          "leaky_relu", [](const Operand& x) { return leaky_relu(x, 0.25); },
          [](Number x) { return x > 0 ? x : x / 4; }, between(-2, 2, {0})),
      unary(
          "hardtanh", [](const Operand& x) { return hardtanh(x); },
          [](Number x) { return between_of(x, -1, 1); }, between(-2, 2, {-1, 1})),
      unary("relu6", relu6, [](Number x) { return between_of(x, 0, 6); }, between(-2, 8, {0, 6}),
            {.composed = composed, .sign_of_zero = false}),
      unary(
          "hardsigmoid", hardsigmoid, [](Number x) { return between_of(x + 3, 0, 6) / 6; },
          between(-5, 5, {-3, 3})),
      unary("hardswish", hardswish, [](Number x) { return x * between_of(x + 3, 0, 6) / 6; },
            between(-5, 5, {-3, 3}), {.sign_of_zero = false}),
  };
}

OpCase gelu_row() {
  const auto by = [](const std::string& name, GeluApproximation approximate, Number (*share)(Number)) {
    return Variant{name,
                   [=](const Arguments& in) { return gelu(in[0], approximate); },
                   [=](const Arrays& in) {
                     return reference::elementwise([=](const Numbers& x) { return x[0] * share(x[0]); }, in);
                   },
                   {{{}}, {{2, 3}}, {{0, 3}}}};
  };
  return {.operation = "gelu",
          .inputs = {between(-4, 4)},
          .variants = {by("exactly", GeluApproximation::none,
                          [](Number x) { return (1 + std::erf(x / std::sqrt(Number(2)))) / 2; }),
                       by("by tanh", GeluApproximation::tanh,
                          [](Number x) {
                            return (1 + std::tanh(std::sqrt(2 / pi) * (x + 0.044715L * x * x * x))) / 2;
                          })},
          .composed = true};
}

OpCase glu_row() {
  return {.operation = "glu",
          .inputs = {between(-2, 2)},
          .variants = {{"along the last axis",
                        [](const Arguments& in) { return glu(in[0]); },
                        [](const Arrays& in) {
                          Shape shape = in[0].shape;
                          const std::size_t last = shape.rank() - 1;
                          shape[last] /= 2;
                          return reference::generate(shape, [&](reference::Position at) {
                            const Number a = reference::at(in[0], at);
                            at[last] += shape[last];
                            return a * sigmoid_of(reference::at(in[0], at));
                          });
                        },
                        {{{4}}, {{2, 6}}, {{0, 2}}, {{2, 0}}}}},
          .misuses = {{"an odd size",
                       [] {
                         glu(blank({2, 3}));
                       },
                       {"axis -1", "(2, 3)"}},
                      {"a scalar", [] { glu(blank({})); }, {"()"}}},
          .composed = true};
}

OpCase prelu_row() {
  const auto with = [](const std::string& name, const Shape& weight, std::vector<Shapes> shapes) {
    return Variant{name, [](const Arguments& in) { return prelu(in[0], in[1]); },
                   [=](const Arrays& in) {
                     return reference::elementwise(
                         [](const Numbers& x) { return x[0] > 0 ? x[0] : x[0] * x[1]; },
                         {in[0], reference::reshape(in[1], weight)});
                   },
                   std::move(shapes)};
  };
  return {.operation = "prelu",
          .inputs = {between(-2, 2, {0}), between(0.1, 0.5)},
          .variants = {with("with one weight", {}, {{{}, {}}, {{2, 3}, {}}, {{2, 3}, {1}}}),
                       with("with a weight for each channel", {3, 1}, {{{2, 3, 2}, {3}}, {{0, 3, 2}, {3}}})},
          .misuses = {{"weights for another axis",
                       [] {
                         prelu(blank({2, 3}), blank({2}));
                       },
                       {"(2,)", "(2, 3)"}},
                      {"weights for a vector", [] { prelu(blank({3}), blank({3})); }, {"(3,)"}},
                      {"a matrix of weights",
                       [] {
                         prelu(blank({2, 3}), blank({2, 3}));
                       },
                       {"(2, 3)"}}}};
}

}  // namespace

std::vector<OpCase> function_rows() {
  std::vector<OpCase> rows = elementary();
  for (const auto& more :
       {special(), rounding(), activations(), {lerp_row(), gelu_row(), glu_row(), prelu_row()}})
    rows.insert(rows.end(), more.begin(), more.end());
  return rows;
}

}  // namespace chainrule::test
