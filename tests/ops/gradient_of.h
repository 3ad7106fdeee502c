// Gradients of functions of one and two tensors at a point, for tests of delicate points. support.h reads and
// compares tensors.

#pragma once

#include <limits>
#include <ostream>
#include <vector>

#include "chainrule/autograd.h"
#include "support.h"

namespace chainrule::test {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();

using Function = Tensor (*)(const Tensor&);
using BinaryFunction = Tensor (*)(const Tensor&, const Tensor&);

/// d sum(function(x)) / dx.
inline std::vector<double> gradient_of(Function function, const Tensor& at) {
  const Tensor x = variable(at);
  return values(gradients(sum(function(x)), {x}).at(x));
}

struct Pair {
  double a, b;
  bool operator==(const Pair&) const = default;
};
inline std::ostream& operator<<(std::ostream& out, const Pair& pair) {
  return out << pair.a << " and " << pair.b;
}

inline Pair gradient_of(BinaryFunction function, double a, double b) {
  const Tensor x = variable(a);
  const Tensor y = variable(b);
  const Gradients g = gradients(function(x, y), {x, y});
  return {g.at(x).item(), g.at(y).item()};
}

}  // namespace chainrule::test
