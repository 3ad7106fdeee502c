// Models of ONNX that others wrote, with tables: which columns go in, and in which shapes.
// Relies on chainrule::onnx to run them.

#include "foreign_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "chainrule/ops.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "command.h"
#include "text.h"
#include "train_data.h"

namespace chainrule::cli {
namespace {

std::string count_of(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/// What stands in a column, each once, in order.
std::vector<std::string> values_of(const Table& table, const TableColumn& column) {
  std::vector<double> numbers;
  std::vector<std::string> values;
  for (std::size_t row = 0; row < table.lines.size(); ++row) {
    if (column.is_missing(row))
      throw ParseError(fmt::format("{}:{}: the target, {}, holds nothing", table.path, table.lines[row],
                                   printable(column.name)));
    if (!column.is_text(row)) numbers.push_back(column.numbers[row]);
  }
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  const TableColumn shown{"", numbers, {}, {}};
  for (std::size_t i = 0; i < numbers.size(); ++i) values.push_back(shown.cell(i));
  std::vector<std::string> texts;
  for (std::size_t row = 0; row < table.lines.size(); ++row)
    if (column.is_text(row)) texts.push_back(column.cell(row));
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  values.insert(values.end(), texts.begin(), texts.end());
  return values;
}

/// The place of each row's value among these, which hold it.
Tensor places_of(const Table& table, const TableColumn& column, const std::vector<std::string>& values) {
  std::map<std::string, std::int64_t> places;
  for (const std::string& value : values) places.emplace(value, static_cast<std::int64_t>(places.size()));
  std::vector<std::int64_t> all;
  for (std::size_t row = 0; row < table.lines.size(); ++row) all.push_back(places.at(column.cell(row)));
  return tensor(all);
}

std::vector<std::string> numbers_up_to(std::int64_t end) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < end; ++i) names.push_back(std::to_string(i));
  return names;
}

bool is_subset(const std::vector<std::string>& some, const std::vector<std::string>& all) {
  return std::all_of(some.begin(), some.end(), [&](const std::string& each) {
    return std::find(all.begin(), all.end(), each) != all.end();
  });
}

/// Compares the classes of a table with labels, or else with scores, of which one alone is that of the second
/// of two classes.
class ClassComparison {
 public:
  using Output = ForeignModel::Output;
  ClassComparison(const Table& table, std::size_t target, const std::string& path)
      : table_(table),
        column_(table.columns[target]),
        title_(fmt::format("column {} ({})", target + 1, printable(column_.name))),
        path_(path),
        values_(values_of(table, column_)) {}

  Comparison with_labels(const Output& labels) const {
    const std::vector<std::int64_t> given = cast(labels.values, DType::int64).to_vector<std::int64_t>();
    std::vector<std::string> names = values_;
    if (column_.places.empty()) {  // the numbers themselves
      for (const std::int64_t each : given)
        if (const std::string name = std::to_string(each); !is_subset({name}, names)) names.push_back(name);
      std::sort(names.begin(), names.end(),
                [](const std::string& a, const std::string& b) { return std::stod(a) < std::stod(b); });
    }
    std::vector<double> scores(given.size() * names.size());
    for (std::size_t row = 0; row < given.size(); ++row) {
      const auto place =
          column_.places.empty()
              ? std::find(names.begin(), names.end(), std::to_string(given[row])) - names.begin()
              : given[row];
      if (place < 0 || place >= std::ssize(names))
        throw ParseError(fmt::format("{}: {} is {}, but the target of {}, {}, has {} different texts", path_,
                                     printable(labels.name), given[row], table_.path, title_, names.size()));
      scores[row * names.size() + static_cast<std::size_t>(place)] = 1;
    }
    Comparison result = finish(labels, names, reshape(tensor(scores), {table_.rows(), std::ssize(names)}));
    result.classes->auc.reset();  // labels have no order
    return result;
  }

