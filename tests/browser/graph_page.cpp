// graph_page FILE KIND [NAME]: writes the page of a graph that no expression of the tool makes: the training
// step of a network, one with a scope and tensors of this name, or one that is large.

#include <chainrule/draw.h>
#include <chainrule/nn.h>

#include <fstream>
#include <string>

namespace {

using namespace chainrule;

Tensor network_loss() {
  Generator random(1);
  const Mlp network({6, 5, 4, 3}, random, DType::float64);
  const Tensor x = randn({8, 6}, random, DType::float64).named("x");
  return cross_entropy(network(x), tensor({0, 1, 2, 0, 1, 2, 0, 1}).named("y")).named("loss");
}

Tensor named(const std::string& name) {
  const Tensor x = variable(2.0, name);
  const Scope scope(name);
  return exp(x).named(name);
}

Tensor large(int layers) {
  Tensor h = variable(1.0, "x");
  for (int i = 0; i < layers; ++i) {
    const Scope scope("layer" + std::to_string(i));
    h = tanh(h * variable(0.9, "w" + std::to_string(i)) + 0.1);
  }
  return h.named("end");
}

}  // namespace

int main(int count, char** values) {
  const KeepValues keep;
  const std::string kind = values[2];
  const Tensor loss = kind == "network" ? network_loss() : count > 3 ? named(values[3]) : large(20000);
  const Gradients found = gradients(loss, {}, {.all_nodes = true});
  std::ofstream out(values[1]);
  write_html(out, loss, {.gradients = &found});
}
