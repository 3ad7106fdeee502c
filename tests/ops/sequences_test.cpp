// Delicate points of attention and recurrent networks: masks, blocks, dropout, steps one by one.
// support.h reads and compares tensors.

#include "chainrule/networks.h"

#include <cmath>
#include <limits>
#include <tuple>

#include "chainrule/autograd.h"
#include "chainrule/distributions.h"
#include "chainrule/shaping.h"
#include "chainrule/testing.h"
#include "chainrule/vmap.h"
#include "support.h"
#include "thread_counts.h"

namespace chainrule::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Tensor ramp(const Shape& shape, DType dtype = DType::float64) {
  return sin(arange(0, shape.size(), dtype) * 0.7).reshape(shape);
}

TEST(Attention, is_zero_for_a_query_that_sees_nothing) {
  const Tensor q = variable(ramp({2, 3})), k = variable(ramp({4, 3})), v = variable(ramp({4, 2}));
  const Tensor seen = tensor({{true, true, false, true}, {false, false, false, false}});
  const Tensor y = scaled_dot_product_attention(q, k, v, {.mask = seen});
  EXPECT_EQ(values(y[1]), (std::vector<double>{0, 0}));
  const Gradients g = gradients(sum(square(y)), {q, k, v});
  EXPECT_EQ(values(g.at(q)[1]), (std::vector<double>{0, 0, 0}));
  EXPECT_EQ(values(g.at(v)[2]), (std::vector<double>{0, 0}));
}

TEST(Attention, adds_a_mask_of_any_float_to_scores_of_any) {
  const Tensor q = ramp({2, 3}), k = ramp({4, 3}), v = ramp({4, 2}), added = ramp({2, 4});
  const Tensor expected = scaled_dot_product_attention(q, k, v, {.mask = added});
  for (const DType dtype : {DType::float16, DType::bfloat16, DType::float32})
    for (const DType of_mask : {DType::float16, DType::float32, DType::float64}) {
      const auto f = [&](const Tensor& x) {
        return scaled_dot_product_attention(x, cast(k, dtype), cast(v, dtype),
                                            {.mask = cast(added, of_mask)});
      };
      const Tensor y = f(cast(q, dtype)), mapped = vmap(f)(cast(reshape(q, {1, 2, 3}), dtype));
      EXPECT_EQ(y.dtype(), dtype);
      EXPECT_EQ(mapped.dtype(), dtype);
      EXPECT_THAT(cast(y, DType::float64), IsClose(expected, 0.03, 0.03));
      EXPECT_THAT(cast(mapped[0], DType::float64), IsClose(expected, 0.03, 0.03));
    }
}

// Of few features the weights are computed once more for the derivative, of many they are kept.
TEST(Attention, in_blocks_is_what_the_matrix_of_all_weights_gives) {
  for (const auto& [keys, width, is_causal] :
       {std::tuple{130, 8, true}, {130, 60, true}, {130, 60, false}, {130, 8, false}, {270, 4, false}}) {
    const Tensor q = variable(ramp({2, 1, 150, width})), k = variable(ramp({3, keys, width})),
                 v = variable(ramp({keys, width - 3}));
    const Tensor added = ramp({150, keys});
    const auto all = [&, causal = is_causal](const Tensor& mask) {
      const Tensor y = scaled_dot_product_attention(q, k, v, {.mask = mask, .causal = causal});
      const Gradients g = gradients(sum(square(y)), {q, k, v});
      return std::vector<Tensor>{y, g.at(q), g.at(k), g.at(v)};
    };
    const std::vector<Tensor> in_blocks = all(added), whole = all(variable(added));
    for (std::size_t i = 0; i < whole.size(); ++i)
      EXPECT_TRUE(close(in_blocks[i], values(whole[i]), 1e-13)) << keys << " " << width << " " << i;
  }
}

TEST(Attention, is_the_same_to_the_bit_for_any_number_of_threads) {
  for (const std::int64_t width : {32, 64})
    expect_same_for_all_thread_counts([&] {
      const Tensor x = variable(ramp({6, 200, width}, DType::float32));
      const Tensor y = scaled_dot_product_attention(x, x * 2.0, x);
      return values(gradients(sum(square(y)), {x}).at(x));
    });
}

