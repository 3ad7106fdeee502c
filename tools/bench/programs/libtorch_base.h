// What the cases as a user of LibTorch writes them have in common: inputs as tensors, and steps that
// differentiate.

#pragma once

#include <torch/torch.h>

#include <array>

#include "inputs.h"
#include "program.h"

namespace {

namespace F = torch::nn::functional;
using torch::Tensor;

void add(bench::Report& report, const char* name, const Tensor& tensor) {
  const Tensor dense = tensor.detach().contiguous();
  if (dense.scalar_type() == torch::kDouble)
    report.add(name, dense.data_ptr<double>(), dense.numel());
  else
    report.add(name, dense.data_ptr<float>(), dense.numel());
}

Tensor tensor(const std::vector<float>& numbers, at::IntArrayRef shape) {
  return torch::tensor(numbers).reshape(shape);
}
Tensor tensor(const std::vector<float>& numbers) { return torch::tensor(numbers); }
Tensor tensor(const std::vector<std::int64_t>& numbers) { return torch::tensor(numbers); }
Tensor variable(const Tensor& value) { return value.detach().requires_grad_(); }
Tensor variable(double value) {
  return torch::tensor(value, torch::dtype(torch::kDouble).requires_grad(true));
}
/// Dropping a gradient is faster than filling it with zeros, to which the next one is added.
void zero_grad(Tensor& leaf) { leaf.mutable_grad().reset(); }

/// A value, and the gradients of some leaves. Each `Case` says how its value() follows from the leaves.
template <class Case>
struct Differentiate {
  void step() {
    for (Tensor* leaf : self().leaves()) zero_grad(*leaf);
    self().value().backward();
  }
  void report(bench::Report& report) {
    add(report, "value", self().value());
    for (Tensor* leaf : self().leaves()) add(report, "gradient", leaf->grad());
  }
  Case& self() { return static_cast<Case&>(*this); }
};

/// The same for a value of any shape, with a given gradient from above, the case's `seed`.
template <class Case>
struct DifferentiateFrom : Differentiate<Case> {
  void step() {
    for (Tensor* leaf : this->self().leaves()) zero_grad(*leaf);
    this->self().value().backward(this->self().seed);
  }
};

}  // namespace
