// Delicate points of statistics, running sums, counts and comparisons: ties, infinities, whole numbers,
// kinks.

#include "chainrule/statistics.h"
#include "chainrule/shaping.h"

#include <cmath>
#include <limits>

#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "chainrule/indexing.h"
#include "chainrule/shaping.h"
#include "chainrule/testing.h"
#include "chainrule/transforms.h"
#include "chainrule/vmap.h"
#include "support.h"

namespace chainrule::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const double nan = std::nan("");

template <class F>
Tensor gradient_at(const Operand& at, const F& f) {
  const Tensor x = variable(at.as(DType::float64));
  return gradients(sum(f(x)), {x}).at(x);
}

TEST(Sums, are_taken_in_the_dtype_that_is_asked_for) {
  const Tensor x = cast(tensor({2048.0, 1.0, 1.0}), DType::float16);
  EXPECT_EQ(sum(x, {}, false, DType::float32).item(), 2050);
  EXPECT_EQ(mean(tensor({true, false}), {}, false, DType::float32).dtype(), DType::float32);
  EXPECT_EQ(prod(tensor({2.0, 3.7}), 0, false, DType::int64).item<std::int64_t>(), 6);
  EXPECT_EQ(cumsum(tensor({0.5, 1.5, 2.0}), 0, DType::int64).to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{0, 1, 3}));
  EXPECT_EQ(cumprod(tensor({2.5, 3.5}), 0, DType::int64).to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{2, 6}));
  EXPECT_EQ(add(tensor({1, 2}), tensor({3, 4}), 2).to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{7, 10}));
  EXPECT_EQ(sub(tensor({1.0, 2.0}), 1.0, 0.5).to_vector<double>(), (std::vector<double>{0.5, 1.5}));
}

TEST(Sums, of_truth_values_count_them_along_any_axes) {
  Engine engine(1);
  for (const Shape& shape : {Shape{5}, Shape{4097}, Shape{300000}, Shape{7, 3000}, Shape{3000, 7},
                             Shape{2, 300, 70}, Shape{0, 3}, Shape{3, 0}}) {
    const Tensor x = random_tensor(shape, engine, -1, 1) > 0.2;
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
      const auto at = static_cast<std::int64_t>(axis);
      EXPECT_TRUE(array_equal(sum(x, at), sum(cast(x, DType::int64), at)));
      EXPECT_TRUE(array_equal(any(x, at), sum(cast(x, DType::float64), at) > 0));
      EXPECT_TRUE(array_equal(all(x, at), sum(cast(x, DType::float64), at) == shape[axis]));
    }
    EXPECT_EQ(sum(x).item<std::int64_t>(), sum(cast(x, DType::float64)).item());
    EXPECT_EQ(sum(x, {}, true).shape(), Shape::filled(shape.rank(), 1));
    EXPECT_TRUE(array_equal(sum(x, std::vector<std::int64_t>{}), cast(x, DType::int64)));
  }
  EXPECT_EQ(sum(tensor(true)).item<std::int64_t>(), 1);
}

TEST(Spread, of_equal_elements_is_0_and_so_are_its_derivatives) {
  const Tensor x = variable({3.0, 3.0, 3.0}), y = chainrule::std(x);
  const Tensor first = gradients(y, {x}, {.create_graph = true}).at(x);
  EXPECT_EQ(y.item(), 0);
  EXPECT_THAT(first, IsClose({0, 0, 0}));
  EXPECT_THAT(gradients(sum(first), {x}).at(x), IsClose({0, 0, 0}));
  EXPECT_THAT(gradient_at({3.0, 3.0}, [](auto& v) { return var(v); }), IsClose({0, 0}));
}