TEST(Attention, drops_weights_and_keeps_their_mean) {
  const Tensor q = variable(ramp({2, 60, 4})), k = variable(ramp({2, 50, 4})), v = variable(ramp({50, 3}));
  Generator one(7), two(7);
  const AttentionOptions options = {.causal = true, .scale = 0.5, .dropout_p = 0.25, .generator = &one};
  // Of keys that stand for themselves the result is the weights.
  const Tensor dropped = scaled_dot_product_attention(q, k, eye(50), options),
               weights = scaled_dot_product_attention(q, k, eye(50), {.causal = true, .scale = 0.5});
  const Tensor kept = where(weights > 0, dropped / weights, 0).detach();
  std::size_t zeros_ = 0, seen = 0;
  for (std::int64_t i = 0; i < kept.size(); ++i) {
    if (values(weights)[static_cast<std::size_t>(i)] == 0) continue;
    const double factor = values(kept)[static_cast<std::size_t>(i)];
    EXPECT_TRUE(factor == 0 || std::abs(factor - 4.0 / 3) < 1e-14) << factor;
    ++seen;
    zeros_ += factor == 0 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(zeros_) / static_cast<double>(seen), 0.25,
              5 * std::sqrt(0.25 * 0.75 / static_cast<double>(seen)));
  // The same seed drops the same ones, of which no gradient comes.
  AttentionOptions again = options;
  again.generator = &two;
  const Tensor y = scaled_dot_product_attention(q, k, v, again), by_hand = matmul(weights * kept, v);
  EXPECT_TRUE(close(y, values(by_hand), 1e-13));
  const Gradients g = gradients(sum(square(y)), {q, k, v}),
                  expected = gradients(sum(square(by_hand)), {q, k, v});
  for (const Tensor& each : {q, k, v}) EXPECT_TRUE(close(g.at(each), values(expected.at(each)), 1e-12));
  const Tensor nothing = scaled_dot_product_attention(
      q, k, v, {.mask = zeros({60, 50}, DType::boolean), .dropout_p = 0.5, .generator = &one});
  EXPECT_TRUE(all(nothing == 0));
}

TEST(Attention, without_dropout_draws_nothing_and_with_it_asks_for_a_generator) {
  Generator one(7), two(7);
  const Tensor x = ramp({2, 5, 4});
  EXPECT_EQ(values(scaled_dot_product_attention(x, x, x, {.dropout_p = 0, .generator = &one})),
            values(scaled_dot_product_attention(x, x, x)));
  EXPECT_EQ(one.uniform(), two.uniform());
  const auto says = [&](double p, Generator* generator, const std::string& what) {
    const AttentionOptions options = {.dropout_p = p, .generator = generator};
    EXPECT_TRUE(mentions(message_of<ShapeError>([&] { scaled_dot_product_attention(x, x, x, options); }),
                         {"scaled_dot_product_attention", "dropout_p", what}));
  };
  says(1.5, &one, "from 0 to 1");
  says(nan, &one, "from 0 to 1");
  says(0.5, nullptr, "generator");
}

TEST(Recurrent, network_drops_between_its_layers) {
  const Tensor x = variable(ramp({6, 3, 2}));
  const auto weights = [](std::int64_t gates, std::int64_t inputs) {
    return CellWeights{.input = variable(ramp({gates * 4, inputs})), .hidden = ramp({gates * 4, 4})};
  };
  const auto expect_dropped = [&](std::int64_t gates, const auto& network) {
    const std::vector<CellWeights> both = {weights(gates, 2), weights(gates, 4)};
    Generator one(3), two(3);
    const Recurrent all = network(x, both, RecurrentOptions{.dropout = 0.4, .generator = &one});
    const Recurrent first = network(x, {both[0]}, {}),
                    last = network(dropout(first.output, 0.4, two), {both[1]}, {});
    EXPECT_EQ(values(all.output), values(last.output));
    EXPECT_EQ(values(all.h[0]), values(first.h[0]));
    EXPECT_EQ(values(all.h[1]), values(last.h[0]));
    EXPECT_EQ(one.uniform(), two.uniform());  // no more was drawn
    EXPECT_EQ(values(gradients(sum(square(all.output)), {both[0].input}).at(both[0].input)),
              values(gradients(sum(square(last.output)), {both[0].input}).at(both[0].input)));
    EXPECT_EQ(values(network(x, both, {.dropout = 0, .generator = &one}).output),
              values(network(x, both, {}).output));
    // Of the last layer nothing is dropped.
    EXPECT_EQ(values(network(x, {both[0]}, {.dropout = 0.4, .generator = &one}).output),
              values(first.output));
    const auto refused = [&](const RecurrentOptions& options) {
      return message_of<ShapeError>([&] { (void)network(x, both, options); });
    };
    EXPECT_TRUE(mentions(refused({.dropout = -0.5, .generator = &one}), {"dropout is -0.5", "from 0 to 1"}));
    EXPECT_TRUE(mentions(refused({.dropout = 0.5}), {"dropout is 0.5", "generator"}));
  };
  using Weights = std::vector<CellWeights>;
  expect_dropped(
      1, [](const Tensor& in, const Weights& w, const RecurrentOptions& o) { return rnn(in, {}, w, o); });
  expect_dropped(
      4, [](const Tensor& in, const Weights& w, const RecurrentOptions& o) { return lstm(in, {}, w, o); });
  expect_dropped(
      3, [](const Tensor& in, const Weights& w, const RecurrentOptions& o) { return gru(in, {}, w, o); });
}

