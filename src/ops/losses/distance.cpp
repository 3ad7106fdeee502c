// Distances and similarities of vectors, and losses of them, made of other operations.
// scaling.h keeps squares from overflowing.

#include <algorithm>
#include <cmath>

#include "chainrule/functions.h"
#include "chainrule/indexing.h"
#include "chainrule/losses.h"
#include "chainrule/statistics.h"
#include "ops/loss_reduction.h"
#include "ops/registry.h"
#include "ops/scaling.h"

namespace chainrule {
namespace ops {

/// Are these lengths of vectors whose products, and squares of those in second derivatives, neither over- nor
/// underflow?
static bool are_moderate(const Tensor& lengths) {
  if (traced(lengths) != nullptr) return false;  // cannot be told
  return dispatch_floating(lengths.dtype(), [&]<class T>() {
    const std::span<const T> all = lengths.data<T>();
    return std::all_of(all.begin(), all.end(), [](T length) { return length > T(1e-8) && length < T(1e8); });
  });
}

Entries distance_operations() {
  static constexpr Entry table[] = {
      {.name = "cosine_similarity",
       .parameters = "a|x1, b|x2, axis|dim=1, eps=1e-8",
       .call = call<cosine_similarity>,
       .formula = "∂cos(a, b)/∂a = (b/‖b‖ − cos(a, b) a/‖a‖) / ‖a‖",
       .example = "cosine_similarity([[1, 0]], [[1, 1]])"},
      {.name = "pairwise_distance",
       .parameters = "a|x1, b|x2, p=2, eps=1e-6, keepdims|keepdim=False",
       .call = call<pairwise_distance>,
       .formula = "∂‖d‖/∂a, d = a − b + ε, as of vector_norm",
       .example = "pairwise_distance([[1, 0]], [[4, 4]])"},
      {.name = "cdist",
       .parameters = "a|x1, b|x2, p=2",
       .call = call<cdist>,
       .formula = "∂‖aᵢ − bⱼ‖/∂aᵢ, as of vector_norm",
       .example = "cdist([[0, 0], [1, 1]], [[3, 4]])",
       .note = "derivative 0 where two rows are equal"},
      {.name = "pdist",
       .parameters = "x|input, p=2",
       .call = call<pdist>,
       .formula = "∂‖xᵢ − xⱼ‖/∂xᵢ, as of vector_norm",
       .example = "pdist([[0, 0], [3, 4], [0, 1]])",
       .note = "derivative 0 where two rows are equal"},
      {.name = "triplet_margin_loss",
       .parameters = "anchor, positive, negative, margin=1, p=2, eps=1e-6, swap=False, reduction='mean'",
       .call = [](Arguments& a) -> Result {
         return triplet_margin_loss(a[0], a[1], a[2],
                                    {.margin = a.number(3),
                                     .p = a.number(4),
                                     .eps = a.number(5),
                                     .swap = a.flag(6),
                                     .reduction = a.reduction(7)});
       },
       .formula = "∂max(0, margin + ‖a − p‖ − ‖a − n‖)/∂a",
       .example = "triplet_margin_loss([[0, 0]], [[1, 0]], [[0, 1]])"},
      {.name = "cosine_embedding_loss",
       .parameters = "a|input1, b|input2, target, margin=0, reduction='mean'",
       .call = call<cosine_embedding_loss>,
       .formula = "∂(1 − cos(a, b)) if t = 1, ∂max(0, cos(a, b) − margin) if t = −1",
       .example = "cosine_embedding_loss([[1, 0]], [[1, 1]], [1])"},
      {.name = "margin_ranking_loss",
       .parameters = "a|input1, b|input2, target, margin=0, reduction='mean'",
       .call = call<margin_ranking_loss>,
       .formula = "∂max(0, margin − t (a − b))/∂a = −t if that is positive else 0",
       .example = "margin_ranking_loss([1, 2], [2, 1], [1, 1])"},
      {.name = "hinge_embedding_loss",
       .parameters = "x|input, target, margin=1, reduction='mean'",
       .call = call<hinge_embedding_loss>,
       .formula = "∂x if t = 1, ∂max(0, margin − x) if t = −1",
       .example = "hinge_embedding_loss([0.5, 0.25], [1, -1])"},
  };
  return table;
}

}  // namespace ops

Tensor cosine_similarity(const Operand& a, const Operand& b, Integer axis, double eps) try {
  const DType dtype = ops::real_dtype(ops::common_dtype(a, b)), wide = computed_in(dtype);
  const Tensor x = a.as(wide), y = b.as(wide);  // eps may be 0 in a half
  const Shape shape = broadcast("cosine_similarity", x.shape(), y.shape());
  if (shape.rank() == 0 && (axis == 0 || axis == -1))
    return cosine_similarity(reshape(a, {1}), reshape(b, {1}), 0, eps);
  const auto along = static_cast<std::int64_t>(normalize_axis("cosine_similarity", axis, shape));
  const Tensor lengths[] = {norm(broadcast_to(x, shape), along), norm(broadcast_to(y, shape), along)};
  if (ops::are_moderate(lengths[0]) && ops::are_moderate(lengths[1]))
    return Operand(sum(x * y, along) / (maximum(lengths[0], eps) * maximum(lengths[1], eps))).as(dtype);
  const auto unit = [&](const Tensor& v) {
    if (shape[static_cast<std::size_t>(along)] == 0) return broadcast_to(v, shape);
    const Tensor whole = broadcast_to(v, shape);
    // Norms do not overflow, but the squares of them do in second derivatives.
    const Tensor factor = ops::scale_for_squares(max(abs(whole.detach()), along, true), eps == 0);
    const Tensor scaled = whole * factor;
    return scaled / maximum(norm(scaled, along, true), factor * eps);
  };
  return Operand(sum(unit(x) * unit(y), along)).as(dtype);
} catch (...) {
  rethrow_in_call("cosine_similarity", a, b);
}

Tensor pairwise_distance(const Operand& a, const Operand& b, double p, double eps, Flag keepdims) try {
  const DType dtype = ops::real_dtype(ops::common_dtype(a, b)), wide = computed_in(dtype);
  return Operand(vector_norm(a.as(wide) - b.as(wide) + eps, p, -1, keepdims)).as(dtype);
} catch (...) {
  rethrow_in_call("pairwise_distance", a, b);
}

Tensor triplet_margin_loss(const Operand& anchor, const Operand& positive, const Operand& negative,
                           const TripletMarginOptions& options) try {
  const DType dtype = ops::real_dtype(ops::common_dtype(anchor, positive, negative)),
              wide = computed_in(dtype);
  const Tensor a = anchor.as(wide), p = positive.as(wide), n = negative.as(wide);
  if (a.rank() == 0 || p.shape() != a.shape() || n.shape() != a.shape())
    throw ShapeError("triplet_margin_loss: anchor " + to_string(a.shape()) + ", positive " +
                     to_string(p.shape()) + " and negative " + to_string(n.shape()) +
                     " must be vectors, or rows of them, of one shape");
  const auto distance = [&](const Tensor& u, const Tensor& v) {
    return pairwise_distance(u, v, options.p, options.eps);
  };
  Tensor apart = distance(a, n);
  if (options.swap) apart = minimum(apart, distance(p, n));
  const Tensor losses = relu(distance(a, p) - apart + options.margin);
  return Operand(ops::combined("triplet_margin_loss", losses, options.reduction)).as(dtype);
} catch (...) {
  rethrow_in_call("triplet_margin_loss", anchor, positive, negative);
}

Tensor cosine_embedding_loss(const Operand& a, const Operand& b, const Operand& target, double margin,
                             Reduction reduction) try {
  const DType dtype = ops::real_dtype(ops::common_dtype(a, b)), wide = computed_in(dtype);
  const Tensor x = a.as(wide), y = b.as(wide), t = target.as_tensor();
  if (x.rank() == 0 || x.rank() > 2 || y.shape() != x.shape())
    throw ShapeError("cosine_embedding_loss: inputs " + to_string(x.shape()) + " and " +
                     to_string(y.shape()) + " must be rows (N, M), or vectors, of one shape");
  // x / √(Σx² + eps), where the root is that of a norm with one element more, which overflows nowhere.
  constexpr double eps = 1e-12;  // PyTorch's
  const auto unit = [](const Tensor& v) {
    if (v.size() == 0) return v;
    const Tensor factor = ops::scale_for_squares(max(abs(v.detach()), -1, true), false), scaled = v * factor;
    return scaled / hypot(norm(scaled, -1, true), factor * std::sqrt(eps));
  };
  const Tensor lengths[] = {norm(x, -1), norm(y, -1)};
  const Tensor cosine =
      ops::are_moderate(lengths[0]) && ops::are_moderate(lengths[1])
          ? sum(x * y, -1) / (hypot(lengths[0], std::sqrt(eps)) * hypot(lengths[1], std::sqrt(eps)))
          : sum(unit(x) * unit(y), -1);
  ops::require_same_shape("cosine_embedding_loss", cosine.shape(), t.shape());
  const Tensor losses = where(t == 1, 1 - cosine, where(t == -1, relu(cosine - margin), 0));
  return Operand(ops::combined("cosine_embedding_loss", losses, reduction)).as(dtype);
} catch (...) {
  rethrow_in_call("cosine_embedding_loss", a, b, target);
}

Tensor margin_ranking_loss(const Operand& a, const Operand& b, const Operand& target, double margin,
                           Reduction reduction) try {
  const DType dtype = ops::real_dtype(ops::common_dtype(a, b, target));
  const Tensor x = a.as(dtype), y = b.as(dtype), t = target.as(dtype);
  ops::require_same_shape("margin_ranking_loss", x.shape(), y.shape());
  ops::require_same_shape("margin_ranking_loss", x.shape(), t.shape());
  return ops::combined("margin_ranking_loss", relu(margin - t * (x - y)), reduction);
} catch (...) {
  rethrow_in_call("margin_ranking_loss", a, b, target);
}

Tensor hinge_embedding_loss(const Operand& x, const Operand& target, double margin, Reduction reduction) try {
  const ops::Pair in("hinge_embedding_loss", x, target);
  const Tensor losses = where(in.target == 1, in.prediction, relu(margin - in.prediction));
  return ops::combined("hinge_embedding_loss", losses, reduction);
} catch (...) {
  rethrow_in_call("hinge_embedding_loss", x, target);
}

}  // namespace chainrule
