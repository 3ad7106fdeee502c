// Functions that consist of straight lines: activations, and what replaces numbers by others or leaves a
// part. Where two lines meet, slopes are PyTorch's.

#include <cmath>
#include <limits>

#include "array/number_text.h"
#include "chainrule/functions.h"
#include "ops/functions/activations.h"
#include "ops/functions/curve.h"
#include "ops/functions/packs.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

using rules::where;  // of numbers

constexpr double infinity = std::numeric_limits<double>::infinity();

/// x between two numbers; NaN stays.
auto held(auto x, auto low, auto high) { return where(x < low, low, where(x > high, high, x)); }

struct LeakyRelu {
  static constexpr bool cheap = true;
  static constexpr std::string_view name = "leaky_relu",
                                    formula = "∂leaky_relu(x)/∂x = 1 if x > 0 else the negative slope";
  static constexpr std::array<std::string_view, 1> numbers = {"negative_slope"};
  static auto value(auto x, auto slope) { return where(x > 0, x, slope * x); }
  static constexpr auto vjp_x(auto x, auto slope, auto g) { return where(x > 0, g, g * slope); }
};

/// The same with a slope that is learned.
struct Prelu : ElementwiseOp<Prelu, 2> {
  static constexpr bool cheap = true;
  static constexpr std::string_view name = "prelu",
                                    formula =
                                        "∂prelu(a, b)/∂a = 1 if a > 0 else b,  ∂/∂b = 0 if a > 0 else a";
  static auto value(auto a, auto b) { return where(a > 0, a, b * a); }
  static constexpr auto vjp_a(auto a, auto b, auto, auto g) { return where(a > 0, g, g * b); }
  static constexpr auto vjp_b(auto a, auto, auto, auto g) { return where(a > 0, 0, g * a); }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    return spelled_out(formula, input, names);
  }
};

struct Hardtanh {
  static constexpr bool cheap = true;
  static constexpr std::string_view name = "hardtanh",
                                    formula = "∂hardtanh(x)/∂x = 1 if low < x < high else 0";
  static constexpr std::array<std::string_view, 2> numbers = {"low", "high"};
  static auto value(auto x, auto low, auto high) { return held(x, low, high); }
  static constexpr auto vjp_x(auto x, auto low, auto high, auto g) {
    return where(x <= low, 0, where(x >= high, 0, g));
  }
};

/// The same between 0 and 6.
constexpr Curve relu6_curve = [] {
  Curve curve = curve_of<Hardtanh>;
  curve.name = "relu6";
  curve.formula = "∂relu6(x)/∂x = 1 if 0 < x < 6 else 0";
  return curve;
}();

struct Hardsigmoid {
  static constexpr bool cheap = true;
  static constexpr std::string_view name = "hardsigmoid",
                                    formula = "∂hardsigmoid(x)/∂x = 1/6 if −3 < x < 3 else 0";
  static auto value(auto x) { return held(x + 3, decltype(x)(0), decltype(x)(6)) * (1.0 / 6); }
  static constexpr auto vjp_x(auto x, auto g) { return where(x <= -3, 0, where(x >= 3, 0, g / 6)); }
};

struct Hardswish {
  static constexpr bool cheap = true;
  static constexpr std::string_view
      name = "hardswish",
      formula = "∂hardswish(x)/∂x = (2x + 3) / 6 if −3 < x < 3 else (1 if x ≥ 3 else 0)";
  static auto value(auto x) { return x * Hardsigmoid::value(x); }
  static constexpr auto vjp_x(auto x, auto g) {
    return where(x <= -3, 0, where(x >= 3, g, g * ((2 * x + 3) / 6)));
  }
};

struct Hardshrink {
  static constexpr bool cheap = true;
  static constexpr std::string_view name = "hardshrink", formula = "∂hardshrink(x)/∂x = 1 if |x| > λ else 0";
  static constexpr std::array<std::string_view, 1> numbers = {"lambda"};
  static auto value(auto x, auto lambda) { return where(abs(x) <= lambda, 0, x); }
  static constexpr auto vjp_x(auto x, auto lambda, auto g) { return where(abs(x) <= lambda, 0, g); }
};

