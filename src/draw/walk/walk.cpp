// The steps of a forward and a backward pass, as the engine takes them, with their equations.

#include "chainrule/walk.h"

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "autograd/engine.h"
#include "chainrule/ops.h"
#include "draw/label.h"
#include "draw/numbers.h"
#include "draw/walk/equation.h"

namespace chainrule {
namespace {

Term name_of(const GraphNode& node) {
  return {.kind = is_literal(node) ? Term::Kind::text : Term::Kind::name, .text = node.label};
}
Term numbers(Term::Kind kind, const Tensor& tensor) {
  return {.kind = kind, .text = one_line(tensor), .tensor = tensor};
}
Term words(std::string_view text) { return {.text = std::string(text)}; }

void append(Terms& to, Terms more) { std::move(more.begin(), more.end(), std::back_inserter(to)); }

Terms in_parentheses(Terms terms) {
  terms.insert(terms.begin(), words("("));
  terms.push_back(words(")"));
  return terms;
}

/// A negative number in parentheses, where an operator stands before it.
Terms after_operator(Terms terms) {
  return plain(terms).starts_with('-') ? in_parentheses(std::move(terms)) : terms;
}

/// A formula that is a factor, in parentheses unless it is short.
Terms factor(Terms terms) {
  const std::string text = plain(terms);
  const bool composed = text.find(' ') != std::string::npos || text.starts_with("−") || text.starts_with('-');
  return composed ? in_parentheses(std::move(terms)) : terms;
}

std::string_view infix(std::string_view operation) {
  struct Sign {
    std::string_view operation, text;
  };
  static constexpr Sign signs[] = {{"add", " + "},     {"sub", " - "},
                                   {"mul", " · "},     {"div", " / "},
                                   {"pow", " ** "},    {"matmul", " @ "},
                                   {"less", " < "},    {"less_equal", " <= "},
                                   {"greater", " > "}, {"greater_equal", " >= "},
                                   {"equal", " == "},  {"not_equal", " != "}};
  for (const Sign& each : signs)
    if (each.operation == operation) return each.text;
  return {};
}

/// "x + y", "tanh(x)", "-x".
Terms written(std::string_view operation, const Terms& arguments) {
  Terms terms;
  if (const std::string_view between = infix(operation); !between.empty() && arguments.size() == 2) {
    terms = {arguments[0], words(between)};
    append(terms, after_operator({arguments[1]}));
  } else if (operation == "neg" && arguments.size() == 1) {
    terms = {words("-")};
    append(terms, after_operator({arguments[0]}));
  } else {
    terms = {words(std::string(operation) + "(")};
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      if (i > 0) terms.push_back(words(", "));
      terms.push_back(arguments[i]);
    }
    terms.push_back(words(")"));
  }
  return terms;
}

/// Formulas are asked for with marks in place of names, so that no name is mistaken for a part of them:
/// one may well be called g.
constexpr char begin_mark = '\1', end_mark = '\2';
std::string mark(std::size_t position) { return begin_mark + std::to_string(position) + end_mark; }

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// A formula with marks as terms: with names in place of marks, and the upstream gradient for g.
Terms read_formula(const std::string& formula, const std::vector<GraphNode>& nodes, const Term& upstream) {
  constexpr std::string_view transposed = "ᵀ";
  Terms terms;
  std::string between;
  const auto flush = [&] {
    if (!between.empty()) terms.push_back(words(between));
    between.clear();
  };
  for (std::size_t i = 0; i < formula.size();) {
    if (formula[i] == begin_mark) {
      flush();
      terms.push_back(name_of(nodes[std::strtoull(&formula[i + 1], nullptr, 10)]));
      i = formula.find(end_mark, i) + 1;
      continue;
    }
    std::size_t end = i;
    while (end < formula.size() && is_word(formula[end])) ++end;
    const std::string word = formula.substr(i, std::max<std::size_t>(end - i, 1));
    i += word.size();
    if (word != "g") {
      between += word;
      continue;
    }
    flush();
    const bool turned = formula.compare(i, transposed.size(), transposed) == 0;
    append(terms, turned ? in_parentheses({upstream}) : Terms{upstream});
  }
  flush();
  return terms;
}

/// Shows what each node of a backward pass sends to its inputs.
class Observer final : public Backpropagation {
 public:
  using Show = std::function<void(const Node& from, std::size_t input, const Tensor& sent)>;
  explicit Observer(Show show) : show_(std::move(show)) {
    called = "walk";
    observes = true;
  }
  bool wants(std::size_t, const Node&) override { return false; }
  void deliver(const Node&, Cotangent) override {}
  void sent(const Node& from, std::size_t input, const Cotangent& cotangent) override {
    show_(from, input, cotangent.tensor(from.inputs()[input].dtype()));
  }

 private:
  Show show_;
};

}  // namespace

Walk::Walk(const Tensor& output, std::string expression)
    : graph_(output), expression_(std::move(expression)) {
  if (output.size() != 1)
    throw GradError("walk: the result has shape " + to_string(output.shape()) +
                    "; only a scalar has gradients, so reduce it, with sum or mean");
  for (const GraphNode& node : graph_.nodes())
    if (!node.has_value)
      throw GradError("walk: the value of " + node.label +
                      " has been released; make a KeepValues before you compute");
  for (std::size_t i = 0; i < graph_.nodes().size(); ++i) forward(i);
  if (expression_.empty() && graph_.output().kind == NodeKind::operation)
    expression_ = plain(steps_.back().equation[1].terms);
  if (output.requires_grad()) backward();
}

