// A Gaussian process through noisy measurements. How smooth the curve is, how high it goes and how noisy the
// measurements are is fitted, too: by the gradient of the likelihood, through a Cholesky decomposition.
//
//   step 0  length 1.000  height 1.000  noise 1.000  -log likelihood 47.833
//   ...
//   step 3  length 1.032  height 1.519  noise 0.231  -log likelihood 13.629
//       x   curve  predicted
//    0.50   1.091   1.104 ± 0.104
//    1.50   0.891   0.961 ± 0.075
//    ...
//    6.50   3.670   0.100 ± 1.311  beyond the measurements
//
// Source: Rasmussen and Williams, "Gaussian processes for machine learning", 2006, algorithm 2.1.
#include <chainrule/chainrule.h>

#include <cmath>
#include <cstdio>
#include <numbers>

using namespace chainrule;

namespace {

/// Of the logarithms, as all three are positive.
struct Hyperparameters {
  Parameter length{tensor(0.0), "length"}, height{tensor(0.0), "height"}, noise{tensor(0.0), "noise"};
  CHAINRULE_MEMBERS(length, height, noise)
};

/// How much f(a) and f(b) vary together: a (n,), b (m,) gives (n, m).
Tensor covariance(const Hyperparameters& by, const Tensor& a, const Tensor& b) {
  const Tensor distance = (a.reshape({-1, 1}) - b) * exp(-by.length);
  return exp(2 * by.height) * exp(-square(distance) / 2);
}

/// The lower triangle L with L Lᵀ the covariance of measurements at x.
Tensor triangle(const Hyperparameters& by, const Tensor& x) {
  return cholesky(covariance(by, x, x) + exp(2 * by.noise) * eye(x.size()));
}

/// -log p(y | x), of a normal distribution with that covariance.
Tensor surprise(const Hyperparameters& by, const Tensor& x, const Tensor& y) {
  const Tensor L = triangle(by, x);
  const Tensor white = solve_triangular(L, y.reshape({-1, 1}), false);
  return sum(square(white)) / 2 + sum(log(diagonal(L))) +
         0.5 * std::log(2 * std::numbers::pi) * double(x.size());
}

Tensor curve(const Tensor& x) { return sin(2 * x) + 0.5 * x; }

}  // namespace

int main() {
  Generator generator(11);
  const Tensor x = uniform(0.0, 5.0, {40}, generator);
  const Tensor y = curve(x) + 0.2 * randn({40}, generator);

  const Hyperparameters by;
  Lbfgs optimizer(parameters(by), {.iterations = 4});
  for (int step = 0; step < 4; ++step) {
    const double length = exp(by.length).item(), height = exp(by.height).item(), noise = exp(by.noise).item();
    const double before = optimizer.step([&] { return surprise(by, x, y); });
    std::printf("step %d  length %.3f  height %.3f  noise %.3f  -log likelihood %.3f\n", step, length, height,
                noise, before);
  }

  // What is to be expected elsewhere, given the measurements, and how far it may be off.
  const NoGrad no_graph;
  const Tensor at = linspace(0.5, 6.5, 7), L = triangle(by, x), k = covariance(by, x, at);
  const Tensor white = solve_triangular(L, k, false);
  const Tensor expected =
      matmul(transpose(white), solve_triangular(L, y.reshape({-1, 1}), false)).reshape({-1});
  const Tensor deviation = sqrt(exp(2 * by.height) - sum(square(white), 0));
  const Tensor truth = curve(at);
  std::printf("    x   curve  predicted\n");
  for (std::int64_t i = 0; i < at.size(); ++i)
    std::printf("%5.2f  %6.3f  %6.3f ± %.3f%s\n", at[i].item(), truth[i].item(), expected[i].item(),
                deviation[i].item(), at[i].item() > 5 ? "  beyond the measurements" : "");

  const bool within = all(abs(expected - truth) < 4 * deviation).item<bool>();
  return within && std::abs(exp(by.noise).item() - 0.2) < 0.1 ? 0 : 1;
}
