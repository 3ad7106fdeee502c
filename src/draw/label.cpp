// Text for the labels of Graphviz, and a tensor in few characters.
// Numbers are numbers.h's; escaping is markup.h's.

#include "draw/label.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "draw/markup.h"
#include "draw/numbers.h"

namespace chainrule {
namespace {

constexpr std::size_t longest = 40;  // characters

/// Graphviz's parser gets a "]" at the end of a text too late, as it could begin the "]]>" that ends CDATA.
constexpr const char* closing_bracket = "&#93;";

std::string cell(const std::string& label, const char* alignment) {
  return fmt::format("<TD ALIGN=\"{}\">{}</TD>", alignment, label);
}

/// An array as a table with aligned columns and each row in brackets.
std::string matrix(const std::vector<double>& elements, const Shape& shape) {
  const auto width = static_cast<std::size_t>(shape.back());
  std::string text;
  for (std::size_t begin = 0; begin < elements.size(); begin += width) {
    std::string cells = cell("[", "LEFT");
    for (std::size_t i = begin; i < begin + width; ++i) cells += cell(number(elements[i], 4), "RIGHT");
    text += "<TR>" + cells + cell(closing_bracket, "RIGHT") + "</TR>";
  }
  return table(text);
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : markup(text, longest)) {
    if (c == ']')
      result += closing_bracket;
    else if (c == '\\')
      result += "\\\\";  // \N would become the node's number, even as &#92;N
    else
      result += c;
  }
  return result.empty() ? "&nbsp;" : result;  // Graphviz knows no text without a character
}

std::string brief(const NumbersSummary& numbers, const Shape& shape, DType dtype, bool with_norm) {
  if (shape.size() == 0) return std::string("[") + closing_bracket;
  if (shape.rank() == 0 && dtype == DType::boolean) return numbers.elements.front() != 0 ? "True" : "False";
  if (shape.rank() == 0) return number(numbers.elements.front(), 4);
  if (!numbers.elements.empty()) return matrix(numbers.elements, shape);
  const auto line = [](const char* name, const std::string& value) {
    return "<TR>" + cell(name + std::string("&nbsp;"), "LEFT") + cell(value, "RIGHT") + "</TR>";
  };
  std::string lines = line("min", number(numbers.min, 4)) + line("mean", number(numbers.mean, 4)) +
                      line("max", number(numbers.max, 4));
  if (with_norm) lines += line("norm", number(numbers.norm, 4));
  if (numbers.nans > 0) lines += line("NaN", fmt::format("{} of {}", numbers.nans, shape.size()));
  if (numbers.infinities > 0) lines += line("Inf", fmt::format("{} of {}", numbers.infinities, shape.size()));
  return table(lines);
}

bool is_literal(const GraphNode& node) {
  return node.kind == NodeKind::constant && node.tensor.name().empty() && node.tensor.rank() == 0;
}

std::string row(const std::string& label, int columns) {
  return fmt::format("<TR><TD COLSPAN=\"{}\">{}</TD></TR>", columns, label);
}

std::string row(const std::string& left, const std::string& right) {
  return "<TR>" + cell(left, "RIGHT") + cell(right, "LEFT") + "</TR>";
}

std::string table(const std::string& rows) {
  return "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"2\">" + rows + "</TABLE>";
}

}  // namespace chainrule
