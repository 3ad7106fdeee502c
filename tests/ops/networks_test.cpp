// Delicate points of convolutions, pooling, normalisation, attention and recurrent networks: dtypes, batches,
// padding, errors.

#include "chainrule/networks.h"

#include <cmath>
#include <functional>
#include <limits>

#include "chainrule/autograd.h"
#include "chainrule/distributions.h"
#include "chainrule/functions.h"
#include "chainrule/shaping.h"
#include "chainrule/testing.h"
#include "chainrule/transforms.h"
#include "chainrule/vmap.h"
#include "support.h"
#include "thread_counts.h"

namespace chainrule::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity(),
                 nan = std::numeric_limits<double>::quiet_NaN();

Tensor ramp(const Shape& shape, DType dtype = DType::float64) {
  return sin(arange(0, shape.size(), dtype) * 0.7).reshape(shape);
}

void expect_same_for_all_thread_counts(const std::function<std::vector<double>()>& function) {
  std::vector<double> alone;
  with_each_thread_count([&](int count) {
    const std::vector<double> numbers = function();
    if (count == 1) alone = numbers;
    EXPECT_TRUE(numbers == alone) << count << " threads";
  });
}

TEST(Convolution, takes_integers_as_numbers_and_one_sample_without_a_batch) {
  const Tensor y = conv1d(tensor({{1, 2, 3, 4}}), tensor({{{1, -1}}}));
  EXPECT_EQ(y.dtype(), DType::float64);
  EXPECT_EQ(to_string(y), "[[-1. -1. -1.]]");
}

TEST(Convolution, pads_the_odd_element_of_an_even_kernel_behind) {
  const Tensor y = conv1d(tensor({{1.0, 2.0, 3.0}}), tensor({{{1.0, 10.0}}}), {.padding = Pad::same});
  EXPECT_EQ(values(y), (std::vector<double>{21, 32, 3}));
}

TEST(Convolution, gives_the_bias_where_there_is_nothing_to_sum) {
  const Tensor y = conv1d(zeros({1, 0, 3}), zeros({2, 0, 2}), tensor({1.0, 2.0}));
  EXPECT_EQ(values(y), (std::vector<double>{1, 1, 2, 2}));
  EXPECT_EQ(to_string(conv2d(zeros({0, 1, 3, 3}), zeros({2, 1, 2, 2})).shape()), "(0, 2, 2, 2)");
}

TEST(Convolution, of_many_windows_and_samples_is_a_sum_of_products) {
  const Tensor x = variable(ramp({9, 4, 6000})), w = variable(ramp({8, 4, 5}));
  Tensor sums = zeros({9, 8, 5996});
  for (std::int64_t k = 0; k < 5; ++k)
    sums = sums + matmul(w[{Index::ellipsis(), k}], x[{Index::ellipsis(), Slice{k, k + 5996}}]);
  const Tensor y = conv1d(x, w);
  EXPECT_TRUE(close(y, values(sums), 1e-13));
  const Gradients g = gradients(sum(square(y)), {x, w}), expected = gradients(sum(square(sums)), {x, w});
  for (const Tensor& each : {x, w}) EXPECT_TRUE(close(g.at(each), values(expected.at(each)), 1e-12));
}

