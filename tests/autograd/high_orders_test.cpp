// Derivatives up to the sixth against closed forms, of operations and of a `map`. support.h reads and
// compares tensors.

#include <cmath>
#include <functional>
#include <numbers>

#include "chainrule/autograd.h"
#include "chainrule/derivatives.h"
#include "chainrule/functions.h"
#include "chainrule/map.h"
#include "chainrule/profile.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "support.h"

namespace chainrule::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

std::vector<double> derivatives(const std::function<Tensor(const Tensor&)>& function, double at, int orders) {
  const Tensor x = variable(at);
  Tensor y = function(x);
  std::vector<double> all;
  for (int order = 1; order <= orders; ++order) {
    y = gradients(y, {x}, {.create_graph = order < orders}).at(x);
    all.push_back(y.item());
  }
  return all;
}

void expect_close(const std::vector<double>& actual, const std::vector<double>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(actual[i], expected[i], 1e-10 * std::max(1e-3, std::abs(expected[i]))) << "order " << i + 1;
}

/// A captured number says which, so that there is one formula to compile.
constexpr auto formula = [](int which, auto x) {
  switch (which) {
    case 0: return 1 / x;
    case 1: return pow(x, 2.5);
    case 2: return pow(x, -3);
    case 3: return exp(sin(x));
    case 4: return tanh(x);
    case 5: return tanh(x);
    case 6: return sigmoid(x);
    case 7: return sigmoid(x);
    case 8: return softplus(x);
    case 9: return sqrt(x);
    case 10: return log(x);
    case 11: return log1p(x) * expm1(x);
    case 12: return cos(x * x) / (1 + x);
    case 13: return pow(x, x);
    default: return logaddexp(x, 2 * x);
  }
};
struct Expected {
  double at;
  std::vector<double> derivatives;
};
/// By mpmath, with 60 digits.
const std::vector<Expected> expected = {
    {4, {-0.0625, 0.03125, -0.0234375, 0.0234375, -0.029296875, 0.0439453125}},  // 1 / x
    {1.7,
     {5.5413220444222512, 4.8894018039019865, 1.4380593540888196, -0.42295863355553518, 0.37319879431370753,
      -0.54882175634368755}},  // pow(x, 2.5)
    {1.7,
     {-0.35919110163910876, 0.84515553326849123, -2.485751568436739, 8.7732408297767261, -36.125109299080638,
      170.00051434861477}},  // pow(x, -3)
    {0.8,
     {1.4275580740798288, -0.47527954730701723, -3.8068234826120259, -3.1433044562954223, 16.24404143354377,
      49.207701080463321}},  // exp(sin(x))
    {0.6,
     {0.71157776258722283, -0.76430505856579752, -0.19174642290293701, 3.469129567836968, -6.1396224750824501,
      -21.022046596249447}},  // tanh(x)
    {4,
     {0.0013409506830258969, -0.0026801026141057864, 0.0053530138396977418, -0.01067728383125157,
      0.02123972242775025, -0.04202084424258548}},  // tanh(x)
    {1.3,
     {0.16829836246906023, -0.096211119164868428, -0.001647670389542852, 0.098094966516287256,
      -0.10939902105963516, -0.10572257189643238}},  // sigmoid(x)
    {-9,
     {0.00012337934976484891, 0.00012334890107974953, 0.00012328801498115853, 0.00012316627659323639,
      0.00012292290122292145, 0.00012243645460989575}},  // sigmoid(x)
    {2,
     {0.88079707797788244, 0.10499358540350652, -0.079962501056153063, 0.038851667548206016,
      0.020784095148453177, -0.086826461851151872}},  // softplus(x)
    {2.25,
     {0.33333333333333333, -0.074074074074074074, 0.049382716049382716, -0.054869684499314129,
      0.085352842554488645, -0.17070568510897729}},  // sqrt(x)
    {3,
     {0.33333333333333333, -0.11111111111111111, 0.074074074074074074, -0.074074074074074074,
      0.098765432098765432, -0.16460905349794239}},  // log(x)
    {0.3,
     {0.62327687285849111, 2.2238435250909177, 1.3915021961231632, 3.8954766716215522, -2.0704516538696295,
      20.297805003943645}},  // log1p(x) * expm1(x)
    {0.9,
     {-0.87716359260322285, -1.014853729630263, -0.093673203190214235, 14.473197740318577, 38.207486670985194,
      4.3343897877477511}},  // cos(x * x) / (1 + x)
    {1.4,
     {2.1406180900406229, 4.004943002407143, 7.5933307206979236, 16.62125479970877, 35.388312857218566,
      87.537008367856453}},  // pow(x, x)
    {0.5,
     {1.6224593312018546, 0.23500371220159449, -0.057556794852320741, -0.096356756289584614,
      0.10475593058033124, 0.13562017319143043}},  // logaddexp(x, 2 * x)
};

