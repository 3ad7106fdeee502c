// Which samples are learned from, which choose the best epoch, and which test. Relies on the table as
// train_data.h reads it.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train_data.h"

namespace chainrule::cli {

/// The positions of the samples of each part.
struct Parts {
  std::vector<std::int64_t> train, validation, test;
};

/// What is held back of a table, to test on and to validate. Classes are spread evenly.
Parts deal(const Table& table, const ColumnChoice& choice, const TrainOptions& options, bool holds_back,
           bool validates, Generator& generator);

/// How many of so many that fraction is, but neither none nor all.
std::int64_t part_of(double fraction, std::int64_t count);

/// A number for each class, (rows,).
Tensor classes_in(const Table& table, std::size_t target);
/// The one that was chosen, or else guessed.
Task task_of(const Table& table, const ColumnChoice& choice);

/// Which arrays of an NPZ each part is made of, where names tell; empty for what is held back.
struct ArrayParts {
  std::string test, validation;
  std::string note;  // for people
};
ArrayParts choose_parts(const TrainOptions& options);

}  // namespace chainrule::cli
