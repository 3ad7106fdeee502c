// Elementwise functions of one input and of up to two numbers that are no inputs, as elu of x with its alpha.
// Each is a struct with its value and its rule; what an operation is beside these is compiled once for all,
// as it takes kilobytes.

#pragma once

#include <algorithm>

#include "ops/functions/by_number.h"

namespace chainrule::ops {

/// What an operation has to know of such a function.
struct Curve {
  std::string_view name, formula;
  std::array<std::string_view, 2> numbers;  ///< what they are called; those that are not there have no name
  bool is_cheap;
  bool rule_reads_x;
  /// Of x and the numbers, and of these and what comes from above: for float32 and float64. There is no rule
  /// where that is passed on as it is.
  std::array<const kernels::PackLoop*, 2> value, rule;
  Tensor (*recorded_rule)(const Tensor& x, const Tensor& a, const Tensor& b, const Tensor& g);
};

/// y = f(x), element by element.
struct Curved {
  static constexpr bool integers = false;
  const Curve* curve;
  std::array<double, 2> numbers;
  std::string_view name = curve->name, formula = curve->formula;

  Attributes attributes() const;
  Array forward(Values in) const;
  Tensor batch(const Unwrapped& at) const;
  Reads reads(Wanted wanted) const { return wanted(0) && curve->rule_reads_x ? reads_input(0) : 0; }
  void vjp(Inputs in, const Tensor& y, const Tensor& g, Cotangents& to) const;
  Tensor jvp(Inputs in, const Tensor& y, Inputs tangents) const;
  LocalFormula local_formula(std::size_t, std::span<const std::string> names, const std::string&) const;

 private:
  Array run(const std::array<const kernels::PackLoop*, 2>& loops, const Shape& shape, DType dtype,
            const Array* x, const Array* g) const;
  Tensor rule_in_numbers(const Tensor& x, const Tensor& g) const;
  Tensor recorded_rule(const Tensor& x, const Tensor& g) const;
};

/// The names of F's numbers.
template <class F>
constexpr auto names_of_numbers = [] {
  if constexpr (requires { F::numbers; })
    return F::numbers;
  else
    return std::array<std::string_view, 0>();
}();

/// f of x and as many of the others as F takes.
template <class F, auto f, class... Others>
constexpr auto with_its_numbers(auto x, auto a, auto b, Others... others) {
  constexpr std::size_t count = names_of_numbers<F>.size();
  if constexpr (count == 0)
    return f(x, others...);
  else if constexpr (count == 1)
    return f(x, a, others...);
  else
    return f(x, a, b, others...);
}
template <class F>
struct CurveValue {
  auto operator()(auto x, auto a, auto b) const {
    return with_its_numbers<F, [](auto... all) { return F::value(all...); }>(x, a, b);
  }
};
template <class F>
struct CurveRule {
  constexpr auto operator()(auto x, auto a, auto b, auto g) const {
    return out_of_rule(
        with_its_numbers<F, [](auto... all) { return F::vjp_x(all...); }>(x, a, b, into_rule(g)));
  }
};

template <class F>
constexpr Probe probe_of_rule = CurveRule<F>()(probe_input(0), Probe(), Probe(), probe_upstream);

/// F has its name, its formula, the names of its numbers, if it has any, and as formulas value(x, numbers...)
/// and vjp_x(x, numbers..., g).
template <class F>
constexpr Curve curve_of = {
    .name = F::name,
    .formula = F::formula,
    .numbers =
        [] {
          std::array<std::string_view, 2> names;
          std::ranges::copy(names_of_numbers<F>, names.begin());
          return names;
        }(),
    .is_cheap = is_cheap<F>,
    .rule_reads_x = probe_of_rule<F>.reads != 0,
    .value = {kernels::detail::loop<CurveValue<F>, float, float, float, float, float>,
              kernels::detail::loop<CurveValue<F>, double, double, double, double, double>},
    .rule = []() -> std::array<const kernels::PackLoop*, 2> {
      if constexpr (probe_of_rule<F>.is_upstream)
        return {};
      else
        return {kernels::detail::loop<CurveRule<F>, float, float, float, float, float, float>,
                kernels::detail::loop<CurveRule<F>, double, double, double, double, double, double>};
    }(),
    .recorded_rule = [](const Tensor& x, const Tensor& a, const Tensor& b, const Tensor& g) -> Tensor {
      return CurveRule<F>()(x, a, b, g);
    }};

/// F of x.
Tensor on_curve(const Curve& curve, const Operand& x, double a = 0, double b = 0);
template <class F>
Tensor curve(const Operand& x, double a = 0, double b = 0) {
  return on_curve(curve_of<F>, x, a, b);
}

}  // namespace chainrule::ops
