// Delicate points of the functions in chainrule/functions.h: kinks, poles, tails, infinities, whole numbers,
// beside what is known of them.

#include "chainrule/functions.h"

#include <cmath>
#include <numbers>

#include "chainrule/autograd.h"
#include "chainrule/graph.h"
#include "chainrule/random.h"
#include "chainrule/statistics.h"
#include "support.h"

namespace chainrule::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();

using Function = std::function<Tensor(const Tensor&)>;

std::vector<double> slopes(const Function& function, const std::vector<double>& at, int order = 1) {
  const Tensor x = variable(tensor(at));
  Tensor y = function(x);
  for (int i = 0; i < order; ++i) y = gradients(sum(y), {x}, {.create_graph = true}).at(x);
  return values(y);
}

/// Relative to each expected number.
::testing::AssertionResult near(const std::vector<double>& actual, const std::vector<double>& expected,
                                double tolerance = 1e-14) {
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (!(actual[i] == expected[i] ||
          std::abs(actual[i] - expected[i]) <= tolerance * std::abs(expected[i]) ||
          (std::isnan(actual[i]) && std::isnan(expected[i]))))
      return ::testing::AssertionFailure()
             << "element " << i << " is " << actual[i] << " instead of " << expected[i];
  return ::testing::AssertionResult(actual.size() == expected.size());
}

TEST(PowersOfTwo, are_exact_of_whole_numbers) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const std::int64_t least = dtype == DType::float32 ? -149 : -1074,
                       most = dtype == DType::float32 ? 127 : 1023;
    const Tensor y = cast(exp2(cast(arange(least - 2, most + 2), dtype)), DType::float64);
    EXPECT_EQ(y[0].item(), 0);
    EXPECT_TRUE(std::isinf(y[-1].item()));
    for (std::int64_t e = least; e <= most; ++e)
      EXPECT_EQ(y[e - least + 2].item(), std::ldexp(1.0, static_cast<int>(e))) << dtype << ' ' << e;
  }
}

TEST(Functions, keep_the_digits_of_their_tails) {
  // From mpmath.
  EXPECT_TRUE(near(values(erfc(tensor({10.0, 26.0}))), {2.0884875837625448e-45, 5.6631924088561428e-296}));
  EXPECT_TRUE(near(values(gelu(tensor({-10.0, -30.0, -37.0}))),
                   {-7.61985302416052607e-23, -1.47201417814445612e-196, -2.11846135233409342e-298}));
  EXPECT_TRUE(near(values(ndtr(tensor({-5.0, -20.0}))), {2.8665157187919391e-07, 2.7536241186062337e-89}));
  EXPECT_TRUE(
      near(values(silu(tensor({-40.0, -600.0}))), {-1.69934170211663559e-16, -1.59023793180258649e-258}));
  EXPECT_TRUE(near(values(logsigmoid(tensor({-800.0, 40.0}))), {-800, -4.2483542552915889e-18}));
  EXPECT_TRUE(near(values(erfinv(tensor({0.9999999999999999, 1e-300}))),
                   {5.86358474875516793, 8.86226925452758014e-301}));
}

TEST(Functions, keep_the_digits_of_the_tails_of_their_slopes) {
  EXPECT_TRUE(near(slopes(asin, {1 - 0x1p-50}), {1 / std::sqrt(0x1p-49 * (1 - 0x1p-51))}));
  EXPECT_TRUE(near(slopes(erf, {5.9, 25.1}), {8.60328171759676908e-16, 2.7706936887637576e-274}));
  EXPECT_TRUE(near(slopes(softsign, {1e8, -1e12}), {9.999999800000003e-17, 9.99999999998e-25}));
  EXPECT_TRUE(near(slopes(sinc, {1e-9, 1e-3}), {-3.28986813369645307e-9, -0.00328986488672789632}));
  EXPECT_TRUE(near(slopes(acosh, {1e200}), {1e-200}));
  EXPECT_TRUE(near(slopes(asinh, {1e200}), {1e-200}));
  EXPECT_TRUE(
      near(slopes([](const Tensor& x) { return gelu(x); }, {-30.0}), {-4.41603169070849437e-195}, 1e-13));
}