std::string Walk::no_gradients() const {
  const GraphNode& output = graph_.output();
  return output.tensor.requires_grad()
             ? ""
             : output.label + " depends on no variable, or not smoothly: all gradients are 0";
}

void Walk::forward(std::size_t position) {
  const GraphNode& node = graph_.nodes()[position];
  if (is_literal(node)) return;
  WalkStep step{.node = position, .equation = {{{name_of(node)}}}, .result = node.tensor};
  if (node.kind == NodeKind::operation) {
    step.kind = WalkStep::Kind::operation;
    Terms names, values;
    bool scalars = true;
    for (const std::size_t input : node.inputs) {
      const GraphNode& each = graph_.nodes()[input];
      names.push_back(name_of(each));
      values.push_back(numbers(Term::Kind::value, each.tensor));
      scalars = scalars && each.tensor.rank() == 0;
    }
    step.equation.push_back({written(node.operation, names)});
    if (scalars && plain(names) != plain(values)) step.equation.push_back({written(node.operation, values)});
  }
  step.equation.push_back({{numbers(Term::Kind::value, node.tensor)}});
  steps_.push_back(std::move(step));
}

void Walk::backward() {
  const std::vector<GraphNode>& nodes = graph_.nodes();
  const std::string& output = graph_.output().label;
  total_.assign(nodes.size(), {});
  total_.back() = ones_like(graph_.output().tensor);
  const Term derivative{.kind = Term::Kind::derivative, .text = "d" + output, .under = "d" + output};
  steps_.push_back({.kind = WalkStep::Kind::seed,
                    .node = nodes.size() - 1,
                    .equation = {{{derivative}}, {{numbers(Term::Kind::gradient, total_.back())}}},
                    .result = total_.back(),
                    .total = total_.back()});
  Observer([&](const Node& from, std::size_t input, const Tensor& sent) {
    chain_rule(graph_.position(Borrowed(&from)), input, sent);
  }).run(graph_.output().tensor, total_.back(), false);
  total_.clear();
}

void Walk::chain_rule(std::size_t position, std::size_t i, const Tensor& sent) {
  const std::vector<GraphNode>& nodes = graph_.nodes();
  const GraphNode &node = nodes[position], &input = nodes[node.inputs[i]];
  const auto gradient_of = [&](const GraphNode& of) {
    return Term{.kind = Term::Kind::derivative, .text = "d" + graph_.output().label, .under = "d" + of.label};
  };
  const Term upstream = gradient_of(node), wanted = gradient_of(input);
  const Term known = is_small(total_[position]) ? numbers(Term::Kind::gradient, total_[position]) : upstream;

  std::vector<std::string> marks;
  for (const std::size_t each : node.inputs)
    marks.push_back(is_literal(nodes[each]) ? nodes[each].label : mark(each));
  const LocalFormula formula = local_formula(node.tensor, i, marks, mark(position));
  const Terms local = read_formula(formula.text, nodes, upstream);

  WalkStep step{.kind = WalkStep::Kind::chain_rule,
                .node = node.inputs[i],
                .from = position,
                .input = i,
                .equation = {{{wanted}}},
                .result = sent};
  if (formula.is_factor) {
    const Term partial{.kind = Term::Kind::derivative, .text = "∂" + node.label, .under = "∂" + input.label};
    Terms symbols = {upstream, words(" · "), partial}, product = {known, words(" · ")};
    append(product, factor(local));
    // What was stretched to the shape of the node collects from all the places that it went to.
    if (input.tensor.size() < node.tensor.size())
      for (Terms* each : {&symbols, &product}) {
        each->insert(each->begin(), words("sum("));
        each->push_back(words(")"));
      }
    step.equation.push_back({symbols});
    step.equation.push_back({product});
    step.local = {{{partial}}, {local}};
    const bool has_names = std::any_of(local.begin(), local.end(),
                                       [](const Term& term) { return term.kind == Term::Kind::name; });
    if (has_names && input.tensor.shape() == node.tensor.shape() && is_small(node.tensor)) {
      const Term value = numbers(Term::Kind::value, local_gradient(node.tensor, i, ones_like(node.tensor)));
      Terms in_numbers = {known, words(node.tensor.rank() == 0 ? " · " : " ⊙ ")};
      append(in_numbers, after_operator({value}));
      step.equation.push_back({in_numbers, true});
      step.local.push_back({{value}, true});
    }
  } else {
    step.equation.push_back({local});
    step.local = {{local}};
  }
  step.equation.push_back({{numbers(Term::Kind::gradient, sent)}});

  Tensor& total = total_[node.inputs[i]];
  if (!total.is_empty()) {
    Terms growing = {numbers(Term::Kind::gradient, total), words(" + ")};
    append(growing, after_operator({step.equation.back().terms[0]}));
    step.sum = {{{wanted}}, {growing, true}, {{numbers(Term::Kind::gradient, total + sent)}}};
  }
  total = total.is_empty() ? sent : total + sent;
  step.total = total;
  steps_.push_back(std::move(step));
}

}  // namespace chainrule
