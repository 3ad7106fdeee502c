// vmap: each operation against a loop over samples, nesting with gradients and jvp, options, errors.
// Rows are those of op_cases.h.

#include "chainrule/vmap.h"

#include <algorithm>
#include <functional>
#include <iostream>
#include <set>

#include "chainrule/autograd.h"
#include "chainrule/derivatives.h"
#include "chainrule/distributions.h"
#include "chainrule/indexing.h"
#include "chainrule/linalg.h"
#include "chainrule/nn.h"
#include "chainrule/statistics.h"
#include "graph/traced.h"
#include "op_cases.h"

namespace chainrule::test {
namespace {

/// The samples of three draws, of which only the inputs in `batched` differ.
std::vector<Inputs> three_samples(const Case& one, const Shapes& shapes, const std::vector<bool>& batched,
                                  Engine& engine) {
  const Inputs shared = one.draw(shapes, engine);
  std::vector<Inputs> samples;
  for (int i = 0; i < 3; ++i) {
    Inputs sample = shared, fresh = one.draw(shapes, engine);
    for (std::size_t k = 0; k < sample.size(); ++k)
      if (batched[k]) sample[k] = fresh[k];
    samples.push_back(std::move(sample));
  }
  return samples;
}

/// Of the first `count` samples.
Tensor mapped(const Variant& variant, const std::vector<Inputs>& samples, const std::vector<bool>& batched,
              std::int64_t count = 3) {
  Inputs shared = samples.front(), stacked;
  for (std::size_t k = 0; k < shared.size(); ++k) {
    if (!batched[k]) continue;
    std::vector<Tensor> each;
    for (const Inputs& sample : samples) each.push_back(sample[k]);
    stacked.push_back(stack(each)[{Slice{0, count}}]);
  }
  return vmap(
      [&](const std::vector<Tensor>& own) {
        Inputs in = shared;
        for (std::size_t k = 0, next = 0; k < in.size(); ++k)
          if (batched[k]) in[k] = own[next++];
        return variant.call(in);
      },
      {.randomness = Randomness::same})(stacked);
}

/// The number of counts depends on what is counted.
bool has_a_shape_of_elements(const Case& one, const std::vector<bool>& batched) {
  return one.row->operation == "bincount" && batched[0];
}

class VmapOfOperation : public ::testing::TestWithParam<Case> {};

TEST_P(VmapOfOperation, is_a_loop_over_the_samples) {
  PRINT_SEED_ON_FAILURE();
  const Case& one = GetParam();
  Engine engine(seed());
  for (const Shapes& shapes : one.variant->shapes) {
    const std::size_t count = shapes.size();
    std::set<std::vector<bool>> ways = {std::vector<bool>(count, true)};
    for (std::size_t k = 0; k < count; ++k) {
      std::vector<bool> alone(count, false);
      alone[k] = true;
      ways.insert(alone);
    }
    for (const std::vector<bool>& batched : ways) {
      if (std::ranges::none_of(batched, [](bool each) { return each; })) continue;
      const std::vector<Inputs> samples = three_samples(one, shapes, batched, engine);
      if (one.row->optional_inputs &&
          std::ranges::any_of(samples[0], [](const Tensor& each) { return each.is_empty(); }))
        continue;
      if (has_a_shape_of_elements(one, batched)) continue;
      std::vector<Tensor> expected;
      for (const Inputs& sample : samples) expected.push_back(one.variant->call(sample));
      const Tensor actual = mapped(*one.variant, samples, batched);
      EXPECT_EQ(actual.dtype(), expected[0].dtype());
      EXPECT_TRUE(close(actual, stack(expected), std::max(1e-9, one.row->tolerance)));
      const Tensor none = mapped(*one.variant, samples, batched, 0);
      EXPECT_TRUE(close(none, stack(expected)[{Slice{0, 0}}], 0));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, VmapOfOperation, ::testing::ValuesIn(all_cases()), case_name);

Tensor stacked_squares(const Tensor& x) { return sum(square(x)) * x; }

class VmapOfGradient : public ::testing::TestWithParam<Case> {};

TEST_P(VmapOfGradient, is_the_gradient_of_each_sample) {
  PRINT_SEED_ON_FAILURE();
  const Case& one = GetParam();
  Engine engine(seed() + 2);
  for (const Shapes& shapes : one.variant->shapes) {
    const std::vector<bool> all(shapes.size(), true);
    if (one.row->optional_inputs || has_a_shape_of_elements(one, all)) continue;
    const std::vector<Inputs> samples = three_samples(one, shapes, all, engine);
    const auto number = [&](const std::vector<Tensor>& some, const std::vector<Tensor>& in) {
      Inputs inputs = in;
      for (std::size_t k = 0, next = 0; k < inputs.size(); ++k)
        if (is_differentiable(one, k)) inputs[k] = some[next++];
      const Tensor y = one.variant->call(inputs);
      return sum(y * cos(reshape(arange(0, y.size()), y.shape())));
    };
    const auto of_one = [&](const std::vector<Tensor>& in) {
      return grad(number)(differentiable_inputs(one, in), in);
    };
    std::vector<Tensor> stacked;
    for (std::size_t k = 0; k < shapes.size(); ++k)
      stacked.push_back(stack(std::vector<Tensor>{samples[0][k], samples[1][k], samples[2][k]}));
    const std::vector<Tensor> actual = vmap(of_one, {.randomness = Randomness::same})(stacked);
    for (std::int64_t i = 0; i < 3; ++i) {
      const std::vector<Tensor> expected = of_one(samples[static_cast<std::size_t>(i)]);
      for (std::size_t k = 0; k < expected.size(); ++k)
        EXPECT_TRUE(close(actual[k][i], expected[k], expected[k].dtype() == DType::float32 ? 1e-5 : 1e-8));
    }
    for (Tensor& each : stacked) each = each[{Slice{0, 0}}];
    const std::vector<Tensor> none = vmap(of_one, {.randomness = Randomness::same})(stacked);
    for (std::size_t k = 0; k < none.size(); ++k) EXPECT_TRUE(close(none[k], actual[k][{Slice{0, 0}}], 0));
  }
}

INSTANTIATE_TEST_SUITE_P(, VmapOfGradient, ::testing::ValuesIn(differentiable_cases()), case_name);

TEST(Vmap, goes_from_sample_to_sample_in_few_operations) {
  const LoopedOperations looped;
  Engine engine(seed());
  for (const Case& one : all_cases()) {
    const Shapes& shapes = one.variant->shapes.front();
    const std::vector<bool> all(shapes.size(), true);
    if (shapes.empty() || one.row->optional_inputs || has_a_shape_of_elements(one, all)) continue;
    try {
      (void)mapped(*one.variant, three_samples(one, shapes, all, engine), all);
    } catch (const LinAlgError&) {  // without LAPACK
    }
  }
  const std::set<std::string> names(looped.names.begin(), looped.names.end());
  for (const std::string& name : names) std::cout << "sample after sample: " << name << "\n";
  EXPECT_EQ(names, (std::set<std::string>{"interp"}));
}

TEST(Vmap, takes_and_gives_axes_as_told) {
  const Tensor x = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}), y = tensor({10.0, 20.0});
  const auto f = [](const Tensor& a, const Tensor& b) { return a + b; };
  EXPECT_TRUE(equals(vmap(f, {.in_axes = {1, no_axis}})(x, y), {3, 2}, {11, 24, 12, 25, 13, 26}));
  EXPECT_TRUE(
      equals(vmap(f, {.in_axes = {1, no_axis}, .out_axes = {1}})(x, y), {2, 3}, {11, 12, 13, 24, 25, 26}));
  EXPECT_TRUE(equals(vmap(f, {.in_axes = {-1, no_axis}, .out_axes = {-1}, .chunk_size = 2})(x, y), {2, 3},
                     {11, 12, 13, 24, 25, 26}));
}

TEST(Vmap, repeats_a_result_that_is_the_same_for_all_samples) {
  const Tensor x = tensor({1.0, 2.0, 3.0});
  EXPECT_TRUE(equals(vmap([](const Tensor&) { return tensor({4.0, 5.0}); })(x), {3, 2}, {4, 5, 4, 5, 4, 5}));
  EXPECT_TRUE(equals(vmap([](const Tensor&) { return tensor(4.0); }, {.out_axes = {no_axis}})(x), {}, {4}));
}

TEST(Vmap, nests_with_itself_in_both_orders_of_axes) {
  const Tensor x = tensor({1.0, 2.0}), y = tensor({3.0, 4.0, 5.0});
  const auto product = [](const Tensor& a, const Tensor& b) { return a * b; };
  const auto rows = vmap(vmap(product, {.in_axes = {no_axis, 0}}), {.in_axes = {0, no_axis}});
  EXPECT_TRUE(equals(rows(x, y), {2, 3}, {3, 4, 5, 6, 8, 10}));
  EXPECT_TRUE(equals(vmap(vmap(product, {.in_axes = {0, no_axis}}), {.in_axes = {no_axis, 0}})(x, y), {3, 2},
                     {3, 6, 4, 8, 5, 10}));
}

TEST(Vmap, of_grad_is_the_gradient_of_each_sample) {
  // d/dx sum(x²)·Σx = 2x Σx + sum(x²)
  const auto f = [](const Tensor& x) { return sum(stacked_squares(x)); };
  const Tensor x = tensor({{1.0, 2.0}, {-1.0, 3.0}, {0.0, 0.5}});
  const Tensor each = vmap(grad(f))(x);
  EXPECT_TRUE(close(each, {11, 17, 6, 22, 0.25, 0.75}));
  EXPECT_TRUE(close(grad([&](const Tensor& all) { return sum(vmap(f)(all)); })(x), each, 1e-14));
}

TEST(Vmap, nests_with_derivatives_in_any_order) {
  // f = x⁴ y: f_x = 4x³y, f_xx = 12x²y, f_xy = 4x³
  const auto f = [](const Tensor& x, const Tensor& y) { return pow(x, 4) * y; };
  const Tensor x = tensor({1.0, 2.0, -1.5}), y = tensor({2.0, 0.5, 3.0}), one = ones_like(x);
  const Tensor first = 4 * pow(x, 3) * y, second = 12 * square(x) * y, mixed = 4 * pow(x, 3);
  EXPECT_TRUE(close(vmap(grad(f))(x, y), first, 1e-13));
  EXPECT_TRUE(close(vmap(grad(grad(f)))(x, y), second, 1e-13));
  EXPECT_TRUE(close(vmap(grad(grad(f), argnums<1>))(x, y), mixed, 1e-13));
  const auto tangent = [&](const auto& g) {
    return [&, g](const Tensor& a, const Tensor& b) {
      return jvp([&](const Tensor& at) { return g(at, b); }, a, ones_like(a)).tangent;
    };
  };
  EXPECT_TRUE(close(tangent(vmap(f))(x, y), first, 1e-13));
  EXPECT_TRUE(close(vmap(tangent(f))(x, y), first, 1e-13));
  EXPECT_TRUE(close(tangent(tangent(vmap(f)))(x, y), second, 1e-13));
  EXPECT_TRUE(close(tangent(vmap(tangent(f)))(x, y), second, 1e-13));
  EXPECT_TRUE(close(vmap(tangent(tangent(f)))(x, y), second, 1e-13));
  EXPECT_TRUE(close(vmap(tangent(grad(f)))(x, y), second, 1e-13));
  EXPECT_TRUE(close(vmap(grad(tangent(f)))(x, y), second, 1e-13));
  EXPECT_TRUE(close(tangent(vmap(grad(f)))(x, y), second, 1e-13));
  const auto total = [](const auto& g) {
    return [g](const Tensor& a, const Tensor& b) { return sum(g(a, b)); };
  };
  EXPECT_TRUE(close(grad(total(vmap(grad(f))))(x, y), second, 1e-13));
  EXPECT_TRUE(close(grad(total(tangent(vmap(f))))(x, y), second, 1e-13));
  EXPECT_TRUE(close(tangent(grad(total(vmap(f))))(x, y), second, 1e-13));
  EXPECT_TRUE(close(grad(total(vmap(tangent(f))), argnums<1>)(x, y), mixed, 1e-13));
}

TEST(Vmap, of_grad_gives_per_sample_gradients_of_a_network) {
  Generator generator(1);
  const Linear first(3, 4, generator), last(4, 1, generator);
  const auto loss = [](const std::pair<Linear, Linear>& net, const Tensor& x, const Tensor& y) {
    return mse_loss(net.second(tanh(net.first(x))), y);
  };
  const auto net = std::pair(first, last);
  const Tensor x = randn({5, 3}, generator), y = randn({5, 1}, generator);
  const auto each = vmap(grad(loss), {.in_axes = {no_axis, 0, 0}})(net, x, y);
  for (std::int64_t i = 0; i < 5; ++i) {
    const auto alone = grad(loss)(net, x[i], y[i]);
    EXPECT_TRUE(
        close(Operand(each.first.weight()).as_tensor()[i], Operand(alone.first.weight()).as_tensor(), 1e-13));
    EXPECT_TRUE(
        close(Operand(each.second.bias()).as_tensor()[i], Operand(alone.second.bias()).as_tensor(), 1e-13));
  }
}

TEST(Vmap, of_captured_variables_passes_their_gradient_on) {
  const Tensor w = variable({2.0, 3.0});
  const Tensor x = tensor({{1.0, 1.0}, {2.0, 5.0}});
  const Tensor y = sum(vmap([&](const Tensor& each) { return sum(square(w * each)); })(x));
  EXPECT_TRUE(close(gradients(y, {w}).at(w), {2 * 2 * 5, 2 * 3 * 26}));
}

TEST(Vmap, of_nothing_has_the_shape_of_its_results) {
  const auto f = [](const Tensor& x) { return matmul(x, ones({2, 4})) + sum(x); };
  EXPECT_EQ(vmap(f)(zeros({0, 3, 2})).shape(), (Shape{0, 3, 4}));
}

TEST(Vmap, refuses_to_read_elements_and_names_where) {
  const Tensor x = tensor({1.0, 2.0});
  for (const auto& read : {std::function<void(const Tensor&)>([](const Tensor& each) { (void)each.item(); }),
                           std::function<void(const Tensor&)>([](const Tensor& each) {
                             if (each > 0) return;
                           })}) {
    EXPECT_TRUE(mentions(message_of<GradError>([&] {
                           vmap([&](const Tensor& each) {
                             read(each);
                             return each;
                           })(x);
                         }),
                         {"vmap", "for each sample", "where(condition, a, b)"}));
  }
}

TEST(Vmap, refuses_classes_that_there_are_not) {
  const auto losses = vmap([](const Tensor& logits, const Tensor& y) { return cross_entropy(logits, y); });
  const Tensor logits = zeros({2, 1, 3});
  EXPECT_EQ(losses(logits, tensor({{0}, {2}})).shape(), (Shape{2}));
  EXPECT_TRUE(
      mentions(message_of<ShapeError>([&] {
                 (void)losses(logits, tensor({{0}, {3}}));
               }),
               {"cross_entropy: target 3 at sample 1 is no class: logits (1, 3) have classes 0 to 2"}));
}

TEST(Vmap, refuses_a_tensor_that_has_leaked) {
  Tensor leaked;
  vmap([&](const Tensor& each) { return leaked = each * 2; })(tensor({1.0, 2.0}));
  EXPECT_TRUE(mentions(message_of<GradError>([&] { (void)leaked.item(); }), {"vmap", "has ended"}));
  EXPECT_TRUE(mentions(message_of<GradError>([&] { leaked + 1; }), {"vmap", "has ended"}));
}

TEST(Vmap, refuses_arguments_that_do_not_fit) {
  const auto f = [](const Tensor& a, const Tensor& b) { return a + b; };
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         vmap(f)(zeros({3}), zeros({4, 2}));
                       }),
                       {"vmap", "argument 0 has 3 samples", "argument 1 has 4", "(4, 2)"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { vmap(f)(zeros({3}), tensor(1.0)); }),
                       {"vmap", "argument 1", "no axis 0", "no_axis"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         vmap(f, {.in_axes = {0, 0, 0}})(zeros({3}), zeros({3}));
                       }),
                       {"vmap", "3 axes for 2 arguments"}));
}

