// Solves a differential equation by a network: u'' = -sin(x) with u(0) = u(π) = 0, whose solution is sin(x).
// The loss is how far the network is from fulfilling the equation, so u'' is needed as a value, by two nested
// jvp, and its derivative with respect to the weights, by a backward pass through both.
//
//   step 0  loss 1.4e+01  largest error 3.8e-01
//   step 1  loss 1.1e-03  largest error 5.4e-03
//   ...
//   step 4  loss 9.0e-07  largest error 1.0e-04
//   u(π/2) = 1.0000, largest error 8.4e-05
//
// Source: Raissi, Perdikaris and Karniadakis, "Physics-informed neural networks", 2019.
#include <chainrule/chainrule.h>

#include <cstdio>
#include <numbers>

using namespace chainrule;

namespace {

constexpr double pi = std::numbers::pi;

struct Solution {
  Linear first, second, last;
  explicit Solution(Generator& generator)
      : first(1, 20, generator), second(20, 20, generator), last(20, 1, generator) {}
  /// x (n, 1) gives u (n, 1). It is 0 at both ends, whatever the weights.
  Tensor operator()(const Tensor& x) const { return x * (pi - x) * last(tanh(second(tanh(first(x))))); }
  CHAINRULE_MEMBERS(first, second, last)
};

/// u'' at each x. Every u depends on its own x alone, so a tangent of ones gives all derivatives at once.
Tensor second_derivative(const Solution& u, const Tensor& x) {
  const auto slope = [&](const Tensor& at) { return jvp(u, at, ones_like(at)).tangent; };
  return jvp(slope, x, ones_like(x)).tangent;
}

}  // namespace

int main() {
  Generator generator(5);
  const Solution u(generator);
  const Tensor x = linspace(0, pi, 40).reshape({-1, 1});         // where the equation is to hold
  const Tensor between = linspace(0, pi, 301).reshape({-1, 1});  // where the result is looked at
  const auto error = [&] { return max(abs(u(between) - sin(between))).item(); };

  Lbfgs optimizer(parameters(u));
  double loss = 0;
  for (int step = 0; step < 5; ++step) {
    const double largest = error();
    loss = optimizer.step([&] { return mean(square(second_derivative(u, x) + sin(x))); });
    std::printf("step %d  loss %.1e  largest error %.1e\n", step, loss, largest);
  }
  std::printf("u(π/2) = %.4f, largest error %.1e\n", u(tensor({pi / 2}, {1, 1})).item(), error());
  return error() < 1e-3 ? 0 : 1;
}
