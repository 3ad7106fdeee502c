/// \file
/// Recurrent networks as layers, with weights as PyTorch names them.
/// What they compute, and the shapes, are in networks.h.

#pragma once

#include <optional>
#include <vector>

#include "chainrule/detail/structure.h"
#include "chainrule/networks.h"
#include "chainrule/nn/dropout.h"
#include "chainrule/nn/linear.h"

namespace CHAINRULE_API chainrule {

/// Of recurrent layers.
struct RecurrentLayerOptions {
  /// One upon the other.
  std::int64_t layers = 1;
  /// Is there a second direction in each layer?
  bool bidirectional = false;
  /// Is x (N, L, inputs), and not (L, N, inputs)?
  bool batch_first = false;
  /// Has each cell two biases?
  Bias bias = Bias::learned;
  /// With what probability outputs of a layer are dropped on their way to the next one, in training. Of the
  /// last layer, and so of a single one, nothing is.
  double dropout = 0;
};

/// What the three have in common: the weights, named as PyTorch's "weight_ih_l0", "weight_hh_l0",
/// "bias_ih_l0" and "bias_hh_l0", then with "_reverse" those of the second direction, then "_l1", ...
class RecurrentLayers {
 public:
  /// All of them, by PyTorch's names.
  NamedParameters weights;
  /// As they were given.
  RecurrentLayerOptions options;
  /// Between the layers; none where its probability is 0.
  std::optional<Dropout> dropout;
  /// The weights have their names without one in front.
  CHAINRULE_MEMBERS_AS(", dropout", weights, dropout)

 protected:
  /// Weights and biases uniform between ±1 / √hidden.
  RecurrentLayers(const std::string& called, std::int64_t gates, std::int64_t inputs, std::int64_t hidden,
                  Generator& generator, const RecurrentLayerOptions& options, DType dtype);
  ~RecurrentLayers() = default;
  RecurrentLayers(const RecurrentLayers&) = default;
  RecurrentLayers(RecurrentLayers&&) = default;
  RecurrentLayers& operator=(const RecurrentLayers&) = default;
  RecurrentLayers& operator=(RecurrentLayers&&) = default;
  /// The weights in the order that rnn() takes.
  std::vector<CellWeights> cells() const;
  /// What rnn() is to be told, with the generator that is drawn from where something is dropped.
  RecurrentOptions call_options(std::optional<Generator>& drawn) const;
};

/// rnn(): tanh or, if told, relu. ShapeError for sizes that are not positive, here and below.
class Rnn : public RecurrentLayers {
 public:
  /// Of x with so many inputs, and a state of so many numbers.
  Rnn(Integer inputs, Integer hidden, Generator& generator, const RecurrentLayerOptions& options = {},
      bool relu = false, DType dtype = default_dtype());
  /// From zeros unless a state is given.
  Recurrent operator()(const Operand& x, const Tensor& h = {}) const;
  /// Is it relu rather than tanh?
  bool relu;
};

/// lstm(). Source: Hochreiter and Schmidhuber, "Long short-term memory", 1997.
class Lstm : public RecurrentLayers {
 public:
  /// Of x with so many inputs, and a state of so many numbers.
  Lstm(Integer inputs, Integer hidden, Generator& generator, const RecurrentLayerOptions& options = {},
       DType dtype = default_dtype());
  /// From zeros unless a state is given.
  Recurrent operator()(const Operand& x, const LstmState& state = {}) const;
};

/// gru(). Source: Cho and others, "Learning phrase representations using RNN encoder-decoder", 2014.
class Gru : public RecurrentLayers {
 public:
  /// Of x with so many inputs, and a state of so many numbers.
  Gru(Integer inputs, Integer hidden, Generator& generator, const RecurrentLayerOptions& options = {},
      DType dtype = default_dtype());
  /// From zeros unless a state is given.
  Recurrent operator()(const Operand& x, const Tensor& h = {}) const;
};

}  // namespace chainrule