TEST(Vmap, refuses_a_gradient_for_each_sample_in_a_variable_from_outside) {
  const Tensor w = variable({1.0, 2.0});
  EXPECT_TRUE(mentions(message_of<GradError>([&] {
                         vmap([&](const Tensor& x) {
                           sum(w * x).backward();
                           return x;
                         })(tensor({1.0, 2.0}));
                       }),
                       {"backward", "vmap", "grad()"}));
}

TEST(Vmap, draws_random_numbers_as_told) {
  Generator generator(3);
  const auto noisy = [&](const Tensor& x) { return x + rand({2}, generator); };
  const Tensor x = zeros({4});
  EXPECT_TRUE(mentions(message_of<GradError>([&] { vmap(noisy)(x); }), {"rand", "vmap", "randomness"}));
  const Tensor same = vmap(noisy, {.randomness = Randomness::same})(x);
  EXPECT_TRUE(close(same[0], same[3], 0));
  const Tensor different = vmap(noisy, {.randomness = Randomness::different})(x);
  EXPECT_EQ(different.shape(), (Shape{4, 2}));
  EXPECT_NE(values(different[0]), values(different[3]));
}

TEST(Vmap, draws_the_same_numbers_in_all_chunks_if_all_samples_see_the_same) {
  Generator generator(3);
  const Dropout dropout(0.5, generator), another(0.5, generator);
  const auto noisy = [&](const Tensor& x) {
    const Tensor first = another(dropout(x + rand({8}, generator)));
    return first + sum(gamma(ones({2}), 1.0, generator)) +
           cast(randint(0, 100, {8}, generator), DType::float64);
  };
  const auto expect_equal_rows = [](const Tensor& rows) {
    for (std::int64_t i = 1; i < rows.shape()[0]; ++i) EXPECT_EQ(values(rows[i]), values(rows[0])) << i;
  };
  expect_equal_rows(vmap(noisy, {.chunk_size = 2, .randomness = Randomness::same})(zeros({5})));
  // One within the other, and after one that was left by an error.
  const auto nested = [&](const Tensor& x) {
    return sum(vmap(noisy, {.chunk_size = 1, .randomness = Randomness::same})(x), 0);
  };
  const auto fails = [&](const Tensor& x) { return noisy(x) + ones({3}); };
  EXPECT_THROW(vmap(fails, {.chunk_size = 1, .randomness = Randomness::same})(zeros({2})), ShapeError);
  expect_equal_rows(vmap(nested, {.chunk_size = 2, .randomness = Randomness::same})(zeros({5, 2})));
  const Tensor different = vmap(noisy, {.chunk_size = 2, .randomness = Randomness::different})(zeros({5}));
  EXPECT_NE(values(different[0]), values(different[4]));
}

