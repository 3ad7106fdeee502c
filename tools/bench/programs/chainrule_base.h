// What the cases as a user of chainrule writes them have in common: inputs as tensors, and steps that
// differentiate.

#pragma once

#include <chainrule/chainrule.h>

#include <array>

#include "inputs.h"
#include "program.h"

namespace {

using namespace chainrule;

void add(bench::Report& report, const char* name, const Tensor& tensor) {
  if (tensor.dtype() == DType::float64)
    report.add(name, tensor.data<double>().data(), tensor.size());
  else
    report.add(name, tensor.data<float>().data(), tensor.size());
}

Mlp network(const std::vector<bench::LayerInputs>& inputs) {
  std::vector<Linear> layers;
  for (const bench::LayerInputs& layer : inputs)
    layers.push_back(
        {{tensor(layer.weight, {layer.outputs, layer.inputs}), "weight"}, {tensor(layer.bias), "bias"}});
  return Mlp(layers);
}
void report_network(bench::Report& report, const Tensor& loss, const Mlp& network) {
  add(report, "loss", loss);
  for (const Parameter& parameter : network.parameters()) add(report, "parameter", parameter);
}

/// A value, and the gradients of some leaves. Each `Case` says how its value() follows from the leaves.
template <class Case>
struct Differentiate {
  void step() {
    for (const Tensor* leaf : self().leaves()) leaf->zero_grad();
    self().value().backward();
  }
  void report(bench::Report& report) {
    add(report, "value", self().value());
    for (const Tensor* leaf : self().leaves()) add(report, "gradient", leaf->grad());
  }
  Case& self() { return static_cast<Case&>(*this); }
};

/// The same for a value of any shape, with a given gradient from above, the case's `seed`. The value is read,
/// as it would not be computed otherwise.
template <class Case>
struct DifferentiateFrom : Differentiate<Case> {
  void step() {
    for (const Tensor* leaf : this->self().leaves()) leaf->zero_grad();
    const Tensor value = this->self().value();
    value.backward(this->self().seed);
    static_cast<void>(value.data<float>());
    for (const Tensor* leaf : this->self().leaves()) {
      const Tensor gradient = leaf->grad();
      static_cast<void>(gradient.data<float>());
    }
  }
};

}  // namespace
