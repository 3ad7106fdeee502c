// The products of convolutions against plain sums, to the last bit, for every kind of window. Kernels are
// called as they are, without tensors.

#include "kernels/convolution.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernels/direct_convolution.h"
#include "kernels/strided_back.h"
#include "thread_counts.h"

namespace chainrule {
namespace {

using kernels::Convolution;
using kernels::WindowAxis;

/// An axis whose windows end with the padded input, or up to stride - 1 before.
WindowAxis axis(std::int64_t in, std::int64_t kernel, std::int64_t stride = 1, std::int64_t dilation = 1,
                std::int64_t before = 0) {
  return {in, (in + 2 * before - dilation * (kernel - 1) - 1) / stride + 1, kernel, stride, dilation, before};
}

struct Case {
  const char* name;
  Convolution convolution;
  bool direct, direct_back, direct_weight;  ///< which of the three are to be, in float32
};

/// Sizes that lead to each kind of tile, its edges, stripes and parts of the channels.
const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"wide", {{{axis(1, 1), axis(7, 3, 1, 1, 1), axis(28, 3, 1, 1, 1)}}, 3, 1, 6, 40}, true, true, true},
      {"one_channel", {{{axis(1, 1), axis(28, 5), axis(28, 5)}}, 1, 1, 1, 16}, true, false, true},
      {"few_filters",
       {{{axis(1, 1), axis(28, 5, 1, 1, 2), axis(28, 5, 1, 1, 2)}}, 1, 1, 1, 6},
       true,
       false,
       true},
      {"narrow", {{{axis(1, 1), axis(14, 5), axis(14, 5)}}, 6, 1, 6, 12}, true, true, true},
      {"narrower",
       {{{axis(1, 1), axis(7, 3, 1, 1, 1), axis(7, 3, 1, 1, 1)}}, 11, 2, 12, 40},
       true,
       true,
       true},
      {"tiles_of_12",
       {{{axis(1, 1), axis(24, 3, 1, 1, 1), axis(23, 3, 1, 1, 1)}}, 1, 1, 12, 20},
       true,
       true,
       true},
      {"odd", {{{axis(1, 1), axis(15, 4, 1, 1, 2), axis(43, 2, 1, 1, 1)}}, 1, 3, 5, 13}, true, true, true},
      {"strides",
       {{{axis(1, 1), axis(45, 3, 2, 1, 1), axis(46, 3, 2, 1, 1)}}, 1, 1, 3, 32},
       true,
       false,
       true},
      {"strides_of_4",
       {{{axis(1, 1), axis(40, 6, 4, 1, 2), axis(75, 6, 4, 1, 2)}}, 2, 1, 3, 32},
       true,
       false,
       true},
      {"strides_of_5",
       {{{axis(1, 1), axis(40, 5, 5, 1, 0), axis(86, 7, 5, 1, 3)}}, 2, 1, 3, 32},
       true,
       false,
       true},
      {"strides_of_3",
       {{{axis(1, 1), axis(70, 7, 3, 1, 3), axis(62, 7, 3, 2, 3)}}, 2, 1, 1, 12},
       true,
       false,
       true},
      {"dilation",
       {{{axis(1, 1), axis(20, 3, 1, 2, 2), axis(41, 3, 1, 3, 1)}}, 1, 1, 6, 12},
       true,
       true,
       true},
      {"deep", {{{axis(1, 1), axis(16, 3, 1, 1, 1), axis(15, 3, 1, 1, 1)}}, 3, 1, 260, 10}, true, true, true},
      {"stripes", {{{axis(1, 1), axis(41, 3, 1, 1, 1), axis(40, 3, 1, 1, 1)}}, 1, 1, 4, 8}, true, true, true},
      {"line", {{{axis(1, 1), axis(1, 1), axis(2000, 9, 1, 1, 4)}}, 1, 1, 8, 6}, true, true, true},
      {"volume",
       {{{axis(7, 3, 2, 1, 1), axis(9, 3, 1, 1, 1), axis(12, 2, 1, 1, 0)}}, 2, 1, 3, 12},
       true,
       false,
       true},
      {"large_weight",
       {{{axis(1, 1), axis(4, 3, 1, 1, 1), axis(4, 3, 1, 1, 1)}}, 1, 1, 130, 230},
       false,
       false,
       true},
      {"planes", {{{axis(1, 1), axis(21, 3, 1, 1, 1), axis(28, 3, 1, 1, 1)}}, 2, 5, 1, 1}, true, true, false},
      {"small_planes",
       {{{axis(1, 1), axis(7, 3, 1, 1, 1), axis(7, 3, 1, 1, 1)}}, 3, 6, 1, 1},
       false,
       false,
       false},
      {"planes_with_strides",
       {{{axis(1, 1), axis(33, 5, 2, 1, 2), axis(75, 5, 2, 1, 2)}}, 2, 3, 1, 1},
       true,
       false,
       false},
      {"planes_of_14",
       {{{axis(1, 1), axis(14, 3, 1, 1, 1), axis(14, 3, 1, 1, 1)}}, 3, 5, 1, 1},
       true,
       true,
       false},
      {"planes_with_strides_of_2",
       {{{axis(1, 1), axis(15, 3, 2, 1, 1), axis(30, 3, 2, 1, 1)}}, 2, 5, 1, 1},
       true,
       false,
       false},
      {"planes_with_strides_of_3",
       {{{axis(1, 1), axis(20, 3, 3, 2, 1), axis(41, 5, 3, 2, 4)}}, 1, 9, 1, 1},
       false,
       false,
       false},
      {"planes_with_a_phase_shorter_than_a_pack",
       {{{axis(1, 1), axis(31, 2, 2, 1, 1), axis(31, 2, 2, 1, 1)}}, 1, 9, 1, 1},
       false,
       false,
       false},
      {"planes_with_gaps",
       {{{axis(1, 1), axis(17, 2, 4, 1, 0), axis(33, 2, 4, 1, 1)}}, 1, 9, 1, 1},
       false,
       false,
       false},
      {"planes_with_strides_down",
       {{{axis(1, 1), axis(17, 3, 2, 1, 1), axis(20, 3, 1, 1, 1)}}, 2, 5, 1, 1},
       false,
       false,
       false},
      {"planes_across_samples",
       {{{axis(1, 1), axis(7, 3, 1, 1, 1), axis(7, 3, 1, 1, 1)}}, 7, 5, 1, 1},
       false,
       false,
       false},
      {"planes_in_stripes",
       {{{axis(1, 1), axis(70, 5, 1, 1, 2), axis(45, 5, 1, 2, 1)}}, 3, 3, 1, 1},
       true,
       true,
       false},
      {"planes_in_stripes_with_strides",
       {{{axis(1, 1), axis(90, 5, 3, 1, 1), axis(60, 3, 2, 2, 3)}}, 2, 4, 1, 1},
       true,
       false,
       false},
      {"volumes_in_stripes",
       {{{axis(24, 3, 2, 1, 1), axis(14, 3, 2, 1, 1), axis(14, 3, 1, 1, 1)}}, 1, 18, 1, 1},
       true,
       false,
       false},
      {"lines_in_stripes",
       {{{axis(1, 1), axis(1, 1), axis(9000, 11, 3, 1, 5)}}, 3, 3, 1, 1},
       true,
       false,
       false},
      {"tiny_planes", {{{axis(1, 1), axis(3, 2), axis(3, 2)}}, 5, 4, 1, 1}, false, false, false},
      {"few_lines",
       {{{axis(1, 1), axis(3, 2, 1, 1, 0), axis(5, 3, 1, 1, 1)}}, 2, 5, 1, 1},
       false,
       false,
       false},
      {"volumes_with_strides",
       {{{axis(5, 3, 2, 1, 1), axis(6, 3, 1, 1, 1), axis(9, 2, 2, 1, 0)}}, 2, 4, 1, 1},
       false,
       false,
       false},
      {"lines", {{{axis(1, 1), axis(1, 1), axis(200, 4, 1, 1, 3)}}, 2, 8, 1, 1}, false, false, false},
      {"strides_back",
       {{{axis(1, 1), axis(29, 3, 2, 1, 1), axis(57, 4, 2, 1, 1)}}, 2, 1, 40, 24},
       true,
       false,
       true},
      {"strides_back_of_short_lines",
       {{{axis(1, 1), axis(7, 3, 2, 1, 1), axis(7, 3, 2, 1, 1)}}, 9, 2, 32, 45},
       true,
       false,
       true},
      {"strides_back_of_3_with_dilation",
       {{{axis(1, 1), axis(40, 4, 2, 2, 3), axis(70, 5, 3, 2, 4)}}, 2, 1, 20, 12},
       true,
       false,
       true},
      {"strides_back_with_gaps",
       {{{axis(1, 1), axis(33, 1, 2), axis(50, 1, 4)}}, 2, 1, 33, 20},
       false,
       false,
       false},
      {"strides_back_of_a_line",
       {{{axis(1, 1), axis(1, 1), axis(2000, 9, 2, 1, 3)}}, 1, 1, 8, 6},
       true,
       false,
       true},
      {"strides_back_of_3_of_a_line",
       {{{axis(1, 1), axis(1, 1), axis(5000, 9, 3, 1, 4)}}, 1, 2, 16, 24},
       true,
       false,
       true},
      {"strides_back_in_stripes",
       {{{axis(1, 1), axis(61, 5, 2, 1, 2), axis(60, 3, 1, 1, 1)}}, 1, 1, 16, 33},
       true,
       false,
       true},
      {"strides_back_of_a_volume",
       {{{axis(7, 3, 2, 1, 1), axis(9, 3, 1, 1, 1), axis(20, 2, 2, 1, 1)}}, 1, 1, 17, 12},
       true,
       false,
       true},
      {"tiles_of_several_lines",
       {{{axis(1, 1), axis(7, 3, 1, 1, 1), axis(5, 3, 1, 1, 1)}}, 6, 1, 20, 40},
       true,
       true,
       true},
      {"tiles_of_three_lines",
       {{{axis(1, 1), axis(7, 3, 1, 1, 1), axis(3, 3, 1, 1, 1)}}, 9, 1, 20, 40},
       true,
       true,
       true},
      {"columns_with_strides",
       {{{axis(1, 1), axis(33, 2, 2, 1, 0), axis(91, 3, 2, 1, 1)}}, 2, 1, 3, 1},
       false,
       false,
       false},
      {"short_lines_to_few",
       {{{axis(1, 1), axis(8, 4, 2, 1, 1), axis(8, 4, 2, 1, 1)}}, 7, 1, 16, 3},
       true,
       false,
       true},
      {"short_lines_to_one",
       {{{axis(1, 1), axis(7, 3, 1, 1, 1), axis(5, 3, 1, 1, 1)}}, 4, 2, 20, 1},
       true,
       false,
       true},
      {"columns_of_short_lines",
       {{{axis(1, 1), axis(8, 4, 2, 1, 1), axis(8, 4, 2, 1, 1)}}, 3, 1, 160, 3},
       false,
       false,
       true},
      {"one_window", {{{axis(1, 1), axis(4, 4), axis(5, 5)}}, 6, 1, 12, 20}, false, true, false},
      {"one_window_of_groups", {{{axis(1, 1), axis(4, 4), axis(5, 5)}}, 3, 2, 12, 20}, false, false, false},
      {"one_window_of_one_sample",
       {{{axis(2, 2), axis(1, 1), axis(3, 3)}}, 1, 1, 7, 33},
       false,
       false,
       false},
      {"elements", {{{axis(1, 1), axis(13, 1), axis(27, 1)}}, 3, 2, 40, 17}, false, false, false},
      {"few_elements", {{{axis(1, 1), axis(3, 1), axis(7, 1)}}, 17, 1, 20, 50}, false, false, false},
      {"elements_of_two_channels",
       {{{axis(1, 1), axis(1, 1), axis(70, 1)}}, 2, 1, 2, 5},
       false,
       false,
       false},
      {"elements_of_a_channel", {{{axis(1, 1), axis(1, 1), axis(2, 1)}}, 17, 1, 300, 1}, false, false, false},
      {"elements_of_few_channels",
       {{{axis(1, 1), axis(15, 1), axis(17, 1)}}, 3, 2, 5, 37},
       false,
       false,
       false},
      {"elements_of_many_channels",
       {{{axis(1, 1), axis(15, 1), axis(17, 1)}}, 2, 1, 70, 9},
       false,
       false,
       false},
      {"mostly_zeros_around_the_result",
       {{{axis(1, 1), axis(9, 5), axis(12, 5)}}, 5, 1, 7, 40},
       true,
       false,
       true},
      {"much_padding",
       {{{axis(1, 1), axis(20, 2, 1, 1, 3), axis(20, 2, 1, 1, 3)}}, 2, 1, 4, 12},
       true,
       false,
       true},
  };
  return all;
}

