// Attention of queries to keys, with one head or several. One operation over kernels/attention.h, whose
// derivative is made of operations where it is to be differentiated again.

#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "chainrule/networks.h"
#include "kernels/attention.h"
#include "ops/elementwise.h"
#include "ops/networks/dropping.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

/// softmax(scale · q kᵀ + mask) v of q (batches, queries, E), k (batches, keys, E) and v (batches, keys, V).
struct Attend {
  static constexpr std::string_view name = "attention",
                                    formula =
                                        "∂(p v), p = softmax(s), s = q kᵀ scale + mask: to v: pᵀ g,  to s: h "
                                        "= p · (g vᵀ − Σ p · g vᵀ),  to q: h "
                                        "k scale,  to k: hᵀ q scale";
  kernels::Attention plan;
  Tensor mask;  ///< that of the plan for the public operations: added to (batches, queries, keys)

  /// All weights, where they take no more memory than inputs and result do: so that of a long sequence they
  /// are computed once more, a block at a time.
  struct Saved {
    std::optional<Array> weights;
  };

  Array forward(Values in, Saved& saved, Wanted wanted) const {
    const bool any = wanted(0) || wanted(1) || wanted(2);
    const std::int64_t others = (plan.queries + plan.keys) * (plan.width + plan.values);
    Array* const kept = any && plan.queries * plan.keys <= others ? &saved.weights.emplace() : nullptr;
    return kernels::attention(plan, *in[0], *in[1], *in[2], kept);
  }
  Attributes attributes() const {
    return {{"scale", double{plan.scale}}, {"mask", mask}, {"causal", bool{plan.causal}}};
  }
  Reads reads(Wanted wanted) const {
    const Reads both = reads_input(0) | reads_input(1);
    return wanted(0) || wanted(1) ? both | reads_input(2) : both;
  }
  std::int64_t flops(Inputs in, const Shape& out) const {
    return 2 * plan.keys * (in[0].size() + out.size());
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to, const Saved& saved) const {
    const Tensor &q = in[0], &k = in[1], &v = in[2];
    const bool to_scores = to.wants(0) || to.wants(1);
    if (to.in_numbers()) {
      const auto array = [&](std::size_t i) {
        return to.wants(i) ? Array(in[i].shape(), in[i].dtype()) : Array();
      };
      std::array<Array, 3> results = {array(0), array(1), array(2)};
      const auto result = [&](std::size_t i) { return to.wants(i) ? &results[i] : nullptr; };
      kernels::attention_gradient(
          plan, value_of(q), value_of(k), to_scores ? value_of(v) : Array(v.shape(), v.dtype()),
          saved.weights ? &*saved.weights : nullptr, value_of(g), result(0), result(1), result(2));
      for (std::size_t i = 0; i < 3; ++i)
        if (to.wants(i)) to[i] = constant(std::move(results[i]));
      return;
    }
    const Tensor p = weights(q, k, mask, plan.scale);
    if (to.wants(2)) to[2] = matmul(swapaxes(p, -1, -2), g);
    if (!to_scores) return;
    const Tensor through = matmul(g, swapaxes(v, -1, -2)),
                 h = p * (through - sum(p * through, -1, true)) * plan.scale;
    if (to.wants(0)) to[0] = matmul(h, k);
    if (to.wants(1)) to[1] = matmul(swapaxes(h, -1, -2), q);
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    return {input == 2 ? "pᵀ g" : input == 0 ? "h " + names[1] : "hᵀ " + names[0], false};
  }

  /// As a composition of public operations.
  static Tensor weights(const Tensor& q, const Tensor& k, const Tensor& mask, double scale) {
    const Tensor scores = matmul(q, swapaxes(k, -1, -2)) * scale;
    return softmax(mask.is_empty() ? scores : masked(scores, mask));
  }
  static Tensor masked(const Tensor& scores, const Tensor& mask) {
    if (mask.dtype() != DType::boolean) return scores + mask;
    return where(mask, scores, -std::numeric_limits<double>::infinity());
  }
};

