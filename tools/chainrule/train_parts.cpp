// Which samples are learned from, which choose the best epoch, and which test.

#include "train_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "chainrule/data/folds.h"
#include "chainrule/ops.h"

namespace chainrule::cli {

Tensor classes_in(const Table& table, std::size_t target) {
  std::map<std::string, std::int64_t> numbers;
  std::vector<std::int64_t> classes;
  for (std::size_t row = 0; row < table.lines.size(); ++row)
    classes.push_back(
        numbers.emplace(table.columns[target].cell(row), static_cast<std::int64_t>(numbers.size()))
            .first->second);
  return tensor(classes);
}

Task task_of(const Table& table, const ColumnChoice& choice) {
  return choice.task.value_or(guess_task(table.columns[choice.target], table.separator));
}

std::int64_t part_of(double fraction, std::int64_t count) {
  return std::clamp<std::int64_t>(std::llround(fraction * static_cast<double>(count)), 1, count - 1);
}

namespace {

/// Takes so many of these positions out and returns them, of each class its share.
std::vector<std::int64_t> taken_from(std::vector<std::int64_t>& positions, std::int64_t count,
                                     const Tensor& labels, Generator& generator) {
  const Tensor own = take_rows(labels, positions);
  const double share = static_cast<double>(count) / static_cast<double>(positions.size());
  const Fold fold = stratified_split(own, share, generator);
  const auto at = [&](const std::vector<std::int64_t>& places) {
    std::vector<std::int64_t> found;
    found.reserve(places.size());
    for (const std::int64_t place : places) found.push_back(positions[static_cast<std::size_t>(place)]);
    return found;
  };
  std::vector<std::int64_t> taken = at(fold.test);
  positions = at(fold.train);
  return taken;
}

}  // namespace

Parts deal(const Table& table, const ColumnChoice& choice, const TrainOptions& options, bool holds_back,
           bool validates, Generator& generator) {
  const std::int64_t n = table.rows();
  const std::int64_t least = 1 + holds_back + validates;
  if (n < least)
    throw ParseError(fmt::format("{}: {} {}; there must be at least {}, to learn from and to test on",
                                 table.path, n, n == 1 ? "row" : "rows", least));
  const Tensor labels = task_of(table, choice) == Task::classification ? classes_in(table, choice.target)
                                                                       : zeros({n}, DType::int64);
  Parts parts;
  parts.train.resize(static_cast<std::size_t>(n));
  std::iota(parts.train.begin(), parts.train.end(), std::int64_t{0});
  if (holds_back) parts.test = taken_from(parts.train, part_of(0.2, n - validates), labels, generator);
  if (validates) {
    const std::int64_t left = n - std::ssize(parts.test);
    parts.validation = taken_from(parts.train, part_of(options.validation, left), labels, generator);
  }
  return parts;
}

ArrayParts choose_parts(const TrainOptions& options) {
  const std::vector<std::string> parts = parts_of(options.data);
  if (parts.empty()) return {};
  const std::string& chosen = options.reading.part;
  const std::string learned = chosen.empty() ? "train" : chosen;
  ArrayParts arrays{.test = {}, .validation = {}, .note = "; learned from are the arrays for " + learned};
  if (options.cv == 0 && options.test.empty() && parts.back() != learned) {
    arrays.test = parts.back();
    arrays.note += ", tested on those for " + arrays.test;
  }
  std::vector<std::string> alone;
  for (const std::string& part : parts) {
    if (part == learned || part == arrays.test) continue;
    if (part == "validation" && options.validation > 0 && options.cv == 0) {
      arrays.validation = part;
      arrays.note += ", and the best epoch chosen by those for validation";
    } else {
      alone.push_back(part);
    }
  }
  if (!alone.empty()) arrays.note += fmt::format(", and those for {} left alone", fmt::join(alone, " and "));
  return arrays;
}

}  // namespace chainrule::cli