TEST(Vmap, draws_whole_numbers_as_told) {
  Generator generator(3);
  const auto drawn = [&](Randomness randomness) {
    const auto f = [&](const Tensor& x) {
      return x + cast(randint(0, 1000, {4}, generator), DType::float64);
    };
    return vmap(f, {.randomness = randomness})(zeros({3}));
  };
  EXPECT_TRUE(mentions(message_of<GradError>([&] { drawn(Randomness::error); }), {"randint", "randomness"}));
  const Tensor same = drawn(Randomness::same), different = drawn(Randomness::different);
  EXPECT_EQ(values(same[0]), values(same[2]));
  EXPECT_NE(values(different[0]), values(different[2]));
}

TEST(Vmap, draws_from_distributions_of_each_sample) {
  const Tensor alpha = tensor({{0.5, 2.0}, {0.5, 2.0}, {3.0, 1.0}});
  const auto drawn = [&](Randomness randomness) {
    Generator generator(7);
    return vmap([&](const Tensor& a) { return gamma(a, 1, generator); }, {.randomness = randomness})(alpha);
  };
  const auto alone = [&](std::int64_t i) {
    Generator generator(7);
    return gamma(alpha[i], 1, generator);
  };
  const Tensor same = drawn(Randomness::same), different = drawn(Randomness::different);
  for (std::int64_t i = 0; i < 3; ++i) EXPECT_TRUE(close(same[i], alone(i), 1e-15));
  EXPECT_TRUE(close(different[0], alone(0), 1e-15));
  EXPECT_NE(values(different[0]), values(different[1]));
  EXPECT_TRUE(mentions(message_of<GradError>([&] { drawn(Randomness::error); }), {"gamma", "randomness"}));
  // One concentration for all, and numbers of each sample's own.
  Generator generator(7);
  const Tensor one = vmap([&](const Tensor& x) { return x * gamma(2, 1, generator); },
                          {.randomness = Randomness::different})(ones({2}));
  EXPECT_NE(one[0].item(), one[1].item());
  // The implicit derivatives are those of each sample alone.
  const auto slope = [&](const Tensor& a) {
    return grad([](const Tensor& at) {
      Generator own(7);
      return sum(gamma(at, 1, own));
    })(a);
  };
  const Tensor slopes = vmap(slope, {.randomness = Randomness::same})(alpha);
  for (std::int64_t i = 0; i < 3; ++i) EXPECT_TRUE(close(slopes[i], slope(alpha[i]), 1e-12));
  const Tensor certain = tensor({{0.0, 0.0, 1.0}, {1.0, 0.0, 0.0}});
  const auto classes = [&](const Tensor& p) {
    return categorical(p, generator) + bernoulli(p, generator)[2];
  };
  for (const Randomness each : {Randomness::same, Randomness::different})
    EXPECT_TRUE(equals(vmap(classes, {.randomness = each})(certain), {2}, {3, 0}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         vmap([&](const Tensor& a) { return gamma(a, 1, generator); },
                              {.randomness = Randomness::same})(-alpha);
                       }),
                       {"gamma", "positive"}));
}

}  // namespace
}  // namespace chainrule::test
