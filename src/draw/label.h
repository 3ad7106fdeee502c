// Text for the labels of Graphviz, which are tables of its own HTML.
// Used by all that is written as DOT.

#pragma once

#include <string>
#include <string_view>

#include "chainrule/draw.h"

namespace chainrule {

/// `text` for Graphviz's HTML-like labels: markup characters escaped, control characters and bytes that
/// are not UTF-8 replaced, cut with "…" after some 40 characters.
std::string escaped(std::string_view text);

/// A tensor in few characters, as such a label: a number; a small array row by row; of a larger one
/// smallest, mean and largest element, the norm if wanted, and how many are NaN or infinite.
std::string brief(const NumbersSummary& numbers, const Shape& shape, DType dtype, bool with_norm = false);

/// Is the node a number in the expression, which is its own name?
bool is_literal(const GraphNode& node);

/// Tables, which lay out such labels.
std::string table(const std::string& rows);
std::string row(const std::string& label, int columns = 1);
std::string row(const std::string& left, const std::string& right);

}  // namespace chainrule
