// Products of matrices by every kernel that the machine has, against plain sums, of sizes around the tiles'.
// Kernels are called as they are, without tensors.

#include "kernels/matmul.h"

#include "kernels/small_matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "support.h"
#include "thread_counts.h"

namespace chainrule {
namespace {

using kernels::Product;

template <class T>
std::vector<T> random_numbers(std::int64_t count) {
  static std::mt19937 generator(7);
  std::uniform_real_distribution<T> distribution(-1, 1);
  std::vector<T> numbers(static_cast<std::size_t>(count));
  for (T& number : numbers) number = distribution(generator);
  return numbers;
}

using kernels::ProductKernel;

/// Each that makes products on some machine or other. Where OpenBLAS is not installed, tiles stand in for it.
constexpr std::array kernels_for_products = {ProductKernel::fitting, ProductKernel::tiles,
                                             ProductKernel::openblas};
/// This one until the end of the scope.
class UseKernel {
 public:
  explicit UseKernel(ProductKernel kernel) { kernels::set_product_kernel(kernel); }
  ~UseKernel() { kernels::set_product_kernel(before_); }
  UseKernel(const UseKernel&) = delete;
  UseKernel& operator=(const UseKernel&) = delete;

 private:
  ProductKernel before_ = kernels::product_kernel();
};

enum class Start { zero, c, row };

/// Kernel and plain loop, in double, for one product; a canary behind C tells of writes too far.
template <class T>
void expect_product(std::int64_t m, std::int64_t n, std::int64_t k, bool transpose_a, bool transpose_b,
                    Start start, double scale = 1) {
  const Product product{m, n, k, transpose_a, transpose_b, start == Start::c, scale};
  const std::vector<T> a = random_numbers<T>(m * k), b = random_numbers<T>(k * n), row = random_numbers<T>(n),
                       before = random_numbers<T>(m * n + 64);
  for (const ProductKernel kernel : kernels_for_products) {
    const UseKernel guard(kernel);
    std::vector<T> c = before;
    if (start == Start::row)
      kernels::matmul_plus_row(product, a.data(), b.data(), row.data(), c.data());
    else
      kernels::matmul(product, a.data(), b.data(), c.data());
    const auto name = [&] {
      return std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k) +
             (transpose_a ? " T" : " N") + (transpose_b ? "T" : "N") + " start " +
             std::to_string(static_cast<int>(start)) + " kernel " + std::to_string(static_cast<int>(kernel));
    };
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        double sum = start == Start::c     ? before[i * n + j]
                     : start == Start::row ? row[j]
                                           : 0,
               size = std::abs(sum);
        for (std::int64_t p = 0; p < k; ++p) {
          const double term = scale * double{a[transpose_a ? p * m + i : i * k + p]} *
                              double{b[transpose_b ? j * k + p : p * n + j]};
          sum += term;
          size += std::abs(term);
        }
        // What plain summation may err by: one rounding, of at most the sum of magnitudes, per term.
        const double bound = size * static_cast<double>(k + 3) * std::numeric_limits<T>::epsilon();
        ASSERT_LE(std::abs(c[i * n + j] - sum), bound) << name() << " at " << i << ", " << j;
      }
    for (std::size_t i = static_cast<std::size_t>(m * n); i < c.size(); ++i)
      ASSERT_EQ(c[i], before[i]) << name();
  }
}

template <class T>
void expect_products(std::int64_t m, std::int64_t n, std::int64_t k) {
  for (const bool transpose_a : {false, true})
    for (const bool transpose_b : {false, true})
      for (const Start start : {Start::zero, Start::c, Start::row})
        expect_product<T>(m, n, k, transpose_a, transpose_b, start, start == Start::c ? -0.75 : 1);
}

template <class T>
class MatrixProduct : public testing::Test {};
using Elements = testing::Types<float, double>;
TYPED_TEST_SUITE(MatrixProduct, Elements);

TYPED_TEST(MatrixProduct, is_right_for_every_size_around_the_tiles) {
  for (std::int64_t size = 1; size <= 40; ++size) {
    for (const std::int64_t other : {1, 2, 3, 4, 7, 13, 32}) {
      expect_products<TypeParam>(size, other, 5);
      expect_products<TypeParam>(other, size, 6);
      expect_products<TypeParam>(other, 9, size);
    }
    expect_products<TypeParam>(size, size, size);
  }
}