  Comparison with_scores(const Output& output) const {
    const std::int64_t count = std::max<std::int64_t>(output.width(), 2);
    std::vector<std::string> names = numbers_up_to(count);
    if (!is_subset(values_, names)) {
      if (std::ssize(values_) != count)
        throw ParseError(fmt::format(
            "{}: the target, {}, has {} different values, but {} of {} has scores of {} classes; is another "
            "column the target? Say with --target, or give --task regression",
            table_.path, title_, values_.size(), printable(output.name), path_, count));
      names = values_;
    }
    Tensor scores = cast(output.values, DType::float64);
    if (output.width() == 1) {
      const bool is_probability = min(scores).item() >= 0 && max(scores).item() <= 1;
      const Tensor above = scores - (is_probability ? 0.5 : 0.0);
      scores = concatenate({-above, above}, 1);
    }
    return finish(output, names, scores);
  }

 private:
  Comparison finish(const Output& output, const std::vector<std::string>& names, const Tensor& scores) const {
    Comparison result;
    result.taken = fmt::format("{} of {} is compared with {}: classes {}", printable(output.name), path_,
                               title_, printable(fmt::format("{}", fmt::join(names, ", ")), 200));
    result.targets = {{.name = column_.name, .position = 0, .classes = names}};
    result.classes = classification_metrics(scores, places_of(table_, column_, names));
    return result;
  }

  const Table& table_;
  const TableColumn& column_;
  std::string title_;
  const std::string& path_;
  std::vector<std::string> values_;
};

}  // namespace

ForeignModel::ForeignModel(std::string path, std::vector<Input> inputs, std::vector<std::string> outputs,
                           Function function)
    : path_(std::move(path)),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)),
      function_(std::move(function)) {
  const auto fail = [&](const std::string& what) {
    throw ParseError(fmt::format("{}: {}; it takes {}. `chainrule import` shows what is in it", path_, what,
                                 inputs_text()));
  };
  if (inputs_.empty()) fail("this model takes nothing, so it predicts nothing from a table");
  for (const Input& input : inputs_) {
    if (input.sizes.empty()) fail("it takes no samples along a first axis");
    if (input.sizes.front()) {
      if (*input.sizes.front() < 1 || (batch_ && *batch_ != *input.sizes.front()))
        fail("its inputs take different numbers of samples");
      batch_ = input.sizes.front();
    }
    std::int64_t width = 1;
    for (std::size_t axis = 1; axis < input.sizes.size(); ++axis) {
      if (!input.sizes[axis] && (is_open_ || inputs_.size() > 1))
        fail("it does not say how many numbers of a row it takes");
      if (!input.sizes[axis]) is_open_ = true;
      constexpr std::int64_t most = std::int64_t{1} << 28;
      width *= input.sizes[axis].value_or(1);
      if (width < 1 || width > most) fail("it does not take numbers of a row");
    }
    known_ += width;
  }
}

std::string ForeignModel::inputs_text() const {
  std::string text;
  for (const Input& input : inputs_) text += (text.empty() ? "" : ", ") + input.text;
  return text.empty() ? "nothing" : text;
}

std::optional<std::int64_t> ForeignModel::columns() const {
  return is_open_ ? std::nullopt : std::optional(known_);
}

bool ForeignModel::is_differentiable() const {
  return std::all_of(inputs_.begin(), inputs_.end(),
                     [](const Input& input) { return is_floating(input.dtype); });
}

ForeignModel::Columns ForeignModel::choose(const Table& table, const ColumnOptions& options) const {
  Columns chosen;
  if (!options.target.empty()) chosen.targets = find_targets(table, options.target);
  std::vector<std::size_t> out = chosen.targets;
  for (const std::string& name : options.dropped) out.push_back(find_column(table, "--drop", name));
  const auto is_among = [](const std::vector<std::size_t>& all, std::size_t each) {
    return std::find(all.begin(), all.end(), each) != all.end();
  };
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    if (!is_among(out, i)) left.push_back(i);

  std::vector<std::size_t> by_name;
  for (const Input& input : inputs_)
    if (const auto found = table.has_header ? table.find(input.name) : std::nullopt;
        found && table.columns[*found].name == input.name && !is_among(out, *found))
      by_name.push_back(*found);
  if (inputs_.size() > 1 && by_name.size() == inputs_.size() &&
      known_ == static_cast<std::int64_t>(inputs_.size())) {
    std::erase_if(left, [&](std::size_t each) { return is_among(by_name, each); });
    if (chosen.targets.empty() && left.size() == 1) chosen.targets = left;
    chosen.inputs = std::move(by_name);
    return chosen;
  }

  const auto count = [&] { return static_cast<std::int64_t>(left.size()); };
  const bool is_one_too_many = is_open_ ? known_ > 1 && count() % known_ == 1 : count() == known_ + 1;
  if (chosen.targets.empty() && is_one_too_many) {
    chosen.targets = {left.back()};
    left.pop_back();
  }
  if (left.empty() || (is_open_ ? count() % known_ != 0 : count() != known_))
    throw CommandError(fmt::format(
        "{} has {}{}, but {} takes {}: {}; leave columns out with --drop, and say by --target what it is "
        "compared with",
        table.path, count_of(table.columns.size(), "column"),
        out.empty() ? "" : fmt::format(", {} without what --target and --drop name", left.size()), path_,
        is_open_ ? fmt::format("a multiple of {}", known_) : std::to_string(known_), inputs_text()));
  chosen.inputs = std::move(left);
  return chosen;
}

