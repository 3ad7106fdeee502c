// Special functions of float32, which are computed on packs of numbers: how exact they and their slopes are,
// in units in the last place, and what they are at zeros, infinities and NaN. CHAINRULE_ISA chooses the
// instruction set.

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "chainrule/simd.h"
#include "chainrule/statistics.h"
#include "ops/units.h"

namespace chainrule {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity(),
                nan = std::numeric_limits<float>::quiet_NaN();

double units(float got, long double exact) {
  const auto rounded = static_cast<float>(exact);
  if (std::isnan(rounded)) return std::isnan(got) ? 0 : infinity;
  if (std::isinf(rounded)) return got == rounded ? 0 : infinity;
  int exponent = 0;
  std::frexp(rounded, &exponent);
  const long double unit = std::ldexp(1.0L, std::max(exponent - 24, -149));
  return static_cast<double>(std::abs((static_cast<long double>(got) - exact) / unit));
}

std::vector<float> numbers(float low, float high) {
  std::mt19937 engine(7);
  std::uniform_real_distribution<float> uniform(low, high);
  std::vector<float> all(20001);
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i] = i % 4 == 0 ? std::ldexp(uniform(engine), -static_cast<int>(engine() % 30)) : uniform(engine);
  return all;
}

/// The worst error of the values and of the slopes. The result of either is a sum whose error is `scale`
/// times a unit of 1 where it is small.
void check(const char* name, Function f, Exact value, Exact slope, float low, float high, double most,
           bool slope_is_sum = false) {
  const std::vector<float> x = numbers(low, high);
  const Tensor in = variable(tensor(x)), out = f(in);
  const Tensor gradient = gradients(sum(out), {in}).at(in);
  double value_error = 0, slope_error = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    value_error = std::max(value_error, units(out.data<float>()[i], value(x[i])));
    const long double exact = slope(x[i]);
    const float got = gradient.data<float>()[i];
    slope_error = std::max(slope_error, slope_is_sum && std::abs(exact) < 0.1L && x[i] > -4
                                            ? static_cast<double>(std::abs(got - exact) * 0x1p24L)
                                            : units(got, exact));
  }
  EXPECT_LE(value_error, most) << name;
  EXPECT_LE(slope_error, most) << name;
}

long double density(long double x) { return std::exp(-x * x / 2) / std::sqrt(2 * pi); }

TEST(PackedFunctions, are_within_a_few_units_of_the_correctly_rounded_result) {
  const Exact erf_slope = [](long double x) { return 2 / std::sqrt(pi) * std::exp(-x * x); };
  check(
      "erf", erf, [](long double x) { return std::erf(x); }, erf_slope, -6, 6, 4);
  check(
      "erf, far out", erf, [](long double x) { return std::erf(x); }, erf_slope, -20, 20, 4);
  check("ndtr", ndtr, normal, density, -6, 6, 6);
  check("ndtr, down to subnormal numbers", ndtr, normal, density, -16, -5, 6);
  const Exact gelu_value = [](long double x) { return x * normal(x); };
  const Exact gelu_slope = [](long double x) { return normal(x) + x * density(x); };
  const Function exactly = [](const Operand& x) { return gelu(x); };
  check("gelu", exactly, gelu_value, gelu_slope, -4, 6, 9, true);
  check("gelu, far below 0", exactly, gelu_value, gelu_slope, -12.5, -5, 11, true);
}

