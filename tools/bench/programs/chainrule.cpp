#include <chainrule/chainrule.h>
#include <chainrule/map.h>
#include <chainrule/optim.h>

#include "inputs.h"
#include "program.h"

/// The cases as a user of chainrule writes them.
namespace {

using namespace chainrule;

void add(bench::Report& report, const char* name, const Tensor& tensor) {
  if (tensor.dtype() == DType::float64)
    report.add(name, tensor.data<double>().data(), tensor.size());
  else
    report.add(name, tensor.data<float>().data(), tensor.size());
}

/// A value, and the gradients of some leaves. Each `Case` says how its value() follows from the leaves.
template <class Case>
struct Differentiate {
  void step() {
    for (const Tensor* leaf : self().leaves()) leaf->zero_grad();
    self().value().backward();
  }
  void report(bench::Report& report) {
    add(report, "value", self().value());
    for (const Tensor* leaf : self().leaves()) add(report, "gradient", leaf->grad());
  }
  Case& self() { return static_cast<Case&>(*this); }
};

struct Walkthrough : Differentiate<Walkthrough>, bench::WalkthroughInputs {
  Tensor x = variable(WalkthroughInputs::x), y = variable(WalkthroughInputs::y),
         z = variable(WalkthroughInputs::z);
  std::array<Tensor*, 3> leaves() { return {&x, &y, &z}; }
  Tensor value() { return (x + y) * z; }
};

struct Chain : Differentiate<Chain> {
  explicit Chain(std::int64_t multiply_adds) : in(multiply_adds) {}
  bench::ChainInputs in;
  Tensor x = variable(in.x), a = variable(in.a), b = variable(in.b);
  std::array<Tensor*, 3> leaves() { return {&x, &a, &b}; }
  Tensor value() {
    Tensor result = x;
    for (std::int64_t i = 0; i < in.multiply_adds; ++i) result = result * a + b;
    return result;
  }
};

Mlp network(const std::vector<bench::LayerInputs>& inputs) {
  std::vector<Linear> layers;
  for (const bench::LayerInputs& layer : inputs)
    layers.push_back(
        {{tensor(layer.weight, {layer.outputs, layer.inputs}), "weight"}, {tensor(layer.bias), "bias"}});
  return Mlp(layers);
}
void report_network(bench::Report& report, const Tensor& loss, const Mlp& network) {
  add(report, "loss", loss);
  for (const Parameter& parameter : network.parameters()) add(report, "parameter", parameter);
}

struct HalfMoons {
  static constexpr bool learns = true;
  bench::HalfMoonsInputs in;
  Tensor x = tensor(in.x, {in.batch, 2}), target = tensor(in.target, {in.batch, 1});
  Mlp net = network(in.layers);
  std::vector<Parameter> parameters = net.parameters();
  Sgd optimizer{parameters, {.learning_rate = in.learning_rate}};
  Tensor loss() {
    Tensor penalty = tensor(0.0F);
    for (const Parameter& parameter : parameters) penalty = penalty + sum(square(parameter));
    return hinge_loss(net(x), target) + in.l2 * penalty;
  }
  void step() {
    loss().backward();
    optimizer.step();
  }
  void report(bench::Report& report) { report_network(report, loss(), net); }
};

struct Network {
  static constexpr bool learns = true;
  explicit Network(std::int64_t batch) : Network(bench::NetworkInputs(batch)) {}
  explicit Network(const bench::NetworkInputs& in)
      : x(tensor(in.x, {in.batch, 784})), target(tensor(in.target)), net(network(in.layers)) {}
  Tensor x, target;
  Mlp net;
  Sgd optimizer{net.parameters(), {.learning_rate = bench::NetworkInputs::learning_rate}};
  Tensor loss() { return cross_entropy(net(x), target); }
  void step() {
    loss().backward();
    optimizer.step();
  }
  void report(bench::Report& report) { report_network(report, loss(), net); }
};

struct Elementwise : Differentiate<Elementwise> {
  bench::ElementwiseInputs in;
  Tensor x = variable(tensor(in.x)), a = variable(tensor(in.a)), b = variable(tensor(in.b));
  std::array<Tensor*, 3> leaves() { return {&x, &a, &b}; }
  Tensor value() { return sum(tanh(x * a + b) * sigmoid(x) + relu(x)); }
};

struct ElementwiseMap : Differentiate<ElementwiseMap> {
  bench::ElementwiseInputs in;
  Tensor x = variable(tensor(in.x)), a = variable(tensor(in.a)), b = variable(tensor(in.b));
  std::array<Tensor*, 3> leaves() { return {&x, &a, &b}; }
  Tensor value() {
    return sum(map([](auto u, auto v, auto w) { return tanh(u * v + w) * sigmoid(u) + relu(u); }, x, a, b));
  }
};

struct CrossEntropy : Differentiate<CrossEntropy> {
  CrossEntropy(std::int64_t rows, std::int64_t columns) : in(rows, columns) {}
  bench::CrossEntropyInputs in;
  Tensor logits = variable(tensor(in.logits, {in.rows, in.columns})), target = tensor(in.target);
  std::array<Tensor*, 1> leaves() { return {&logits}; }
  Tensor value() { return cross_entropy(logits, target); }
};

enum class Along { row, column };

struct Broadcast : Differentiate<Broadcast> {
  explicit Broadcast(Along which) : along(which) {}
  Along along;
  bench::MatrixInputs in;
  Tensor x = variable(tensor(in.x, {in.size, in.size}));
  Tensor vector = variable(tensor(in.vector, along == Along::row ? Shape{1, in.size} : Shape{in.size, 1}));
  std::array<Tensor*, 2> leaves() { return {&x, &vector}; }
  Tensor value() { return sum(x + vector); }
};

/// f(matrix), and the gradient that comes from a given one above.
template <Tensor (*f)(const Tensor&)>
struct OfMatrix {
  bench::MatrixInputs in;
  Tensor x = variable(tensor(in.x, {in.size, in.size}));
  Tensor seed = tensor(std::span<const float>(in.seed).first(f(x).size()), f(x).shape());
  void step() {
    x.zero_grad();
    f(x).backward(seed);
  }
  void report(bench::Report& report) {
    add(report, "value", f(x));
    add(report, "gradient", x.grad());
  }
};
Tensor sum_axis0(const Tensor& x) { return sum(x, 0); }
Tensor sum_axis1(const Tensor& x) { return sum(x, 1); }
Tensor sum_all(const Tensor& x) { return sum(x); }
Tensor max_axis0(const Tensor& x) { return max(x, 0); }
Tensor max_axis1(const Tensor& x) { return max(x, 1); }
Tensor transposed(const Tensor& x) { return transpose(x); }

struct Matmul : Differentiate<Matmul> {
  Matmul(std::int64_t batch, std::int64_t size) : in(batch, size) {}
  bench::MatmulInputs in;
  Shape shape = in.batch == 1 ? Shape{in.size, in.size} : Shape{in.batch, in.size, in.size};
  Tensor a = variable(tensor(in.a, shape)), b = variable(tensor(in.b, shape));
  std::array<Tensor*, 2> leaves() { return {&a, &b}; }
  Tensor value() { return sum(matmul(a, b)); }
};

#include "cases.inc"

}  // namespace

int main() {
  chainrule::set_default_dtype(chainrule::DType::float32);
  bench::Program program("chainrule " CHAINRULE_VERSION);
  add_cases(program);
  return program.serve();
}
