// Distances between the rows of two matrices: Euclidean ones as one operation, where nothing asks for more
// than gradients; otherwise by all the differences. kernels/distances.h computes them.

#include <cmath>

#include "array/number_text.h"
#include "autograd/engine.h"
#include "chainrule/losses.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "graph/apply.h"
#include "kernels/distances.h"
#include "ops/elementwise.h"

namespace chainrule {
namespace ops {

/// Of rows (..., P, M) and (..., R, M), with the same axes before: by (..., P, 1, M) and (..., 1, R, M).
static Tensor norms_of_differences(const Tensor& a, const Tensor& b, double p) {
  const Tensor difference = expand_dims(a, -2) - expand_dims(b, -3);
  return difference.shape().back() == 0 ? sum(difference, -1) : vector_norm(difference, p, -1);
}

struct Distances {
  static constexpr std::string_view name = "cdist",
                                    formula = "∂‖aᵢ − bⱼ‖/∂aᵢ = (aᵢ − bⱼ) / ‖aᵢ − bⱼ‖ (0 if aᵢ = bⱼ)";
  Array forward(Values in) const {
    Shape shape = in[0]->shape();
    const Sizes sizes(shape, in[1]->shape());
    shape[shape.rank() - 1] = sizes.r;
    Array out(shape, in[0]->dtype());
    if (out.size() != 0)
      dispatch_floating(out.dtype(), [&]<class T>() {
        const T *const a = in[0]->data<T>(), *const b = in[1]->data<T>();
        T* const to = out.mutable_data<T>();
        for (std::int64_t i = 0; i < sizes.batch; ++i)
          kernels::distances(sizes.p, sizes.r, sizes.m, a + i * sizes.p * sizes.m, b + i * sizes.r * sizes.m,
                             to + i * sizes.p * sizes.r);
      });
    return out;
  }
  static Tensor composed(Inputs in) { return norms_of_differences(in[0], in[1], 2); }
  static std::int64_t flops(Inputs in, const Shape& out) { return 3 * out.size() * in[0].shape().back(); }
  Reads reads(Wanted) const { return reads_input(0) | reads_input(1) | reads_output; }
  void vjp(Inputs in, const Tensor& y, const Tensor& g, Cotangents& to) const {
    if (!to.in_numbers() || !by_kernel(in, y, g, to))
      send_through(
          name, [](Inputs own) { return composed(own); }, in, g, to);
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string& result) const {
    const std::string &a = names[input], &b = names[1 - input];
    return {"Σ g (" + a + " − " + b + ") / " + result, false};
  }

 private:
  struct Sizes {
    std::int64_t batch = 1, p, r, m;
    Sizes(const Shape& a, const Shape& b) : p(a[a.rank() - 2]), r(b[b.rank() - 2]), m(a.back()) {
      for (std::size_t i = 0; i + 2 < a.rank(); ++i) batch *= a[i];
    }
  };
  /// Not where a distance is not finite, or a weight is not, for which there are rules: then false.
  static bool by_kernel(Inputs in, const Tensor& y, const Tensor& g, Cotangents& to) {
    const NoGrad guard;
    const Tensor out = constant(value_of(y)), from_above = constant(value_of(g)),
                 w = where(out == 0, 0, from_above / out);
    if (out.size() == 0 || !std::isfinite((sum(abs(w)) + sum(out)).item())) return false;
    const Sizes sizes(in[0].shape(), in[1].shape());
    for (std::size_t i = 0; i < 2; ++i) {
      if (!to.wants(i)) continue;
      const Array weights = value_of(i == 0 ? swapaxes(w, -1, -2) : w);
      const std::int64_t n = i == 0 ? sizes.p : sizes.r, count = i == 0 ? sizes.r : sizes.p, m = sizes.m;
      const Array &own = value_of(in[i]), &other = value_of(in[1 - i]);
      Array found(own.shape(), own.dtype());
      dispatch_floating(own.dtype(), [&]<class T>() {
        const T *const by = weights.data<T>(), *const x = own.data<T>(), *const others = other.data<T>();
        T* const result = found.mutable_data<T>();
        for (std::int64_t k = 0; k < sizes.batch; ++k)
          kernels::weighted_differences(n, count, m, by + k * n * count, x + k * n * m,
                                        others + k * count * m, result + k * n * m);
      });
      to[i] = constant(std::move(found));
    }
    return true;
  }
};

}  // namespace ops

Tensor cdist(const Operand& a, const Operand& b, double p) try {
  if (!(p >= 0))
    throw ArgumentError("cdist: there is no distance of order " + number_text(p) + "; give 0 or more");
  const DType dtype = ops::real_dtype(ops::common_dtype(a, b));
  const Tensor x = a.as(dtype), y = b.as(dtype);
  if (x.rank() < 2 || y.rank() < 2 || x.shape().back() != y.shape().back())
    throw ShapeError("cdist: rows of " + to_string(x.shape()) + " and " + to_string(y.shape()) +
                     " cannot be compared; give (..., P, M) and (..., R, M)");
  const bool is_plain = !recording_mode.keep_values && traced(x) == nullptr && traced(y) == nullptr;
  if (p != 2 || !is_plain || is_only_stored(dtype) || x.shape().back() == 0)
    return ops::norms_of_differences(x, y, p);
  // The axes before the rows stretch.
  const auto before = [](const Shape& shape) {
    return Shape(std::vector<std::int64_t>(shape.begin(), shape.end() - 2));
  };
  const Shape axes = broadcast("cdist", before(x.shape()), before(y.shape()));
  const auto stretched = [&](const Tensor& rows) {
    std::vector<std::int64_t> sizes(axes.begin(), axes.end());
    sizes.insert(sizes.end(), rows.shape().end() - 2, rows.shape().end());
    return broadcast_to(rows, Shape(sizes));
  };
  return apply(ops::Distances(), a.here(), Argument(stretched(x)), Argument(stretched(y)));
} catch (...) {
  rethrow_in_call("cdist", a, b);
}

}  // namespace chainrule
