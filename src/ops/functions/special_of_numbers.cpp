// Special functions that tables name: incomplete gamma functions, Bessel functions, the zeta function, the
// inverse and the logarithm of the normal distribution. Values are special_numbers.h's, or those of packs,
// derivatives are formulas of each other.

#include <cmath>
#include <limits>
#include <numbers>

#include "chainrule/functions.h"
#include "kernels/cast.h"
#include "ops/functions/number_function.h"
#include "ops/functions/packed_loops.h"
#include "ops/functions/special_numbers.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// The next one of a family.
template <const NumberFunction* family>
Tensor next(Inputs in, const Tensor&, int order) {
  return on_numbers(*family, in[0], order + 1);
}

template <int n, bool scaled>
double bessel(double x, int order) {
  return special::bessel_i(n, order, scaled, x);
}
template <int n, bool scaled>
std::optional<Array> bessel_in_packs(const Array& x, int order) {
  if (order > 1) return {};
  constexpr bool next_is_1 = n == 0 && !scaled;
  const special::BesselFunction f{n + (next_is_1 ? order : 0), next_is_1 ? 0 : order, scaled};
  return by_wide_packs<BesselPacks>(x, f.code());
}
extern const NumberFunction bessel_0, bessel_1, bessel_0_scaled, bessel_1_scaled;
constexpr NumberFunction bessel_0 = {.name = "i0",
                                     .formula = "∂I₀(x)/∂x = I₁(x)",
                                     .of_one = bessel<0, false>,
                                     .of_array = bessel_in_packs<0, false>,
                                     .slopes = {next<&bessel_0>}},
                         bessel_1 = {.name = "i1",
                                     .formula = "∂I₁(x)/∂x = I₀(x) − I₁(x)/x",
                                     .of_one = bessel<1, false>,
                                     .of_array = bessel_in_packs<1, false>,
                                     .slopes = {next<&bessel_1>}},
                         bessel_0_scaled = {.name = "i0e",
                                            .formula = "∂exp(−|x|) I₀(x)/∂x = i1e(x) − sign(x) i0e(x)",
                                            .of_one = bessel<0, true>,
                                            .of_array = bessel_in_packs<0, true>,
                                            .slopes = {next<&bessel_0_scaled>}},
                         bessel_1_scaled = {
                             .name = "i1e",
                             .formula = "∂exp(−|x|) I₁(x)/∂x = i0e(x) − i1e(x) (1/x + sign(x))",
                             .of_one = bessel<1, true>,
                             .of_array = bessel_in_packs<1, true>,
                             .slopes = {next<&bessel_1_scaled>}};

template <int n, bool scaled>
double bessel_k(double x, int order) {
  return special::bessel_k(n, order, scaled, x);
}
template <int n, bool second_kind>
double bessel_jy(double x, int order) {
  return special::bessel_jy(second_kind, n, order, x);
}
extern const NumberFunction bessel_j_0, bessel_j_1, bessel_y_0, bessel_y_1, bessel_k_0, bessel_k_1,
    bessel_k_0_scaled, bessel_k_1_scaled, scaled_erfc, hurwitz_zeta;
