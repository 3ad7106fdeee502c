// The Euclidean norm, scaled so that squares neither overflow nor vanish. A reduction of axis_reduction.h, as
// products of all elements are, which are in prod.cpp.

#include <limits>

#include "chainrule/functions.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "kernels/reduce.h"
#include "ops/axis_reduction.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

struct Norm : AxisReduction {
  static constexpr std::string_view name = "norm", formula = "∂‖x‖/∂xᵢ = xᵢ / ‖x‖ (0 if x = 0)";
  /// At 0 it is 0, and stays so in further derivatives.
  static auto direction(const auto& x, const auto& total) { return where(total == 0, 0, x / total); }
  struct Rule {
    auto operator()(const auto& x, const auto& total, const auto& g) const {
      return strong_product(g, direction(x, total));
    }
  };
  Array forward(Values in) const {
    return dispatch_floating(in[0]->dtype(), [&]<class T>() {
      const Array squares = kernels::elementwise<Squared, T, 1>(in[0]->shape(), {in[0]});
      const Array total = kernels::sum(squares, axes);
      Array root = kernels::elementwise<Root, T, 1>(total.shape(), {&total});
      // Between these no square has overflowed, and none that was lost below matters.
      using Limits = std::numeric_limits<T>;
      const T least = std::sqrt(Limits::min() / Limits::epsilon());
      if (in[0]->size() != 0)
        mend<T>(
            root, [=](T each) { return !(each >= least && each < Limits::infinity()); },
            [&] { return scaled(*in[0]); });
      return finish(root, in[0]->shape());
    });
  }
  Tensor batch(const Unwrapped& at) const { return reduce_each(*this, at); }
  Reads reads(Wanted wanted) const { return wanted(0) ? reads_input(0) | reads_output : 0; }
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    const Tensor &x = in[0], total = kept(out, x), upstream = kept(g, x);
    if (any_infinite(out))
      to[0] = strong_product(upstream, where(total == infinity, among_infinities(x), direction(x, total)));
    else if (to.in_numbers())
      to[0] = constant(dispatch_floating(x.dtype(), [&]<class T>() {
        return kernels::elementwise<Rule, T, 3>(x.shape(),
                                                {&value_of(x), &value_of(total), &value_of(upstream)});
      }));
    else
      to[0] = Rule()(x, total, upstream);
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string> names,
                             const std::string& result) const {
    return {names[0] + " / " + result};
  }

 private:
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  struct Squared {
    auto operator()(auto x) const { return x * x; }
  };
  struct Root {
    auto operator()(auto x) const { return sqrt(x); }
  };
  /// x in units in which no square overflows, and none that matters is lost: powers of two, so exact.
  Array scaled(const Array& array) const {
    const NoGrad guard;
    const Tensor x = constant(array);
    const Axes over = listed(x.rank());
    const double step = x.dtype() == DType::float32 ? 0x1p90 : 0x1p600;
    const Tensor largest = max(abs(x), over, true),
                 unit = where(largest > 1, step, full_like(largest, 1 / step));
    return value_of(unit * sqrt(sum(square(x / unit), over, true)));
  }
  /// Where infinitely large elements have equal shares, and others none.
  Tensor among_infinities(const Tensor& x) const {
    const Tensor hit = cast(abs(x) == infinity, x.dtype());
    return sign(x) * hit / sqrt(maximum(sum(hit, listed(x.rank()), true), 1));
  }
};

Entries norm_and_product_operations() {
  static constexpr Entry table[] = {
      {.name = "prod",
       .parameters = over_axes_in_dtype,
       .call = [](Arguments& a) -> Result { return prod(a.in_dtype(3), a.axes(1), a.flag(2)); },
       .formula = "∂Πx/∂xᵢ = the product of the others",
       .aliases = "product",
       .example = "prod([1, 2, 3])",
       .note = "exact where elements are 0"},
      {.name = Norm::name,
       .parameters = "x|a|input, axis|dim=None, keepdims|keepdim=False, p|ord|order=2",
       .call = [](Arguments& a) -> Result {
         if (a.number(3) == 2) return norm(a[0], a.axes(1), a.flag(2));
         return vector_norm(a[0], a.number(3), a.axes(1), a.flag(2));
       },
       .formula = Norm::formula,
       .example = "norm([3, 4])",
       .note = "derivative 0 at 0"},
  };
  return table;
}

}  // namespace ops

Tensor norm(const Operand& x, const Axes& axes, Flag keepdims) {
  return ops::reduce<ops::Norm>(x, axes, keepdims, ops::real_dtype(x.dtype()));
}

}  // namespace chainrule
