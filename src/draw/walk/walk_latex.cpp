// A walk as a document of LaTeX: the graph in TikZ, then the steps of both passes as equations. It compiles
// as it is, with amsmath, xcolor, graphicx and TikZ.

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "draw/look.h"
#include "draw/markup.h"
#include "draw/walk/equation.h"
#include "draw/walk/latex.h"
#include "draw/walk/walk_page.h"

namespace chainrule {
namespace {

/// What has room on a line of A4, in units of the size of the font.
constexpr double widest_line = 46;

std::string preamble() {
  const auto colour = [](const char* name, const char* of) {
    return fmt::format("\\definecolor{{{}}}{{HTML}}{{{}}}\n", name, std::string_view(of).substr(1));
  };
  return "\\documentclass{article}\n"
         "\\usepackage[margin=2cm]{geometry}\n"
         "\\usepackage{amsmath}\n"
         "\\usepackage{xcolor}\n"
         "\\usepackage{graphicx}\n"
         "\\usepackage{tikz}\n" +
         colour("value", value_colour) + colour("gradient", gradient_colour) +
         colour("tangent", tangent_colour) + colour("second", second_colour) +
         "\\newsavebox{\\graph}\n"
         "\\setcounter{MaxMatrixCols}{12}\n"
         "\\allowdisplaybreaks\n"
         "\\addtolength{\\jot}{3pt}\n"
         "\\setlength{\\parindent}{0pt}\n";
}

Terms with_short_names(Terms terms) {
  for (Term& term : terms) term = chainrule::with_short_names(std::move(term));
  return terms;
}

/// What was typed, a line for each of its statements, without comments.
std::string heading(const std::string& expression) {
  constexpr std::size_t longest = 200, longest_line = 80;  // characters
  std::string typed = shortened(expression, longest), text;
  for (std::size_t at; (at = typed.find('#')) != std::string::npos;)
    typed.erase(at, typed.find('\n', at) - at);
  std::replace(typed.begin(), typed.end(), '\n', ';');
  std::istringstream statements(typed);
  for (std::string statement; std::getline(statements, statement, ';');) {
    statement.erase(0, statement.find_first_not_of(' '));
    statement.erase(statement.find_last_not_of(' ') + 1);
    if (statement.empty()) continue;
    text += (text.empty() ? "  " : " \\\\\n  ") + latex(Term{.text = shortened(statement, longest_line)});
  }
  return text.empty() ? text : "\\begin{gather*}\n" + text + "\n\\end{gather*}\n\n";
}

/// One equation, aligned at its first sign. A further side goes to a line of its own where it has no room,
/// and one that is too long for that to several.
std::string equation(const std::vector<Side>& sides, bool accumulates, double widest) {
  std::string text;
  double width = 0;
  write_equation(sides, accumulates, true, [&](std::string_view sign, const Terms& names) {
    const Terms terms = with_short_names(names);
    if (sign.empty()) {
      text += latex(terms) + " &";
      return;
    }
    const double whole = latex_width(terms);
    const auto new_line = [&](const char* start) {
      text += std::string(" \\\\\n  &") + start;
      width = 0;
    };
    if (width > 0 && width + whole > widest) new_line("");
    text += sign == " += " ? " \\mathrel{{+}{=}} " : " = ";
    const bool has_exponent = std::ranges::find(terms, std::string_view(" ** "), &Term::text) != terms.end();
    if (whole <= widest || has_exponent) {
      text += latex(terms);
      width += whole;
      return;
    }
    for (const Term& term : terms) {
      const double more = latex_width({term});
      if (width > 0 && width + more > widest) new_line("\\quad ");
      text += latex(term);
      width += more;
    }
  });
  return text;
}

std::string pass(const Walk& walk, std::size_t number) {
  std::vector<std::pair<const std::vector<Side>*, bool>> equations;
  double widest_left = 0;
  for (const WalkStep& step : walk.steps()) {
    if (pass_of(walk, step) != number) continue;
    for (const auto* sides : {&step.equation, &step.sum}) {
      if (sides->empty()) continue;
      equations.emplace_back(sides, sides == &step.equation && !step.sum.empty());
      widest_left = std::max(widest_left, latex_width(with_short_names(sides->front().terms)));
    }
  }
  std::string lines;
  for (const auto& [sides, accumulates] : equations)
    lines += (lines.empty() ? "  " : " \\\\\n  ") + equation(*sides, accumulates, widest_line - widest_left);
  return lines.empty() ? lines : "\\begin{align*}\n" + lines + "\n\\end{align*}\n";
}

}  // namespace

std::string walk_latex(const Walk& walk, const LatexGraph& graph, const Layout& layout) {
  std::string text = preamble() + "\n\\begin{document}\n\n";
  text += heading(walk.expression()) + graph.picture(layout) + "\n";
  const std::vector<std::string> titles = passes(walk);
  for (std::size_t i = 0; i < titles.size(); ++i)
    text += (i > 0 ? "\n\\textbf{" : "\\textbf{") + titles[i] + "}\n" + pass(walk, i);
  if (const std::string reason = walk.no_gradients(); !reason.empty())
    text += "\n" + latex_words(reason) + "\n";
  return text + "\n\\end{document}\n";
}

}  // namespace chainrule
