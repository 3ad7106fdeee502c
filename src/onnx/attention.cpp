// Attention of several heads, with caches of keys and values; with scores that graphs change; and the linear
// kind, which keeps a state of one size instead of a cache.

#include <cmath>
#include <limits>

#include "chainrule/networks.h"
#include "chainrule/shaping.h"
#include "onnx/call.h"
#include "onnx/operators.h"

namespace chainrule::onnx {
namespace {

/// (N, heads, L, E), as it is or from (N, L, heads · E).
Tensor with_heads(const Tensor& x, std::int64_t heads, const char* name) {
  if (x.rank() == 4) return x;
  if (x.rank() != 3 || heads < 1 || x.shape()[2] % heads != 0)
    Call::fail(std::to_string(heads) + " heads do not fit " + name + " of shape " + to_string(x.shape()));
  return swapaxes(x.reshape({x.shape()[0], x.shape()[1], heads, x.shape()[2] / heads}), 1, 2);
}

/// Which keys a query sees (bool), and what is added to its scores, either of which may be missing.
struct Masks {
  Tensor seen, bias;
};

/// From the mask of the node, causality and the number of keys that are no padding. Query i stands at
/// position i + offset of the keys: behind the cache, or so that the last query sees the last key that is
/// there.
Masks masks_of(const Call& call, std::int64_t queries, std::int64_t keys, std::int64_t past) {
  Masks masks;
  const auto see = [&](const Tensor& seen) { masks.seen = masks.seen.is_empty() ? seen : masks.seen & seen; };
  Tensor offset = tensor(past);
  const Tensor key = arange(0, keys);
  if (call.has(6)) {
    if (call[6].rank() != 1)
      Call::fail("its numbers of keys have shape " + to_string(call[6].shape()) + ", not (N,)");
    const Tensor count = expand_dims(call[6], {1, 2, 3});
    see(key < count);
    offset = count - queries;
  }
  if (call.flag("is_causal")) see(key <= arange(0, queries).reshape({queries, 1}) + offset);
  if (call.has(3)) {
    const Tensor& mask = call[3];
    const std::int64_t missing = mask.rank() == 0 ? 0 : keys - mask.shape().back();
    // A mask that is too short says nothing of the last keys, which then are not seen.
    const bool is_short = missing > 0 && mask.shape().back() != 1;
    if (mask.dtype() == DType::boolean)
      see(is_short ? pad(cast(mask, DType::int64), {0, missing}) != 0 : mask);
    else
      masks.bias = is_short ? pad(mask, {0, missing}) : mask;
    if (is_short) see(key < keys - missing);
  }
  return masks;
}

/// What is added to the scores for both.
Tensor added(const Masks& masks, DType dtype) {
  const double infinity = std::numeric_limits<double>::infinity();
  if (masks.seen.is_empty()) return masks.bias;
  const Tensor nothing = full({}, -infinity, dtype);
  return where(masks.seen, masks.bias.is_empty() ? zeros({}, dtype) : masks.bias, nothing);
}

/// softmax(softcap(scale q kᵀ) + mask) v, with the presents of keys and values, and the scores at one of four
/// stages: as products, after softcap, after the mask, after softmax.
Values attention(const Call& call) {
  call.ignore({"softmax_precision"});
  const std::int64_t query_heads = call.integer("q_num_heads", 0),
                     key_heads = call.integer("kv_num_heads", 0);
  const double softcap = call.number("softcap", 0);
  const std::int64_t stage = call.integer("qk_matmul_output_mode", 0);
  const bool joined = call[0].rank() == 3;
  const Tensor q = with_heads(call[0], query_heads, "queries");
  Tensor k = with_heads(call[1], key_heads, "keys"), v = with_heads(call[2], key_heads, "values");
  if (k.shape()[1] == 0 || q.shape()[1] % k.shape()[1] != 0 || v.rank() != 4)
    Call::fail("its heads do not fit: " + to_string(q.shape()) + " and " + to_string(k.shape()));
  std::int64_t past = 0;
  if (call.has(4)) {
    if (call[4].rank() != 4)
      Call::fail("its past keys have shape " + to_string(call[4].shape()) + ", not (N, heads, L, E)");
    const Tensor keys[] = {call[4], k}, values[] = {call[5], v};
    past = call[4].shape()[2];
    k = concatenate(keys, 2);
    v = concatenate(values, 2);
  }
  const Tensor present_key = k, present_value = v;
  const std::int64_t groups = q.shape()[1] / k.shape()[1];
  if (groups != 1) {
    k = repeat_interleave(k, groups, 1);
    v = repeat_interleave(v, groups, 1);
  }
  const double scale = call.number("scale", 1 / std::sqrt(static_cast<double>(q.shape()[3])));
  const Masks masks = masks_of(call, q.shape()[2], k.shape()[2], past);

  Tensor result, scores;
  if (softcap == 0 && !call.wants(3)) {
    const Tensor mask = masks.bias.is_empty() ? masks.seen : added(masks, q.dtype());
    result = scaled_dot_product_attention(q, k, v, {.mask = mask, .scale = scale});
  } else {
    Tensor at[4];
    const std::int64_t sizes[] = {q.shape()[0], q.shape()[1], q.shape()[2], k.shape()[2]};
    call.require_size(sizes);
    at[0] = matmul(q, swapaxes(k, 2, 3)) * scale;
    at[1] = softcap == 0 ? at[0] : tanh(at[0] / softcap) * softcap;
    const Tensor mask = added(masks, q.dtype());
    at[2] = mask.is_empty() ? at[1] : at[1] + mask;
    at[3] = softmax(at[2], -1);
    if (stage < 0 || stage > 3) Call::fail("its attribute 'qk_matmul_output_mode' must be 0 to 3");
    scores = at[stage];
    result = matmul(at[3], v);
  }
  if (joined) {
    const Tensor apart = swapaxes(result, 1, 2);
    result = apart.reshape({apart.shape()[0], apart.shape()[1], apart.shape()[2] * apart.shape()[3]});
  }
  return {result, present_key, present_value, scores};
}

/// softmax of scores that a graph has changed, changed by another one: scale q kᵀ goes through `score_mod`,
/// and the probabilities through `prob_mod`.
Values flexible_attention(const Call& call) {
  call.ignore({"softmax_precision"});
  const Tensor& q = call[0];
  Tensor k = call[1], v = call[2];
  if (q.rank() != 4 || k.rank() != 4 || v.rank() != 4 || k.shape()[1] == 0 ||
      q.shape()[1] % k.shape()[1] != 0)
    Call::fail("its heads do not fit: " + to_string(q.shape()) + " and " + to_string(k.shape()));
  const std::int64_t groups = q.shape()[1] / k.shape()[1];
  if (groups != 1) {
    k = repeat_interleave(k, groups, 1);
    v = repeat_interleave(v, groups, 1);
  }
  const auto changed = [&](const char* name, const Tensor& x) {
    if (!call.has(name)) return x;
    const Values results = call.run(call.graph(name), {Value(x, call.type(0))});
    if (results.size() != 1) Call::fail("its graph '" + std::string(name) + "' has not one result");
    return results[0].tensor;
  };
  const double scale = call.number("scale", 1 / std::sqrt(static_cast<double>(q.shape()[3])));
  const std::int64_t sizes[] = {q.shape()[0], q.shape()[1], q.shape()[2], k.shape()[2]};
  call.require_size(sizes);
  const Tensor scores = changed("score_mod", matmul(q, swapaxes(k, 2, 3)) * scale);
  return one(matmul(changed("prob_mod", softmax(scores, -1)), v));
}

/// A state S (N, heads, E, V) that each step reads and writes: y = scale q S, after S has been multiplied by
/// e^decay (gated), and k (v - k S) beta, or k v, has been added (delta). q, k, v, decay (N, L, heads ·
/// features), beta (N, L, heads). Also the last state. Source: Yang, Kautz and Hatamizadeh, "Gated delta
/// networks", 2024, arXiv:2412.06464.
Values linear_attention(const Call& call) {
  call.ignore({"chunk_size"});
  const std::size_t rule = call.choice("update_rule", {"gated_delta", "linear", "gated", "delta"});
  const std::int64_t query_heads = call.integer("q_num_heads", 0), heads = call.integer("kv_num_heads", 0);
  const bool gated = rule == 0 || rule == 2, delta = rule == 0 || rule == 3;
  const Tensor q = with_heads(call[0], query_heads, "queries"), k = with_heads(call[1], heads, "keys");
  const Tensor v = with_heads(call[2], heads, "values");
  if (k.shape()[1] == 0 || q.shape()[1] % k.shape()[1] != 0)
    Call::fail("its heads do not fit: " + to_string(q.shape()) + " and " + to_string(k.shape()));
  const std::int64_t n = k.shape()[0], steps = k.shape()[2], groups = q.shape()[1] / k.shape()[1];
  const std::int64_t sizes[] = {n, q.shape()[1], k.shape()[3], v.shape()[3]};
  call.require_size(sizes);
  // 0 stands for its default, as where it is missing.
  const double given = call.number("scale", 0),
               scale = given != 0 ? given : 1 / std::sqrt(static_cast<double>(k.shape()[3]));
  const Tensor decay = gated ? exp(with_heads(call[4], heads, "decays")) : Tensor();
  const Tensor beta = delta ? swapaxes(call[5], 1, 2) : Tensor();  // (N, heads or 1, L)
  Tensor state = call.has(3) ? call[3] : zeros({n, k.shape()[1], k.shape()[3], v.shape()[3]}, q.dtype());
  std::vector<Tensor> results;
  for (std::int64_t t = 0; t < steps; ++t) {
    if (gated) state = state * expand_dims(select(decay, 2, t), -1);
    const Tensor key = expand_dims(select(k, 2, t), -1);  // (N, heads, E, 1)
    Tensor written = expand_dims(select(v, 2, t), -2);    // (N, heads, 1, V)
    if (delta)
      written = (written - matmul(swapaxes(key, 2, 3), state)) * expand_dims(select(beta, 2, t), {-1, -2});
    state = state + key * written;
    const Tensor read = groups == 1 ? state : repeat_interleave(state, groups, 1);
    results.push_back(matmul(expand_dims(select(q, 2, t), -2), read) * scale);  // (N, query heads, 1, V)
  }
  if (results.empty()) Call::fail("there are no steps in " + to_string(call[0].shape()));
  const Tensor y = swapaxes(concatenate(results, 2), 1, 2);
  return {y.reshape({n, steps, y.shape()[2] * y.shape()[3]}), state};
}

constexpr Operator table[] = {
    {"Attention", attention},
    {"FlexAttention", flexible_attention, "ai.onnx.preview"},
    {"LinearAttention", linear_attention},
};

}  // namespace

std::span<const Operator> attention_operators() { return table; }

}  // namespace chainrule::onnx