/// Lines of every length, in blocks of several images' worth and of parts of one: y, and the gradient of x
/// for those of 1 and 2 in turns, as plain loops give them. Whole numbers, so that all sums are exact.
TEST(Convolution, of_lines_of_every_length_is_what_plain_loops_give) {
  for (std::int64_t wide = 1; wide <= 50; wide += wide < 36 ? 1 : 7) {
    const std::int64_t high = wide > 40 ? 40 : 3, out = wide + 1, rows = high;
    const Tensor x = variable(cast(chainrule::remainder(arange(0, 2 * high * wide), 5), DType::float32)
                                  .reshape({1, 2, high, wide}));
    const Tensor w =
        variable(cast(chainrule::remainder(arange(0, 24), 7), DType::float32).reshape({2, 2, 3, 2}));
    const Tensor y = conv2d(x, w, {.padding = {2, 1}, .dilation = {2, 1}});
    ASSERT_EQ(y.shape(), Shape({1, 2, rows, out}));
    const Tensor seed =
        cast(1 + chainrule::remainder(arange(0, y.size()), 2), DType::float32).reshape(y.shape());
    const Gradients gradient = gradients(sum(y * seed), {x, w});
    std::vector<float> value(static_cast<std::size_t>(y.size())), to_x(static_cast<std::size_t>(x.size())),
        to_w(24);
    for (std::int64_t f = 0; f < 2; ++f)
      for (std::int64_t c = 0; c < 2; ++c)
        for (std::int64_t i = 0; i < rows * out; ++i)
          for (std::int64_t k = 0; k < 6; ++k) {
            const std::int64_t row = i / out + k / 2 * 2 - 2, column = i % out + k % 2 - 1;
            if (row < 0 || row >= high || column < 0 || column >= wide) continue;
            const auto at = static_cast<std::size_t>((c * high + row) * wide + column),
                       to = static_cast<std::size_t>(f * rows * out + i),
                       of = static_cast<std::size_t>((f * 2 + c) * 6 + k);
            value[to] += w.data<float>()[of] * x.data<float>()[at];
            to_x[at] += w.data<float>()[of] * seed.data<float>()[to];
            to_w[of] += x.data<float>()[at] * seed.data<float>()[to];
          }
    EXPECT_TRUE(std::ranges::equal(y.data<float>(), value)) << wide;
    EXPECT_TRUE(std::ranges::equal(gradient.at(x).data<float>(), to_x)) << wide;
    EXPECT_TRUE(std::ranges::equal(gradient.at(w).data<float>(), to_w)) << wide;
  }
}

TEST(Convolution, of_one_channel_each_is_that_of_groups_alone) {
  const Tensor x = variable(ramp({2, 3, 30, 31})), w = variable(ramp({3, 1, 3, 4}));
  const ConvOptions options = {.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}};
  std::vector<Tensor> parts;
  for (std::int64_t c = 0; c < 3; ++c) {
    const Slice one{c, c + 1};
    parts.push_back(conv2d(x[{Slice{}, one}], w[{one}], options));
  }
  ConvOptions grouped = options;
  grouped.groups = 3;
  const Tensor y = conv2d(x, w, grouped), apart = concatenate(parts, 1);
  EXPECT_TRUE(close(y, values(apart), 1e-14));
  const Gradients g = gradients(sum(square(y)), {x, w}), expected = gradients(sum(square(apart)), {x, w});
  for (const Tensor& each : {x, w}) EXPECT_TRUE(close(g.at(each), values(expected.at(each)), 1e-13));
}

/// A sum over a convolution large enough for blocks and threads, with its gradients.
std::vector<double> large_convolution(DType dtype) {
  const Tensor x = variable(ramp({5, 6, 40, 41}, dtype)), w = variable(ramp({8, 3, 3, 5}, dtype)),
               b = variable(ramp({8}, dtype));
  const Tensor y = conv2d(x, w, b, {.stride = {1, 2}, .padding = 2, .groups = 2});
  const Gradients g = gradients(sum(square(y)), {x, w, b});
  std::vector<double> all = values(y);
  for (const Tensor& each : {x, w, b})
    for (const double number : values(g.at(each))) all.push_back(number);
  return all;
}

TEST(Convolution, is_the_same_to_the_bit_for_any_number_of_threads) {
  expect_same_for_all_thread_counts([] { return large_convolution(DType::float32); });
}

TEST(MaxPool, sends_the_gradient_to_the_first_of_equal_ones_and_lets_nan_win) {
  const Tensor x = variable(tensor({{{1.0, 1.0, nan, 0.0, -infinity, -infinity}}}));
  const Pooled pooled = max_pool1d_with_places(x, 2);
  EXPECT_TRUE(close(pooled.values, {1, nan, -infinity}, 0));
  EXPECT_EQ(values(pooled.places), (std::vector<double>{0, 2, 4}));
  EXPECT_EQ(pooled.places.dtype(), DType::int64);
  EXPECT_EQ(values(gradients(sum(pooled.values), {x}).at(x)), (std::vector<double>{1, 0, 1, 0, 1, 0}));
}

TEST(MaxPool, adds_up_the_gradients_of_windows_that_overlap) {
  const Tensor x = variable(tensor({{{0.0, 2.0, 1.0, -1.0}}}));
  const Tensor y = max_pool1d(x, 3, {.stride = 1, .padding = 1});
  EXPECT_EQ(values(y), (std::vector<double>{2, 2, 2, 1}));
  EXPECT_EQ(values(gradients(sum(y), {x}).at(x)), (std::vector<double>{0, 3, 1, 0}));
}