TEST(HighOrders, agree_with_closed_forms) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const int which = static_cast<int>(i);
    SCOPED_TRACE("formula " + std::to_string(which));
    const auto f = [which](auto x) { return formula(which, x); };
    expect_close(derivatives([&](const Tensor& x) { return f(x); }, expected[i].at, 6),
                 expected[i].derivatives);
    expect_close(derivatives([&](const Tensor& x) { return map(f, x); }, expected[i].at, 6),
                 expected[i].derivatives);
  }
}

// On the way from one derivative to the next, exponents become 0, where the slope of a power is 0, but not
// what it grows by with the exponent. By mpmath.
TEST(HighOrders, of_powers_are_right_where_exponents_pass_0) {
  const auto f = [](auto x) { return pow(x, x); };
  const std::vector<Expected> at_whole_numbers = {
      {1, {1, 2, 3, 8, 10, 54}},
      {2,
       {6.7725887222397812, 13.466989500152368, 28.574184025053151, 64.501341827368488, 151.43073757945976,
        370.18129078474492}},
  };
  for (const auto& [at, right] : at_whole_numbers) {
    expect_close(derivatives([&](const Tensor& x) { return f(x); }, at, 6), right);
    expect_close(derivatives([&](const Tensor& x) { return map(f, x); }, at, 6), right);
  }
}

// Even functions are computed by |x|, which is not smooth. By mpmath.
TEST(HighOrders, of_smooth_functions_are_right_at_0) {
  const std::vector<std::pair<std::function<Tensor(const Tensor&)>, std::vector<double>>> functions = {
      {[](const Tensor& x) { return silu(x); }, {0.5, 0.5, 0, -0.5, 0, 1.5}},
      {[](const Tensor& x) { return mish(x); }, {0.6, 0.64, -0.096, -1.1008, -0.0448, 5.62944}},
      {[](const Tensor& x) { return gelu(x); },
       {0.5, 0.79788456080286536, 0, -1.5957691216057307, 0, 7.1809610472257882}},
      {[](const Tensor& x) { return gelu(x, GeluApproximation::tanh); },
       {0.5, 0.79788456080286536, 0, -1.6036674522601095, 0, 7.3451211165118779}},
      {[](const Tensor& x) { return sinc(x / std::numbers::pi); }, {0, -1 / 3.0, 0, 1 / 5.0, 0, -1 / 7.0}},
      {[](const Tensor& x) { return asinh(x); }, {1, 0, -1, 0, 9, 0}},
      {[](const Tensor& x) { return asin(x); }, {1, 0, 1, 0, 9, 0}},
      {[](const Tensor& x) { return erfinv(x); },
       {0.88622692545275801, 0, 1.392081999207927, 0, 15.306741036671755, 0}},
      {[](const Tensor& x) {
         return vector_norm(stack({x, 1.0}), 4);
       },
       {0, 0, 0, 6, 0, 0}},
      {[](const Tensor& x) {
         return norm(stack({x, 1.0}));
       },
       {0, 1, 0, -3, 0, 45}},
  };
  for (std::size_t i = 0; i < functions.size(); ++i) {
    SCOPED_TRACE("function " + std::to_string(i));
    expect_close(derivatives(functions[i].first, 0, 6), functions[i].second);
  }
}

