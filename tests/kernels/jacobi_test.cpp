// Eigenvalues and singular values of small matrices, which are computed several at a time: of any sizes,
// scales and ranks, and each as if it were alone.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernels/jacobi.h"
#include "kernels/lapack.h"
#include "support.h"

namespace chainrule::test {
namespace {

template <class T>
class SmallMatrices : public testing::Test {};
using Elements = testing::Types<float, double>;
TYPED_TEST_SUITE(SmallMatrices, Elements);

template <class T>
Array stack_of(const std::vector<T>& numbers, std::int64_t m, std::int64_t n) {
  Array result({static_cast<std::int64_t>(numbers.size()) / (m * n), m, n}, dtype_of<T>);
  std::copy(numbers.begin(), numbers.end(), result.mutable_data<T>());
  return result;
}
template <class T>
std::vector<T> one_of(const Array& stack, std::int64_t i) {
  const std::int64_t size = stack.size() / stack.shape()[0];
  const T* const from = stack.data<T>() + i * size;
  return {from, from + size};
}

/// Of every kind that is delicate, by turns.
template <class T>
std::vector<T> matrices(std::int64_t m, std::int64_t n, int count) {
  static std::mt19937 random(5);
  std::uniform_real_distribution<T> distribution(-1, 1);
  std::vector<T> result;
  const T large = std::numeric_limits<T>::max() / 16, small = std::numeric_limits<T>::min();
  for (int kind = 0; kind < count; ++kind) {
    std::vector<T> row, column;
    for (std::int64_t i = 0; i < m; ++i) column.push_back(distribution(random));
    for (std::int64_t j = 0; j < n; ++j) row.push_back(distribution(random));
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        const T any = distribution(random);
        switch (kind % 10) {
          case 1: result.push_back(any * large); break;
          case 2: result.push_back(any * small); break;
          case 3: result.push_back(column[i] * row[j]); break;    // of rank 1
          case 4: result.push_back(i == j ? T(2) : T(0)); break;  // of one value
          case 5: result.push_back(T(0)); break;
          case 6: result.push_back(any * std::pow(T(10), -T(j))); break;  // graded
          case 7: result.push_back(i == j ? T(1) : T(1)); break;
          case 8: result.push_back(T(i + j + 1 == m ? 1 : 0)); break;  // no diagonal
          default: result.push_back(any);
        }
      }
  }
  return result;
}

/// Σ a(i, p) b(j, p) of matrices whose elements lie so far apart.
template <class T>
double product(const std::vector<T>& a, std::int64_t at_a, std::int64_t step_a, const std::vector<T>& b,
               std::int64_t at_b, std::int64_t step_b, std::int64_t count) {
  double sum = 0;
  for (std::int64_t p = 0; p < count; ++p) sum += double{a[at_a + p * step_a]} * double{b[at_b + p * step_b]};
  return sum;
}

TYPED_TEST(SmallMatrices, are_made_of_their_eigenvectors) {
  using T = TypeParam;
  const double epsilon = std::numeric_limits<T>::epsilon();
  for (std::int64_t n = 1; n <= 9; ++n) {
    const int count = 41;
    std::vector<T> numbers = matrices<T>(n, n, count);
    for (int i = 0; i < count; ++i)
      for (std::int64_t row = 0; row < n; ++row)
        for (std::int64_t column = 0; column < row; ++column)  // nobody looks at the upper half
          numbers[i * n * n + column * n + row] = std::numeric_limits<T>::quiet_NaN();
    const Array a = stack_of(numbers, n, n);
    const auto [values, vectors] = kernels::eigh("eigh", a, true);
    const auto alone = kernels::eigh("eigh", a, false);
    for (int i = 0; i < count; ++i) {
      const std::vector<T> lambda = one_of<T>(values, i), v = one_of<T>(vectors, i), lower = one_of<T>(a, i);
      EXPECT_TRUE(std::is_sorted(lambda.begin(), lambda.end()));
      double size = 0;
      for (std::int64_t row = 0; row < n; ++row)
        for (std::int64_t column = 0; column <= row; ++column)
          size = std::max(size, std::abs(double{lower[row * n + column]}));
      for (std::int64_t row = 0; row < n; ++row)
        for (std::int64_t column = 0; column <= row; ++column) {
          double sum = 0;
          for (std::int64_t p = 0; p < n; ++p)
            sum += double{lambda[p]} * double{v[row * n + p]} * double{v[column * n + p]};
          EXPECT_NEAR(sum, lower[row * n + column],
                      30 * epsilon * size + std::numeric_limits<T>::denorm_min())
              << n << ", kind " << i % 10;
          EXPECT_NEAR(product(v, row, n, v, column, n, n), row == column ? 1 : 0, 30 * epsilon)
              << n << ", kind " << i % 10;
        }
      for (std::int64_t p = 0; p < n; ++p)
        EXPECT_NEAR(one_of<T>(alone[0], i)[p], lambda[p], 30 * epsilon * size);
      const auto one = kernels::eigh("eigh", stack_of(lower, n, n), true);
      EXPECT_EQ(one_of<T>(one[0], 0), lambda);
      EXPECT_EQ(one_of<T>(one[1], 0), v);
    }
  }
}

TYPED_TEST(SmallMatrices, are_made_of_their_singular_vectors) {
  using T = TypeParam;
  const double epsilon = std::numeric_limits<T>::epsilon();
  for (const auto& [m, n] : std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 1},
                                                                               {2, 2},
                                                                               {3, 3},
                                                                               {4, 4},
                                                                               {5, 5},
                                                                               {8, 8},
                                                                               {9, 9},
                                                                               {3, 1},
                                                                               {1, 4},
                                                                               {7, 2},
                                                                               {2, 5},
                                                                               {16, 8},
                                                                               {8, 16},
                                                                               {17, 3}}) {
    const std::int64_t k = std::min(m, n);
    const int count = 41;
    const Array a = stack_of(matrices<T>(m, n, count), m, n);
    const auto [left, values, right] = kernels::svd("svd", a, true);
    const auto alone = kernels::svd("svd", a, false);
    for (int i = 0; i < count; ++i) {
      const std::vector<T> u = one_of<T>(left, i), s = one_of<T>(values, i), vt = one_of<T>(right, i),
                           all = one_of<T>(a, i);
      EXPECT_TRUE(std::is_sorted(s.rbegin(), s.rend()) && s.back() >= 0);
      const double size = s.front();
      for (std::int64_t row = 0; row < m; ++row)
        for (std::int64_t column = 0; column < n; ++column) {
          double sum = 0;
          for (std::int64_t p = 0; p < k; ++p)
            sum += double{s[p]} * double{u[row * k + p]} * double{vt[p * n + column]};
          EXPECT_NEAR(sum, all[row * n + column],
                      60 * epsilon * size + 4 * std::numeric_limits<T>::denorm_min())
              << m << "x" << n << ", kind " << i % 10;
        }
      for (std::int64_t p = 0; p < k; ++p)
        for (std::int64_t q = 0; q < k; ++q) {
          EXPECT_NEAR(product(u, p, k, u, q, k, m), p == q ? 1 : 0, 60 * epsilon)
              << m << "x" << n << ", kind " << i % 10;
          EXPECT_NEAR(product(vt, p * n, 1, vt, q * n, 1, n), p == q ? 1 : 0, 60 * epsilon)
              << m << "x" << n << ", kind " << i % 10;
        }
      for (std::int64_t p = 0; p < k; ++p) EXPECT_NEAR(one_of<T>(alone[1], i)[p], s[p], 30 * epsilon * size);
      const auto one = kernels::svd("svd", stack_of(all, m, n), true);
      EXPECT_EQ(one_of<T>(one[0], 0), u);
      EXPECT_EQ(one_of<T>(one[1], 0), s);
      EXPECT_EQ(one_of<T>(one[2], 0), vt);
    }
  }
}