TEST(PackedFunctions, in_pieces_are_within_two_units_and_the_same_beside_any_others) {
  if (simd::instruction_set() != simd::InstructionSet::avx512) GTEST_SKIP() << "only AVX-512 looks up pieces";
  std::vector<float> x;
  for (float at = -5.5F; at < 7; at += 0x1.01p-11F) x.push_back(at);
  for (float at = 1; at > 1e-40F; at *= 0.97F) x.insert(x.end(), {at, -at});
  const auto worst_of = [&](const Tensor& got, Exact exact, bool is_sum = false) {
    const std::vector<float> values = got.to_vector<float>();
    double most = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const long double right = exact(x[i]);
      const bool small = is_sum && std::abs(right) < 0.1L && x[i] > -4;
      most = std::max(
          most, small ? static_cast<double>(std::abs(values[i] - right) * 0x1p24L) : units(values[i], right));
    }
    return most;
  };
  const Tensor in = variable(tensor(x)), slope = gradients(sum(gelu(in)), {in}).at(in);
  EXPECT_LE(worst_of(erf(in), [](long double t) { return std::erf(t); }), 0.8);
  EXPECT_LE(worst_of(ndtr(in), normal), 2);
  EXPECT_LE(worst_of(gelu(in), [](long double t) { return t * normal(t); }), 2.1);
  EXPECT_LE(worst_of(
                slope, [](long double t) { return normal(t) + t * density(t); }, true),
            2.1);

  const Tensor large = variable(tensor({6.0F, 10.0F, 3e38F, infinity})), ones = ones_like(large);
  EXPECT_TRUE(array_equal(gelu(large), large));
  EXPECT_TRUE(array_equal(ndtr(large), ones) && array_equal(erf(large), ones));
  EXPECT_TRUE(array_equal(gradients(sum(gelu(large)), {large}).at(large), ones));

  std::vector<float> mixed = x;  // one of each pack far below 0
  for (std::size_t i = 0; i < x.size(); i += 16) mixed[i] = -7;
  const Tensor beside = variable(tensor(mixed)), there = tensor(mixed) != -7.0F;
  const Tensor slope_beside = gradients(sum(gelu(beside)), {beside}).at(beside);
  EXPECT_TRUE(array_equal(where(there, gelu(beside), 0), where(there, gelu(in), 0)));
  EXPECT_TRUE(array_equal(where(there, slope_beside, 0), where(there, slope, 0)));
}

/// Value, slope and second derivative down to where they are 0, in both dtypes.
template <class T>
void check_to_the_end(const char* name, Function f, Exact value, Exact slope, Exact second, double low) {
  std::vector<T> x;
  std::mt19937 engine(3);
  std::uniform_real_distribution<double> all(low, 6), near(-6, 6);
  for (int i = 0; i < 6000; ++i) x.push_back(static_cast<T>(i % 3 == 0 ? near(engine) : all(engine)));
  x.insert(x.end(), {T(1e-30), T(-1e-35), T(1000)});
  const Tensor in = variable(tensor(x)), out = f(in);
  const Tensor numbers = gradients(sum(out), {in}).at(in);
  const Tensor recorded = gradients(sum(out), {in}, {.create_graph = true}).at(in);
  EXPECT_LE(worst(x, out, value), 4) << name;
  for (const Tensor& got : {numbers, recorded}) EXPECT_LE(worst(x, got, slope, 0.5L), 4) << name;
  EXPECT_LE(worst(x, gradients(sum(recorded), {in}).at(in), second, 0.5L), 8) << name;
  // Where roots are far, the error is one of the derivatives themselves.
  std::vector<T> far;
  for (int i = 0; i < 3000; ++i) far.push_back(static_cast<T>(-4 + (low + 4) * i / 3000));
  const Tensor tail = variable(tensor(far));
  const Tensor of_tail = gradients(sum(f(tail)), {tail}, {.create_graph = true}).at(tail);
  EXPECT_LE(worst(far, of_tail, slope), 6) << name;
  EXPECT_LE(worst(far, gradients(sum(of_tail), {tail}).at(tail), second), 8) << name;
}

