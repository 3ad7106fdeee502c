// The cases as a user of LibTorch writes them, in the fastest of the usual ways: the program that the driver
// starts.

#include "libtorch_base.h"
#include "libtorch_networks.h"
#include "libtorch_operations.h"

namespace {

struct Walkthrough : Differentiate<Walkthrough> {
  bench::WalkthroughInputs in;
  Tensor x = variable(in.x), y = variable(in.y), z = variable(in.z);
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

/// Linear layers with ReLU between them, and SGD on all of their parameters.
struct Layers {
  explicit Layers(const std::vector<bench::LayerInputs>& inputs) {
    for (const bench::LayerInputs& layer : inputs) {
      parameters.push_back(variable(tensor(layer.weight, {layer.outputs, layer.inputs})));
      parameters.push_back(variable(tensor(layer.bias)));
    }
  }
  Tensor operator()(Tensor x) const {
    for (std::size_t i = 0; i < parameters.size(); i += 2) {
      if (i > 0) x = torch::relu(x);
      x = F::linear(x, parameters[i], parameters[i + 1]);
    }
    return x;
  }
  /// torch::optim::SGD with fewer calls. `keep` fills the gradients with zeros for the next step, rather than
  /// dropping them. Of these ways, each network is given the one that was measured to be the fastest for it.
  void sgd_step(double learning_rate, bool keep) {
    const torch::NoGradGuard no_grad;
    std::vector<Tensor> gradients;
    for (const Tensor& parameter : parameters) gradients.push_back(parameter.grad());
    at::_foreach_add_(parameters, gradients, -learning_rate);
    if (keep)
      at::_foreach_zero_(gradients);
    else
      for (Tensor& parameter : parameters) zero_grad(parameter);
  }
  void report(bench::Report& report, const Tensor& loss) const {
    add(report, "loss", loss);
    for (const Tensor& parameter : parameters) add(report, "parameter", parameter);
  }
  std::vector<Tensor> parameters;
};

struct HalfMoons {
  static constexpr bool learns = true;
  bench::HalfMoonsInputs in;
  Tensor x = tensor(in.x, {in.batch, 2}), target = tensor(in.target, {in.batch, 1});
  Layers net{in.layers};
  Tensor loss() {
    Tensor penalty = torch::tensor(0.0F);
    for (const Tensor& parameter : net.parameters) penalty = penalty + parameter.square().sum();
    return torch::relu(1 - target * net(x)).mean() + in.l2 * penalty;
  }
  void step() {
    loss().backward();
    net.sgd_step(in.learning_rate, false);
  }
  void report(bench::Report& report) { net.report(report, loss()); }
};

struct Network {
  static constexpr bool learns = true;
  explicit Network(std::int64_t batch) : Network(bench::NetworkInputs(batch)) {}
  explicit Network(const bench::NetworkInputs& in)
      : x(tensor(in.x, {in.batch, 784})), target(tensor(in.target)), net(in.layers), keep(in.batch > 1) {}
  Tensor x, target;
  Layers net;
  bool keep;
  Tensor loss() { return F::cross_entropy(net(x), target); }
  void step() {
    loss().backward();
    net.sgd_step(bench::NetworkInputs::learning_rate, keep);
  }
  void report(bench::Report& report) { net.report(report, loss()); }
};

struct Elementwise : Differentiate<Elementwise> {
  bench::ElementwiseInputs in;
  Tensor x = variable(tensor(in.x)), a = variable(tensor(in.a)), b = variable(tensor(in.b));
  std::array<Tensor*, 3> leaves() { return {&x, &a, &b}; }
  Tensor value() { return (torch::tanh(x * a + b) * torch::sigmoid(x) + torch::relu(x)).sum(); }
};

struct CrossEntropy : Differentiate<CrossEntropy> {
  CrossEntropy(std::int64_t rows, std::int64_t columns) : in(rows, columns) {}
  bench::CrossEntropyInputs in;
  Tensor logits = variable(tensor(in.logits, {in.rows, in.columns})), target = tensor(in.target);
  std::array<Tensor*, 1> leaves() { return {&logits}; }
  Tensor value() { return F::cross_entropy(logits, target); }
};

using ElementwiseMap = Elementwise;

enum class Along { row, column };

struct Broadcast : Differentiate<Broadcast> {
  explicit Broadcast(Along which) : along(which) {}
  Along along;
  bench::MatrixInputs in;
  Tensor x = variable(tensor(in.x, {in.size, in.size}));
  Tensor vector =
      variable(along == Along::row ? tensor(in.vector, {1, in.size}) : tensor(in.vector, {in.size, 1}));
  std::array<Tensor*, 2> leaves() { return {&x, &vector}; }
  Tensor value() { return (x + vector).sum(); }
};

/// f(matrix), and the gradient that comes from a given one above.
template <Tensor (*f)(const Tensor&)>
struct OfMatrix {
  bench::MatrixInputs in;
  Tensor x = variable(tensor(in.x, {in.size, in.size}));
  Tensor seed = tensor(in.seed).narrow(0, 0, f(x).numel()).reshape(f(x).sizes()).clone();
  void step() {
    zero_grad(x);
    f(x).backward(seed);
  }
  void report(bench::Report& report) {
    add(report, "value", f(x));
    add(report, "gradient", x.grad());
  }
};
Tensor sum_axis0(const Tensor& x) { return x.sum(0); }
Tensor sum_axis1(const Tensor& x) { return x.sum(1); }
Tensor sum_all(const Tensor& x) { return x.sum(); }
// Without ties, as here, max and amax have the same gradient; the faster one differs by axis.
Tensor max_axis0(const Tensor& x) { return x.amax(0); }
Tensor max_axis1(const Tensor& x) { return std::get<0>(x.max(1)); }
Tensor transposed(const Tensor& x) { return x.t().contiguous(); }

struct Matmul : Differentiate<Matmul> {
  Matmul(std::int64_t batch, std::int64_t size) : in(batch, size) {}
  bench::MatmulInputs in;
  std::vector<std::int64_t> shape =
      in.batch == 1 ? std::vector{in.size, in.size} : std::vector{in.batch, in.size, in.size};
  Tensor a = variable(tensor(in.a, shape)), b = variable(tensor(in.b, shape));
  std::array<Tensor*, 2> leaves() { return {&a, &b}; }
  Tensor value() { return torch::matmul(a, b).sum(); }
};

struct PairwiseDistances : Differentiate<PairwiseDistances> {
  bench::PointsInputs in;
  Tensor a = variable(tensor(in.a, {in.count, 1, 3})), b = variable(tensor(in.b, {1, in.count, 3}));
  std::array<Tensor*, 2> leaves() { return {&a, &b}; }
  Tensor value() { return ((a - b).square().sum(-1) + 1e-6).sqrt().sum(); }
};

struct PairwiseNorms : Differentiate<PairwiseNorms> {
  bench::PointsInputs in;
  Tensor a = variable(tensor(in.a, {in.count, 1, 3})), b = variable(tensor(in.b, {1, in.count, 3}));
  std::array<Tensor*, 2> leaves() { return {&a, &b}; }
  Tensor value() { return (a - b).norm(2, -1).sum(); }
};

/// f(array), and the gradient that comes from a given one above.
template <Tensor (*f)(const Tensor&)>
struct OfArray {
  template <class... Sizes>
  explicit OfArray(Sizes... sizes) : in({sizes...}) {}
  bench::ArrayInputs in;
  Tensor x = variable(tensor(in.x, in.shape));
  Tensor seed = tensor(in.seed).narrow(0, 0, f(x).numel()).reshape(f(x).sizes()).clone();
  void step() {
    zero_grad(x);
    f(x).backward(seed);
  }
  void report(bench::Report& report) {
    add(report, "value", f(x));
    add(report, "gradient", x.grad());
  }
};
Tensor sum_last(const Tensor& x) { return x.sum(-1); }
Tensor max_last(const Tensor& x) { return x.amax(-1); }
Tensor softmax_last(const Tensor& x) { return torch::softmax(x, -1); }
Tensor log_softmax_middle(const Tensor& x) { return torch::log_softmax(x, 1); }
Tensor sum_apart(const Tensor& x) { return x.sum(at::IntArrayRef{0, 2}); }
Tensor max_apart(const Tensor& x) { return x.amax(at::IntArrayRef{0, 2}); }
Tensor permuted(const Tensor& x) { return x.permute({5, 2, 0, 4, 1, 3}).contiguous(); }

template <Tensor (*f)(const Tensor&, const Tensor&)>
struct OfPair : Differentiate<OfPair<f>> {
  OfPair(std::int64_t count, float low, float high) : in(count, low, high) {}
  bench::PairInputs in;
  Tensor x = variable(tensor(in.x)), a = variable(tensor(in.a));
  std::array<Tensor*, 2> leaves() { return {&x, &a}; }
  Tensor value() { return f(x, a).sum(); }
};
Tensor powers(const Tensor& x, const Tensor& a) {
  return x.pow(1.7) * torch::exp(-x) + torch::log(x) * x.pow(a);
}
Tensor branches(const Tensor& x, const Tensor& a) {
  return torch::where(x > a, torch::maximum(x, 0.5 * a), torch::clamp(x * a, -0.5, 0.5)) *
         torch::where(x < 0, torch::tensor(0.1F), torch::tensor(1.0F));
}

struct OuterExp : Differentiate<OuterExp> {
  bench::PairInputs in{1000, -2, 2};
  Tensor x = variable(tensor(in.x, {in.size, 1})), a = variable(tensor(in.a, {1, in.size}));
  std::array<Tensor*, 2> leaves() { return {&x, &a}; }
  Tensor value() { return torch::exp(x - a).sum(); }
};

enum class Tall { times_vector, transposed_times_vector };
struct TallMatrix {
  explicit TallMatrix(Tall which) : transposed(which == Tall::transposed_times_vector) {}
  bool transposed;
  bench::TallInputs in;
  Tensor matrix = variable(tensor(in.matrix, {in.rows, in.columns}));
  Tensor vector = variable(transposed ? tensor(in.seed) : tensor(in.vector));
  Tensor seed = transposed ? tensor(in.vector) : tensor(in.seed);
  Tensor value() { return transposed ? torch::matmul(vector, matrix) : torch::matmul(matrix, vector); }
  void step() {
    zero_grad(matrix);
    zero_grad(vector);
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
  std::vector<std::int64_t> shape{in.heads, in.length, in.width};
  Tensor q = variable(tensor(in.q, shape)), k = variable(tensor(in.k, shape)),
         v = variable(tensor(in.v, shape)), seed = tensor(in.seed, shape);
  Tensor value() {
    return torch::matmul(torch::softmax(torch::matmul(q, k.transpose(1, 2)) * in.scale, -1), v);
  }
  void step() {
    for (Tensor* leaf : {&q, &k, &v}) zero_grad(*leaf);
    value().backward(seed);
  }
  void report(bench::Report& report) {
    add(report, "value", value());
    for (Tensor* leaf : {&q, &k, &v}) add(report, "gradient", leaf->grad());
  }
};

struct Pinn {
  static constexpr bool learns = true;
  bench::PinnInputs in;
  Layers net{in.layers};
  Tensor x = variable(tensor(in.x, {in.count, 1})), force = torch::sin(x.detach());
  Tensor u() const {
    Tensor h = x;
    for (std::size_t i = 0; i < net.parameters.size(); i += 2) {
      if (i > 0) h = torch::tanh(h);
      h = F::linear(h, net.parameters[i], net.parameters[i + 1]);
    }
    return h;
  }
  Tensor loss() const {
    const Tensor ones = torch::ones_like(force);
    const Tensor slope = torch::autograd::grad({u()}, {x}, {ones}, {}, true)[0];
    const Tensor second = torch::autograd::grad({slope}, {x}, {ones}, {}, true)[0];
    return (second + force).square().mean();
  }
  void step() {
    for (Tensor& parameter : net.parameters) zero_grad(parameter);
    loss().backward({}, c10::nullopt, false, net.parameters);
    const torch::NoGradGuard no_grad;
    for (Tensor& parameter : net.parameters)
      if (parameter.grad().defined()) parameter.sub_(parameter.grad(), in.learning_rate);
  }
  void report(bench::Report& report) { net.report(report, loss()); }
};

#include "cases.inc"
#include "cases_without_floor.inc"

}  // namespace

int main() {
  if (const char* threads = std::getenv("OMP_NUM_THREADS")) torch::set_num_threads(std::atoi(threads));
  bench::Program program("LibTorch " TORCH_VERSION);
  add_cases(program);
  add_cases_without_floor(program);
  return program.serve();
}
