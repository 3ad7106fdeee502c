// What mpmath gives of special functions and their derivatives, and how near to that the library's are.

#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "support.h"

namespace chainrule::test {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// What mpmath gives, of one number or two.
struct Known {
  double x, y;
};
struct KnownOfTwo {
  double a, x, y;
};

inline double units(double got, double right) {
  return std::abs(got - right) / (std::nextafter(std::abs(right), infinity) - std::abs(right));
}

inline void expect_known(const std::string& name, const std::function<Tensor(const Tensor&)>& f,
                         const std::vector<Known>& all, double most = 4) {
  for (const auto& [x, y] : all) {
    EXPECT_LE(units(f(tensor(x)).item(), y), most) << name << ' ' << x;
    const double single = f(cast(tensor(x), DType::float32)).item();
    if (static_cast<double>(static_cast<float>(x)) == x && std::abs(y) < 1e38 && std::abs(y) > 1e-37) {
      EXPECT_EQ(single, static_cast<double>(static_cast<float>(y))) << name << ' ' << x << " in float32";
    }
  }
}
inline void expect_known(const std::string& name, Tensor (*f)(const Operand&, const Operand&),
                         const std::vector<KnownOfTwo>& all, double most = 4) {
  for (const auto& [a, x, y] : all) EXPECT_LE(units(f(a, x).item(), y), most) << name << ' ' << a << ' ' << x;
}

/// The derivative of this order.
inline std::function<Tensor(const Tensor&)> derivative(Tensor (*f)(const Operand&), int order) {
  return [=](const Tensor& at) {
    const Tensor x = variable(at);
    Tensor y = f(x);
    for (int i = 0; i < order; ++i) y = gradients(y, {x}, {.create_graph = true}).at(x);
    return y.detach();
  };
}

}  // namespace chainrule::test
