// The graph of a walk in SVG, with what each frame shows of it. Nodes and edges are written once, with the
// frames from and to which each part is shown.

#include "draw/walk/walk_scene.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "draw/label.h"
#include "draw/markup.h"
#include "draw/numbers.h"
#include "draw/walk/equation.h"

namespace chainrule {
namespace {

constexpr double title_size = 19, number_size = 17, gradient_size = 15, label_size = 13.5, caption_size = 12;
constexpr double title_height = 25, number_height = 24, margin_x = 13, margin_y = 8, gap = 6, ring_room = 5;
constexpr std::size_t longest_name = 16, longest_label = 32;  // characters

std::string shape_text(const GraphNode& node) {
  return node.tensor.rank() == 0 ? "" : to_string(node.tensor.shape());
}

/// What stands on the edge that a gradient comes back along, or a tangent goes: "∂L/∂q = z = -4". Without the
/// formula where that is too long, and without the numbers of an array, which would be too many.
std::string label_of(const std::vector<Side>& local, const Tensor& result) {
  const bool has_number = result.rank() == 0 && local.back().in_numbers;
  std::string label;
  write_equation(local, false, has_number,
                 [&](const char* sign, const Terms& terms) { label += sign + plain(terms); });
  if (has_number && shortened(label, longest_label) != label)
    label = plain(local.front().terms) + " = " + plain(local.back().terms);
  return shortened(label, longest_label);
}

const char* class_of(const GraphNode& node, bool is_output) {
  if (is_output) return "node output";
  if (node.kind == NodeKind::variable || node.kind == NodeKind::parameter) return "node variable";
  return node.kind == NodeKind::constant ? "node constant" : "node operation";
}

std::string path_of(const std::vector<Point>& curve) {
  std::string path;
  for (std::size_t i = 0; i < curve.size(); ++i)
    path += fmt::format("{}{} {}", i == 0 ? "M" : i == 1 ? "C" : " ", at(curve[i].x), at(curve[i].y));
  return path;
}

constexpr double arrow_length = 11;

/// `distance` away from `tip`, in the direction of `before`.
Point back_from(Point tip, Point before, double distance) {
  const double dx = before.x - tip.x, dy = before.y - tip.y, length = std::max(std::hypot(dx, dy), 1e-9);
  return {tip.x + distance * dx / length, tip.y + distance * dy / length};
}

std::string arrow(Point tip, Point before) {
  constexpr double half_width = 0.42;  // of its length
  const Point base = back_from(tip, before, arrow_length);
  const double x = half_width * (tip.x - base.x), y = half_width * (tip.y - base.y);
  return fmt::format("<path class=\"arrow\" d=\"M{} {}L{} {}L{} {}z\"/>", at(tip.x), at(tip.y),
                     at(base.x - y), at(base.y + x), at(base.x + y), at(base.y - x));
}

/// An arrow along an edge, its tip `room` away from the node, as there may be a ring around that.
std::string forward_arrow(const Layout::Line& line, double room) {
  const Point before = line.curve.back();
  return "<path d=\"" + path_of(line.curve) + "\"/>" + arrow(back_from(line.tip, before, room), before);
}
std::string backward_arrow(const Layout::Line& line, double room) {
  std::vector<Point> curve = line.curve;
  curve[0] = back_from(curve[0], curve[1], room + arrow_length - 1);
  return fmt::format("<path d=\"{}L{} {}\"/>", path_of(curve), at(line.tip.x), at(line.tip.y)) +
         arrow(back_from(line.curve[0], line.curve[1], room), line.curve[1]);
}

}  // namespace

WalkScene::WalkScene(const Walk& walk) : walk_(walk), boxes_(walk.graph().nodes().size()) {
  const std::vector<GraphNode>& nodes = walk.graph().nodes();
  for (std::size_t to = 0; to < nodes.size(); ++to)
    for (const std::size_t from : nodes[to].inputs) edges_.push_back({.from = from, .to = to});
  read_steps();
  for (std::size_t i = 0; i < nodes.size(); ++i) measure(i);
}

void WalkScene::read_steps() {
  const std::vector<GraphNode>& nodes = walk_.graph().nodes();
  std::vector<std::size_t> first_edge;
  for (std::size_t i = 0, edge = 0; i < nodes.size(); edge += nodes[i++].inputs.size())
    first_edge.push_back(edge);

  steps_.push_back(nullptr);
  for (const WalkStep& step : walk_.steps()) {
    if (!step.is_given()) steps_.push_back(&step);
    const std::size_t frame = step.is_given() ? 0 : steps_.size() - 1;
    if (!step.total.is_empty())
      boxes_[step.node].gradients.push_back(
          {frame, step.total,
           step.sum.empty() || step.total.rank() > 0 ? "" : "+= " + one_line(step.result)});
    else
      boxes_[step.node].value = {frame, step.result};
    for (std::size_t i = 0; i < step.locals.size(); ++i) {
      if (step.locals[i].empty()) continue;
      Edge& edge = edges_[first_edge[step.node] + i];
      edge.tangent = frame;
      edge.label = label_of(step.locals[i], step.result);
    }
    if (step.kind != WalkStep::Kind::chain_rule) continue;
    Edge& edge = edges_[first_edge[step.from] + step.input];
    edge.backward = frame;
    edge.label = label_of(step.local, step.result);
  }
  if (!walk_.no_gradients().empty()) steps_.push_back(nullptr);
}

void WalkScene::measure(std::size_t position) {
  const GraphNode& node = walk_.graph().nodes()[position];
  Box& box = boxes_[position];
  const std::string name = title(position);
  double width = text_width(name) * title_size;
  if (node.kind == NodeKind::operation) width += text_width(node.notation.symbol) * title_size + 10;
  if (node.tensor.rank() > 0) width += text_width(shape_text(node)) * caption_size + 10;
  double height = title_height;

  const auto add = [&](const Tensor& tensor, double size, const std::string& caption) {
    if (tensor.rank() == 0) {
      width = std::max(width, (text_width(one_line(tensor)) + text_width(caption)) * size);
      return number_height;
    }
    const HeatMap map = heat_map(box, tensor);
    width = std::max({width, map.width(), text_width(caption) * caption_size});
    return map.height() + gap;
  };
  if (node.tensor.rank() > 0) {
    box.cell_width = HeatMap(node.tensor).cell_width();
    for (const Known& known : box.gradients)
      box.cell_width = std::max(box.cell_width, HeatMap(known.tensor).cell_width());
  }
  if (!box.value.tensor.is_empty()) height += add(box.value.tensor, number_size, "");
  double gradient_height = 0;
  for (const Known& known : box.gradients)
    gradient_height =
        std::max(gradient_height, add(known.tensor, gradient_size, derivative(position) + " = "));
  if (gradient_height > 0 && node.tensor.rank() > 0) height += title_height - gap;
  box.width = std::ceil(width) + 2 * margin_x;
  box.height = height + gradient_height + 2 * margin_y;
}

HeatMap WalkScene::heat_map(const Box& box, const Tensor& tensor) const {
  HeatMap map(tensor);
  map.set_cell_width(box.cell_width);
  return map;
}

std::string WalkScene::title(std::size_t node) const {
  return shortened(plain(walk_.name(node)), longest_name);
}

std::string WalkScene::derivative(std::size_t node) const {
  const Term term = walk_.derivative(node);
  return shortened(term.text, longest_name + 1) + "/" + shortened(term.under, longest_name + 1);
}

std::string WalkScene::dot() const {
  constexpr double points = 72;  // per inch
  std::string dot =
      "digraph {\n  rankdir=LR; nodesep=0.4; ranksep=0.55; pad=0;\n"
      "  node [shape=box, fixedsize=true, label=\"\"];\n";
  for (std::size_t i = 0; i < boxes_.size(); ++i)
    dot += fmt::format("  n{} [width={:.3f}, height={:.3f}];\n", i, boxes_[i].width / points,
                       boxes_[i].height / points);
  for (std::size_t i = 0; i < edges_.size(); ++i) {
    dot += fmt::format("  n{} -> n{} [id=e{}", edges_[i].from, edges_[i].to, i);
    if (!edges_[i].label.empty())
      dot += fmt::format(
          ", label=<<TABLE BORDER=\"0\" FIXEDSIZE=\"TRUE\" WIDTH=\"{:.0f}\" "
          "HEIGHT=\"20\"><TR><TD></TD></TR></TABLE>>",
          text_width(edges_[i].label) * label_size + 12);
    dot += "];\n";
  }
  return dot + "}\n";
}

std::string WalkScene::in_frames(std::string_view classes, std::size_t from, std::size_t to) const {
  const bool at_the_end = from < frames() && to >= frames();
  std::string attributes = fmt::format("class=\"{}{}\"", classes, at_the_end ? "" : " hidden");
  if (from > 0) attributes += fmt::format(" data-from=\"{}\"", from);
  if (to != never) attributes += fmt::format(" data-to=\"{}\"", to);
  return attributes;
}

std::string WalkScene::group(Only only, std::string_view classes, std::size_t from, std::size_t to,
                             const std::string& content) const {
  if (!only) return "<g " + in_frames(classes, from, to) + ">" + content + "</g>\n";
  if (*only < from || *only >= to) return "";
  return fmt::format("<g class=\"{}\">{}</g>\n", classes, content);
}

std::string WalkScene::svg(Only only) const {
  std::string svg;
  for (std::size_t i = 0; i < edges_.size(); ++i) svg += edge(only, i);
  for (std::size_t i = 0; i < boxes_.size(); ++i) svg += node(only, i);
  for (std::size_t i = 0; i < edges_.size(); ++i) svg += edge_in_use(only, i);
  return svg;
}

std::string WalkScene::node(Only only, std::size_t position) const {
  const GraphNode& node = walk_.graph().nodes()[position];
  const Box& box = boxes_[position];
  const Point middle = layout_.nodes[position],
              corner = {middle.x - box.width / 2, middle.y - box.height / 2};
  const auto rectangle = [&](const char* classes, double around) {
    return fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\"/>", classes,
                       at(corner.x - around), at(corner.y - around), at(box.width + 2 * around),
                       at(box.height + 2 * around), at(9 + around));
  };

