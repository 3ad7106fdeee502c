// A layer x Wᵀ + b, how its weights begin, and networks of such layers.
// Computes by linear() of ops.h.

#include "chainrule/nn/linear.h"

#include "nn/layer.h"

namespace chainrule {

namespace {

void check_sizes(const std::string& called, std::int64_t outputs, std::int64_t inputs) {
  if (outputs <= 0 || inputs <= 0)
    throw ShapeError(called + ": a layer of " + std::to_string(inputs) + " inputs and " +
                     std::to_string(outputs) + " outputs; both must be positive");
}

Tensor initial_weight(const std::string& called, std::int64_t outputs, std::int64_t inputs,
                      Generator& generator, DType dtype) {
  check_sizes(called, outputs, inputs);
  return he_normal(outputs, inputs, generator, dtype);
}

}  // namespace

Linear::Linear(Integer inputs, Integer outputs, Generator& generator, const std::string& name, DType dtype)
    : Linear({initial_weight("Linear", outputs, inputs, generator, dtype), name + ".weight"},
             {zeros({outputs}, dtype), name + ".bias"}) {}

Linear::Linear(Integer inputs, Integer outputs, Generator& generator, Bias bias, const std::string& name,
               DType dtype)
    : Linear(inputs, outputs, generator, name, dtype) {
  if (bias == Bias::none) bias_.reset();
}

Linear::Linear(Parameter weight) : weight_(std::move(weight)) {
  if (weight_.leaf().rank() != 2)
    throw ShapeError("Linear: " + weight_.name() + " " + to_string(weight_.shape()) +
                     " is no matrix; it must be (outputs, inputs)");
}

Linear::Linear(Parameter weight, Parameter bias) : Linear(std::move(weight)) {
  const Shape matrix = weight_.shape(), vector = bias.shape();
  if (vector != Shape{matrix[0]})
    throw ShapeError("Linear: " + weight_.name() + " " + to_string(matrix) + " and " + bias.name() + " " +
                     to_string(vector) + " do not fit; they must be (outputs, inputs) and (outputs,)");
  bias_ = std::move(bias);
}

std::vector<Parameter> Linear::parameters() const {
  return bias_ ? std::vector<Parameter>{weight_, *bias_} : std::vector<Parameter>{weight_};
}

Linear Linear::clone() const {
  return bias_ ? Linear(weight_.clone(), bias_->clone()) : Linear(weight_.clone());
}

const Parameter& Linear::report_no_bias() const {
  throw std::invalid_argument("Linear: '" + weight_.name() + "' has no bias beside it; ask has_bias() first");
}

namespace {

std::vector<Linear> make_layers(const std::vector<std::int64_t>& sizes, Generator& generator, DType dtype) {
  std::vector<Linear> layers;
  for (std::size_t i = 1; i < sizes.size(); ++i) check_sizes("Mlp", sizes[i], sizes[i - 1]);
  for (std::size_t i = 1; i < sizes.size(); ++i)
    layers.emplace_back(sizes[i - 1], sizes[i], generator, "layer" + std::to_string(i), dtype);
  return layers;
}

}  // namespace

Tensor Linear::operator()(const Operand& x) const {
  const Scope scope(nn::scope_of(weight_));
  return bias_ ? linear(x, weight_, *bias_) : linear(x, weight_);
}

Mlp::Mlp(const std::vector<std::int64_t>& sizes, Generator& generator, DType dtype)
    : Mlp(make_layers(sizes, generator, dtype)) {}

Mlp::Mlp(std::vector<Linear> layers) : layers_(std::move(layers)) {
  if (layers_.empty()) throw ShapeError("Mlp: no layer; give at least the sizes of inputs and outputs");
  for (std::size_t i = 1; i < layers_.size(); ++i) {
    const Parameter &before = layers_[i - 1].weight(), &after = layers_[i].weight();
    if (after.shape()[1] != before.shape()[0])
      throw ShapeError("Mlp: " + after.name() + " " + to_string(after.shape()) + " does not take the " +
                       std::to_string(before.shape()[0]) + " outputs of " + before.name() + " " +
                       to_string(before.shape()));
  }
}

Mlp Mlp::clone() const {
  std::vector<Linear> layers;
  for (const Linear& layer : layers_) layers.push_back(layer.clone());
  return Mlp(std::move(layers));
}

Tensor Mlp::operator()(const Operand& x) const {
  Tensor signal = layers_.front()(x);
  for (std::size_t i = 1; i < layers_.size(); ++i) {
    {
      const Scope scope(nn::scope_of(layers_[i - 1].weight()));
      signal = relu({signal, x.here()});
    }
    signal = layers_[i]({signal, x.here()});
  }
  return signal;
}

std::vector<Parameter> Mlp::parameters() const {
  std::vector<Parameter> all;
  for (const Linear& layer : layers_)
    for (Parameter& each : layer.parameters()) all.push_back(std::move(each));
  return all;
}

}  // namespace chainrule