constexpr NumberFunction bessel_j_0 = {.name = "bessel_j0",
                                       .formula = "∂J₀(x)/∂x = −J₁(x)",
                                       .of_one = bessel_jy<0, false>,
                                       .slopes = {next<&bessel_j_0>}},
                         bessel_j_1 = {.name = "bessel_j1",
                                       .formula = "∂J₁(x)/∂x = J₀(x) − J₁(x)/x",
                                       .of_one = bessel_jy<1, false>,
                                       .slopes = {next<&bessel_j_1>}},
                         bessel_y_0 = {.name = "bessel_y0",
                                       .formula = "∂Y₀(x)/∂x = −Y₁(x)",
                                       .of_one = bessel_jy<0, true>,
                                       .slopes = {next<&bessel_y_0>}},
                         bessel_y_1 = {.name = "bessel_y1",
                                       .formula = "∂Y₁(x)/∂x = Y₀(x) − Y₁(x)/x",
                                       .of_one = bessel_jy<1, true>,
                                       .slopes = {next<&bessel_y_1>}},
                         bessel_k_0 = {.name = "modified_bessel_k0",
                                       .formula = "∂K₀(x)/∂x = −K₁(x)",
                                       .of_one = bessel_k<0, false>,
                                       .slopes = {next<&bessel_k_0>}},
                         bessel_k_1 = {.name = "modified_bessel_k1",
                                       .formula = "∂K₁(x)/∂x = −K₀(x) − K₁(x)/x",
                                       .of_one = bessel_k<1, false>,
                                       .slopes = {next<&bessel_k_1>}},
                         bessel_k_0_scaled = {.name = "scaled_modified_bessel_k0",
                                              .formula = "∂exp(x) K₀(x)/∂x = k0e(x) − k1e(x)",
                                              .of_one = bessel_k<0, true>,
                                              .slopes = {next<&bessel_k_0_scaled>}},
                         bessel_k_1_scaled = {.name = "scaled_modified_bessel_k1",
                                              .formula = "∂exp(x) K₁(x)/∂x = k1e(x) (1 − 1/x) − k0e(x)",
                                              .of_one = bessel_k<1, true>,
                                              .slopes = {next<&bessel_k_1_scaled>}},
                         scaled_erfc = {.name = "erfcx",
                                        .formula = "∂erfcx(x)/∂x = 2x erfcx(x) − 2/√π",
                                        .of_one = [](double x,
                                                     int order) { return special::erfcx(order, x); },
                                        .slopes = {next<&scaled_erfc>}},
                         hurwitz_zeta = {.name = "zeta",
                                         .formula = "∂ζ(a, b)/∂a: none,  ∂/∂b = −a ζ(a + 1, b)",
                                         .of_two = special::zeta,
                                         .slopes = {nullptr, [](Inputs in, const Tensor&, int) {
                                                      return -in[0] *
                                                             on_numbers(hurwitz_zeta, in[0] + 1, in[1]);
                                                    }}};

/// The function of packs for order 0, and for order 1.
template <special::Special first>
std::optional<Array> special_in_packs(const Array& x, int order) {
  if (order > 1 || !SpecialPacks::are_there()) return {};
  return by_wide_packs<SpecialPacks>(x, static_cast<int>(first) + order);
}

/// Of the orders 0 and 1; from there on by that of the inverse.
extern const NumberFunction normal_inverse;
constexpr NumberFunction normal_inverse = {
    .name = "ndtri",
    .formula = "∂ndtri(x)/∂x = √(2π) exp(ndtri(x)²/2)",
    .of_one =
        [](double x, int order) {
          return order == 0 ? special::normal_quantile(x) : special::normal_quantile_slope(x);
        },
    .of_array = special_in_packs<special::Special::ndtri>,
    .slopes = {[](Inputs in, const Tensor& y, int order) {
      return order == 0 ? on_numbers(normal_inverse, in[0], 1) : ndtri(in[0]) * square(y);
    }}};

/// Of the orders 0, 1 and 2: r = φ/Φ, and -r (x + r), whose derivative is that of a product.
extern const NumberFunction normal_logarithm;
constexpr NumberFunction normal_logarithm = {.name = "log_ndtr",
                                             .formula = "∂log Φ(x)/∂x = exp(−x²/2) / (√(2π) Φ(x))",
                                             .of_one =
                                                 [](double x, int order) {
                                                   return order == 0   ? special::log_normal_cdf(x)
                                                          : order == 1 ? special::log_normal_cdf_slope(x)
                                                                       : special::log_normal_cdf_curve(x);
                                                 },
                                             .of_array = special_in_packs<special::Special::log_ndtr>,
                                             .slopes = {[](Inputs in, const Tensor& y, int order) {
                                               if (order < 2)
                                                 return on_numbers(normal_logarithm, in[0], order + 1);
                                               const Tensor r = on_numbers(normal_logarithm, in[0], 1);
                                               return -y * (in[0] + 2 * r) - r;
                                             }}};

constexpr NumberFunction entropy = {
    .name = "entr",
    .formula = "∂(−x log(x))/∂x = −1 − log(x)",
    .of_one = [](double x, int) { return x > 0    ? -x * std::log(x)
                                         : x == 0 ? 0
                                         : x < 0  ? -infinity
                                                  : x; },
    .of_tensor = [](const Tensor& x) { return where(x == 0, 0, where(x < 0, -infinity, -x * log(x))); },
    .slopes = {[](Inputs in, const Tensor&, int) { return -1 - log(in[0]); }}};

