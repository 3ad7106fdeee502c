// The Euclidean norm, scaled so that squares neither overflow nor vanish, and products of all elements. Both
// are reductions of axis_reduction.h.

#include <limits>

#include "chainrule/functions.h"
#include "kernels/products.h"
#include "kernels/reduce.h"
#include "ops/axis_reduction.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

struct Prod : AxisReduction {
  static constexpr std::string_view name = "prod", formula = "∂Πx/∂xᵢ = the product of the others";
  Array forward(Values in) const {
    Array product = kernels::prod(*in[0], axes);
    if (is_floating(product.dtype()) && in[0]->size() != 0)
      dispatch_floating(product.dtype(), [&]<class T>() {
        // A part of the product may be out of range where the whole is not.
        mend<T>(
            product, [](T each) { return each == 0 || !std::isfinite(each); },
            [&] { return in_parts(*in[0]); });
      });
    return finish(product, in[0]->shape());
  }
  Tensor batch(const Unwrapped& at) const { return reduce_each(*this, at); }
  Reads reads(Wanted wanted) const { return wanted(0) ? reads_input(0) : 0; }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    const auto others = to.in_numbers() ? others_as_numbers : others_in_row;
    to[0] = kept(g, in[0]) * in_rows(in[0], [&](const Tensor& x) { return others_in_range(x, others); });
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string> names, const std::string&) const {
    return {"Π of the other " + names[0]};
  }

 private:
  /// x = number · 2^exponent, with numbers near 1, but for those that are 0 or not finite.
  struct Parts {
    Tensor number, exponent;
    explicit Parts(const Tensor& x) {
      const Tensor size = abs(x.detach());
      const double most = x.dtype() == DType::float32 ? 126 : 1022;
      exponent = clamp(round(log2(where((size > 0) & isfinite(size), size, 1))), -most, most);
      number = x * exp2(-exponent);
    }
  };
  /// x 2^exponent in two steps, as the power alone may be out of range; of whole exponents, so exact.
  static Tensor times_power(const Tensor& x, const Tensor& exponent) {
    const Tensor half = round(exponent / 2);
    return x * exp2(half) * exp2(exponent - half);
  }
  Array in_parts(const Array& array) const {
    const NoGrad guard;
    const Parts parts(constant(array));
    const Tensor plain = constant(kernels::prod(array, axes)),
                 product = times_power(constant(kernels::prod(value_of(parts.number), axes)),
                                       constant(kernels::sum(value_of(parts.exponent), axes)));
    return value_of(where(isnan(product), plain, product));
  }
  static Tensor others_in_range(const Tensor& x, Tensor (*others)(const Tensor&)) {
    const Tensor plain = others(x);
    if (!traced(x)) {  // a sum that is finite has no 0 and nothing infinite in it
      const Tensor size = abs(plain.detach());
      if (std::isfinite(sum(size + 1 / size).item())) return plain;
    }
    const Parts parts(x);
    const Tensor product = times_power(others(parts.number), sum(parts.exponent, 1, true) - parts.exponent);
    return where((isfinite(plain) & (plain != 0)) | isnan(product), plain, product);
  }
  static Tensor others_as_numbers(const Tensor& x) {
    return constant(kernels::products_of_others(value_of(x)));
  }
  /// For each element of a row the product of the others: the other of its pair, times what is outside the
  /// pair. Products only, so that zeros do no harm, here and in further derivatives. (In the order of
  /// kernels::products_of_others, to the bit.)
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
  /// x in units of the largest element, so that no square overflows and one at least is not lost.
  Array scaled(const Array& array) const {
    const NoGrad guard;
    const Tensor x = constant(array);
    const Axes over = listed(x.rank());
    const Tensor largest = max(abs(x), over, true),
                 unit = where(largest == 0, 1, where(largest == infinity, 1, largest));
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
      {.name = Prod::name,
       .parameters = over_axes,
       .call = [](Arguments& a) -> Result { return prod(a[0], a.axes(1), a.flag(2)); },
       .formula = Prod::formula,
       .aliases = "product",
       .example = "prod([1, 2, 3])",
       .note = "exact where elements are 0"},
      {.name = Norm::name,
       .parameters = over_axes,
       .call = [](Arguments& a) -> Result { return norm(a[0], a.axes(1), a.flag(2)); },
       .formula = Norm::formula,
       .example = "norm([3, 4])",
       .note = "derivative 0 at 0"},
  };
  return table;
}

}  // namespace ops

Tensor prod(const Operand& x, const Axes& axes, Flag keepdims) {
  return ops::reduce<ops::Prod>(x, axes, keepdims, promote(x.dtype(), DType::int64));
}
Tensor norm(const Operand& x, const Axes& axes, Flag keepdims) {
  return ops::reduce<ops::Norm>(x, axes, keepdims, ops::real_dtype(x.dtype()));
}

}  // namespace chainrule
