// The cases as a user of chainrule writes them: the program that the driver starts. Networks, operations and
// transforms are in the headers beside it.

#include <chainrule/map.h>
#include <chainrule/optim.h>

#include "chainrule_base.h"
#include "chainrule_networks.h"
#include "chainrule_operations.h"
#include "chainrule_transforms.h"

namespace {

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

Tensor transposed(const Tensor& x) { return transpose(x); }

/// f(matrix), and the gradient that comes from a given one above.
template <Tensor (*f)(const Tensor&)>
struct OfMatrix {
  bench::MatrixInputs in;
  Tensor x = variable(tensor(in.x, {in.size, in.size}));
  Tensor seed = tensor(std::span<const float>(in.seed).first(f(x).size()), f(x).shape());
  void step() {
    x.zero_grad();
    const Tensor value = f(x);
    value.backward(seed);
    if constexpr (f == transposed) {  // these wait until they are read
      const Tensor gradient = x.grad();
      static_cast<void>(value.data<float>());
      static_cast<void>(gradient.data<float>());
    }
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

struct Matmul : Differentiate<Matmul> {
  Matmul(std::int64_t batch, std::int64_t size) : in(batch, size) {}
  bench::MatmulInputs in;
  Shape shape = in.batch == 1 ? Shape{in.size, in.size} : Shape{in.batch, in.size, in.size};
  Tensor a = variable(tensor(in.a, shape)), b = variable(tensor(in.b, shape));
  std::array<Tensor*, 2> leaves() { return {&a, &b}; }
  Tensor value() { return sum(matmul(a, b)); }
};

struct PairwiseDistances : Differentiate<PairwiseDistances> {
  bench::PointsInputs in;
  Tensor a = variable(tensor(in.a, {in.count, 1, 3})), b = variable(tensor(in.b, {1, in.count, 3}));
  std::array<Tensor*, 2> leaves() { return {&a, &b}; }
  Tensor value() { return sum(sqrt(sum(square(a - b), -1) + 1e-6)); }
};

struct PairwiseNorms : Differentiate<PairwiseNorms> {
  bench::PointsInputs in;
  Tensor a = variable(tensor(in.a, {in.count, 1, 3})), b = variable(tensor(in.b, {1, in.count, 3}));
  std::array<Tensor*, 2> leaves() { return {&a, &b}; }
  Tensor value() { return sum(norm(a - b, -1)); }
};

/// f(array), and the gradient that comes from a given one above.
template <Tensor (*f)(const Tensor&)>
struct OfArray {
  template <class... Sizes>
  explicit OfArray(Sizes... sizes) : in({sizes...}) {}
  bench::ArrayInputs in;
  Tensor x = variable(tensor(in.x, Shape(in.shape)));
  Tensor seed = tensor(std::span<const float>(in.seed).first(f(x).size()), f(x).shape());
  void step() {
    x.zero_grad();
    const Tensor value = f(x);
    value.backward(seed);
    const Tensor gradient = x.grad();
    static_cast<void>(value.data<float>());  // what waits until it is read
    static_cast<void>(gradient.data<float>());
  }
  void report(bench::Report& report) {
    add(report, "value", f(x));
    add(report, "gradient", x.grad());
  }
};
Tensor sum_last(const Tensor& x) { return sum(x, -1); }
Tensor max_last(const Tensor& x) { return max(x, -1); }
Tensor softmax_last(const Tensor& x) { return softmax(x, -1); }
Tensor log_softmax_middle(const Tensor& x) { return log_softmax(x, 1); }
Tensor sum_apart(const Tensor& x) { return sum(x, {0, 2}); }
Tensor max_apart(const Tensor& x) { return max(x, {0, 2}); }
Tensor permuted(const Tensor& x) { return permute(x, {5, 2, 0, 4, 1, 3}); }

template <Tensor (*f)(const Tensor&, const Tensor&)>
struct OfPair : Differentiate<OfPair<f>> {
  OfPair(std::int64_t count, float low, float high) : in(count, low, high) {}
  bench::PairInputs in;
  Tensor x = variable(tensor(in.x)), a = variable(tensor(in.a));
  std::array<Tensor*, 2> leaves() { return {&x, &a}; }
  Tensor value() { return sum(f(x, a)); }
};
Tensor powers(const Tensor& x, const Tensor& a) { return pow(x, 1.7) * exp(-x) + log(x) * pow(x, a); }
Tensor branches(const Tensor& x, const Tensor& a) {
  return where(x > a, maximum(x, 0.5 * a), clamp(x * a, -0.5, 0.5)) * where(x < 0, 0.1, 1.0);
}

struct OuterExp : Differentiate<OuterExp> {
  bench::PairInputs in{1000, -2, 2};
  Tensor x = variable(tensor(in.x, {in.size, 1})), a = variable(tensor(in.a, {1, in.size}));
  std::array<Tensor*, 2> leaves() { return {&x, &a}; }
  Tensor value() { return sum(exp(x - a)); }
};

enum class Tall { times_vector, transposed_times_vector };
struct TallMatrix {
  explicit TallMatrix(Tall which) : transposed(which == Tall::transposed_times_vector) {}
  bool transposed;
  bench::TallInputs in;
  Tensor matrix = variable(tensor(in.matrix, {in.rows, in.columns}));
  Tensor vector = variable(transposed ? tensor(in.seed) : tensor(in.vector));
  Tensor seed = transposed ? tensor(in.vector) : tensor(in.seed);
  Tensor value() { return transposed ? matmul(vector, matrix) : matmul(matrix, vector); }
  void step() {
    matrix.zero_grad();
    vector.zero_grad();
    value().backward(seed);
  }
  void report(bench::Report& report) {
    add(report, "value", value());
    add(report, "gradient", matrix.grad());
    add(report, "gradient", vector.grad());
  }
};

struct Attention {
  Attention(std::int64_t heads, std::int64_t length) : in(heads, length) {}
  bench::AttentionInputs in;
  Shape shape{in.heads, in.length, in.width};
  Tensor q = variable(tensor(in.q, shape)), k = variable(tensor(in.k, shape)),
         v = variable(tensor(in.v, shape)), seed = tensor(in.seed, shape);
  Tensor value() { return matmul(softmax(matmul(q, swapaxes(k, 1, 2)) * in.scale, -1), v); }
  void step() {
    for (const Tensor* leaf : {&q, &k, &v}) leaf->zero_grad();
    value().backward(seed);
  }
  void report(bench::Report& report) {
    add(report, "value", value());
    for (const Tensor* leaf : {&q, &k, &v}) add(report, "gradient", leaf->grad());
  }
};

#include "cases.inc"
#include "cases_without_floor.inc"

}  // namespace

int main() {
  bench::Program program("chainrule " CHAINRULE_VERSION);
  add_cases(program);
  add_cases_without_floor(program);
  add_transforms(program);
  return program.serve();
}