TEST(Rounding, of_float32_in_packs_is_that_of_the_c_library) {
  std::vector<float> numbers = {0.0F,
                                -0.0F,
                                0.49999997F,
                                -0.49999997F,
                                8388607.5F,
                                -8388607.5F,
                                8388609,
                                1e30F,
                                -1e30F,
                                1e-40F,
                                -1e-40F,
                                std::numeric_limits<float>::infinity(),
                                -std::numeric_limits<float>::infinity()};
  for (int i = -200; i <= 200; ++i) numbers.push_back(static_cast<float>(i) / 8);
  const Tensor x = variable(tensor(numbers));
  const auto expect = [&](const Tensor& y, float (*function)(float)) {
    const std::vector<float> all = y.to_vector<float>();
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(all[i], function(numbers[i])) << numbers[i];
      EXPECT_EQ(std::signbit(all[i]), std::signbit(function(numbers[i]))) << numbers[i];
    }
    EXPECT_TRUE(array_equal(gradients(sum(y), {x}).at(x), zeros_like(x)));
  };
  expect(floor(x), std::floor);
  expect(ceil(x), std::ceil);
  expect(trunc(x), std::trunc);
  expect(round(x), std::nearbyint);
  EXPECT_TRUE(array_equal(isnan(floor(tensor({nan, 1.5, nan}))), tensor({true, false, true})));
}

TEST(Division, of_whole_numbers_is_the_same_for_short_and_long_ones) {
  const std::int64_t large = std::int64_t{1} << 32;
  const Tensor a = tensor({7, -7, 7, -7, 0}), b = tensor({2, 2, -2, -2, 3});
  const auto scaled = [=](const Tensor& x) { return x * large; };
  EXPECT_TRUE(array_equal(floor_divide(a, b), tensor({3, -4, -4, 3, 0})));
  EXPECT_TRUE(array_equal(floor_divide(scaled(a), scaled(b)), floor_divide(a, b)));
  EXPECT_TRUE(array_equal(remainder(a, b), tensor({1, 1, -1, -1, 0})));
  EXPECT_TRUE(array_equal(remainder(scaled(a), scaled(b)), scaled(remainder(a, b))));
  EXPECT_EQ(floor_divide(tensor({large - 1}), large).item<std::int64_t>(), 0);
  EXPECT_TRUE(array_equal(floor_divide(tensor({-6, 6, -6}), tensor({3, -3, -3})), tensor({-2, -2, 2})));
  EXPECT_TRUE(array_equal(remainder(tensor({-6, 6, -6}), tensor({3, -3, -3})), tensor({0, 0, 0})));
}

TEST(Division, without_a_rest_is_a_zero_with_its_sign) {
  const Tensor zeros = tensor({0.0, -0.0, 0.0, -0.0}), by = tensor({3.0, 3.0, -3.0, -3.0});
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Tensor a = cast(zeros, dtype), b = cast(by, dtype);
    EXPECT_TRUE(equals(1 / floor_divide(a, b), {4}, {infinity, -infinity, -infinity, infinity}));
    EXPECT_TRUE(equals(1 / remainder(a, b), {4}, {infinity, infinity, -infinity, -infinity}));
    EXPECT_TRUE(equals(1 / fmod(a, b), {4}, {infinity, -infinity, infinity, -infinity}));
    for (const std::int64_t i : {0, 1, 2, 3})
      EXPECT_EQ((1 / floor_divide(a[i], b[i])).item(), (1 / floor_divide(a, b))[i].item());
  }
}