/// Small whole numbers, of which all sums are exact.
template <class T>
std::vector<T> numbers(std::int64_t count, int seed) {
  std::mt19937 generator(static_cast<unsigned>(seed));
  std::vector<T> result(static_cast<std::size_t>(count));
  for (T& number : result) number = static_cast<T>(static_cast<int>(generator() % 9) - 4);
  return result;
}

/// Calls f(x, weight, y) with the three places of each product.
template <class F>
void for_each_product(const Convolution& c, const F& f) {
  const auto& [deep, high, wide] = c.windows.axes;
  const std::int64_t taps = c.windows.kernel_size(), plane = c.windows.in_size(),
                     positions = c.windows.out_size();
  struct Place {
    std::int64_t x, tap, position;
  };
  std::vector<Place> places;  // within a channel
  for (std::int64_t k = 0; k < taps; ++k)
    for (std::int64_t p = 0; p < positions; ++p) {
      const std::int64_t w = p % wide.out * wide.stride + k % wide.kernel * wide.dilation - wide.before,
                         h = p / wide.out % high.out * high.stride +
                             k / wide.kernel % high.kernel * high.dilation - high.before,
                         d = p / wide.out / high.out * deep.stride +
                             k / wide.kernel / high.kernel * deep.dilation - deep.before;
      if (w >= 0 && h >= 0 && d >= 0 && w < wide.in && h < high.in && d < deep.in)
        places.push_back({(d * high.in + h) * wide.in + w, k, p});
    }
  for (std::int64_t at = 0; at < c.samples * c.groups; ++at)
    for (std::int64_t to = 0; to < c.out_channels; ++to)
      for (std::int64_t from = 0; from < c.in_channels; ++from)
        for (const auto& [x, tap, position] : places)
          f((at * c.in_channels + from) * plane + x,
            ((at % c.groups * c.out_channels + to) * c.in_channels + from) * taps + tap,
            (at * c.out_channels + to) * positions + position);
}