TYPED_TEST(MatrixProduct, is_right_for_larger_sizes) {
  for (const std::int64_t size : {63, 64, 65, 66, 127, 128, 129, 130}) {
    expect_products<TypeParam>(size, 1, 3 * size);
    expect_products<TypeParam>(1, size, 3 * size);
    expect_products<TypeParam>(3, size, 67);
    expect_products<TypeParam>(size, 31, 37);
    expect_products<TypeParam>(37, size, 1);
    expect_products<TypeParam>(2, 300, size);
  }
  for (const std::int64_t size : {65, 127, 130}) expect_products<TypeParam>(size, size, size);
  for (const std::int64_t depth : {1, 2, 3}) expect_products<TypeParam>(5, 263, depth);
  // Outer products, small and so large that they are written at the speed of memory.
  for (const std::int64_t width : {1, 5, 16, 33, 63, 129})
    for (const std::int64_t rows : {std::int64_t{70}, (1 << 16) / width + 70})
      expect_products<TypeParam>(rows, width, 1);
}

TYPED_TEST(MatrixProduct, is_right_where_it_is_cut_into_blocks) {
  expect_products<TypeParam>(29, 33, 577);                            // the inner size in three
  expect_products<TypeParam>(1021, 11, 293);                          // the rows too
  expect_product<TypeParam>(259, 261, 1031, false, false, Start::c);  // long rows: both operands packed
  expect_product<TypeParam>(76, 257, 1025, false, false, Start::c);   // the last rows in two smaller tiles
  expect_product<TypeParam>(1033, 263, 41, true, false, Start::zero);
  expect_product<TypeParam>(263, 1033, 41, false, true, Start::row);
  expect_product<TypeParam>(1033, 1031, 7, true, false, Start::zero);
}

// So large that the panels of B are kept for several blocks of A, and then made for some columns after
// others. A few hundred elements of C tell.
TYPED_TEST(MatrixProduct, is_right_where_all_panels_are_kept) {
  using T = TypeParam;
  for (const auto [m, n, k] : {std::array<std::int64_t, 3>{349, 1027, 521}, {270, 2117, 512}})
    for (const bool transpose : {false, true}) {
      const Product product{m, n, k, transpose, transpose, transpose, 0.5};
      const std::vector<T> a = random_numbers<T>(m * k), b = random_numbers<T>(k * n),
                           before = random_numbers<T>(m * n);
      for (const ProductKernel kernel : {ProductKernel::tiles, ProductKernel::openblas}) {
        const UseKernel guard(kernel);
        std::vector<T> c = before;
        kernels::matmul(product, a.data(), b.data(), c.data());
        for (std::int64_t at = 0; at < m * n; at += 997) {
          const std::int64_t i = at / n, j = at % n;
          double sum = transpose ? before[at] : 0;
          for (std::int64_t p = 0; p < k; ++p)
            sum += 0.5 * double{a[transpose ? p * m + i : i * k + p]} *
                   double{b[transpose ? j * k + p : p * n + j]};
          ASSERT_NEAR(c[at], sum, static_cast<double>(k) * std::numeric_limits<T>::epsilon())
              << m << "x" << n << "x" << k << " " << transpose << " at " << i << ", " << j;
        }
      }
    }
}

TYPED_TEST(MatrixProduct, of_nothing_is_zero_or_what_was_there) {
  const std::vector<TypeParam> row = {5, 6};
  std::vector<TypeParam> c = {1, 2, 3, 4};
  const TypeParam* nothing = nullptr;
  kernels::matmul({0, 2, 3}, nothing, row.data(), c.data());
  kernels::matmul({2, 0, 3}, row.data(), nothing, c.data());
  kernels::matmul({2, 2, 0, false, false, true}, nothing, nothing, c.data());
  EXPECT_EQ(c, (std::vector<TypeParam>{1, 2, 3, 4}));
  kernels::matmul_plus_row({2, 2, 0}, nothing, nothing, row.data(), c.data());
  EXPECT_EQ(c, (std::vector<TypeParam>{5, 6, 5, 6}));
  kernels::matmul({2, 2, 0}, nothing, nothing, c.data());
  EXPECT_EQ(c, (std::vector<TypeParam>{0, 0, 0, 0}));
}

