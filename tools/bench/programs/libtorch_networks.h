// Layers of networks, each with its derivative, as a user of LibTorch writes them.
// chainrule_networks.h has the same cases.

#pragma once

#include "libtorch_base.h"

namespace {

/// A convolution with a bias; the gradient of its input only where `through`.
struct Convolution : DifferentiateFrom<Convolution> {
  Convolution(std::int64_t samples, std::int64_t channels, std::int64_t side, std::int64_t outputs,
              std::int64_t kernel, std::int64_t padding, bool through)
      : in(samples, channels, side, outputs, kernel, padding) {
    if (through) all.push_back(&(x = variable(x)));
  }
  bench::ConvolutionInputs in;
  Tensor x = tensor(in.x, {in.samples, in.channels, in.side, in.side}),
         weight = variable(tensor(in.weight, {in.outputs, in.channels, in.kernel, in.kernel})),
         bias = variable(tensor(in.bias)),
         seed = tensor(in.seed, {in.samples, in.outputs, in.out_side(), in.out_side()});
  std::vector<Tensor*> all = {&weight, &bias};
  std::vector<Tensor*> leaves() { return all; }
  Tensor value() { return torch::conv2d(x, weight, bias, 1, in.padding); }
};

Tensor max_pool_2(const Tensor& x) { return torch::max_pool2d(x, 2); }
Tensor max_pool_overlapping(const Tensor& x) { return torch::max_pool2d(x, 3, 2, 1); }
Tensor depthwise(const Tensor& x) {
  static const Tensor weight = torch::full({64, 1, 3, 3}, 0.125);
  return torch::conv2d(x, weight, {}, 1, 1, 1, 64);
}
Tensor in_steps_of_2(const Tensor& x) {
  static const Tensor weight = torch::full({64, 32, 3, 3}, 0.125);
  return torch::conv2d(x, weight, {}, 2, 1);
}
Tensor depthwise_in_steps_of_2(const Tensor& x) {
  static const Tensor weight = torch::full({64, 1, 3, 3}, 0.125);
  return torch::conv2d(x, weight, {}, 2, 1, 1, 64);
}
Tensor dilated(const Tensor& x) {
  static const Tensor weight = torch::full({32, 32, 3, 3}, 0.125);
  return torch::conv2d(x, weight, {}, 1, 2, 2);
}
Tensor loss_of_logits(const Tensor& x) {
  static const Tensor target = torch::full({1000, 100}, 0.25);
  return torch::binary_cross_entropy_with_logits(x, target, {}, {}, at::Reduction::None);
}
Tensor convolved_back(const Tensor& x) {
  static const Tensor weight = torch::full({64, 16, 4, 4}, 0.125);
  return torch::conv_transpose2d(x, weight, {}, 2, 1);
}
Tensor mean_pool_2(const Tensor& x) { return torch::avg_pool2d(x, 2); }
Tensor pooled_globally(const Tensor& x) { return torch::adaptive_avg_pool2d(x, {1, 1}); }

struct LayerNorm : DifferentiateFrom<LayerNorm> {
  LayerNorm(std::int64_t rows, std::int64_t features) : in({rows, features}, features) {}
  bench::NormInputs in;
  Tensor x = variable(tensor(in.x, in.shape)), weight = variable(tensor(in.weight)),
         bias = variable(tensor(in.bias)), seed = tensor(in.seed, in.shape);
  std::array<Tensor*, 3> leaves() { return {&x, &weight, &bias}; }
  Tensor value() { return torch::layer_norm(x, in.shape[1], weight, bias, in.eps); }
};

struct BatchNorm : DifferentiateFrom<BatchNorm> {
  BatchNorm(std::int64_t samples, std::int64_t channels, std::int64_t side)
      : in({samples, channels, side, side}, channels) {}
  bench::NormInputs in;
  Tensor x = variable(tensor(in.x, in.shape)), weight = variable(tensor(in.weight)),
         bias = variable(tensor(in.bias)), seed = tensor(in.seed, in.shape);
  std::array<Tensor*, 3> leaves() { return {&x, &weight, &bias}; }
  Tensor value() { return torch::batch_norm(x, weight, bias, {}, {}, true, 0, in.eps, false); }
};

struct Lenet {
  static constexpr bool learns = true;
  explicit Lenet(std::int64_t batch) : Lenet(bench::LenetInputs(batch)) {}
  explicit Lenet(const bench::LenetInputs& in)
      : x(tensor(in.x, {in.batch, 1, 28, 28})), target(tensor(in.target)) {
    std::int64_t channels = 1;
    for (const bench::LayerInputs& layer : in.convolutions) {
      parameters.push_back(variable(tensor(layer.weight, {layer.outputs, channels, 5, 5})));
      parameters.push_back(variable(tensor(layer.bias)));
      channels = layer.outputs;
    }
    for (const bench::LayerInputs& layer : in.layers) {
      parameters.push_back(variable(tensor(layer.weight, {layer.outputs, layer.inputs})));
      parameters.push_back(variable(tensor(layer.bias)));
    }
  }
  Tensor x, target;
  std::vector<Tensor> parameters;
  Tensor loss() {
    const std::vector<Tensor>& p = parameters;
    Tensor h = torch::max_pool2d(torch::relu(torch::conv2d(x, p[0], p[1], 1, 2)), 2);
    h = torch::max_pool2d(torch::relu(torch::conv2d(h, p[2], p[3])), 2);
    h = torch::relu(F::linear(h.reshape({-1, 400}), p[4], p[5]));
    h = torch::relu(F::linear(h, p[6], p[7]));
    return F::cross_entropy(F::linear(h, p[8], p[9]), target);
  }
  void step() {
    loss().backward();
    const torch::NoGradGuard no_grad;
    std::vector<Tensor> gradients;
    for (const Tensor& parameter : parameters) gradients.push_back(parameter.grad());
    at::_foreach_add_(parameters, gradients, -bench::LenetInputs::learning_rate);
    for (Tensor& parameter : parameters) zero_grad(parameter);
  }
  void report(bench::Report& report) {
    add(report, "loss", loss());
    for (const Tensor& parameter : parameters) add(report, "parameter", parameter);
  }
};

/// Queries (..., queries, E), keys and values as products of matrices. The scale goes to the queries, which
/// are fewer numbers than the scores.
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, double scale) {
  return torch::matmul(torch::softmax(torch::matmul(q * scale, k.transpose(-2, -1)), -1), v);
}