TEST(Spread, keeps_its_digits_beside_a_large_mean_and_beyond_the_range_of_squares) {
  EXPECT_EQ(var(tensor({1e9, 1e9 + 1, 1e9 + 2})).item(), 1);
  EXPECT_THAT(chainrule::std(tensor({-1e200, 0.0, 1e200})), IsClose(1e200));
  EXPECT_EQ(var(tensor({1.0F, 2.0F})).dtype(), DType::float32);
  EXPECT_THAT(var({1, 2, 4}, {}, false, 0), IsClose(14.0 / 9));
}

TEST(Spread, of_one_element_is_nan_unless_it_is_that_of_all) {
  EXPECT_TRUE(std::isnan(var({5.0}).item()));
  EXPECT_TRUE(std::isnan(chainrule::std({5.0}).item()));
  EXPECT_EQ(var({5.0}, {}, false, 0).item(), 0);
}

TEST(VectorNorm, of_any_order_is_scaled_and_has_the_derivative_0_at_0) {
  for (const double order : {-infinity, -2.0, 0.5, 1.0, 1.5, 2.0, 3.0, infinity}) {
    SCOPED_TRACE(order);
    const auto norm_of = [=](const Operand& x) { return vector_norm(x, order); };
    EXPECT_EQ(norm_of({0.0, 0.0}).item(), 0);
    EXPECT_THAT(gradient_at({0.0, 0.0}, norm_of), IsClose({0, 0}));
    EXPECT_THAT(norm_of(tensor({3e200, 4e200})), IsClose(norm_of({3, 4}).item() * 1e200));
    EXPECT_THAT(norm_of(tensor({3e-200, 4e-200})), IsClose(norm_of({3, 4}).item() * 1e-200));
  }
  EXPECT_EQ(vector_norm({0, 2, nan}, 0).item(), 2);
  EXPECT_EQ(vector_norm(zeros({0}), 3).item(), 0);
  EXPECT_THROW((void)vector_norm(zeros({0}), -3), ShapeError);
  EXPECT_THROW((void)vector_norm({1, 2}, nan), std::invalid_argument);
}

TEST(RunningSum, along_any_axis_is_to_the_bit_that_of_lines_in_a_row) {
  Engine engine(1);
  for (const Shape& shape : {Shape{40, 700}, Shape{3, 30, 257}, Shape{2, 50, 3}})
    for (const DType dtype : {DType::float32, DType::float64, DType::int64}) {
      const Tensor x = cast(random_tensor(shape, engine) * 100, dtype);
      EXPECT_EQ(values(cumsum(x, -2)), values(swapaxes(cumsum(swapaxes(x, -2, -1), -1), -2, -1)));
      if (dtype == DType::int64) continue;
      const Tensor v = variable(x), weights = cast(random_tensor(shape, engine), dtype);
      EXPECT_EQ(
          values(gradients(sum(cumsum(v, -2) * weights), {v}).at(v)),
          values(gradients(sum(swapaxes(cumsum(swapaxes(v, -2, -1), -1), -2, -1) * weights), {v}).at(v)));
    }
}

TEST(RunningSum, of_whole_numbers_stays_whole_and_wraps_around) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(cumsum(tensor({most, std::int64_t{1}})).to_vector<std::int64_t>()[1],
            std::numeric_limits<std::int64_t>::min());
  EXPECT_TRUE(equals(cumsum({true, false, true}), {3}, {1, 1, 2}));
  EXPECT_TRUE(equals(cumprod({{1, 2}, {3, 4}}), {4}, {1, 2, 6, 24}));
  EXPECT_EQ(cumsum(tensor({1, 2})).dtype(), DType::int64);
}

TEST(RunningProduct, has_an_exact_derivative_where_elements_are_0) {
  // y = 2, 0, 0, 0: to x₁ 2 + 2·3 + 2·3·0, to x₃ 2·0·3
  EXPECT_THAT(gradient_at({2.0, 0.0, 3.0, 0.0}, [](auto& x) { return cumprod(x); }), IsClose({1, 8, 0, 0}));
  // A part that is masked out passes nothing on, however steep it is.
  const auto first = [](const Tensor& x) { return cumprod(x) * tensor({1, 0, 0}); };
  EXPECT_THAT(gradient_at({2.0, infinity, 3.0},
                          [&](auto& x) {
                            return where(tensor({true, false, false}), first(x), 0);
                          }),
              IsClose({1, 0, 0}));
}

