/// \file
/// What networks are made of beside the general operations: convolutions, pooling, normalisation, attention
/// and recurrent cells. Names, layouts, meaning and default values are PyTorch's (torch.nn.functional).

#pragma once

#include "chainrule/ops.h"
#include "chainrule/random.h"

namespace CHAINRULE_API chainrule {

// ---- Convolutions ------------------------------------------------------------------------------------
//
// x is (N, C, spatial...), or one sample (C, spatial...); one, two or three spatial axes, as the name says.
// What is given per axis may be one number for all of them. As in PyTorch the kernel is not flipped, so
// strictly these are correlations. Linear in x, in the weight and in the bias; each derivative is a
// convolution again, so that those of any order follow. ShapeError for shapes that do not fit, a kernel
// larger than the padded input, groups that do not divide the channels, and steps of 0.

/// One number for all spatial axes, or one for each.
using PerAxis = Shape;

/// No zeros, or as many as keep the size.
enum class Pad : std::uint8_t { valid, same };
/// How many zeros there are on both sides of each axis. `valid` is none; `same` as many as keep the size, the
/// odd one behind, and asks for a stride of 1.
class Padding {
 public:
  /// The same on all axes.
  Padding(WholeNumber auto size) : sizes_(size) {}  // NOLINT(google-explicit-constructor)
  /// One for each axis.
  Padding(std::initializer_list<std::int64_t> sizes)
      : sizes_(sizes) {}  // NOLINT(google-explicit-constructor)
  /// One for each axis.
  Padding(PerAxis sizes) : sizes_(std::move(sizes)) {}  // NOLINT(google-explicit-constructor)
  /// By a rule.
  Padding(Pad pad) : sizes_(0), is_same_(pad == Pad::same) {}  // NOLINT(google-explicit-constructor)
  Padding(NoWholeNumber auto) = delete;                        // how many zeros is a whole number
  /// One number, or one for each axis. Not for `same`.
  const PerAxis& sizes() const& { return sizes_; }
  /// Is it by the rule `same`?
  bool is_same() const { return is_same_; }

