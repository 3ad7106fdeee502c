// Forward mode: each node's value, and its tangent from those of its inputs. Products are shown as the rules
// for cotangents give them, applied to tangents.

#include <algorithm>
#include <stdexcept>

#include "autograd/total.h"
#include "chainrule/ops.h"
#include "draw/label.h"
#include "draw/numbers.h"
#include "draw/walk/equation.h"
#include "draw/walk/start.h"
#include "draw/walk/terms.h"
#include "graph/call_error.h"
#include "graph/traced.h"

namespace chainrule {
namespace {

std::string quoted(const Tensor& tensor) {
  return tensor.is_empty() || tensor.name().empty() ? "a tensor" : "'" + tensor.name() + "'";
}

void check(const Graph& graph, const Movement& movement) {
  if (!is_part_of(graph, movement.of))
    throw GradError("walk: the output does not depend on " + quoted(movement.of) +
                    ", which is to move; choose what it was computed from");
  if (!is_floating(movement.of.dtype()))
    throw GradError("walk: " + quoted(movement.of) + " is " + std::string(to_string(movement.of.dtype())) +
                    " and cannot move; only float32 and float64 can");
  if (movement.along.shape() != movement.of.shape())
    throw ShapeError("walk: the tangent of " + quoted(movement.of) + " has shape " +
                     to_string(movement.along.shape()) + ", its value " + to_string(movement.of.shape()) +
                     "; they must be equal");
}

/// What one input contributes to the tangent of a node; empty for nothing.
Tensor pushed(const Node& node, std::size_t input, const Tensor& tangent) {
  std::vector<Tensor> tangents(node.inputs().size());
  tangents[input] = tangent;
  const NoGrad guard;
  try {
    return pushed_through(Borrowed(&node), node.inputs(), tangents,
                          [&](const Tensor& v, Cotangents& to) { node.vjp(v, to); });
  } catch (...) {
    rethrow_in_backward(node);
  }
}

Terms summed(Terms terms) {
  terms.insert(terms.begin(), words("sum("));
  terms.push_back(words(")"));
  return terms;
}

Terms product_of(Terms left, const char* sign, const Terms& right) {
  left.push_back(words(sign));
  append(left, right);
  return left;
}

/// The tangent of a node as a sum over the inputs that move: in symbols, with formulas for the local
/// derivatives, and with their numbers.
class Sums {
 public:
  Sums(const Walk& walk, std::size_t position)
      : walk_(walk), position_(position), node_(walk.graph().nodes()[position]) {}

  /// Adds an input with its tangent; gives the local derivative.
  std::vector<Side> add(std::size_t input, const Tensor& tangent) {
    const Term upstream = walk_.derivative(node_.inputs[input]),
               partial = partial_derivative(walk_, position_, input);
    const ReadFormula formula = formula_of(walk_, position_, input, upstream);
    const Terms in_symbols = {partial, words(" · "), upstream};
    if (!formula.is_factor) {
      const Terms product = linear_in(walk_, position_, input, formula, upstream);
      add(in_symbols, product.empty() ? in_symbols : product, {});
      return {{{partial}}};
    }
    const Terms known =
        after_operator({is_small(tangent) ? numbers(walk_.derivative_kind(), tangent) : upstream});
    // What goes into a smaller node is gathered there.
    const bool is_summed = tangent.size() > node_.tensor.size();
    const auto gathered = [&](const Terms& terms) { return is_summed ? summed(terms) : terms; };
    const Terms product = gathered(product_of(factor(formula.terms), " · ", known));
    std::vector<Side> local = {{{partial}}, {formula.terms}};
    const Tensor numeric = local_numbers(walk_, position_, input, formula);
    if (numeric.is_empty()) {
      add(gathered(in_symbols), product, {});
      return local;
    }
    const Terms value = {numbers(Term::Kind::value, numeric)};
    const char* const sign = node_.tensor.rank() == 0 ? " · " : " ⊙ ";
    add(in_symbols, product, product_of(in_numbers_.empty() ? value : after_operator(value), sign, known));
    local.push_back({value, true});
    return local;
  }
  void append_to(std::vector<Side>& equation) const {
    equation.push_back({symbols_});
    if (plain(products_) != plain(symbols_)) equation.push_back({products_});
    if (has_numbers_) equation.push_back({in_numbers_, true});
  }