namespace {

[[noreturn]] void fail(const char* operation, const std::string& what) {
  throw ShapeError(std::string(operation) + ": " + what);
}

/// Which keys are up to each query, as a mask (queries, keys).
Tensor lower_triangle(std::int64_t queries, std::int64_t keys) {
  return reshape(arange(0, keys), {1, keys}) <= reshape(arange(0, queries), {queries, 1});
}

/// What there is of both.
Tensor meeting(const Tensor& a, const Tensor& b) {
  if (a.is_empty() || b.is_empty()) return a.is_empty() ? b : a;
  if (a.dtype() == DType::boolean && b.dtype() == DType::boolean) return a & b;
  return a.dtype() == DType::boolean   ? Attend::masked(b, a)
         : b.dtype() == DType::boolean ? Attend::masked(a, b)
                                       : a + b;
}

Tensor attention(const char* operation, const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionOptions& options, Here here) {
  const auto shapes = [&] {
    return "q " + to_string(q.shape()) + ", k " + to_string(k.shape()) + ", v " + to_string(v.shape());
  };
  if (q.rank() < 2 || k.rank() < 2 || v.rank() < 2)
    fail(operation,
         shapes() +
             " need two axes at least; they must be (..., queries, E), (..., keys, E) and (..., keys, V)");
  const std::int64_t queries = q.shape()[q.rank() - 2], width = q.shape().back(),
                     keys = k.shape()[k.rank() - 2], values = v.shape().back();
  if (k.shape().back() != width || v.shape()[v.rank() - 2] != keys)
    fail(operation,
         shapes() + " do not fit; they must be (..., queries, E), (..., keys, E) and (..., keys, V)");
  const auto leading = [](const Tensor& tensor) {
    const Shape& shape = tensor.shape();
    return Shape(shape.sizes().first(shape.rank() - 2));
  };
  const auto with = [](const Shape& batch, std::int64_t rows, std::int64_t columns) {
    std::vector<std::int64_t> sizes(batch.begin(), batch.end());
    sizes.insert(sizes.end(), {rows, columns});
    return Shape(sizes);
  };
  Tensor mask = options.mask;
  if (!mask.is_empty() && is_integer(mask.dtype()))
    throw DTypeError(std::string(operation) + ": mask is " + std::string(to_string(mask.dtype())) +
                     "; it must be bool, or floating to be added");
  if (!mask.is_empty() && mask.dtype() != DType::boolean) mask = Operand(mask).as(computed_in(q.dtype()));
  Shape batch = broadcast(operation, broadcast(operation, leading(q), leading(k)), leading(v));
  if (!mask.is_empty()) {
    const Shape scores = with(batch, queries, keys);
    const auto refuse = [&] {
      fail(operation, "mask " + to_string(mask.shape()) + " does not broadcast to the scores " +
                          to_string(scores) + "; its axes must agree or be 1");
    };
    try {
      const Shape whole = broadcast(operation, mask.shape(), scores);
      if (whole.rank() < 2 || whole[whole.rank() - 2] != queries || whole.back() != keys) refuse();
      batch = Shape(whole.sizes().first(whole.rank() - 2));
    } catch (const ShapeError&) {
      refuse();
    }
  }
  const auto spread = [&](const Tensor& tensor, std::int64_t rows, std::int64_t columns) {
    return reshape(broadcast_to(tensor, with(batch, rows, columns)), {batch.size(), rows, columns});
  };
  const double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(width)));
  const Shape result = with(batch, queries, values);
  const bool any_traced =
      traced(q) != nullptr || traced(k) != nullptr || traced(v) != nullptr || traced(mask) != nullptr;
  const bool some_drop = drops(operation, "dropout_p", options.dropout_p, options.generator);
  if (any_traced || some_drop || (!mask.is_empty() && mask.requires_grad())) {
    const Tensor all = options.causal ? meeting(mask, lower_triangle(queries, keys)) : mask;
    const Tensor p = Attend::weights(broadcast_to(q, with(batch, queries, width)), k, all, scale);
    const Tensor kept = some_drop ? dropout(p, options.dropout_p, *options.generator) : p;
    return Operand(matmul(kept, v)).as(q.dtype());
  }
  Attend op{{batch.size(), queries, keys, width, values, scale, options.causal}, {}};
  if (!mask.is_empty()) {
    const Shape whole = with(batch, queries, keys);
    const std::vector<std::int64_t> strides = broadcast_strides(mask.shape(), whole);
    op.plan.mask = value_of(mask);
    op.plan.row = strides[whole.rank() - 2];
    op.plan.column = strides[whole.rank() - 1];
    for (std::int64_t i = 0; i < batch.size(); ++i) {
      std::int64_t offset = 0;
      for (std::size_t axis = batch.rank(), rest = static_cast<std::size_t>(i); axis-- > 0;
           rest /= static_cast<std::size_t>(batch[axis]))
        offset += static_cast<std::int64_t>(rest) % batch[axis] * strides[axis];
      op.plan.offsets.push_back(offset);
    }
    Shape aligned = Shape::filled(whole.rank(), 1);
    for (std::size_t axis = 0; axis < mask.rank(); ++axis)
      aligned[whole.rank() - mask.rank() + axis] = mask.shape()[axis];
    // With the batches as one axis, unless it is the same for all.
    const bool is_shared = Shape(aligned.sizes().first(batch.rank())).size() == 1;
    const std::int64_t rows = aligned[whole.rank() - 2], columns = aligned.back();
    op.mask = is_shared ? reshape(mask, {1, rows, columns})
                        : reshape(broadcast_to(reshape(mask, aligned), with(batch, rows, columns)),
                                  {batch.size(), rows, columns});
  }
  if (options.causal) op.mask = meeting(op.mask, lower_triangle(queries, keys));
  return reshape(apply(std::move(op), here, Argument(spread(q, queries, width)),
                       Argument(spread(k, keys, width)), Argument(spread(v, keys, values))),
                 result);
}

