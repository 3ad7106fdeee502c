// Functions on packs for each instruction set, in units in the last place of what they should be. Kernels are
// called as they are, without tensors.

#include "chainrule/simd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace chainrule::simd {
namespace {

/// Distance from the exact result in units in the last place of the correctly rounded one.
template <class T>
double units(T got, long double exact) {
  const T rounded = static_cast<T>(exact);
  if (std::isnan(rounded)) return std::isnan(got) ? 0 : INFINITY;
  if (std::isinf(rounded)) return got == rounded ? 0 : INFINITY;
  int exponent = 0;
  std::frexp(rounded, &exponent);
  const int digits = std::numeric_limits<T>::digits, smallest = std::numeric_limits<T>::min_exponent - digits;
  const long double unit = std::ldexp(1.0L, std::max(exponent - digits, smallest));
  return static_cast<double>(std::abs((static_cast<long double>(got) - exact) / unit));
}

template <class F, class T>
struct Apply {
  template <int Bytes>
  static void run(const T* in, std::int64_t n, T* out) {
    using P = Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    for (std::int64_t i = 0; i < n; i += P::lanes) F()(P::load(in + i)).store(out + i);
  }
};

/// The worst error of F over random numbers in [low, high], spread over magnitudes, with the instruction
/// set in use (CHAINRULE_ISA chooses another).
template <class T, class F, class Exact>
double worst(F, Exact exact, double low, double high) {
  std::mt19937_64 engine(3);
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<T> in(1 << 16), out(in.size());
  for (std::size_t i = 0; i < in.size(); ++i)
    in[i] = static_cast<T>(i % 4 == 0 ? std::ldexp(uniform(engine), -static_cast<int>(engine() % 30))
                                      : uniform(engine));
  vectorized<Apply<F, T>>(static_cast<const T*>(in.data()), static_cast<std::int64_t>(in.size()), out.data());
  double error = 0;
  for (std::size_t i = 0; i < in.size(); ++i)
    error = std::max(error, units(out[i], exact(static_cast<long double>(in[i]))));
  return error;
}

template <class T>
struct Power {
  template <int Bytes>
  static void run(const T* a, const T* b, std::int64_t n, T* out) {
    using P = Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    for (std::int64_t i = 0; i < n; i += P::lanes) pow(P::load(a + i), P::load(b + i)).store(out + i);
  }
};

template <class T>
std::vector<T> powers(const std::vector<T>& a, const std::vector<T>& b) {
  std::vector<T> out(a.size());
  vectorized<Power<T>>(a.data(), b.data(), static_cast<std::int64_t>(a.size()), out.data());
  return out;
}

template <class T>
class SimdFunctions : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(SimdFunctions, Types);

TYPED_TEST(SimdFunctions, AreWithinFourUnitsOfTheCorrectlyRoundedResult) {
  using T = TypeParam;
  const bool single = sizeof(T) == 4;
  const auto check = [](const char* name, double error, double most = 4) { EXPECT_LE(error, most) << name; };
  const auto power = [](auto x) { return exp(x); };
  const auto exact_power = [](long double x) { return std::exp(x); };
  check("exp", worst<T>(power, exact_power, single ? -86 : -707, single ? 88 : 709), 2);
  check("exp down to subnormal numbers", worst<T>(power, exact_power, single ? -103 : -745, 0), 2);
  check("log", worst<T>([](auto x) { return log(x); }, [](long double x) { return std::log(x); }, 0, 100));
  check("log near 1",
        worst<T>([](auto x) { return log(x); }, [](long double x) { return std::log(x); }, 0.5, 2));
  check("expm1", worst<T>([](auto x) { return expm1(x); }, [](long double x) { return std::expm1(x); },
                          single ? -86 : -707, single ? 88 : 709));
  check("log1p",
        worst<T>([](auto x) { return log1p(x); }, [](long double x) { return std::log1p(x); }, -1, 100));
  check("tanh", worst<T>([](auto x) { return tanh(x); }, [](long double x) { return std::tanh(x); }, -25, 25),
        3);
  check("tanh of tiny numbers",
        worst<T>([](auto x) { return tanh(x); }, [](long double x) { return std::tanh(x); }, -1e-35, 1e-35),
        3);
  const auto exact_sigmoid = [](long double x) { return 1 / (1 + std::exp(-x)); };
  check("sigmoid", worst<T>([](auto x) { return sigmoid(x); }, exact_sigmoid, -100, 100), 3);
  check("sigmoid down to subnormal numbers",
        worst<T>([](auto x) { return sigmoid(x); }, exact_sigmoid, single ? -104 : -746, 0), 3);
  const auto exact_slope = [](long double x) {
    const long double e = std::exp(-std::abs(x));
    return e / ((1 + e) * (1 + e));
  };
  check("sigmoid_slope", worst<T>([](auto x) { return sigmoid_slope(x); }, exact_slope, -30, 30));
  check("sigmoid_slope down to subnormal numbers",
        worst<T>([](auto x) { return sigmoid_slope(x); }, exact_slope, single ? -104 : -746,
                 single ? 104 : 746));
  const auto exact_tanh_slope = [&](long double x) { return 4 * exact_slope(2 * x); };
  check("tanh_slope", worst<T>([](auto x) { return tanh_slope(x); }, exact_tanh_slope, -15, 15), 5);
  check("tanh_slope down to 0",
        worst<T>([](auto x) { return tanh_slope(x); }, exact_tanh_slope, single ? -60 : -400,
                 single ? 60 : 400),
        5);
  check("sin",
        worst<T>([](auto x) { return sin(x); }, [](long double x) { return std::sin(x); }, -8000, 8000));
  check("cos",
        worst<T>([](auto x) { return cos(x); }, [](long double x) { return std::cos(x); }, -8000, 8000));
  check("sin of far",
        worst<T>([](auto x) { return sin(x); }, [](long double x) { return std::sin(x); }, -1e7, 1e7));
  check("sqrt",
        worst<T>([](auto x) { return sqrt(x); }, [](long double x) { return std::sqrt(x); }, 0, 1000));
}

TYPED_TEST(SimdFunctions, HaveSlopesOfExactlyZeroFarOut) {
  using T = TypeParam;
  auto slopes = [](auto x) { return tanh_slope(x) + sigmoid_slope(x); };
  constexpr T infinity = std::numeric_limits<T>::infinity();
  std::vector<T> far(64, infinity);
  far[1] = -infinity;
  far[2] = T(1e30);
  far[3] = T(-800);
  std::vector<T> out(far.size(), T(1));
  vectorized<Apply<decltype(slopes), T>>(far.data(), static_cast<std::int64_t>(far.size()), out.data());
  EXPECT_EQ(out, std::vector<T>(far.size(), T(0)));
}

TYPED_TEST(SimdFunctions, RaiseToPowersWithinFourUnitsOverTheWholeRange) {
  using T = TypeParam;
  const bool single = sizeof(T) == 4;
  std::mt19937_64 engine(5);
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(engine);
  };
  const double lowest = single ? -103 : -745, highest = single ? 88.7 : 709.7;
  const auto check = [&](const char* name, auto base, auto exponent) {
    std::vector<T> a(1 << 15), b(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      a[i] = static_cast<T>(base());
      b[i] = static_cast<T>(exponent(static_cast<double>(a[i])));
      if (!std::isfinite(b[i])) b[i] = T(3.3);
    }
    const std::vector<T> out = powers(a, b);
    for (std::size_t i = 0; i < a.size(); ++i)
      ASSERT_LE(units(out[i], std::pow(static_cast<long double>(a[i]), static_cast<long double>(b[i]))), 4)
          << name << ": " << a[i] << " to the power " << b[i];
  };
  const auto up_to_the_ends = [&](double a) { return uniform(lowest, highest) / std::log(a); };
  check(
      "plain", [&] { return uniform(0, 10); }, [&](double) { return uniform(-5, 5); });
  check(
      "all bases", [&] { return std::exp(uniform(single ? -87 : -708, highest)); }, up_to_the_ends);
  check(
      "near 1", [&] { return 1 + uniform(-1, 1) * std::exp2(-uniform(2, single ? 23 : 52)); },
      up_to_the_ends);
  check(
      "subnormal bases", [&] { return std::ldexp(uniform(0, 1), single ? -127 : -1023); },
      [&](double) { return uniform(-0.9, 0.9); });
  for (const double exponent : {-3.0, -2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0, 3.0})
    check(
        "one exponent", [&] { return std::exp(uniform(single ? -103 : -744, highest)); },
        [&](double) { return exponent; });
  check(
      "negative bases", [&] { return -std::exp(uniform(-4, 4)); },
      [&](double) { return std::round(uniform(-20, 20)); });
}

