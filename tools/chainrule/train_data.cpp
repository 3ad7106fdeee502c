#include "train_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>
#include <variant>

#include "chainrule/io.h"
#include "command.h"
#include "text.h"

namespace chainrule::cli {
namespace {

/// A table, where it came from, and which of its columns is the target: the one of text.
struct Source {
  std::string path;
  Csv csv;
  std::int64_t target = 0, columns = 0;

  std::int64_t rows() const { return csv.values.shape()[0]; }
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
std::int64_t find_target(std::span<const std::string> names, std::int64_t columns, const std::string& target,
                         const std::string& path) {
  if (const auto name = std::find(names.begin(), names.end(), target); name != names.end())
    return name - names.begin();
  if (target == "last") return columns - 1;
  std::int64_t number = 0;
  const char* end = target.data() + target.size();
  const auto [stop, error] = std::from_chars(target.data(), end, number);
  if (error == std::errc() && stop == end && number >= 1 && number <= columns) return number - 1;
  throw CommandError(fmt::format("--target {}: {} has no such column; give last, a number from 1 to {}{}",
                                 printable(target), path, columns,
                                 names.empty() ? "" : ", or a name from its header"));
}

template <class ChooseTarget>
Source read_source(const std::string& path, const ChooseTarget& choose_target) {
  Source source{.path = path, .csv = {}};
  source.csv = read_csv(path, [&](std::span<const std::string> header, std::int64_t columns) {
    source.columns = columns;
    return source.target = choose_target(header, columns);
  });
  return source;
}

/// A target: a whole number, or text. Numbers come before texts, each in their order.
using Class = std::variant<std::int64_t, std::string>;

std::string name_of(const Class& target) {
  const auto* number = std::get_if<std::int64_t>(&target);
  return number != nullptr ? std::to_string(*number) : std::get<std::string>(target);
}

Class class_in(const Source& source, std::int64_t i) {
  const std::string& text = source.csv.texts[static_cast<std::size_t>(i)];
  const std::optional<double> number = parse_number(text);
  if (text.empty())
    source.fail_at(i, "the target, " + source.column_title(source.target) + ", holds nothing");
  if (!number) return text;
  constexpr double exact_up_to = 9007199254740992.0;  // 2^53
  if (std::trunc(*number) != *number || std::abs(*number) > exact_up_to)
    source.fail_at(i, fmt::format("the target, {}, is {}; a class is a whole number or text (choose with "
                                  "--target)",
                                  source.column_title(source.target), std::isnan(*number) ? NAN : *number));
  return static_cast<std::int64_t>(*number);
}

/// The distinct targets, in order: class k is the k-th of them.
std::vector<Class> find_classes(const Source& source) {
  std::vector<Class> classes;
  for (std::int64_t i = 0; i < source.rows(); ++i) {
    classes.push_back(class_in(source, i));
    // A slip of the pen among numbers, or a missing value among texts, is not a class.
    if (classes.back().index() != classes.front().index())
      source.fail_at(i, fmt::format("the target, {}, is '{}', but '{}' in line {}; classes are all whole "
                                    "numbers or all text",
                                    source.column_title(source.target), printable(name_of(classes.back())),
                                    printable(name_of(classes.front())), source.csv.lines.front()));
  }
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  if (classes.size() == 1)
    throw ParseError(fmt::format("{}: the target, {}, is {} in every row; there must be at least two classes",
                                 source.path, source.column_title(source.target),
                                 printable(name_of(classes.front()))));
  return classes;
}

/// Inputs, float64 and not yet standardised, and classes.
Dataset to_dataset(const Source& source, const std::vector<Class>& classes, const std::string& classes_from) {
  std::vector<std::int64_t> labels;
  const std::span<const double> inputs = source.csv.values.data<double>();
  const std::int64_t width = source.columns - 1;
  for (std::int64_t i = 0; i < source.rows(); ++i) {
    const Class target = class_in(source, i);
    const auto found = std::lower_bound(classes.begin(), classes.end(), target);
    if (found == classes.end() || *found != target)
      source.fail_at(i, fmt::format("class {} never occurs in {}, so it cannot be learned",
                                    printable(name_of(target)), classes_from));
    labels.push_back(found - classes.begin());
    for (std::int64_t input = 0; input < width; ++input)
      if (const double value = inputs[static_cast<std::size_t>(i * width + input)]; !std::isfinite(value))
        source.fail_at(i, fmt::format("{} is {}; every input must be finite",
                                      source.column_title(input + (input >= source.target)),
                                      std::isnan(value) ? NAN : value));
  }
  return {source.csv.values, tensor(labels), static_cast<std::int64_t>(classes.size())};
}

Source read_test(const std::string& path, const Source& train) {
  Source test = read_source(path, [&](std::span<const std::string>, std::int64_t columns) {
    if (columns != train.columns)
      throw ParseError(fmt::format("{} has {} columns but {} has {}; both need the same", path, columns,
                                   train.path, train.columns));
    return train.target;
  });
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
TrainingData standardised(const Dataset& train, const Dataset& test) {
  const Standardizer standardize(train.x);
  const auto prepare = [&](const Dataset& data) {
    return Dataset{cast(standardize(data.x), default_dtype()), data.y, data.classes};
  };
  return {.train = prepare(train),
          .test = prepare(test),
          .scale = standardize,
          .classes = {},
          .inputs = {},
          .source = "",
          .test_source = ""};
}

/// What the columns other than the target are called; by their numbers where nobody has named them.
std::vector<std::string> input_names(const Source& source) {
  std::vector<std::string> names = source.csv.columns;
  names.resize(static_cast<std::size_t>(source.columns));
  for (std::size_t column = 0; column < names.size(); ++column)
    if (names[column].empty()) names[column] = fmt::format("column {}", column + 1);
  names.erase(names.begin() + source.target);
  return names;
}

}  // namespace

TrainingData read_training_data(const std::string& train_path, const std::string& test_path,
                                const std::string& target, Generator& generator) {
  const Source source =
      read_source(train_path, [&](std::span<const std::string> names, std::int64_t columns) {
        return find_target(names, columns, target, train_path);
      });
  if (source.columns == 1)
    throw ParseError(train_path + ": the target is the only column; there is nothing to predict it from");
  const std::vector<Class> classes = find_classes(source);
  const Dataset all = to_dataset(source, classes, train_path);
  const Split parts = test_path.empty()
                          ? split(all, 0.2, generator)
                          : Split{all, to_dataset(read_test(test_path, source), classes, train_path)};
  TrainingData data = standardised(parts.train, parts.test);
  data.source = train_path;
  data.test_source = test_path.empty() ? "a fifth held back" : test_path;
  for (const Class& each : classes) data.classes.push_back(name_of(each));
  data.inputs = input_names(source);
  return data;
}

TrainingData make_half_moons(Generator& generator) {
  constexpr double noise = 0.1;
  const Dataset train = half_moons(1000, noise, generator);
  TrainingData data = standardised(train, half_moons(1000, noise, generator));
  data.source = "half-moons";
  data.test_source = "other half-moons";
  data.classes = {"upper", "lower"};
  data.inputs = {"x", "y"};
  return data;
}

}  // namespace chainrule::cli
