// A graph in DOT, the language of Graphviz: nodes with their numbers, edges, and scopes as frames. Labels are
// label.h's, colours look.h's; parts that fold are folding.h's.

#include <fmt/format.h>

#include <iterator>
#include <ostream>
#include <string>
#include <vector>

#include "draw/graph/folding.h"
#include "draw/label.h"
#include "draw/look.h"
#include "draw/numbers.h"

namespace chainrule {
namespace {

std::string in_colour(const char* colour, int size, const std::string& text) {
  return fmt::format("<FONT COLOR=\"{}\" POINT-SIZE=\"{}\">{}</FONT>", colour, size, text);
}

class Writer {
 public:
  Writer(std::ostream& out, const GraphRecord& graph, const DrawOptions& options)
      : out_(out),
        graph_(graph),
        options_(options),
        time_(time_of(graph)),
        output_(graph.nodes.empty() ? "" : escaped(graph.nodes.back().label)),
        within_(graph.scopes.size()) {}

  void write() {
    text_ =
        "digraph chainrule {\n"
        "  rankdir=LR; bgcolor=\"white\"; pad=0.2; nodesep=0.35; ranksep=0.6;\n"
        "  node [shape=box, margin=\"0.14,0.08\", fontname=\"Helvetica,Arial,sans-serif\", fontsize=14];\n"
        "  edge [arrowsize=0.7, color=\"#555555\", fontname=\"Helvetica,Arial,sans-serif\", fontsize=10, "
        "fontcolor=\"#777777\"];\n";
    write_scopes();
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) write_edges(i);
    if (options_.legend) write_legend();
    text_ += "}\n";
    flush(0);
  }

 private:
  void flush(std::size_t longest) {
    if (text_.size() <= longest) return;
    out_ << text_;
    text_.clear();
  }

