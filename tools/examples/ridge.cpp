// Chooses how strongly the weights of a regression are held back, by the gradient of the validation loss:
// through minimize(), which gives the weights as a function of log(decay), without the steps of its solver.
//
//   step 0  decay 1.0000  validation loss 0.94875  slope +1.8e-01
//   step 1  decay 0.7226  validation loss 0.91618  slope +2.6e-02
//   ...
//   step 5  decay 0.6745  validation loss 0.91529  slope -8.7e-17
//   slope at decay e: 0.891967, by difference 0.891967
#include <chainrule/chainrule.h>

#include <cmath>
#include <cstdio>

using namespace chainrule;

namespace {

struct Samples {
  Tensor x, y;
};

// y = x·w and noise, of 12 numbers of which most do not matter.
Samples drawn(std::int64_t count, Generator& generator) {
  Tensor weights = zeros({12});
  weights = slice_update(weights, {Slice{0, 3}}, tensor({1.0, -2.0, 0.5}));
  const Tensor x = randn({count, 12}, generator);
  return {x, matmul(x, weights) + 0.8 * randn({count}, generator)};
}

}  // namespace

int main() {
  Generator generator(7);
  const Samples training = drawn(20, generator), validation = drawn(60, generator);

  const auto fitted = [&](const Tensor& log_decay) {
    return minimize(
        [&](const Tensor& w, const Tensor& by) {
          return mse_loss(matmul(training.x, w), training.y) + exp(by) * mean(square(w));
        },
        zeros({12}), log_decay);
  };
  const auto validation_loss = [&](const Tensor& log_decay) {
    return mse_loss(matmul(validation.x, fitted(log_decay)), validation.y);
  };

  // Newton's method in one number: minimize() can be differentiated twice.
  Tensor log_decay = 0.0;
  for (int step = 0; step < 6; ++step) {
    const auto [loss, slope] = value_and_grad(validation_loss)(log_decay);
    const Tensor curvature = grad(grad(validation_loss))(log_decay);
    std::printf("step %d  decay %.4f  validation loss %.5f  slope %+.1e\n", step, exp(log_decay).item(),
                loss.item(), slope.item());
    log_decay = log_decay - slope / abs(curvature);
  }

  // The slope is that of a central difference, and nothing is left of it at the end.
  const double difference = (validation_loss(1.0 + 1e-5).item() - validation_loss(1.0 - 1e-5).item()) / 2e-5;
  const double slope = grad(validation_loss)(1.0).item(), left = grad(validation_loss)(log_decay).item();
  std::printf("slope at decay e: %.6f, by difference %.6f\n", slope, difference);
  return std::abs(slope - difference) < 1e-7 && std::abs(left) < 1e-8 ? 0 : 1;
}