struct FusedAttention : DifferentiateFrom<FusedAttention> {
  FusedAttention(std::int64_t batch, std::int64_t heads, std::int64_t length)
      : in(batch * heads, length), shape{batch, heads, length, bench::AttentionInputs::width} {}
  bench::AttentionInputs in;
  std::vector<std::int64_t> shape;
  Tensor q = variable(tensor(in.q, shape)), k = variable(tensor(in.k, shape)),
         v = variable(tensor(in.v, shape)), seed = tensor(in.seed, shape);
  std::array<Tensor*, 3> leaves() { return {&q, &k, &v}; }
  Tensor value() { return attention(q, k, v, in.scale); }
};

struct Lstm : DifferentiateFrom<Lstm> {
  bench::LstmInputs in;
  Tensor x = variable(tensor(in.x, {in.steps, in.batch, in.inputs})),
         input = variable(tensor(in.input, {4 * in.hidden, in.inputs})),
         recurrent = variable(tensor(in.recurrent, {4 * in.hidden, in.hidden})),
         input_bias = variable(tensor(in.input_bias)), recurrent_bias = variable(tensor(in.recurrent_bias)),
         seed = tensor(in.seed, {in.steps, in.batch, in.hidden}),
         start = torch::zeros({1, in.batch, in.hidden});
  std::array<Tensor*, 5> leaves() { return {&x, &input, &recurrent, &input_bias, &recurrent_bias}; }
  Tensor value() {
    return std::get<0>(torch::lstm(x, {start, start}, {input, recurrent, input_bias, recurrent_bias}, true, 1,
                                   0, true, false, false));
  }
};

struct Transformer : DifferentiateFrom<Transformer> {
  Transformer() {
    for (const bench::LayerInputs& layer : in.projections) {
      weights.push_back(variable(tensor(layer.weight, {layer.outputs, layer.inputs})));
      biases.push_back(variable(tensor(layer.bias)));
    }
  }
  bench::TransformerInputs in;
  std::vector<std::int64_t> shape{in.batch, in.length, in.width};
  Tensor x = variable(tensor(in.x, shape)), seed = tensor(in.seed, shape);
  Tensor first_weight = variable(tensor(in.first_weight)), first_bias = variable(tensor(in.first_bias)),
         second_weight = variable(tensor(in.second_weight)), second_bias = variable(tensor(in.second_bias));
  std::vector<Tensor> weights, biases;
  std::vector<Tensor*> leaves() {
    std::vector<Tensor*> all = {&x, &first_weight, &first_bias, &second_weight, &second_bias};
    for (Tensor& weight : weights) all.push_back(&weight);
    for (Tensor& bias : biases) all.push_back(&bias);
    return all;
  }
  Tensor value() {
    const std::int64_t part = in.width / in.heads;
    const Tensor normed = torch::layer_norm(x, in.width, first_weight, first_bias, in.eps);
    const Tensor all = F::linear(normed, weights[0], biases[0])
                           .view({in.batch, in.length, 3, in.heads, part})
                           .permute({2, 0, 3, 1, 4});
    const Tensor seen = attention(all[0], all[1], all[2], 1 / std::sqrt(static_cast<double>(part)))
                            .transpose(1, 2)
                            .reshape(shape);
    const Tensor h = x + F::linear(seen, weights[1], biases[1]);
    const Tensor wide = torch::gelu(
        F::linear(torch::layer_norm(h, in.width, second_weight, second_bias, in.eps), weights[2], biases[2]));
    return h + F::linear(wide, weights[3], biases[3]);
  }
};

}  // namespace