template <class T>
void expect_exact(const Convolution& c) {
  const std::int64_t size_of_x = c.samples * c.groups * c.in_channels * c.windows.in_size(),
                     size_of_y = c.samples * c.groups * c.out_channels * c.windows.out_size(),
                     size_of_weight = c.groups * c.out_channels * c.in_channels * c.windows.kernel_size();
  const auto x = numbers<T>(size_of_x, 1), y = numbers<T>(size_of_y, 2),
             weight = numbers<T>(size_of_weight, 3), bias = numbers<T>(c.groups * c.out_channels, 4),
             back = numbers<T>(c.groups * c.in_channels, 5);
  std::vector<T> to_x(x.size()), to_y(y.size()), to_weight(weight.size());
  for (std::size_t i = 0; i < to_y.size(); ++i)
    to_y[i] = bias[i / static_cast<std::size_t>(c.windows.out_size()) % bias.size()];
  for (std::size_t i = 0; i < to_x.size(); ++i)
    to_x[i] = back[i / static_cast<std::size_t>(c.windows.in_size()) % back.size()];
  for_each_product(c, [&](std::int64_t i, std::int64_t k, std::int64_t o) {
    const auto at_x = static_cast<std::size_t>(i), at_weight = static_cast<std::size_t>(k),
               at_y = static_cast<std::size_t>(o);
    to_y[at_y] += x[at_x] * weight[at_weight];
    to_x[at_x] += y[at_y] * weight[at_weight];
    to_weight[at_weight] += x[at_x] * y[at_y];
  });
  test::with_each_thread_count([&](int threads) {
    SCOPED_TRACE(std::to_string(threads) + " threads");
    std::vector<T> result(y.size());
    kernels::convolve(c, x.data(), weight.data(), bias.data(), result.data());
    EXPECT_TRUE(result == to_y) << "y";
    result.assign(x.size(), 0);
    kernels::convolve_back(c, y.data(), weight.data(), back.data(), result.data());
    EXPECT_TRUE(result == to_x) << "x";
    result.assign(weight.size(), 0);
    kernels::convolution_weight(c, x.data(), y.data(), result.data());
    EXPECT_TRUE(result == to_weight) << "weight";
  });
}

