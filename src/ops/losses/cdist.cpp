// Distances between the rows of matrices: Euclidean ones, sums of sizes and the largest as one operation,
// where nothing asks for more than gradients; otherwise by all the differences. kernels/distances.h computes
// them.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "array/number_text.h"
#include "autograd/engine.h"
#include "chainrule/indexing.h"
#include "chainrule/losses.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "graph/apply.h"
#include "kernels/distances.h"
#include "kernels/parallel.h"
#include "ops/elementwise.h"

namespace chainrule {
namespace ops {

/// Of rows (..., P, M) and (..., R, M), with the same axes before: by (..., P, 1, M) and (..., 1, R, M).
static Tensor norms_of_differences(const Tensor& a, const Tensor& b, double p) {
  const Tensor difference = expand_dims(a, -2) - expand_dims(b, -3);
  return difference.shape().back() == 0 ? sum(difference, -1) : vector_norm(difference, p, -1);
}
/// Of each two rows (N, M), the earlier one first.
static Tensor norms_of_pairs(const Tensor& x, double p) {
  const std::int64_t n = x.shape()[0];
  Array first({n * (n - 1) / 2}, DType::int64), second(first.shape(), DType::int64);
  auto *row = first.mutable_data<std::int64_t>(), *other = second.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < n; ++i, row += n - i, other += n - i) {
    std::fill_n(row, n - 1 - i, i);
    std::iota(other, other + n - 1 - i, i + 1);
  }
  const Tensor difference =
      take_rows(x, constant(std::move(first))) - take_rows(x, constant(std::move(second)));
  return difference.size() == 0 ? sum(difference, -1) : vector_norm(difference, p, -1);
}

/// What is common to the distances of two matrices and of one: which distance, and that their gradients are
/// differences, or signs of these, weighted by g or g / distance.
struct DistancesOfRows {
  double order = 2;  ///< 1, 2 or infinity

  Attributes attributes() const { return {{"p", order}}; }
  bool is_largest() const { return std::isinf(order); }
  kernels::Metric metric() const {
    return order == 1   ? kernels::Metric::manhattan
           : order == 2 ? kernels::Metric::euclidean
                        : kernels::Metric::chebyshev;
  }
  /// The weights, or none where a distance or a weight is not finite, for which there are rules.
  std::optional<Tensor> weights(const Tensor& y, const Tensor& g) const {
    const NoGrad guard;
    const Tensor out = constant(value_of(y)), from_above = constant(value_of(g)),
                 w = order != 2 ? from_above : where(out == 0, 0, from_above / out);
    if (out.size() == 0 || !std::isfinite((sum(abs(w)) + sum(out)).item())) return {};
    return w;
  }
};

struct Distances : DistancesOfRows {
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
          kernels::distances(metric(), sizes.p, sizes.r, sizes.m, a + i * sizes.p * sizes.m,
                             b + i * sizes.r * sizes.m, to + i * sizes.p * sizes.r);
      });
    return out;
  }
  Tensor composed(Inputs in) const { return norms_of_differences(in[0], in[1], order); }
  static std::int64_t flops(Inputs in, const Shape& out) { return 3 * out.size() * in[0].shape().back(); }
  Reads reads(Wanted) const { return reads_input(0) | reads_input(1) | reads_output; }
  void vjp(Inputs in, const Tensor& y, const Tensor& g, Cotangents& to) const {
    const auto w = to.in_numbers() ? weights(y, g) : std::nullopt;
    if (!w)
      return send_through(
          name, [this](Inputs own) { return composed(own); }, in, g, to);
    const Sizes sizes(in[0].shape(), in[1].shape());
    for (std::size_t i = 0; i < 2; ++i) {
      if (!to.wants(i)) continue;
      const NoGrad guard;
      // One row after the other for what is summed up in the lanes of packs.
      const Array by = value_of(i == 0 && !is_largest() ? swapaxes(*w, -1, -2) : *w),
                  &distances = value_of(y);
      const std::int64_t n = i == 0 ? sizes.p : sizes.r, count = i == 0 ? sizes.r : sizes.p, m = sizes.m;
      const Array &own = value_of(in[i]), &other = value_of(in[1 - i]);
      Array found(own.shape(), own.dtype());
      dispatch_floating(own.dtype(), [&]<class T>() {
        for (std::int64_t k = 0; k < sizes.batch; ++k) {
          const T *const weight = by.data<T>() + k * n * count, *const x = own.data<T>() + k * n * m,
                         *const others = other.data<T>() + k * count * m;
          T* const result = found.mutable_data<T>() + k * n * m;
          if (is_largest())
            kernels::shares_of_largest(n, count, m, weight, distances.data<T>() + k * n * count,
                                       i == 0 ? count : 1, i == 0 ? 1 : n, x, others, result);
          else
            kernels::weighted_differences(metric(), n, count, m, weight, x, others, result);
        }
      });
      to[i] = constant(std::move(found));
    }
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string& result) const {
    const std::string &a = names[input], &b = names[1 - input];
    if (order == 1) return {"Σ g sign(" + a + " − " + b + ")", false};
    if (is_largest()) return {"Σ g sign(" + a + " − " + b + ") where that is largest", false};
    return {"Σ g (" + a + " − " + b + ") / " + result, false};
  }

 private:
  struct Sizes {
    std::int64_t batch = 1, p, r, m;
    Sizes(const Shape& a, const Shape& b) : p(a[a.rank() - 2]), r(b[b.rank() - 2]), m(a.back()) {
      for (std::size_t i = 0; i + 2 < a.rank(); ++i) batch *= a[i];
    }
  };
};

