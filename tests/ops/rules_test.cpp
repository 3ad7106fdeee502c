// The operations and `map` differentiate by the same rules: at kinks, poles, zeros of both signs, infinities,
// NaN and far out, their values and derivatives of the first to the third order are the same.

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "chainrule/autograd.h"
#include "chainrule/map.h"
#include "op_cases.h"

namespace chainrule::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// A captured number says which function it is, so that there is one formula to compile.
constexpr auto unary_formula = [](int which, auto x) {
  switch (which) {
    case 0: return abs(x);
    case 1: return cos(x);
    case 2: return exp(x);
    case 3: return expm1(x);
    case 4: return log(x);
    case 5: return log1p(x);
    case 6: return relu(x);
    case 7: return sigmoid(x);
    case 8: return sign(x);
    case 9: return sin(x);
    case 10: return softplus(x);
    case 11: return sqrt(x);
    case 12: return square(x);
    case 13: return -tanh(-x);
    // Composed: what flows back through a kink or a pole, or forward into it.
    case 14: return sqrt(relu(x));
    case 15: return where(x > 0, sqrt(x), 0);
    case 16: return where(x > 0, log(x), x);
    case 17: return 1 / relu(x);
    case 18: return sqrt(abs(x));
    case 19: return relu(x) - relu(-x);
    case 20: return pow(x, 2);
    case 21: return pow(x, 0);
    case 22: return pow(relu(x), 0.5);
    default: return 2 / x;
  }
};
constexpr int unary_formulas = 24;

constexpr auto binary_formula = [](int which, auto a, auto b) {
  switch (which) {
    case 0: return a + b;
    case 1: return a - b;
    case 2: return a * b;
    case 3: return a / b;
    case 4: return pow(a, b);
    case 5: return maximum(a, b);
    case 6: return minimum(a, b);
    default: return logaddexp(a, b);
  }
};
constexpr int binary_formulas = 8;

const std::vector<double> special = {nan, infinity, -infinity, 0.0,   -0.0, 1.0,   -1.0, 0.5,  -2.0,
                                     3.0, 40.0,     -40.0,     800.0, -800, 1e-10, 1e30, -1e30};

/// The value, and the gradients with respect to all inputs of what came before, weighted so that none cancels
/// another, as often as `orders` says. The last ones are numbers, not to be differentiated further.
std::vector<std::vector<double>> derivatives(const std::function<Tensor(const Inputs&)>& function,
                                             const Inputs& at, double seed, int orders) {
  Inputs x;
  for (const Tensor& each : at) x.push_back(variable(each));
  Tensor y = function(x);
  std::vector<std::vector<double>> all = {values(y)};
  for (int order = 1; order <= orders; ++order) {
    if (!y.requires_grad()) break;
    const Gradients g =
        gradients(y, x, {.seed = full(y.shape(), seed, y.dtype()), .create_graph = order < orders});
    for (const Tensor& each : x) all.push_back(values(g.at(each)));
    y = g.at(x[0]);
    if (x.size() > 1) y = y * 0.75 + g.at(x[1]) * 0.5;
  }
  return all;
}

void expect_same(const std::vector<std::vector<double>>& mapped,
                 const std::vector<std::vector<double>>& operation, const Inputs& at, double tolerance) {
  for (std::size_t k = 0; k < std::min(mapped.size(), operation.size()); ++k)
    for (std::size_t i = 0; i < mapped[k].size(); ++i) {
      const double a = mapped[k][i], b = operation[k][i];
      const bool same = std::isnan(a) ? std::isnan(b)
                                      : a == b || std::abs(a - b) <= tolerance * std::max(1e-3, std::abs(b));
      std::string where;
      for (const Tensor& each : at) where += " " + std::to_string(values(each)[i]);
      EXPECT_TRUE(same) << "result " << k << " at" << where << ": map " << a << ", operation " << b;
    }
}

void compare(const std::function<Tensor(const Inputs&)>& mapped,
             const std::function<Tensor(const Inputs&)>& operation, const Inputs& at, int highest_order = 3) {
  for (const DType dtype : {DType::float64, DType::float32})
    for (const double seed : {1.0, 0.0, -0.5})
      for (int orders = 1; orders <= highest_order; ++orders) {
        SCOPED_TRACE(std::string(to_string(dtype)) + ", seed " + std::to_string(seed) + ", order " +
                     std::to_string(orders));
        const Inputs rounded = converted(at, dtype);
        expect_same(derivatives(mapped, rounded, seed, orders), derivatives(operation, rounded, seed, orders),
                    rounded, dtype == DType::float64 ? 2e-14 : 1e-5);
      }
}

TEST(Rules, of_one_number_are_the_same_for_map_and_the_operations) {
  const Tensor x = tensor(special);
  for (int which = 0; which < unary_formulas; ++which) {
    SCOPED_TRACE("formula " + std::to_string(which));
    compare([=](const Inputs& in) { return map([=](auto v) { return unary_formula(which, v); }, in[0]); },
            [=](const Inputs& in) { return unary_formula(which, in[0]); }, {x});
  }
}

Inputs pairs_of(const std::vector<double>& numbers) {
  std::vector<double> first, second;
  for (const double a : numbers)
    for (const double b : numbers) {
      first.push_back(a);
      second.push_back(b);
    }
  return {tensor(first), tensor(second)};
}

TEST(Rules, of_two_numbers_are_the_same_for_map_and_the_operations) {
  std::vector<double> finite;
  std::copy_if(special.begin(), special.end(), std::back_inserter(finite),
               [](double number) { return std::isfinite(number); });
  for (int which = 0; which < binary_formulas; ++which) {
    SCOPED_TRACE("formula " + std::to_string(which));
    const auto mapped = [=](const Inputs& in) {
      return map([=](auto a, auto b) { return binary_formula(which, a, b); }, in[0], in[1]);
    };
    const auto operation = [=](const Inputs& in) { return binary_formula(which, in[0], in[1]); };
    // The second derivative of a power has a log at infinity times something that vanishes: what that is
    // depends on which product comes first.
    const bool is_power = which == 4;
    compare(mapped, operation, pairs_of(special), is_power ? 1 : 3);
    if (is_power) compare(mapped, operation, pairs_of(finite));
  }
}

}  // namespace
}  // namespace chainrule::test
