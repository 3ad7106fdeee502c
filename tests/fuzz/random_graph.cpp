// Fuzz target: bytes as a program of operations, whose gradients agree in all modes and with differences.
// random_program.h makes the program.

#include <cmath>
#include <cstring>
#include <functional>
#include <sstream>

#include "chainrule/autograd.h"
#include "chainrule/graph.h"
#include "chainrule/ops.h"
#include "random_program.h"

namespace chainrule::fuzz {
namespace {

using Tensors = std::vector<Tensor>;

Tensors variables(const Tensors& values) {
  Tensors result;
  for (const Tensor& value : values) result.push_back(variable(value));
  return result;
}

/// A direction to move the leaves in, with all numbers different.
Tensors directions(const Tensors& leaves) {
  Tensors result;
  double turn = 0;
  for (const Tensor& leaf : leaves) {
    std::vector<double> elements(static_cast<std::size_t>(leaf.size()));
    for (double& element : elements) element = std::cos(turn += 1.3);
    result.push_back(tensor(elements, leaf.shape()));
  }
  return result;
}

Tensors moved(const Tensors& leaves, const Tensors& along, double step) {
  const NoGrad constants;
  Tensors result;
  for (std::size_t i = 0; i < leaves.size(); ++i) result.push_back(leaves[i] + along[i] * step);
  return result;
}

double dot(const Tensors& a, const Tensors& b) {
  const NoGrad constants;
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += sum(a[i] * b[i]).item();
  return total;
}

Tensors found(const Gradients& gradients, const Tensors& leaves) {
  Tensors result;
  for (const Tensor& leaf : leaves) result.push_back(gradients.at(leaf));
  return result;
}

Tensors accumulated(const Tensors& leaves) {
  Tensors result;
  for (const Tensor& leaf : leaves) result.push_back(leaf.grad());
  return result;
}

bool same_bits(double a, double b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b));
}

/// Are all values and gradients on the way of a size at which a difference of two results has digits left?
bool is_moderate(const Tensor& loss) {
  constexpr double most = 1000;
  const Gradients all = gradients(loss, {}, {.all_nodes = true});
  const auto is_small = [](const Tensor& tensor) {
    if (!is_floating(tensor.dtype())) return true;
    for (const double element : tensor.to_vector<double>())
      if (!(std::abs(element) < most)) return false;
    return true;
  };
  const Graph graph(loss);
  for (const GraphNode& node : graph.nodes())
    if (!is_small(node.tensor) || (all.contains(node.tensor) && !is_small(all.at(node.tensor)))) return false;
  return true;
}

/// One program and what must hold of it.
class Check {
 public:
  explicit Check(const Program& program) : program_(program), along_(directions(program.leaves())) {}

  void run() const {
    const Tensors leaves = variables(program_.leaves());
    const Tensor loss = program_.run(leaves);
    if (!loss.requires_grad()) return;  // nothing but what is detached
    const Tensors plain = found(gradients(loss, leaves), leaves);
    expect_same("repeated", found(gradients(loss, leaves), leaves), plain);
    loss.backward();
    expect_same("backward", accumulated(leaves), plain);
    loss.backward();
    expect_same("backward twice", accumulated(leaves), plain, 2);
    expect_same("all nodes", found(gradients(loss, leaves, {.all_nodes = true}), leaves), plain);
    consumed(loss, plain);
    kept(loss, plain);
    const Tensors recorded = found(gradients(loss, leaves, {.create_graph = true}), leaves);
    if (program_.is_tame()) in_directions(plain, recorded);
  }

 private:
  [[noreturn]] void fail(const std::string& what, double actual, double expected) const {
    std::ostringstream out;
    out.precision(17);
    out << what << ": " << actual << " instead of " << expected << " in\n" << program_.text();
    throw Finding(std::move(out).str());
  }