template <special::OfGamma which>
std::optional<Array> of_gamma_in_packs(const Array& a, const Array& x, const Shape& shape) {
  if (!SpecialPacks::are_there()) return {};
  const bool single = a.dtype() == DType::float32;
  const Array wide_a = kernels::cast(a, DType::float64), wide_x = kernels::cast(x, DType::float64),
              kind(static_cast<double>(which) +
                   (single ? static_cast<double>(special::OfGamma::of_float32) : 0));
  const Array y = kernels::elementwise<PackedValue<GammaPacks>, double, 3>(shape, {&wide_a, &wide_x, &kind});
  return single ? kernels::cast(y, DType::float32) : y;
}

constexpr NumberFunction density = {
    .name = "gamma_density",
    .formula = "∂f(a, b)/∂a = f (log(b) − ψ(a)),  ∂/∂b = f ((a − 1)/b − 1)",
    .of_two = special::gamma_density,
    .of_arrays = of_gamma_in_packs<special::OfGamma::density>,
    .slopes = {[](Inputs in, const Tensor& y, int) { return strong_product(y, log(in[1]) - digamma(in[0])); },
               [](Inputs in, const Tensor& y, int) { return strong_product(y, (in[0] - 1) / in[1] - 1); }}};

constexpr NumberFunction below = {.name = "gammainc",
                                  .formula = "∂P(a, b)/∂a: none,  ∂/∂b = bᵃ⁻¹ e⁻ᵇ / Γ(a)",
                                  .of_two = special::gammainc,
                                  .of_arrays = of_gamma_in_packs<special::OfGamma::below>,
                                  .slopes = {nullptr, [](Inputs in, const Tensor&,
                                                         int) { return on_numbers(density, in[0], in[1]); }}},
                         above = {.name = "gammaincc",
                                  .formula = "∂(1 − P(a, b))/∂a: none,  ∂/∂b = −bᵃ⁻¹ e⁻ᵇ / Γ(a)",
                                  .of_two = special::gammaincc,
                                  .of_arrays = of_gamma_in_packs<special::OfGamma::above>,
                                  .slopes = {nullptr, [](Inputs in, const Tensor&, int) {
                                               return -on_numbers(density, in[0], in[1]);
                                             }}};

constexpr NumberFunction log_beta = {
    .name = "betaln",
    .formula = "∂log B(a, b)/∂a = ψ(a) − ψ(a + b),  ∂/∂b = ψ(b) − ψ(a + b)",
    .of_two = special::betaln,
    .slopes = {[](Inputs in, const Tensor&, int) { return digamma(in[0]) - digamma(in[0] + in[1]); },
               [](Inputs in, const Tensor&, int) { return digamma(in[1]) - digamma(in[0] + in[1]); }}};

constexpr Entry entry_of(const NumberFunction& f, std::string_view parameters, Result (*by_name)(Arguments&),
                         std::string_view example, std::string_view aliases = {}) {
  return {.name = f.name,
          .parameters = parameters,
          .call = by_name,
          .formula = f.formula,
          .aliases = aliases,
          .example = example};
}

}  // namespace

