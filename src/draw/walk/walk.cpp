// The steps of a forward and a backward pass, as the engine takes them, with their equations: an observer of
// the one engine, so that it cannot differ from it.

#include "chainrule/walk.h"

#include <algorithm>
#include <functional>

#include "autograd/engine.h"
#include "autograd/total.h"
#include "chainrule/ops.h"
#include "draw/label.h"
#include "draw/numbers.h"
#include "draw/walk/equation.h"
#include "draw/walk/start.h"
#include "draw/walk/terms.h"

namespace chainrule {
namespace {

/// Shows what each node of a backward pass sends to its inputs.
class ShownBackward final : public Backpropagation {
 public:
  using Show = std::function<void(const Node& from, std::size_t input, const Tensor& sent)>;
  explicit ShownBackward(Show show) : show_(std::move(show)) {
    called = "walk";
    observes = true;
  }
  bool wants(std::size_t, const Node&) override { return false; }
  void receive(const Node&, Cotangent&&) override {}
  void sent(const Node& from, std::size_t input, const Cotangent& cotangent) override {
    show_(from, input, cotangent.tensor(from.inputs()[input].dtype()));
  }

 private:
  Show show_;
};

}  // namespace

void require_scalar(const Tensor& output) {
  if (output.size() != 1)
    throw GradError("walk: the result has shape " + to_string(output.shape()) +
                    "; only a scalar has gradients, so reduce it, with sum or mean");
}

Walk::Walk(const Tensor& output, std::string expression)
    : graph_(output), scalar_(graph_.nodes().size() - 1), expression_(std::move(expression)) {
  require_scalar(output);
  require_values();
  for (std::size_t i = 0; i < graph_.nodes().size(); ++i) forward(i);
  name_expression();
  if (output.requires_grad()) backward();
}

Walk::Walk(Start start)
    : mode_(start.mode),
      graph_(std::move(start.graph)),
      scalar_(start.scalar),
      expression_(std::move(start.expression)),
      by_(std::move(start.by)),
      recorded_(std::move(start.recorded)) {
  require_values();
}

void Walk::require_values() const {
  for (const GraphNode& node : graph_.nodes())
    if (!node.has_value)
      throw GradError("walk: the value of " + node.label +
                      " has been released; make a KeepValues before you compute");
}

void Walk::name_expression() {
  if (!expression_.empty() || graph_.nodes()[scalar_].kind != NodeKind::operation) return;
  const auto is_about_it = [&](const WalkStep& step) {
    return step.node == scalar_ && step.kind == WalkStep::Kind::operation;
  };
  expression_ = plain(std::ranges::find_if(steps_, is_about_it)->equation[1].terms);
}

std::string Walk::no_gradients() const {
  const bool has_some = std::ranges::any_of(steps_, [&](const WalkStep& step) {
    return step.is_backward() || (step.node == scalar_ && !step.total.is_empty());
  });
  if (has_some) return "";
  const std::string output = graph_.nodes()[scalar_].label;
  switch (mode_) {
    case Mode::backward: break;
    case Mode::forward: return output + " does not depend on what moves, or not smoothly: its tangent is 0";
    case Mode::second:
      return plain(derivative_of_output()) + " depends on no variable: all second derivatives are 0";
  }
  return output + " depends on no variable, or not smoothly: all gradients are 0";
}

Term Walk::name(std::size_t node) const {
  if (is_recorded(node))
    if (const Term& recorded = recorded_[node - scalar_ - 1]; !recorded.text.empty()) return recorded;
  return name_of(graph_.nodes()[node]);
}

Term::Kind Walk::value_kind(std::size_t node) const {
  const Term called = name(node);
  if (!is_recorded(node) || called.kind == Term::Kind::text) return Term::Kind::value;
  return called.kind == Term::Kind::derivative ? called.numbers : Term::Kind::gradient;
}

Term Walk::derivative_of_output() const {
  return {.kind = Term::Kind::derivative,
          .text = "d" + graph_.nodes()[scalar_].label,
          .under = "d" + by_,
          .numbers = Term::Kind::gradient};
}

Term Walk::derivative(std::size_t node) const {
  const Term of = name(node);
  const std::string& output = graph_.nodes()[scalar_].label;
  Term term{.kind = Term::Kind::derivative,
            .text = "d" + output,
            .under = differential("d", of),
            .numbers = derivative_kind()};
  if (mode_ == Mode::forward) {
    term.text = term.under;
    term.under = "d" + by_;
  } else if (is_recorded(node)) {
    term.text = differential("d", derivative_of_output());
  } else if (mode_ == Mode::second) {
    term.text = "d²" + output;
    term.under = of.text == by_ ? "d" + by_ + "²" : "d" + by_ + " " + term.under;
  }
  return term;
}

void Walk::forward(std::size_t position) {
  const GraphNode& node = graph_.nodes()[position];
  if (is_literal(node) && name(position).kind == Term::Kind::text) return;
  WalkStep step{.node = position, .equation = {{{name(position)}}}, .result = node.tensor};
  if (node.kind == NodeKind::operation) {
    step.kind = WalkStep::Kind::operation;
    Terms names, values;
    bool scalars = true;
    for (const std::size_t input : node.inputs) {
      const Tensor& each = graph_.nodes()[input].tensor;
      names.push_back(name(input));
      values.push_back(numbers(value_kind(input), each));
      scalars = scalars && each.rank() == 0;
    }
    step.equation.push_back({written(node, names)});
    if (scalars && plain(names) != plain(values)) step.equation.push_back({written(node, values)});
  } else if (is_recorded(position)) {
    step.kind = WalkStep::Kind::operation;  // of the backward pass, where nothing is given
  }
  step.equation.push_back({{numbers(value_kind(position), node.tensor)}});
  steps_.push_back(std::move(step));
}

void Walk::backward() {
  const std::vector<GraphNode>& nodes = graph_.nodes();
  total_.assign(nodes.size(), {});
  total_.back() = ones_like(graph_.output().tensor);
  Term derivative = this->derivative(nodes.size() - 1);
  derivative.under = derivative.text;
  steps_.push_back({.kind = WalkStep::Kind::seed,
                    .node = nodes.size() - 1,
                    .equation = {{{derivative}}, {{numbers(derivative_kind(), total_.back())}}},
                    .result = total_.back(),
                    .total = total_.back()});
  ShownBackward([&](const Node& from, std::size_t input, const Tensor& sent) {
    chain_rule(graph_.position(Borrowed(&from)), input, sent);
  }).run(graph_.output().tensor, total_.back(), false);
  total_.clear();
}

void Walk::chain_rule(std::size_t position, std::size_t i, const Tensor& sent) {
  const std::vector<GraphNode>& nodes = graph_.nodes();
  const GraphNode &node = nodes[position], &input = nodes[node.inputs[i]];
  const Term upstream = derivative(position), wanted = derivative(node.inputs[i]);
  const Term known = is_small(total_[position]) ? numbers(derivative_kind(), total_[position]) : upstream;
  const ReadFormula formula = formula_of(*this, position, i, upstream);

  WalkStep step{.kind = WalkStep::Kind::chain_rule,
                .node = node.inputs[i],
                .from = position,
                .input = i,
                .equation = {{{wanted}}},
                .result = sent};
  if (formula.is_factor) {
    const Term partial = partial_derivative(*this, position, i);
    Terms symbols = {upstream, words(" · "), partial}, product = {known, words(" · ")};
    append(product, factor(formula.terms));
    // What was stretched to the shape of the node collects from all the places that it went to.
    if (input.tensor.size() < node.tensor.size())
      for (Terms* each : {&symbols, &product}) {
        each->insert(each->begin(), words("sum("));
        each->push_back(words(")"));
      }
    step.equation.push_back({symbols});
    step.equation.push_back({product});
    step.local = {{{partial}}, {formula.terms}};
    if (const Tensor numeric = local_numbers(*this, position, i, formula); !numeric.is_empty()) {
      const Term value = numbers(Term::Kind::value, numeric);
      Terms in_numbers = {known, words(node.tensor.rank() == 0 ? " · " : " ⊙ ")};
      append(in_numbers, after_operator({value}));
      step.equation.push_back({in_numbers, true});
      step.local.push_back({{value}, true});
    }
  } else {
    step.equation.push_back({formula.terms});
    step.local = {{formula.terms}};
  }
  step.equation.push_back({{numbers(derivative_kind(), sent)}});

  Tensor& total = total_[node.inputs[i]];
  if (!total.is_empty()) {
    Terms growing = {numbers(derivative_kind(), total), words(" + ")};
    append(growing, after_operator({step.equation.back().terms[0]}));
    step.sum = {{{wanted}}, {growing, true}, {{numbers(derivative_kind(), total + sent)}}};
  }
  add_to(total, sent);
  step.total = total;
  steps_.push_back(std::move(step));
}

}  // namespace chainrule
