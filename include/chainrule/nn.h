#pragma once

#include <memory>
#include <tuple>

#include "chainrule/detail/api.h"
#include "chainrule/ops.h"
#include "chainrule/random.h"

/// Layers of neural networks. A layer is a function of a tensor that shares its parameters with whoever
/// holds a copy of it: the optimiser, another layer, the user. A layer that learns apart is a clone().
///
/// Threads: any number may compute with the same layers and parameters; while one assigns to a parameter or
/// an optimiser steps, no other may use it. Clones share nothing.
namespace CHAINRULE_API chainrule {

/// A named slot that holds the current leaf of something that is learned. Copies share the slot.
///
/// Nodes never change, so learning puts a new leaf into the slot: graphs built before keep the old one, and
/// the new one has no gradient yet. Gradients of several backward() calls add up until then.
///
/// Wherever a tensor is wanted, a parameter stands for its current leaf: `square(W)`, `x * W`, `gradients(L,
/// {W})`. `Tensor w = W` is that leaf for good, so write it inside the training loop, if at all.
class Parameter {
 public:
  /// Starts with a leaf of this value (not copied). DTypeError unless floating.
  Parameter(const Tensor& value, std::string name);

  /// A slot that holds this very tensor, variable or computed: what a transform calls a module with in place
  /// of its parameters, and returns gradients in.
  [[nodiscard]] static Parameter holding(Tensor tensor, std::string name);

  /// The current leaf. When nothing else holds it at the next step, neither a graph nor a handle, it is
  /// updated in place; otherwise the step copies its value.
  [[nodiscard]] const Tensor& leaf() const& { return slot_->leaf; }
  Tensor leaf() && { return slot_->leaf; }
  operator const Tensor&() const& { return leaf(); }  // NOLINT(google-explicit-constructor)
  operator Tensor() && { return slot_->leaf; }        // NOLINT(google-explicit-constructor)
  [[nodiscard]] Shape shape() const { return leaf().shape(); }
  [[nodiscard]] DType dtype() const { return leaf().dtype(); }
  [[nodiscard]] const std::string& name() const& { return slot_->name; }
  std::string name() && { return slot_->name; }
  /// What backward() has accumulated in the current leaf: of its shape, zeros where nothing has reached it.
  Tensor grad() const { return leaf().grad(); }
  void zero_grad() const { leaf().zero_grad(); }
  /// Puts a new leaf of this value into the slot, for everyone who shares it. ShapeError or DTypeError when
  /// the value is not of the current leaf's shape and dtype.
  void assign(const Tensor& value) const;
  /// A parameter of its own with this one's name and present value: a copy of the handle would share the
  /// slot.
  [[nodiscard]] Parameter clone() const { return {leaf(), name()}; }

 private:
  struct Slot {
    Tensor leaf;
    std::string name;
  };
  explicit Parameter(std::shared_ptr<Slot> slot) : slot_(std::move(slot)) {}
  std::shared_ptr<Slot> slot_;
};

/// Random weights (outputs, inputs) for a layer that ReLU follows or precedes: normal with mean 0 and
/// variance 2 / inputs, so that the size of the signal neither grows nor shrinks from layer to layer.
/// ShapeError unless both sizes are positive.
/// Source: He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015, equation 10.
Tensor he_normal(std::int64_t outputs, std::int64_t inputs, Generator& generator,
                 DType dtype = default_dtype());

/// x Wᵀ + b: x (..., inputs) gives (..., outputs). Its node is in a Scope of the layer's name.
class Linear {
 public:
  /// He-initialised weight (outputs, inputs), zero bias (outputs,); named "<name>.weight" and "<name>.bias".
  Linear(std::int64_t inputs, std::int64_t outputs, Generator& generator, const std::string& name = "linear",
         DType dtype = default_dtype());
  /// Shares the given parameters: weight (outputs, inputs) and bias (outputs,). ShapeError when they do not
  /// fit each other.
  Linear(Parameter weight, Parameter bias);

  /// ShapeError when x's last axis is not `inputs`.
  Tensor operator()(const Operand& x) const;

  [[nodiscard]] const Parameter& weight() const& { return weight_; }
  Parameter weight() && { return weight_; }
  [[nodiscard]] const Parameter& bias() const& { return bias_; }
  Parameter bias() && { return bias_; }
  /// weight, bias.
  [[nodiscard]] std::vector<Parameter> parameters() const { return {weight_, bias_}; }
  /// weight, bias: so that transforms differentiate a whole layer, and return its gradients as one.
  auto members() { return std::tie(weight_, bias_); }
  auto members() const { return std::tie(weight_, bias_); }
  static constexpr std::string_view member_names() { return "weight, bias"; }
  /// The same layer with parameters of its own.
  [[nodiscard]] Linear clone() const { return {weight_.clone(), bias_.clone()}; }

 private:
  Parameter weight_, bias_;
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

  [[nodiscard]] const std::vector<Linear>& layers() const& { return layers_; }
  std::vector<Linear> layers() && { return std::move(layers_); }
  /// In the order of the layers; of each, weight and bias.
  [[nodiscard]] std::vector<Parameter> parameters() const;
  /// The layers, see Linear::members.
  auto members() { return std::tie(layers_); }
  auto members() const { return std::tie(layers_); }
  static constexpr std::string_view member_names() { return "layers"; }
  /// The same network with parameters of its own, as a target that follows slowly. (A copy shares them.)
  [[nodiscard]] Mlp clone() const;

 private:
  std::vector<Linear> layers_;
};

}  // namespace chainrule