TEST(MaxPool, has_no_place_and_no_gradient_where_a_window_is_all_padding) {
  const Tensor x = variable(tensor({{{1.0, 2.0}}}));
  const MaxPoolOptions options = {.padding = 1, .dilation = 2};
  const Pooled pooled = max_pool1d_with_places(x[{Slice{}, Slice{}, Slice{0, 1}}], 2, options);
  EXPECT_EQ(values(pooled.values), (std::vector<double>{-infinity}));
  EXPECT_EQ(values(pooled.places), (std::vector<double>{-1}));
  EXPECT_EQ(values(gradients(sum(pooled.values), {x}).at(x)), (std::vector<double>{0, 0}));
  const auto [y, tangent] =
      jvp([&](const Tensor& at) { return max_pool1d(at, 2, options); }, tensor({{{1.0}}}), tensor({{{1.0}}}));
  EXPECT_EQ(values(y), (std::vector<double>{-infinity}));
  EXPECT_EQ(values(tangent), (std::vector<double>{0}));
}

TEST(Pooling, lets_a_window_that_is_larger_than_all_hang_over_the_end) {
  const Tensor x = tensor({{{1.0, 3.0}}});
  EXPECT_EQ(values(max_pool1d(x, 3, {.ceil_mode = true})), (std::vector<double>{3}));
  EXPECT_EQ(values(avg_pool1d(x, 3, {.ceil_mode = true})), (std::vector<double>{2}));
  EXPECT_THROW((void)max_pool1d(x, 3), ShapeError);
  EXPECT_THROW((void)max_pool1d(x, 4, {.stride = 2, .ceil_mode = true}), ShapeError);
}

TEST(AvgPool, of_equal_numbers_is_that_number_exactly) {
  const Tensor x = full({1, 1, 6, 6}, 0.1, DType::float32);
  EXPECT_EQ(values(avg_pool2d(x, 2)), std::vector<double>(9, static_cast<double>(0.1F)));
  EXPECT_EQ(values(avg_pool2d(x, 2)), values(adaptive_avg_pool2d(x, 3)));
}

TEST(Interpolation, gives_no_weight_to_an_infinite_neighbour_that_it_does_not_reach) {
  const Tensor y = interpolate(tensor({{{1.0, infinity, 2.0}}}), {.size = 3, .mode = Interpolation::linear});
  EXPECT_TRUE(close(y, {1, infinity, 2}, 0));
}

TEST(LayerNorm, keeps_the_digits_that_a_large_mean_leaves) {
  const Tensor x = ramp({4, 50}, DType::float32), far = x * 0.25 + 4096.0;
  const Tensor in_single = layer_norm(far, {50}), in_double = layer_norm(cast(far, DType::float64), {50});
  EXPECT_EQ(in_single.dtype(), DType::float32);
  EXPECT_TRUE(close(in_single, values(in_double), 1e-6));
}

TEST(Normalisation, neither_overflows_nor_vanishes) {
  const Tensor x = tensor({{1.0, -1.0, 3.0, 2.0}, {2.0, 5.0, -4.0, 0.5}});
  const auto expect_same_for = [&](double scale, DType dtype) {
    const auto along_lines = [](const Tensor& in) { return layer_norm(in, {4}, {.eps = 0}); };
    const auto squares = [](const Tensor& in) { return rms_norm(in, {4}, {}, 0.0); };
    const auto columns = [](const Tensor& in) { return batch_norm_training(in, {.eps = 0}).y; };
    for (const std::function<Tensor(const Tensor&)>& of :
         {std::function<Tensor(const Tensor&)>(along_lines), {squares}, {columns}}) {
      const Tensor near = variable(cast(x, dtype)), far = variable(cast(x * scale, dtype));
      const Tensor weight = cast(tensor({{1.0, 2.0, -1.0, 3.0}, {0.5, 0.0, 1.0, 1.0}}), dtype);
      EXPECT_TRUE(close(of(far), values(of(near)), 1e-5)) << scale;
      for (const bool recorded : {false, true}) {
        const auto gradient = [&](const Tensor& at, double factor) {
          return gradients(sum(of(at) * weight), {at}, {.create_graph = recorded})[at] * factor;
        };
        EXPECT_TRUE(close(gradient(far, scale), values(gradient(near, 1)), 1e-4)) << scale << recorded;
      }
    }
  };
  expect_same_for(1e200, DType::float64);
  expect_same_for(1e30, DType::float32);
  EXPECT_TRUE(close(layer_norm(x * 1e200, {4}), values(layer_norm(x, {4}, {.eps = 0})), 1e-12));
  EXPECT_TRUE(close(layer_norm(x * 1e-200, {4}, {.eps = 0}), values(layer_norm(x, {4}, {.eps = 0})), 1e-12));
}

