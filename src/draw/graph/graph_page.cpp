// What the page of a graph is given: the text and size of each box, and everything as JSON. What the page
// does with it is in page/graph.js.

#include "draw/graph/graph_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "draw/label.h"
#include "draw/markup.h"
#include "draw/numbers.h"

namespace chainrule {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t longest_line = 30;  // characters in a box
constexpr double font_size = 13, line_height = 17, padding = 10;
constexpr double grid = 12;  // sizes are multiples, so that boxes that differ little are drawn alike

/// A text in the page by its number, so that each is there only once.
class Texts {
 public:
  std::size_t operator[](const std::string& text) {
    const auto [entry, is_new] = numbers_.emplace(text, texts_.size());
    if (is_new) texts_.push_back(text);
    return entry->second;
  }
  const Json& json() const { return texts_; }

 private:
  std::map<std::string, std::size_t> numbers_;
  Json texts_ = Json::array();
};

std::string scalar_text(double value, DType dtype, int digits) {
  return dtype == DType::boolean ? (value != 0 ? "True" : "False") : number(value, digits);
}

std::string broken_text(const NumbersSummary& numbers) {
  std::string text;
  if (numbers.nans > 0) text += fmt::format("NaN ×{}", numbers.nans);
  if (numbers.infinities > 0) text += (text.empty() ? "" : ", ") + fmt::format("Inf ×{}", numbers.infinities);
  return text;
}

/// [min, mean, max, norm, NaNs, infinities] and, of a small array, its rows; of a scalar its digits.
Json details(const std::optional<NumbersSummary>& numbers, const RecordedNode& node) {
  if (!numbers) return nullptr;
  if (node.shape.rank() == 0) return scalar_text(numbers->elements.front(), node.dtype, 8);
  const auto text = [](double x) { return number(x, 6); };
  Json json = {text(numbers->min),  text(numbers->mean), text(numbers->max),
               text(numbers->norm), numbers->nans,       numbers->infinities};
  if (numbers->elements.empty()) return json;
  Json rows = Json::array();
  const auto width = static_cast<std::size_t>(node.shape.back());
  for (std::size_t i = 0; i < numbers->elements.size(); ++i) {
    if (i % width == 0) rows.push_back(Json::array());
    rows.back().push_back(text(numbers->elements[i]));
  }
  json.push_back(std::move(rows));
  return json;
}

/// A position in a list of those that the page knows, -1 - position for a part.
Json item_code(const Folding::Item& item) {
  const auto index = static_cast<std::int64_t>(item.index);
  return item.is_part ? -1 - index : index;
}

double rounded(double coordinate) { return std::round(coordinate * 10) / 10; }

Json picture(const Layout& layout) {
  Json places = Json::array(), curves = Json::array();
  for (const Point& point : layout.nodes) {
    places.push_back(rounded(point.x));
    places.push_back(rounded(point.y));
  }
  for (const Layout::Line& line : layout.edges) {
    Json curve = Json::array();
    for (const Point& point : line.curve) {
      curve.push_back(rounded(point.x));
      curve.push_back(rounded(point.y));
    }
    curves.push_back(std::move(curve));
  }
  return {rounded(layout.width), rounded(layout.height), std::move(places), std::move(curves)};
}

/// What the nodes in each part come to, those of the parts in it included.
struct Totals {
  std::size_t nodes = 0;
  std::int64_t bytes = 0, flops = 0;
  double seconds = 0;
  std::array<std::size_t, gradient_classes.size()> classes{};
  void add(const Totals& other) {
    nodes += other.nodes;
    // A file may tell of more than anybody has.
    if (__builtin_add_overflow(bytes, other.bytes, &bytes)) bytes = INT64_MAX;
    if (__builtin_add_overflow(flops, other.flops, &flops)) flops = INT64_MAX;
    seconds += other.seconds;
    for (std::size_t i = 0; i < classes.size(); ++i) classes[i] += other.classes[i];
  }
};
std::vector<Totals> totals_of(const GraphRecord& graph, const Folding& folding) {
  std::vector<Totals> totals(folding.parts.size());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const RecordedNode& node = graph.nodes[i];
    Totals own{.nodes = 1, .bytes = node.bytes(), .flops = node.flops, .seconds = time_of(node)};
    own.classes[gradient_class(node)] = 1;
    totals[folding.part_of[i]].add(own);
  }
  for (std::size_t i = folding.parts.size(); i-- > 1;) totals[folding.parts[i].parent].add(totals[i]);
  return totals;
}

Json part(const Folding::Part& part, const Totals& totals, double all, std::size_t picture) {
  Json items = Json::array(), links = Json::array();
  for (const Folding::Item& item : part.items) items.push_back(item_code(item));
  for (const Folding::Link& link : part.links) {
    Json json = {part.number(link.from), part.number(link.to)};
    // The end is the source where it is a node.
    const bool is_node = link.from.kind == Folding::End::Kind::item && !part.items[link.from.index].is_part;
    if (!is_node) json.push_back(link.sources);
    links.push_back(std::move(json));
  }
  const Size size = box_size(part);
  return {{"name", shortened(part.name, 200)},
          {"scope", part.is_scope},
          {"parent", part.parent},
          {"nodes", totals.nodes},
          {"bytes", bytes_text(totals.bytes)},
          {"flops", flops_text(totals.flops)},
          {"classes", totals.classes},
          {"time", seconds_text(totals.seconds)},
          {"timeClass", time_class(totals.seconds, all)},
          {"items", std::move(items)},
          {"in", part.in_ports},
          {"out", part.out_ports},
          {"links", std::move(links)},
          {"size", {size.width, size.height}},
          {"picture", picture == Pictures::none ? Json(nullptr) : Json(picture)}};
}

}  // namespace

