// Special functions of float32, which are computed on packs of numbers: how exact they and their slopes are,
// in units in the last place, and what they are at zeros, infinities and NaN. CHAINRULE_ISA chooses the
// instruction set.

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "chainrule/autograd.h"
#include "chainrule/functions.h"

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

using Function = Tensor (*)(const Operand&);
using Exact = long double (*)(long double);

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

const long double pi = std::acos(-1.0L);
long double normal(long double x) { return std::erfc(-x / std::sqrt(2.0L)) / 2; }
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
