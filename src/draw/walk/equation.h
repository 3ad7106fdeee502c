// An equation of a walk in writing: as text here, and the classes by which pages and LaTeX colour its parts.
// Relies on chainrule/walk.h for its terms.

#pragma once

#include <string>
#include <vector>

#include "chainrule/walk.h"

namespace chainrule {

/// As plain text: "dL/dx", "-4 · 1".
std::string plain(const Term& term);
std::string plain(const Terms& terms);

/// Has the term numbers in it?
inline bool is_numbers(const Term& term) { return term.kind >= Term::Kind::value; }

/// What style sheets call a kind of numbers, and derivatives that have such: "value", "gradient", "tangent",
/// "second"; empty for anything else.
const char* class_of(Term::Kind kind);
inline const char* class_of(const Term& term) {
  return class_of(term.kind == Term::Kind::derivative ? term.numbers : term.kind);
}

/// A class of a style sheet, and that of the term's numbers if it has one.
std::string with_class_of(const Term& term, std::string classes);

/// The passes that a walk consists of, "Forward" and so on, and which of them a step belongs to.
std::vector<std::string> passes(const Walk& walk);
std::size_t pass_of(const Walk& walk, const WalkStep& step);

/// The term with long names cut, for where room is limited.
Term with_short_names(Term term);

/// The whole step in plain text: "dL/dx += dL/dq · ∂q/∂x = -4 · 1 = -4, so dL/dx = -8".
std::string plain(const WalkStep& step);

/// Calls `write` for each side of an equation, with the sign before it: none for the first. Sides in numbers
/// only when they are wanted.
template <class Write>
void write_equation(const std::vector<Side>& equation, bool accumulates, bool in_numbers, Write write) {
  const char* sign = "";
  for (const Side& side : equation) {
    if (side.in_numbers && !in_numbers) continue;
    write(sign, side.terms);
    sign = accumulates && *sign == '\0' ? " += " : " = ";
  }
}

}  // namespace chainrule