TEST(Functions, are_defined_at_their_poles_and_beyond) {
  EXPECT_TRUE(equals(erfinv(tensor({-1.0, 1.0, 1.5})), {3}, {-infinity, infinity, nan}));
  EXPECT_TRUE(equals(digamma(tensor({0.0, -0.0, -3.0})), {3}, {-infinity, infinity, nan}));
  EXPECT_TRUE(equals(lgamma(tensor({0.0, -1.0, infinity})), {3}, {infinity, infinity, infinity}));
  EXPECT_TRUE(equals(logit(tensor({0.0, 1.0, -0.5})), {3}, {-infinity, infinity, nan}));
  EXPECT_TRUE(equals(polygamma(1, tensor({0.0, -1.0, infinity})), {3}, {infinity, infinity, 0}));
  EXPECT_TRUE(equals(atanh(tensor({-1.0, 1.0, 2.0})), {3}, {-infinity, infinity, nan}));
  EXPECT_TRUE(equals(silu(tensor({-infinity, infinity})), {2}, {nan, infinity})) << "as PyTorch has it";
  EXPECT_TRUE(equals(sinc(tensor({0.0, 1.0, -2.0, 1e15})), {4}, {1, 0, 0, 0}));
  EXPECT_TRUE(near(values(digamma(tensor({-0.5, -1e5 - 0.25}))), {0.0364899739785765206, 14.6545256185360634},
                   1e-13));
  EXPECT_THROW(polygamma(-1, 1.0), std::invalid_argument);
}

TEST(Functions, have_zero_slopes_where_their_inputs_are_singular) {
  const Tensor zero = variable(0.0), both = hypot(zero, zero), angle = atan2(zero, zero);
  EXPECT_EQ(gradients(both, {zero}).at(zero).item(), 0);
  EXPECT_EQ(gradients(angle, {zero}).at(zero).item(), 0);
  const Tensor a = variable({infinity, infinity, 1e300}), b = variable({-infinity, 1.0, 1e300});
  const Gradients g = gradients(sum(hypot(a, b)), {a, b});
  const double half = std::numbers::sqrt2 / 2;
  EXPECT_TRUE(close(g.at(a), {half, 1, half}, 1e-15));
  EXPECT_TRUE(close(g.at(b), {-half, 0, half}, 1e-15));
  const Tensor x = variable({0.0, 0.0, 2.0}), y = variable({0.0, 3.0, 0.5});
  const Gradients of_xlogy = gradients(sum(xlogy(x, y)), {x, y});
  EXPECT_TRUE(close(of_xlogy.at(x), {0, std::log(3.0), std::log(0.5)}, 1e-15));
  EXPECT_TRUE(equals(of_xlogy.at(y), {3}, {0, 0, 4}));
  // Nothing comes from above, however steep it is.
  EXPECT_TRUE(equals(
      variable(tensor(slopes([](const Tensor& in) { return where(in < 1, in, asin(in)); }, {1 - 1e-3}))), {1},
      {1}));
}

TEST(Functions, have_slopes_of_higher_orders) {
  EXPECT_TRUE(near(slopes(lgamma, {0.5, -1.5}, 3), {-16.82879664423432, -0.236204051641727403}, 1e-13));
  EXPECT_TRUE(near(slopes(sinc, {0.0, 0.25}, 4), {19.4818182068004874, 15.3586373831326172}, 1e-13));
  EXPECT_TRUE(near(slopes(erfinv, {0.5}, 2), {1.18074634999339995}, 1e-13));
  EXPECT_TRUE(near(slopes(tan, {0.5}, 3), {4.9219928425941819}, 1e-12));
  EXPECT_TRUE(near(slopes(asin, {1e-9, -1e-170}, 2), {1e-9, -1e-170}));
  EXPECT_TRUE(near(slopes(acos, {1e-9}, 2), {-1e-9}));
  EXPECT_TRUE(near(slopes(atanh, {1e-9, 0.75}, 2), {2e-9, 1.5 / 0.19140625}));
  // where they are infinite, as beside it
  EXPECT_EQ(slopes(cbrt, {0, -0.0}, 2), (std::vector<double>{-infinity, infinity}));
  EXPECT_EQ(slopes(cbrt, {0, -0.0, 1e-160}, 3), (std::vector<double>{infinity, infinity, infinity}));
  const auto of_logit = [](const Tensor& x) { return logit(x); };
  EXPECT_EQ(slopes(of_logit, {0, 1e-160, 1}, 2), (std::vector<double>{-infinity, -infinity, infinity}));
  EXPECT_TRUE(near(slopes(of_logit, {1e-100, 0.25}, 2), {-1e200, -16 + 16.0 / 9}));
  // as its series has them: √(2 (x - 1)) is what acosh is near 1
  Tensor at = variable(1.0), slope = acosh(at);
  for (const double expected : {infinity, -infinity, infinity, -infinity}) {
    slope = gradients(slope, {at}, {.create_graph = true})[at];
    EXPECT_EQ(slope.item(), expected);
  }
}