  const bool is_named = !node.tensor.name().empty() || node.kind != NodeKind::operation ||
                        walk_.name(position).kind == Term::Kind::derivative;
  std::string head = fmt::format("<tspan class=\"{}\">{}</tspan>",
                                 walk_.name(position).kind == Term::Kind::text ? "number"
                                 : is_named                                    ? "name"
                                                                               : "name generated",
                                 markup(title(position)));
  if (node.kind == NodeKind::operation)
    head += fmt::format("<tspan class=\"sign\" dx=\"8\">{}</tspan>", markup(node.notation.symbol));
  if (node.tensor.rank() > 0)
    head += fmt::format("<tspan class=\"shape\" dx=\"8\" font-size=\"{}\">{}</tspan>", caption_size,
                        markup(shape_text(node)));
  double top = corner.y + margin_y;
  std::string content = rectangle("box", 0) + svg_text({middle.x, top + 19}, title_size, "title", head);
  top += title_height;

  // What the current step is about has a ring around it.
  const auto ring = [&](std::size_t frame, const char* classes) {
    content += group(only, classes, frame, frame + 1, rectangle("ring", ring_room - 1));
  };
  const char* const value = class_of(walk_.value_kind(position));
  const char* const derived = class_of(walk_.derivative_kind());
  if (!box.value.tensor.is_empty()) {
    content += numbers(only, box, box.value, never, {middle.x, top}, value, "");
    top += node.tensor.rank() == 0 ? number_height : heat_map(box, node.tensor).height() + gap;
    if (box.value.from > 0) ring(box.value.from, value);
  }
  for (std::size_t i = 0; i < box.gradients.size(); ++i) {
    const std::size_t to = i + 1 < box.gradients.size() ? box.gradients[i + 1].from : never;
    content += numbers(only, box, box.gradients[i], to, {middle.x, top}, derived, derivative(position));
    if (box.gradients[i].from > 0) ring(box.gradients[i].from, derived);
    if (const std::string& added = box.gradients[i].added; !added.empty())
      content += group(only, derived, box.gradients[i].from, box.gradients[i].from + 1,
                       svg_text({middle.x, corner.y - ring_room - 4}, gradient_size, "added", added));
  }
  if (only)
    return fmt::format("<g class=\"{}\">{}</g>\n", class_of(node, position + 1 == boxes_.size()), content);
  return fmt::format(
      "<g class=\"{}\" id=\"node{}\" tabindex=\"0\" role=\"img\" aria-label=\"{}\" "
      "aria-describedby=\"card{}\">{}</g>\n",
      class_of(node, position + 1 == boxes_.size()), position,
      markup(shortened(plain(walk_.name(position)), 60) +
             (node.operation.empty() ? "" : ": " + std::string(node.operation))),
      position, content);
}

