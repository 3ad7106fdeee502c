// The table of a module and all within it, with shapes from a run if there is an input.
// Relies on visits of members and on scopes.

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "chainrule/autograd.h"
#include "chainrule/graph.h"
#include "chainrule/nn/sequential.h"

namespace chainrule {
namespace {

using detail::ModuleVisitor;
using detail::Place;

/// What a module gave when it ran once, and what it took.
struct Ran {
  std::string shape;
  std::int64_t flops = 0, bytes = 0;
};
using Runs = std::map<std::string, Ran>;

/// "Linear" of what a compiler says of chainrule::Linear: "... [with T = chainrule::Linear; ...]" or "...
/// [T = chainrule::Linear]". A function has no name in its type.
std::string kind_of(std::string_view text) {
  const std::size_t begin = text.find("T = ");
  if (begin != std::string_view::npos) text.remove_prefix(begin + 4);
  text = text.substr(0, text.find_first_of(";]"));
  if (text.find("lambda") != std::string_view::npos || text.find("(*)") != std::string_view::npos)
    return "function";
  const std::size_t scope = text.substr(0, text.find('<')).rfind("::");
  const bool ours = scope != std::string_view::npos && text.substr(0, scope) == "chainrule";
  if (scope != std::string_view::npos) text.remove_prefix(scope + 2);
  // Our templates are of the number of axes, and Conv<2> is called Conv2d.
  const std::size_t axes = ours ? text.find('<') : std::string_view::npos;
  if (axes != std::string_view::npos) return std::string(text.substr(0, axes)) + text[axes + 1] + 'd';
  return std::string(text);
}

/// 12345678 as "12,345,678".
std::string grouped(std::int64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t end = text.size(); end > 3; end -= 3) text.insert(end - 3, ",");
  return text;
}

/// One line for each module. A parameter counts for all modules around it.
struct Rows final : ModuleVisitor {
  struct Row {
    std::string name, kind;
    std::int64_t numbers = 0;
    std::size_t depth = 0;
  };
  std::vector<Row> rows;
  std::vector<std::size_t> around;
  void enter(const detail::ModuleInfo& info, const Place& place) override {
    around.push_back(rows.size());
    rows.push_back({place.path(), kind_of(info.type), 0, around.size() - 1});
  }
  void leave() override { around.pop_back(); }
  void parameter(Parameter& parameter, const Place&) override {
    for (const std::size_t row : around) rows[row].numbers += parameter.leaf().size();
  }
};

/// What was computed from x to y: operations that x was not made by, and the values that they made.
Ran ran(const Tensor& x, const Tensor& y) {
  Ran result{.shape = to_string(y.shape())};
  std::set<const Node*> before;
  const Graph until(x), whole(y);
  for (const GraphNode& node : until.nodes()) before.insert(node.tensor.node());
  for (const GraphNode& node : whole.nodes()) {
    if (node.kind != NodeKind::operation || before.contains(node.tensor.node())) continue;
    result.flops += node.flops;
    result.bytes += node.tensor.size() * static_cast<std::int64_t>(item_size(node.tensor.dtype()));
  }
  return result;
}

/// Makes every AnyModule note what it gives and takes.
struct Noting final : ModuleVisitor {
  Runs& runs;
  explicit Noting(Runs& to) : runs(to) {}
  void any(AnyModule& module, const Place& place) override {
    module = [name = place.path(), within = std::move(module), &to = runs](const Tensor& x) {
      Tensor y = within(x);
      to[name] = ran(x, y);
      return y;
    };
  }
};

/// Texts in columns apart by two spaces, the last `right` of them to the right.
std::string table(const std::vector<std::vector<std::string>>& lines, std::size_t right) {
  const std::size_t columns = lines.front().size();
  std::vector<std::size_t> widths(columns);
  for (const auto& line : lines)
    for (std::size_t i = 0; i < columns; ++i) widths[i] = std::max(widths[i], line[i].size());
  std::string text;
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < columns; ++i) {
      const std::string space(widths[i] - line[i].size(), ' ');
      text += (i + right < columns ? line[i] + space : space + line[i]) + (i + 1 < columns ? "  " : "\n");
    }
  }
  return text;
}

std::string indented(const Rows::Row& row) { return std::string(2 * row.depth, ' ') + row.name; }

}  // namespace

std::string summary(const ModuleRef& module) {
  Rows rows;
  module.visit(rows);
  std::vector<std::vector<std::string>> lines = {{"name", "kind", "parameters"}};
  for (const Rows::Row& row : rows.rows) lines.push_back({indented(row), row.kind, grouped(row.numbers)});
  lines.push_back({"total", "", grouped(count_parameters(module))});
  return table(lines, 1);
}

std::string detail::summary_of_run(const ModuleRef& copy, const Tensor& x,
                                   FunctionRef<Tensor(const Tensor&)> run) {
  set_training(copy, false);
  Rows rows;
  copy.visit(rows);
  const std::int64_t total = count_parameters(copy);
  Runs runs;
  Noting noting(runs);
  copy.visit(noting);
  const NoGrad recorded(false);
  // Of a variable, so that nothing that is computed from it goes unrecorded.
  const Tensor in = is_floating(x.dtype()) ? variable(x) : x;
  const Ran& whole = runs[""] = ran(in, run(in));
  std::vector<std::vector<std::string>> lines = {{"name", "kind", "output", "flops", "bytes", "parameters"}};
  for (const Rows::Row& row : rows.rows) {
    const auto found = runs.find(row.name);
    const bool known = found != runs.end();
    lines.push_back({indented(row), row.kind, known ? found->second.shape : "",
                     known ? grouped(found->second.flops) : "", known ? grouped(found->second.bytes) : "",
                     grouped(row.numbers)});
  }
  lines.push_back({"total", "", "", grouped(whole.flops), grouped(whole.bytes), grouped(total)});
  return table(lines, 3);
}

}  // namespace chainrule
