// What `train` says of single values in a table: signs of nothing, outliers, spellings.
// Guesses only; nothing is changed.

#include "train_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>

#include "text.h"
#include "train_notes.h"

namespace chainrule::cli {
namespace {

/// "column 2 (age)" and the values in it, in order.
struct Values {
  std::string title;
  std::vector<double> sorted;
};

Values values_of(const Table& table, std::size_t position) {
  const TableColumn& column = table.columns[position];
  Values values{title(table, position), {}};
  std::copy_if(column.numbers.begin(), column.numbers.end(), std::back_inserter(values.sorted),
               [](double x) { return x == x; });
  std::sort(values.sorted.begin(), values.sorted.end());
  return values;
}

/// -999 and 9999, which people write where they have no value.
bool is_all_nines(double number) {
  const double size = std::abs(number);
  for (double nines = 99; nines <= 1e9; nines = 10 * nines + 9)
    if (size == nines) return true;
  return false;
}

/// The smallest or the largest value, more than once and further from the others than they are apart.
std::string of_signs(const Values& values) {
  const auto& [title, sorted] = values;
  for (const double sign : {sorted.front(), sorted.back()}) {
    const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), sign);
    const auto count = last - first;
    if (!is_all_nines(sign) || count < 2 || 2 * count > std::ssize(sorted)) continue;
    const bool is_least = first == sorted.begin();
    const double low = is_least ? *last : sorted.front(), high = is_least ? sorted.back() : *(first - 1);
    if (std::min(std::abs(sign - low), std::abs(sign - high)) <= high - low) continue;
    return fmt::format(
        "{} is {} in {} rows, far from all others; if that means that there is no value, give "
        "--missing {}",
        title, sign, count, sign);
  }
  return "";
}

/// A value that alone decides the scale of the column.
std::string of_outliers(const Table& table, std::size_t position, const Values& values) {
  constexpr std::size_t fewest = 20;
  constexpr double far = 1e5;
  const auto& [title, sorted] = values;
  if (sorted.size() < fewest) return "";
  const double middle = sorted[sorted.size() / 2],
               spread = sorted[sorted.size() * 95 / 100] - sorted[sorted.size() * 5 / 100];
  const double least = sorted.front(), most = sorted.back(),
               outlier = most - middle > middle - least ? most : least;
  if (spread <= 0 || !(std::abs(outlier - middle) > far * spread)) return "";
  const std::vector<double>& numbers = table.columns[position].numbers;
  const auto row =
      static_cast<std::size_t>(std::find(numbers.begin(), numbers.end(), outlier) - numbers.begin());
  return fmt::format(
      "{} is {} in line {}, so far from most others that these are hardly told apart; is that a "
      "mistake? if it means that there is no value, give --missing {}",
      title, outlier, table.lines[row], table.columns[position].cell(row));
}

/// "Yes" and "yes" are two classes.
std::string of_case(const std::string& title, const std::vector<std::string>& classes) {
  std::map<std::string, std::string> seen;
  for (const std::string& each : classes) {
    std::string lower = each;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto [found, is_new] = seen.emplace(lower, each);
    if (!is_new)
      return fmt::format(
          "{} holds '{}' and '{}', which are two classes; if they mean the same, write them alike", title,
          printable(found->second), printable(each));
  }
  return "";
}

}  // namespace

void warn_of_values(const Table& table, const ColumnChoice& choice, const TableEncoder& encoder,
                    std::vector<std::string>& warnings) {
  if (table.image_height > 0) return;  // pixels
  constexpr std::size_t most = 3;      // of one kind: a wide table has many such columns
  std::size_t said = 0;
  const auto say = [&](const std::string& text) {
    if (!text.empty()) warnings.push_back(text);
    return !text.empty();
  };
  for (std::size_t i = 0; i < table.columns.size() && said < most; ++i) {
    if (std::find(choice.dropped.begin(), choice.dropped.end(), i) != choice.dropped.end() ||
        !table.columns[i].places.empty())
      continue;
    const Values values = values_of(table, i);
    if (values.sorted.size() < 2) continue;
    const auto is_this = [&](const TargetColumn& each) { return each.position == i; };
    const auto& targets = encoder.all_targets();
    const auto target = std::find_if(targets.begin(), targets.end(), is_this);
    if (target != targets.end() && target->task() == Task::classification) continue;
    if (target != targets.end() && values.sorted.front() == values.sorted.back())
      say(fmt::format("the target, {}, is {} in every row; there is nothing to learn", values.title,
                      values.sorted.front()));
    said += say(of_signs(values)) || say(of_outliers(table, i, values));
  }
  const TargetColumn& target = encoder.target();
  if (target.task() == Task::classification)
    say(of_case(values_of(table, target.position).title, target.classes));
}

}  // namespace chainrule::cli
