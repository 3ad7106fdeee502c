// Rows of special functions that are computed number after number, with references in long double.

#include <cmath>
#include <numbers>

#include "chainrule/functions.h"
#include "op_rows.h"

namespace chainrule::test {
namespace {

using reference::Arrays;
using reference::Number;
using reference::Numbers;

/// The power series of Iₙ.
Number bessel(int n, Number x) {
  Number term = n == 0 ? 1 : x / 2, sum = term;
  for (int k = 1; k < 60; ++k) sum += term *= x * x / 4 / static_cast<Number>(k * (k + n));
  return sum;
}

/// By bisection.
Number ndtri_of(Number p) {
  Number low = -40, high = 40;
  for (int i = 0; i < 120; ++i) {
    const Number middle = (low + high) / 2;
    (std::erfc(-middle / std::numbers::sqrt2_v<Number>) / 2 < p ? low : high) = middle;
  }
  return low;
}

/// By its power series.
Number gammainc_of(Number a, Number x) {
  Number term = 1 / a, sum = term;
  for (int n = 1; n < 200; ++n) sum += term *= x / (a + static_cast<Number>(n));
  return std::exp(a * std::log(x) - x - std::lgamma(a)) * sum;
}

/// By its sum, and the integral of what is left.
Number zeta_of(Number a, Number b) {
  Number sum = 0, count = 3000;
  for (Number k = 0; k < count; k += 1) sum += std::pow(b + k, -a);
  return sum + std::pow(b + count - Number{0.5}, 1 - a) / (a - 1);
}

OpCase of_one(const std::string& name, Tensor (*call)(const Operand&), Number (*exact)(Number),
              const Input& input) {
  OpCase row = own(
      name, [=](const Arguments& in) { return call(in[0]); },
      [=](const Arrays& in) {
        return reference::elementwise([=](const Numbers& x) { return exact(x[0]); }, in);
      },
      {{{}}, {{2, 3}}, {{0, 3}}}, input);
  row.tolerance = 2e-15;
  return row;
}
OpCase of_two(const std::string& name, Tensor (*call)(const Operand&, const Operand&),
              Number (*exact)(Number, Number), const Input& a, const Input& b,
              const std::string& derivative) {
  return {
      .operation = name,
      .inputs = {a, b},
      .variants = {{"",
                    [=](const Arguments& in) { return call(in[0], in[1]); },
                    [=](const Arrays& in) {
                      return reference::elementwise([=](const Numbers& x) { return exact(x[0], x[1]); }, in);
                    },
                    {{{}, {}}, {{2, 3}, {3}}, {{0, 3}, {1, 3}}, {{2, 1}, {1, 3}}}}},
      .misuses = {{"shapes that do not broadcast", [=] { call(blank({2}), blank({3})); }, {"(2,)", "(3,)"}}},
      .derivative = derivative};
}

}  // namespace

std::vector<OpCase> special_rows() {
  return {
      of_one(
          "i0", i0, [](Number x) { return bessel(0, x); }, between(-3, 3)),
      of_one(
          "i1", i1, [](Number x) { return bessel(1, x); }, between(-3, 3)),
      of_one(
          "i0e", i0e, [](Number x) { return std::exp(-std::abs(x)) * bessel(0, x); }, between(-3, 3, {0})),
      of_one(
          "i1e", i1e, [](Number x) { return std::exp(-std::abs(x)) * bessel(1, x); }, between(-3, 3, {0})),
      of_one(
          "bessel_j0", bessel_j0, [](Number x) { return std::cyl_bessel_j(Number{0}, x); }, between(0.5, 2)),
      of_one(
          "bessel_j1", bessel_j1, [](Number x) { return std::cyl_bessel_j(Number{1}, x); }, between(0.5, 3)),
      of_one(
          "bessel_y0", bessel_y0, [](Number x) { return std::cyl_neumann(Number{0}, x); }, between(1, 3)),
      of_one(
          "bessel_y1", bessel_y1, [](Number x) { return std::cyl_neumann(Number{1}, x); }, between(0.5, 1.9)),
      of_one(
          "modified_bessel_k0", modified_bessel_k0, [](Number x) { return std::cyl_bessel_k(Number{0}, x); },
          between(0.5, 3)),
      of_one(
          "modified_bessel_k1", modified_bessel_k1, [](Number x) { return std::cyl_bessel_k(Number{1}, x); },
          between(0.5, 3)),
      of_one(
          "scaled_modified_bessel_k0", scaled_modified_bessel_k0,
          [](Number x) { return std::exp(x) * std::cyl_bessel_k(Number{0}, x); }, between(0.5, 3)),
      of_one(
          "scaled_modified_bessel_k1", scaled_modified_bessel_k1,
          [](Number x) { return std::exp(x) * std::cyl_bessel_k(Number{1}, x); }, between(0.5, 3)),
      of_one(
          "erfcx", erfcx, [](Number x) { return std::exp(x * x) * std::erfc(x); }, between(-1, 2)),
      of_two("zeta", zeta, zeta_of, constant(between(4, 6)), between(0.5, 3), ""),
      of_one("ndtri", ndtri, ndtri_of, between(0.2, 0.8)),
      of_one(
          "log_ndtr", log_ndtr,
          [](Number x) { return std::log(std::erfc(-x / std::numbers::sqrt2_v<Number>) / 2); },
          between(-5, 3)),
      of_one(
          "entr", entr, [](Number x) { return -x * std::log(x); }, between(0.1, 2)),
      of_two(
          "betaln", betaln,
          [](Number a, Number b) { return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b); },
          between(0.3, 3), between(0.3, 3), ""),
      of_two("gammainc", gammainc, gammainc_of, constant(between(0.5, 3)), between(0.3, 4), "gamma_density"),
      of_two(
          "gammaincc", gammaincc, [](Number a, Number x) { return 1 - gammainc_of(a, x); },
          constant(between(0.5, 3)), between(0.3, 4), ""),
  };
}

}  // namespace chainrule::test
