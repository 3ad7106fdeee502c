// An operation of one's own, written as the library's are: computed on raw memory by a function of C, with
// its derivative in operations, and checked as the library checks its own. Prints
//   y = [ 0.4898 -1.9901  2.    ]
//   gradient [0.94   0.0099 0.    ]
//   the check finds: nothing
//   and in a wrong one: gradcheck: floating input 0, element 0: analytic 0.559919, numeric 0.554025, ...

#include <chainrule/chainrule.h>

#include <cmath>
#include <iostream>

using namespace chainrule;

namespace {

// y = cap · tanh(x / cap), which keeps x within ±cap.
struct Softcap {
  static constexpr std::string_view name = "softcap", formula = "∂softcap(x)/∂x = 1 - (softcap(x) / cap)²";
  double cap;
  double mistake = 0;

  template <class T>
  void forward(std::span<const Tensor> in, std::span<T> out) const {
    const std::span<const T> x = in[0].data<T>();
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<T>(cap * std::tanh(x[i] / cap));
  }
  void vjp(std::span<const Tensor>, const Tensor& y, const Tensor& g, InputGradients& to) const {
    if (to.wants(0)) to[0] = g * (1 + mistake - square(y / cap));
  }
  // Element by element, so all samples of a vmap at once.
  Tensor batch(const BatchedInputs& samples) const { return apply_operation(*this, {samples.in[0]}); }
};

Tensor softcap(const Operand& x, double cap) { return apply_operation(Softcap{cap}, {x}); }

}  // namespace

int main() {
  const Tensor x = variable({0.5, -6, 60}, "x");
  const Tensor y = softcap(x, 2);
  sum(y).backward();
  std::cout << "y = " << y << "\ngradient " << x.grad() << '\n';

  const auto check = [](const Softcap& op) {
    return check_operation([&](const std::vector<Tensor>& in) { return apply_operation(op, {in[0]}); },
                           {tensor({0.5, -1.0, 3.0})});
  };
  const auto right = check(Softcap{2}), wrong = check(Softcap{2, 0.01});
  std::cout << "the check finds: " << (right.passed ? "nothing" : right.message)
            << "\nand in a wrong one: " << wrong.message << '\n';
  return right.passed && !wrong.passed ? 0 : 1;
}