TEST(Logcumsumexp, leaves_no_nan_at_infinities) {
  const auto f = [](const Operand& x) { return logcumsumexp(x); };
  EXPECT_THAT(f({-infinity, -infinity, 0, infinity, 1}),
              IsClose({-infinity, -infinity, 0, infinity, infinity}));
  EXPECT_THAT(gradient_at({-infinity, -infinity, 0, 0}, f), IsClose({0, 0, 1.5, 0.5}));
  EXPECT_THAT(gradient_at({0, infinity, infinity}, f), IsClose({1, 1.5, 0.5}));
  EXPECT_THAT(f({1e16, 1e16}), IsClose({1e16, 1e16}));
  EXPECT_THAT(gradient_at({1e16, 1e16}, f), IsClose({1.5, 0.5}));
}

TEST(Logcumsumexp, shares_evenly_beside_large_numbers) {
  const auto f = [](const Tensor& x) { return logcumsumexp(x, 0); };
  const Tensor expected = tensor({25.0, 13.0, 7.0, 3.0}) / 12;
  for (const double at : {0.0, 1e4, 1e7, -1e50, 1e300})
    for (const DType dtype : {DType::float32, DType::float64}) {
      const double rtol = dtype == DType::float32 ? 1e-6 : 1e-14;
      if (dtype == DType::float32 && std::abs(at) > 1e38) continue;
      const Tensor x = variable(full({4, 2}, at, dtype));
      const Tensor slopes = gradients(sum(f(x)), {x}, {.create_graph = true})[x];
      EXPECT_THAT(index(slopes, {Slice{}, 1}), IsClose(expected, rtol)) << at << ' ' << dtype;
      // of x₃'s share, ¼ of the last sum
      const Tensor second = gradients(slopes[{3, 0}], {x})[x];
      EXPECT_THAT(index(second, {Slice{}, 0}), IsClose(tensor({-1.0, -1.0, -1.0, 3.0}) / 16, rtol))
          << at << ' ' << dtype;
      EXPECT_THAT(vmap(grad([&](const Tensor& row) { return sum(f(row)); }))(transpose(x))[0],
                  IsClose(expected, rtol));
    }
  // the largest comes last, or in between
  EXPECT_THAT(gradient_at({1e16 - 2, 1e16, 1e16 - 2, 1e16}, [](auto& x) { return logcumsumexp(x)[3]; }),
              IsClose(softmax({-2, 0, -2, 0})));
}

TEST(RunningExtremum, is_at_the_last_of_equal_elements_and_stays_nan) {
  const auto [largest, at] = cummax({1.0, 3.0, 3.0, 2.0, nan, 9.0});
  EXPECT_THAT(largest, IsClose({1, 3, 3, 3, nan, nan}));
  EXPECT_THAT(at, IsClose({0, 1, 2, 2, 4, 4}));
  EXPECT_THAT(cummin({{2, 1}, {2, 3}}, 0).places, IsClose({{0, 0}, {1, 0}}));
  EXPECT_THAT(gradient_at({1.0, 3.0, 3.0}, [](auto& x) { return cummax(x).values; }), IsClose({1, 1, 1}));
}

