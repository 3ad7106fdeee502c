// The table of a module and all within it.

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "chainrule/autograd.h"
#include "chainrule/nn/sequential.h"

namespace chainrule {
namespace {

using detail::ModuleVisitor;
using detail::Place;
using Shapes = std::map<std::string, std::string>;

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

/// Makes every AnyModule note the shape of what it gives.
struct Noting final : ModuleVisitor {
  Shapes& shapes;
  explicit Noting(Shapes& to) : shapes(to) {}
  void any(AnyModule& module, const Place& place) override {
    module = [name = place.path(), within = std::move(module), &to = shapes](const Tensor& x) {
      const Tensor y = within(x);
      to[name] = to_string(y.shape());
      return y;
    };
  }
};

std::string table(const Rows& all, std::int64_t total, const Shapes& shapes) {
  std::vector<std::array<std::string, 4>> lines = {{"name", "kind", "output", "parameters"}};
  for (const Rows::Row& row : all.rows) {
    const auto shape = shapes.find(row.name);
    lines.push_back({std::string(2 * row.depth, ' ') + row.name, row.kind,
                     shape == shapes.end() ? "" : shape->second, grouped(row.numbers)});
  }
  lines.push_back({"total", "", "", grouped(total)});
  std::array<std::size_t, 4> widths = {};
  for (const auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  if (shapes.empty()) widths[2] = 0;
  std::string text;
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < 3; ++i)
      if (widths[i] > 0) text += line[i] + std::string(widths[i] - line[i].size() + 2, ' ');
    text += std::string(widths[3] - line[3].size(), ' ') + line[3] + '\n';
  }
  return text;
}

}  // namespace

std::string summary(const ModuleRef& module) {
  Rows rows;
  module.visit(rows);
  return table(rows, count_parameters(module), {});
}

std::string detail::summary_of_run(const ModuleRef& copy, FunctionRef<Tensor()> run) {
  set_training(copy, false);
  Rows rows;
  copy.visit(rows);
  const std::int64_t total = count_parameters(copy);
  Shapes shapes;
  Noting noting(shapes);
  copy.visit(noting);
  shapes[""] = to_string(no_grad(run).shape());
  return table(rows, total, shapes);
}

}  // namespace chainrule
