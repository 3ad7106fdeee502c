// The data to train on: read, its target found, and split, by the options.
// The library's TableEncoder makes tensors of it.

#include "train_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <sstream>

#include "chainrule/data/folds.h"
#include "chainrule/ops.h"
#include "command.h"
#include "print.h"
#include "text.h"
#include "train_notes.h"
#include "train_parts.h"

namespace chainrule::cli {
namespace {

/// Are both columns of one array that is called as a target, "y 1" and "y 2"?
bool is_same_target(const Table& table, std::size_t one, std::size_t other) {
  const std::string &a = table.columns[one].name, &b = table.columns[other].name;
  const std::size_t space = a.rfind(' ');
  if (space == std::string::npos || b.rfind(' ') != space || a.substr(0, space) != b.substr(0, space))
    return false;
  const std::string name = a.substr(0, space);
  constexpr std::array targets = {"y", "Y", "label", "labels", "target", "targets"};
  return std::find(targets.begin(), targets.end(), name) != targets.end();
}

void choose_targets(ColumnChoice& choice, const Table& table, const TrainOptions& options) {
  std::vector<std::size_t> targets = find_targets(table, options.target);
  // What y (n, 3) holds is predicted together: none of it is an input.
  if (options.target == "last" && table.separator == '\0' && table.image_height == 0)
    for (std::size_t i = targets.front(); i-- > 0 && is_same_target(table, i, targets.front());)
      targets.insert(targets.begin(), i);
  choice.target = targets.front();
  choice.more_targets.assign(targets.begin() + 1, targets.end());
  if (choice.more_targets.empty()) return;
  if (options.task == "classification")
    throw CommandError("--target " + printable(options.target) +
                       ": several targets are learned as numbers; give one for --task classification");
  choice.task = Task::regression;
}

ColumnChoice choose_columns(const Table& table, const TrainOptions& options) {
  if (options.target == "last" && table.columns.back().name == fmt::format("pixel {}", table.columns.size()))
    throw CommandError(table.path +
                       ": these are images without classes; give the file of those with --labels");
  ColumnChoice choice;
  choose_targets(choice, table, options);
  for (const std::string& name : options.dropped) {
    choice.dropped.push_back(find_column(table, "--drop", name));
    if (is_target(choice, choice.dropped.back()))
      throw CommandError("--drop " + printable(name) + ": that is the target; choose another with --target");
  }
  if (options.task != "auto")
    choice.task = options.task == "regression" ? Task::regression : Task::classification;
  return choice;
}

/// Only the rows that have all targets.
Table with_targets(Table table, const ColumnChoice& choice) {
  std::vector<std::int64_t> rows = rows_with(table, choice.target);
  for (const std::size_t target : choice.more_targets)
    std::erase_if(rows, [&](std::int64_t row) {
      return table.columns[target].is_missing(static_cast<std::size_t>(row));
    });
  const bool all = static_cast<std::int64_t>(rows.size()) == table.rows();
  return all || rows.empty() ? std::move(table) : take_rows(table, rows);
}

/// The shape of images that --image or the file tells; empty where neither does.
ImageShape image_of(const Table& table, const std::string& text) {
  return text.empty() ? ImageShape{table.image_channels, table.image_height, table.image_width}
                      : parse_image_shape(text);
}

/// All pixels moved and scaled alike: what lies side by side stays comparable, and a pixel that hardly ever
/// varies is not blown up.
TableEncoder scaled_alike(const TableEncoder& encoder, const Table& table,
                          const std::vector<std::int64_t>& rows) {
  std::vector<InputColumn> columns = encoder.columns();
  double mean = 0, square = 0;
  for (const InputColumn& column : columns)
    for (const std::int64_t row : rows) {
      const double given = table.columns[column.position].numbers[static_cast<std::size_t>(row)];
      mean += std::isnan(given) ? column.fill : given;
    }
  const double count = static_cast<double>(columns.size()) * static_cast<double>(rows.size());
  mean /= count;
  for (const InputColumn& column : columns)
    for (const std::int64_t row : rows) {
      const double given = table.columns[column.position].numbers[static_cast<std::size_t>(row)];
      const double apart = (std::isnan(given) ? column.fill : given) - mean;
      square += apart * apart;
    }
  const double deviation = std::sqrt(square / count);
  for (InputColumn& column : columns) {
    column.mean = mean;
    column.deviation = deviation > 0 ? deviation : 1;
  }
  return {std::move(columns),   encoder.all_targets(), encoder.table_columns(),
          encoder.has_header(), encoder.source(),      encoder.decimal()};
}

TableEncoder make_encoder(const Table& table, const ColumnChoice& choice, const ImageShape& image,
                          const std::vector<std::int64_t>& rows) {
  TableEncoder encoder(table, choice, rows);
  if (image.is_empty()) return encoder;
  const bool numbers =
      std::all_of(encoder.columns().begin(), encoder.columns().end(),
                  [](const InputColumn& column) { return column.is_number() && column.form.empty(); });
  if (!numbers || encoder.width() != image.pixels())
    throw CommandError(fmt::format(
        "--image {}x{}: that takes {} columns of numbers beside the target; {} has {}{}", image.height,
        image.width, image.pixels(), table.path, encoder.columns().size(), numbers ? "" : ", some of text"));
  return scaled_alike(encoder, table, rows);
}

Dataset encode(const TableEncoder& encoder, const Table& table) {
  return {encoder.inputs(table), encoder.targets(table),
          static_cast<std::int64_t>(encoder.target().classes.size())};
}

}  // namespace

Table only_with_targets(const Table& table, const TableEncoder& encoder, const std::string& command) {
  const std::vector<std::int64_t> rows = encoder.rows_with_targets(table);
  const std::int64_t gone = table.rows() - std::ssize(rows);
  if (gone == 0 || rows.empty()) return table;  // what is wrong with none at all will be said
  write_note(command, fmt::format("{}: {} {} without a target left out", table.path, gone,
                                  gone == 1 ? "row" : "rows"));
  return take_rows(table, rows);
}

namespace {

/// The library knows no options.
template <class Action>
auto naming_options(const Table& table, const ColumnChoice& choice, const Action& action) {
  try {
    return action();
  } catch (const ColumnError& error) {
    std::string hint = reading_hint(table, error.columns);
    const auto first = table.find(error.columns.front());
    if (!first || !is_target(choice, *first))
      hint += fmt::format("{}leave {} out with --drop {}", hint.empty() ? "" : ", or ",
                          error.columns.size() == 1 ? "it" : "them", option_names(table, error.columns));
    throw ParseError(fmt::format("{}{}{}", error.what(), hint.empty() ? "" : "; ", hint));
  }
}

/// Tables of their own for what is not held back of the one that is learned from.
struct OtherTables {
  const Table* test = nullptr;
  const Table* validation = nullptr;
};

TrainingData prepare(const Table& table, const ColumnChoice& choice, const OtherTables& others,
                     const TrainOptions& options, const Parts& parts) {
  const ImageShape image = image_of(table, options.image);
  TrainingData data{.encoder = naming_options(
                        table, choice, [&] { return make_encoder(table, choice, image, parts.train); }),
                    .train = {},
                    .validation = {},
                    .test = {},
                    .source = table.path,
                    .test_source = "a fifth held back",
                    .reading = {},
                    .image = image,
                    .warnings = {}};
  data.reading = describe_reading(table, choice, data.encoder);
  const Dataset all = encode(data.encoder, table);
  const auto encode_other = [&](const Table& other) {
    return with_reading_hint(other, [&] {
      const Table known = only_with_targets(other, data.encoder, "train");
      return encode(data.encoder, known);
    });
  };
  data.train = take_rows(all, parts.train);
  data.validation =
      others.validation != nullptr ? encode_other(*others.validation) : take_rows(all, parts.validation);
  data.test = others.test != nullptr ? encode_other(*others.test) : take_rows(all, parts.test);
  if (others.test != nullptr) data.test_source = others.test->path;
  data.warnings = find_warnings(table, choice, data.encoder, options);
  return data;
}

Table make_half_moons(Generator& generator) {
  constexpr double noise = 0.1;
  constexpr std::int64_t samples = 1000;
  const Dataset moons = half_moons(samples, noise, generator, DType::float64);
  Table table{
      .path = "half-moons", .columns = {}, .lines = std::vector<std::int64_t>(samples), .has_header = true};
  for (const std::int64_t column : {0, 1})
    table.columns.push_back(
        {column == 0 ? "x" : "y", moons.x[{Slice{}, column}].to_vector<double>(), {}, {}});
  TableColumn moon{"moon", std::vector<double>(samples, NAN), {}, {"upper", "lower"}};
  for (const std::int64_t lower : moons.y.to_vector<std::int64_t>())
    moon.places.push_back(static_cast<std::int32_t>(lower));
  table.columns.push_back(std::move(moon));
  return table;
}

}  // namespace

std::size_t find_column(const Table& table, const std::string& option, const std::string& name) {
  if (const auto found = table.find(name)) return *found;
  if (option == "--target" && name == "last") return table.columns.size() - 1;
  throw CommandError(fmt::format("{} {}: {} has no such column; give {}a number from 1 to {}{}", option,
                                 printable(name), table.path, option == "--target" ? "last, " : "",
                                 table.columns.size(),
                                 table.has_header ? ", or a name from its header" : ""));
}

std::vector<std::size_t> find_targets(const Table& table, const std::string& names) {
  if (table.find(names) || names.find(',') == std::string::npos)
    return {find_column(table, "--target", names)};
  std::vector<std::size_t> targets;
  std::istringstream each(names);
  for (std::string name; std::getline(each, name, ',');) {
    targets.push_back(find_column(table, "--target", name));
    if (std::count(targets.begin(), targets.end(), targets.back()) > 1)
      throw CommandError("--target " + printable(names) + ": " + printable(name) + " is there twice");
  }
  return targets;
}

ImageShape parse_image_shape(const std::string& text) {
  std::vector<std::int64_t> sizes;
  const char *position = text.data(), *end = position + text.size();
  for (bool more = true; more; ++position) {
    std::int64_t size = 0;
    const auto [stop, error] = std::from_chars(position, end, size);
    more = stop != end;
    constexpr std::int64_t most = 10'000;
    if (error != std::errc() || size < 1 || size > most || (more && *stop != 'x') || sizes.size() == 3)
      throw CommandError(
          fmt::format("--image '{}': give height and width, as 28x28, or channels before them, "
                      "as 3x32x32",
                      printable(text)));
    sizes.push_back(size);
    position = stop;
  }
  if (sizes.size() < 2) throw CommandError("--image " + text + ": give height and width, as 28x28");
  return sizes.size() == 2 ? ImageShape{1, sizes[0], sizes[1]} : ImageShape{sizes[0], sizes[1], sizes[2]};
}

TrainingData read_training_data(const TrainOptions& options, Generator& generator) {
  if (options.data.empty()) {
    const Table moons = make_half_moons(generator), others = make_half_moons(generator);
    const ColumnChoice choice{.target = 2};
    TrainingData data = prepare(moons, choice, {.test = &others}, options,
                                deal(moons, choice, options, false, options.validation > 0, generator));
    data.reading.clear();
    data.test_source = "other half-moons";
    return data;
  }
  const ArrayParts arrays = choose_parts(options);
  Table read = read_table(options.data, options.reading);
  const std::int64_t rows = read.rows();
  if (options.reading.header == "auto") require_no_header_of_numbers(read);
  const ColumnChoice choice = choose_columns(read, options);
  const Table table = with_targets(std::move(read), choice);
  ReadOptions reading = options.reading;
  reading.labels.clear();
  reading.usual_decimal = table.decimal;
  for (std::size_t i = 0; table.has_header && i < table.columns.size(); ++i)
    if (std::find(choice.dropped.begin(), choice.dropped.end(), i) == choice.dropped.end())
      reading.usual_names.push_back(table.columns[i].name);
  const auto read_other = [&](const std::string& path, const std::string& part) {
    reading.part = part;
    return read_table(path, reading);
  };
  std::optional<Table> test, validation;
  if (!options.test.empty())
    test = read_other(options.test, held_back_part(options.test));
  else if (!arrays.test.empty())
    test = read_other(options.data, arrays.test);
  if (!arrays.validation.empty()) validation = read_other(options.data, arrays.validation);
  try {
    TrainingData data = prepare(
        table, choice, {.test = test ? &*test : nullptr, .validation = validation ? &*validation : nullptr},
        options, deal(table, choice, options, !test, options.validation > 0 && !validation, generator));
    data.reading += arrays.note;
    if (options.test.empty() && test) data.test_source = "its part for " + arrays.test;
    if (const std::int64_t gone = rows - table.rows(); gone > 0)
      data.reading += fmt::format("; {} {} without a target left out", gone, gone == 1 ? "row" : "rows");
    return data;
  } catch (const ParseError& error) {
    if (rows == table.rows()) throw;
    throw ParseError(
        fmt::format("{} ({} of {} rows hold nothing there, which is what an empty cell, ? and "
                    "NA are, and are left out)",
                    error.what(), rows - table.rows(), rows));
  }
}

std::vector<TrainingData> read_folds(const TrainOptions& options, Generator& generator) {
  const std::string note = options.data.empty() ? "" : choose_parts(options).note;
  Table read = options.data.empty() ? make_half_moons(generator) : read_table(options.data, options.reading);
  if (options.reading.header == "auto") require_no_header_of_numbers(read);
  const ColumnChoice choice =
      options.data.empty() ? ColumnChoice{.target = 2} : choose_columns(read, options);
  const Table table = with_targets(std::move(read), choice);
  if (table.rows() < options.cv)
    throw CommandError(fmt::format("--cv {}: {} has {} rows", options.cv, table.path, table.rows()));
  if (task_of(table, choice) == Task::regression && table.rows() / options.cv < 2)
    throw CommandError(fmt::format("--cv {}: a part of one row has no R²; {} has {} rows, so give at most {}",
                                   options.cv, table.path, table.rows(), table.rows() / 2));
  const std::int64_t largest_part = (table.rows() + options.cv - 1) / options.cv;
  if (options.validation > 0 && table.rows() - largest_part < 2)
    throw CommandError(
        fmt::format("--cv {}: {} has {} rows, too few to hold some back for --validation or --patience",
                    options.cv, table.path, table.rows()));
  std::vector<TrainingData> all;
  for (const Fold& fold : task_of(table, choice) == Task::classification
                              ? stratified_k_fold(classes_in(table, choice.target), options.cv, generator)
                              : k_fold(table.rows(), options.cv, generator)) {
    Parts parts{.train = fold.train, .validation = {}, .test = fold.test};
    if (options.validation > 0) {
      const std::int64_t held = part_of(options.validation, static_cast<std::int64_t>(parts.train.size()));
      parts.validation.assign(parts.train.begin(), parts.train.begin() + held);
      parts.train.erase(parts.train.begin(), parts.train.begin() + held);
    }
    all.push_back(prepare(table, choice, {}, options, parts));
    all.back().test_source = "the part left out";
    all.back().reading += note;
  }
  return all;
}

}  // namespace chainrule::cli
