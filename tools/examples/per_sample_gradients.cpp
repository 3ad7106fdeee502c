// What each sample teaches: gradients sample by sample, of one pass by vmap, and the curvature of the loss.
// On half-moons of which some have the wrong label.
//
//   loss 0.1970 of 400 samples, 20 of them with the wrong label
//   gradient of the mean: 0.00287, mean of the gradients: 0.00287
//   of the 20 largest gradients 20 are those of wrong labels
//   curvature of the loss: at most 0.477, and less than a thousandth of that in 24 of 32 directions
#include <chainrule/chainrule.h>

#include <cstdio>

using namespace chainrule;

namespace {

struct Classifier {
  Linear hidden, output;
  explicit Classifier(Generator& generator) : hidden(2, 16, generator), output(16, 2, generator) {}
  Tensor operator()(const Tensor& x) const { return output(tanh(hidden(x))); }
  CHAINRULE_MEMBERS(hidden, output)
};

Tensor loss(const Classifier& network, const Tensor& x, const Tensor& label) {
  return cross_entropy(network(x), label);
}

// The root of the sum of all squares, of each sample: (samples, ...) for each parameter gives (samples,).
Tensor lengths(const Classifier& gradients) {
  Tensor squares = 0.0;
  for (const Parameter& each : parameters(gradients))
    squares = squares + sum(square(reshape(each, {each.shape()[0], -1})), 1);
  return sqrt(squares);
}

}  // namespace

int main() {
  constexpr std::int64_t samples = 400, wrong = 20;
  Generator generator(4);
  const Dataset data = half_moons(samples, 0.1, generator);
  const Tensor is_wrong = arange(0, samples) < wrong;  // they come in random order
  const Tensor labels = where(is_wrong, 1 - data.y, data.y);

  Classifier network(generator);
  Adam optimizer(parameters(network), {.learning_rate = 0.02});
  for (int step = 0; step < 300; ++step) {
    loss(network, data.x, labels).backward();
    optimizer.step();
  }
  const auto [mean_loss, mean_gradient] = value_and_grad(loss)(network, data.x, labels);
  std::printf("loss %.4f of %d samples, %d of them with the wrong label\n", mean_loss.item(), int(samples),
              int(wrong));

  // The gradient of one sample, for all of them at once: the network is the same, x and label have samples.
  const auto each_gradient = vmap(grad(loss), {.in_axes = {no_axis, 0, 0}});
  const Classifier gradients = each_gradient(network, data.x, labels);
  std::printf("gradient of the mean: %.5f, mean of the gradients: %.5f\n",
              norm(mean_gradient.output.weight()).item(), norm(mean(gradients.output.weight(), 0)).item());

  // Samples that pull hardest are those whose label is wrong.
  const Tensor hardest = topk(lengths(gradients), wrong).places;
  std::printf("of the %d largest gradients %d are those of wrong labels\n", int(wrong),
              int(sum(take(is_wrong, hardest, 0)).item<std::int64_t>()));

  // How sharp the minimum is: the Hessian with respect to the last weights, in one batched pass.
  const auto last_layer = [&](const Tensor& weight) {
    const Tensor logits = matmul(tanh(network.hidden(data.x)), transpose(weight)) + network.output.bias();
    return cross_entropy(logits, labels);
  };
  const Tensor weight = network.output.weight();
  const std::int64_t count = weight.size();
  const Tensor curvature = reshape(hessian(last_layer)(weight), {count, count});
  const Tensor along = eigh(curvature).eigenvalues;
  const double largest = max(along).item();
  std::printf(
      "curvature of the loss: at most %.3f, and less than a thousandth of that in %d of %d directions\n",
      largest, int(sum(along < largest / 1000).item<std::int64_t>()), int(count));
}
