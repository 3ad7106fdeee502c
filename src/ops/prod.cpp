// Products of all elements, exact also where some are 0, or a part of the product is out of range. A
// reduction of axis_reduction.h.

#include "chainrule/functions.h"
#include "kernels/products.h"
#include "kernels/reduce.h"
#include "ops/axis_reduction.h"
#include "ops/scaling.h"

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
            [&] { return in_range(*in[0]); });
      });
    return finish(product, in[0]->shape());
  }
  Tensor batch(const Unwrapped& at) const { return reduce_each(*this, at); }
  Reads reads(Wanted wanted) const { return wanted(0) ? reads_input(0) : 0; }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    if (to.in_numbers()) {
      Tensor others = others_along(in[0]);
      if (!others.is_empty()) {
        to[0] = strong_product(kept(g, in[0]), others);
        return;
      }
    }
    const auto others = to.in_numbers() ? others_as_numbers : others_in_row;
    to[0] = strong_product(kept(g, in[0]),
                           in_rows(in[0], [&](const Tensor& x) { return others_in_range(x, others); }));
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
  Array in_range(const Array& array) const {
    const NoGrad guard;
    std::vector<std::int64_t> order;
    return kernels::products_in_range(value_of(reduced_last(constant(array), order)),
                                      array.size() / static_cast<std::int64_t>(count(array.shape())));
  }
  static Tensor others_in_range(const Tensor& x, Tensor (*others)(const Tensor&)) {
    Tensor plain = others(x);
    if (!traced(x)) {  // a sum that is finite has no 0 and nothing infinite in it
      const Tensor size = abs(plain.detach());
      if (std::isfinite(sum(size + 1 / size).item())) return plain;
    }
    const Parts parts(x);
    const Tensor product =
        times_power_of_two(others(parts.number), sum(parts.exponent, 1, true) - parts.exponent);
    return where((isfinite(plain) & (plain != 0)) | isnan(product), plain, product);
  }
  static Tensor others_as_numbers(const Tensor& x) {
    bool are_normal = false;
    return constant(kernels::products_of_others(value_of(x), {x.shape()[0], x.shape()[1], 1}, are_normal));
  }
  /// Where the axes are neighbours, as they lie. An empty handle if they are not, or not all is in range.
  Tensor others_along(const Tensor& x) const {
    kernels::Lines lines{1, 1, 1};
    std::size_t begin = 0, end = x.rank();
    while (begin < end && !axes[begin]) lines.outer *= x.shape()[begin++];
    while (end > begin && !axes[end - 1]) lines.inner *= x.shape()[--end];
    for (; begin < end; ++begin) {
      if (!axes[begin]) return {};
      lines.n *= x.shape()[begin];
    }
    bool are_normal = false;
    const Array others = kernels::products_of_others(value_of(x), lines, are_normal);
    return are_normal ? constant(others) : Tensor();
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

}  // namespace ops

Tensor prod(const Operand& x, const Axes& axes, Flag keepdims) {
  return ops::reduce<ops::Prod>(x, axes, keepdims, promote(x.dtype(), DType::int64));
}

}  // namespace chainrule
