// Functions of two numbers that are computed on packs: how exact they and their slopes are, and what they are
// at zeros, infinities and NaN. CHAINRULE_ISA chooses the instruction set.

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "chainrule/ops.h"
#include "chainrule/statistics.h"
#include "ops/units.h"

namespace chainrule {
namespace {

template <class T>
class FunctionsOfTwoFloats : public testing::Test {};
struct NameOfNumber {
  template <class T>
  static std::string GetName(int) {
    return std::string(to_string(dtype_of<T>));
  }
};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(FunctionsOfTwoFloats, Floats, NameOfNumber);

template <class T>
bool are_same(T one, T other) {
  return (std::isnan(one) && std::isnan(other)) || (one == other && std::signbit(one) == std::signbit(other));
}

template <class T>
struct Operands {
  std::vector<T> a, b;

  /// Each with each of what is special.
  void add_special() {
    using Limits = std::numeric_limits<T>;
    const T special[] = {0,
                         T(-0.0),
                         1,
                         -1,
                         T(-3.5),
                         T(0.1),
                         Limits::denorm_min(),
                         -Limits::denorm_min(),
                         Limits::min(),
                         Limits::max() / 4,
                         -Limits::max() / 4,
                         Limits::infinity(),
                         -Limits::infinity(),
                         Limits::quiet_NaN()};
    for (const T u : special)
      for (const T v : special) a.push_back(u), b.push_back(v);
  }
};

TYPED_TEST(FunctionsOfTwoFloats, divide_exactly) {
  using T = TypeParam;
  using Limits = std::numeric_limits<T>;
  constexpr std::uint64_t seed = 5;
  SCOPED_TRACE(seed);
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  std::uniform_int_distribution<int> any_power(Limits::min_exponent - Limits::digits, Limits::max_exponent);
  Operands<T> of;
  for (int i = 0; i < 20000; ++i) {  // quotients of many sizes, whole ones and those next to them, among them
    const auto by = static_cast<T>(std::ldexp(normal(engine), static_cast<int>(engine() % 12) - 6));
    const auto quotient =
        static_cast<T>(std::ldexp(normal(engine), static_cast<int>(engine() % (3 * Limits::digits)) - 3));
    const T whole = by * std::round(quotient);
    of.b.push_back(i % 10 == 0 ? std::ldexp(by, any_power(engine)) : by);
    of.a.push_back(i % 10 == 0  ? std::ldexp(quotient, any_power(engine))
                   : i % 2 == 0 ? by * quotient
                   : i % 3 == 0 ? std::nextafter(whole, T(0))
                                : whole);
  }
  of.add_special();
  const Tensor x = tensor(of.a), y = tensor(of.b), left = fmod(x, y), rest = remainder(x, y),
               whole = floor_divide(x, y);
  for (std::size_t i = 0; i < of.a.size(); ++i) {
    const T a = of.a[i], b = of.b[i];
    ASSERT_TRUE(are_same(left.data<T>()[i], std::fmod(a, b))) << a << " by " << b;
    // One number alone is computed by the C library.
    ASSERT_TRUE(are_same(rest.data<T>()[i], remainder(tensor(a), tensor(b)).template item<T>()))
        << a << " by " << b;
    ASSERT_TRUE(are_same(whole.data<T>()[i], floor_divide(tensor(a), tensor(b)).template item<T>()))
        << a << " by " << b;
  }
}

TEST(FunctionsOfTwoIntegers, divide_whole_numbers_of_any_size) {
  constexpr std::uint64_t seed = 3;
  SCOPED_TRACE(seed);
  std::mt19937_64 engine(seed);
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min(), middle = std::int64_t{1} << 51;
  std::vector<std::int64_t> a, b;
  for (int i = 0; i < 20000; ++i) {  // products, and what is next to them, among them
    const auto any = [&] { return static_cast<std::int64_t>(engine()) >> (engine() % 64); };
    const std::int64_t by = any(), factor = any() >> 30;
    b.push_back(by);
    a.push_back(i % 2 == 0 ? any()
                           : static_cast<std::int64_t>(static_cast<std::uint64_t>(by) * factor) + i % 3 - 1);
  }
  const std::int64_t special[] = {0,
                                  1,
                                  -1,
                                  2,
                                  -2,
                                  7,
                                  middle,
                                  middle - 1,
                                  -middle,
                                  least,
                                  least + 1,
                                  -(least + 1),
                                  -middle - 1,
                                  middle + 1,
                                  2 * middle,
                                  -2 * middle,
                                  -3000000000000000};
  for (const std::int64_t u : special)
    for (const std::int64_t v : special) a.push_back(u), b.push_back(v);
  const auto expect = [](Tensor (*f)(const Operand&, const Operand&), const std::vector<std::int64_t>& x,
                         const std::vector<std::int64_t>& y) {
    const Tensor all = y.size() == 1 ? f(tensor(x), tensor(y[0])) : f(tensor(x), tensor(y));
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::int64_t u = x[i], v = y[y.size() == 1 ? 0 : i],
                         alone = f(tensor(u), tensor(v)).item<std::int64_t>();
      ASSERT_EQ(all.data<std::int64_t>()[i], alone) << u << " by " << v;
    }
  };
  for (const auto f : {chainrule::fmod, chainrule::remainder, chainrule::floor_divide}) {
    expect(f, a, b);
    for (const std::int64_t v : special) expect(f, a, {v});
  }
  EXPECT_TRUE(array_equal(floor_divide(tensor({7, -7, 7, -7, 0, 8}), tensor({2, 2, -2, -2, 3, -2})),
                          tensor({3, -4, -4, 3, 0, -4})));
  EXPECT_TRUE(array_equal(fmod(tensor({7, -7, 7, -7, 0, 8}), tensor({2, 2, -2, -2, 3, -2})),
                          tensor({1, -1, 1, -1, 0, 0})));
}

/// Lengths, angles and their slopes at the points (b, a).
template <class T>
void check_sides(const Operands<T>& of) {
  const auto units = [](T got, long double exact) {
    int exponent = 0;
    std::frexp(exact, &exponent);
    using Limits = std::numeric_limits<T>;
    const int unit = std::max(exponent, Limits::min_exponent) - Limits::digits;
    return static_cast<double>(std::ldexp(std::abs(got - exact), -unit));
  };
  const Tensor a = variable(tensor(of.a)), b = variable(tensor(of.b));
  const Tensor angle = atan2(a, b), length = hypot(a, b);
  const Gradients of_angle = gradients(sum(angle), {a, b}), of_length = gradients(sum(length), {a, b});
  double most[6] = {};
  for (std::size_t i = 0; i < of.a.size(); ++i) {
    const long double u = of.a[i], v = of.b[i], exact = std::hypot(u, v);
    const double errors[6] = {units(angle.data<T>()[i], std::atan2(u, v)),
                              units(of_angle.at(a).template data<T>()[i], v / exact / exact),
                              units(of_angle.at(b).template data<T>()[i], -u / exact / exact),
                              units(length.data<T>()[i], exact),
                              units(of_length.at(a).template data<T>()[i], u / exact),
                              units(of_length.at(b).template data<T>()[i], v / exact)};
    for (int k = 0; k < 6; ++k)
      if (!(errors[k] <= most[k])) most[k] = errors[k];
  }
  EXPECT_LE(most[0], 4) << "atan2";
  EXPECT_LE(most[1], 4) << "slope of atan2";
  EXPECT_LE(most[2], 4) << "slope of atan2";
  EXPECT_LE(most[3], 2) << "hypot";
  EXPECT_LE(most[4], 4) << "slope of hypot";
  EXPECT_LE(most[5], 4) << "slope of hypot";
}

TYPED_TEST(FunctionsOfTwoFloats, are_within_a_few_units_of_the_correctly_rounded_result) {
  using T = TypeParam;
  constexpr std::uint64_t seed = 7;
  SCOPED_TRACE(seed);
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<T> uniform(-2, 2);
  constexpr int far = std::numeric_limits<T>::max_exponent - 8;
  for (const int scale : {0, far / 2, -far / 2, far, 40 - far}) {  // none is subnormal
    Operands<T> of;
    for (int i = 0; i < 5000; ++i) {
      const int apart = i % 3 == 0 ? static_cast<int>(engine() % 30) : 0;
      of.a.push_back(std::ldexp(uniform(engine), i % 2 == 0 ? scale : scale - apart));
      of.b.push_back(std::ldexp(uniform(engine), i % 2 == 0 ? scale - apart : scale));
    }
    SCOPED_TRACE(scale);
    check_sides(of);
  }
}

TYPED_TEST(FunctionsOfTwoFloats, are_what_one_number_alone_is_at_zeros_infinities_and_nan) {
  using T = TypeParam;
  Operands<T> of;
  of.add_special();
  using F = Tensor (*)(const Operand&, const Operand&);
  for (const F f :
       {F(chainrule::atan2), F(chainrule::hypot), F(chainrule::copysign), F(chainrule::heaviside)}) {
    const Tensor a = variable(tensor(of.a)), b = variable(tensor(of.b)), y = f(a, b);
    const Gradients slopes = gradients(sum(y), {a, b});
    for (std::size_t i = 0; i < of.a.size(); ++i) {
      const Tensor u = variable(tensor(of.a[i])), v = variable(tensor(of.b[i])), alone = f(u, v);
      const Gradients of_alone = gradients(alone, {u, v});
      const auto expect = [&](const Tensor& all, const Tensor& one) {
        const T got = all.data<T>()[i], right = one.item<T>();
        const bool is_near =
            std::abs(got - right) <= 4 * std::numeric_limits<T>::epsilon() * std::abs(right) +
                                         2 * std::numeric_limits<T>::denorm_min();
        EXPECT_TRUE(are_same(got, right) || (is_near && right != 0))
            << of.a[i] << ' ' << of.b[i] << ": " << got << " and " << right;
      };
      expect(y, alone);
      expect(slopes.at(a), of_alone.at(u));
      expect(slopes.at(b), of_alone.at(v));
    }
  }
}

}  // namespace
}  // namespace chainrule
