// What in a graph is worth a look: numbers that are not finite and where they begin, and gradients that are
// 0.

#include <fmt/format.h>

#include "draw/graph/graph_page.h"
#include "draw/numbers.h"

namespace chainrule {

std::vector<Finding> findings(const GraphRecord& graph) {
  std::vector<Finding> found;
  const auto& nodes = graph.nodes;
  const auto broken = [](const std::optional<NumbersSummary>& numbers) {
    return numbers && !numbers->is_finite();
  };
  std::size_t values = 0, gradients = 0, zeros = 0, first_value = 0, last_gradient = 0, a_zero = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (broken(nodes[i].value) && values++ == 0) first_value = i;
    if (broken(nodes[i].gradient)) {
      ++gradients;
      last_gradient = i;
    }
    if (nodes[i].kind == NodeKind::parameter && nodes[i].gradient && nodes[i].gradient->is_finite() &&
        nodes[i].gradient->norm == 0 && zeros++ == 0)
      a_zero = i;
  }
  if (values > 0)
    found.push_back(
        {fmt::format("{} values are NaN or infinite; the first to be computed is", values), first_value});
  if (gradients > 0)
    found.push_back(
        {fmt::format("{} gradients are NaN or infinite; the first, coming from the output, is that of",
                     gradients),
         last_gradient});
  if (zeros > 0)
    found.push_back({fmt::format("{} parameters have a gradient of exactly 0, as has", zeros), a_zero});

  // Between leaves that are learned, as those in between may well be small or large.
  std::size_t smallest = nodes.size(), largest = nodes.size();
  const auto norm = [&](std::size_t i) { return nodes[i].gradient->norm; };
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const bool is_learned = nodes[i].kind == NodeKind::parameter || nodes[i].kind == NodeKind::variable;
    if (!is_learned || !nodes[i].gradient || !nodes[i].gradient->is_finite() || norm(i) == 0) continue;
    if (smallest == nodes.size() || norm(i) < norm(smallest)) smallest = i;
    if (largest == nodes.size() || norm(i) > norm(largest)) largest = i;
  }
  if (smallest == largest) return found;
  found.push_back(
      {fmt::format("the smallest gradient of a leaf has norm {}:", number(norm(smallest), 3)), smallest});
  found.push_back(
      {fmt::format("the largest gradient of a leaf has norm {}:", number(norm(largest), 3)), largest});
  return found;
}

}  // namespace chainrule
