// Terms, numbers and names in LaTeX, for equations and for the graph in TikZ.
// What may be in a term is said in chainrule/walk.h.

#pragma once

#include <string>

#include "chainrule/walk.h"

namespace chainrule {

/// A term in LaTeX's math mode; numbers in the colours of their kinds, as `value`. Derivatives are
/// fractions, or on one line: dL/dx.
std::string latex(const Term& term, bool on_one_line = false);
std::string latex(const Terms& terms, bool on_one_line = false);

/// Numbers in math mode, and about how much room they take.
struct LatexNumbers {
  std::string text;
  double width = 0;        ///< of the widest line, in units of the size of the font
  std::size_t height = 0;  ///< lines
};
/// All elements of a tensor that has some, with so many significant digits: a matrix in rows and columns, or
/// of the size of an index; anything else, and a matrix wider than `widest`, as a list in lines of that
/// width.
LatexNumbers latex_numbers(const Tensor& tensor, int digits, double widest, bool small);
LatexNumbers latex_numbers(const Term& term);
/// About how wide terms are, in units of the size of the font.
double latex_width(const Terms& terms);

/// A sentence, for text mode.
std::string latex_words(std::string_view text);

/// The name of a node in math mode: a letter as it is, v1 with an index, longer names upright.
std::string latex_name(std::string_view name);

}  // namespace chainrule