TEST(RunningExtremum, is_the_same_along_rows_and_columns_also_where_its_place_stays_for_long) {
  PRINT_SEED_ON_FAILURE();
  Generator generator(seed());
  Tensor x = floor(rand({6, 70}, generator) * 9);
  x = slice_update(x, {Slice{0, 3}, 40}, nan);
  x = slice_update(x, {0, 0}, 100.0);
  const Tensor seed_of = rand({6, 70}, generator);
  for (const auto f : {cummax, cummin}) {
    const Tensor rows = variable(x), columns = variable(transpose(x));
    const auto [along_rows, places] = f(rows, 1);
    const auto [along_columns, other_places] = f(columns, 0);
    EXPECT_TRUE(array_equal(places, transpose(other_places)));
    EXPECT_TRUE(allclose(along_rows, transpose(along_columns), 0, 0, true));
    const Tensor by_rows = gradients(along_rows, {rows}, {.seed = seed_of})[rows],
                 by_columns = gradients(along_columns, {columns}, {.seed = transpose(seed_of)})[columns];
    EXPECT_TRUE(array_equal(by_rows, transpose(by_columns)));
  }
}

TEST(RunningExtremum, is_what_a_loop_finds_in_every_dtype_and_shape) {
  PRINT_SEED_ON_FAILURE();
  Generator generator(seed());
  for (const DType dtype :
       {DType::boolean, DType::uint8, DType::int64, DType::bfloat16, DType::float32, DType::float64})
    for (const Shape& shape :
         {Shape{300, 1}, Shape{300, 7}, Shape{2, 63}, Shape{3, 64}, Shape{2, 301}, Shape{2, 40, 257}})
      for (const bool largest : {true, false}) {
        // From many new ones to few, among which many are equal.
        Tensor x = floor(rand(shape, generator) * 40 +
                         arange(0, shape[1]).reshape(shape.rank() == 2 ? Shape{-1} : Shape{-1, 1}) / 8);
        if (is_floating(dtype)) x = where(rand(shape, generator) < 0.003, nan, where(x == 20, -0.0, x - 20));
        x = cast(dtype == DType::boolean ? x > 20 : x, dtype);
        const auto [values, places] = largest ? cummax(x, 1) : cummin(x, 1);
        ASSERT_EQ(values.dtype(), dtype);
        const std::vector<double> in = cast(x, DType::float64).to_vector<double>(),
                                  out = cast(values, DType::float64).to_vector<double>();
        const std::vector<std::int64_t> at = places.to_vector<std::int64_t>();
        const std::size_t n = static_cast<std::size_t>(shape[1]),
                          inner = shape.rank() == 2 ? 1 : static_cast<std::size_t>(shape[2]);
        for (std::size_t i = 0, place = 0; i < in.size(); ++i) {
          const std::size_t along = i / inner % n, first = i - along * inner;
          const double so_far = along == 0 ? nan : out[i - inner], next = in[i];
          place = along == 0 ? 0 : static_cast<std::size_t>(at[i - inner]);
          if (std::isnan(next) || (!std::isnan(so_far) && (largest ? next >= so_far : next <= so_far)))
            place = along;
          ASSERT_EQ(at[i], static_cast<std::int64_t>(place))
              << dtype << ' ' << shape << ' ' << i << ' ' << largest;
          const double expected = in[first + place * inner];
          ASSERT_TRUE(std::isnan(expected)
                          ? std::isnan(out[i])
                          : out[i] == expected && std::signbit(out[i]) == std::signbit(expected));
        }
      }
  constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(cummin(tensor({0, 1, lowest, 5}), 0).values.to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{0, 0, lowest, lowest}));
}