TEST(Functions, choose_a_slope_at_their_kinks) {
  const std::vector<double> at = {-3, -1, 0, 1, 3, 6};
  EXPECT_EQ(slopes([](const Tensor& x) { return hardtanh(x); }, at), (std::vector<double>{0, 0, 1, 0, 0, 0}));
  EXPECT_EQ(slopes(relu6, at), (std::vector<double>{0, 0, 0, 1, 1, 0}));
  EXPECT_EQ(slopes(hardswish, {-3, 3}), (std::vector<double>{0, 1}));
  EXPECT_EQ(slopes([](const Tensor& x) { return elu(x, 2); }, {0, 1}), (std::vector<double>{2, 1}));
  EXPECT_EQ(slopes([](const Tensor& x) { return leaky_relu(x); }, {0, 1}), (std::vector<double>{0.01, 1}));
  EXPECT_EQ(slopes(floor, {1, 1.5}), (std::vector<double>{0, 0}));
  EXPECT_EQ(slopes([](const Tensor& x) { return copysign(x, -1); }, {-2, 0, 2}),
            (std::vector<double>{1, 0, -1}));
  EXPECT_EQ(slopes([](const Tensor& x) { return nan_to_num(x); }, {nan, 1, infinity}),
            (std::vector<double>{0, 1, 0}));
}

TEST(Functions, replace_what_is_no_number_and_pass_the_gradients_of_the_rest) {
  const std::vector<double> at = {nan, infinity, -infinity, 1, -0.0, 1e300};
  const auto check = [&]<class T>(T most) {
    const Tensor x = variable(cast(tensor(at), dtype_of<T>)), y = nan_to_num(x, 2);
    const std::vector<T> expected = {2, most, -most, 1, T(-0.0), T(std::min<double>(1e300, most))};
    EXPECT_EQ(y.template to_vector<T>(), expected);
    EXPECT_TRUE(std::signbit(y.template to_vector<T>()[4]));
    EXPECT_EQ(gradients(sum(y), {x}).at(x).template to_vector<T>(),
              (std::vector<T>{0, 0, 0, 1, 1, T(sizeof(T) == 8)}));
  };
  check(std::numeric_limits<float>::max());
  check(std::numeric_limits<double>::max());
  EXPECT_EQ(nan_to_num(cast(tensor({infinity}), DType::float16)).item(), 65504);
  EXPECT_TRUE(equals(logical_not(tensor({nan, 0.0, -0.0, 2.0})), {4}, {0, 1, 1, 0}));
  EXPECT_TRUE(equals(pow(tensor({2.0, -0.0, infinity, -4.0}), -1), {4}, {0.5, -infinity, 0, -0.25}));
  const Tensor many = cast(arange(-500, 501), DType::float64);  // and one of them is 0
  EXPECT_TRUE(array_equal(pow(many, -1), 1 / many));
  EXPECT_EQ(slopes([](const Tensor& x) { return pow(x, -1); }, {2, -4, infinity}),
            (std::vector<double>{-0.25, -0.0625, 0}));
}

