// chainrule ops: the table of all operations, and the entry of one with its example, all from the registry.
// evaluate.h computes the example.

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "command.h"
#include "commands.h"
#include "evaluate.h"
#include "print.h"
#include "text.h"

namespace chainrule::cli {
namespace {

using registry::Entry;

/// How often it can be differentiated: what is not in every order is by two where its formula tells of a
/// gradient, as samples of gamma distributions are.
std::string_view orders(const Entry& entry) {
  if (entry.differentiable) return "every";
  return entry.formula.find("no gradient") == std::string_view::npos ? "two" : "none";
}
std::string_view derivatives(const Entry& entry) {
  const std::string_view how_often = orders(entry);
  return how_often == "every" ? "differentiable in every order"
         : how_often == "two" ? "differentiable in two orders"
                              : "no gradient";
}

/// "name, alias"
std::string all_names(const Entry& entry) {
  std::string names(entry.name);
  for (const char letter : entry.aliases.empty() ? "" : " " + std::string(entry.aliases))
    names += letter == ' ' ? std::string(", ") : std::string(1, letter);
  return names;
}

std::string list() {
  std::size_t width = 0;
  for (const Entry& entry : registry::entries()) width = std::max(width, entry.name.size());
  std::string text;
  for (const Entry& entry : registry::entries())
    text += fmt::format("{:<{}}  {}\n", entry.name, width, entry.formula);
  return text;
}

/// In a cell of a table, where | would end it.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char letter : text) escaped += letter == '|' ? std::string("\\|") : std::string(1, letter);
  return escaped;
}

std::string markdown() {
  std::string text = "| call | formula | choices and differences | orders |\n| --- | --- | --- | --- |\n";
  for (const Entry& entry : registry::entries()) {
    if (entry.call == nullptr) continue;
    std::string call = "`" + signature(entry) + "`";
    if (!entry.aliases.empty()) call += "; " + all_names(entry).substr(entry.name.size() + 2);
    text += fmt::format("| {} | {} | {} | {} |\n", cell(call), cell(entry.formula), cell(entry.note),
                        orders(entry));
  }
  return text;
}

/// The value of an expression as it is printed after its source.
std::string as_lines(const Value& value) {
  if (const auto* list = value.as<List>(); list != nullptr && list->is_tuple) {
    std::string text;
    for (std::size_t i = 0; i < list->items().size(); ++i)
      text += equation(fmt::format("value[{}]", i), to_tensor(list->items()[i], {}));
    return text;
  }
  return equation("value", to_tensor(value, {}));
}

std::string one(std::string_view name) {
  const auto all = registry::entries();
  const Entry* entry = registry::find(name);
  if (entry == nullptr) {
    const auto inner =
        std::find_if(all.begin(), all.end(), [&](const Entry& candidate) { return candidate.name == name; });
    if (inner != all.end()) return fmt::format("{}\n  {}\n", inner->name, inner->formula);
    const std::vector<std::string_view> names = registry::names();
    const std::string_view close = nearest(name, names);
    throw CommandError(fmt::format(
        "no operation '{}'; {}", printable(name),
        close.empty() ? "chainrule ops lists them all" : fmt::format("did you mean '{}'?", close)));
  }
  std::string text = fmt::format("{}\n  {}\n", signature(*entry), entry->formula);
  if (!entry->note.empty()) text += fmt::format("  {}\n", entry->note);
  if (!entry->notation.symbol.empty()) text += fmt::format("  in drawings: {}\n", entry->notation.symbol);
  text += fmt::format("  {}\n", derivatives(*entry));
  if (!entry->aliases.empty()) text += fmt::format("  names: {}\n", all_names(*entry));
  if (entry->parameters.find('|') != std::string_view::npos)
    text += fmt::format("  keywords: {}\n", entry->parameters);
  if (!entry->example.empty()) {
    Context context;
    const Value value = evaluate(Program(entry->example), {}, context);
    const char quote = entry->example.find('\'') == std::string_view::npos ? '\'' : '"';
    text += fmt::format("\nchainrule eval {0}{1}{0}\n{2}", quote, entry->example, as_lines(value));
  }
  return text;
}

}  // namespace

void add_ops(CLI::App& app) {
  CLI::App* command = app.add_subcommand("ops", "List every operation with its derivative, or show one");
  const auto name = std::make_shared<std::string>();
  const auto table = std::make_shared<bool>(false);
  command->add_option("NAME", *name, "One operation: its parameters, formula, choices and an example");
  command->add_flag("--markdown", *table, "The whole table, in Markdown");
  command->callback([name, table] {
    if (!name->empty() && *table) throw CommandError("ops: give a name or --markdown, not both");
    write_output(!name->empty() ? one(*name) : *table ? markdown() : list());
  });
}

}  // namespace chainrule::cli