TYPED_TEST(SimdFunctions, RaiseToPowersAsTheLibraryOfCAtSpecialValues) {
  using T = TypeParam;
  using Limits = std::numeric_limits<T>;
  const T infinity = Limits::infinity(), nan = Limits::quiet_NaN(), large = T(1) / Limits::epsilon();
  const std::vector<T> all = {0,
                              -T(0),
                              1,
                              -1,
                              2,
                              -2,
                              T(0.5),
                              T(-0.5),
                              3,
                              -3,
                              T(2.5),
                              T(-2.5),
                              infinity,
                              -infinity,
                              nan,
                              large,
                              -large,
                              2 * large,
                              large - 1,
                              1 - large,
                              Limits::max(),
                              Limits::min(),
                              Limits::denorm_min(),
                              -Limits::denorm_min(),
                              T(1e30),
                              T(-1e30)};
  std::vector<T> a, b;
  for (const T base : all)
    for (const T exponent : all) {
      a.insert(a.end(), {base, base, T(1.5), base});  // among others, too
      b.insert(b.end(), {exponent, exponent, T(0.7), exponent});
    }
  while (a.size() % 16 != 0) a.push_back(1), b.push_back(1);
  // And where all lanes have the same exponent, also without a negative base.
  for (int halves = -7; halves <= 7; ++halves)
    for (const bool any_sign : {true, false})
      for (std::size_t i = 0; i < 32; ++i) {
        const T base = all[i % all.size()];
        a.push_back(!any_sign && base < 0 ? -base : base);
        b.push_back(static_cast<T>(halves) / 2);
      }
  const std::vector<T> out = powers(a, b);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const T wanted = std::pow(a[i], b[i]);
    EXPECT_LE(units(out[i], static_cast<long double>(wanted)), 4) << a[i] << " to the power " << b[i];
    EXPECT_TRUE(wanted != 0 || std::signbit(out[i]) == std::signbit(wanted))
        << a[i] << " to the power " << b[i];
  }
}

