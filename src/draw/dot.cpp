#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "chainrule/graph.h"
#include "chainrule/ops.h"
#include "draw/label.h"

namespace chainrule::draw {
namespace {

// Okabe and Ito's colours, which people with any kind of colour blindness tell apart.
constexpr const char *value_colour = "#0072B2", *gradient_colour = "#D55E00";
constexpr const char* faint = "#777777";

struct Look {
  const char *fill, *border, *style;
  double width;
};
Look look_of(const GraphNode& node, bool is_output) {
  if (is_output) return {"#FFF6D6", "#B8860B", "rounded,filled", 2};
  if (node.kind == NodeKind::variable) return {"#E3F1FA", "#5B9BC4", "rounded,filled", 1.2};
  if (node.kind == NodeKind::constant) return {"#F2F2F2", "#AAAAAA", "rounded,filled,dashed", 1};
  return {"#FFFFFF", "#555555", "rounded,filled", 1.2};
}

std::string in_colour(const char* colour, int size, const std::string& text) {
  return fmt::format("<FONT COLOR=\"{}\" POINT-SIZE=\"{}\">{}</FONT>", colour, size, text);
}

class Writer {
 public:
  Writer(std::ostream& out, const Tensor& output, const Options& options)
      : out_(out), graph_(output), options_(options), output_(escaped(graph_.output().label)) {}

  void write() {
    out_
        << "digraph chainrule {\n"
           "  rankdir=LR; bgcolor=\"white\"; pad=0.2; nodesep=0.35; ranksep=0.6;\n"
           "  node [shape=box, margin=\"0.14,0.08\", fontname=\"Helvetica,Arial,sans-serif\", fontsize=14];\n"
           "  edge [arrowsize=0.7, color=\"#555555\", fontname=\"Helvetica,Arial,sans-serif\", fontsize=10, "
           "fontcolor=\""
        << faint << "\"];\n";
    for (std::size_t i = 0; i < graph_.nodes().size(); ++i) write_node(i);
    for (std::size_t i = 0; i < graph_.nodes().size(); ++i) write_edges(i);
    out_ << "}\n";
  }

 private:
  void write_node(std::size_t position) {
    const GraphNode& node = graph_.nodes()[position];
    const Look look = look_of(node, position + 1 == graph_.nodes().size());
    out_ << fmt::format("  n{} [label=<{}>, style=\"{}\", fillcolor=\"{}\", color=\"{}\", penwidth={}];\n",
                        position, label(node), look.style, look.fill, look.border, look.width);
  }

  std::string label(const GraphNode& node) const {
    const bool is_array = node.tensor.rank() > 0;
    std::string rows = row(title(node), is_array ? 2 : 1);
    const auto add = [&](const char* colour, const std::string& name, const std::string& content) {
      if (is_array)
        rows += row(in_colour(colour, 13, name + " ="), in_colour(colour, 13, content));
      else
        rows += row(in_colour(colour, 13, content));
    };
    const std::string name = escaped(node.label), derivative = "d" + output_ + "/d" + name;
    if (options_.values && !is_literal(node))
      add(value_colour, name, node.has_value ? brief(node.tensor) : "(released)");
    if (options_.gradients != nullptr && options_.gradients->contains(node.tensor)) {
      const std::string gradient = brief(options_.gradients->at(node.tensor));
      add(gradient_colour, derivative, is_array ? gradient : derivative + " = " + gradient);
    }
    return table(rows);
  }

  static std::string title(const GraphNode& node) {
    const bool is_named = !node.tensor.name().empty() || node.kind != NodeKind::operation;
    std::string text =
        is_named ? "<B>" + escaped(node.label) + "</B>" : in_colour(faint, 12, escaped(node.label));
    if (node.kind == NodeKind::operation) text += "&nbsp; " + escaped(sign_of(node.operation));
    if (node.tensor.rank() > 0) text += "&nbsp; " + in_colour(faint, 10, to_string(node.tensor.shape()));
    return text;
  }

  void write_edges(std::size_t position) {
    const GraphNode& node = graph_.nodes()[position];
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      out_ << fmt::format("  n{} -> n{}", node.inputs[i], position);
      if (const std::string text = derivative(node, i); !text.empty()) out_ << " [label=<" << text << ">]";
      out_ << ";\n";
    }
  }

  /// The local derivative: "∂L/∂q = z = -4". For an operation whose derivative is not a factor, what it
  /// makes of the upstream gradient g.
  std::string derivative(const GraphNode& node, std::size_t i) const {
    const GraphNode& input = graph_.nodes()[node.inputs[i]];
    if (!options_.local_derivatives || !input.tensor.requires_grad()) return {};
    std::vector<std::string> names;
    bool all_known = node.has_value && node.tensor.rank() == 0;
    for (const std::size_t each : node.inputs) {
      names.push_back(graph_.nodes()[each].label);
      all_known = all_known && graph_.nodes()[each].has_value && graph_.nodes()[each].tensor.rank() == 0;
    }
    const LocalFormula formula = local_formula(node.tensor, i, names, node.label);
    const std::string text = escaped(formula.text);
    if (!formula.is_factor) return text;
    std::string equation = "∂" + escaped(node.label) + "/∂" + escaped(input.label) + " = " + text;
    if (all_known && options_.values) {
      const Tensor number = local_gradient(node.tensor, i, ones_like(node.tensor));
      if (number && brief(number) != text) equation += " = " + brief(number);
    }
    return equation;
  }

  std::ostream& out_;
  const Graph graph_;
  const Options& options_;
  const std::string output_;  // what the gradients are of
};

}  // namespace

void write_dot(std::ostream& out, const Tensor& output, const Options& options) {
  Writer(out, output, options).write();
}

}  // namespace chainrule::draw
