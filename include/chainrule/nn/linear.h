/// \file
/// Layers that are one product with a matrix, and networks of them. A layer is x Wᵀ + b with W (outputs,
/// inputs), as in PyTorch; initializers.h says how it begins.

#pragma once

#include <optional>

#include "chainrule/detail/structure.h"
#include "chainrule/nn/initializers.h"
#include "chainrule/nn/parameter.h"
#include "chainrule/ops.h"

namespace CHAINRULE_API chainrule {

/// Does a layer add a bias that is learned?
enum class Bias : std::uint8_t { none, learned };

/// x Wᵀ + b: x (..., inputs) gives (..., outputs). Its node is in a Scope of the layer's name.
class Linear {
 public:
  /// He-initialised weight (outputs, inputs), zero bias (outputs,); named "<name>.weight" and "<name>.bias".
  Linear(Integer inputs, Integer outputs, Generator& generator, const std::string& name = "linear",
         DType dtype = default_dtype());
  /// The same, with a bias or without.
  Linear(Integer inputs, Integer outputs, Generator& generator, Bias bias, const std::string& name = "linear",
         DType dtype = default_dtype());
  /// Shares the given parameters: weight (outputs, inputs) and bias (outputs,), or no bias. ShapeError when
  /// they do not fit each other.
  Linear(Parameter weight, Parameter bias);
  explicit Linear(Parameter weight);

  /// ShapeError when x's last axis is not `inputs`.
  Tensor operator()(const Operand& x) const;

  /// (outputs, inputs)
  [[nodiscard]] const Parameter& weight() const& { return weight_; }
  Parameter weight() && { return weight_; }
  /// Is a bias learned?
  [[nodiscard]] bool has_bias() const { return bias_.has_value(); }
  /// std::invalid_argument where there is none.
  [[nodiscard]] const Parameter& bias() const& { return bias_ ? *bias_ : report_no_bias(); }
  Parameter bias() && { return std::as_const(*this).bias(); }
  /// weight, and bias if there is one.
  [[nodiscard]] std::vector<Parameter> parameters() const;
  /// weight, bias: so that transforms differentiate a whole layer, and return its gradients as one.
  CHAINRULE_MEMBERS_AS("weight, bias", weight_, bias_)
  /// The same layer with parameters of its own.
  [[nodiscard]] Linear clone() const;

 private:
  [[noreturn]] const Parameter& report_no_bias() const;
  Parameter weight_;
  std::optional<Parameter> bias_;
};

/// A multi-layer perceptron: linear layers with ReLU between them, none after the last. Each layer
/// is a Scope, with the ReLU that follows it.
class Mlp {
 public:
  /// `sizes` are the number of inputs, of units in each hidden layer, and of outputs: {64, 32, 10} is one
  /// hidden layer. Names are "layer1.weight", "layer1.bias", "layer2.weight", ... ShapeError for fewer than
  /// two sizes or one that is not positive.
  Mlp(const std::vector<std::int64_t>& sizes, Generator& generator, DType dtype = default_dtype());
  /// ShapeError when there is no layer, or a layer's outputs are not the next one's inputs.
  explicit Mlp(std::vector<Linear> layers);

  /// x (..., inputs) gives (..., outputs). ShapeError when x's last axis is not `inputs`.
  Tensor operator()(const Operand& x) const;

  /// From the inputs to the outputs.
  [[nodiscard]] const std::vector<Linear>& layers() const& { return layers_; }
  std::vector<Linear> layers() && { return std::move(layers_); }
  /// In the order of the layers; of each, weight and bias.
  [[nodiscard]] std::vector<Parameter> parameters() const;
  /// The layers, see Linear::members.
  CHAINRULE_MEMBERS_AS("layers", layers_)
  /// The same network with parameters of its own, as a target that follows slowly. (A copy shares them.)
  [[nodiscard]] Mlp clone() const;

 private:
  std::vector<Linear> layers_;
};

}  // namespace chainrule