  template <class... Parts>
  void write(fmt::format_string<Parts...> format, Parts&&... parts) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Parts>(parts)...);
  }

  /// Every scope's nodes, then the scopes in it, as clusters.
  void write_scopes() {
    const std::vector<std::size_t> drawn = drawn_scopes(graph_);
    std::vector<std::vector<std::size_t>> nodes(graph_.scopes.size());
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) nodes[drawn[graph_.nodes[i].scope]].push_back(i);
    for (std::size_t i = 1; i < graph_.scopes.size(); ++i)
      if (drawn[i] == i) within_[graph_.scopes[i].parent].push_back(i);
    struct Open {
      std::size_t scope, next = 0;
    };
    std::vector<Open> open = {{0}};
    for (const std::size_t node : nodes[0]) write_node(node);
    while (!open.empty()) {
      Open& now = open.back();
      if (now.next == within_[now.scope].size()) {
        if (now.scope != 0) text_ += "  }\n";
        open.pop_back();
        continue;
      }
      const std::size_t scope = within_[now.scope][now.next++];
      write(
          "  subgraph cluster_{} {{ label=<{}>; labeljust=l; style=\"rounded,filled\"; "
          "fillcolor=\"#0000000A\"; "
          "color=\"#999999\"; fontname=\"Helvetica,Arial,sans-serif\"; fontsize=12; fontcolor=\"#555555\";\n",
          scope, escaped(graph_.scopes[scope].name));
      for (const std::size_t node : nodes[scope]) write_node(node);
      open.push_back({scope});
    }
  }

  void write_node(std::size_t position) {
    const RecordedNode& node = graph_.nodes[position];
    const Look& look = look_of(role_of(graph_, position));
    const char* fill = options_.colour_by_time       ? time_classes[time_class(node, time_)].fill
                       : options_.colour_by_gradient ? gradient_classes[gradient_class(node)].fill
                                                     : look.fill;
    const bool broken = is_broken(node);
    const std::string tooltip =
        node.time && (options_.times || options_.colour_by_time)
            ? fmt::format(", tooltip=\"{}: {}\"", escaped(node.label), time_text(node))
            : "";
    write("  n{} [label=<{}>, style=\"{}\", fillcolor=\"{}\", color=\"{}\", penwidth={}{}];\n", position,
          label(node), look.style, fill, broken ? broken_colour : look.border, broken ? 3 : look.width,
          tooltip);
    flush(buffered);
  }

  std::string label(const RecordedNode& node) const {
    const bool is_array = node.shape.rank() > 0;
    std::string rows = row(title(node), is_array ? 2 : 1);
    const auto add = [&](const char* colour, const std::string& name, const std::string& content) {
      if (is_array)
        rows += row(in_colour(colour, 13, name + " ="), in_colour(colour, 13, content));
      else
        rows += row(in_colour(colour, 13, content));
    };
    const std::string name = escaped(node.label);
    if (options_.values && !is_literal(node))
      add(value_colour, name, node.value ? brief(*node.value, node.shape, node.dtype) : "(released)");
    if (node.gradient) {
      const std::string derivative = "d" + output_ + "/d" + name,
                        gradient = brief(*node.gradient, node.shape, node.dtype, true);
      add(gradient_colour, derivative, is_array ? gradient : derivative + " = " + gradient);
    }
    const auto add_faint = [&](const std::string& text) {
      rows += row(in_colour(faint_colour, 10, text), is_array ? 2 : 1);
    };
    if (options_.costs && !is_literal(node))
      add_faint(bytes_text(node.bytes()) + (node.flops > 0 ? ", " + flops_text(node.flops) : ""));
    if (options_.times && node.time) add_faint(time_text(node));
    if (options_.source && !node.file.empty()) add_faint(escaped(source_text(node)));
    return table(rows);
  }

  std::string title(const RecordedNode& node) const {
    const bool is_prominent = node.is_named || node.kind != NodeKind::operation;
    std::string text = is_prominent ? "<B>" + escaped(node.label) + "</B>"
                                    : in_colour(faint_colour, 12, escaped(node.label));
    if (node.kind == NodeKind::operation) text += "&nbsp; " + escaped(node.symbol);
    std::string what = options_.shapes && node.shape.rank() > 0 ? to_string(node.shape) : "";
    if (options_.dtypes && !is_literal(node))
      what += (what.empty() ? "" : " ") + std::string(to_string(node.dtype));
    if (!what.empty()) text += "&nbsp; " + in_colour(faint_colour, 10, what);
    return text;
  }

  void write_edges(std::size_t position) {
    const RecordedNode& node = graph_.nodes[position];
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      write("  n{} -> n{}", node.inputs[i], position);
      if (const std::string text = derivative(node, i); !text.empty()) write(" [label=<{}>]", text);
      text_ += ";\n";
    }
    flush(buffered);
  }

  /// The local derivative: "∂L/∂q = z = -4". For an operation whose derivative is not a factor, what it
  /// makes of the upstream gradient g.
  std::string derivative(const RecordedNode& node, std::size_t i) const {
    const RecordedNode::Derivative& derivative = node.derivatives[i];
    if (!options_.local_derivatives || derivative.text.empty()) return {};
    std::string text = escaped(derivative.text);
    if (!derivative.is_factor) return text;
    std::string equation =
        "∂" + escaped(node.label) + "/∂" + escaped(graph_.nodes[node.inputs[i]].label) + " = " + text;
    if (derivative.value && options_.values)
      if (const std::string value = number(*derivative.value, 4); value != text) equation += " = " + value;
    return equation;
  }

  void write_legend() {
    text_ +=
        "  subgraph cluster_legend { label=<what the colours mean>; color=\"#CCCCCC\"; style=\"rounded\"; "
        "fontname=\"Helvetica,Arial,sans-serif\"; fontsize=11; fontcolor=\"#777777\";\n";
    std::size_t count = 0;
    const auto entry = [&](std::string_view meaning, const char* fill, const char* border, const char* style,
                           double width) {
      write(
          "  legend{} [label=<{}>, fontsize=11, style=\"{}\", fillcolor=\"{}\", color=\"{}\", "
          "penwidth={}];\n",
          count++, escaped(meaning), style, fill, border, width);
    };
    if (options_.colour_by_time)
      for (const ColourClass& each : time_classes)
        entry(each.meaning, each.fill, faint_colour, "rounded,filled", 1);
    else if (options_.colour_by_gradient)
      for (const ColourClass& each : gradient_classes)
        entry(each.meaning, each.fill, &each == &gradient_classes.back() ? broken_colour : faint_colour,
              "rounded,filled", 1);
    else
      for (const Look& look : looks) entry(look.meaning, look.fill, look.border, look.style, look.width);
    text_ += "  }\n";
  }

  static constexpr std::size_t buffered = 1 << 16;
  std::ostream& out_;
  const GraphRecord& graph_;
  const DrawOptions& options_;
  const double time_;         // of all nodes, in seconds
  const std::string output_;  // what the gradients are of
  std::vector<std::vector<std::size_t>> within_;
  std::string text_;
};

}  // namespace

void write_dot(std::ostream& out, const GraphRecord& graph, const DrawOptions& options) {
  Writer(out, graph, options).write();
}

void write_dot(std::ostream& out, const Tensor& output, const DrawOptions& options) {
  write_dot(out, GraphRecord(output, options.gradients), options);
}

}  // namespace chainrule