/// Of each two rows, the earlier one first: what is above the diagonal of all distances, row by row.
struct PairDistances : DistancesOfRows {
  static constexpr std::string_view name = "pdist",
                                    formula = "∂‖xᵢ − xⱼ‖/∂xᵢ = (xᵢ − xⱼ) / ‖xᵢ − xⱼ‖ (0 if xᵢ = xⱼ)";
  Array forward(Values in) const {
    const std::int64_t n = in[0]->shape()[0], m = in[0]->shape()[1];
    Array out({n * (n - 1) / 2}, in[0]->dtype());
    dispatch_floating(out.dtype(), [&]<class T>() {
      const T* const x = in[0]->data<T>();
      T* to = out.mutable_data<T>();
      std::vector<T> block;
      for (std::int64_t i = 0; i + 1 < n; i += most_rows) {
        const std::int64_t others = n - 1 - i, rows = std::min(most_rows, others);
        block.resize(static_cast<std::size_t>(rows * others));
        kernels::distances(metric(), rows, others, m, x + i * m, x + (i + 1) * m, block.data());
        for (std::int64_t r = 0; r < rows; ++r)
          to = std::copy_n(block.data() + r * (others + 1), others - r, to);
      }
    });
    return out;
  }
  Tensor composed(Inputs in) const { return norms_of_pairs(in[0], order); }
  static std::int64_t flops(Inputs in, const Shape& out) { return 3 * out.size() * in[0].shape()[1]; }
  Reads reads(Wanted) const { return reads_input(0) | reads_output; }
  void vjp(Inputs in, const Tensor& y, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    const auto w = to.in_numbers() ? weights(y, g) : std::nullopt;
    if (!w)
      return send_through(
          name, [this](Inputs own) { return composed(own); }, in, g, to);
    const Array &rows = value_of(in[0]), &by = value_of(*w);
    const std::int64_t n = rows.shape()[0], m = rows.shape()[1];
    Array found(rows.shape(), rows.dtype());
    dispatch_floating(rows.dtype(), [&]<class T>() {
      const T *const x = rows.data<T>(), *const of_pairs = by.data<T>(), *const of_y = value_of(y).data<T>();
      T* const result = found.mutable_data<T>();
      const auto blocks = [=, this](std::int64_t begin, std::int64_t end) {
        std::vector<T> block(static_cast<std::size_t>(n * most_rows)), distances;
        if (is_largest()) distances.resize(block.size());
        for (std::int64_t first = begin * most_rows; first < std::min(n, end * most_rows);
             first += most_rows) {
          const std::int64_t count = std::min(most_rows, n - first);
          spread(of_pairs, n, first, count, block.data());
          if (is_largest()) {
            spread(of_y, n, first, count, distances.data());
            kernels::shares_of_largest(count, n, m, block.data(), distances.data(), 1, count, x + first * m,
                                       x, result + first * m);
            continue;
          }
          kernels::weighted_differences(metric(), count, n, m, block.data(), x + first * m, x,
                                        result + first * m);
        }
      };
      kernels::parallel_products((n + most_rows - 1) / most_rows, most_rows * n * m, blocks);
    });
    to[0] = constant(std::move(found));
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string> names,
                             const std::string& result) const {
    if (order == 1) return {"Σ g sign(" + names[0] + " − its rows)", false};
    if (is_largest()) return {"Σ g sign(" + names[0] + " − its rows) where that is largest", false};
    return {"Σ g (" + names[0] + " − its rows) / " + result, false};
  }

