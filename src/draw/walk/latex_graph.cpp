// The graph of a walk in TikZ.
// It has a layout of its own: pages are high, and numbers stand in rows and columns.

#include "draw/walk/latex_graph.h"

#include <fmt/format.h>

#include <algorithm>

#include "draw/numbers.h"
#include "draw/walk/equation.h"
#include "draw/walk/latex.h"

namespace chainrule {
namespace {

// Points. What is larger than a page gets smaller as a whole.
constexpr double normal_size = 10, label_size = 8, array_size = 7, line_height = 12, array_line_height = 8.5;
constexpr double page_width = 480, page_height = 590, smallest_scale = 0.15;
constexpr double widest_array = 22, widest_label = 20;  // times the size of the font

std::string point(Point p) { return fmt::format("({:.1f},{:.1f})", p.x, p.y); }

const char* style_of(const GraphNode& node, bool is_output) {
  if (is_output) return "output";
  if (node.kind == NodeKind::variable || node.kind == NodeKind::parameter) return "leaf";
  return node.kind == NodeKind::constant ? "constant" : "computed";
}

}  // namespace

void LatexGraph::Node::add_line(const std::string& line, double line_width, double height_of_line) {
  text += (text.empty() ? "" : "\\\\ ") + line;
  width = std::max(width, line_width);
  height += height_of_line;
}

LatexGraph::LatexGraph(const Walk& walk, const WalkScene& scene) : walk_(walk) {
  const std::vector<GraphNode>& nodes = walk.graph().nodes();
  for (std::size_t to = 0; to < nodes.size(); ++to) {
    for (const std::size_t from : nodes[to].inputs) edges_.push_back({.from = from, .to = to});
    nodes_.push_back(node(to, scene));
  }
  label_edges();
}

/// The name with the sign of its operation and the shape; the value; and the gradient after the last step.
LatexGraph::Node LatexGraph::node(std::size_t position, const WalkScene& scene) const {
  const GraphNode& of = walk_.graph().nodes()[position];
  Node node{.style = style_of(of, position + 1 == walk_.graph().nodes().size()), .text = {}};
  const auto add_numbers = [&](Term::Kind kind, const Tensor& tensor) {
    if (tensor.rank() == 0) {
      const Term term{.kind = kind, .text = one_line(tensor), .tensor = tensor};
      node.add_line("$" + latex(term) + "$", latex_width({term}) * normal_size, line_height);
    } else if (tensor.size() > 0 && is_small(tensor)) {
      const LatexNumbers numbers = latex_numbers(tensor, 4, widest_array, true);
      node.add_line(fmt::format("{{\\scriptsize $\\textcolor{{{}}}{{{}}}$}}", class_of(kind), numbers.text),
                    numbers.width * array_size, static_cast<double>(numbers.height) * array_line_height + 5);
    }
  };
  const Term name = with_short_names(walk_.name(position));
  const bool is_number = name.kind == Term::Kind::text;
  if (!is_number) {
    std::string title = "$" + latex(name, true) + "$";
    double width = text_width(plain(name)) * normal_size;
    if (of.kind == NodeKind::operation) {
      const Term sign{.text = std::string(of.notation.symbol)};
      title += "\\enspace $" + latex(sign) + "$";
      width += (text_width(sign.text) + 0.5) * normal_size;
    }
    if (of.tensor.rank() > 0) {
      const Term shape{.text = to_string(of.tensor.shape())};
      title += "\\enspace {\\scriptsize $" + latex(shape) + "$}";
      width += (text_width(shape.text) + 0.5) * array_size;
    }
    node.add_line(title, width, line_height);
  }
  add_numbers(walk_.value_kind(position), of.tensor);
  if (const auto& gradients = scene.gradients(position); !gradients.empty())
    add_numbers(walk_.derivative_kind(), gradients.back().tensor);
  node.width += 8;
  node.height += 6;
  return node;
}

/// What a gradient is multiplied by on its way back along an edge, or a tangent on its way. Formulas that are
/// too long stand in the equations.
void LatexGraph::label_edges() {
  std::vector<std::size_t> first_edge;
  std::size_t count = 0;
  for (const GraphNode& each : walk_.graph().nodes()) {
    first_edge.push_back(count);
    count += each.inputs.size();
  }
  const auto label = [&](std::size_t number, const std::vector<Side>& local, const Tensor& result) {
    Edge& edge = edges_[number];
    const auto add = [&](const char* sign, Terms terms) {
      std::ranges::transform(terms, terms.begin(), with_short_names);
      const double width = text_width(sign + plain(terms));
      if (edge.width + width > widest_label) return;
      edge.width += width;
      edge.label += sign + latex(terms, true);
    };
    add("", local.front().terms);
    if (result.rank() == 0 && local.size() > 1) add(edge.label.empty() ? "" : " = ", local.back().terms);
  };
  for (const WalkStep& step : walk_.steps()) {
    if (step.kind == WalkStep::Kind::chain_rule)
      label(first_edge[step.from] + step.input, step.local, step.result);
    for (std::size_t i = 0; i < step.locals.size(); ++i)
      if (!step.locals[i].empty()) label(first_edge[step.node] + i, step.locals[i], step.result);
  }
}

std::string LatexGraph::dot(const char* direction) const {
  constexpr double points = 72;  // per inch
  std::string dot = fmt::format(
      "digraph {{\n  rankdir={}; nodesep=0.2; ranksep=0.2; pad=0;\n"
      "  node [shape=box, fixedsize=true, label=\"\"];\n",
      direction);
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    dot += fmt::format("  n{} [width={:.3f}, height={:.3f}];\n", i, nodes_[i].width / points,
                       nodes_[i].height / points);
  for (std::size_t i = 0; i < edges_.size(); ++i) {
    dot += fmt::format("  n{} -> n{} [id=e{}, arrowsize=0.5", edges_[i].from, edges_[i].to, i);
    if (!edges_[i].label.empty())
      dot += fmt::format(
          ", label=<<TABLE BORDER=\"0\" FIXEDSIZE=\"TRUE\" WIDTH=\"{:.0f}\" "
          "HEIGHT=\"12\"><TR><TD></TD></TR></TABLE>>",
          edges_[i].width * label_size + 6);
    dot += "];\n";
  }
  return dot + "}\n";
}

double LatexGraph::scale(const Layout& layout) {
  return std::min(
      {1.0, page_width / std::max(layout.width, 1.0), page_height / std::max(layout.height, 1.0)});
}

std::string LatexGraph::picture(const Layout& layout) const {
  if (scale(layout) < smallest_scale)
    return fmt::format("The graph has {} nodes, too many to be read on one page.\n\n", nodes_.size());
  std::string text = fmt::format(
      "\\begin{{tikzpicture}}[x=1pt, y=-1pt, every node/.style={{align=center, inner sep=0pt}},\n"
      "  box/.style={{draw, rounded corners=2pt}}, leaf/.style={{box, fill=value!8}},\n"
      "  constant/.style={{box, dashed, fill=black!5}}, computed/.style={{box}},\n"
      "  output/.style={{box, very thick}}, edge/.style={{->, >=latex, black!60}},\n"
      "  local/.style={{text={}, font=\\footnotesize, fill=white, inner sep=1pt}}]\n",
      class_of(walk_.derivative_kind()));
  for (std::size_t i = 0; i < edges_.size(); ++i) {
    const Layout::Line& line = layout.edges[i];
    std::string path = point(line.curve[0]);
    for (std::size_t j = 1; j + 2 < line.curve.size(); j += 3)
      path += " .. controls " + point(line.curve[j]) + " and " + point(line.curve[j + 1]) + " .. " +
              point(line.curve[j + 2]);
    text += "\\draw[edge] " + path + " -- " + point(line.tip) + ";\n";
    if (line.label && !edges_[i].label.empty())
      text += "\\node[local] at " + point(*line.label) + " {$" + edges_[i].label + "$};\n";
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    text += fmt::format("\\node[{}, minimum width={:.1f}pt, minimum height={:.1f}pt] at {} {{{}}};\n",
                        nodes_[i].style, nodes_[i].width, nodes_[i].height, point(layout.nodes[i]),
                        nodes_[i].text);
  return "\\sbox{\\graph}{\\setlength{\\jot}{0pt}%\n" + text +
         "\\end{tikzpicture}}\n"
         "\\ifdim\\wd\\graph>\\linewidth "
         "\\sbox{\\graph}{\\resizebox{\\linewidth}{!}{\\usebox{\\graph}}}\\fi\n"
         "\\ifdim\\ht\\graph>.85\\textheight "
         "\\sbox{\\graph}{\\resizebox{!}{.85\\textheight}{\\usebox{\\graph}}}\\fi\n"
         "\\begin{center}\n\\usebox{\\graph}\n\\end{center}\n";
}

}  // namespace chainrule
