// What `train` learns from and is tested on.
// Relies on data/encoder.h; errors name the options that help.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "chainrule/data.h"
#include "chainrule/data/encoder.h"
#include "chainrule/data/table_network.h"
#include "train_options.h"

namespace chainrule::cli {

/// What `train` learns from and is tested on. For regression y holds the standardised targets.
struct TrainingData {
  TableEncoder encoder;
  Dataset train, validation, test;    ///< no validation samples unless they are asked for
  std::string source, test_source;    ///< for people: "digits.csv"
  std::string reading;                ///< what was taken for what, for people
  ImageShape image;                   ///< what the inputs are; empty for other tables
  std::vector<std::string> warnings;  ///< what looks wrong, and the options that help

  Task task() const { return encoder.target().task(); }
};

/// Reads a table, as the options say. CommandError for options that make no sense.
Table read_table(const std::string& path, const ReadOptions& options);

/// The rows that have all targets, with a note where others are left out.
Table only_with_targets(const Table& table, const TableEncoder& encoder, const std::string& command);

/// Which parts the arrays in an NPZ are for: "train", and "validation", "test" or both; none where there is
/// nothing to be told apart.
std::vector<std::string> parts_of(const std::string& path);
/// The one of those that is for testing, the last; empty where there are none.
std::string held_back_part(const std::string& path);
/// read_table of the part that the options name, or else of that, with a note on it.
Table read_data(const std::string& command, const std::string& path, ReadOptions options);

/// Which option of reading may help with columns, by name or number, that cannot be taken for numbers: "give
/// --decimal , if these are decimal commas", where all their texts may be such, or "give --missing 'n.a.,-'
/// if that means that there is no value", where these are few. Empty if neither may.
std::string reading_hint(const Table& table, const std::vector<std::string>& columns);

/// Calls action(), and adds that hint to what it says of columns.
template <class Action>
auto with_reading_hint(const Table& table, const Action& action) {
  try {
    return action();
  } catch (const ColumnError& error) {
    const std::string hint = reading_hint(table, error.columns);
    throw ParseError(error.what() + (hint.empty() ? "" : "; " + hint));
  }
}

/// The position of the column that an option names. CommandError where there is none.
std::size_t find_column(const Table& table, const std::string& option, const std::string& name);
/// Those of --target: a name, which may have commas in it, or several.
std::vector<std::size_t> find_targets(const Table& table, const std::string& names);

/// Reads the samples of `options.data`, or makes half-moons without it, and the test samples, or holds a
/// fifth back. IoError or ParseError for files that cannot be learned from; CommandError for a column that is
/// not there.
TrainingData read_training_data(const TrainOptions& options, Generator& generator);
/// The same, dealt to --cv parts: each is once what is tested on. Classes are spread evenly.
std::vector<TrainingData> read_folds(const TrainOptions& options, Generator& generator);

/// "28x28" or, with channels, "3x32x32", as --image takes it. CommandError for anything else.
ImageShape parse_image_shape(const std::string& text);

}  // namespace chainrule::cli