TEST(LayerNorm, of_equal_numbers_is_zero) {
  EXPECT_EQ(values(layer_norm(full({2, 70}, 0.1), {70})), std::vector<double>(140, 0));
}

TEST(Normalisation, of_no_channels_or_samples_is_empty) {
  for (const Shape& shape : {Shape{0, 1}, Shape{2, 0, 3}, Shape{0, 2, 3}, Shape{2, 3, 0}}) {
    EXPECT_EQ(instance_norm(zeros(shape)).shape(), shape);
    EXPECT_EQ(group_norm(zeros(shape), 1).shape(), shape);
  }
}

TEST(BatchNorm, gives_mean_and_variance_for_running_averages) {
  const Tensor x = tensor({{1.0, 5.0}, {3.0, 5.0}, {8.0, 5.0}});
  const BatchNormed all = batch_norm_training(x);
  EXPECT_TRUE(close(all.mean, {4, 5}, 1e-15));
  EXPECT_TRUE(close(all.variance, {13, 0}, 1e-15));
  EXPECT_TRUE(close(batch_norm(x, all.mean, all.variance * (2.0 / 3)), values(all.y), 1e-14));
}

/// Normalised in three ways that go over memory differently, with gradients.
std::vector<double> large_normalisation() {
  std::vector<double> all;
  for (const Shape& shape : {Shape{3000, 70}, Shape{64, 40, 81}}) {
    const Tensor x = variable(ramp(shape, DType::float32));
    for (const Tensor& y : {layer_norm(x, {shape.back()}), batch_norm_training(x).y})
      for (const double number : values(gradients(sum(y * y * y), {x}).at(x))) all.push_back(number);
  }
  return all;
}

TEST(Normalisation, is_the_same_to_the_bit_for_any_number_of_threads) {
  expect_same_for_all_thread_counts([] { return large_normalisation(); });
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

TEST(Attention, in_blocks_is_what_the_matrix_of_all_weights_gives) {
  const Tensor q = variable(ramp({2, 1, 150, 8})), k = variable(ramp({3, 130, 8})),
               v = variable(ramp({130, 5}));
  const Tensor added = ramp({150, 130});
  const auto all = [&](const Tensor& mask) {
    const Tensor y = scaled_dot_product_attention(q, k, v, {.mask = mask, .causal = true});
    const Gradients g = gradients(sum(square(y)), {q, k, v});
    return std::vector<Tensor>{y, g.at(q), g.at(k), g.at(v)};
  };
  const std::vector<Tensor> in_blocks = all(added), whole = all(variable(added));
  for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_TRUE(close(in_blocks[i], values(whole[i]), 1e-13));
}

TEST(Attention, is_the_same_to_the_bit_for_any_number_of_threads) {
  expect_same_for_all_thread_counts([] {
    const Tensor x = variable(ramp({6, 200, 32}, DType::float32));
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

TEST(Recurrent, network_is_its_cell_step_by_step) {
  const auto leaf = [](const Shape& shape) { return variable(ramp(shape)); };
  const std::vector<Tensor> in = {leaf({6, 3, 2}), leaf({20, 2}), leaf({20, 5}), leaf({20}),
                                  leaf({20}),      leaf({3, 5}),  leaf({3, 5})};
  const CellWeights weights = {in[1], in[2], in[3], in[4]};
  LstmState state = {in[5], in[6]};
  std::vector<Tensor> outputs;
  for (std::int64_t t = 0; t < 6; ++t) {
    state = lstm_cell(in[0][t], state, weights);
    outputs.push_back(state.h);
  }
  const Recurrent all = lstm(in[0], {in[5].reshape({1, 3, 5}), in[6].reshape({1, 3, 5})}, {weights});
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