 private:
  static constexpr std::int64_t most_rows = 32;  ///< of which the distances to all others are found at a time
  /// Column c of `block`, (n, count), becomes what there is for pairs of all rows with row first + c.
  template <class T>
  static void spread(const T* of_pairs, std::int64_t n, std::int64_t first, std::int64_t count, T* block) {
    // Element j of row i is at after(i) + j, for j > i.
    const auto after = [=](std::int64_t i) { return i * (2 * n - i - 1) / 2 - i - 1; };
    std::int64_t behind[most_rows];
    for (std::int64_t i = 0; i < first; ++i)
      std::copy_n(of_pairs + (after(i) + first), count, block + i * count);
    for (std::int64_t c = 0; c < count; ++c) {
      behind[c] = after(first + c);
      for (std::int64_t i = 0; i < count; ++i)
        block[(first + i) * count + c] =
            i == c ? T(0) : of_pairs[i < c ? behind[i] + first + c : behind[c] + first + i];
    }
    for (std::int64_t i = first + count; i < n; ++i)
      for (std::int64_t c = 0; c < count; ++c) block[i * count + c] = of_pairs[behind[c] + i];
  }
};

/// Is there a kernel, and does nobody look at what it passes over?
static bool by_kernel(const Tensor& x, double p) {
  return (p == 1 || p == 2 || std::isinf(p)) && !recording_mode.keep_values && traced(x) == nullptr &&
         !is_only_stored(x.dtype()) && x.shape().back() != 0;
}

}  // namespace ops

Tensor cdist(const Operand& a, const Operand& b, double p) try {
  if (!(p >= 0))
    throw ArgumentError("cdist: there is no distance of order " + number_text(p) + "; give 0 or more");
  const DType dtype = ops::real_dtype(ops::common_dtype(a, b));
  const Tensor x = a.as(dtype), y = b.as(dtype);
  if (x.rank() < 2 || y.rank() < 2 || x.shape().back() != y.shape().back())
    throw ShapeError("cdist: rows of " + to_string(x.shape()) + " and " + to_string(y.shape()) +
                     " cannot be compared; give (..., P, M) and (..., R, M)");
  if (!ops::by_kernel(x, p) || traced(y) != nullptr) return ops::norms_of_differences(x, y, p);
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
  return apply(ops::Distances{{p}}, a.here(), Argument(stretched(x)), Argument(stretched(y)));
} catch (...) {
  rethrow_in_call("cdist", a, b);
}

Tensor pdist(const Operand& x, double p) try {
  const Tensor in = x.as(ops::real_dtype(x.dtype()));
  if (in.rank() != 2)
    throw ShapeError("pdist: takes rows (N, M), not shape " + to_string(in.shape()) + "; reshape it");
  if (!ops::by_kernel(in, p)) return ops::norms_of_pairs(in, p);
  return apply(ops::PairDistances{{p}}, x.here(), Argument(in));
} catch (...) {
  rethrow_in_call("pdist", x);
}

}  // namespace chainrule
