#pragma once

#include <string>

#include "chainrule/walk.h"

namespace chainrule::draw {

/// As plain text: "dL/dx", "-4 · 1".
std::string plain(const Term& term);
std::string plain(const Terms& terms);

/// The whole step in plain text: "dL/dx += dL/dq · ∂q/∂x = -4 · 1 = -4, so dL/dx = -8".
std::string plain(const WalkStep& step);

/// Calls `write` for everything in a step's equation and sum: with each sign between the sides, as a term,
/// and with the terms of each side. Sides in numbers only when they are wanted.
template <class Write>
void write_equation(const std::vector<Side>& equation, bool accumulates, bool in_numbers, Write write) {
  const char* sign = accumulates ? " += " : " = ";
  for (const Side& side : equation) {
    if (side.in_numbers && !in_numbers) continue;
    if (&side != &equation.front()) write(Term{.text = std::exchange(sign, " = ")});
    for (const Term& term : side.terms) write(term);
  }
}

}  // namespace chainrule::draw