TEST(Functions, raise_to_exponents_that_have_forms_of_their_own_as_the_c_library) {
  const auto check = [&]<class T>() {
    constexpr T most = std::numeric_limits<T>::max(), least = std::numeric_limits<T>::min();
    std::vector<T> numbers = {0,
                              T(-0.0),
                              T(infinity),
                              T(-infinity),
                              T(nan),
                              1,
                              -1,
                              most,
                              -most,
                              least,
                              -least,
                              least / 8,
                              -least / 8,
                              std::sqrt(most),
                              -std::sqrt(most),
                              std::cbrt(most)};
    for (int i = 1; i <= 600; ++i)
      numbers.push_back(static_cast<T>((i % 2 == 0 ? 1 : -0.25) * std::exp(i / 50.0 - 6)));
    const Tensor x = tensor(numbers);
    for (const double exponent :
         {-3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.3, 3.0, 4.0, 5.0}) {
      const std::vector<T> powers = pow(x, exponent).to_vector<T>();
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        const long double wanted = std::pow(static_cast<long double>(numbers[i]),
                                            static_cast<long double>(static_cast<T>(exponent)));
        const T rounded = static_cast<T>(wanted);
        EXPECT_EQ(std::isnan(powers[i]), std::isnan(rounded)) << numbers[i] << " to the power " << exponent;
        if (std::isnan(rounded)) continue;
        EXPECT_EQ(std::signbit(powers[i]), std::signbit(rounded))
            << numbers[i] << " to the power " << exponent;
        if (std::isinf(rounded) || rounded == 0) {
          EXPECT_EQ(powers[i], rounded) << numbers[i] << " to the power " << exponent;
        } else {
          const long double unit = std::nextafter(std::abs(rounded), T(infinity)) - std::abs(rounded);
          EXPECT_LE(std::abs(powers[i] - wanted), 4 * unit) << numbers[i] << " to the power " << exponent;
        }
      }
    }
  };
  check.template operator()<float>();
  check.template operator()<double>();
}

TEST(Functions, of_straight_lines_keep_nan_and_have_slopes_as_pytorch_at_their_ends) {
  const Tensor x = tensor({nan, -infinity, -0.5, -0.0, 0.5, infinity});
  const auto have = [&](const Tensor& y, const std::vector<double>& expected) {
    return near(values(y), expected, 0);
  };
  EXPECT_TRUE(have(hardshrink(x), {nan, -infinity, 0, 0, 0, infinity}));
  EXPECT_TRUE(have(softshrink(x), {nan, -infinity, 0, 0, 0, infinity}));
  EXPECT_TRUE(have(threshold(x, 0.5, 7), {nan, 7, 7, 7, 7, infinity}));
  EXPECT_TRUE(have(hardtanh(x), {nan, -1, -0.5, 0, 0.5, 1}));
  EXPECT_TRUE(have(relu6(x), {nan, 0, 0, 0, 0.5, 6}));
  EXPECT_TRUE(near(values(hardsigmoid(x)), {nan, 0, 2.5 / 6, 0.5, 3.5 / 6, 1}, 1e-15));
  EXPECT_TRUE(have(leaky_relu(x, 0.5), {nan, -infinity, -0.25, 0, 0.5, infinity}));
  EXPECT_TRUE(std::signbit(leaky_relu(x, 0.5)[3].item()));
  EXPECT_EQ(slopes([](const Tensor& at) { return hardshrink(at, 0.5); }, {-0.5, 0.5, 0.75}),
            (std::vector<double>{0, 0, 1}));
  EXPECT_EQ(slopes([](const Tensor& at) { return softshrink(at, 0.5); }, {-0.5, 0.5, -0.75}),
            (std::vector<double>{0, 0, 1}));
  EXPECT_EQ(slopes([](const Tensor& at) { return threshold(at, 1, 9); }, {1, 1.5}),
            (std::vector<double>{0, 1}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([] { (void)softshrink(tensor({1.0}), -1); }),
                       {"softshrink", "-1"}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([] { (void)hardshrink(tensor({1.0}), nan); }),
                       {"hardshrink", "nan"}));
}

