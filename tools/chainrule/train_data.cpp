#include "train_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "chainrule/io.h"
#include "command.h"
#include "text.h"

namespace chainrule::cli {
namespace {

/// A table, where it came from, and which of its columns is the target.
struct Source {
  std::string path;
  Csv csv;
  std::int64_t target = 0;

  std::int64_t rows() const { return csv.values.shape()[0]; }
  std::int64_t columns() const { return csv.values.shape()[1]; }
  std::span<const double> row(std::int64_t i) const {
    const auto width = static_cast<std::size_t>(columns());
    return csv.values.data<double>().subspan(static_cast<std::size_t>(i) * width, width);
  }
  double target_of(std::int64_t i) const { return row(i)[static_cast<std::size_t>(target)]; }

  std::string column_title(std::int64_t column) const {
    return csv.columns.empty() ? fmt::format("column {}", column + 1)
                               : fmt::format("column {} ({})", column + 1,
                                             printable(csv.columns[static_cast<std::size_t>(column)]));
  }
  [[noreturn]] void fail_at(std::int64_t i, const std::string& what) const {
    throw ParseError(fmt::format("{}:{}: {}", path, csv.lines[static_cast<std::size_t>(i)], what));
  }
};

/// The position of the column that `target` names. A header's own name wins over a number.
std::int64_t find_target(const Source& source, const std::string& target) {
  const std::vector<std::string>& names = source.csv.columns;
  if (const auto name = std::find(names.begin(), names.end(), target); name != names.end())
    return name - names.begin();
  if (target == "last") return source.columns() - 1;
  std::int64_t number = 0;
  const char* end = target.data() + target.size();
  const auto [stop, error] = std::from_chars(target.data(), end, number);
  if (error == std::errc() && stop == end && number >= 1 && number <= source.columns()) return number - 1;
  throw CommandError(fmt::format("--target {}: {} has no such column; give last, a number from 1 to {}{}",
                                 printable(target), source.path, source.columns(),
                                 names.empty() ? "" : ", or a name from its header"));
}

/// The distinct targets, in order: class k is the k-th of them.
std::vector<double> find_classes(const Source& source) {
  std::vector<double> classes;
  for (std::int64_t i = 0; i < source.rows(); ++i) {
    const double target = source.target_of(i);
    constexpr double exact_up_to = 9007199254740992.0;  // 2^53
    if (std::trunc(target) != target || std::abs(target) > exact_up_to)
      source.fail_at(i, fmt::format("the target, {}, is {}; a class is a whole number (choose with --target)",
                                    source.column_title(source.target), target));
    classes.push_back(target);
  }
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  if (classes.size() == 1)
    throw ParseError(fmt::format("{}: the target, {}, is {} in every row; there must be at least two classes",
                                 source.path, source.column_title(source.target), classes.front()));
  return classes;
}

/// Inputs, float64 and not yet standardised, and classes.
Dataset to_dataset(const Source& source, const std::vector<double>& classes,
                   const std::string& classes_from) {
  std::vector<double> inputs;
  std::vector<std::int64_t> labels;
  inputs.reserve(static_cast<std::size_t>(source.rows() * (source.columns() - 1)));
  for (std::int64_t i = 0; i < source.rows(); ++i) {
    const double target = source.target_of(i);
    const auto found = std::lower_bound(classes.begin(), classes.end(), target);
    if (found == classes.end() || *found != target)
      source.fail_at(
          i, fmt::format("class {} never occurs in {}, so it cannot be learned", target, classes_from));
    labels.push_back(found - classes.begin());
    const auto row = source.row(i);
    for (std::int64_t column = 0; column < source.columns(); ++column) {
      if (column == source.target) continue;
      const double value = row[static_cast<std::size_t>(column)];
      if (!std::isfinite(value))
        source.fail_at(
            i, fmt::format("{} is {}; every input must be finite", source.column_title(column), value));
      inputs.push_back(value);
    }
  }
  return {tensor(inputs, {source.rows(), source.columns() - 1}), tensor(labels),
          static_cast<std::int64_t>(classes.size())};
}

Source read_test(const std::string& path, const Source& train) {
  Source test{path, read_csv(path), train.target};
  if (test.columns() != train.columns())
    throw ParseError(fmt::format("{} has {} columns but {} has {}; both need the same", path, test.columns(),
                                 train.path, train.columns()));
  if (test.csv.columns.empty() || train.csv.columns.empty()) return test;
  const auto [a, b] =
      std::mismatch(test.csv.columns.begin(), test.csv.columns.end(), train.csv.columns.begin());
  if (a != test.csv.columns.end())
    throw ParseError(fmt::format("column {} is '{}' in {} but '{}' in {}; both need the same columns",
                                 a - test.csv.columns.begin() + 1, printable(*a), path, printable(*b),
                                 train.path));
  return test;
}

/// Learns the scale from the training part alone: the test part stands for data not yet seen.
TrainingData standardised(const Dataset& train, const Dataset& test, std::string source) {
  const Standardizer standardize(train.x);
  const auto prepare = [&](const Dataset& data) {
    return Dataset{cast(standardize(data.x), DType::float32), data.y, data.classes};
  };
  return {prepare(train), prepare(test), std::move(source)};
}

}  // namespace

TrainingData read_training_data(const std::string& train_path, const std::string& test_path,
                                const std::string& target, Generator& generator) {
  Source source{train_path, read_csv(train_path)};
  source.target = find_target(source, target);
  if (source.columns() == 1)
    throw ParseError(train_path + ": the target is the only column; there is nothing to predict it from");
  const std::vector<double> classes = find_classes(source);
  const Dataset all = to_dataset(source, classes, train_path);
  if (test_path.empty()) {
    const Split parts = split(all, 0.2, generator);
    return standardised(parts.train, parts.test, train_path);
  }
  return standardised(all, to_dataset(read_test(test_path, source), classes, train_path), train_path);
}

TrainingData make_half_moons(Generator& generator) {
  constexpr double noise = 0.1;
  const Dataset train = half_moons(1000, noise, generator);
  return standardised(train, half_moons(1000, noise, generator), "half-moons");
}

}  // namespace chainrule::cli
