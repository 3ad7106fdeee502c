// Gradient descent by its formula, step by step, in both dtypes; and what every step leaves behind.
// support.h compares the numbers.

#include <cmath>
#include <limits>

#include "array/pool.h"
#include "chainrule/autograd.h"
#include "chainrule/data.h"
#include "chainrule/indexing.h"
#include "chainrule/optim.h"
#include "support.h"

namespace chainrule::test {
namespace {

/// PyTorch's rule, written out for one number.
struct Reference {
  double value, velocity = 0;
  void step(double gradient, const SgdOptions& options) {
    gradient += options.weight_decay * value;
    velocity = options.momentum * velocity + gradient;
    value -= options.learning_rate * velocity;
  }
};

class SgdRule : public ::testing::TestWithParam<SgdOptions> {};

TEST_P(SgdRule, follows_the_formula_step_by_step) {
  const Parameter p(tensor({1.0, -2.0, 0.5}), "p");
  Sgd optimizer({p}, GetParam());
  std::vector<Reference> expected = {{1.0}, {-2.0}, {0.5}};
  for (int step = 0; step < 10; ++step) {
    sum(sin(p) * tensor({1.0, 2.0, 3.0})).backward();
    optimizer.step();
    for (std::size_t i = 0; i < 3; ++i)
      expected[i].step(static_cast<double>(i + 1) * std::cos(expected[i].value), GetParam());
    EXPECT_TRUE(close(p, {expected[0].value, expected[1].value, expected[2].value}));
  }
}

INSTANTIATE_TEST_SUITE_P(
    With, SgdRule,
    ::testing::Values(SgdOptions{.learning_rate = 0.1}, SgdOptions{.learning_rate = 0.1, .momentum = 0.9},
                      SgdOptions{.learning_rate = 0.1, .weight_decay = 0.3},
                      SgdOptions{.learning_rate = 0.1, .momentum = 0.5, .weight_decay = 0.3}));

TEST(Sgd, steps_float32_parameters_in_float32) {
  const Parameter p(tensor({1.0F, 2.0F}), "p");
  Sgd optimizer({p}, {.learning_rate = 0.25, .momentum = 0.5});
  sum(square(p)).backward();
  optimizer.step();
  EXPECT_EQ(p.dtype(), DType::float32);
  EXPECT_EQ(values(p), (std::vector<double>{0.5, 1}));
}

TEST(Sgd, leaves_no_gradient_behind) {
  const Parameter p(tensor({1.0, 2.0}), "p");
  Sgd optimizer({p}, {.learning_rate = 0.1});
  sum(p).backward();
  optimizer.step();
  EXPECT_EQ(values(p.grad()), (std::vector<double>{0, 0}));
  EXPECT_EQ(p.leaf().name(), "p");
}

TEST(Sgd, uses_the_sum_of_all_gradients_since_the_last_step) {
  const Parameter p(tensor({1.0}), "p");
  Sgd optimizer({p}, {.learning_rate = 1});
  sum(2.0 * p).backward();
  sum(3.0 * p).backward();
  optimizer.step();
  EXPECT_EQ(values(p), (std::vector<double>{-4}));
}

TEST(Sgd, forgets_gradients_on_request) {
  const Parameter p(tensor({1.0}), "p");
  Sgd optimizer({p}, {.learning_rate = 1});
  sum(2.0 * p).backward();
  optimizer.zero_grad();
  sum(3.0 * p).backward();
  optimizer.step();
  EXPECT_EQ(values(p), (std::vector<double>{-2}));
}

TEST(Sgd, keeps_the_momentum_of_a_parameter_that_nothing_reached) {
  const Parameter p(tensor({0.0}), "p"), other(tensor({0.0}), "other");
  Sgd optimizer({p, other}, {.learning_rate = 1, .momentum = 0.5});
  sum(-8.0 * p).backward();
  optimizer.step();
  sum(other).backward();
  optimizer.step();
  EXPECT_EQ(values(p), (std::vector<double>{12}));
}

TEST(Sgd, steps_by_momentum_and_weight_decay_alone_when_told) {
  const Parameter p(tensor({0.0}), "p"), q(tensor({8.0}), "q");
  Sgd coasting({p}, {.learning_rate = 1, .momentum = 0.5, .allow_no_gradient = true});
  sum(-8.0 * p).backward();
  coasting.step();
  coasting.step();
  EXPECT_EQ(values(p), (std::vector<double>{12}));
  Sgd({q}, {.learning_rate = 1, .weight_decay = 0.5, .allow_no_gradient = true}).step();
  EXPECT_EQ(values(q), (std::vector<double>{4}));
}

/// What a training loop's second step complains about, of a network whose loss is computed by `loss`.
template <class Loss>
std::string complaint_of_second_step(const std::vector<Parameter>& parameters, const Loss& loss) {
  Sgd optimizer(parameters, {.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.1});
  sum(square(parameters[0])).backward();
  optimizer.step();
  const std::vector<double> before = values(parameters[0]);
  loss();
  const std::string message = message_of<GradError>([&] { optimizer.step(); });
  EXPECT_EQ(values(parameters[0]), before) << "a step that is refused moves nothing";
  return message;
}

TEST(Sgd, refuses_a_step_for_which_no_parameter_has_a_gradient) {
  const Parameter p(tensor({1.0, 2.0}), "weight");
  const Tensor kept = p;
  const Mlp other({2, 2}, *std::make_unique<Generator>(), DType::float64);
  EXPECT_TRUE(mentions(complaint_of_second_step({p}, [] {}),
                       {"Sgd::step", "weight", "backward()", "detach", "NoGrad", "allow_no_gradient"}));
  EXPECT_TRUE(mentions(complaint_of_second_step({p}, [&] { sum(square(kept)).backward(); }), {"leaf kept"}));
  EXPECT_TRUE(mentions(complaint_of_second_step({p}, [&] { sum(other(p.leaf().detach())).backward(); }),
                       {"another network"}));
  EXPECT_TRUE(mentions(complaint_of_second_step({p},
                                                [&] {
                                                  sum(square(p)).backward();
                                                  p.zero_grad();
                                                }),
                       {"zero_grad"}));
}

TEST(Sgd, knows_a_gradient_of_zero_and_that_of_a_scalar_from_none) {
  const Parameter p(tensor(1.0), "p"), q(tensor({1.0, 2.0}), "q");
  Sgd optimizer({p}, {.learning_rate = 1}), other({q}, {.learning_rate = 1});
  EXPECT_THROW(optimizer.step(), GradError);
  (0.0 * p).backward();
  optimizer.step();
  EXPECT_EQ(p.leaf().item(), 1);
  EXPECT_THROW(optimizer.step(), GradError);
  sum(0.0 * q).backward();
  other.step();
}

TEST(Sgd, leaves_graphs_and_handles_from_before_the_step_as_they_were) {
  const Parameter p(tensor({1.0, 2.0, 3.0}), "p");
  const Tensor before = p;
  const Tensor loss = sum(square(p));
  Sgd optimizer({p}, {.learning_rate = 0.5});
  loss.backward();
  optimizer.step();
  EXPECT_EQ(values(before), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(values(p), (std::vector<double>{0, 0, 0}));
  EXPECT_EQ(values(gradients(loss, {before})[before]), (std::vector<double>{2, 4, 6}));
  EXPECT_EQ(values(before.grad()), (std::vector<double>{2, 4, 6}));
}

TEST(Sgd, leaves_values_that_share_the_memory_of_a_parameter_as_they_were) {
  const Tensor initial = tensor({1.0, 2.0, 3.0});
  const Parameter p(initial, "p");
  const Tensor detached = p.leaf().detach();
  Sgd optimizer({p}, {.learning_rate = 1});
  sum(p).backward();
  optimizer.step();
  EXPECT_EQ(values(initial), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(values(detached), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(values(p), (std::vector<double>{0, 1, 2}));
}

TEST(Sgd, updates_a_parameter_that_nobody_else_holds_in_place) {
  const Parameter p(zeros({1000}, DType::float32), "p");
  Sgd optimizer({p}, {.learning_rate = 0.1, .momentum = 0.9});
  sum(p).backward();
  optimizer.step();
  const void* memory = p.leaf().data<float>().data();
  for (int step = 0; step < 5; ++step) {
    sum(square(p)).backward();
    optimizer.step();
    EXPECT_EQ(memory, p.leaf().data<float>().data());
  }
}

TEST(Sgd, steps_to_the_same_bits_whether_or_not_the_gradients_were_read) {
  Generator generator(5);
  const Tensor x = randn({3, 50}, generator), target = randn({3, 7}, generator);
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Tensor weight = randn({7, 50}, generator, dtype);
    const auto trained = [&](bool read) {
      const Linear layer({weight, "weight"}, {zeros({7}, dtype), "bias"});
      Sgd optimizer(layer.parameters(), {.learning_rate = 0.1});
      for (int step = 0; step < 3; ++step) {
        mse_loss(layer(cast(x, dtype)), target).backward();
        if (read) layer.weight().grad().to_vector<double>();
        optimizer.step();
      }
      return values(layer.weight());
    };
    EXPECT_EQ(trained(false), trained(true));
  }
}

TEST(Sgd, makes_no_gradient_that_is_larger_than_what_it_is_a_product_of) {
  SKIP_WITHOUT_POOL();
  Generator generator(5);
  const Tensor x = ones({1, 1024}, DType::float32);
  const Parameter weight(zeros({1024, 1024}, DType::float32), "weight");
  Sgd optimizer({weight}, {.learning_rate = 0.1});
  const std::size_t before = pool::statistics().cached_bytes;
  sum(linear(x, weight)).backward();
  optimizer.step();
  EXPECT_LT(pool::statistics().cached_bytes, before + (std::size_t{1} << 20));
  EXPECT_FLOAT_EQ(weight.leaf().data<float>()[1234], -0.1F);
}

TEST(Sgd, asks_the_system_for_no_memory_once_training_runs) {
  if (sanitized)
    GTEST_SKIP() << "the pool recycles nothing under a sanitizer, so that it sees every use after free";
  Generator generator(1);
  const Dataset moons = half_moons(64, 0.1, generator);
  const Mlp network({2, 64, 64, 2}, generator);
  Sgd optimizer(network.parameters(), {.learning_rate = 0.05, .momentum = 0.9});
  const auto train = [&] {
    cross_entropy(network(moons.x), moons.y).backward();
    optimizer.step();
  };
  for (int step = 0; step < 20; ++step) train();
  const std::size_t before = pool::statistics().system_allocations;
  for (int step = 0; step < 20; ++step) train();
  EXPECT_EQ(pool::statistics().system_allocations, before);
}

TEST(Sgd, steps_a_parameter_that_is_listed_twice_once) {
  const Parameter p(tensor({1.0}), "p");
  Sgd optimizer({p, p}, {.learning_rate = 0.5});
  sum(p).backward();
  optimizer.step();
  EXPECT_EQ(values(p), (std::vector<double>{0.5}));
}

TEST(Sgd, follows_a_learning_rate_that_changes) {
  const Parameter p(tensor({1.0}), "p");
  Sgd optimizer({p}, {.learning_rate = 0.5});
  optimizer.set_learning_rate(0.25);
  EXPECT_EQ(optimizer.learning_rate(), 0.25);
  sum(p).backward();
  optimizer.step();
  EXPECT_EQ(values(p), (std::vector<double>{0.75}));
}

TEST(Sgd, refuses_options_that_make_no_sense) {
  const Parameter p(tensor({1.0}), "p");
  const auto message = [&](const SgdOptions& options) {
    return message_of<std::invalid_argument>([&] { Sgd({p}, options); });
  };
  EXPECT_TRUE(mentions(message({.learning_rate = -0.1}), {"learning_rate", "-0.1"}));
  EXPECT_TRUE(
      mentions(message({.learning_rate = std::numeric_limits<double>::quiet_NaN()}), {"learning_rate"}));
  EXPECT_TRUE(mentions(message({.momentum = 1}), {"momentum", "1"}));
  EXPECT_TRUE(mentions(message({.weight_decay = -1}), {"weight_decay", "-1"}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([] { Sgd({}); }), {"no parameters"}));
  Sgd optimizer({p});
  EXPECT_THROW(optimizer.set_learning_rate(std::numeric_limits<double>::infinity()), std::invalid_argument);
}

TEST(Sgd, steps_the_rows_of_a_table_to_the_same_bits_whether_or_not_somebody_reads_the_gradient) {
  // 19 elements in a row are no whole packs; some rows are there twice and three times.
  const auto stepped = [](bool read, int lookups) {
    Generator generator(5);
    const Parameter table(randn({50, 19}, generator, DType::float32), "table");
    const Tensor above = randn({7, 19}, generator, DType::float32);
    Sgd optimizer({table}, {.learning_rate = 0.3});
    for (int step = 0; step < 3; ++step) {
      for (int i = 0; i < lookups; ++i) embedding(table, tensor({3, 49, 3, 0, 7, 3, 49})).backward(above);
      if (read) {
        const Tensor gradient = table.grad();
        EXPECT_EQ(gradient.data<float>()[19], 0);
      }
      optimizer.step();
    }
    return values(table.leaf());
  };
  EXPECT_EQ(stepped(true, 1), stepped(false, 1));
  EXPECT_EQ(stepped(true, 2), stepped(false, 2));
}

TEST(Sgd, adds_up_rows_of_a_table_as_a_dense_gradient_does) {
  const Tensor table = variable(zeros({9, 2}, DType::float64));
  const auto look_up = [&] { return embedding(table, tensor({1, 8, 1})); };
  const Tensor above = tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {3, 2});
  look_up().backward(above);
  sum(table * 0.5).backward();
  look_up().backward(above);
  EXPECT_TRUE(close(table.grad(), {0.5, 0.5, 12.5, 16.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5,
                                   0.5, 0.5, 6.5, 8.5}));
}

}  // namespace
}  // namespace chainrule::test