 private:
  PerAxis sizes_;
  bool is_same_ = false;
};

/// Of convolutions.
struct ConvOptions {
  /// From one place of the kernel in x to the next.
  PerAxis stride = 1;
  /// Zeros around x.
  Padding padding = 0;
  PerAxis dilation = 1;     ///< from one element of the kernel to the next
  std::int64_t groups = 1;  ///< each of them sees its own part of the channels
};

namespace detail {
Tensor convolution(std::size_t spatial, const Operand& x, const Operand& weight, const Operand* bias,
                   const ConvOptions& options);
}  // namespace detail

/// weight (out, C / groups, kernel...), bias (out,); result (N, out, ...) with a size of
/// (size + 2 padding - dilation (kernel - 1) - 1) / stride + 1, rounded down, along each axis.
inline Tensor conv1d(const Operand& x, const Operand& weight, const ConvOptions& options = {}) {
  return detail::convolution(1, x, weight, nullptr, options);
}
template <std::convertible_to<Operand> Bias>
Tensor conv1d(const Operand& x, const Operand& weight, const Bias& bias, const ConvOptions& options = {}) {
  const Operand given(bias);
  return detail::convolution(1, x, weight, &given, options);
}
inline Tensor conv2d(const Operand& x, const Operand& weight, const ConvOptions& options = {}) {
  return detail::convolution(2, x, weight, nullptr, options);
}
template <std::convertible_to<Operand> Bias>
Tensor conv2d(const Operand& x, const Operand& weight, const Bias& bias, const ConvOptions& options = {}) {
  const Operand given(bias);
  return detail::convolution(2, x, weight, &given, options);
}
inline Tensor conv3d(const Operand& x, const Operand& weight, const ConvOptions& options = {}) {
  return detail::convolution(3, x, weight, nullptr, options);
}
template <std::convertible_to<Operand> Bias>
Tensor conv3d(const Operand& x, const Operand& weight, const Bias& bias, const ConvOptions& options = {}) {
  const Operand given(bias);
  return detail::convolution(3, x, weight, &given, options);
}

/// Of transposed convolutions.
struct ConvTransposeOptions {
  /// Those of the convolution that it is the derivative of.
  PerAxis stride = 1, padding = 0;
  PerAxis output_padding = 0;  ///< added at the end, below stride or dilation: which of the sizes is meant
  /// From one element of the kernel to the next.
  PerAxis dilation = 1;
  /// Each of them sees its own part of the channels.
  std::int64_t groups = 1;
};

namespace detail {
Tensor transposed_convolution(std::size_t spatial, const Operand& x, const Operand& weight,
                              const Operand* bias, const ConvTransposeOptions& options);
}  // namespace detail

/// The derivative of a convolution by its input as a function of its own, also called a deconvolution: weight
/// (C, out / groups, kernel...), bias (out,); result (N, out, ...) with a size of (size - 1) stride - 2
/// padding + dilation (kernel - 1) + output_padding + 1 along each axis.
inline Tensor conv_transpose1d(const Operand& x, const Operand& weight,
                               const ConvTransposeOptions& options = {}) {
  return detail::transposed_convolution(1, x, weight, nullptr, options);
}
template <std::convertible_to<Operand> Bias>
Tensor conv_transpose1d(const Operand& x, const Operand& weight, const Bias& bias,
                        const ConvTransposeOptions& options = {}) {
  const Operand given(bias);
  return detail::transposed_convolution(1, x, weight, &given, options);
}
inline Tensor conv_transpose2d(const Operand& x, const Operand& weight,
                               const ConvTransposeOptions& options = {}) {
  return detail::transposed_convolution(2, x, weight, nullptr, options);
}
template <std::convertible_to<Operand> Bias>
Tensor conv_transpose2d(const Operand& x, const Operand& weight, const Bias& bias,
                        const ConvTransposeOptions& options = {}) {
  const Operand given(bias);
  return detail::transposed_convolution(2, x, weight, &given, options);
}
inline Tensor conv_transpose3d(const Operand& x, const Operand& weight,
                               const ConvTransposeOptions& options = {}) {
  return detail::transposed_convolution(3, x, weight, nullptr, options);
}
template <std::convertible_to<Operand> Bias>
Tensor conv_transpose3d(const Operand& x, const Operand& weight, const Bias& bias,
                        const ConvTransposeOptions& options = {}) {
  const Operand given(bias);
  return detail::transposed_convolution(3, x, weight, &given, options);
}

// ---- Pooling and resizing ----------------------------------------------------------------------------
//
// x is (N, C, spatial...), or one sample (C, spatial...). Each plane of x is covered with windows.

/// Of max_pool1d() and the like.
struct MaxPoolOptions {
  PerAxis stride = {};     ///< nothing means that of the kernel's size
  PerAxis padding = 0;     ///< with -inf, on both sides: at most half of what the kernel reaches over
  PerAxis dilation = 1;    ///< from one element of the window to the next
  bool ceil_mode = false;  ///< does the last window hang over the end, if it begins before it?
};
/// Values, and where each is in its plane: a position in row-major order, int64.
struct [[nodiscard]] Pooled {
  /// The largest elements, and where in the plane of x each is, counted row by row.
  Tensor values, places;
};

/// The largest element of each window; NaN if there is one. The gradient goes to that element, the first of
/// equal ones. The result has a size of (size + 2 padding - dilation (kernel - 1) - 1) / stride + 1 along
/// each axis.
Tensor max_pool1d(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options = {});
Tensor max_pool2d(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options = {});
Tensor max_pool3d(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options = {});
/// With places, as PyTorch's return_indices.
Pooled max_pool1d_with_places(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options = {});
Pooled max_pool2d_with_places(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options = {});
Pooled max_pool3d_with_places(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options = {});

/// Of avg_pool1d() and the like.
struct AvgPoolOptions {
  /// From one window to the next; where not given, the kernel's size.
  PerAxis stride = {};
  PerAxis padding = 0;  ///< with zeros: at most half of the kernel
  /// May a last window go over the edge?
  bool ceil_mode = false;
  bool count_include_pad = true;                      ///< do the zeros of the padding count as elements?
  std::optional<std::int64_t> divisor_override = {};  ///< what to divide by instead of the number of elements
};

/// The mean of each window.
Tensor avg_pool1d(const Operand& x, const PerAxis& kernel, const AvgPoolOptions& options = {});
Tensor avg_pool2d(const Operand& x, const PerAxis& kernel, const AvgPoolOptions& options = {});
Tensor avg_pool3d(const Operand& x, const PerAxis& kernel, const AvgPoolOptions& options = {});

/// Windows for a result of this size: number i is from i * in / size, rounded down, to (i + 1) * in / size,
/// rounded up. A size of -1 is that of x (PyTorch's None).
Tensor adaptive_avg_pool1d(const Operand& x, const PerAxis& size);
Tensor adaptive_avg_pool2d(const Operand& x, const PerAxis& size);
Tensor adaptive_avg_pool3d(const Operand& x, const PerAxis& size);
Tensor adaptive_max_pool1d(const Operand& x, const PerAxis& size);
Tensor adaptive_max_pool2d(const Operand& x, const PerAxis& size);
Tensor adaptive_max_pool3d(const Operand& x, const PerAxis& size);

/// `linear` is also bilinear and trilinear, `cubic` (a = -0.75) bicubic, and `area` is adaptive_avg_pool.
enum class Interpolation : std::uint8_t { nearest, nearest_exact, linear, cubic, area };
/// Of interpolate().
struct InterpolateOptions {
  PerAxis size = {};               ///< of the result,
  std::vector<double> scale = {};  ///< or by how much it is larger: for all axes, or for each
  /// How elements between those of x are made.
  Interpolation mode = Interpolation::nearest;
  bool align_corners = false;  ///< are the centres of the corner elements kept, or the corners themselves?
};
/// x (N, C, spatial...), of one to three spatial axes, in another size. Linear in x. ShapeError unless either
/// size or scale is given.
Tensor interpolate(const Operand& x, const InterpolateOptions& options);
/// (..., C r², H, W) as (..., C, H r, W r): of r² channels, each gives a pixel of every square of r by r.
/// ShapeError where the channels are no multiple of r².
Tensor pixel_shuffle(const Operand& x, Integer factor);
/// (..., C, H r, W r) as (..., C r², H, W): the inverse of pixel_shuffle.
Tensor pixel_unshuffle(const Operand& x, Integer factor);

// ---- Normalisation -----------------------------------------------------------------------------------
//
// y = (x - mean) / √(variance + eps) · weight + bias, where mean and variance (of the elements themselves,
// not the estimate with n - 1) are those of a group of elements of x; the functions differ in what a group
// is. The mean is subtracted before anything is squared, and so exactly that a large one costs no digits.
// Derivative by x, with y before weight and bias: (g - mean(g) - y · mean(g · y)) / √(variance + eps).

/// Of the normalisations.
struct NormOptions {
  Tensor weight = {}, bias = {};  ///< none where they are empty handles
  /// Added to the variance.
  double eps = 1e-5;
};

/// The groups are the last axes, which have the shape `normalized`, as have weight and bias.
Tensor layer_norm(const Operand& x, const Shape& normalized, const NormOptions& options = {});
/// x / √(mean(x²) + eps) · weight over the last axes; without an eps that of x's dtype.
Tensor rms_norm(const Operand& x, const Shape& normalized, const Tensor& weight = {},
                std::optional<double> eps = {});
/// x (N, C, ...): the channels of each sample in `groups` equal parts; weight and bias (C,).
Tensor group_norm(const Operand& x, Integer groups, const NormOptions& options = {});
/// x (N, C, ...), or one sample (C, L): each channel of each sample; weight and bias (C,). ShapeError for one
/// element in each, which has no variance.
Tensor instance_norm(const Operand& x, const NormOptions& options = {});

/// x (N, C, ...) by a given mean and variance (C,) of the channels, as in evaluation; weight and bias (C,).
Tensor batch_norm(const Operand& x, const Operand& mean, const Operand& variance,
                  const NormOptions& options = {});
/// What training gives: y, and the batch's mean and variance (C,) for running averages; this variance is the
/// estimate with n - 1, as PyTorch's. No gradient flows through the two.
struct [[nodiscard]] BatchNormed {
  /// The result, and the batch's statistics (C,).
  Tensor y, mean, variance;
};
/// The same by the mean and variance that each channel has in the batch. ShapeError for less than two
/// elements.
BatchNormed batch_norm_training(const Operand& x, const NormOptions& options = {});

/// x / max(‖x‖, eps), where the norm is that of order p along an axis.
Tensor normalize(const Operand& x, double p = 2, Integer axis = 1, double eps = 1e-12);
/// x (N, C, ...) / (k + alpha · mean(x² over `size` neighbouring channels))^beta, where channels that are not
/// there count as zeros. Source: Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep
/// convolutional neural networks", 2012, section 3.3.
Tensor local_response_norm(const Operand& x, Integer size, double alpha = 1e-4, double beta = 0.75,
                           double k = 1);

// ---- Attention ---------------------------------------------------------------------------------------

/// Of scaled_dot_product_attention().
struct AttentionOptions {
  /// bool: which keys a query sees; or floating: what is added to its scores. It broadcasts to (..., queries,
  /// keys).
  Tensor mask = {};
  bool causal = false;               ///< does query i see the keys up to i only?
  std::optional<double> scale = {};  ///< 1 / √E unless given
  /// With what probability each weight is made 0, as dropout() does it: for training. It asks for a
  /// generator.
  double dropout_p = 0;
  Generator* generator = nullptr;  ///< of what is dropped; unused where dropout_p is 0
};
/// softmax(scale · q kᵀ + mask) v: q (..., queries, E), k (..., keys, E), v (..., keys, V), whose leading
/// axes broadcast; result (..., queries, V), zeros where a query sees nothing. Memory grows with the length
/// of the sequences, not with its square: the weights are computed block by block, and again for the
/// derivative, unless that is to be differentiated in turn, or is wanted of the mask, or some are dropped.
Tensor scaled_dot_product_attention(const Operand& q, const Operand& k, const Operand& v,
                                    const AttentionOptions& options = {});

/// Weights in PyTorch's layout: in_weight (3E, E) makes queries, keys and values, out_weight is (E, E), the
/// biases (3E,) and (E,), if there are any.
struct MultiHeadWeights {
  /// Of the inputs together, and of the output.
  Tensor in_weight, in_bias = {}, out_weight = {}, out_bias = {};
};
/// Of multi_head_attention(): what is not seen.
struct MultiHeadOptions {
  /// (queries, keys), or (N · heads, queries, keys). As in PyTorch's multi_head_attention a bool here says
  /// which keys are *not* seen; floating is added to the scores.
  Tensor mask = {};
  Tensor key_padding_mask =
      {};  ///< (N, keys), which keys are not seen by anyone; or what is added to their scores
  /// Does query i see the keys up to i only?
  bool causal = false;
  /// Is the batch the first axis, and not the second?
  bool batch_first = false;
  /// As in AttentionOptions.
  double dropout_p = 0;
  Generator* generator = nullptr;  ///< of what is dropped
};
/// Attention of several heads, each on its own part of the features: query (L, N, E), key and value (S, N,
/// E); or (N, L, E) where batch_first; or without N. Result as query.
Tensor multi_head_attention(const Operand& query, const Operand& key, const Operand& value, Integer heads,
                            const MultiHeadWeights& weights, const MultiHeadOptions& options = {});

// ---- Recurrent cells and networks --------------------------------------------------------------------

/// The weights of a cell with H features of state and I of input, in PyTorch's layout: input (gates · H, I)
/// and hidden (gates · H, H), their biases (gates · H,), if there are any.
struct CellWeights {
  /// (gates · H, I), (gates · H, H) and (gates · H,).
  Tensor input, hidden, input_bias = {}, hidden_bias = {};
};
/// Of an LSTM: what it gives, and what it keeps for itself.
struct [[nodiscard]] LstmState {
  /// (N, H), or (layers · directions, N, H) of a network.
  Tensor h, c;
};

/// tanh(x W_inputᵀ + b_input + h W_hiddenᵀ + b_hidden), or relu of that: x (N, I), h (N, H), or both without
/// N; result as h.
Tensor rnn_cell(const Operand& x, const Operand& h, const CellWeights& weights, Flag relu = false);
/// With the gates i, f, g, o in this order: c' = σ(f) · c + σ(i) · tanh(g), h' = σ(o) · tanh(c').
LstmState lstm_cell(const Operand& x, const LstmState& state, const CellWeights& weights);
/// With the gates r, z, n in this order, of which n = tanh(input_n + σ(r) · hidden_n): h' = (1 - σ(z)) · n +
/// σ(z) · h.
Tensor gru_cell(const Operand& x, const Operand& h, const CellWeights& weights);

/// Of rnn(), lstm() and gru().
struct RecurrentOptions {
  bool bidirectional = false;  ///< a second cell in each layer goes backwards, and the two results are joined
  bool batch_first = false;    ///< x and the output are (N, L, features)
  /// With what probability each output of a layer is made 0 on its way to the next one, as dropout() does it:
  /// for training. That of the last layer, and so of a single one, stays. It asks for a generator.
  double dropout = 0;
  Generator* generator = nullptr;  ///< of what is dropped; unused where dropout is 0
};
/// What a network gives: the output of the last layer at every step, (L, N, directions · H), and the last
/// states of all cells, (layers · directions, N, H). `c` is there for an LSTM alone.
struct [[nodiscard]] Recurrent {
  /// Of every step, and of all cells at the end.
  Tensor output, h, c = {};
};

/// Layers of cells over a sequence x (L, N, I), or (L, I) without N in all shapes: weights of the first
/// layer, forward and then backward if bidirectional, of the second one, ... The states at the beginning are
/// (layers · directions, N, H), or zeros where empty. ShapeError for weights that do not fit.
Recurrent rnn(const Operand& x, const Tensor& h, const std::vector<CellWeights>& weights,
              const RecurrentOptions& options = {}, Flag relu = false);
Recurrent lstm(const Operand& x, const LstmState& state, const std::vector<CellWeights>& weights,
               const RecurrentOptions& options = {});
Recurrent gru(const Operand& x, const Tensor& h, const std::vector<CellWeights>& weights,
              const RecurrentOptions& options = {});

}  // namespace chainrule
