// Functions with derivatives of one's own: a C function, a formula that saves what its derivative needs, and
// a gradient that is clipped on its way back.
//
//   cube_root(8) = 2.0, slope 0.08333333333333333, curvature -0.006944444444444444
//   gradient of log_sum_exp [0.09   0.2447 0.6652]
//   clipped gradient 1.0

#include <chainrule/chainrule.h>

#include <cmath>
#include <iostream>

using namespace chainrule;

namespace {

// A function of a C library, element by element. Its derivative is written in operations of y = x^(1/3), so
// that it has derivatives of any order.
const auto cube_root = custom_gradient(
    "cube_root",
    [](const Tensor& x) {
      std::vector<double> y = x.to_vector<double>();
      for (double& each : y) each = std::cbrt(each);
      return tensor(y, x.shape());
    },
    [](const Tensor&, const Tensor& y, const Tensor& g) { return g / (3 * square(y)); });

// log(Σ exp(x)), whose derivative is the softmax that was computed on the way.
const auto log_sum_exp = custom_gradient(
    "log_sum_exp",
    [](const Tensor& x) {
      const Tensor shifted = exp(x - max(x)), total = sum(shifted);
      return saving(log(total) + max(x), shifted / total);
    },
    [](const Tensor&, const Tensor&, const Tensor& softmax_of_x, const Tensor& g) {
      return g * softmax_of_x;
    });

// x itself, whose gradient goes no further than ±1.
const auto clip_gradient = custom_gradient(
    "clip_gradient", [](const Tensor& x) { return x; },
    [](const Tensor&, const Tensor&, const Tensor& g) { return clamp(g, -1, 1); });

bool near(double a, double b) { return std::abs(a - b) < 1e-12; }

}  // namespace

int main() {
  const auto slope = grad(cube_root);
  const auto curvature = grad(slope);
  std::cout << "cube_root(8) = " << cube_root(Tensor(8.0)) << ", slope " << slope(8.0) << ", curvature "
            << curvature(8.0) << '\n';

  const Tensor logits = tensor({1.0, 2.0, 3.0});
  const Tensor probabilities = grad(log_sum_exp)(logits);
  std::cout << "gradient of log_sum_exp " << probabilities << '\n';

  const Tensor steep = grad([](const Tensor& x) { return 100 * clip_gradient(x); })(0.5);
  std::cout << "clipped gradient " << steep << '\n';

  const bool right = near(slope(8.0).item(), 1.0 / 12) && near(curvature(8.0).item(), -1.0 / 144) &&
                     allclose(probabilities, softmax(logits)) && steep.item() == 1;
  return right ? 0 : 1;
}