TEST(Convolution, is_the_sum_of_products_to_the_last_bit) {
  for (const Case& one : cases()) {
    SCOPED_TRACE(one.name);
    expect_exact<float>(one.convolution);
    if (one.convolution.in_channels < 100) expect_exact<double>(one.convolution);
  }
}

/// With strides, the last columns and lines may be read by no window: what is there changes nothing.
TEST(Convolution, weight_does_not_depend_on_what_no_window_reads) {
  for (const Convolution& c : {Convolution{{{axis(1, 1), axis(12, 3, 2), axis(30, 3, 2)}}, 1, 6, 1, 1},
                               Convolution{{{axis(1, 1), axis(12, 3, 2), axis(12, 3, 2)}}, 2, 9, 1, 1},
                               Convolution{{{axis(1, 1), axis(12, 3, 2), axis(30, 3, 2)}}, 1, 1, 3, 16}}) {
    SCOPED_TRACE(std::to_string(c.groups) + " groups of " + std::to_string(c.in_channels));
    const std::int64_t width = c.windows.axes[2].in, plane = c.windows.in_size(),
                       planes = c.samples * c.groups * c.in_channels;
    auto x = numbers<float>(planes * plane, 1);
    const auto y = numbers<float>(c.samples * c.groups * c.out_channels * c.windows.out_size(), 2);
    const auto weight = [&] {
      std::vector<float> result(
          static_cast<std::size_t>(c.groups * c.out_channels * c.in_channels * c.windows.kernel_size()));
      kernels::convolution_weight(c, x.data(), y.data(), result.data());
      return result;
    };
    const std::vector<float> expected = weight();
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto at = static_cast<std::int64_t>(i);
      if (at % width == width - 1 || at % plane >= plane - width)
        x[i] = std::numeric_limits<float>::infinity();
    }
    EXPECT_TRUE(weight() == expected);
  }
}

TEST(Convolution, makes_no_columns_where_tiles_are_filled) {
  for (const Case& one : cases()) {
    SCOPED_TRACE(one.name);
    EXPECT_EQ(kernels::is_direct<float>(one.convolution), one.direct);
    EXPECT_EQ(kernels::is_direct_back<float>(one.convolution), one.direct_back);
    EXPECT_EQ(kernels::is_direct_weight<float>(one.convolution), one.direct_weight);
    EXPECT_EQ(kernels::is_strided_back(one.convolution), std::string(one.name).starts_with("strides_back"));
  }
}

}  // namespace
}  // namespace chainrule
