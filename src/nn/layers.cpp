#include <cmath>

#include "chainrule/autograd.h"
#include "chainrule/graph.h"
#include "chainrule/nn.h"

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

Tensor he_normal(std::int64_t outputs, std::int64_t inputs, Generator& generator, DType dtype) {
  check_sizes("he_normal", outputs, inputs);
  const double deviation = std::sqrt(2.0 / static_cast<double>(inputs));
  return no_grad([&] { return randn({outputs, inputs}, generator, dtype) * deviation; });
}

Linear::Linear(std::int64_t inputs, std::int64_t outputs, Generator& generator, const std::string& name,
               DType dtype)
    : Linear({initial_weight("Linear", outputs, inputs, generator, dtype), name + ".weight"},
             {zeros({outputs}, dtype), name + ".bias"}) {}

Linear::Linear(Parameter weight, Parameter bias) : weight_(std::move(weight)), bias_(std::move(bias)) {
  const Shape& matrix = weight_.shape();
  const Shape& vector = bias_.shape();
  if (matrix.rank() != 2 || vector != Shape{matrix[0]})
    throw ShapeError("Linear: " + weight_.name() + " " + to_string(matrix) + " and " + bias_.name() + " " +
                     to_string(vector) + " do not fit; they must be (outputs, inputs) and (outputs,)");
}

namespace {

/// The scope of a layer: "layer1" for the parameter "layer1.weight", none for one that is called "W".
std::string_view scope_of(const Linear& layer) {
  const std::string_view name = layer.weight().name();
  const std::size_t point = name.rfind('.');
  return point == std::string_view::npos ? std::string_view() : name.substr(0, point);
}

std::vector<Linear> make_layers(const std::vector<std::int64_t>& sizes, Generator& generator, DType dtype) {
  std::vector<Linear> layers;
  for (std::size_t i = 1; i < sizes.size(); ++i) check_sizes("Mlp", sizes[i], sizes[i - 1]);
  for (std::size_t i = 1; i < sizes.size(); ++i)
    layers.emplace_back(sizes[i - 1], sizes[i], generator, "layer" + std::to_string(i), dtype);
  return layers;
}

}  // namespace

Tensor Linear::operator()(const Operand& x) const {
  const Scope scope(scope_of(*this));
  return linear(x, weight_, bias_);
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
      const Scope scope(scope_of(layers_[i - 1]));
      signal = relu({signal, x.here()});
    }
    signal = layers_[i]({signal, x.here()});
  }
  return signal;
}

std::vector<Parameter> Mlp::parameters() const {
  std::vector<Parameter> all;
  for (const Linear& layer : layers_) {
    all.push_back(layer.weight());
    all.push_back(layer.bias());
  }
  return all;
}

}  // namespace chainrule