TYPED_TEST(SmallMatrices, are_made_of_orthogonal_columns_and_a_triangle) {
  using T = TypeParam;
  const double epsilon = std::numeric_limits<T>::epsilon();
  for (const auto& [m, n] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1, 1}, {2, 2}, {3, 3}, {5, 5}, {8, 8}, {9, 9}, {4, 1}, {7, 2}, {16, 8}, {17, 3}}) {
    const int count = 41;
    const Array a = stack_of(matrices<T>(m, n, count), m, n);
    const auto [left, right] = kernels::qr("qr", a);
    for (int i = 0; i < count; ++i) {
      const std::vector<T> q = one_of<T>(left, i), r = one_of<T>(right, i), all = one_of<T>(a, i);
      double size = 0;
      for (const T each : all) size = std::max(size, std::abs(double{each}));
      for (std::int64_t row = 0; row < m; ++row)
        for (std::int64_t column = 0; column < n; ++column)
          EXPECT_NEAR(product(q, row * n, 1, r, column, n, n), all[row * n + column],
                      40 * epsilon * size + 4 * std::numeric_limits<T>::denorm_min())
              << m << "x" << n << ", kind " << i % 10;
      for (std::int64_t j = 0; j < n; ++j)
        for (std::int64_t k = 0; k < n; ++k) {
          EXPECT_NEAR(product(q, j, n, q, k, n, m), j == k ? 1 : 0, 40 * epsilon)
              << m << "x" << n << ", kind " << i % 10;
          if (k < j) {
            EXPECT_EQ(r[j * n + k], 0);
          }
        }
    }
  }
}

TYPED_TEST(SmallMatrices, that_are_not_finite_spoil_no_others) {
  using T = TypeParam;
  for (const T bad : {std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity()}) {
    std::vector<T> numbers(std::size_t{5 * 9});
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = i % 4 == 0 ? T(2) : T(i % 5);
    numbers[2 * 9 + 3] = bad;
    const Array a = stack_of(numbers, 3, 3);
    const Array lambda = kernels::eigh("eigh", a, true)[0], s = kernels::svd("svd", a, true)[1];
    for (int i = 0; i < 5; ++i)
      for (int j = 0; j < 3; ++j) {
        EXPECT_EQ(std::isnan(one_of<T>(lambda, i)[j]), i == 2);
        EXPECT_EQ(std::isnan(one_of<T>(s, i)[j]), i == 2);
      }
  }
}

}  // namespace
}  // namespace chainrule::test
