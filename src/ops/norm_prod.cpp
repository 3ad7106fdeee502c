
#include "kernels/reduce.h"
#include "ops/over_axes.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

struct Prod : OverAxes {
  static constexpr std::string_view name = "prod", formula = "∂Πx/∂xᵢ = the product of the others";
  Array forward(Values in) const { return finish(kernels::prod(*in[0], axes), in[0]->shape()); }
  Reads reads(Wanted wanted) const { return wanted(0) ? reads_input(0) : 0; }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = kept(g, in[0]) * others(in[0]);
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string> names, const std::string&) const {
    return {"Π of the other " + names[0]};
  }

 private:
  /// For each element the product of the others along the axes, which come last meanwhile.
  Tensor others(const Tensor& x) const {
    std::vector<std::int64_t> order, back(x.rank());
    for (const bool reduced : {false, true})
      for (std::size_t axis = 0; axis < x.rank(); ++axis)
        if (axes[axis] == reduced) order.push_back(static_cast<std::int64_t>(axis));
    for (std::size_t i = 0; i < order.size(); ++i)
      back[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
    const Tensor turned = permute(x, order);
    const auto n = static_cast<std::int64_t>(count(x.shape()));
    return permute(reshape(others_in_row(reshape(turned, {n == 0 ? 0 : x.size() / n, n})), turned.shape()),
                   back);
  }
  /// The same for each row of x: the other of its pair, times what is outside the pair. Products only, so
  /// that zeros do no harm, here and in further derivatives.
  static Tensor others_in_row(const Tensor& x) {
    const std::int64_t n = x.shape()[1], half = n / 2;
    if (half == 0) return ones_like(x);
    const auto columns = [](const Tensor& of, std::int64_t first, std::int64_t last) {
      return of[{Slice{}, Slice{first, last}}];
    };
    const Tensor a = columns(x, 0, half), b = columns(x, half, 2 * half), odd = columns(x, 2 * half, n);
    const Tensor outside = others_in_row(concatenate({a * b, odd}, 1)),
                 outside_pair = columns(outside, 0, half);
    return concatenate({outside_pair * b, outside_pair * a, columns(outside, half, n - half)}, 1);
  }
};

struct Norm : OverAxes {
  static constexpr std::string_view name = "norm", formula = "∂‖x‖/∂xᵢ = xᵢ / ‖x‖ (0 if x = 0)";
  Array forward(Values in) const {
    return dispatch_floating(in[0]->dtype(), [&]<class T>() {
      const Array squares = kernels::deferred_elementwise<Squared, T, 1>(in[0]->shape(), {in[0]});
      const Array total = kernels::sum(squares, axes);
      return finish(kernels::elementwise<Root, T, 1>(total.shape(), {&total}), in[0]->shape());
    });
  }
  Reads reads(Wanted wanted) const { return wanted(0) ? reads_input(0) | reads_output : 0; }
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = kept(g, in[0]) * (in[0] / kept(where(out == 0, 1, out), in[0]));
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string> names,
                             const std::string& result) const {
    return {names[0] + " / " + result};
  }

 private:
  struct Squared {
    static constexpr bool is_cheap = true;
    auto operator()(auto x) const { return x * x; }
  };
  struct Root {
    auto operator()(auto x) const { return sqrt(x); }
  };
};

Entries norm_and_product_operations() { return entries<Prod, Norm>; }

}  // namespace ops

Tensor prod(const Operand& x, const Axes& axes, bool keepdims) {
  return ops::reduce<ops::Prod>(x, axes, keepdims, promote(x.dtype(), DType::int64));
}
Tensor norm(const Operand& x, const Axes& axes, bool keepdims) {
  return ops::reduce<ops::Norm>(x, axes, keepdims, ops::real_dtype(x.dtype()));
}

}  // namespace chainrule