/// Of so many samples, for which the kernel turns the weight, or does not.
class RecurrentSteps : public testing::TestWithParam<std::int64_t> {};
INSTANTIATE_TEST_SUITE_P(Samples, RecurrentSteps, testing::Values(3, 5));

TEST_P(RecurrentSteps, make_the_network) {
  const std::int64_t n = GetParam();
  const auto leaf = [](const Shape& shape) { return variable(ramp(shape)); };
  const std::vector<Tensor> in = {leaf({6, n, 2}), leaf({20, 2}), leaf({20, 5}), leaf({20}),
                                  leaf({20}),      leaf({n, 5}),  leaf({n, 5})};
  const CellWeights weights = {in[1], in[2], in[3], in[4]};
  LstmState state = {in[5], in[6]};
  std::vector<Tensor> outputs;
  for (std::int64_t t = 0; t < 6; ++t) {
    state = lstm_cell(in[0][t], state, weights);
    outputs.push_back(state.h);
  }
  const Recurrent all = lstm(in[0], {in[5].reshape({1, n, 5}), in[6].reshape({1, n, 5})}, {weights});
  EXPECT_TRUE(close(all.output, values(stack(outputs)), 1e-15));
  EXPECT_TRUE(close(all.h[0], values(state.h), 1e-15));
  EXPECT_TRUE(close(all.c[0], values(state.c), 1e-15));

  // The gradients of all of these, and those of their squares.
  const auto sizes = [](const Tensor& output, const Tensor& c) { return sum(square(output)) + sum(sin(c)); };
  const auto squares = [&](const Tensor& of) {
    const Gradients first = gradients(of, in, {.create_graph = true});
    Tensor total = 0.0;
    for (const Tensor& each : in) total = total + sum(square(first.at(each)));
    return gradients(total, in);
  };
  const Tensor at_once = sizes(all.output, all.c[0]), by_steps = sizes(stack(outputs), state.c);
  const Gradients found = gradients(at_once, in), expected = gradients(by_steps, in),
                  second = squares(at_once), expected_second = squares(by_steps);
  for (const Tensor& each : in) {
    EXPECT_TRUE(close(found.at(each), values(expected.at(each)), 1e-13));
    EXPECT_TRUE(close(second.at(each), values(expected_second.at(each)), 1e-11));
  }
  const Gradients only_h = gradients(sum(all.h), {in[2]});  // the rest is wanted by nobody
  EXPECT_TRUE(close(only_h.at(in[2]), values(gradients(sum(state.h), {in[2]}).at(in[2])), 1e-13));
}

TEST(Recurrent, network_takes_weights_of_another_dtype_and_shows_its_steps_where_values_are_kept) {
  const Tensor x = ramp({6, 3, 2});
  const auto output = [&](DType dtype) {
    const auto narrow = [=](const Shape& shape) { return cast(ramp(shape, DType::float32), dtype); };
    return lstm(x, {}, {{narrow({20, 2}), narrow({20, 5}), narrow({20})}}).output;
  };
  EXPECT_THAT(output(DType::float32), IsClose(output(DType::float64), 1e-14));
  const Tensor learned = variable(x);
  const auto nodes = [&] {
    return Graph(lstm(learned, {}, {{ramp({20, 2}), ramp({20, 5})}}).output).nodes().size();
  };
  const std::size_t as_one = nodes();
  const KeepValues keep;
  EXPECT_GT(nodes(), as_one + 30);
}

TEST(Recurrent, network_is_the_same_to_the_bit_for_any_number_of_threads) {
  expect_same_for_all_thread_counts([] {
    const Tensor x = variable(ramp({4, 130, 9}, DType::float32)), input = ramp({4 * 70, 9}, DType::float32),
                 hidden = variable(ramp({4 * 70, 70}, DType::float32));
    const Recurrent all = lstm(x, {}, {{input, hidden}, {input, hidden}}, {.bidirectional = true});
    const Gradients g = gradients(sum(square(all.output)), {x, hidden});
    std::vector<double> numbers = values(g.at(x));
    for (const double number : values(g.at(hidden))) numbers.push_back(number);
    return numbers;
  });
}

}  // namespace
}  // namespace chainrule::test