TEST(Quantile, chooses_between_two_elements_as_numpy_does) {
  const Tensor x = tensor({4, 1, 3, 2});
  EXPECT_THAT(quantile(x, {0, 0.5, 1}), IsClose({1, 2.5, 4}));
  const Tensor rows = tensor({{3, 1, 4, 1, 5}, {2, nan, 6, 5, 3}}), many = linspace(0, 1, 9);
  for (std::int64_t i = 0; i < 9; ++i)  // many are found in another way than one
    EXPECT_TRUE(
        array_equal(nan_to_num(quantile(rows, many, 1)[i], -1), nan_to_num(quantile(rows, many[i], 1), -1)));
  EXPECT_EQ(quantile(x, 0.5, {}, false, QuantileMethod::lower).item(), 2);
  EXPECT_EQ(quantile(x, 0.5, {}, false, QuantileMethod::higher).item(), 3);
  EXPECT_EQ(quantile(x, 0.6, {}, false, QuantileMethod::midpoint).item(), 2.5);
  EXPECT_EQ(quantile(x, 0.5, {}, false, QuantileMethod::nearest).item(), 3);  // the even place
  EXPECT_EQ(to_string(quantile(zeros({2, 3, 4}), {0.1, 0.2}, 1, true).shape()), "(2, 2, 1, 4)");
  EXPECT_EQ(quantile(zeros({2, 3}), zeros({0}), 1).shape(), Shape({0, 2}));
  EXPECT_TRUE(std::isnan(quantile({1, nan, 2}, 0).item()));
  EXPECT_EQ(quantile({infinity, infinity, 1}, 0.75).item(), infinity);
  EXPECT_THAT(gradient_at({1.0, 2.0, 4.0, 8.0}, [](auto& v) { return quantile(v, 0.5); }),
              IsClose({0, 0.5, 0.5, 0}));
}

TEST(Quantile, has_a_derivative_along_q_where_it_lies_between_two) {
  const Tensor x = tensor({1.0, 2.0, 4.0, 8.0}), q = variable({0.0, 0.5, 1.0 / 3, 0.9});
  for (auto* const of : {&quantile, &nanquantile})
    EXPECT_THAT(gradients(sum((*of)(x, q, {}, false, QuantileMethod::linear)), {q}).at(q),
                IsClose({0, 6, 0, 12}));
  EXPECT_THAT(gradients(sum(quantile(x, q, {}, false, QuantileMethod::lower)), {q}).at(q),
              IsClose({0, 0, 0, 0}));
}

TEST(Polyval, of_no_coefficients_is_zero) { EXPECT_THAT(polyval(zeros({0}), {1, 2}), IsClose({0, 0})); }
TEST(Polyval, has_its_limits_at_infinity) {
  EXPECT_TRUE(equals(polyval({3, 0, 1}, {infinity, -infinity}), {2}, {infinity, infinity}));
  EXPECT_TRUE(equals(polyval({3}, {{1, 2}}), {1, 2}, {3, 3}));
}

TEST(Gradient, of_a_step_keeps_the_dtype_of_what_it_is_taken_of) {
  const Tensor y = cast(tensor({1.0, 4.0, 9.0}), DType::float32);
  EXPECT_EQ(gradient(y, tensor(0.5)).dtype(), DType::float32);
  EXPECT_EQ(gradient({1, 4, 9}).dtype(), DType::float64);
  EXPECT_TRUE(equals(gradient({1.0, infinity, 5.0}, 2.0), {3}, {infinity, 1, -infinity}));
  const Tensor step = variable(0.5);
  EXPECT_EQ(gradients(sum(gradient({1.0, 4.0, 9.0}, step)), {step}).at(step).item(), -48);
}

TEST(Renorm, leaves_what_is_small_and_zero_alone) {
  const Tensor x = tensor({{0.0, 0.0}, {0.25, 0.5}, {3.0, 4.0}});
  EXPECT_THAT(renorm(x, 2, 0, 2.5), IsClose({{0.0, 0.0}, {0.25, 0.5}, {1.5, 2.0}}));
  EXPECT_TRUE(
      equals(gradient_at(tensor({{0.0, 0.0}}), [](auto& v) { return renorm(v, 2, 0, 1); }), {1, 2}, {1, 1}));
  EXPECT_TRUE(equals(renorm({1.0, -3.0}, 2, 0, 2), {2}, {1, -2}));
}

