// Transforms of functions, and beside each what it is compared with: plain passes of the same function by the
// same library.

#pragma once

#include <chainrule/checkpoint.h>
#include <chainrule/custom_gradient.h>
#include <chainrule/derivatives.h>
#include <chainrule/optim.h>
#include <chainrule/vmap.h>

#include "chainrule_base.h"

namespace {

void add(bench::Report& report, const char* name, const Mlp& network) {
  for (const Parameter& parameter : network.parameters()) add(report, name, parameter);
}

/// Elements that are put off are computed when they are read.
void read(const Tensor& tensor) { static_cast<void>(tensor.data<float>()); }
void read_gradients(const std::vector<Parameter>& parameters) {
  for (const Parameter& each : parameters) {
    const Tensor gradient = each.grad();
    read(gradient);
  }
}

/// The loss of 784-512-512-10 at batch 128 as a function of all its parameters, and a direction of these.
struct NetworkLoss {
  bench::NetworkInputs in{128};
  Tensor x = tensor(in.x, {in.batch, 784}), target = tensor(in.target);
  Mlp net = network(in.layers), direction = network(other_layers());
  Tensor loss(const Mlp& at) const { return cross_entropy(at(x), target); }
  static std::vector<bench::LayerInputs> other_layers() {
    bench::Random random(10);
    return {bench::LayerInputs(784, 512, random), bench::LayerInputs(512, 512, random),
            bench::LayerInputs(512, 10, random)};
  }
};
struct NetworkForward : NetworkLoss {
  Tensor value;
  void step() {
    value = no_grad([&] { return loss(net); });
  }
  void report(bench::Report& report) { add(report, "value", value); }
};
struct NetworkBackward : NetworkLoss {
  std::vector<Parameter> parameters = net.parameters();
  void step() {
    for (Parameter& each : parameters) each.zero_grad();
    loss(net).backward();
    read_gradients(parameters);
  }
  void report(bench::Report& report) {
    for (const Parameter& each : parameters) add(report, "gradient", each.grad());
  }
};
/// Under no_grad() as what it is compared with: the parameters are variables.
struct NetworkJvp : NetworkLoss {
  Tensor value, tangent;
  void step() {
    const auto found = no_grad([&] { return jvp([&](const Mlp& at) { return loss(at); }, net, direction); });
    value = found.value;
    tangent = found.tangent;
  }
  void report(bench::Report& report) {
    add(report, "value", value);
    add(report, "tangent", tangent);
  }
};
struct NetworkHvp : NetworkLoss {
  std::optional<Mlp> product;
  void step() {
    product.reset();
    product = hvp([&](const Mlp& at) { return loss(at); }, net, direction);
    for (const Parameter& each : product->parameters()) {
      const Tensor part = each;
      read(part);
    }
  }
  void report(bench::Report& report) { add(report, "product", *product); }
};

/// tanh(W₃ tanh(W₂ tanh(W₁ x))) of 100 numbers.
struct TanhNetwork {
  bench::TanhNetworkInputs in;
  std::array<Tensor, 3> weights = {weight(0), weight(1), weight(2)};
  Tensor x = tensor(in.x);
  Tensor weight(std::size_t layer) const { return tensor(in.weights[layer], {in.size, in.size}); }
  Tensor operator()(Tensor h) const {
    for (const Tensor& each : weights) h = tanh(matmul(each, h));
    return h;
  }
};
struct JacobianOfNetwork : TanhNetwork {
  Tensor rows;
  void step() {
    rows = jacobian([&](const Tensor& at) { return (*this)(at); })(x);
    read(rows);
  }
  void report(bench::Report& report) { add(report, "jacobian", rows); }
};
/// Row by row, from one forward pass.
struct RowsOfJacobian : TanhNetwork {
  std::vector<Tensor> seeds, rows;
  RowsOfJacobian() {
    for (std::int64_t i = 0; i < in.size; ++i) seeds.push_back(cast(eye(in.size), DType::float32)[i]);
  }
  void step() {
    const Tensor at = variable(x), y = (*this)(at);
    rows.clear();
    for (const Tensor& seed : seeds) rows.push_back(gradients(y, {at}, {.seed = seed}).at(at));
    read(rows.back());
  }
  void report(bench::Report& report) { add(report, "jacobian", stack(rows)); }
};

struct Rosenbrock {
  static constexpr std::int64_t size = 100;
  Tensor x = linspace(-1, 1, size), direction = ones({size}), found;
  static Tensor value(const Tensor& at) {
    const Tensor low = at[{Slice{0, size - 1}}], high = at[{Slice{1, size}}];
    return sum(100 * square(high - square(low)) + square(1 - low));
  }
  void report(bench::Report& report) { add(report, "product", found); }
};
struct RosenbrockHessian : Rosenbrock {
  void step() {
    found = hessian(&value)(x);
    static_cast<void>(found.data<double>());
  }
};
struct RosenbrockHvp : Rosenbrock {
  void step() {
    found = hvp(&value, x, direction);
    static_cast<void>(found.data<double>());
  }
};

/// The half-moons network, of 128 samples.
struct Samples {
  static constexpr std::int64_t count = 128;
  bench::Random random{2};
  Tensor x = tensor(random.uniform(count * 2, -1, 1), {count, 2}),
         target = sign(tensor(random.uniform(count, -1, 1), {count, 1}));
  Mlp net = network(bench::HalfMoonsInputs().layers);
};
struct PerSampleGradients : Samples {
  std::optional<Mlp> each;
  void step() {
    each = vmap(
        grad([](const Mlp& at, const Tensor& one, const Tensor& aim) { return hinge_loss(at(one), aim); }),
        {.in_axes = {no_axis, 0, 0}})(net, x, target);
  }
  void report(bench::Report& report) { add(report, "gradient", *each); }
};
struct BatchGradient : Samples {
  std::vector<Parameter> parameters = net.parameters();
  void step() {
    for (Parameter& each : parameters) each.zero_grad();
    hinge_loss(net(x), target).backward();
    read_gradients(parameters);
  }
  void report(bench::Report& report) {
    for (const Parameter& each : parameters) add(report, "gradient", each.grad());
  }
};

/// 100 layers of 32 with tanh, 4,096 samples: what they give is 52 MB, the parameters and their gradients
/// 0.8.
template <bool checkpointed>
struct Deep {
  struct TanhLayer {
    Linear linear;
    Tensor operator()(const Tensor& h) const { return tanh(linear(h)); }
    CHAINRULE_MEMBERS(linear)
  };
  static constexpr std::int64_t count = 4096, width = 32;
  bench::Random random{100};
  std::vector<TanhLayer> layers;
  std::vector<Parameter> parameters;
  Tensor x = tensor(random.uniform(count * width, -1, 1), {count, width});
  Deep() {
    for (int i = 0; i < 100; ++i) {
      const bench::LayerInputs layer(width, width, random);
      layers.push_back({{{tensor(layer.weight, {width, width}), "weight"}, {tensor(layer.bias), "bias"}}});
    }
    parameters = chainrule::parameters(layers);
  }
  Tensor value() const {
    if constexpr (checkpointed) {
      return sum(checkpoint_sequential(layers, x));
    } else {
      Tensor h = x;
      for (const TanhLayer& layer : layers) h = layer(h);
      return sum(h);
    }
  }
  void step() {
    for (Parameter& each : parameters) each.zero_grad();
    value().backward();
    read_gradients(parameters);
  }
  void report(bench::Report& report) {
    for (const Parameter& each : parameters) add(report, "gradient", each.grad());
  }
};

/// A chain of 1,000 tanh: the library's, and of the user's own.
enum class Tanh { of_library, of_numbers, of_operations };
template <Tanh which>
struct TanhChain : Differentiate<TanhChain<which>> {
  Tensor x = variable(0.5);
  std::array<Tensor*, 1> leaves() { return {&x}; }
  static Tensor chained(const auto& f, Tensor y) {
    for (int i = 0; i < 1000; ++i) y = f(y);
    return y;
  }
  Tensor value() {
    if constexpr (which == Tanh::of_numbers) {
      static const auto f = custom_gradient(
          "own_tanh", [](double at) { return std::tanh(at); },
          [](auto, auto y, auto g) { return g * (1 - y * y); });
      return chained(f, x);
    } else if constexpr (which == Tanh::of_operations) {
      static const auto f = custom_gradient(
          "own_tanh", [](const Tensor& at) { return tanh(at); },
          [](const Tensor&, const Tensor& y, const Tensor& g) { return g * (1 - y * y); });
      return chained(f, x);
    } else {
      return chained([](const Tensor& at) { return tanh(at); }, x);
    }
  }
};

/// u'' = -sin(x) learned by a network. The second derivative with respect to x is in the loss, by two nested
/// jvp.
struct Pinn {
  static constexpr bool learns = true;
  struct Network {
    Linear first, second, last;
    Tensor operator()(const Tensor& at) const { return last(tanh(second(tanh(first(at))))); }
  };
  bench::PinnInputs in;
  Mlp layers = network(in.layers);
  Network u = {layers.layers()[0], layers.layers()[1], layers.layers()[2]};
  Tensor x = tensor(in.x, {in.count, 1}), along = ones_like(x), force = sin(x);
  Sgd optimizer{layers.parameters(), {.learning_rate = bench::PinnInputs::learning_rate}};
  Tensor loss() {
    const auto slope = [&](const Tensor& at) { return jvp(u, at, along).tangent; };
    return mean(square(jvp(slope, x, along).tangent + force));
  }
  void step() {
    loss().backward();
    optimizer.step();
  }
  void report(bench::Report& report) { report_network(report, loss(), layers); }
};

/// Their names are those of cases of the driver, or what it compares these with.
void add_transforms(bench::Program& program) {
  program.add<NetworkForward>("network_forward");
  program.add<NetworkBackward>("network_backward");
  program.add<NetworkJvp>("jvp_network");
  program.add<NetworkHvp>("hvp_network");
  program.add<JacobianOfNetwork>("jacobian_100");
  program.add<RowsOfJacobian>("jacobian_100_rows");
  program.add<RosenbrockHessian>("hessian_rosenbrock");
  program.add<RosenbrockHvp>("hvp_rosenbrock");
  program.add<PerSampleGradients>("per_sample_gradients");
  program.add<BatchGradient>("batch_gradient");
  program.add<Deep<true>>("checkpoint_100_layers");
  program.add<Deep<false>>("plain_100_layers");
  program.add<TanhChain<Tanh::of_numbers>>("custom_gradient");
  program.add<TanhChain<Tanh::of_operations>>("custom_gradient_tensors");
  program.add<TanhChain<Tanh::of_library>>("builtin_gradient");
}

}  // namespace