std::string WalkScene::numbers(Only only, const Box& box, const Known& known, std::size_t to, Point top,
                               std::string_view classes, const std::string& caption) const {
  std::string content;
  if (known.tensor.rank() == 0) {
    const std::string text = (caption.empty() ? "" : caption + " = ") + one_line(known.tensor);
    content =
        svg_text({top.x, top.y + 17}, caption.empty() ? number_size : gradient_size, "number", markup(text));
  } else {
    if (!caption.empty()) {
      content = svg_text({top.x, top.y + 13}, caption_size, "number", markup(caption));
      top.y += title_height - gap;
    }
    const HeatMap map = heat_map(box, known.tensor);
    content += map.svg({top.x - map.width() / 2, top.y + 1});
  }
  return group(only, classes, known.from, to, content);
}

std::string WalkScene::edge(Only only, std::size_t number) const {
  const Edge& edge = edges_[number];
  const std::string forward = forward_arrow(layout_.edges[number], 0);
  // But for the frames in which it is in use.
  std::string svg;
  std::size_t from = 0;
  for (const std::size_t frame : {boxes_[edge.to].value.from, edge.tangent, edge.backward}) {
    if (frame == never) continue;
    svg += group(only, "edge", from, frame, forward);
    from = frame + 1;
  }
  return svg + group(only, "edge", from, never, forward);
}

std::string WalkScene::edge_in_use(Only only, std::size_t number) const {
  const Edge& edge = edges_[number];
  const Layout::Line& line = layout_.edges[number];
  std::string svg;
  const auto use = [&](std::size_t frame, Term::Kind kind, const std::string& arrow) {
    if (frame != never) svg += group(only, std::string("edge ") + class_of(kind), frame, frame + 1, arrow);
  };
  use(boxes_[edge.to].value.from, walk_.value_kind(edge.to), forward_arrow(line, ring_room));
  use(edge.tangent, walk_.derivative_kind(), forward_arrow(line, ring_room));
  use(edge.backward, walk_.derivative_kind(), backward_arrow(line, ring_room));
  const std::size_t labelled = std::min(edge.tangent, edge.backward);
  if (!line.label || labelled == never) return svg;
  const std::string text =
      svg_text({line.label->x, line.label->y + 4}, label_size, "number", markup(edge.label));
  return svg + group(only, "local now", labelled, labelled + 1, text) +
         group(only, "local", labelled + 1, never, text);
}

}  // namespace chainrule