TEST(Counting, takes_the_edges_of_bins_as_numpy_does) {
  const auto [counts, edges] = histogram({1, 2, 2, 3, 4}, 3);
  EXPECT_THAT(counts, IsClose({1, 2, 2}));
  EXPECT_THAT(edges, IsClose({1, 2, 3, 4}));
  EXPECT_THAT(histogram({-1.0, 0.0, 0.5, 1.0, nan}, 2, {{0, 1}}).counts, IsClose({1, 2}));
  EXPECT_THAT(histogram({7, 7}, 1).edges, IsClose({6.5, 7.5}));
  const Tensor wide = cast(tensor({-3e38, 3e38, 1.0, 2.9e38}), DType::float32);  // wider than any float32
  EXPECT_THAT(histogram(wide, 4).counts, IsClose({1, 0, 1, 2}));
  EXPECT_THAT(histogram({0.0, 5e-324, 1e-323}, 3).counts, IsClose({1, 0, 2}));  // two edges are equal
  EXPECT_THROW((void)histogram({1.0, infinity}), ShapeError);
  EXPECT_THROW((void)histogram({1.0, 2.0}, 0), ShapeError);
  try {
    (void)histogram({1.0, 2.0}, INT64_MAX);
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_TRUE(mentions(error.what(), {"histogram: ", "too many elements"}));
  }
  EXPECT_TRUE(equals(histogram({nan, -1.0, 0.0, 1.0, 2.0, 3.0}, tensor({0.0, 1.0, 1.0, 2.0})).counts, {3},
                     {1, 0, 2}));
  EXPECT_EQ(histogram({1.0}, tensor({0.0, 2.0})).counts.dtype(), DType::int64);
  EXPECT_THAT(histogram({1, 2, 2, 4}, tensor({1.0, 2.0, 4.0})).density(), IsClose({0.25, 0.375}));
  EXPECT_TRUE(equals(bincount({3, 1, 1}, 5), {5}, {0, 2, 0, 1, 0}));
  EXPECT_EQ(bincount({true, false}).dtype(), DType::int64);
  EXPECT_THROW((void)bincount({1.0}), DTypeError);
  EXPECT_TRUE(equals(count_nonzero({{0, 2}, {3, 4}}, 0), {2}, {1, 2}));
  EXPECT_EQ(nansum({nan, 1, 2}).item(), 3);
  EXPECT_THAT(gradient_at({nan, 1.0}, [](auto& x) { return nanmean(square(x)); }), IsClose({0, 2}));
  EXPECT_TRUE(equals(diff({true, true, false}), {2}, {0, 1}));
}

TEST(Average, of_nothing_is_refused_and_with_no_weight_at_all_is_nan) {
  EXPECT_THAT(
      [] {
        (void)average(zeros({2, 0}), zeros({2, 0}), 1);
      },
      testing::ThrowsMessage<ShapeError>(testing::HasSubstr("average: nothing to reduce: shape (2, 0)")));
  EXPECT_EQ(average(zeros({0, 2}), zeros({0, 2}), 1).shape(), (Shape{0}));
  EXPECT_TRUE(std::isnan(average({1.0, 2.0}, {0.0, 0.0}).item()));
  EXPECT_TRUE(std::isnan(nanmean(zeros(0)).item()));
  EXPECT_DOUBLE_EQ(nanmean(tensor({1.5e308, 1.5e308, nan, 1.2e308})).item(), 1.4e308)
      << "though its sum is infinite";
  EXPECT_EQ(nanmean(tensor({1e308, INFINITY, nan})).item(), INFINITY);
  EXPECT_THAT(gradient_at({1e308, 1.5e308, nan}, [](auto& x) { return nanmean(x); }), IsClose({0.5, 0.5, 0}));
}

