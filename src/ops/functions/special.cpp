// Special functions: what belongs to the normal distribution, GELU with it; to Γ, and sinc. Numbers are
// special_numbers.h's, derivatives are formulas of each other.

#include <numbers>
#include <stdexcept>

#include "chainrule/functions.h"
#include "ops/functions/by_number.h"
#include "ops/functions/packs.h"
#include "ops/functions/special_numbers.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

using std::numbers::inv_sqrtpi;

/// exp(-x²), of which the derivatives of the next ones are made.
struct Gaussian : ByNumber<Gaussian> {
  static constexpr std::string_view name = "gaussian", formula = "∂exp(−x²)/∂x = −2x exp(−x²)";
  static constexpr Reads read = reads_input(0) | reads_output;
  static double value(double x) { return special::gaussian(x); }
  static Tensor slope(const Tensor& x, const Tensor& y) { return strong_product(-2 * x, y); }
  struct Packs {
    static auto value(auto x) { return special::gaussian(x); }
    static auto slope(auto x) { return strong_product(-2 * x, value(x)); }
  };
};

/// exp(-x²/2): where the argument of the first one would be rounded, its error is as large as the square.
struct HalfGaussian : ByNumber<HalfGaussian> {
  static constexpr std::string_view name = "half_gaussian", formula = "∂exp(−x²/2)/∂x = −x exp(−x²/2)";
  static constexpr Reads read = reads_input(0) | reads_output;
  static double value(double x) { return special::half_gaussian(x); }
  static Tensor slope(const Tensor& x, const Tensor& y) { return strong_product(-x, y); }
  struct Packs {
    static auto value(auto x) { return special::Normal(x).density; }
    static auto slope(auto x) { return strong_product(-x, value(x)); }
  };
};

struct Erf : ByNumber<Erf> {
  static constexpr std::string_view name = "erf", formula = "∂erf(x)/∂x = 2/√π · exp(−x²)";
  static double value(double x) { return std::erf(x); }
  static Tensor slope(const Tensor& x, const Tensor&) { return 2 * inv_sqrtpi * unary<Gaussian>(x); }
  struct Packs {
    static auto value(auto x) { return special::erf(x); }
    static auto slope(auto x) { return 2 * inv_sqrtpi * special::gaussian(x); }
  };
};

struct Erfc : ByNumber<Erfc> {
  static constexpr std::string_view name = "erfc", formula = "∂erfc(x)/∂x = −2/√π · exp(−x²)";
  static double value(double x) { return std::erfc(x); }
  static Tensor slope(const Tensor& x, const Tensor&) { return -2 * inv_sqrtpi * unary<Gaussian>(x); }
};

struct Erfinv : ByNumber<Erfinv> {
  static constexpr std::string_view name = "erfinv", formula = "∂erfinv(x)/∂x = √π/2 · exp(erfinv(x)²)";
  static constexpr Reads read = reads_output;
  static double value(double x) { return special::erfinv(x); }
  static Tensor slope(const Tensor&, const Tensor& y) { return 0.5 / inv_sqrtpi * exp(square(y)); }
};

struct Ndtr : ByNumber<Ndtr> {
  static constexpr std::string_view name = "ndtr", formula = "∂Φ(x)/∂x = exp(−x²/2) / √(2π)";
  static double value(double x) { return special::normal_cdf(x); }
  static Tensor slope(const Tensor& x, const Tensor&) { return root * inv_sqrtpi * unary<HalfGaussian>(x); }
  static constexpr double root = std::numbers::sqrt2 / 2;
  struct Packs {
    static auto value(auto x) { return special::Normal(x).below; }
    static auto slope(auto x) { return root * inv_sqrtpi * special::Normal(x).density; }
  };
};

struct Gelu : ByNumber<Gelu> {
  static constexpr std::string_view name = "gelu", formula = "∂x Φ(x)/∂x = Φ(x) + x exp(−x²/2) / √(2π)";
  static double value(double x) { return x * special::normal_cdf(x); }
  static Tensor slope(const Tensor& x, const Tensor& y) {
    return unary<Ndtr>(x) + strong_product(x, Ndtr::slope(x, y));
  }
  struct Packs {
    static auto value(auto x) { return x * special::Normal(x).below; }
    static auto slope(auto x) {
      const special::Normal normal(x);
      return normal.below + strong_product(x, Ndtr::root * inv_sqrtpi * normal.density);
    }
  };
};

/// The derivative of digamma of an order from 1 on.
struct Polygamma : ByNumber<Polygamma> {
  static constexpr std::string_view name = "polygamma", formula = "∂ψ⁽ⁿ⁾(x)/∂x = ψ⁽ⁿ⁺¹⁾(x)";
  int order = 1;
  Attributes attributes() const { return {{"order", std::int64_t{order}}}; }
  double value(double x) const { return special::polygamma(order, x); }
  Tensor slope(const Tensor& x, const Tensor&) const { return polygamma(order + 1, x); }
  LocalFormula local_formula(std::size_t, std::span<const std::string> names, const std::string&) const {
    return {"polygamma(" + std::to_string(order + 1) + ", " + names[0] + ")", true};
  }
};