  void expect_same(const std::string& what, double actual, double expected) const {
    if (!same_bits(actual, expected)) fail(what, actual, expected);
  }
  void expect_same(const std::string& what, const Tensors& actual, const Tensors& expected,
                   double times = 1) const {
    for (std::size_t i = 0; i < actual.size(); ++i) {
      if (!(actual[i].shape() == expected[i].shape()))
        fail(what + ", another shape, v" + std::to_string(i), 0, 0);
      const auto left = actual[i].to_vector<double>(), right = expected[i].to_vector<double>();
      for (std::size_t k = 0; k < left.size(); ++k)
        expect_same(what + ", v" + std::to_string(i) + ", element " + std::to_string(k), left[k],
                    times * right[k]);
    }
  }

  void expect_close(const std::string& what, double actual, double expected) const {
    if (!(std::abs(actual - expected) <= 1e-9 * std::max(1.0, std::abs(expected))))
      fail(what, actual, expected);
  }

  void consumed(const Tensor& loss, const Tensors& plain) const {
    const Tensors leaves = variables(program_.leaves());
    Tensor other = program_.run(leaves);
    expect_same("the value again", other.item(), loss.item());
    std::move(other).backward();
    expect_same("consumed", accumulated(leaves), plain);
  }

  void kept(const Tensor& loss, const Tensors& plain) const {
    const KeepValues keep;
    const Tensors leaves = variables(program_.leaves());
    const Tensor other = program_.run(leaves);
    expect_same("the value with all kept", other.item(), loss.item());
    expect_same("with all values kept", found(gradients(other, leaves), leaves), plain);
  }

  /// The first and the second derivative in one direction, in several ways the same number. Recorded
  /// gradients differ from others in the last bits, where one adds up equal numbers and the other multiplies.
  void in_directions(const Tensors& plain, const Tensors& recorded) const {
    const KeepValues keep;
    const Tensors leaves = variables(program_.leaves());
    const Tensor loss = program_.run(leaves);
    if (!is_moderate(loss)) return;
    double forward = 0;
    for (std::size_t i = 0; i < leaves.size(); ++i) forward += jvp(loss, leaves[i], along_[i]).item();
    for (std::size_t i = 0; i < plain.size(); ++i) {
      const auto left = recorded[i].to_vector<double>(), right = plain[i].to_vector<double>();
      for (std::size_t k = 0; k < left.size(); ++k) expect_close("recorded", left[k], right[k]);
    }
    const double slope = dot(plain, along_);
    expect_close("jvp", forward, slope);
    expect_slope("differences", slope, [&](double step) {
      const NoGrad constants;
      return program_.run(moved(leaves, along_, step)).item();
    });

    const Gradients first = gradients(loss, leaves, {.create_graph = true});
    Tensor sum_along = 0.0;
    for (std::size_t i = 0; i < leaves.size(); ++i) sum_along += sum(first.at(leaves[i]) * along_[i]);
    if (!sum_along.requires_grad() || !is_moderate(sum_along)) return;
    const double bend = dot(found(gradients(sum_along, leaves), leaves), along_);
    expect_slope("differences of gradients", bend, [&](double step) {
      const Tensors there = variables(moved(leaves, along_, step));
      return dot(found(gradients(program_.run(there), there), there), along_);
    });
  }

  /// `slope` is the derivative of f at 0, unless f has a kink or bends much near there.
  void expect_slope(const std::string& what, double slope, const std::function<double(double)>& f) const {
    constexpr double h = 1e-4;
    const double here = f(0), right = f(h), left = f(-h);
    const double near = (right - left) / (2 * h), far = (f(2 * h) - f(-2 * h)) / (4 * h);
    const double doubt = std::abs(near - far) + std::abs(right - 2 * here + left) / h;
    const double size = std::max(1.0, std::abs(near));
    if (!(doubt < 0.01 * size)) return;
    if (!(std::abs(near - slope) <= 1e-5 * size + 2 * doubt)) fail(what, near, slope);
  }

  const Program& program_;
  const Tensors along_;
};

}  // namespace

static void random_graph(Bytes bytes) {
  const Program program(bytes);
  Check(program).run();
}
static const Registered registered("random_graph", random_graph);

}  // namespace chainrule::fuzz