Tensor ForeignModel::numbers(const Table& table, const std::vector<std::size_t>& columns) const {
  std::vector<double> all(table.lines.size() * columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const TableColumn& column = table.columns[columns[i]];
    for (std::size_t row = 0; row < table.lines.size(); ++row) {
      const double number = column.numbers[row];
      if (!std::isfinite(number))
        throw ColumnError(
            fmt::format("{}:{}: column {} ({}) holds {}; {} takes numbers, and says nothing of texts and "
                        "gaps: leave the column out with --drop, or put numbers there as for its training",
                        table.path, table.lines[row], columns[i] + 1, printable(column.name),
                        column.is_missing(row) ? "nothing" : "'" + printable(column.cell(row)) + "'", path_),
            {column.name});
      all[row * columns.size() + i] = number;
    }
  }
  return tensor(std::span<const double>(all), Shape{table.rows(), static_cast<std::int64_t>(columns.size())});
}

std::vector<Tensor> ForeignModel::arguments(const Tensor& rows, bool in_float64) const {
  std::vector<Tensor> all;
  std::int64_t first = 0;
  for (const Input& input : inputs_) {
    std::vector<std::int64_t> sizes = {rows.shape()[0]};
    std::int64_t width = 1;
    for (std::size_t axis = 1; axis < input.sizes.size(); ++axis) {
      sizes.push_back(input.sizes[axis].value_or(rows.shape()[1] / known_));
      width *= sizes.back();
    }
    const Tensor part = reshape(rows[{Slice{}, Slice{first, first + width}}], Shape(sizes));
    first += width;
    if (is_floating(input.dtype)) {
      all.push_back(in_float64 ? part : cast(part, input.dtype));
      continue;
    }
    const Tensor whole = cast(part, input.dtype);
    if (const Tensor back = cast(whole, DType::float64); !array_equal(back, part))
      throw ParseError(fmt::format("{}: {} takes whole numbers{}, and the table has others", path_,
                                   input.text, input.dtype == DType::boolean ? " of 0 and 1" : ""));
    all.push_back(whole);
  }
  return all;
}

std::vector<ForeignModel::Output> ForeignModel::operator()(const Tensor& numbers, bool in_float64) const {
  constexpr std::int64_t most = 1024;
  const std::int64_t rows = numbers.shape()[0], step = batch_.value_or(most);
  std::vector<std::vector<Tensor>> parts(outputs_.size());
  for (std::int64_t first = 0; first < rows; first += step) {
    const std::int64_t count = std::min(step, rows - first);
    Tensor part = numbers[{Slice{first, first + count}}];
    if (batch_ && count < step) {  // the last row again and again, to fill what it takes
      std::vector<std::int64_t> places(static_cast<std::size_t>(step), count - 1);
      std::iota(places.begin(), places.begin() + count, std::int64_t{0});
      part = take_rows(part, places);
    }
    const std::int64_t given = part.shape()[0];
    const std::vector<Tensor> results = function_(arguments(part, in_float64));
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      const Shape shape = results.at(i).shape();
      if (shape.rank() == 0 || shape[0] != given)
        throw ParseError(fmt::format("{}: of {}, output {} is {}; it must have a row for each", path_,
                                     count_of(static_cast<std::size_t>(given), "row"), printable(outputs_[i]),
                                     to_string(shape)));
      const Tensor flat = reshape(results[i], {given, shape.size() / given});
      parts[i].push_back(count < given ? flat[{Slice{0, count}}] : flat);
    }
  }
  std::vector<Output> all;
  for (std::size_t i = 0; i < outputs_.size(); ++i)
    all.push_back({outputs_[i], parts[i].size() == 1 ? parts[i].front() : concatenate(parts[i], 0)});
  return all;
}