TEST(PackedFunctions, keep_their_digits_where_the_sigmoid_in_them_is_subnormal) {
  static constexpr auto share = [](long double x) { return 1 / (1 + std::exp(-x)); };
  const Exact silu_value = [](long double x) { return x * share(x); };
  const Exact silu_slope = [](long double x) { return share(x) * (1 + x * share(-x)); };
  const Exact silu_second = [](long double x) { return share(x) * share(-x) * (2 - x * std::tanh(x / 2)); };
  check_to_the_end<float>("silu", silu, silu_value, silu_slope, silu_second, -112);
  check_to_the_end<double>("silu", silu, silu_value, silu_slope, silu_second, -756);

  // tanh(log(1 + eˣ)) = n / (n + 2) for n = eˣ (eˣ + 2), of which these are the slopes.
  static constexpr auto first = [](long double w) {
    return 4 * w * (w + 1) / ((w * (w + 2) + 2) * (w * (w + 2) + 2));
  };
  const Exact mish_value = [](long double x) {
    const long double w = std::exp(std::min(x, 1000.0L)), n = w * (w + 2);
    return x * (n / (n + 2));
  };
  const Exact mish_slope = [](long double x) {
    const long double w = std::exp(std::min(x, 1000.0L)), n = w * (w + 2);
    return n / (n + 2) + x * first(w);
  };
  const Exact mish_second = [](long double x) {
    const long double w = std::exp(std::min(x, 1000.0L)), below = w * (w + 2) + 2;
    return 2 * first(w) +
           x * (4 * w * (2 * w + 1) - 16 * w * w * (w + 1) * (w + 1) / below) / (below * below);
  };
  check_to_the_end<float>("mish", mish, mish_value, mish_slope, mish_second, -112);
  check_to_the_end<double>("mish", mish, mish_value, mish_slope, mish_second, -756);

  static constexpr long double c = 1.5957691216057307117597842397375L, b = c * 44715 / 1000000;
  static constexpr auto inner = [](long double x) { return x * (c + b * x * x); };
  static constexpr auto rise = [](long double x) { return c + 3 * b * x * x; };
  const Exact gelu_value = [](long double x) { return x * share(inner(x)); };
  const Exact gelu_slope = [](long double x) {
    return share(inner(x)) * (1 + x * rise(x) * share(-inner(x)));
  };
  const Exact gelu_second = [](long double x) {
    const long double u = inner(x), by_one = rise(x);
    return share(u) * share(-u) * (2 * by_one + 6 * b * x * x - x * by_one * by_one * std::tanh(u / 2));
  };
  const Function gelu_tanh = [](const Operand& x) { return gelu(x, GeluApproximation::tanh); };
  check_to_the_end<float>("gelu(tanh)", gelu_tanh, gelu_value, gelu_slope, gelu_second, -11.2);
  check_to_the_end<double>("gelu(tanh)", gelu_tanh, gelu_value, gelu_slope, gelu_second, -21.8);
}

TEST(PackedFunctions, that_go_number_by_number_keep_their_digits_at_the_ends) {
  std::vector<double> x;
  for (int i = 0; i < 1000; ++i) x.push_back(-38.6 + 38 * i / 1000.0);
  const Tensor in = variable(tensor(x));
  const Exact value = [](long double t) { return t * normal(t); };
  const Exact slope = [](long double t) { return normal(t) + t * density(t); };
  EXPECT_LE(worst(x, gelu(in), value), 6);
  EXPECT_LE(worst(x, gradients(sum(gelu(in)), {in}).at(in), slope, 0.5L), 8);
  const std::vector<double> tail(x.begin(), x.begin() + 900);
  const Tensor far = variable(tensor(tail));
  EXPECT_LE(worst(tail, gradients(sum(gelu(far)), {far}).at(far), slope), 8);

  // At x = erf(y): √π/2 exp(y²), which is known where erf(y) is exact enough, as from 1 - erfc(y).
  for (const double below : {1e-3, 1e-6, 1e-9, 1e-12, 0x1p-50}) {
    const double at = 1 - below, exactly = 1 - at;
    long double y = 2;
    for (int step = 0; step < 100; ++step)
      y += (std::erfc(y) - exactly) * std::sqrt(pi) / 2 * std::exp(y * y);
    const Tensor t = variable(tensor({at, -at}));
    const Tensor first = gradients(sum(erfinv(t)), {t}, {.create_graph = true}).at(t);
    const long double exact = std::sqrt(pi) / 2 * std::exp(y * y);
    for (const double got : first.to_vector<double>())
      EXPECT_NEAR(got / static_cast<double>(exact), 1, 8 * 0x1p-53) << below;
    const double second = gradients(sum(first), {t}).at(t).to_vector<double>()[0];
    EXPECT_NEAR(second / static_cast<double>(2 * y * exact * exact), 1, 16 * 0x1p-53) << below;
  }
  std::vector<double> cubes;
  for (int i = 1; i < 2000; ++i) cubes.push_back(std::ldexp(1 + i / 2000.0, i % 300 - 150));
  EXPECT_LE(worst(cubes, cbrt(tensor(cubes)), [](long double t) { return std::cbrt(t); }), 0.7);
}

