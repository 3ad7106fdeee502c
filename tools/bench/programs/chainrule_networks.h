// Layers of networks, each with its derivative, as a user of chainrule writes them.
// libtorch_networks.h has the same cases.

#pragma once

#include <chainrule/optim.h>

#include "chainrule_base.h"

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
  Tensor value() { return conv2d(x, weight, bias, {.padding = in.padding}); }
};

Tensor max_pool_2(const Tensor& x) { return max_pool2d(x, 2); }
Tensor max_pool_overlapping(const Tensor& x) { return max_pool2d(x, 3, {.stride = 2, .padding = 1}); }
Tensor depthwise(const Tensor& x) {
  static const Tensor weight = full({64, 1, 3, 3}, 0.125, DType::float32);
  return conv2d(x, weight, {.padding = 1, .groups = 64});
}
Tensor in_steps_of_2(const Tensor& x) {
  static const Tensor weight = full({64, 32, 3, 3}, 0.125, DType::float32);
  return conv2d(x, weight, {.stride = 2, .padding = 1});
}
Tensor depthwise_in_steps_of_2(const Tensor& x) {
  static const Tensor weight = full({64, 1, 3, 3}, 0.125, DType::float32);
  return conv2d(x, weight, {.stride = 2, .padding = 1, .groups = 64});
}
Tensor dilated(const Tensor& x) {
  static const Tensor weight = full({32, 32, 3, 3}, 0.125, DType::float32);
  return conv2d(x, weight, {.padding = 2, .dilation = 2});
}
Tensor loss_of_logits(const Tensor& x) {
  static const Tensor target = full({1000, 100}, 0.25, DType::float32);
  Tensor loss = binary_cross_entropy_with_logits(x, target, 1, Reduction::none);
  static_cast<void>(loss.data<float>());  // it waits until it is read
  return loss;
}
Tensor convolved_back(const Tensor& x) {
  static const Tensor weight = full({64, 16, 4, 4}, 0.125, DType::float32);
  return conv_transpose2d(x, weight, {.stride = 2, .padding = 1});
}
Tensor mean_pool_2(const Tensor& x) { return avg_pool2d(x, 2); }
Tensor pooled_globally(const Tensor& x) { return adaptive_avg_pool2d(x, 1); }

struct LayerNorm : DifferentiateFrom<LayerNorm> {
  LayerNorm(std::int64_t rows, std::int64_t features) : in({rows, features}, features) {}
  bench::NormInputs in;
  Tensor x = variable(tensor(in.x, Shape(in.shape))), weight = variable(tensor(in.weight)),
         bias = variable(tensor(in.bias)), seed = tensor(in.seed, Shape(in.shape));
  std::array<Tensor*, 3> leaves() { return {&x, &weight, &bias}; }
  Tensor value() { return layer_norm(x, {in.shape[1]}, {weight, bias, in.eps}); }
};

struct BatchNorm : DifferentiateFrom<BatchNorm> {
  BatchNorm(std::int64_t samples, std::int64_t channels, std::int64_t side)
      : in({samples, channels, side, side}, channels) {}
  bench::NormInputs in;
  Tensor x = variable(tensor(in.x, Shape(in.shape))), weight = variable(tensor(in.weight)),
         bias = variable(tensor(in.bias)), seed = tensor(in.seed, Shape(in.shape));
  std::array<Tensor*, 3> leaves() { return {&x, &weight, &bias}; }
  Tensor value() { return batch_norm_training(x, {weight, bias, in.eps}).y; }
};

struct Lenet {
  static constexpr bool learns = true;
  explicit Lenet(std::int64_t batch) : Lenet(bench::LenetInputs(batch)) {}
  explicit Lenet(const bench::LenetInputs& in)
      : x(tensor(in.x, {in.batch, 1, 28, 28})), target(tensor(in.target)) {
    std::int64_t channels = 1;
    for (const bench::LayerInputs& layer : in.convolutions) {
      parameters.emplace_back(tensor(layer.weight, {layer.outputs, channels, 5, 5}), "weight");
      parameters.emplace_back(tensor(layer.bias), "bias");
      channels = layer.outputs;
    }
    for (const bench::LayerInputs& layer : in.layers) {
      parameters.emplace_back(tensor(layer.weight, {layer.outputs, layer.inputs}), "weight");
      parameters.emplace_back(tensor(layer.bias), "bias");
    }
    optimizer.emplace(parameters, SgdOptions{.learning_rate = bench::LenetInputs::learning_rate});
  }
  Tensor x, target;
  std::vector<Parameter> parameters;
  std::optional<Sgd> optimizer;
  Tensor loss() {
    const std::vector<Parameter>& p = parameters;
    Tensor h = max_pool2d(relu(conv2d(x, p[0], p[1], {.padding = 2})), 2);
    h = max_pool2d(relu(conv2d(h, p[2], p[3])), 2);
    h = relu(linear(reshape(h, {-1, 400}), p[4], p[5]));
    h = relu(linear(h, p[6], p[7]));
    return cross_entropy(linear(h, p[8], p[9]), target);
  }
  void step() {
    loss().backward();
    optimizer->step();
  }
  void report(bench::Report& report) {
    add(report, "loss", loss());
    for (const Parameter& parameter : parameters) add(report, "parameter", parameter);
  }
};

/// Attention as one operation.
struct FusedAttention : DifferentiateFrom<FusedAttention> {
  FusedAttention(std::int64_t batch, std::int64_t heads, std::int64_t length)
      : in(batch * heads, length), shape{batch, heads, length, bench::AttentionInputs::width} {}
  bench::AttentionInputs in;
  Shape shape;
  Tensor q = variable(tensor(in.q, shape)), k = variable(tensor(in.k, shape)),
         v = variable(tensor(in.v, shape)), seed = tensor(in.seed, shape);
  std::array<Tensor*, 3> leaves() { return {&q, &k, &v}; }
  Tensor value() { return scaled_dot_product_attention(q, k, v); }
};

struct Lstm : DifferentiateFrom<Lstm> {
  bench::LstmInputs in;
  Tensor x = variable(tensor(in.x, {in.steps, in.batch, in.inputs})),
         input = variable(tensor(in.input, {4 * in.hidden, in.inputs})),
         recurrent = variable(tensor(in.recurrent, {4 * in.hidden, in.hidden})),
         input_bias = variable(tensor(in.input_bias)), recurrent_bias = variable(tensor(in.recurrent_bias)),
         seed = tensor(in.seed, {in.steps, in.batch, in.hidden});
  std::array<Tensor*, 5> leaves() { return {&x, &input, &recurrent, &input_bias, &recurrent_bias}; }
  Tensor value() { return lstm(x, {}, {{input, recurrent, input_bias, recurrent_bias}}).output; }
};

struct Transformer : DifferentiateFrom<Transformer> {
  Transformer() {
    for (const bench::LayerInputs& layer : in.projections) {
      weights.push_back(variable(tensor(layer.weight, {layer.outputs, layer.inputs})));
      biases.push_back(variable(tensor(layer.bias)));
    }
  }
  bench::TransformerInputs in;
  Shape shape{in.batch, in.length, in.width};
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
    const Tensor normed = layer_norm(x, {in.width}, {first_weight, first_bias, in.eps});
    const Tensor h =
        x + multi_head_attention(normed, normed, normed, in.heads,
                                 {weights[0], biases[0], weights[1], biases[1]}, {.batch_first = true});
    const Tensor wide =
        gelu(linear(layer_norm(h, {in.width}, {second_weight, second_bias, in.eps}), weights[2], biases[2]));
    return h + linear(wide, weights[3], biases[3]);
  }
};

}  // namespace