std::string as_csv(const std::vector<ForeignModel::Output>& outputs) {
  std::string text;
  std::vector<std::vector<std::string>> cells;  // of each output, row by row
  for (const ForeignModel::Output& output : outputs) {
    for (std::int64_t i = 0; i < output.width(); ++i)
      text += (text.empty() ? "" : ",") +
              field(output.width() == 1 ? output.name : fmt::format("{}[{}]", output.name, i));
    std::vector<std::string>& own = cells.emplace_back();
    const auto add = [&](const auto& values) {
      for (const auto value : values) own.push_back(fmt::format("{}", value));
    };
    if (output.values.dtype() == DType::float32)
      add(output.values.to_vector<float>());
    else if (output.values.dtype() == DType::float64)
      add(output.values.to_vector<double>());
    else
      add(cast(output.values, DType::int64).to_vector<std::int64_t>());
  }
  text += '\n';
  const std::int64_t rows = outputs.empty() ? 0 : outputs.front().values.shape()[0];
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::size_t begin = text.size();
    for (std::size_t i = 0; i < outputs.size(); ++i)
      for (std::int64_t k = 0; k < outputs[i].width(); ++k)
        text += (text.size() == begin ? "" : ",") +
                cells[i][static_cast<std::size_t>(row * outputs[i].width() + k)];
    text += '\n';
  }
  return text;
}

Comparison compare(const ForeignModel& model, const Table& table, const ColumnOptions& options,
                   const std::string& task) {
  const ForeignModel::Columns columns = model.choose(table, options);
  if (columns.targets.empty())
    throw CommandError(fmt::format("{} has only the columns that {} takes, and none to compare with",
                                   table.path, model.path()));
  const std::vector<ForeignModel::Output> outputs = model(model.numbers(table, columns.inputs));
  const auto first = [&](auto wanted) { return std::find_if(outputs.begin(), outputs.end(), wanted); };
  const auto labels = first([](const ForeignModel::Output& each) {
    return !is_floating(each.values.dtype()) && each.width() == 1;
  });
  const auto scores =
      first([](const ForeignModel::Output& each) { return is_floating(each.values.dtype()); });
  const TableColumn& target = table.columns[columns.targets.front()];
  const bool is_text = !target.places.empty(), is_one = columns.targets.size() == 1;
  const bool is_number = scores != outputs.end() && scores->width() == 1 && !is_text &&
                         !is_subset(values_of(table, target), {"0", "1"});
  if (is_one && task != "regression" &&
      (task == "classification" || is_text || labels != outputs.end() || !is_number)) {
    const ClassComparison comparison(table, columns.targets.front(), model.path());
    if (labels != outputs.end()) return comparison.with_labels(*labels);
    if (scores != outputs.end()) return comparison.with_scores(*scores);
  }
  const auto numbers =
      first([&](const ForeignModel::Output& each) { return each.width() == std::ssize(columns.targets); });
  if (numbers == outputs.end() || (!is_one && task == "classification"))
    throw CommandError(fmt::format("{} gives no output of {} to compare with {} of {}", model.path(),
                                   count_of(columns.targets.size(), "number"),
                                   count_of(columns.targets.size(), "target"), table.path));
  Comparison result;
  std::string names;
  const Tensor y = model.numbers(table, columns.targets), given = cast(numbers->values, DType::float64);
  for (std::size_t i = 0; i < columns.targets.size(); ++i) {
    const auto place = static_cast<std::int64_t>(i);
    result.targets.push_back({.name = table.columns[columns.targets[i]].name, .position = i, .classes = {}});
    names += (i == 0 ? "" : ", ") + result.targets.back().name;
    result.numbers.push_back(regression_metrics(given[{Slice{}, place}], y[{Slice{}, place}]));
  }
  result.taken = fmt::format("{} of {} is compared with {} as numbers", printable(numbers->name),
                             model.path(), printable(names, 200));
  return result;
}

}  // namespace chainrule::cli