struct Digamma : ByNumber<Digamma> {
  static constexpr std::string_view name = "digamma", formula = "∂ψ(x)/∂x = polygamma(1, x)";
  static double value(double x) { return special::digamma(x); }
  static Tensor slope(const Tensor& x, const Tensor&) { return polygamma(1, x); }
};

struct Lgamma : ByNumber<Lgamma> {
  static constexpr std::string_view name = "lgamma", formula = "∂log|Γ(x)|/∂x = digamma(x)";
  static double value(double x) { return special::lgamma(x); }
  static Tensor slope(const Tensor& x, const Tensor&) { return digamma(x); }
};

/// The derivative of sinc of an order from 0 on.
struct Sinc : ByNumber<Sinc> {
  static constexpr std::string_view name = "sinc", formula = "∂sinc(x)/∂x = (cos(πx) − sinc(x)) / x";
  int order = 0;
  Attributes attributes() const { return {{"order", std::int64_t{order}}}; }
  double value(double x) const { return special::sinc(order, x); }
  Tensor slope(const Tensor& x, const Tensor&) const {
    return apply(Sinc{{}, order + 1}, Here::now(), Argument(x));
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    if (order == 0) return spelled_out(formula, input, names);
    std::string primes;
    for (int i = 0; i <= order; ++i) primes += "′";
    return {"sinc" + primes + "(" + names[0] + ")", true};
  }
};

}  // namespace

Entries special_function_operations() {
  static constexpr Entry table[] = {
      {.name = Erf::name,
       .parameters = one_input,
       .call = call<chainrule::erf>,
       .formula = Erf::formula,
       .example = "erf([0, 1])"},
      {.name = Erfc::name,
       .parameters = one_input,
       .call = call<chainrule::erfc>,
       .formula = Erfc::formula,
       .example = "erfc([0, 10])"},
      {.name = Erfinv::name,
       .parameters = one_input,
       .call = call<erfinv>,
       .formula = Erfinv::formula,
       .example = "erfinv([0, 0.5])"},
      {.name = Ndtr::name,
       .parameters = one_input,
       .call = call<ndtr>,
       .formula = Ndtr::formula,
       .example = "ndtr([-1.96, 0])"},
      {.name = Gelu::name,
       .parameters = "x|input, approximate='none'",
       .call = [](Arguments& a) -> Result {
         return gelu(a[0], static_cast<GeluApproximation>(a.choice(1, {"none", "tanh"})));
       },
       .formula = Gelu::formula,
       .example = "gelu([-1, 1])"},
      {.name = Lgamma::name,
       .parameters = one_input,
       .call = call<chainrule::lgamma>,
       .formula = Lgamma::formula,
       .aliases = "gammaln",
       .example = "lgamma([0.5, 100])"},
      {.name = Digamma::name,
       .parameters = one_input,
       .call = call<digamma>,
       .formula = Digamma::formula,
       .aliases = "psi",
       .example = "digamma([0.5, 1])",
       .note = "NaN at -1, -2, ..., as PyTorch has it"},
      {.name = Polygamma::name,
       .parameters = "n, x|input",
       .call = call<polygamma>,
       .formula = Polygamma::formula,
       .example = "polygamma(1, [0.5, 1])"},
      {.name = Sinc::name,
       .parameters = one_input,
       .call = call<sinc>,
       .formula = Sinc::formula,
       .example = "sinc([0, 0.5])"},
  };
  return table;
}

}  // namespace ops

Tensor erf(const Operand& x) { return ops::unary<ops::Erf>(x); }
Tensor erfc(const Operand& x) { return ops::unary<ops::Erfc>(x); }
Tensor erfinv(const Operand& x) { return ops::unary<ops::Erfinv>(x); }
Tensor ndtr(const Operand& x) { return ops::unary<ops::Ndtr>(x); }
Tensor lgamma(const Operand& x) { return ops::unary<ops::Lgamma>(x); }
Tensor digamma(const Operand& x) { return ops::unary<ops::Digamma>(x); }
Tensor sinc(const Operand& x) { return ops::unary<ops::Sinc>(x); }

Tensor gelu(const Operand& x, GeluApproximation approximate) {
  if (approximate == GeluApproximation::none) return ops::unary<ops::Gelu>(x);
  const Tensor in = ops::real(x);
  // (1 + tanh(u)) / 2 is sigmoid(2u), which keeps its digits far below 0.
  constexpr double scale = 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
  return mul({in, x.here()}, sigmoid(scale * (in * (1 + 0.044715 * square(in)))));
}

Tensor polygamma(Integer n, const Operand& x) try {
  constexpr std::int64_t highest = 1000;  // far beyond what float64 can hold
  if (n < 0 || n > highest)
    throw ArgumentError("polygamma: there is no derivative of order " + std::to_string(n) +
                        "; n is between 0 and " + std::to_string(highest));
  if (n == 0) return digamma(x);
  return apply(ops::Polygamma{{}, static_cast<int>(n)}, x.here(),
               Argument(x, ops::real_dtype(ops::dtype_of(x))));
} catch (...) {
  rethrow_in_call(x);
}

}  // namespace chainrule