TYPED_TEST(SimdFunctions, FollowTheLibraryOfCAtSpecialValues) {
  using T = TypeParam;
  const T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const T tiny = std::numeric_limits<T>::denorm_min();
  const auto check = [&](const char* name, auto f, auto reference) {
    for (const T x : {infinity, -infinity, nan, T(0), -T(0), tiny, -tiny, T(1), T(-1), T(1e4), T(-1e4)}) {
      const T got = f(Pack<T, 16 / sizeof(T)>(x)).v[0], wanted = static_cast<T>(reference(x));
      EXPECT_LE(units(got, static_cast<long double>(wanted)), 4) << name << " of " << x;
      EXPECT_TRUE(wanted != 0 || std::signbit(got) == std::signbit(wanted)) << name << " of " << x;
    }
  };
  check(
      "exp", [](auto x) { return exp(x); }, [](T x) { return std::exp(x); });
  check(
      "log", [](auto x) { return log(x); }, [](T x) { return std::log(x); });
  check(
      "expm1", [](auto x) { return expm1(x); }, [](T x) { return std::expm1(x); });
  check(
      "log1p", [](auto x) { return log1p(x); }, [](T x) { return std::log1p(x); });
  check(
      "tanh", [](auto x) { return tanh(x); }, [](T x) { return std::tanh(x); });
  check(
      "sigmoid", [](auto x) { return sigmoid(x); }, [](T x) { return 1 / (1 + std::exp(-x)); });
  check(
      "relu", [](auto x) { return relu(x); }, [](T x) { return x <= 0 ? T(0) : x; });
  check(
      "sin", [](auto x) { return sin(x); }, [](T x) { return std::sin(x); });
  check(
      "cos", [](auto x) { return cos(x); }, [](T x) { return std::cos(x); });
  check(
      "sqrt", [](auto x) { return sqrt(x); }, [](T x) { return std::sqrt(x); });
  check(
      "abs", [](auto x) { return abs(x); }, [](T x) { return std::abs(x); });
}

/// The sum and the largest of the lanes of each pack, one after the other.
template <class T>
struct FoldLanes {
  template <int Bytes>
  static void run(const T* in, T* sum, T* largest, int* lanes) {
    using P = Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    *lanes = P::lanes;
    *sum = sum_of_lanes(P::load(in));
    *largest = largest_lane(P::load(in));
  }
};

TYPED_TEST(SimdFunctions, FoldAllLanes) {
  using T = TypeParam;
  for (int peak = 0; peak < 16; ++peak) {
    T in[16], sum = 0, largest = 0, expected = 0;
    int lanes = 0;
    for (int i = 0; i < 16; ++i) in[i] = static_cast<T>(i == peak ? 100 : -i);
    vectorized<FoldLanes<T>>(static_cast<const T*>(in), &sum, &largest, &lanes);
    for (int i = 0; i < lanes; ++i) expected += in[i];
    EXPECT_EQ(sum, expected);
    EXPECT_EQ(largest, *std::max_element(in, in + lanes));
  }
}

TYPED_TEST(SimdFunctions, TakeTheSecondOperandWhereEitherIsNaN) {
  using T = TypeParam;
  using P = Pack<T, 16 / sizeof(T)>;
  const T nan = std::numeric_limits<T>::quiet_NaN();
  EXPECT_EQ(larger(P(nan), P(2)).v[0], 2);
  EXPECT_EQ(smaller(P(nan), P(2)).v[0], 2);
  EXPECT_TRUE(std::isnan(larger(P(2), P(nan)).v[0]));
  EXPECT_TRUE(std::isnan(smaller(P(2), P(nan)).v[0]));
  EXPECT_TRUE(std::isnan(maximum(P(2), P(nan)).v[0]));
  EXPECT_TRUE(std::isnan(minimum(P(nan), P(2)).v[0]));
}

}  // namespace
}  // namespace chainrule::simd
