// Places in order, of lines of every length and many equal elements: compared with a stable sort of the
// standard library.

#include "kernels/order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

namespace chainrule::kernels {
namespace {

template <class T>
class PlacesInOrder : public testing::Test {};
using Types = testing::Types<float, double, std::int64_t, bool>;
TYPED_TEST_SUITE(PlacesInOrder, Types);

/// Is a before b, where NaN is the largest?
template <class T>
bool before(T a, T b, bool descending) {
  if (descending) std::swap(a, b);
  if constexpr (std::is_floating_point_v<T>)
    if (std::isnan(a) || std::isnan(b)) return !std::isnan(a);
  return a < b;
}
template <class T>
bool equal(T a, T b) {
  return a == b || (a != a && b != b);
}

TYPED_TEST(PlacesInOrder, are_those_of_a_stable_sort) {
  using T = TypeParam;
  std::mt19937_64 engine(11);
  for (const std::int64_t n : {1, 2, 15, 16, 17, 63, 64, 65, 200, 256, 263, 511, 512, 1000})
    for (const std::int64_t inner : {1, 3})
      for (const bool descending : {false, true})
        for (const bool is_spread : {false, true}) {
          const std::int64_t outer = 2;
          Array x({outer, n, inner}, dtype_of<T>);
          T* const elements = x.mutable_data<T>();
          for (std::int64_t i = 0; i < x.size(); ++i) {
            const auto number = static_cast<std::int64_t>(engine() % (is_spread ? 1000000 : 5)) - 2;
            elements[i] = static_cast<T>(number);
            if constexpr (std::is_floating_point_v<T>) {
              elements[i] = static_cast<T>(std::ldexp(elements[i], static_cast<int>(engine() % 3) * 30));
              if (number == 1) elements[i] = std::numeric_limits<T>::quiet_NaN();
              if (number == 0 && engine() % 2 == 0) elements[i] = -elements[i];
            }
          }
          for (const std::int64_t count : {std::int64_t{0}, std::int64_t{1}, std::min<std::int64_t>(n, 10),
                                           std::min<std::int64_t>(n, 32), n}) {
            const Array places = places_in_order(x, {outer, n, inner}, count, descending);
            ASSERT_EQ(places.shape(), Shape({outer, count, inner}));
            for (std::int64_t line = 0; line < outer * inner; ++line) {
              const std::int64_t i = line / inner, j = line % inner;
              const auto element = [&](std::int64_t k) { return elements[(i * n + k) * inner + j]; };
              std::vector<std::int64_t> expected(static_cast<std::size_t>(n));
              std::iota(expected.begin(), expected.end(), 0);
              std::stable_sort(expected.begin(), expected.end(), [&](std::int64_t a, std::int64_t b) {
                return !equal(element(a), element(b)) && before(element(a), element(b), descending);
              });
              for (std::int64_t k = 0; k < count; ++k)
                ASSERT_EQ(places.data<std::int64_t>()[(i * count + k) * inner + j],
                          expected[static_cast<std::size_t>(k)])
                    << n << ' ' << inner << ' ' << descending << ' ' << count << ' ' << k;
            }
          }
        }
}

TYPED_TEST(PlacesInOrder, hold_the_kth_and_the_extremes) {
  using T = TypeParam;
  std::mt19937_64 engine(12);
  for (const std::int64_t n : {1, 2, 17, 64, 65, 300})
    for (const std::int64_t inner : {1, 3, 70, 300})
      for (const int kinds : {1, 2, 5, 1000000}) {
        const Lines lines{2, n, inner};
        Array x({2, n, inner}, dtype_of<T>);
        T* const elements = x.mutable_data<T>();
        for (std::int64_t i = 0; i < x.size(); ++i) {
          elements[i] = static_cast<T>(static_cast<std::int64_t>(engine() % kinds) - kinds / 2);
          if constexpr (std::is_floating_point_v<T>) {
            if (elements[i] == 0 && engine() % 2 == 0) elements[i] = -elements[i];
            if (kinds == 5 && engine() % 100 == 0) elements[i] = std::numeric_limits<T>::quiet_NaN();
            if (kinds == 2 && engine() % 50 == 0) elements[i] = -std::numeric_limits<T>::infinity();
          }
        }
        const std::int64_t k = n / 3;
        const Array order = places_in_order(x, lines, n, false),
                    from_above = places_in_order(x, lines, 1, true), kth = places_of_kth(x, lines, k, false),
                    median = places_of_kth(x, lines, k, true), largest = places_of_extremes(x, lines, true),
                    least = places_of_extremes(x, lines, false);
        for (std::int64_t line = 0; line < 2 * inner; ++line) {
          const auto place = [&](const Array& of, std::int64_t i, std::int64_t count) {
            return of.data<std::int64_t>()[(line / inner * count + i) * inner + line % inner];
          };
          ASSERT_EQ(place(kth, 0, 1), place(order, k, n));
          ASSERT_EQ(place(largest, 0, 1), place(from_above, 0, 1)) << n << ' ' << inner << ' ' << kinds;
          std::int64_t first_nan = -1;
          if constexpr (std::is_floating_point_v<T>)
            for (std::int64_t i = n; i-- > 0;)
              if (std::isnan(elements[(line / inner * n + i) * inner + line % inner])) first_nan = i;
          ASSERT_EQ(place(median, 0, 1), first_nan >= 0 ? first_nan : place(kth, 0, 1));
          ASSERT_EQ(place(least, 0, 1), first_nan >= 0 ? first_nan : place(order, 0, n));
        }
      }
}

/// The first of equals, of as many lines as go on together and some more.
TEST(PlacesOfExtremes, of_whole_numbers_are_the_first) {
  using Limits = std::numeric_limits<std::int64_t>;
  std::mt19937_64 engine(12);
  const std::int64_t kinds[] = {Limits::min(), -1, 0, 1, Limits::max() - 1, Limits::max()};
  for (const std::int64_t n : {1, 2, 7, 8, 31, 32, 33, 255, 256, 257, 600})
    for (const std::int64_t inner : {1, 3, 257})
      for (const std::int64_t first : {0, 1})
        for (const std::int64_t several : {1, 2, 5}) {
          const std::int64_t outer = 7;
          Array x({outer, n, inner}, DType::int64);
          auto* const elements = x.mutable_data<std::int64_t>();
          std::generate_n(elements, x.size(), [&] {
            return kinds[first + static_cast<std::int64_t>(engine() % static_cast<std::uint64_t>(several))];
          });
          const Lines lines{outer, n, inner};
          const Array largest = places_of_extremes(x, lines, true),
                      least = places_of_extremes(x, lines, false);
          for (std::int64_t line = 0; line < outer * inner; ++line) {
            std::vector<std::int64_t> own;
            for (std::int64_t k = 0; k < n; ++k)
              own.push_back(elements[(line / inner * n + k) * inner + line % inner]);
            ASSERT_EQ(largest.data<std::int64_t>()[line], std::ranges::max_element(own) - own.begin())
                << n << ' ' << inner << ' ' << several;
            ASSERT_EQ(least.data<std::int64_t>()[line], std::ranges::min_element(own) - own.begin())
                << n << ' ' << inner << ' ' << several;
          }
        }
}

}  // namespace
}  // namespace chainrule::kernels
