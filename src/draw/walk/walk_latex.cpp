// A walk as a document of LaTeX: the graph in TikZ, then the steps of both passes as equations.

#include <fmt/format.h>

#include "draw/label.h"
#include "draw/look.h"
#include "draw/markup.h"
#include "draw/numbers.h"
#include "draw/walk/equation.h"
#include "draw/walk/latex.h"
#include "draw/walk/walk_page.h"

namespace chainrule {
namespace {

/// What is shown of the graph is this much smaller than in other drawings, whose text is for screens.
constexpr double scale = 0.6;
constexpr std::size_t widest_line = 70;  // characters of plain text

std::string in_points(double length) { return fmt::format("{:.1f}pt", scale * length); }
std::string point(Point p) { return fmt::format("({:.1f},{:.1f})", p.x, p.y); }

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
         "\\allowdisplaybreaks\n"
         "\\setlength{\\parindent}{0pt}\n";
}

const char* style_of(const GraphNode& node, bool is_output) {
  if (is_output) return "output";
  if (node.kind == NodeKind::variable || node.kind == NodeKind::parameter) return "leaf";
  return node.kind == NodeKind::constant ? "constant" : "computed";
}

std::string numbers_of(Term::Kind kind, const Tensor& tensor) {
  if (tensor.rank() > 0 && !is_small(tensor)) return "";
  return "$" + latex(Term{.kind = kind, .text = one_line(tensor)}) + "$";
}

/// The name with the sign of its operation, the value, and the gradient after the last step.
std::string node(const Walk& walk, const WalkScene& scene, std::size_t position) {
  const GraphNode& node = walk.graph().nodes()[position];
  const Term name = walk.name(position);
  const bool is_number = name.kind == Term::Kind::text;
  std::string text = is_number ? numbers_of(Term::Kind::value, node.tensor)
                               : "$" + latex(with_short_names(name), true) + "$";
  if (node.kind == NodeKind::operation)
    text += "\\enspace $" + latex(Term{.text = std::string(node.notation.symbol)}) + "$";
  const auto add_line = [&](const std::string& line) {
    if (!line.empty()) text += "\\\\ " + line;
  };
  if (node.tensor.rank() > 0)
    add_line("{\\scriptsize $" + latex(Term{.text = to_string(node.tensor.shape())}) + "$}");
  if (!is_number) add_line(numbers_of(walk.value_kind(position), node.tensor));
  if (const auto& gradients = scene.gradients(position); !gradients.empty())
    add_line(numbers_of(walk.derivative_kind(), gradients.back().tensor));
  const Point size = scene.size(position);
  return fmt::format("\\node[{}, minimum width={}, minimum height={}] at {} {{{}}};\n",
                     style_of(node, position + 1 == walk.graph().nodes().size()), in_points(size.x),
                     in_points(size.y), point(scene.layout().nodes[position]), text);
}

/// The curve of an edge, with what comes back along it above its middle.
std::string edge(const Layout::Line& line, const std::string& label) {
  std::string path = point(line.curve[0]);
  for (std::size_t i = 1; i + 2 < line.curve.size(); i += 3)
    path += " .. controls " + point(line.curve[i]) + " and " + point(line.curve[i + 1]) + " .. " +
            point(line.curve[i + 2]);
  std::string text = "\\draw[edge] " + path + " -- " + point(line.tip) + ";\n";
  if (line.label && !label.empty())
    text += "\\node[local] at " + point(*line.label) + " {$" + label + "$};\n";
  return text;
}

std::string picture(const Walk& walk, const WalkScene& scene) {
  std::vector<std::string> labels(scene.layout().edges.size());
  std::vector<std::size_t> first_edge;
  std::size_t count = 0;
  for (const GraphNode& each : walk.graph().nodes()) {
    first_edge.push_back(count);
    count += each.inputs.size();
  }
  for (const WalkStep& step : walk.steps()) {
    const auto label = [&](const std::vector<Side>& local) {
      std::string text = latex(local.front().terms, true);
      if (step.result.rank() == 0 && local.size() > 1) text += " = " + latex(local.back().terms, true);
      return text;
    };
    if (step.kind == WalkStep::Kind::chain_rule)
      labels[first_edge[step.from] + step.input] = label(step.local);
    for (std::size_t i = 0; i < step.locals.size(); ++i)
      if (!step.locals[i].empty()) labels[first_edge[step.node] + i] = label(step.locals[i]);
  }
  std::string text = fmt::format(
      "\\begin{{tikzpicture}}[x={0}pt, y=-{0}pt, every node/.style={{align=center, inner sep=0pt, "
      "font=\\normalsize}},\n"
      "  box/.style={{draw, rounded corners=2pt}}, leaf/.style={{box, fill=value!8}},\n"
      "  constant/.style={{box, dashed, fill=black!5}}, computed/.style={{box}}, output/.style={{box, very "
      "thick}},\n"
      "  edge/.style={{->, >=latex, black!60}}, local/.style={{text={1}, font=\\footnotesize, "
      "fill=white, inner "
      "sep=1pt}}]\n",
      scale, class_of(walk.derivative_kind()));
  for (std::size_t i = 0; i < labels.size(); ++i) text += edge(scene.layout().edges[i], labels[i]);
  for (std::size_t i = 0; i < walk.graph().nodes().size(); ++i) text += node(walk, scene, i);
  return "\\begin{lrbox}{\\graph}\n" + text +
         "\\end{tikzpicture}\n\\end{lrbox}\n"
         "\\begin{center}\n"
         "\\ifdim\\wd\\graph>\\linewidth \\resizebox{\\linewidth}{!}{\\usebox{\\graph}}\\else "
         "\\usebox{\\graph}\\fi\n"
         "\\end{center}\n";
}

/// One equation, aligned at its first sign; a further side goes to a line of its own where it has no room.
std::string equation(const std::vector<Side>& sides, bool accumulates) {
  std::string text;
  std::size_t width = 0;
  write_equation(sides, accumulates, true, [&](std::string_view sign, const Terms& terms) {
    const std::size_t more = plain(terms).size();
    if (sign.empty()) {
      text += latex(terms) + " &";
    } else {
      if (width > 0 && width + more > widest_line) {
        text += " \\\\\n  &";
        width = 0;
      }
      text += (sign == " += " ? " \\mathrel{{+}{=}} " : " = ") + latex(terms);
    }
    width += more;
  });
  return text;
}

std::string pass(const Walk& walk, std::size_t number) {
  std::string lines;
  for (const WalkStep& step : walk.steps()) {
    if (pass_of(walk, step) != number) continue;
    for (const auto* sides : {&step.equation, &step.sum}) {
      if (sides->empty()) continue;
      lines += (lines.empty() ? "  " : " \\\\\n  ") +
               equation(*sides, sides == &step.equation && !step.sum.empty());
    }
  }
  return lines.empty() ? lines : "\\begin{align*}\n" + lines + "\n\\end{align*}\n";
}

}  // namespace

std::string walk_latex(const Walk& walk, const WalkScene& scene) {
  std::string text = preamble() + "\n\\begin{document}\n\n";
  text += "\\[" + latex(Term{.text = shortened(walk.expression(), 200)}) + "\\]\n\n" + picture(walk, scene) +
          "\n";
  const std::vector<std::string> titles = passes(walk);
  for (std::size_t i = 0; i < titles.size(); ++i)
    text += (i > 0 ? "\n\\textbf{" : "\\textbf{") + titles[i] + "}\n" + pass(walk, i);
  if (const std::string reason = walk.no_gradients(); !reason.empty())
    text += "\n" + latex_words(reason) + "\n";
  return text + "\n\\end{document}\n";
}

}  // namespace chainrule