TEST(Functions, leave_out_what_is_no_number) {
  const Tensor a = variable(tensor({nan, 1.0, nan, 2.0})), b = variable(tensor({3.0, nan, nan, 2.0}));
  EXPECT_TRUE(near(values(fmax(a, b)), {3, 1, nan, 2}));
  EXPECT_TRUE(near(values(fmin(a, b)), {3, 1, nan, 2}));
  const Gradients gradient = gradients(sum(fmax(a, b)[{Slice{0, 2}}]), {a, b});
  EXPECT_EQ(values(gradient.at(a)), (std::vector<double>{0, 1, 0, 0}));
  EXPECT_EQ(values(gradient.at(b)), (std::vector<double>{1, 0, 0, 0}));
  EXPECT_TRUE(equals(signbit(tensor({0.0, -0.0, -infinity})), {3}, {0, 1, 1}));
  EXPECT_TRUE(equals(signbit(tensor({0, -3})), {2}, {0, 1}));
  EXPECT_TRUE(near(values(frac(tensor({-2.75, 2.0, infinity}))), {-0.75, 0, nan}));
}

TEST(Functions, round_halves_to_even_and_to_decimals) {
  EXPECT_TRUE(equals(round(tensor({0.5, 1.5, 2.5, -0.5})), {4}, {0, 2, 2, 0}));
  EXPECT_TRUE(close(round(tensor({1.25, -2.678}), 2), {1.25, -2.68}));
  EXPECT_TRUE(equals(round(tensor({1250.0, 1350.0}), -2), {2}, {1200, 1400}));
  EXPECT_TRUE(equals(round(tensor({1.5, 7.0, -infinity}), 1000), {3}, {1.5, 7, -infinity}));
  EXPECT_TRUE(equals(round(tensor({1.5F, 1e20F, -1e-3F}), 1000), {3}, {1.5, 1e20F, -1e-3F}));
  EXPECT_EQ(round(tensor({1.5}), lowest).item(), 0);
  EXPECT_TRUE(mentions(message_of<DTypeError>([] { (void)round(tensor({5}), -1); }), {"round", "int64"}));
}

TEST(Functions, divide_as_python_does) {
  const Tensor a = tensor({7.0, -7.0, 7.0, -7.0, 0.3, -1.0, 1.0, 5.0}),
               b = tensor({3.0, 3.0, -3.0, -3.0, 0.1, infinity, 0.0, -infinity});
  EXPECT_TRUE(equals(floor_divide(a, b), {8}, {2, -3, -3, 2, 2, -1, infinity, -1}));
  EXPECT_TRUE(equals(remainder(a, b), {8}, {1, 2, -2, -1, std::fmod(0.3, 0.1), infinity, nan, -infinity}));
  EXPECT_TRUE(equals(fmod(a, b), {8}, {1, -1, 1, -1, std::fmod(0.3, 0.1), -1, nan, 5}));
}

TEST(Functions, leave_whole_numbers_whole) {
  const Tensor a = tensor({7, -7, 7, -7, 5, 0}), b = tensor({3, 3, -3, -3, 0, 0});
  for (const Tensor& each : {floor(a), ceil(a), trunc(a), round(a), relu6(a), nan_to_num(a)})
    EXPECT_EQ(each.dtype(), DType::int64);
  EXPECT_TRUE(equals(floor_divide(a, b), {6}, {2, -3, -3, 2, 0, 0}));
  EXPECT_TRUE(equals(remainder(a, b), {6}, {1, 2, -2, -1, 0, 0}));
  EXPECT_TRUE(equals(fmod(a, b), {6}, {1, -1, 1, -1, 0, 0}));
  EXPECT_EQ(floor_divide(a, b).dtype(), DType::int64);
  EXPECT_EQ(floor_divide(tensor({lowest}), -1).item<std::int64_t>(), lowest) << "wraps around";
  EXPECT_EQ(remainder(tensor({lowest}), -1).item<std::int64_t>(), 0);
  EXPECT_EQ(fmod(tensor({lowest}), -1).item<std::int64_t>(), 0);
  EXPECT_EQ(floor(tensor({true})).dtype(), DType::int64);
  EXPECT_EQ(sinh(tensor({1})).dtype(), DType::float64);
  EXPECT_EQ(silu(tensor({true})).dtype(), DType::float64);
  EXPECT_TRUE(equals(isfinite(a) & !isnan(a) & !isinf(a), {6}, {1, 1, 1, 1, 1, 1}));
}

