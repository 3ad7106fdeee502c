// A rule may be made of every function that formulas have, as each kind of number that rules are evaluated on
// has them all.

#include "ops/formula.h"

#include "chainrule/autograd.h"
#include "chainrule/simd.h"
#include "ops/elementwise.h"
#include "support.h"

namespace chainrule {
namespace rules {
namespace {

struct OfAll {
  static constexpr auto vjp_x(auto x, auto y, auto g) {
    return g * where(x <= y,
                     abs(x) + cos(x) + exp(x) + expm1(x) + log(x) + log1p(x) + maximum(x, y) + pow(x, y) / 2,
                     relu(x) + sigmoid(x) + sign(x) + sin(x) + softplus(x) + sqrt(x) + tanh(x) -
                         minimum(x, y) * logaddexp(x, y));
  }
};

}  // namespace
}  // namespace rules

namespace test {
namespace {

template <class T>
auto of_all(const T& x, const T& y, const T& g) {
  return ops::out_of_rule(rules::OfAll::vjp_x(x, y, ops::into_rule(g)));
}

TEST(Rules, may_be_made_of_all_functions) {
  for (const auto& [x, y] : {std::pair(0.75, 2.0), std::pair(1.75, 0.5)}) {
    const double expected = of_all(x, y, 3.0);
    EXPECT_TRUE(std::isfinite(expected));
    EXPECT_NEAR(of_all(Tensor(x), Tensor(y), Tensor(3.0)).item(), expected, 1e-13);
    EXPECT_NEAR(of_all(float(x), float(y), 3.0F), expected, 1e-4);
    const simd::Pack<double, 2> pack = of_all<simd::Pack<double, 2>>(x, y, 3.0);
    double lanes[2];
    pack.store(lanes);
    EXPECT_NEAR(lanes[1], expected, 1e-13);
  }
}

TEST(Rules, are_known_to_read_what_their_functions_do) {
  using namespace ops;
  constexpr Probe probe = rules::OfAll::vjp_x(probe_input(0), probe_output, probe_upstream);
  static_assert(probe.reads == (reads_input(0) | reads_output) && !probe.is_upstream && !probe.is_product);
  constexpr Probe product = rules::Mul::vjp_b(probe_input(0), probe_input(1), probe_output, probe_upstream);
  static_assert(product.reads == reads_input(0) && product.is_product);
  constexpr Probe quotient = rules::Div::vjp_a(probe_input(0), probe_input(1), probe_output, probe_upstream);
  static_assert(!quotient.is_product);
}

TEST(Rules, are_written_as_people_write_them) {
  using ops::Symbol;
  const Symbol x("x"), y("y");
  EXPECT_EQ((1 / sqrt(1 - x * x)).text(), "1 / √(1 − x²)");
  EXPECT_EQ((x / sqrt(abs(y - 1))).text(), "x / √|y − 1|");
  EXPECT_EQ(where(x <= 1, maximum(x, y), minimum(x, y)).text(), "max(x, y) if x ≤ 1 else min(x, y)");
  EXPECT_EQ((log1p(x) * (expm1(x) - softplus(y))).text(), "log1p(x) · (expm1(x) − softplus(y))");
  EXPECT_EQ((relu(x) + logaddexp(x, y)).text(), "relu(x) + logaddexp(x, y)");
}

}  // namespace
}  // namespace test
}  // namespace chainrule