struct Softshrink {
  static constexpr bool cheap = true;
  static constexpr std::string_view name = "softshrink", formula = "∂softshrink(x)/∂x = 1 if |x| > λ else 0";
  static constexpr std::array<std::string_view, 1> numbers = {"lambda"};
  static auto value(auto x, auto lambda) { return x - held(x, -lambda, lambda); }
  static constexpr auto vjp_x(auto x, auto lambda, auto g) { return where(abs(x) <= lambda, 0, g); }
};

struct Threshold {
  static constexpr bool cheap = true;
  static constexpr std::string_view name = "threshold",
                                    formula = "∂threshold(x)/∂x = 1 if x > the threshold else 0";
  static constexpr std::array<std::string_view, 2> numbers = {"threshold", "value"};
  static auto value(auto x, auto threshold, auto replacement) {
    return where(x <= threshold, replacement, x);
  }
  static constexpr auto vjp_x(auto x, auto threshold, auto, auto g) { return where(x <= threshold, 0, g); }
};

/// With the largest number of the dtype, which takes the place of infinity.
struct NanToNum {
  static constexpr bool cheap = true;
  static constexpr std::string_view name = "nan_to_num",
                                    formula = "∂nan_to_num(x)/∂x = 1 if x is finite else 0";
  static constexpr std::array<std::string_view, 2> numbers = {"nan", "most"};
  static auto value(auto x, auto nan, auto most) { return where(x == x, held(x, -most, most), nan); }
  static constexpr auto vjp_x(auto x, auto, auto, auto g) { return where(abs(x) < infinity, g, 0); }
};

struct Frac {
  static constexpr bool cheap = true;
  static constexpr std::string_view name = "frac", formula = "∂(x − trunc(x))/∂x = 1";
  static auto value(auto x) { return x - special::towards_0(x); }
  static constexpr auto vjp_x(auto, auto g) { return g; }
};

struct RoundToDecimals {
  static constexpr std::string_view name = "round_to_decimals", formula = "∂round(x)/∂x = 0";
  static constexpr std::array<std::string_view, 1> numbers = {"power"};
  static auto value(auto x, auto power) {
    const auto scaled = x * power;  // has no decimals where it overflows
    return where(abs(scaled) < infinity, special::nearest(scaled) / power, x);
  }
  static constexpr auto vjp_x(auto, auto, auto g) { return g * 0; }
};

}  // namespace

Tensor numbers_for_nan(const Operand& x, double nan) {
  const double most = dispatch_floating(
      dtype_of(x), []<class T>() { return static_cast<double>(std::numeric_limits<T>::max()); });
  return curve<NanToNum>(x, nan, most);
}
Tensor round_to_decimals(const Operand& x, double power) { return curve<RoundToDecimals>(x, power); }

/// Of a bound that must not be negative.
template <class Op>
Tensor shrunk(const Operand& x, double lambda) try {
  if (!(lambda >= 0))
    throw ArgumentError(std::string(Op::name) + ": lambda is " + number_text(lambda) +
                        "; it bounds |x|, so give one that is not negative");
  return curve<Op>(x, lambda);
} catch (...) {
  rethrow_in_call(Op::name, x);
}