/// What is not seen, or added, as what is seen, or added.
Tensor seen(const Tensor& mask) { return mask.dtype() == DType::boolean ? ~mask : mask; }

}  // namespace
}  // namespace ops

Tensor scaled_dot_product_attention(const Operand& q, const Operand& k, const Operand& v,
                                    const AttentionOptions& options) try {
  const DType dtype = ops::real_dtype(ops::common_dtype(q, k, v));
  return ops::attention("scaled_dot_product_attention", q.as(dtype), k.as(dtype), v.as(dtype), options,
                        q.here());
} catch (...) {
  rethrow_in_call("scaled_dot_product_attention", q, k, v);
}

Tensor multi_head_attention(const Operand& query, const Operand& key, const Operand& value, Integer heads,
                            const MultiHeadWeights& weights, const MultiHeadOptions& options) try {
  constexpr const char* name = "multi_head_attention";
  const DType dtype =
      ops::real_dtype(promote(ops::common_dtype(query, key, value), weights.in_weight.dtype()));
  const Tensor first = query.as(dtype);
  const std::size_t rank = first.rank();
  // (N, length, E), whatever the layout is.
  const auto batched = [&](const Tensor& x) {
    if (x.rank() != rank || rank < 2 || rank > 3)
      ops::fail(name, "query has shape " + to_string(first.shape()) + ", and one of key and value " +
                          to_string(x.shape()) +
                          "; all must be (L, N, E), (N, L, E) with batch_first, or (L, E)");
    if (rank == 2) return reshape(x, {1, x.shape()[0], x.shape()[1]});
    return options.batch_first ? x : swapaxes(x, 0, 1);
  };
  const Tensor q = batched(first), k = batched(key.as(dtype)), v = batched(value.as(dtype));
  const std::int64_t samples = q.shape()[0], queries = q.shape()[1], width = q.shape()[2],
                     keys = k.shape()[1];
  const auto require = [&](const Tensor& tensor, const char* what, const Shape& shape) {
    if (!tensor.is_empty() && tensor.shape() != shape)
      ops::fail(name, std::string(what) + " has shape " + to_string(tensor.shape()) + "; for queries of " +
                          std::to_string(width) + " features it must be " + to_string(shape));
  };
  if (heads < 1 || width % heads != 0)
    ops::fail(name, std::to_string(heads) + " heads do not divide the " + std::to_string(width) +
                        " features of query; choose a divisor");
  if (weights.out_weight.is_empty()) ops::fail(name, "there is no out_weight; give one of shape (E, E)");
  require(weights.in_weight, "in_weight", {3 * width, width});
  require(weights.in_bias, "in_bias", {3 * width});
  require(weights.out_weight, "out_weight", {width, width});
  require(weights.out_bias, "out_bias", {width});
  require(k, "key", {samples, keys, width});
  require(v, "value", {samples, keys, width});
  const auto transformed = [](const Tensor& x, const Tensor& weight, const Tensor& bias) {
    return bias.is_empty() ? linear(x, weight) : linear(x, weight, bias);
  };
  // Part i of the features, for each head: (N, heads, length, E / heads).
  const auto part = [&](const Tensor& x, std::int64_t i) {
    const Slice rows{i * width, (i + 1) * width};
    const Tensor y = transformed(x, index(weights.in_weight, {rows}),
                                 weights.in_bias.is_empty() ? Tensor() : index(weights.in_bias, {rows}));
    return permute(reshape(y, {samples, x.shape()[1], heads, width / heads}), {0, 2, 1, 3});
  };
  Tensor mask = options.mask.is_empty() ? Tensor() : ops::seen(options.mask);
  if (!mask.is_empty() && mask.rank() == 3) {
    require(mask, "mask", {samples * heads, queries, keys});
    mask = reshape(mask, {samples, heads, queries, keys});
  }
  if (!options.key_padding_mask.is_empty()) {
    Tensor padding = ops::seen(options.key_padding_mask);
    require(padding, "key_padding_mask", rank == 2 ? Shape{keys} : Shape{samples, keys});
    padding = reshape(padding, {samples, 1, 1, keys});
    mask = ops::meeting(mask, padding);
  }
  const Tensor mixed = ops::attention(name, part(q, 0), part(k, 1), part(v, 2),
                                      {.mask = mask,
                                       .causal = options.causal,
                                       .dropout_p = options.dropout_p,
                                       .generator = options.generator},
                                      query.here());
  const Tensor joined = reshape(permute(mixed, {0, 2, 1, 3}), {samples, queries, width});
  const Tensor out = transformed(joined, weights.out_weight, weights.out_bias);
  if (rank == 2) return reshape(out, {queries, width});
  return options.batch_first ? out : swapaxes(out, 0, 1);
} catch (...) {
  rethrow_in_call("multi_head_attention", query, key, value);
}

