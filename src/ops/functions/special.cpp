// Special functions: what belongs to the normal distribution, GELU with it; to Γ, and sinc. Numbers are
// special_numbers.h's, derivatives are formulas of each other.

#include <numbers>
#include <stdexcept>

#include "chainrule/functions.h"
#include "ops/functions/activations.h"
#include "ops/functions/packed_loops.h"
#include "ops/functions/special_numbers.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

using std::numbers::inv_sqrtpi;

/// The derivative of exp(-share x²) of an order from 1 on.
Tensor hermite_gaussian(double share, int order, const Tensor& x);

struct HermiteGaussian : ByNumber<HermiteGaussian> {
  static constexpr std::string_view name = "hermite_gaussian",
                                    formula = "∂exp(−s x²)⁽ⁿ⁾/∂x = exp(−s x²)⁽ⁿ⁺¹⁾";
  double share = 1;
  int order = 1;
  Attributes attributes() const { return {{"share", share}, {"order", std::int64_t{order}}}; }
  double value(double x) const { return special::hermite_gaussian(share, order, x); }
  Tensor slope(const Tensor& x, const Tensor&) const { return hermite_gaussian(share, order + 1, x); }
};

Tensor hermite_gaussian(double share, int order, const Tensor& x) {
  return apply(HermiteGaussian{{}, share, order}, Here::now(), Argument(x));
}

/// exp(-x²), of which the derivatives of the next ones are made.
struct Gaussian : ByNumber<Gaussian> {
  static constexpr std::string_view name = "gaussian", formula = "∂exp(−x²)/∂x = −2x exp(−x²)";
  static double value(double x) { return special::gaussian(x); }
  static Tensor slope(const Tensor& x, const Tensor&) { return hermite_gaussian(1, 1, x); }
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::gaussian;
};

/// exp(-x²/2): where the argument of the first one would be rounded, its error is as large as the square.
struct HalfGaussian : ByNumber<HalfGaussian> {
  static constexpr std::string_view name = "half_gaussian", formula = "∂exp(−x²/2)/∂x = −x exp(−x²/2)";
  static double value(double x) { return special::half_gaussian(x); }
  static Tensor slope(const Tensor& x, const Tensor&) { return hermite_gaussian(0.5, 1, x); }
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::half_gaussian;
};

struct Erf : ByNumber<Erf> {
  static constexpr std::string_view name = "erf", formula = "∂erf(x)/∂x = 2/√π · exp(−x²)";
  static double value(double x) { return std::erf(x); }
  static Tensor slope(const Tensor& x, const Tensor&) { return 2 * inv_sqrtpi * unary<Gaussian>(x); }
  using Packs = ErfPacks;
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::erf;
};

struct Erfc : ByNumber<Erfc> {
  static constexpr std::string_view name = "erfc", formula = "∂erfc(x)/∂x = −2/√π · exp(−x²)";
  static double value(double x) { return std::erfc(x); }
  static Tensor slope(const Tensor& x, const Tensor&) { return -2 * inv_sqrtpi * unary<Gaussian>(x); }
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::erfc;
};

/// The derivative of erfinv, from x: the square of a rounded erfinv(x) has lost digits.
struct ErfinvSlope : ByNumber<ErfinvSlope> {
  static constexpr std::string_view name = "erfinv_slope", formula = "∂s/∂x = 2 erfinv(x) s²";
  static constexpr Reads read = reads_input(0) | reads_output;
  static double value(double x) { return special::erfinv_slope(x); }
  static Tensor slope(const Tensor& x, const Tensor& s) { return 2 * erfinv(x) * square(s); }
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::erfinv_slope;
};

struct Erfinv : ByNumber<Erfinv> {
  static constexpr std::string_view name = "erfinv", formula = "∂erfinv(x)/∂x = √π/2 · exp(erfinv(x)²)";
  static double value(double x) { return special::erfinv(x); }
  static Tensor slope(const Tensor& x, const Tensor&) { return unary<ErfinvSlope>(x); }
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::erfinv;
};

struct Ndtr : ByNumber<Ndtr> {
  static constexpr std::string_view name = "ndtr", formula = "∂Φ(x)/∂x = exp(−x²/2) / √(2π)";
  static double value(double x) { return special::normal_cdf(x); }
  static Tensor slope(const Tensor& x, const Tensor&) { return density_at_0 * unary<HalfGaussian>(x); }
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::ndtr;
};

struct Gelu : ByNumber<Gelu> {
  static constexpr std::string_view name = "gelu", formula = "∂x Φ(x)/∂x = Φ(x) + x exp(−x²/2) / √(2π)";
  static double value(double x) { return special::gelu(x); }
  static Tensor slope(const Tensor& x, const Tensor&) {  // the density comes last, as it may be subnormal
    return unary<Ndtr>(x) + strong_product(density_at_0 * x, unary<HalfGaussian>(x));
  }
  using Packs = GeluPacks;
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::gelu;
};

/// The derivative of digamma of an order from 1 on.
struct Polygamma : ByNumber<Polygamma> {
  static constexpr std::string_view name = "polygamma", formula = "∂ψ⁽ⁿ⁾(x)/∂x = ψ⁽ⁿ⁺¹⁾(x)";
  int order = 1;
  Attributes attributes() const { return {{"order", std::int64_t{order}}}; }
  Array forward(Values in) const {
    return order == 1 && in[0]->shape().rank() > 0 && SpecialPacks::are_there()
               ? by_wide_packs<SpecialPacks>(*in[0], static_cast<double>(special::Special::trigamma))
               : ByNumber::forward(in);
  }
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
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::digamma;
};

struct Lgamma : ByNumber<Lgamma> {
  static constexpr std::string_view name = "lgamma", formula = "∂log|Γ(x)|/∂x = digamma(x)";
  static double value(double x) { return special::lgamma(x); }
  static Tensor slope(const Tensor& x, const Tensor&) { return digamma(x); }
  using Wide = SpecialPacks;
  static constexpr auto which = special::Special::log_gamma;
};

/// The derivative of sinc of an order from 0 on.
struct Sinc : ByNumber<Sinc> {
  static constexpr std::string_view name = "sinc", formula = "∂sinc(x)/∂x = (cos(πx) − sinc(x)) / x";
  int order = 0;
  Attributes attributes() const { return {{"order", std::int64_t{order}}}; }
  Array forward(Values in) const {
    if (order > 1 || in[0]->shape().rank() == 0 || !SpecialPacks::are_there()) return ByNumber::forward(in);
    const auto which = order == 0 ? special::Special::sinc : special::Special::sinc_slope;
    return by_wide_packs<SpecialPacks>(*in[0], static_cast<double>(which));
  }
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
  return approximate == GeluApproximation::none ? ops::unary<ops::Gelu>(x) : ops::gelu_tanh(x);
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
