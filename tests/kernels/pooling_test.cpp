// The largest elements of windows, which rows of neighbouring pairs have a loop of their own for: compared
// with plain loops, also where there are equal elements, infinities and NaN. CHAINRULE_ISA chooses the
// instruction set.

#include "kernels/pooling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>

namespace chainrule::kernels {
namespace {

template <class T>
class MaxPool : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(MaxPool, Types);

/// Of planes with equal elements, infinities and NaN.
template <class T>
void expect_maxima_of_plain_loops(const PoolWindows& windows, std::int64_t planes, std::mt19937& engine) {
  constexpr T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const std::int64_t high = windows.in[1], wide = windows.in[2];
  std::vector<T> x(static_cast<std::size_t>(planes * high * wide));
  for (T& element : x) {
    const auto kind = engine() % 16;
    element = kind == 0 ? nan : kind < 4 ? -infinity : static_cast<T>(engine() % 4);
  }
  std::vector<T> values(static_cast<std::size_t>(planes * windows.out_size()));
  std::vector<std::int64_t> places(values.size());
  max_pool(windows, planes, x.data(), values.data(), places.data());
  std::vector<T> alone(values.size());
  max_pool(windows, planes, x.data(), alone.data(), nullptr);

  std::size_t at = 0;
  for (std::int64_t plane = 0; plane < planes; ++plane)
    for (const PoolWindow& rows : windows.axes[1])
      for (const PoolWindow& window : windows.axes[2]) {
        std::int64_t place = -1;
        const T* const from = x.data() + plane * high * wide;
        for (std::int64_t row = 0; row < rows.count; ++row)
          for (std::int64_t k = 0; k < window.count; ++k) {
            const std::int64_t here = (rows.begin + row * rows.step) * wide + window.begin + k * window.step;
            if (place < 0 || std::isnan(from[here]) || from[here] > from[place]) place = here;
          }
        ASSERT_EQ(places[at], place);
        for (const T value : {values[at], alone[at]})
          ASSERT_TRUE(value == (place < 0 ? -infinity : from[place]) ||
                      (place >= 0 && std::isnan(from[place]) && std::isnan(value)));
        ++at;
      }
}

TYPED_TEST(MaxPool, of_pairs_is_that_of_plain_loops_for_rows_of_every_length) {
  std::mt19937 engine(3);
  for (std::int64_t height = 1; height <= 3; ++height)
    for (std::int64_t count = 1; count <= 40; ++count) {
      SCOPED_TRACE(std::to_string(height) + ' ' + std::to_string(count));
      PoolWindows windows;
      windows.in = {1, 2 * height, 2 * count + 1};
      windows.axes[1] = {{0, height}, {height, height}};
      windows.axes[2].clear();
      for (std::int64_t i = 0; i < count; ++i) windows.axes[2].push_back({2 * i, 2});
      expect_maxima_of_plain_loops<TypeParam>(windows, 3, engine);
    }
}

TYPED_TEST(MaxPool, of_windows_that_overlap_and_are_cut_short_is_that_of_plain_loops) {
  std::mt19937 engine(5);
  for (const std::int64_t apart : {1, 2, 3, 8})
    for (const std::int64_t kernel : {1, 2, 3, 5})
      for (const std::int64_t step : {1, 2})
        for (const std::int64_t wide : {7, 12, 23, 40, 77}) {
          SCOPED_TRACE(std::to_string(apart) + ' ' + std::to_string(kernel) + ' ' + std::to_string(step) +
                       ' ' + std::to_string(wide));
          const std::int64_t reach = (kernel - 1) * step + 1;
          PoolWindows windows;
          windows.in = {1, 5, wide};
          windows.axes[1] = {{0, 2}, {1, 3}, {3, 2}};
          windows.axes[2].clear();
          for (std::int64_t first = -(kernel / 2) * step; first + reach <= wide + kernel / 2 * step;
               first += apart) {
            PoolWindow window{first, kernel, step};
            for (; window.begin < 0; window.begin += step) --window.count;
            while (window.begin + (window.count - 1) * step >= wide) --window.count;
            windows.axes[2].push_back(window);
          }
          expect_maxima_of_plain_loops<TypeParam>(windows, 2, engine);
        }
}

TYPED_TEST(MaxPool, of_wide_windows_is_that_of_plain_loops) {
  std::mt19937 engine(7);
  for (std::int64_t wide = 1; wide <= 70; ++wide) {
    SCOPED_TRACE(wide);
    PoolWindows windows;
    windows.in = {1, 7, wide};
    windows.axes[1] = {{0, 3}, {2, 5}, {6, 1}, {1, 2, 3}};
    windows.axes[2] = {{0, wide}};  // whole lines
    expect_maxima_of_plain_loops<TypeParam>(windows, 3, engine);
    windows.axes[2] = {{0, wide / 2}, {wide / 3, wide - wide / 3}, {wide - 1, 1}, {0, (wide + 1) / 2, 2}};
    expect_maxima_of_plain_loops<TypeParam>(windows, 3, engine);
  }
}

TYPED_TEST(MaxPool, spreads_values_over_squares_as_plain_loops_do) {
  using T = TypeParam;
  std::mt19937 engine(4);
  for (std::int64_t high = 2; high <= 5; ++high)
    for (std::int64_t wide = 2; wide <= 75; ++wide) {
      const std::int64_t planes = 2, depth = 2;
      PoolWindows windows;
      windows.in = {depth, high, wide};
      windows.axes = {};
      for (std::int64_t d = 0; d < depth; ++d) windows.axes[0].push_back({d, 1});
      for (std::int64_t i = 0; i < high / 2; ++i) windows.axes[1].push_back({2 * i, 2});
      for (std::int64_t i = 0; i < wide / 2; ++i) windows.axes[2].push_back({2 * i, 2});
      const SquarePlane squares = windows.squares();
      ASSERT_EQ(squares.wide, wide);
      std::vector<T> x(static_cast<std::size_t>(planes * windows.in_size()));
      for (T& element : x) element = static_cast<T>(engine() % 8);
      std::vector<T> values(static_cast<std::size_t>(planes * windows.out_size())), spread(x.size(), T(-1)),
          expected = spread;
      std::vector<std::int64_t> places(values.size());
      max_pool(windows, planes, x.data(), values.data(), places.data());
      const std::int64_t in = windows.in_size(), out = windows.out_size();
      add_at_places(planes, in, out, squares, places.data(), values.data(), spread.data());
      add_at_places(planes, in, out, SquarePlane(), places.data(), values.data(), expected.data());
      ASSERT_EQ(spread, expected) << high << ' ' << wide;
    }
  PoolWindows apart;  // every other pair
  apart.in = {1, 2, 8};
  apart.axes[1] = {{0, 2}};
  apart.axes[2] = {{0, 2}, {4, 2}};
  EXPECT_EQ(apart.squares().wide, 0);
}

}  // namespace
}  // namespace chainrule::kernels
