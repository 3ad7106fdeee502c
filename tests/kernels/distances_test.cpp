// Distances between rows, and their gradients, against those of all the differences, for sizes around those
// of packs, and where squares would not do.

#include <limits>

#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "chainrule/indexing.h"
#include "chainrule/losses.h"
#include "chainrule/random.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "support.h"

namespace chainrule::test {
namespace {

Tensor by_differences(const Tensor& a, const Tensor& b, double p = 2) {
  return vector_norm(expand_dims(a, -2) - expand_dims(b, -3), p, -1);
}

double at(const Tensor& matrix, std::int64_t row, std::int64_t column) {
  return matrix[{row, column}].item();
}

void expect_same(const Tensor& a, const Tensor& b, double tolerance, double p = 2) {
  const Tensor x = cdist(a, b, p), y = by_differences(a, b, p);
  const Tensor seed = cast(reshape(cos(arange(0, y.size()) * 1.5), y.shape()), y.dtype());
  const Gradients found = gradients(x, {a, b}, {.seed = seed}),
                  expected = gradients(y, {a, b}, {.seed = seed});
  EXPECT_TRUE(allclose(x, y, tolerance, tolerance, true)) << a.shape() << ' ' << b.shape();
  for (const Tensor& leaf : {a, b})
    EXPECT_TRUE(allclose(found.at(leaf), expected.at(leaf), tolerance, 10 * tolerance, true))
        << a.shape() << ' ' << b.shape();
}

TEST(Distances, are_norms_of_the_differences_for_any_number_of_rows) {
  Generator generator(seed());
  PRINT_SEED_ON_FAILURE();
  for (const DType dtype : {DType::float32, DType::float64})
    for (const std::int64_t p : {1, 3, 4, 17, 33})
      for (const std::int64_t r : {1, 2, 8, 16, 37})
        for (const std::int64_t m : {1, 3, 6, 70})
          for (const double order : {1.0, 2.0, double{INFINITY}})
            expect_same(variable(randn({p, m}, generator, dtype)), variable(randn({r, m}, generator, dtype)),
                        dtype == DType::float32 ? 2e-5 : 1e-13, order);
  // Axes before the rows stretch.
  expect_same(variable(randn({2, 1, 5, 3}, generator, DType::float64)),
              variable(randn({3, 4, 3}, generator, DType::float64)), 1e-13);
}

TEST(Distances, of_pairs_are_those_above_the_diagonal) {
  Generator generator(seed());
  PRINT_SEED_ON_FAILURE();
  for (const DType dtype : {DType::float32, DType::float64})
    for (const std::int64_t n : {0, 1, 2, 31, 33, 34, 100})
      for (const double order : {1.0, 2.0, 3.0, double{INFINITY}}) {
        const Tensor x = variable(randn({n, 5}, generator, dtype));
        std::vector<std::int64_t> above;
        for (std::int64_t i = 0; i < n; ++i)
          for (std::int64_t j = i + 1; j < n; ++j) above.push_back(i * n + j);
        const Tensor y = pdist(x, order), expected = take(by_differences(x, x, order), tensor(above));
        const double tolerance = dtype == DType::float32 ? 2e-5 : 1e-12;
        EXPECT_TRUE(allclose(y, expected, tolerance, tolerance)) << n << ' ' << order;
        const Tensor seed = cast(cos(arange(0, y.size()) * 1.5), dtype);
        const auto gradient = [&](const Tensor& of) { return gradients(of, {x}, {.seed = seed}).at(x); };
        EXPECT_TRUE(allclose(gradient(y), gradient(expected), tolerance, 10 * tolerance))
            << n << ' ' << order;
      }
  // Equal rows have no direction.
  for (const double order : {1.0, 2.0}) {
    const Tensor x = variable({{1.0, 2.0}, {1.0, 2.0}, {1.0, 5.0}});
    EXPECT_TRUE(allclose(gradients(sum(pdist(x, order)), {x}).at(x),
                         tensor({{0.0, -1.0}, {0.0, -1.0}, {0.0, 2.0}}), 0, 0));
  }
}

TEST(Distances, that_are_largest_in_several_places_share_the_gradient) {
  const Tensor a = variable({{1.0, 5.0, 2.0}}), b = variable({{3.0, 3.0, 2.0}, {1.0, 5.0, 2.0}});
  const Gradients found = gradients(sum(cdist(a, b, INFINITY)), {a, b});
  EXPECT_TRUE(allclose(found.at(a), tensor({{-0.5, 0.5, 0.0}}), 0, 0));
  EXPECT_TRUE(allclose(found.at(b), tensor({{0.5, -0.5, 0.0}, {0.0, 0.0, 0.0}}), 0, 0));
}

// Rows of whole numbers have many such places, others none; and rows may end within a pack.
TEST(Distances, that_are_largest_have_the_gradients_of_differences_whatever_the_length_of_rows) {
  Generator generator(seed());
  PRINT_SEED_ON_FAILURE();
  for (const DType dtype : {DType::float32, DType::float64})
    for (const std::int64_t m : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 40})
      for (const bool whole : {false, true}) {
        const auto rows = [&](std::int64_t count) {
          const Tensor numbers = randn({count, m}, generator, dtype);
          return variable(whole ? round(numbers) : numbers);
        };
        const Tensor a = rows(6), b = rows(5), g = cast(cos(reshape(arange(0, 30), {6, 5}) * 1.5), dtype);
        const double tolerance = dtype == DType::float32 ? 1e-6 : 1e-14;
        const Gradients found = gradients(cdist(a, b, INFINITY), {a, b}, {.seed = g}),
                        expected = gradients(by_differences(a, b, INFINITY), {a, b}, {.seed = g});
        for (const Tensor& x : {a, b})
          EXPECT_TRUE(allclose(found.at(x), expected.at(x), tolerance, tolerance)) << m << ' ' << whole;
      }
}

TEST(Distances, of_sizes_are_infinite_and_NaN_where_the_differences_are) {
  const double infinity = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const Tensor a = variable({{1.0, 2.0}, {1e308, 0.0}}),
               b = variable({{infinity, 0.0}, {nan, 1.0}, {-1e308, 0.0}, {1.0, 3.0}});
  for (const double order : {1.0, infinity}) expect_same(a, b, 0, order);
}

TEST(Distances, keep_their_digits_where_squares_overflow_or_vanish_and_are_0_between_equal_rows) {
  const double infinity = std::numeric_limits<double>::infinity(), nan = std::nan("");
  for (const DType dtype : {DType::float32, DType::float64}) {
    const double large = dtype == DType::float32 ? 1e25 : 1e200,
                 small = dtype == DType::float32 ? 1e-25 : 1e-200;
    const Tensor a = variable(cast(tensor({3 * large, 0.0, 3 * small, 0.0, 1.0, 2.0}, {3, 2}), dtype));
    const Tensor b = variable(
        cast(tensor({0.0, 4 * large, 0.0, 4 * small, 1.0, 2.0, infinity, 0.0, nan, 1.0}, {5, 2}), dtype));
    const Tensor d = cdist(a, b);
    EXPECT_NEAR(at(d, 0, 0) / large, 5, 1e-6);
    EXPECT_NEAR(at(d, 1, 1) / small, 5, 1e-6);
    EXPECT_EQ(at(d, 2, 2), 0);
    EXPECT_EQ(at(d, 0, 3), infinity);
    EXPECT_TRUE(std::isnan(at(d, 1, 4)));
    const Tensor chosen = variable(a.detach()), some = b.detach()[{Slice{0, 3}}];
    const Tensor slope = gradients(cdist(chosen, some)[{1, 1}], {chosen}).at(chosen);
    EXPECT_NEAR(at(slope, 1, 0), 0.6, 1e-6);
    EXPECT_NEAR(at(slope, 1, 1), -0.8, 1e-6);
    EXPECT_EQ(at(gradients(select(select(cdist(chosen, some), 0, 2), 0, 2), {chosen}).at(chosen), 2, 0), 0);
    expect_same(a, b, 1e-5);
  }
}

TEST(Distances, are_differentiated_twice) {
  const Tensor a = variable({{1.0, 2.0}, {0.5, -1.0}}), b = tensor({{0.0, 0.0}, {3.0, 1.0}});
  const auto twice = [&](const Tensor& y) {
    return gradients(sum(square(gradients(sum(y), {a}, {.create_graph = true}).at(a))), {a}).at(a);
  };
  for (const double p : {1.0, 2.0, double{INFINITY}})
    EXPECT_TRUE(allclose(twice(cdist(a, b, p)), twice(by_differences(a, b, p)), 1e-12, 1e-12));
  EXPECT_TRUE(allclose(twice(pdist(a)), twice(by_differences(a, a)[{0, 1}]), 1e-12, 1e-12));
}

}  // namespace
}  // namespace chainrule::test
