#pragma once

#include <string>

#include "train_fit.h"

namespace chainrule::cli {

/// A training run, and what it came to.
struct TrainResult {
  const TrainOptions& options;
  const TrainingData& data;
  const Mlp& network;
  const Learned& learned;
  Evaluation test = {};  ///< of the test samples, where there are classes

  TrainResult(const TrainOptions& given, const TrainingData& learned_from, const Mlp& trained,
              const Learned& how);
  double test_accuracy() const;

  double samples_per_second() const;
};

/// "64-32-10": the numbers of units.
std::string sizes_of(const Mlp& network);

/// What the test samples came to, as text or, with --json, as JSON, with --plot below the curve of the loss.
std::string describe(const TrainResult& result);
/// What looks wrong in it; empty if all is well.
std::string warning(const TrainResult& result);
/// The page that --report asks for.
void write_report(const TrainResult& result);

}  // namespace chainrule::cli