Entries special_number_operations() {
  constexpr std::string_view of_gamma = "a|input, x|other";
  static constexpr Entry table[] = {
      entry_of(bessel_0, one_input, call<i0>, "i0([0, 1])"),
      entry_of(bessel_1, one_input, call<i1>, "i1([0, 1])"),
      entry_of(bessel_0_scaled, one_input, call<i0e>, "i0e([0, 1000])"),
      entry_of(bessel_1_scaled, one_input, call<i1e>, "i1e([0, 1000])"),
      entry_of(normal_inverse, one_input, call<ndtri>, "ndtri([0.025, 0.5])"),
      entry_of(normal_logarithm, one_input, call<log_ndtr>, "log_ndtr([-100, 0])"),
      entry_of(entropy, one_input, call<entr>, "entr([0, 0.5])"),
      entry_of(bessel_j_0, one_input, call<bessel_j0>, "bessel_j0([0, 1])", "j0"),
      entry_of(bessel_j_1, one_input, call<bessel_j1>, "bessel_j1([0, 1])", "j1"),
      entry_of(bessel_y_0, one_input, call<bessel_y0>, "bessel_y0([1, 2])", "y0"),
      entry_of(bessel_y_1, one_input, call<bessel_y1>, "bessel_y1([1, 2])", "y1"),
      entry_of(bessel_k_0, one_input, call<modified_bessel_k0>, "modified_bessel_k0([1, 2])", "k0"),
      entry_of(bessel_k_1, one_input, call<modified_bessel_k1>, "modified_bessel_k1([1, 2])", "k1"),
      entry_of(bessel_k_0_scaled, one_input, call<scaled_modified_bessel_k0>,
               "scaled_modified_bessel_k0([1, 1000])", "k0e"),
      entry_of(bessel_k_1_scaled, one_input, call<scaled_modified_bessel_k1>,
               "scaled_modified_bessel_k1([1, 1000])", "k1e"),
      entry_of(scaled_erfc, one_input, call<erfcx>, "erfcx([0, 100])"),
      {.name = hurwitz_zeta.name,
       .parameters = "a|x|self|input, b|other|q=1",
       .call = call<zeta>,
       .formula = hurwitz_zeta.formula,
       .example = "zeta(2, [1, 0.5])",
       .note = "Hurwitz's, Σ (b + k)⁻ᵃ from k = 0 on; no derivative in a, as in PyTorch"},
      {.name = density.name, .formula = density.formula, .differentiable = false},
      {.name = below.name,
       .parameters = of_gamma,
       .call = call<gammainc>,
       .formula = below.formula,
       .aliases = "igamma",
       .example = "gammainc(2, [1, 2])",
       .note = "no derivative in a, as in PyTorch"},
      {.name = above.name,
       .parameters = of_gamma,
       .call = call<gammaincc>,
       .formula = above.formula,
       .aliases = "igammac",
       .example = "gammaincc(2, [1, 50])",
       .note = "no derivative in a, as in PyTorch"},
      entry_of(log_beta, two_inputs, call<betaln>, "betaln(2, [3, 1000])"),
  };
  return table;
}

}  // namespace ops

Tensor i0(const Operand& x) { return ops::on_numbers(ops::bessel_0, x); }
Tensor i1(const Operand& x) { return ops::on_numbers(ops::bessel_1, x); }
Tensor i0e(const Operand& x) { return ops::on_numbers(ops::bessel_0_scaled, x); }
Tensor i1e(const Operand& x) { return ops::on_numbers(ops::bessel_1_scaled, x); }
Tensor bessel_j0(const Operand& x) { return ops::on_numbers(ops::bessel_j_0, x); }
Tensor bessel_j1(const Operand& x) { return ops::on_numbers(ops::bessel_j_1, x); }
Tensor bessel_y0(const Operand& x) { return ops::on_numbers(ops::bessel_y_0, x); }
Tensor bessel_y1(const Operand& x) { return ops::on_numbers(ops::bessel_y_1, x); }
Tensor modified_bessel_k0(const Operand& x) { return ops::on_numbers(ops::bessel_k_0, x); }
Tensor modified_bessel_k1(const Operand& x) { return ops::on_numbers(ops::bessel_k_1, x); }
Tensor scaled_modified_bessel_k0(const Operand& x) { return ops::on_numbers(ops::bessel_k_0_scaled, x); }
Tensor scaled_modified_bessel_k1(const Operand& x) { return ops::on_numbers(ops::bessel_k_1_scaled, x); }
Tensor erfcx(const Operand& x) { return ops::on_numbers(ops::scaled_erfc, x); }
Tensor zeta(const Operand& a, const Operand& b) { return ops::on_numbers(ops::hurwitz_zeta, a, b); }
Tensor ndtri(const Operand& x) { return ops::on_numbers(ops::normal_inverse, x); }
Tensor log_ndtr(const Operand& x) { return ops::on_numbers(ops::normal_logarithm, x); }
Tensor entr(const Operand& x) { return ops::on_numbers(ops::entropy, x); }
Tensor gammainc(const Operand& a, const Operand& x) { return ops::on_numbers(ops::below, a, x); }
Tensor gammaincc(const Operand& a, const Operand& x) { return ops::on_numbers(ops::above, a, x); }
Tensor betaln(const Operand& a, const Operand& b) { return ops::on_numbers(ops::log_beta, a, b); }

}  // namespace chainrule
