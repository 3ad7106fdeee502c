// Results as a table for people and as JSON, with units that can be read and a verdict by the goals. Relies
// on cases.h for what a result is.

#include "table.h"

#include <fmt/format.h>

#include <array>

namespace bench {
namespace {

/// Three digits and a unit: "118 ns", "24.5 ms", "1.21 MB".
std::string readable(const std::optional<double>& number, bool is_memory) {
  if (!number) return "-";
  const std::array<const char*, 4> units =
      is_memory ? std::array{"B", "kB", "MB", "GB"} : std::array{"ns", "µs", "ms", "s"};
  double scaled = *number;
  std::size_t unit = 0;
  for (; scaled >= 999.5 && unit + 1 < units.size(); ++unit) scaled /= 1000;
  const int digits = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", scaled, digits, units[unit]);
}

std::string ratio(const std::optional<double>& ratio) { return ratio ? fmt::format("{:.2f}", *ratio) : "-"; }

/// The goals, and whether each was reached.
std::string verdict(const Result& result, const Goals& goals) {
  std::string text;
  const auto add = [&](const std::string& goal, bool reached) {
    text += (text.empty() ? "" : ", ") + goal + (reached ? " ok" : " MISSED");
  };
  if (goals.faster > 0 && result.faster())
    add(fmt::format("≥ {:.3g}", goals.faster), *result.faster() >= goals.faster);
  if (goals.floor > 0 && result.above_floor())
    add(fmt::format("floor ≤ {:.3g}", goals.floor), *result.above_floor() <= goals.floor);
  if (goals.at_most > 0 && result.chainrule)
    add("≤ " + readable(goals.at_most, result.that.is_memory()), *result.chainrule <= goals.at_most);
  return text;
}

/// Pads to a width in characters: every byte of UTF-8 but the first of each has the form 10xxxxxx.
std::string pad(const std::string& text, std::size_t width, bool right) {
  std::size_t length = 0;
  for (const char c : text) length += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  const std::string space(width > length ? width - length : 0, ' ');
  return right ? space + text : text + space;
}

std::string row(const std::array<std::string, 8>& cells, Format format) {
  if (format == Format::markdown)  // without the goals, which are for those who work on it
    return fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", cells[0], cells[1], cells[2], cells[3],
                       cells[4], cells[5], cells[6]);
  constexpr std::array<std::size_t, 7> widths = {24, 10, 10, 11, 10, 9, 8};
  std::string text;
  for (std::size_t i = 0; i < widths.size(); ++i) text += pad(cells[i], widths[i], i > 0) + "  ";
  text += cells[7];
  return text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
}

}  // namespace

std::string table_head(Format format) {
  const std::string head =
      row({"case", "chainrule", "LibTorch", "at its best", "floor", "× faster", "× floor", "goals"}, format);
  return format == Format::markdown ? head + "| --- | --: | --: | --: | --: | --: | --: |\n" : head;
}

std::string table_row(const Result& result, int threads, Format format) {
  const bool is_memory = result.that.is_memory();
  const Goals goals = threads == 1 ? result.that.goals : threads == 2 ? result.that.goals_of_two : Goals{};
  return row({result.that.name, readable(result.chainrule, is_memory), readable(result.libtorch, is_memory),
              readable(result.libtorch_at_best, is_memory), readable(result.floor, is_memory),
              ratio(result.faster()), ratio(result.above_floor()), verdict(result, goals)},
             format);
}

nlohmann::ordered_json to_json(const std::vector<Result>& results, const std::string& machine, int threads) {
  const auto or_null = [](const std::optional<double>& number) {
    return number ? nlohmann::ordered_json(*number) : nlohmann::ordered_json(nullptr);
  };
  nlohmann::ordered_json cases = nlohmann::ordered_json::array();
  for (const Result& result : results)
    cases.push_back({{"case", result.that.name},
                     {"chainrule", or_null(result.chainrule)},
                     {"libtorch", or_null(result.libtorch)},
                     {"libtorch_at_best", or_null(result.libtorch_at_best)},
                     {"floor", or_null(result.floor)},
                     {"unit", result.that.is_memory() ? "bytes" : "ns"}});
  return {{"machine", machine}, {"threads", threads}, {"cases", cases}};
}

}  // namespace bench
