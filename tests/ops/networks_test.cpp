// Delicate points of convolutions, pooling and normalisation: dtypes, batches, padding, errors.
// support.h reads and compares tensors.

#include "chainrule/networks.h"

#include <functional>
#include <limits>

#include "chainrule/autograd.h"
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

TEST(InstanceNorm, refuses_one_element_which_has_no_variance) {
  EXPECT_THROW((void)instance_norm(zeros({2, 3, 1})), ShapeError);
  EXPECT_THROW((void)instance_norm(zeros({3, 1})), ShapeError);
}

TEST(AdaptivePooling, leaves_the_axes_of_size_minus_1_as_they_are) {
  const Tensor x = ramp({2, 3, 4, 5}, DType::float64);
  EXPECT_EQ(values(adaptive_avg_pool2d(x, {-1, 2})), values(adaptive_avg_pool2d(x, {4, 2})));
  EXPECT_EQ(values(adaptive_max_pool2d(x, -1)), values(x));
  EXPECT_THROW((void)adaptive_avg_pool2d(x, {-2, 2}), ShapeError);
}

TEST(BatchNorm, gives_mean_and_variance_for_running_averages) {
  const Tensor x = tensor({{1.0, 5.0}, {3.0, 5.0}, {8.0, 5.0}});
  const BatchNormed all = batch_norm_training(x);
  EXPECT_TRUE(close(all.mean, {4, 5}, 1e-15));
  EXPECT_TRUE(close(all.variance, {13, 0}, 1e-15));
  EXPECT_TRUE(close(batch_norm(x, all.mean, all.variance * (2.0 / 3)), values(all.y), 1e-14));
}

TEST(Normalisation, has_the_gradients_of_weights_of_elements_that_the_plain_one_gives) {
  for (const std::int64_t rows : {1, 3, 32, 33})
    for (const std::int64_t size : {40, 512, 1027, 4102})
      for (const std::int64_t groups : {1, 2}) {
        SCOPED_TRACE(testing::Message() << rows << ' ' << size << ' ' << groups);
        const std::int64_t all = groups * size;
        const Tensor x = variable(ramp({rows, all})), weight = variable(cos(ramp({all}) * 3.0)),
                     bias = variable(ramp({all})), seed = sin(ramp({rows, all}) * 5.0);
        const Tensor plain = group_norm(x, groups);
        const Gradients of =
            gradients(sum(group_norm(x, groups, {.weight = weight, .bias = bias}) * seed), {x, weight, bias});
        const Tensor of_plain = gradients(sum(plain * (seed * weight).detach()), {x}).at(x);
        EXPECT_TRUE(close(of.at(x), values(of_plain), 1e-11));
        EXPECT_TRUE(close(of.at(weight), values(sum(plain * seed, 0)), 1e-11));
        EXPECT_TRUE(close(of.at(bias), values(sum(seed, 0)), 1e-11));
      }
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

TEST(BatchNorm, in_training_is_differentiated_by_its_weight_alone) {
  const Tensor x = tensor({{1.0, 2.0}, {3.0, 5.0}, {4.0, -1.0}}), w = tensor({0.5, -2.0}),
               t = tensor({1.0, 3.0});
  const BatchNormed plain = batch_norm_training(x);
  const auto of_weight = [&](const Tensor& weight) { return batch_norm_training(x, {.weight = weight}).y; };
  const auto [y, tangent] = jvp(of_weight, w, t);
  EXPECT_THAT(y, IsClose(plain.y * w, 1e-14));
  EXPECT_THAT(tangent, IsClose(plain.y * t, 1e-14));
  EXPECT_THAT(vmap(of_weight)(stack({w, t})), IsClose(stack({plain.y * w, plain.y * t}), 1e-14));
  const auto mean_of = [&](const Tensor& weight) { return batch_norm_training(x, {.weight = weight}).mean; };
  EXPECT_THAT(vmap(mean_of)(stack({w, t}))[1], IsClose(plain.mean, 1e-14));
}

}  // namespace
}  // namespace chainrule::test