TEST(Interpolation, is_constant_outside_and_meets_its_points) {
  const auto f = [](const Operand& x) { return interp(x, {0, 1, 3}, {0.1, 0.7, 0.3}); };
  EXPECT_THAT(f({-5, 0, 1, 2, 3, 9, nan}), IsClose({0.1, 0.1, 0.7, 0.5, 0.3, 0.3, nan}));
  EXPECT_EQ(f(3).item(), 0.3);
  EXPECT_THAT(gradient_at({-5.0, 0.0, 1.0, 3.0, 9.0}, f), IsClose({0, 0.6, -0.2, -0.2, 0}, 1e-12));
  EXPECT_EQ(interp(2, {1}, {5}).item(), 5);
  const Tensor steps = tensor({0, 0, 1, 1}), heights = tensor({1, 2, 3, 4});  // constant outside
  EXPECT_THAT(interp({-1, 0, 0.5, 1, 2}, steps, heights), IsClose({1, 2, 2.5, 4, 4}));
}

TEST(Comparisons, take_equal_infinities_as_close_and_nan_only_when_asked) {
  EXPECT_TRUE(equals(isclose({infinity, -infinity, 1, 1, nan}, {infinity, infinity, infinity, 1 + 1e-9, nan}),
                     {5}, {1, 0, 0, 1, 0}));
  EXPECT_TRUE(allclose({nan, 1}, {nan, 1}, 1e-5, 1e-8, true));
  EXPECT_FALSE(allclose({nan, 1}, {nan, 1}));
  EXPECT_TRUE(array_equal({1, 2}, {1.0, 2.0}));
  EXPECT_FALSE(array_equal({1, 2}, {{1, 2}}));
}

TEST(Matcher, says_how_many_differ_and_where_the_first_is) {
  const Tensor y = tensor({{1, 2}, {3.5, 5}});
  EXPECT_THAT(y, ::testing::Not(IsClose({{1, 2}, {3, 4}})));
  ::testing::StringMatchResultListener said;
  EXPECT_FALSE(IsClose({{1, 2}, {3, 4}}).MatchAndExplain(y, &said));
  EXPECT_EQ(said.str(), "where 2 of 4 elements differ, first at [1, 0]: 3.5, not 3");
  EXPECT_FALSE(IsClose({1, 2}).MatchAndExplain(y, &said));
  EXPECT_TRUE(mentions(said.str(), {"shape (2, 2)"}));
  EXPECT_THAT(y, IsClose({{1, 2}, {3, 4}}, 0.3));
}

TEST(Cumprod, of_many_lines_is_that_of_each_along_any_axis) {
  for (const Shape& shape : {Shape{37, 9}, Shape{2, 9, 301}})
    for (const DType dtype : {DType::int64, DType::float32}) {
      const Tensor x = cast(reshape(chainrule::remainder(arange(0, shape.size()) * 7, 3) - 1, shape), dtype),
                   all = cumprod(x, 1), from_end = all[{Slice{}, 8}];
      Tensor product = ones({}, dtype);
      for (std::int64_t i = 0; i < 9; ++i) {
        product = product * x[{Slice{}, i}];
        EXPECT_EQ(values(all[{Slice{}, i}]), values(product)) << shape << ' ' << i;
      }
      if (dtype == DType::int64) continue;
      const Tensor leaf = variable(x);
      EXPECT_EQ(values(gradients(sum(cumprod(leaf, 1)[{Slice{}, 8}]), {leaf}).at(leaf)),
                values(gradients(sum(prod(leaf, 1)), {leaf}).at(leaf)));
      EXPECT_EQ(values(from_end), values(prod(x, 1)));
    }
}