 private:
  /// Without numbers, the product stands for itself there.
  void add(const Terms& in_symbols, const Terms& product, const Terms& in_numbers) {
    has_numbers_ = has_numbers_ || !in_numbers.empty();
    for (const auto& [sum, more] : {std::pair(&symbols_, &in_symbols),
                                    {&products_, &product},
                                    {&in_numbers_, in_numbers.empty() ? &product : &in_numbers}}) {
      if (!sum->empty()) sum->push_back(words(" + "));
      append(*sum, *more);
    }
  }

  const Walk& walk_;
  std::size_t position_;
  const GraphNode& node_;
  Terms symbols_, products_, in_numbers_;
  bool has_numbers_ = false;
};

}  // namespace

bool is_part_of(const Graph& graph, const Tensor& tensor) {
  return std::ranges::any_of(graph.nodes(),
                             [&](const GraphNode& each) { return each.tensor.node() == tensor.node(); });
}

bool is_one_scalar(const std::vector<Movement>& movements) {
  return movements.size() == 1 && movements.front().of.rank() == 0 && movements.front().along.item() == 1;
}

std::string moving_name(const Graph& graph, const std::vector<Movement>& movements) {
  if (movements.empty())
    throw std::invalid_argument("walk: nothing moves; give a tensor and a tangent of its shape");
  for (const Movement& each : movements) check(graph, each);
  if (is_one_scalar(movements)) return graph.nodes()[graph.position(movements.front().of)].label;
  std::string name = "t";
  const auto is_taken = [&](const GraphNode& node) { return node.label == name; };
  for (const char* next : {"s", "u", "τ"})
    if (std::ranges::any_of(graph.nodes(), is_taken)) name = next;
  return name;
}

Walk Walk::in_forward_mode(const Tensor& output, const std::vector<Movement>& movements,
                           std::string expression) {
  Graph graph(output);
  std::string by = moving_name(graph, movements);
  const std::size_t last = graph.nodes().size() - 1;
  Walk walk(Start{Mode::forward, std::move(graph), last, std::move(expression), std::move(by)});
  walk.total_.assign(last + 1, {});
  for (std::size_t i = 0; i <= last; ++i) {
    walk.forward(i);
    for (const Movement& each : movements)
      if (walk.graph_.position(each.of) == i) walk.direction(i, cast(each.along, each.of.dtype()));
    if (walk.total_[i].is_empty()) walk.tangent(i);
  }
  walk.name_expression();
  walk.total_.clear();
  return walk;
}

void Walk::direction(std::size_t position, const Tensor& tangent) {
  total_[position] = tangent;
  steps_.push_back({.kind = WalkStep::Kind::direction,
                    .node = position,
                    .equation = {{{derivative(position)}}, {{numbers(derivative_kind(), tangent)}}},
                    .result = tangent,
                    .total = tangent});
}

void Walk::tangent(std::size_t position) {
  const GraphNode& node = graph_.nodes()[position];
  if (node.kind != NodeKind::operation || !is_floating(node.tensor.dtype())) return;
  WalkStep step{.kind = WalkStep::Kind::tangent,
                .node = position,
                .equation = {{{derivative(position)}}},
                .locals = std::vector<std::vector<Side>>(node.inputs.size())};
  Sums sums(*this, position);
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const Tensor& moves = total_[node.inputs[i]];
    const Tensor part = moves.is_empty() ? Tensor() : pushed(*node.tensor.node(), i, moves);
    if (part.is_empty()) continue;
    step.locals[i] = sums.add(i, moves);
    add_to(step.total, part);
  }
  if (step.total.is_empty()) return;
  step.result = step.total;
  sums.append_to(step.equation);
  step.equation.push_back({{numbers(derivative_kind(), step.result)}});
  total_[position] = step.result;
  steps_.push_back(std::move(step));
}

}  // namespace chainrule
