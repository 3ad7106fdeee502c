// Attention of several heads, with caches of keys and values.

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

constexpr Operator table[] = {{"Attention", attention}};

}  // namespace

std::span<const Operator> attention_operators() { return table; }

}  // namespace chainrule::onnx