TEST(Diff, is_that_of_slices_along_any_axis_of_any_size_and_dtype) {
  for (const Shape& shape : {Shape{300000}, Shape{5, 7, 3}, Shape{3, 1, 4}, Shape{2, 70001}, Shape{70001, 2}})
    for (std::size_t axis = 0; axis < shape.rank(); ++axis)
      for (const DType dtype : {DType::float32, DType::float64, DType::int64, DType::uint8, DType::boolean}) {
        const Tensor x = cast(remainder(reshape(square(arange(0, shape.size())), shape), 201) - 100, dtype);
        std::vector<Index> left(axis, Slice{}), right = left;
        left.emplace_back(Slice{.stop = -1});
        right.emplace_back(Slice{.start = 1});
        const auto by_slices = [&](const Tensor& in) {
          const Tensor after = index(in, right), before = index(in, left);
          return dtype == DType::boolean ? after != before : after - before;
        };
        const auto along = static_cast<std::int64_t>(axis);
        EXPECT_TRUE(array_equal(diff(x, 1, along), by_slices(x))) << shape << ' ' << axis << to_string(dtype);
        if (!is_floating(dtype)) continue;
        const Tensor leaf = variable(x), weights = x * 3.0 + 1.0;
        const auto gradient = [&](const Tensor& y) {
          return gradients(sum(y * index(weights, left)), {leaf}).at(leaf);
        };
        EXPECT_TRUE(array_equal(gradient(diff(leaf, 1, along)), gradient(by_slices(leaf)))) << shape << axis;
      }
}

TEST(Cumprod, multiplies_element_by_element_however_many_lines_there_are) {
  for (const Shape& shape : {Shape{11, 40}, Shape{40, 300}, Shape{3, 5, 2}, Shape{17}})
    for (std::int64_t axis = 0; axis < static_cast<std::int64_t>(shape.rank()); ++axis)
      for (const DType dtype : {DType::float32, DType::float64, DType::int64}) {
        const Tensor numbers = reshape(sin(arange(0, shape.size())) * 3, shape), x = cast(numbers, dtype);
        const Tensor y = cumprod(x, axis);
        Tensor so_far = select(x, axis, 0);
        for (std::int64_t i = 0; i < shape[static_cast<std::size_t>(axis)]; ++i) {
          if (i > 0) so_far = so_far * select(x, axis, i);
          ASSERT_TRUE(array_equal(select(y, axis, i), so_far)) << shape << ' ' << axis << ' ' << i;
        }
        if (dtype != DType::float64) continue;
        // With zeros among them, the product of all others up to there.
        const Tensor leaf = variable(where(numbers > 2.5, 0, numbers / 2));
        const Tensor slope =
            gradients(sum(select(cumprod(leaf, axis), axis, 2 % shape[static_cast<std::size_t>(axis)])),
                      {leaf})
                .at(leaf);
        const Tensor some = variable(leaf.detach());
        Tensor product = select(some, axis, 0);
        for (std::int64_t i = 1; i <= 2 % shape[static_cast<std::size_t>(axis)]; ++i)
          product = product * select(some, axis, i);
        ASSERT_TRUE(allclose(slope, gradients(sum(product), {some}).at(some), 1e-12, 1e-12)) << shape << axis;
      }
}

TEST(Covariance, takes_weights_as_numpy_does) {
  const Tensor x = variable({{1.0, 2.0, 4.0}, {0.0, 1.0, 1.0}}), f = tensor({1, 2, 3}),
               a = tensor({0.5, 1.0, 2.0});
  EXPECT_TRUE(close(cov(x, 1, f), cov(tensor({{1.0, 2, 2, 4, 4, 4}, {0.0, 1, 1, 1, 1, 1}})), 1e-14));
  EXPECT_TRUE(close(cov(x, 1, f, a), {38.0 / 29, 5.0 / 29, 5.0 / 29, 2.0 / 29}, 1e-14));
  EXPECT_TRUE(close(cov(x, 1, {}, ones({3})), cov(x), 1e-14));
  EXPECT_TRUE(close(gradients(sum(cov(x, 0, f)), {x})[x],
                    gradients(sum(cov(x, 0, {}, cast(f, DType::float64))), {x})[x], 1e-14));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         cov(x, 1, tensor({1, 2}));
                       }),
                       {"cov: fweights", "(2,)"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { cov(x, 1, {}, -a); }), {"cov: aweights", "negative"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] { cov(x, 1, a); }), {"cov: fweights", "float64"}));
}

}  // namespace
}  // namespace chainrule::test
