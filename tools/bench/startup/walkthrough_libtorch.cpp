// The same program with LibTorch, as walkthrough_chainrule.cpp has it with chainrule.
// measure.cpp starts it.

#include <torch/torch.h>

#include <iostream>

int main() {
  const auto leaf = torch::dtype(torch::kDouble).requires_grad(true);
  const auto x = torch::tensor(-2.0, leaf), y = torch::tensor(5.0, leaf), z = torch::tensor(-4.0, leaf);
  ((x + y) * z).backward();
  std::cout << x.grad().item() << ' ' << y.grad().item() << ' ' << z.grad().item() << '\n';
}