TEST(PackedFunctions, give_angles_within_a_few_units) {
  std::vector<float> y = numbers(-2, 2), x = numbers(-3, 3);
  std::rotate(x.begin(), x.begin() + 5, x.end());
  for (std::size_t i = 0; i < 1000; ++i) y[i] *= 0x1p-120F, x[i] *= 0x1p-120F;
  for (std::size_t i = 1000; i < 2000; ++i) y[i] *= 0x1p120F, x[i] *= 0x1p120F;
  const Tensor a = variable(tensor(y)), b = variable(tensor(x)), angle = atan2(a, b);
  const Gradients gradient = gradients(sum(angle), {a, b});
  for (std::size_t i = 0; i < x.size(); ++i) {
    const long double u = y[i], v = x[i], square = u * u + v * v;
    ASSERT_LE(units(angle.data<float>()[i], std::atan2(u, v)), 4) << y[i] << ' ' << x[i];
    ASSERT_LE(units(gradient.at(a).data<float>()[i], v / square), 4) << y[i] << ' ' << x[i];
    ASSERT_LE(units(gradient.at(b).data<float>()[i], -u / square), 4) << y[i] << ' ' << x[i];
  }
}

TEST(PackedFunctions, are_those_of_the_c_library_at_zeros_infinities_and_nan) {
  const std::vector<float> special = {0.0F, -0.0F, 1.0F, -1.0F, infinity, -infinity, nan, 1e-45F, 3e38F};
  std::vector<float> y, x;
  for (const float u : special)
    for (const float v : special) y.push_back(u), x.push_back(v);
  const Tensor angle = atan2(tensor(y), tensor(x));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto exact = static_cast<float>(std::atan2(static_cast<double>(y[i]), static_cast<double>(x[i])));
    EXPECT_LE(units(angle.data<float>()[i], exact), 1) << y[i] << ' ' << x[i];
    EXPECT_TRUE(std::isnan(exact) || std::signbit(angle.data<float>()[i]) == std::signbit(exact));
  }
  const Tensor in = tensor(special), error = erf(in), share = ndtr(in);
  for (std::size_t i = 0; i < special.size(); ++i) {
    EXPECT_LE(units(error.data<float>()[i], std::erf(special[i])), 2) << special[i];
    EXPECT_LE(units(share.data<float>()[i], normal(special[i])), 2) << special[i];
    EXPECT_TRUE(std::isnan(special[i]) || std::signbit(error.data<float>()[i]) == std::signbit(special[i]));
  }
  const Tensor far = variable(tensor({infinity, -infinity, 0.0F, nan}));
  const Tensor slopes = gradients(sum(atan2(far, 1.0F)), {far}).at(far);
  EXPECT_EQ(slopes.data<float>()[0], 0);
  EXPECT_EQ(slopes.data<float>()[2], 1);
  EXPECT_TRUE(std::isnan(slopes.data<float>()[3]));
  const Tensor of_gelu = gradients(sum(gelu(far)), {far}).at(far);
  EXPECT_EQ(of_gelu.data<float>()[0], 1);
  EXPECT_EQ(of_gelu.data<float>()[1], 0);
}

TEST(PackedFunctions, broadcast_and_pass_gradients_of_broadcast_inputs) {
  const Tensor a = variable(tensor({0.5F, -1.0F, 2.0F}, {3, 1})), b = variable(tensor({1.0F, 2.0F}));
  const Tensor angle = atan2(a, b);
  ASSERT_EQ(angle.shape(), Shape({3, 2}));
  EXPECT_FLOAT_EQ(angle.data<float>()[3], std::atan2(-1.0F, 2.0F));
  const Gradients gradient = gradients(sum(angle), {a, b});
  EXPECT_FLOAT_EQ(gradient.at(a).data<float>()[2], 1.0F / 5 + 2.0F / 8);
  EXPECT_FLOAT_EQ(gradient.at(b).data<float>()[0], -0.5F / 1.25F + 1.0F / 2 - 2.0F / 5);
}

}  // namespace
}  // namespace chainrule