namespace ops {

Entries attention_operations() {
  static constexpr auto optional = [](Arguments& a, std::size_t i) {
    return a.given(i) ? a.tensor(i) : Tensor();
  };
  static constexpr Entry table[] = {
      {.name = "scaled_dot_product_attention",
       .parameters = "q|query, k|key, v|value, mask|attn_mask=None, causal|is_causal=False, scale=None, "
                     "dropout_p=0",
       .call = [](Arguments& a) -> Result {
         AttentionOptions options = {.mask = optional(a, 3), .causal = a.flag(4)};
         if (a.given(5)) options.scale = a.number(5);
         if (a.given(6)) {
           options.dropout_p = a.number(6);
           options.generator = &a.random();
         }
         return scaled_dot_product_attention(a[0], a[1], a[2], options);
       },
       .formula = Attend::formula,
       .example = "scaled_dot_product_attention([[1, 0]], [[1, 0], [0, 1]], [[2, 0], [0, 2]])",
       .note = "a bool mask says which keys are seen; a query that sees none gives zeros"},
      {.name = "multi_head_attention",
       .parameters = "query, key, value, heads|num_heads, in_weight|in_proj_weight, in_bias|in_proj_bias, "
                     "out_weight|out_proj_weight, out_bias|out_proj_bias, mask|attn_mask=None, "
                     "key_padding_mask=None, causal|is_causal=False, batch_first=False, dropout_p=0",
       .call = [](Arguments& a) -> Result {
         return multi_head_attention(a[0], a[1], a[2], a.integer(3),
                                     {a.tensor(4), optional(a, 5), a.tensor(6), optional(a, 7)},
                                     {.mask = optional(a, 8),
                                      .key_padding_mask = optional(a, 9),
                                      .causal = a.flag(10),
                                      .batch_first = a.flag(11),
                                      .dropout_p = a.given(12) ? a.number(12) : 0,
                                      .generator = a.given(12) ? &a.random() : nullptr});
       },
       .formula = "attention of linear(query), linear(key) and linear(value), for each head; then linear",
       .example = "multi_head_attention([[1, 2]], [[1, 2]], [[1, 2]], 1, ones(6, 2), None, ones(2, 2), None)",
       .note = "as in PyTorch a bool mask says here which keys are not seen"},
      inner<Attend>(),
  };
  return table;
}

}  // namespace ops
}  // namespace chainrule
