#pragma once

#include <string>

#include "chainrule/walk.h"

namespace chainrule {

/// A term in LaTeX's math mode; numbers in the colours of their kinds, as `value`. Derivatives are
/// fractions, or on one line: dL/dx.
std::string latex(const Term& term, bool on_one_line = false);
std::string latex(const Terms& terms, bool on_one_line = false);

/// A sentence, for text mode.
std::string latex_words(std::string_view text);

/// The name of a node in math mode: a letter as it is, v1 with an index, longer names upright.
std::string latex_name(std::string_view name);

}  // namespace chainrule
