// Which role a node has, and so which colour and frame.
// Every format asks here, so that a colour means the same in all of them.

#include "draw/look.h"

#include <fmt/format.h>

#include <span>

#include "draw/numbers.h"

namespace chainrule {
namespace {

/// With a prefix of the SI, and three digits.
std::string with_unit(std::int64_t amount, const char* unit) {
  constexpr const char* prefixes[] = {"", "k", "M", "G", "T", "P", "E"};
  auto scaled = static_cast<double>(amount);
  std::size_t prefix = 0;
  for (; scaled >= 999.5; ++prefix) scaled /= 1000;
  return fmt::format("{} {}{}", number(scaled, 3), prefixes[prefix], unit);
}

}  // namespace

Role role_of(const GraphRecord& graph, std::size_t node) {
  if (node + 1 == graph.nodes.size()) return Role::output;
  switch (graph.nodes[node].kind) {
    case NodeKind::parameter: return Role::parameter;
    case NodeKind::variable: return Role::variable;
    case NodeKind::constant: return Role::constant;
    case NodeKind::operation: break;
  }
  return Role::intermediate;
}

/// Of the classes from the first one on, that of a number; the last one has no end.
static std::size_t class_of(double number, std::span<const ColourClass> classes, std::size_t first) {
  while (classes[first].below != 0 && number >= classes[first].below) ++first;
  return first;
}

std::size_t gradient_class(const RecordedNode& node) {
  if (!node.gradient) return 0;
  if (!node.gradient->is_finite()) return broken_gradient;
  if (node.gradient->norm == 0) return 1;
  return class_of(node.gradient->norm, gradient_classes, 2);
}

double time_of(const RecordedNode& node) { return node.time ? node.time->forward + node.time->backward : 0; }

double time_of(const GraphRecord& graph) {
  double all = 0;
  for (const RecordedNode& node : graph.nodes) all += time_of(node);
  return all;
}

std::size_t time_class(double seconds, double all) {
  return class_of(all > 0 ? seconds / all : 0, time_classes, 1);
}

std::string seconds_text(double seconds) {
  constexpr std::pair<double, const char*> units[] = {{1, "s"}, {1e-3, "ms"}, {1e-6, "µs"}};
  for (const auto& [size, unit] : units)
    if (seconds >= 0.9995 * size) return fmt::format("{} {}", number(seconds / size, 3), unit);
  return fmt::format("{} ns", number(seconds * 1e9, 3));
}

std::string time_text(const RecordedNode& node) {
  if (!node.time) return "";
  return seconds_text(node.time->forward) +
         (node.time->backward > 0 ? ", backward " + seconds_text(node.time->backward) : "");
}

bool is_broken(const RecordedNode& node) {
  return (node.value && !node.value->is_finite()) || (node.gradient && !node.gradient->is_finite());
}

bool is_literal(const RecordedNode& node) {
  return node.kind == NodeKind::constant && !node.is_named && node.shape.rank() == 0;
}

std::string bytes_text(std::int64_t bytes) { return with_unit(bytes, "B"); }
std::string flops_text(std::int64_t flops) { return with_unit(flops, "flop"); }

std::string source_text(const RecordedNode& node) {
  if (node.file.empty()) return {};
  return node.file.substr(node.file.find_last_of('/') + 1) + ":" + std::to_string(node.line);
}

}  // namespace chainrule
