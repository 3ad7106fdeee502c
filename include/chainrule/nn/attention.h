/// \file
/// Attention and what transformers are made of. x is (L, N, E), or (N, L, E) where batch_first, or (L, E).
/// They are layers of nn/linear.h and nn/normalization.h around multi_head_attention of networks.h, with
/// PyTorch's names.

#pragma once

#include "chainrule/nn/dropout.h"
#include "chainrule/nn/linear.h"
#include "chainrule/nn/normalization.h"
#include "chainrule/nn/sequential.h"

namespace CHAINRULE_API chainrule {

/// multi_head_attention with weights in_proj_weight (3E, E), in_proj_bias (3E,) and an out_proj, each head on
/// E / heads features.
class MultiheadAttention {
 public:
  /// xavier_uniform weights, zero biases. In training each weight of attention is dropped with the
  /// probability `dropout`. ShapeError unless heads divide the features.
  MultiheadAttention(Integer features, Integer heads, Generator& generator, bool batch_first = false,
                     Bias bias = Bias::learned, DType dtype = default_dtype(), double dropout = 0);

  /// What is masked is in the options, of which batch_first is the layer's, and so is what is dropped where
  /// it has a dropout.
  Tensor operator()(const Operand& query, const Operand& key, const Operand& value,
                    const MultiHeadOptions& options = {}) const;
  /// Of x to itself.
  Tensor operator()(const Operand& x, const MultiHeadOptions& options = {}) const {
    return (*this)(x, x, x, options);
  }

  /// (3E, E): makes queries, keys and values.
  Parameter in_proj_weight;
  std::optional<Parameter> in_proj_bias;  ///< (3E,), if there is one
  /// What the heads have found together becomes.
  Linear out_proj;
  std::int64_t heads;              ///< each on its part of the features
  bool batch_first;                ///< is the batch the first axis, and not the second?
  std::optional<Dropout> dropout;  ///< none where its probability is 0
  CHAINRULE_MEMBERS(in_proj_weight, in_proj_bias, out_proj, dropout)
};

/// Of TransformerEncoderLayer and TransformerDecoderLayer.
struct TransformerOptions {
  std::int64_t feedforward = 2048;  ///< units of the hidden layer
  double dropout = 0.1;  ///< of what each part adds to x, of the hidden layer, and of attention's weights
  AnyModule activation = relu;  ///< of the hidden layer
  double eps = 1e-5;            ///< of the normalisations
  bool batch_first = false;     ///< is the batch the first axis, and not the second?
  bool norm_first = false;      ///< is each part's input normalised, or the sum of it and the part's output?
};

/// x plus attention to itself, then plus two linear layers, each normalised.
/// Source: Vaswani and others, "Attention is all you need", 2017, section 3.1; Xiong and others, "On layer
/// normalization in the transformer architecture", 2020, for norm_first.
class TransformerEncoderLayer {
 public:
  /// ShapeError unless heads divide the features.
  TransformerEncoderLayer(Integer features, Integer heads, Generator& generator,
                          const TransformerOptions& options = {}, DType dtype = default_dtype());

  /// What is masked in x is in the options.
  Tensor operator()(const Operand& x, const MultiHeadOptions& options = {}) const;

  /// Of x to itself.
  MultiheadAttention self_attn;
  /// To the hidden layer, and back.
  Linear linear1, linear2;
  /// Of the two parts.
  LayerNorm norm1, norm2;
  /// Of the hidden layer, and of what each part adds.
  Dropout dropout, dropout1, dropout2;
  AnyModule activation;  ///< of the hidden layer
  bool norm_first;       ///< is each part's input normalised, or the sum?
  CHAINRULE_MEMBERS(self_attn, linear1, linear2, norm1, norm2, dropout, dropout1, dropout2, activation)
};

/// The same with attention to a memory, as an encoder's result, between the two parts.
class TransformerDecoderLayer {
 public:
  /// ShapeError unless heads divide the features.
  TransformerDecoderLayer(Integer features, Integer heads, Generator& generator,
                          const TransformerOptions& options = {}, DType dtype = default_dtype());

  /// What is masked in x, most often {.causal = true}, and in the memory.
  Tensor operator()(const Operand& x, const Operand& memory, const MultiHeadOptions& options = {},
                    const MultiHeadOptions& memory_options = {}) const;

  /// Of x to itself, and to the memory.
  MultiheadAttention self_attn, multihead_attn;
  /// To the hidden layer, and back.
  Linear linear1, linear2;
  /// Of the three parts.
  LayerNorm norm1, norm2, norm3;
  /// Of the hidden layer, and of what each part adds.
  Dropout dropout, dropout1, dropout2, dropout3;
  AnyModule activation;  ///< of the hidden layer
  bool norm_first;       ///< is each part's input normalised, or the sum?
  CHAINRULE_MEMBERS(self_attn, multihead_attn, linear1, linear2, norm1, norm2, norm3, dropout, dropout1,
                    dropout2, dropout3, activation)
};

}  // namespace chainrule