TEST(Functions, stay_in_float32) {
  const Tensor x = tensor({0.25F, 0.5F});
  for (const auto& f : std::vector<Function>{
           reciprocal, rsqrt, exp2, sinc, deg2rad, mish, selu, hardsigmoid, hardswish, erfinv, ndtr, lgamma,
           [](const Tensor& in) { return gelu(in, GeluApproximation::tanh); },
           [](const Tensor& in) { return softplus(in, 2); }, [](const Tensor& in) { return logit(in, 0.1); },
           [](const Tensor& in) { return lerp(in, 1, 0.5); }, [](const Tensor& in) { return round(in, 1); },
           [](const Tensor& in) { return xlogy(in, in); }, [](const Tensor& in) { return prelu(in, 0.1); }}) {
    EXPECT_EQ(f(x).dtype(), DType::float32);
    const Tensor at = variable(x);
    EXPECT_EQ(gradients(sum(f(at)), {at}).at(at).dtype(), DType::float32);
  }
  const Tensor most = nan_to_num(tensor({std::numeric_limits<float>::infinity()}));
  EXPECT_EQ(most.item<float>(), std::numeric_limits<float>::max());
}

TEST(Functions, write_their_slopes_with_the_names_of_their_inputs) {
  const auto slope = [](const Tensor& y, std::size_t input, const std::vector<std::string>& names) {
    return local_formula(y, input, names, "y").text;
  };
  const Tensor x = variable(0.5);
  EXPECT_EQ(slope(tan(x), 0, {"w"}), "1 + tan(w)²");
  EXPECT_EQ(slope(cbrt(x), 0, {"-2"}), "1 / (3 ∛(-2)²)");
  EXPECT_EQ(slope(cosh(x), 0, {"-2"}), "sinh(-2)");
  EXPECT_EQ(slope(atan2(x, x), 0, {"u", "v"}), "v / (u² + v²)");
  EXPECT_EQ(slope(atan2(x, x), 1, {"u", "v"}), "−u / (u² + v²)");
  EXPECT_EQ(slope(fmod(x, x), 0, {"u", "v"}), "1");
  EXPECT_EQ(slope(polygamma(2, x), 0, {"w"}), "polygamma(3, w)");
  const Tensor second = gradients(sinc(x), {x}, {.create_graph = true}).at(x);
  EXPECT_EQ(slope(sinc(x), 0, {"w"}), "(cos(πw) − sinc(w)) / w");
  EXPECT_TRUE(second.requires_grad());
}

TEST(Functions, take_parameters_as_pytorch_does) {
  EXPECT_TRUE(close(softplus(tensor({-1.0, 1.0, 30.0}), 2, 20),
                    {std::log1p(std::exp(-2.0)) / 2, std::log1p(std::exp(2.0)) / 2, 30}, 1e-15));
  EXPECT_EQ(slopes([](const Tensor& x) { return softplus(x, 2, 20); }, {30}), (std::vector<double>{1}));
  EXPECT_TRUE(near(values(logit(tensor({0.0, 1.0, 0.5}), 0.25)), {-std::log(3.0), std::log(3.0), 0}));
  EXPECT_TRUE(equals(heaviside(tensor({-1.0, 0.0, 2.0, nan}), 0.5), {4}, {0, 0.5, 1, nan}));
  EXPECT_TRUE(equals(lerp(tensor({1e17, 0.1}), tensor({1.0, 0.3}), 1.0), {2}, {1, 0.3}));
  EXPECT_THROW(hardtanh(1.0, 1, -1), std::invalid_argument);
  EXPECT_THROW(celu(1.0, 0), std::invalid_argument);
  EXPECT_THROW(softplus(1.0, 0.0), std::invalid_argument);
}

}  // namespace
}  // namespace chainrule::test