// hvp of a Taylor coefficient of a tangent is of the fifth order, and jet and hvp differentiate twice for
// each.
TEST(HighOrders, of_a_map_in_nested_transforms_cost_no_more_than_some_of_its_formula) {
  const auto waves = [](auto x) { return sin(x) * x + exp(-x * x); };
  const auto nested = [](const auto& f, const Tensor& at) {
    const auto tangent = [&](const Tensor& x) { return jvp(f, x, cos(x)).tangent; };
    const auto coefficient = [&](const Tensor& x) { return sum(jet(tangent, x, cos(x), 2)[2]); };
    return hvp(coefficient, at, cos(at));
  };
  const auto calls = [&](const auto& f, Tensor& result) {
    const Profile profile;
    result = nested(f, tensor({0.3, -0.2}));
    std::int64_t count = 0;
    for (const ProfileRow& row : profile.rows()) count += row.forward.calls + row.backward.calls;
    return count;
  };
  Tensor by_map, by_formula;
  const std::int64_t of_map = calls([&](const Tensor&x) { return map(waves, x); }, by_map),
                     of_formula = calls([&](const Tensor&x) { return waves(x); }, by_formula);
  EXPECT_TRUE(close(by_map, by_formula, 1e-12));
  EXPECT_LT(of_map, 3 * of_formula) << of_map << " " << of_formula;
}

TEST(HighOrders, of_powers_at_zero_are_those_of_polynomials) {
  using Numbers = std::vector<double>;
  for (const double at : {0.0, -0.0}) {
    const auto power = [&](double n) {
      return derivatives([n](const Tensor& x) { return pow(x, n); }, at, 6);
    };
    const auto mapped = [&](double n) {
      return derivatives([n](const Tensor& x) { return map([n](auto v) { return pow(v, n); }, x); }, at, 6);
    };
    for (const auto& ways : {std::function<Numbers(double)>(power), std::function<Numbers(double)>(mapped)}) {
      EXPECT_EQ(ways(0), (Numbers{0, 0, 0, 0, 0, 0}));
      EXPECT_EQ(ways(1), (Numbers{1, 0, 0, 0, 0, 0}));
      EXPECT_EQ(ways(2), (Numbers{0, 2, 0, 0, 0, 0}));
      EXPECT_EQ(ways(3), (Numbers{0, 0, 6, 0, 0, 0}));
      EXPECT_EQ(ways(5), (Numbers{0, 0, 0, 0, 120, 0}));
    }
  }
  const Tensor x = variable({0.0, 2.0});
  EXPECT_TRUE(equals(jvp(pow(x, 0), x, ones_like(x)), {2}, {0, 0}));
  EXPECT_TRUE(equals(jvp(pow(x, 1), x, ones_like(x)), {2}, {1, 1}));
}

TEST(HighOrders, of_roots_and_logarithms_at_their_pole_are_infinite) {
  using Numbers = std::vector<double>;
  const std::function<Tensor(const Tensor&)> root = [](const Tensor&x) { return sqrt(x); },
                                             mapped_root =
                                                 [](const Tensor&x) {
                                                   return map([](auto v) { return sqrt(v); }, x);
                                                 },
                                             half_power = [](const Tensor&x) { return pow(x, 0.5); },
                                             logarithm = [](const Tensor&x) { return log(x); },
                                             mapped_logarithm = [](const Tensor&x) {
                                               return map([](auto v) { return log(v); }, x);
                                             };
  for (const auto& f : {root, mapped_root, half_power, logarithm, mapped_logarithm})
    EXPECT_EQ(derivatives(f, 0.0, 3), (Numbers{infinity, -infinity, infinity}));
}

TEST(HighOrders, of_what_is_masked_are_zero) {
  using Numbers = std::vector<double>;
  const auto masked = [](auto x) { return where(x > 0, sqrt(x) + log(x) + 1 / x + pow(x, -0.5), x); };
  for (const double at : {0.0, -1.0}) {
    EXPECT_EQ(derivatives([&](const Tensor& x) { return masked(x); }, at, 4), (Numbers{1, 0, 0, 0})) << at;
    EXPECT_EQ(derivatives([&](const Tensor& x) { return map(masked, x); }, at, 4), (Numbers{1, 0, 0, 0}))
        << at;
  }
}

TEST(HighOrders, of_a_root_of_a_loss_that_is_stationary_are_not_lost) {
  // (√x - 2)² at 4: the gradient is 0 there, the second derivative 1/8.
  const auto f = [](auto x) { return square(sqrt(x) - 2); };
  for (const auto& way : {std::function<Tensor(const Tensor&)>(f),
                          std::function<Tensor(const Tensor&)>([=](const Tensor& x) { return map(f, x); })}) {
    const auto all = derivatives(way, 4, 3);
    EXPECT_EQ(all[0], 0);
    EXPECT_NEAR(all[1], 0.125, 1e-15);
    EXPECT_NEAR(all[2], -0.09375 / 2, 1e-15);
  }
}
}  // namespace
}  // namespace chainrule::test
