// Multi-head attention and the layers of transformers.
// They compute by multi_head_attention of networks.h.

#include "chainrule/nn/attention.h"

#include "nn/layer.h"

namespace chainrule {
namespace {

std::int64_t checked_heads(std::int64_t features, std::int64_t heads) {
  nn::require_positive("MultiheadAttention", {{"features", features}, {"heads", heads}});
  if (features % heads != 0)
    throw ShapeError("MultiheadAttention: " + std::to_string(heads) + " heads do not divide " +
                     std::to_string(features) + " features");
  return heads;
}

Linear output_layer(std::int64_t features, Generator& generator, Bias bias, DType dtype) {
  Parameter weight(xavier_uniform({features, features}, generator, 1, dtype), "out_proj.weight");
  if (bias == Bias::none) return Linear(std::move(weight));
  return {std::move(weight), Parameter(zeros({features}, dtype), "out_proj.bias")};
}

/// x plus what a part makes of it, with the sum or, where `first`, the part's input normalised.
template <class Part>
Tensor plus(const Tensor& x, const LayerNorm& norm, bool first, const Part& part) {
  return first ? x + part(norm(x)) : norm(x + part(x));
}

}  // namespace

MultiheadAttention::MultiheadAttention(Integer features, Integer number, Generator& generator,
                                       bool batched_first, Bias bias, DType dtype, double dropout_p)
    : in_proj_weight(xavier_uniform({3 * features, features / checked_heads(features, number) * number},
                                    generator, 1, dtype),
                     "in_proj_weight"),
      out_proj(output_layer(features, generator, bias, dtype)),
      heads(number),
      batch_first(batched_first) {
  if (bias == Bias::learned) in_proj_bias = Parameter(zeros({3 * features}, dtype), "in_proj_bias");
  if (dropout_p != 0) dropout.emplace(dropout_p, generator);
}

Tensor MultiheadAttention::operator()(const Operand& query, const Operand& key, const Operand& value,
                                      const MultiHeadOptions& options) const {
  const Scope scope(nn::scope_of(in_proj_weight));
  MultiHeadOptions with_layout = options;
  with_layout.batch_first = batch_first;
  std::optional<Generator> drawn;
  if (dropout && dropout->is_on()) {
    with_layout.dropout_p = dropout->p;
    with_layout.generator = &drawn.emplace(dropout->next_generator());
  }
  return multi_head_attention(query, key, value, heads,
                              {.in_weight = in_proj_weight,
                               .in_bias = nn::leaf_or_none(in_proj_bias),
                               .out_weight = out_proj.weight(),
                               .out_bias = out_proj.has_bias() ? out_proj.bias().leaf() : Tensor()},
                              with_layout);
}

TransformerEncoderLayer::TransformerEncoderLayer(Integer features, Integer heads, Generator& generator,
                                                 const TransformerOptions& options, DType dtype)
    : self_attn(features, heads, generator, options.batch_first, Bias::learned, dtype, options.dropout),
      linear1(features, options.feedforward, generator, "linear1", dtype),
      linear2(options.feedforward, features, generator, "linear2", dtype),
      norm1({features}, {.eps = options.eps}, dtype),
      norm2({features}, {.eps = options.eps}, dtype),
      dropout(options.dropout, generator),
      dropout1(options.dropout, generator),
      dropout2(options.dropout, generator),
      activation(options.activation),
      norm_first(options.norm_first) {
  name_parameters(*this);
}

Tensor TransformerEncoderLayer::operator()(const Operand& x, const MultiHeadOptions& options) const {
  const Tensor attended = plus(x.as_tensor(), norm1, norm_first,
                               [&](const Tensor& each) { return dropout1(self_attn(each, options)); });
  return plus(attended, norm2, norm_first,
              [&](const Tensor& each) { return dropout2(linear2(dropout(activation(linear1(each))))); });
}

TransformerDecoderLayer::TransformerDecoderLayer(Integer features, Integer heads, Generator& generator,
                                                 const TransformerOptions& options, DType dtype)
    : self_attn(features, heads, generator, options.batch_first, Bias::learned, dtype, options.dropout),
      multihead_attn(features, heads, generator, options.batch_first, Bias::learned, dtype, options.dropout),
      linear1(features, options.feedforward, generator, "linear1", dtype),
      linear2(options.feedforward, features, generator, "linear2", dtype),
      norm1({features}, {.eps = options.eps}, dtype),
      norm2({features}, {.eps = options.eps}, dtype),
      norm3({features}, {.eps = options.eps}, dtype),
      dropout(options.dropout, generator),
      dropout1(options.dropout, generator),
      dropout2(options.dropout, generator),
      dropout3(options.dropout, generator),
      activation(options.activation),
      norm_first(options.norm_first) {
  name_parameters(*this);
}

Tensor TransformerDecoderLayer::operator()(const Operand& x, const Operand& memory,
                                           const MultiHeadOptions& options,
                                           const MultiHeadOptions& memory_options) const {
  const Tensor attended = plus(x.as_tensor(), norm1, norm_first,
                               [&](const Tensor& each) { return dropout1(self_attn(each, options)); });
  const Tensor informed = plus(attended, norm2, norm_first, [&](const Tensor& each) {
    return dropout2(multihead_attn(each, memory, memory, memory_options));
  });
  return plus(informed, norm3, norm_first,
              [&](const Tensor& each) { return dropout3(linear2(dropout(activation(linear1(each))))); });
}

}  // namespace chainrule
