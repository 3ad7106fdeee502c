// Fits a swing that dies away, a * exp(-b t) * cos(w t), to noisy measurements by gradient descent.
// The model is ordinary arithmetic; nobody derives anything by hand.
//
//   step    0  loss 0.42898  a 1.000  b 1.000  w 2.500
//   ...
//   step 1000  loss 0.00824  a 2.524  b 0.411  w 3.008
//   the truth                 a 2.500  b 0.400  w 3.000

#include <chainrule/autograd.h>
#include <chainrule/ops.h>
#include <chainrule/random.h>

#include <cstdio>

using namespace chainrule;

Tensor swing(const Tensor& a, const Tensor& b, const Tensor& w, const Tensor& t) {
  return a * exp(-b * t) * cos(w * t);
}

int main() {
  const double true_a = 2.5, true_b = 0.4, true_w = 3.0;
  Generator generator(1);
  const Tensor t = linspace(0, 6, 200);
  const Tensor measured =
      swing(tensor(true_a), tensor(true_b), tensor(true_w), t) + 0.1 * randn(200, generator);

  Tensor a = variable(1.0, "a"), b = variable(1.0, "b"), w = variable(2.5, "w");
  const double rate = 0.1;
  for (int step = 0; step <= 1000; ++step) {
    const Tensor loss = mse_loss(swing(a, b, w, t), measured);
    if (step % 200 == 0)
      std::printf("step %4d  loss %.5f  a %.3f  b %.3f  w %.3f\n", step, loss.item(), a.item(), b.item(),
                  w.item());

    const Gradients slope = gradients(loss, {a, b, w});
    for (Tensor* parameter : {&a, &b, &w})
      *parameter = variable(*parameter - rate * slope[*parameter], parameter->name());
  }
  std::printf("the truth                 a %.3f  b %.3f  w %.3f\n", true_a, true_b, true_w);
  std::printf("Noise of deviation 0.1 is a loss of about 0.01: the rest is what the fit can explain.\n");
}
