// The terms that equations are put together from.
// Relies on graph.h's formulas; how they are written is equation.h's.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chainrule/walk.h"

namespace chainrule {

/// What a node is called in an equation.
Term name_of(const GraphNode& node);
Term numbers(Term::Kind kind, const Tensor& tensor);
Term words(std::string_view text);
void append(Terms& to, Terms more);
Terms in_parentheses(Terms terms);
/// A negative number in parentheses, where an operator stands before it.
Terms after_operator(Terms terms);
/// A formula that is a factor, in parentheses unless it is short.
Terms factor(Terms terms);
/// "x + y", "tanh(x)", "-x".
Terms written(const GraphNode& node, const Terms& arguments);

/// The differential of what has that name: "dx", "∂q", "d(dL/dq)".
std::string differential(const char* sign, const Term& name);

/// The formula of a local derivative: see LocalFormula.
struct ReadFormula {
  Terms terms;            ///< with names, and the upstream derivative for g
  bool is_factor = true;  ///< see LocalFormula
  bool has_names = false;
  bool is_linear = false;  ///< see LocalFormula
};
/// Of the node at this position with respect to that input.
ReadFormula formula_of(const Walk& walk, std::size_t position, std::size_t input, const Term& upstream);

/// "∂q/∂x".
Term partial_derivative(const Walk& walk, std::size_t position, std::size_t input);

/// The factor in numbers; empty where it has no names, or there is no room.
Tensor local_numbers(const Walk& walk, std::size_t position, std::size_t input, const ReadFormula& formula);

/// The operation with the tangent of an input in its place, where it is linear in that: "W @ dx/dt". Empty
/// where it is not said to be.
Terms linear_in(const Walk& walk, std::size_t position, std::size_t input, const ReadFormula& formula,
                const Term& tangent);

}  // namespace chainrule
