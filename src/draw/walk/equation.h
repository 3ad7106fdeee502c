#pragma once

#include <string>

#include "chainrule/walk.h"

namespace chainrule {

/// As plain text: "dL/dx", "-4 · 1".
std::string plain(const Term& term);
std::string plain(const Terms& terms);

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
