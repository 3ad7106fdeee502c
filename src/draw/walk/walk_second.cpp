// The second order: the backward pass as a part of the graph, and a backward pass through that. The first
// pass is recorded by gradients that can be differentiated again; together.h makes one graph of both.

#include <utility>

#include "autograd/engine.h"
#include "autograd/total.h"
#include "chainrule/ops.h"
#include "draw/walk/equation.h"
#include "draw/walk/start.h"
#include "graph/together.h"

namespace chainrule {
namespace {

/// Keeps the gradient of every node, recorded.
class Recorder final : public Backpropagation {
 public:
  Recorder() { called = "walk"; }
  bool wants(std::size_t, const Node&) override { return true; }
  void receive(const Node& node, Cotangent&& gradient) override {
    gradients.emplace_back(&node, std::move(gradient).tensor(node.dtype()));
  }
  const Tensor& of(const Tensor& tensor) const {
    for (const auto& [node, gradient] : gradients)
      if (node == tensor.node()) return gradient;
    throw GradError("walk: " + (tensor.name().empty() ? "a tensor" : "'" + tensor.name() + "'") +
                    " is to move, but has no gradient; make it a variable");
  }
  std::vector<std::pair<const Node*, Tensor>> gradients;  // from the output on
};

/// The derivative of the output along the movements.
Tensor along(const Recorder& recorder, const std::vector<Movement>& movements) {
  Tensor total;
  for (const Movement& each : movements) {
    const Tensor product = recorder.of(each.of) * each.along;
    add_to(total, product.rank() == 0 ? product : sum(product));
  }
  return total;
}

}  // namespace

Walk Walk::of_second_order(const Tensor& output, const std::vector<Movement>& movements,
                           std::string expression) {
  require_scalar(output);
  const Graph first(output);
  const std::string by = moving_name(first, movements);
  const std::string& label = first.output().label;
  const KeepValues keep;
  Recorder recorder;
  const Tensor seed = ones_like(output);
  recorder.run(output, seed, true);
  std::vector<Movement> moving;
  moving.reserve(movements.size());
  for (const Movement& each : movements)
    moving.push_back({each.of, cast(each.along, each.of.dtype()).detach()});
  Tensor derivative = is_one_scalar(movements) ? recorder.of(movements.front().of) : along(recorder, moving);
  if (is_part_of(first, derivative)) derivative = derivative * 1.0;  // a node of its own

  Graph both(Together::of(output, derivative));
  const std::size_t scalar = both.position(output);
  std::vector<Term> names(both.nodes().size() - scalar - 1);
  const auto call = [&](const Tensor& tensor, const Term& name) {
    if (!is_part_of(both, tensor)) return;
    const std::size_t position = both.position(tensor);
    if (position > scalar && names[position - scalar - 1].text.empty()) names[position - scalar - 1] = name;
  };
  const auto derivative_by = [&](const std::string& under) {
    return Term{.kind = Term::Kind::derivative,
                .text = "d" + label,
                .under = "d" + under,
                .numbers = Term::Kind::gradient};
  };
  const auto label_of = [&](const Tensor& tensor) { return first.nodes()[first.position(tensor)].label; };
  call(derivative, derivative_by(by));
  for (const auto& [node, gradient] : recorder.gradients)
    call(gradient, derivative_by(label_of(Borrowed(node))));
  for (const Movement& each : moving)
    call(each.along, {.kind = Term::Kind::derivative,
                      .text = "d" + label_of(each.of),
                      .under = "d" + by,
                      .numbers = Term::Kind::tangent});

  Walk walk(Start{Mode::second, std::move(both), scalar, std::move(expression), by, std::move(names)});
  for (std::size_t i = 0; i < walk.graph_.nodes().size(); ++i) walk.forward(i);
  walk.name_expression();
  if (derivative.requires_grad()) walk.backward();
  return walk;
}

}  // namespace chainrule