// Each number of A and B is infinite or NaN in turn, and meets zeros: exactly its row or column shows it.
TYPED_TEST(MatrixProduct, shows_infinities_and_nan_where_a_plain_loop_does) {
  using T = TypeParam;
  for (const auto [m, n, k] : {std::array<std::int64_t, 3>{1, 37, 70},
                               {37, 1, 70},
                               {19, 37, 1},
                               {3, 5, 70},
                               {5, 300, 2},
                               {19, 37, 23},
                               {19, 7, 11},
                               {19, 100, 5},
                               {3, 100, 70},
                               {12, 70, 70},
                               {77, 3, 11},
                               {70, 6, 23},
                               {70, 70, 70}})
    for (const std::int64_t p : {k / 2, std::max(k - 10, k / 3)})
      for (const bool transpose_a : {false, true})
        for (const bool transpose_b : {false, true})
          for (const T special : {std::numeric_limits<T>::infinity(), std::numeric_limits<T>::quiet_NaN()}) {
            const std::int64_t i = m - 1, j = n / 2;
            const std::size_t in_a = transpose_a ? p * m + i : i * k + p,
                              in_b = transpose_b ? j * k + p : p * n + j;
            std::vector<T> a(m * k, 1), b(k * n, 0), c(m * n, -1);
            a[in_a] = special;
            kernels::matmul({m, n, k, transpose_a, transpose_b}, a.data(), b.data(), c.data());
            for (std::int64_t at = 0; at < m * n; ++at) {
              if (at / n == i)
                ASSERT_TRUE(std::isnan(c[at]));
              else
                ASSERT_EQ(c[at], T(0));
            }
            a[in_a] = 1;
            b[in_b] = special;
            kernels::matmul({m, n, k, transpose_a, transpose_b}, a.data(), b.data(), c.data());
            for (std::int64_t at = 0; at < m * n; ++at) {
              if (at % n != j)
                ASSERT_EQ(c[at], T(0));
              else if (std::isnan(special))
                ASSERT_TRUE(std::isnan(c[at]));
              else
                ASSERT_EQ(c[at], special);
            }
          }
}

TYPED_TEST(MatrixProduct, of_a_vector_is_that_of_a_plain_loop) {
  for (const std::int64_t k : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 128, 129})
    for (const std::int64_t n : {1, 2, 3, 4, 8, 15, 16, 17, 40, 67}) {
      expect_products<TypeParam>(1, n, k);
      expect_products<TypeParam>(n, 1, k);
    }
}

TYPED_TEST(MatrixProduct, of_few_rows_or_columns_is_that_of_a_plain_loop) {
  for (const std::int64_t few : {2, 3, 4, 7, 10, 12, 20})
    for (const std::int64_t k : {63, 64, 65, 100, 127, 165, 256, 300, 1030})
      for (const std::int64_t other : {5, 8, 11, 40}) {
        expect_products<TypeParam>(few, other, k);
        expect_products<TypeParam>(other, few, k);
      }
  for (const std::int64_t m : {2, 3, 8, 15, 16, 17, 31, 32})  // some as their transposes
    for (const std::int64_t n : {2, 4, 7, 9, 15, 16, 33}) expect_products<TypeParam>(m, n, 301);
  for (const std::int64_t k : {2047, 2048, 3077}) {  // some after the others
    expect_products<TypeParam>(3, 4, k);
    expect_products<TypeParam>(9, 7, k);
  }
}

TYPED_TEST(MatrixProduct, of_many_short_rows_is_that_of_a_plain_loop) {
  for (const std::int64_t m : {16, 32, 33, 64, 81})
    for (const std::int64_t n : {1, 2, 3, 4, 5, 7, 8, 9})
      for (const std::int64_t k : {2, 3, 4, 5, 7, 8, 17, 63, 90}) expect_products<TypeParam>(m, n, k);
}

// Columns that are one, two, and four packs of every width, and some more.
TYPED_TEST(MatrixProduct, of_few_inner_indices_is_that_of_a_plain_loop) {
  for (const std::int64_t k : {1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16})
    for (const std::int64_t n : {2, 8, 15, 16, 17, 24, 31, 32, 33, 47, 63, 64, 65, 81, 150})
      for (const std::int64_t m : {2, 3, 4, 31, 33, 70}) expect_products<TypeParam>(m, n, k);
  for (const std::int64_t k : {17, 63, 300})
    for (const std::int64_t n : {16, 33, 64, 70}) expect_products<TypeParam>(3, n, k);
}

