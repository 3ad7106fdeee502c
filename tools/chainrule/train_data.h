#pragma once

#include <string>
#include <vector>

#include "chainrule/data.h"

namespace chainrule::cli {

/// What `train` learns from and is tested on, with standardised inputs.
struct TrainingData {
  Dataset train, test;
  Standardizer scale;                ///< that standardised them
  std::vector<std::string> classes;  ///< their names
  std::vector<std::string> inputs;   ///< what the columns of x are called
  std::string source, test_source;   ///< for people: "digits.csv"
};

/// Reads the samples from `train_path`, and the test samples from `test_path` or, when that is empty, holds
/// back a fifth of the others. `target` says which column holds the class: a header's name, a number from 1,
/// or "last". The classes are the distinct whole numbers, or texts, in the training file's target column.
/// IoError or ParseError for files that cannot be learned from; CommandError for a target that is not there.
TrainingData read_training_data(const std::string& train_path, const std::string& test_path,
                                const std::string& target, Generator& generator);

/// Half-moons, 1000 samples each to learn from and to test on.
TrainingData make_half_moons(Generator& generator);

}  // namespace chainrule::cli
