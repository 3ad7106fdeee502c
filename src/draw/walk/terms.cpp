// The terms of equations: names, numbers, and formulas read as both. A formula is text that mentions inputs
// by name; it is read once and written in names and in numbers.

#include "draw/walk/terms.h"

#include <algorithm>
#include <cstdlib>

#include "draw/label.h"
#include "draw/numbers.h"
#include "draw/walk/equation.h"
#include "graph/node.h"

namespace chainrule {
namespace {

/// Formulas are asked for with marks in place of names, so that no name is mistaken for a part of them:
/// one may well be called g.
constexpr char begin_mark = '\1', end_mark = '\2';
std::string mark(std::size_t position) { return begin_mark + std::to_string(position) + end_mark; }

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// A formula with marks as terms: with names in place of marks, and the upstream gradient for g.
Terms read_formula(const std::string& formula, const Walk& walk, const Term& upstream) {
  Terms terms;
  std::string between;
  std::size_t i = 0;
  const auto flush = [&] {
    if (!between.empty()) terms.push_back(words(between));
    between.clear();
  };
  /// In parentheses where a fraction is transposed.
  const auto add = [&](const Term& term) {
    constexpr std::string_view transposed = "ᵀ";
    const bool is_turned =
        term.kind == Term::Kind::derivative && formula.compare(i, transposed.size(), transposed) == 0;
    append(terms, is_turned ? in_parentheses({term}) : Terms{term});
  };
  while (i < formula.size()) {
    if (formula[i] == begin_mark) {
      flush();
      const std::size_t position = std::strtoull(&formula[i + 1], nullptr, 10);
      i = formula.find(end_mark, i) + 1;
      add(walk.name(position));
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
    add(upstream);
  }
  flush();
  return terms;
}

}  // namespace

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

Terms after_operator(Terms terms) {
  return plain(terms).starts_with('-') ? in_parentheses(std::move(terms)) : terms;
}

Terms factor(Terms terms) {
  const std::string text = plain(terms);
  const bool composed = text.find(' ') != std::string::npos || text.starts_with("−") || text.starts_with('-');
  return composed ? in_parentheses(std::move(terms)) : terms;
}

static bool is_true(const AttributeValue& value) {
  const bool* const flag = std::get_if<bool>(&value);
  return flag != nullptr && *flag;
}

/// One of two arguments; a matrix that a product reads transposed with a sign of that.
static Terms side(const GraphNode& node, std::size_t i, const Term& argument) {
  constexpr std::string_view flags[] = {"transpose_a", "transpose_b"};
  const Node& made = *node.tensor.node();
  const bool is_transposed =
      made.inputs()[i].rank() > 1 && std::ranges::any_of(made.attributes(), [&](const auto& attribute) {
        return attribute.first == flags[i] && is_true(attribute.second);
      });
  Terms terms = {argument};
  if (!is_transposed) return terms;
  if (argument.kind == Term::Kind::derivative) terms = in_parentheses(std::move(terms));
  terms.push_back(words("ᵀ"));
  return terms;
}

/// What tells the way back of an operation from the operation, where both have one name; else empty.
static std::string way_back(std::string_view attribute, const AttributeValue& value) {
  if ((attribute == "transposed" || attribute == "from_end") && is_true(value)) return std::string(attribute);
  const auto* const sign = std::get_if<std::int64_t>(&value);
  return attribute == "sign" && sign != nullptr && *sign == 1 ? "sign=1" : "";
}

Terms written(const GraphNode& node, const Terms& arguments) {
  Terms terms;
  const std::string sign(node.notation.sign);
  if (!sign.empty() && arguments.size() == 2) {
    terms = side(node, 0, arguments[0]);
    terms.push_back(words(" " + sign + " "));
    append(terms, after_operator(side(node, 1, arguments[1])));
  } else if (!sign.empty() && arguments.size() == 1) {
    terms = {words(sign)};
    append(terms, after_operator({arguments[0]}));
  } else {
    terms = {words(std::string(node.operation) + "(")};
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      if (i > 0) terms.push_back(words(", "));
      terms.push_back(arguments[i]);
    }
    for (const auto& [name, value] : node.tensor.node()->attributes())
      if (const std::string way = way_back(name, value); !way.empty()) terms.push_back(words(", " + way));
    terms.push_back(words(")"));
  }
  return terms;
}

std::string differential(const char* sign, const Term& name) {
  return name.kind == Term::Kind::derivative ? sign + ("(" + plain(name) + ")") : sign + name.text;
}

ReadFormula formula_of(const Walk& walk, std::size_t position, std::size_t input, const Term& upstream) {
  const std::vector<GraphNode>& nodes = walk.graph().nodes();
  const GraphNode& node = nodes[position];
  std::vector<std::string> marks;
  for (const std::size_t each : node.inputs)
    marks.push_back(walk.name(each).kind == Term::Kind::text ? nodes[each].label : mark(each));
  const LocalFormula formula = local_formula(node.tensor, input, marks, mark(position));
  return {.terms = read_formula(formula.text, walk, upstream),
          .is_factor = formula.is_factor,
          .has_names = formula.text.find(begin_mark) != std::string::npos,
          .is_linear = formula.is_linear};
}

Term partial_derivative(const Walk& walk, std::size_t position, std::size_t input) {
  return {.kind = Term::Kind::derivative,
          .text = differential("∂", walk.name(position)),
          .under = differential("∂", walk.name(walk.graph().nodes()[position].inputs[input]))};
}

Tensor local_numbers(const Walk& walk, std::size_t position, std::size_t input, const ReadFormula& formula) {
  const Tensor& node = walk.graph().nodes()[position].tensor;
  const Tensor& with_respect_to = walk.graph().nodes()[walk.graph().nodes()[position].inputs[input]].tensor;
  if (!formula.has_names || with_respect_to.shape() != node.shape() || !is_small(node)) return {};
  return local_gradient(node, input, ones_like(node));
}

Terms linear_in(const Walk& walk, std::size_t position, std::size_t input, const ReadFormula& formula,
                const Term& tangent) {
  const GraphNode& node = walk.graph().nodes()[position];
  if (!formula.is_linear) return {};
  Terms arguments;
  for (const std::size_t each : node.inputs) arguments.push_back(walk.name(each));
  arguments[input] = tangent;
  return written(node, arguments);
}

}  // namespace chainrule