TYPED_TEST(MatrixProduct, of_short_rows_does_not_see_those_beside_them) {
  using T = TypeParam;
  for (const std::int64_t k : {1, 3, 5, 8, 12, 17, 33, 65, 71, 300})
    for (const std::int64_t n : {1, 2, 3, 4}) {
      const std::int64_t m = 40;
      std::vector<T> a(static_cast<std::size_t>(m * k)), v(static_cast<std::size_t>(k * n), T(1)),
          c(static_cast<std::size_t>(m * n));
      for (std::int64_t row = 0; row < m; ++row)
        std::fill_n(a.begin() + row * k, k, row % 2 == 0 ? T(row) : std::numeric_limits<T>::infinity());
      kernels::matmul({m, n, k}, a.data(), v.data(), c.data());
      for (std::int64_t i = 0; i < m * n; ++i)
        ASSERT_EQ(c[static_cast<std::size_t>(i)],
                  i / n % 2 == 0 ? T(i / n * k) : std::numeric_limits<T>::infinity())
            << k << " by " << n << " at " << i;
    }
}

TYPED_TEST(MatrixProduct, of_a_batch_of_tiny_matrices_is_that_of_each_alone) {
  using T = TypeParam;
  std::mt19937 random(11);
  const auto size = [&] { return static_cast<std::int64_t>(1 + random() % 16); };
  for (int round = 0; round < 300; ++round) {
    const Product product{size(), size(), size(), random() % 2 == 0, random() % 2 == 0};
    const auto [m, n, k, transpose_a, transpose_b, accumulate, scale] = product;
    ASSERT_TRUE(kernels::is_tiny(product));
    const std::int64_t count = static_cast<std::int64_t>(1 + random() % 9),
                       a_step = random() % 4 == 0 ? 0 : m * k, b_step = random() % 4 == 0 ? 0 : k * n;
    // Not an element more than there is, which the address sanitizer watches.
    const std::vector<T> a = random_numbers<T>(a_step == 0 ? m * k : count * a_step),
                         b = random_numbers<T>(b_step == 0 ? k * n : count * b_step);
    std::vector<T> together(static_cast<std::size_t>(count * m * n)), alone = together;
    kernels::tiny_products(product, count, a.data(), a_step, b.data(), b_step, together.data());
    for (std::int64_t i = 0; i < count; ++i)
      kernels::matmul(product, a.data() + i * a_step, b.data() + i * b_step, alone.data() + i * m * n);
    for (std::size_t i = 0; i < alone.size(); ++i)
      ASSERT_NEAR(together[i], alone[i], 16 * static_cast<double>(k) * std::numeric_limits<T>::epsilon())
          << m << "x" << n << "x" << k << transpose_a << transpose_b << " of " << count << " at " << i;
  }
}

TYPED_TEST(MatrixProduct, is_the_same_with_any_number_of_threads) {
  for (const auto kernel : kernels_for_products)
    for (const auto [m, n, k] : {std::array<std::int64_t, 3>{1, 3001, 1009},
                                 {1501, 1499, 1},
                                 {3, 1201, 1201},
                                 {700, 301, 290},
                                 {129, 1100, 300},
                                 {4001, 11, 201},
                                 {4001, 40, 9},
                                 {20001, 13, 6},
                                 {30, 9001, 7},
                                 {40001, 3, 60}})
      for (const bool transpose_a : {false, true})
        for (const bool transpose_b : {false, true}) {
          if (test::sanitized && transpose_a == transpose_b) continue;  // slow there
          const UseKernel guard(kernel);
          const auto a = random_numbers<TypeParam>(m * k), b = random_numbers<TypeParam>(k * n);
          std::vector<TypeParam> alone;
          test::with_each_thread_count([&, m = m, n = n, k = k](int threads) {
            std::vector<TypeParam> c(m * n);
            kernels::matmul({m, n, k, transpose_a, transpose_b}, a.data(), b.data(), c.data());
            if (threads == 1) alone = c;
            EXPECT_EQ(c, alone);
          });
        }
}

TYPED_TEST(MatrixProduct, is_the_same_with_any_number_of_threads_where_panels_are_kept) {
  for (const auto [m, n, k] : {std::array<std::int64_t, 3>{790, 805, 390}, {390, 230, 390}, {4000, 33, 1}})
    for (const bool transpose : {false, true}) {
      const auto a = random_numbers<TypeParam>(m * k), b = random_numbers<TypeParam>(k * n);
      std::vector<TypeParam> alone;
      test::with_each_thread_count([&, m = m, n = n, k = k](int threads) {
        std::vector<TypeParam> c(m * n);
        kernels::matmul({m, n, k, false, transpose}, a.data(), b.data(), c.data());
        if (threads == 1) alone = c;
        EXPECT_EQ(c, alone);
      });
    }
}

}  // namespace
}  // namespace chainrule