BoxText box_text(const GraphRecord& graph, std::size_t position, const DrawOptions& options) {
  const RecordedNode& node = graph.nodes[position];
  BoxText text{.title = shortened(node.label, longest_line)};
  const bool is_scalar = node.shape.rank() == 0;
  if (node.kind == NodeKind::operation) text.sign = node.symbol;
  if (!is_scalar && options.shapes) text.shape = to_string(node.shape);
  if (options.dtypes && !is_literal(node))
    text.shape += (text.shape.empty() ? "" : " ") + std::string(to_string(node.dtype));
  if (options.values && !is_literal(node) && node.value && node.shape.size() > 0) {
    const NumbersSummary& value = *node.value;
    text.value = is_scalar           ? scalar_text(value.elements.front(), node.dtype, 4)
                 : value.is_finite() ? number(value.min, 3) + " … " + number(value.max, 3)
                                     : broken_text(value);
  }
  if (node.gradient && node.shape.size() > 0) {
    const NumbersSummary& gradient = *node.gradient;
    text.gradient = is_scalar              ? "grad " + number(gradient.elements.front(), 4)
                    : gradient.is_finite() ? "‖grad‖ " + number(gradient.norm, 3)
                                           : "grad " + broken_text(gradient);
  }
  if (options.times) text.time = time_text(node);
  return text;
}

Size box_size(const BoxText& text) {
  double widest = text_width(text.title) * font_size * 1.1;  // bold
  if (!text.sign.empty()) widest += (text_width(text.sign) + 0.7) * font_size;
  int lines = 1;
  for (const std::string* line : {&text.shape, &text.value, &text.gradient, &text.time}) {
    if (line->empty()) continue;
    ++lines;
    widest = std::max(widest, text_width(*line) * font_size);
  }
  return {std::ceil((widest + 2 * padding) / grid) * grid, lines * line_height + padding};
}

Size box_size(const Folding::Part& part) {
  const double widest = text_width(shortened(part.name, longest_line)) * font_size * 1.1 + 30;
  return {std::max(132., std::ceil((widest + 2 * padding) / grid) * grid), 58};
}

Json page_data(const GraphRecord& graph, const Folding& folding, const Pictures& pictures,
               std::span<const BoxText> boxes, const DrawOptions& options) {
  Texts texts;
  const double time = time_of(graph);
  Json nodes = Json::array();
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const RecordedNode& node = graph.nodes[i];
    const BoxText& box = boxes[i];
    Json derivatives = Json::array();
    for (const auto& each : node.derivatives) {
      if (each.text.empty()) {
        derivatives.push_back(0);
        continue;
      }
      Json derivative = {texts[each.text], each.is_factor ? 1 : 0};
      if (each.value) derivative.push_back(number(*each.value, 6));
      derivatives.push_back(std::move(derivative));
    }
    const Size size = box_size(box);
    // In the order in which graph.js takes it apart.
    nodes.push_back({shortened(node.label, 2000),
                     static_cast<int>(role_of(graph, i)),
                     texts[node.operation],
                     folding.part_of[i],
                     node.inputs,
                     gradient_class(node),
                     node.is_named ? 1 : 0,
                     {box.title, texts[box.sign], texts[box.shape], box.value, box.gradient, box.time},
                     {size.width, size.height},
                     details(node.value, node),
                     details(node.gradient, node),
                     texts[to_string(node.shape)],
                     texts[std::string(to_string(node.dtype))],
                     texts[bytes_text(node.bytes())],
                     texts[flops_text(node.flops)],
                     texts[node.file],
                     node.line,
                     std::move(derivatives),
                     time_class(node, time),
                     texts[time_text(node)]});
  }
  Json parts = Json::array(), layouts = Json::array(), rules = Json::object(), found = Json::array();
  const std::vector<Totals> totals = totals_of(graph, folding);
  for (std::size_t i = 0; i < folding.parts.size(); ++i)
    parts.push_back(part(folding.parts[i], totals[i], time, pictures.of_part[i]));
  for (const Layout& layout : pictures.layouts) layouts.push_back(picture(layout));
  for (const OperationInfo& operation : operations()) rules[std::string(operation.name)] = operation.formula;
  for (const Finding& finding : findings(graph)) found.push_back({finding.text, finding.node});
  Json roles = Json::array(), classes = Json::array(), heat = Json::array();
  for (const ColourClass& each : time_classes) heat.push_back(each.meaning);
  for (const Look& look : looks) roles.push_back({look.name, look.meaning});
  for (const ColourClass& each : gradient_classes) classes.push_back(each.meaning);
  return {
      {"roles", std::move(roles)},
      {"classes", std::move(classes)},
      {"heat", std::move(heat)},
      {"hasTimes", std::ranges::any_of(graph.nodes, [](const auto& node) { return node.time.has_value(); })},
      {"texts", texts.json()},
      {"rules", std::move(rules)},
      {"findings", std::move(found)},
      {"open", graph.nodes.size() <= Folding::most_at_once},
      {"byGradient", options.colour_by_gradient},
      {"byTime", options.colour_by_time},
      {"nodes", std::move(nodes)},
      {"parts", std::move(parts)},
      {"pictures", std::move(layouts)}};
}

}  // namespace chainrule