Entries piecewise_operations() {
  static constexpr Entry table[] = {
      {.name = "leaky_relu",
       .parameters = "x|input, negative_slope=0.01",
       .call = call<leaky_relu>,
       .formula = LeakyRelu::formula,
       .example = "leaky_relu([-1, 1])"},
      {.name = "prelu",
       .parameters = "x|input, weight",
       .call = call<prelu>,
       .formula = "∂prelu(x, w)/∂x = 1 if x > 0 else w,  ∂/∂w = 0 if x > 0 else x",
       .example = "prelu([[-1, -2]], [0.1, 0.2])",
       .note = "a weight for each channel belongs to axis 1"},
      {.name = "hardtanh",
       .parameters = "x|input, low|min_val=-1.0, high|max_val=1.0",
       .call = call<hardtanh>,
       .formula = Hardtanh::formula,
       .example = "hardtanh([-2, 0.5])",
       .note = "derivative 0 at the bounds, unlike clamp"},
      {.name = "relu6",
       .parameters = one_input,
       .call = call<relu6>,
       .formula = relu6_curve.formula,
       .example = "relu6([-1, 3, 7])"},
      {.name = "hardsigmoid",
       .parameters = one_input,
       .call = call<hardsigmoid>,
       .formula = Hardsigmoid::formula,
       .example = "hardsigmoid([-4, 0, 4])"},
      {.name = "hardswish",
       .parameters = one_input,
       .call = call<hardswish>,
       .formula = Hardswish::formula,
       .example = "hardswish([-4, 1, 4])"},
      {.name = Frac::name,
       .parameters = one_input,
       .call = call<frac>,
       .formula = Frac::formula,
       .example = "frac([1.5, -2.25])"},
      {.name = Hardshrink::name,
       .parameters = "x|input, lambda|lambd=0.5",
       .call = call<hardshrink>,
       .formula = Hardshrink::formula,
       .example = "hardshrink([-1, 0.3])"},
      {.name = Softshrink::name,
       .parameters = "x|input, lambda|lambd=0.5",
       .call = call<softshrink>,
       .formula = Softshrink::formula,
       .example = "softshrink([-1, 0.3])"},
      {.name = Threshold::name,
       .parameters = "x|input, threshold, value",
       .call = call<chainrule::threshold>,
       .formula = Threshold::formula,
       .example = "threshold([-1, 3], 1, 20)"},
  };
  return table;
}

}  // namespace ops

Tensor leaky_relu(const Operand& x, double negative_slope) {
  return ops::curve<ops::LeakyRelu>(x, negative_slope);
}

Tensor prelu(const Operand& x, const Operand& weight) try {
  const DType dtype = ops::real_dtype(ops::common_dtype(x, weight));
  const Tensor in = x.as(dtype);
  Tensor slope = weight.as(dtype);
  if (slope.size() == 1) {
    slope = reshape(slope, {});
  } else {
    if (slope.rank() != 1 || in.rank() < 2 || slope.size() != in.shape()[1])
      throw ShapeError("prelu: the weight, of shape " + to_string(slope.shape()) +
                       ", does not fit x of shape " + to_string(in.shape()) +
                       "; give one number, or one for each channel, which is axis 1");
    std::vector<std::int64_t> sizes(in.rank() - 1, 1);
    sizes[0] = slope.size();
    slope = reshape(slope, Shape(sizes));
  }
  return apply(ops::Prelu{}, x.here(), Argument(in), Argument(slope));
} catch (...) {
  rethrow_in_call("prelu", x, weight);
}

Tensor hardtanh(const Operand& x, double low, double high) try {
  if (low > high)
    throw ArgumentError("hardtanh: low " + number_text(low) + " is above high " + number_text(high) +
                        "; exchange them");
  return ops::curve<ops::Hardtanh>(x, low, high);
} catch (...) {
  rethrow_in_call("hardtanh", x);
}

Tensor relu6(const Operand& x) {
  if (is_floating(ops::dtype_of(x))) return ops::on_curve(ops::relu6_curve, x, 0, 6);
  const Tensor in = x.as(ops::number_dtype(ops::dtype_of(x)));
  return where({in <= 0, x.here()}, 0, where(in >= 6, 6, in));
}

Tensor hardsigmoid(const Operand& x) { return ops::curve<ops::Hardsigmoid>(x); }
Tensor hardswish(const Operand& x) { return ops::curve<ops::Hardswish>(x); }
Tensor frac(const Operand& x) { return ops::curve<ops::Frac>(x); }
Tensor hardshrink(const Operand& x, double lambda) { return ops::shrunk<ops::Hardshrink>(x, lambda); }
Tensor softshrink(const Operand& x, double lambda) { return ops::shrunk<ops::Softshrink>(x, lambda); }
Tensor threshold(const Operand& x, double threshold, double value) {
  return ops::curve<ops::Threshold>(x, threshold, value);
}

}  // namespace chainrule
