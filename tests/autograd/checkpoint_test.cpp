// Checkpoints: the same gradients to the bit, less memory, captured variables, random numbers, derivatives of
// derivatives, nesting, and functions that do not compute the same again.

#include "chainrule/checkpoint.h"

#include <cmath>

#include "array/pool.h"
#include "chainrule/autograd.h"
#include "chainrule/derivatives.h"
#include "chainrule/functions.h"
#include "chainrule/gradcheck.h"
#include "chainrule/graph.h"
#include "chainrule/memory.h"
#include "chainrule/nn.h"
#include "chainrule/odeint.h"
#include "support.h"

namespace chainrule::test {
namespace {

Tensor point() { return tensor({0.6, -1.1, 0.3}); }

TEST(Checkpoint, gives_the_same_gradients_to_the_bit_and_runs_twice) {
  int runs = 0;
  const auto f = [&](const Tensor& x, const Tensor& w) {
    ++runs;
    return std::pair(tanh(x * w) + exp(x), sum(w));
  };
  const auto total = [](const auto& function) {
    return [&function](const Tensor& x, const Tensor& w) {
      const auto [y, s] = function(x, w);
      return sum(y * y) * s;
    };
  };
  const auto g = checkpoint(f);
  const Tensor w = tensor({0.5, 1.5, -2.0});
  const auto [by_x, by_w] = grad(total(f), argnums<0, 1>)(point(), w);
  runs = 0;
  const auto [again_x, again_w] = grad(total(g), argnums<0, 1>)(point(), w);
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(values(by_x), values(again_x));
  EXPECT_EQ(values(by_w), values(again_w));
  runs = 0;
  EXPECT_FALSE(no_grad([&] { return g(variable(1.0), Tensor(2.0)); }).first.requires_grad());
  EXPECT_EQ(runs, 1);
}

TEST(Checkpoint, reaches_variables_and_computed_tensors_that_the_function_captured) {
  const Parameter w(tensor({2.0, 3.0, 4.0}), "w");
  const Tensor v = variable(0.5);
  const Tensor h = exp(v) * v;
  const auto f = [&](const Tensor& x) { return sum(x * w * h) + v; };
  const Tensor x = variable(point());
  const Tensor plain = f(x), saved = checkpoint(f)(x);
  const Gradients expected = gradients(plain, {x, w, v, h}), found = gradients(saved, {x, w, v, h});
  for (const Tensor& each : {x, w.leaf(), v, h})
    EXPECT_TRUE(close(found[each], values(expected[each]), 1e-15));
  // Where only what is captured is a variable.
  EXPECT_TRUE(close(gradients(checkpoint(f)(point()), {w}).at(w), values(expected[w]), 1e-15));
  EXPECT_FALSE(checkpoint([](const Tensor& at) { return at * 2; })(point()).requires_grad());
}

TEST(Checkpoint, takes_layers_and_nests_in_itself) {
  Generator generator(2);
  const Mlp network({3, 5, 5, 1}, generator);
  const auto inner = checkpoint([](const Linear& layer, const Tensor& x) { return tanh(layer(x)); });
  const auto outer = checkpoint([&](const Mlp& mlp, Tensor x) {
    for (const Linear& layer : mlp.layers()) x = inner(layer, x);
    return sum(x * x);
  });
  const auto plain = [](const Mlp& mlp, Tensor x) {
    for (const Linear& layer : mlp.layers()) x = tanh(layer(x));
    return sum(x * x);
  };
  const Mlp found = grad(outer)(network, point()), expected = grad(plain)(network, point());
  for (std::size_t i = 0; i < 6; ++i)
    EXPECT_EQ(values(found.parameters()[i].leaf()), values(expected.parameters()[i].leaf()));
  Tensor loss = outer(network, point());
  std::move(loss).backward();
  EXPECT_TRUE(close(network.parameters()[0].grad(), values(expected.parameters()[0].leaf()), 1e-15));
}

TEST(Checkpoint, can_be_differentiated_again_and_under_transforms) {
  const Tensor w = variable(0.7);
  const auto f = [&](const Tensor& x) { return sum(exp(w * x) * sin(x)); };
  const auto g = checkpoint(f);
  EXPECT_TRUE(close(hessian(g)(point()), hessian(f)(point()), 1e-14));
  EXPECT_TRUE(close(hvp(g, point(), point()), hvp(f, point(), point()), 1e-14));
  EXPECT_NEAR(grad(grad(grad(g)))(0.4).item(), grad(grad(grad(f)))(0.4).item(), 1e-14);
  EXPECT_TRUE(close(jvp(g, point(), point()).tangent, values(jvp(f, point(), point()).tangent), 1e-14));
  const Tensor x = variable(point());
  const auto penalty = [&](const auto& function) { return sum(square(grad(function)(x))); };
  EXPECT_NEAR(gradients(penalty(g), {w}).at(w).item(), gradients(penalty(f), {w}).at(w).item(), 1e-13);
  const auto check = gradcheck([&](const std::vector<Tensor>& in) { return grad(g)(in[0]); }, {point()});
  EXPECT_TRUE(check.passed) << check.message;
  // A tensor of an outer transform is captured.
  const auto nested = [](const Tensor& a) {
    return sum(checkpoint([&](const Tensor& b) { return b * a * a; })(3 * a));
  };
  EXPECT_NEAR(grad(nested)(2.0).item(), 36, 1e-13);
  EXPECT_NEAR(grad(grad(nested))(2.0).item(), 36, 1e-13);
  const auto checkpointed_gradient = checkpoint(grad(f));
  EXPECT_TRUE(close(grad([&](const Tensor& at) { return sum(checkpointed_gradient(at)); })(point()),
                    values(sum(hessian(f)(point()), 0)), 1e-13));
}

// What comes back to one of them depends on what they have captured, too.
// Rules that run within a transform have other roundings; the function is computed again as outside.
TEST(Checkpoint, of_a_gradient_is_the_same_again_within_a_transform) {
  const auto f = [](const Tensor& x) {
    return odeint([](const Tensor& y, const Tensor& t, const Tensor& p) { return y * p * cos(p * t); },
                  {.rtol = 1e-10, .atol = 1e-12, .adjoint = OdeAdjoint::discrete}, 1.0, tensor({0.0, 1.0}),
                  x)[1];  // exp(sin(x))
  };
  const double s = std::sin(0.7), expected = std::exp(s) * (std::cos(0.7) * std::cos(0.7) - s);
  for (const auto mode : {JacobianMode::forward, JacobianMode::reverse})
    EXPECT_NEAR(jacobian(checkpoint(grad(f)), {.mode = mode})(0.7).item(), expected, 1e-7);
}

TEST(Checkpoint, of_several_results_in_a_chain_have_derivatives_of_any_order) {
  const auto after_steps = [](bool in_checkpoints, const Tensor& w) {
    const Tensor c = sin(w);
    const auto step = [c](const Tensor& p, const Tensor& q) { return std::pair(tanh(p * c) + q, p * q * c); };
    std::pair<Tensor, Tensor> at = {tensor(1.4), tensor(0.3)};
    for (int i = 0; i < 3; ++i)
      at = in_checkpoints ? checkpoint(step)(at.first, at.second) : step(at.first, at.second);
    return at.first * at.second;
  };
  const auto plain = [&](const Tensor& w) { return after_steps(false, w); };
  const auto kept = [&](const Tensor& w) { return after_steps(true, w); };
  const Tensor w = tensor(0.7);
  EXPECT_NEAR(grad(kept)(w).item(), grad(plain)(w).item(), 1e-14);
  EXPECT_NEAR(grad(grad(kept))(w).item(), grad(grad(plain))(w).item(), 1e-13);
  EXPECT_NEAR(grad(grad(grad(kept)))(w).item(), grad(grad(grad(plain)))(w).item(), 1e-12);
}

TEST(Checkpoint, draws_the_same_random_numbers_again) {
  const auto noisy = [](const Tensor& x, Generator& generator) { return sum(x * randn({3}, generator)); };
  Generator one(5), other(5);
  const Tensor x = variable(point());
  const Tensor plain = noisy(x, one), saved = checkpoint(noisy)(x, other);
  EXPECT_EQ(plain.item(), saved.item());
  EXPECT_EQ(values(gradients(saved, {x})[x]), values(gradients(plain, {x})[x]));
  EXPECT_EQ(one.uniform(), other.uniform());  // the caller's has gone on, once
  Generator start(7);
  const auto own = checkpoint(
      [generator = Generator(7)](const Tensor& at) mutable { return sum(at * randn({3}, generator)); });
  EXPECT_EQ(values(gradients(own(x), {x})[x]), values(randn({3}, start)));
}

// Their state is in buffers, which all copies share.
TEST(Checkpoint, of_layers_that_change_drops_the_same_again_and_moves_statistics_once) {
  struct Block {
    Linear linear;
    BatchNorm norm;
    Dropout dropout;
    Tensor operator()(const Tensor& x) const { return dropout(norm(linear(x))); }
    CHAINRULE_MEMBERS(linear, norm, dropout)
  };
  const auto blocks = [] {
    Generator generator(7);
    std::vector<Block> all;
    for (int i = 0; i < 5; ++i)
      all.push_back({Linear(3, 3, generator), BatchNorm(3), Dropout(0.5, generator)});
    return all;
  };
  const std::vector<Block> plain = blocks(), parts = blocks();
  Generator generator(1);
  const Tensor x = randn({8, 3}, generator);
  const Tensor expected = grad([&](const Tensor& at) {
    Tensor y = at;
    for (const Block& block : plain) y = block(y);
    return sum(y * y);
  })(x);
  const Tensor found = grad([&](const Tensor& at) {
    const Tensor y = checkpoint_sequential(parts, at);
    return sum(y * y);
  })(x);
  EXPECT_EQ(values(found), values(expected));
  for (std::size_t i = 0; i < plain.size(); ++i) {
    EXPECT_EQ(values(parts[i].norm.running_mean.value()), values(plain[i].norm.running_mean.value()));
    EXPECT_EQ(parts[i].dropout.seed.value().item<std::int64_t>(),
              plain[i].dropout.seed.value().item<std::int64_t>());
  }
  // Captured by a function, and as a checkpoint within one.
  const Dropout& drop = parts.front().dropout;
  const auto twice = checkpoint([&](const Tensor& at) { return checkpoint(drop)(at) * drop(at); });
  const Tensor ones_only = ones({64}), g = grad([&](const Tensor&at) { return sum(twice(at)); })(ones_only);
  EXPECT_TRUE(all((g == 0) | (g == 8)));
}

TEST(Checkpoint, refuses_a_function_that_does_not_compute_the_same_again) {
  Generator generator(1);
  const Tensor x = variable(point());
  const Tensor noisy = checkpoint([&](const Tensor& at) { return sum(at * randn({3}, generator)); })(x);
  EXPECT_TRUE(mentions(message_of<GradError>([&] { noisy.backward(); }),
                       {"checkpoint", "other numbers", "Generator"}));
  const Parameter w(tensor({1.0, 2.0, 3.0}), "w");
  const Tensor loss = checkpoint([&](const Tensor& at) { return sum(at * w); })(x);
  w.assign(tensor({2.0, 2.0, 2.0}));
  EXPECT_TRUE(mentions(message_of<GradError>([&] { loss.backward(); }), {"checkpoint", "parameters"}));
  EXPECT_TRUE(mentions(message_of<GradError>([&] { checkpoint([](const Tensor&) { return Tensor(); })(x); }),
                       {"checkpoint", "empty handle"}));
}

TEST(Checkpoint, is_drawn_as_a_scope) {
  const KeepValues keep;
  const Tensor x = variable(2.0, "x");
  const Graph graph(checkpoint([](const Tensor& at) { return exp(at) * at; })(x));
  ASSERT_EQ(graph.scopes().size(), 2U);
  EXPECT_EQ(graph.scopes()[1].name, "checkpoint");
  EXPECT_EQ(graph.output().operation, "mul");
}

std::vector<std::function<Tensor(Tensor)>> layers(std::size_t count, std::vector<Parameter>& weights) {
  Generator generator(3);
  std::vector<std::function<Tensor(Tensor)>> all;
  for (std::size_t i = 0; i < count; ++i) {
    const Parameter w(0.1 * randn({64, 64}, generator), "w");
    weights.push_back(w);
    all.emplace_back([w](const Tensor& x) { return tanh(matmul(x, w)); });
  }
  return all;
}

TEST(CheckpointSequential, of_a_hundred_layers_needs_a_quarter_of_the_memory_and_gives_the_same_gradients) {
  SKIP_WITHOUT_POOL();
  std::vector<Parameter> weights;
  const auto network = layers(100, weights);
  Generator generator(4);
  const Tensor x = randn({256, 64}, generator);
  // Large blocks that are given back wait in the pool, so afterwards those are there that were used at once.
  const auto peak = [&](std::size_t segments) {
    for (const Parameter& w : weights) w.zero_grad();
    release_cached_memory();
    const std::size_t before = pool::statistics().cached_bytes;
    Tensor loss = sum(square(checkpoint_sequential(network, x, segments)));
    std::move(loss).backward();
    std::vector<double> gradient;
    for (const Parameter& w : weights)
      for (const double each : values(w.grad())) gradient.push_back(each);
    return std::pair(pool::statistics().cached_bytes - before, gradient);
  };
  const auto [plain, expected] = peak(1);
  const auto [saved, found] = peak(0);
  EXPECT_GT(plain, std::size_t{100} * 256 * 64 * 8);
  EXPECT_LT(saved, plain / 4);
  EXPECT_EQ(found, expected);
}

TEST(CheckpointSequential, refuses_more_parts_than_functions_and_passes_on_nothing) {
  std::vector<Parameter> weights;
  const auto network = layers(3, weights);
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { checkpoint_sequential(network, point(), 4); }),
                       {"checkpoint_sequential", "4", "3"}));
  EXPECT_EQ(values(checkpoint_sequential(layers(0, weights), point())), values(point()));
}

}  // namespace
}  // namespace chainrule::test
