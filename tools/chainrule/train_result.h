// A training run and how well it did, for all ways to show it.
// train_fit.h and metrics.h have the numbers.

#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "chainrule/data/metrics.h"
#include "train_fit.h"

namespace chainrule::cli {

/// A training run, and what it came to.
struct TrainResult {
  const TrainOptions& options;
  const TrainingData& data;
  const TableNetwork& network;
  const Learned& learned;
  Evaluation test = {};  ///< of the test samples, where there are classes

  TrainResult(const TrainOptions& given, const TrainingData& learned_from, const TableNetwork& trained,
              const Learned& how);
  double test_accuracy() const;

  double samples_per_second() const;
  /// What --cv compares: the accuracy in percent, or R².
  double score() const;
};

/// How good numbers are, (n,) or (n, targets), target by target.
std::vector<RegressionMetrics> metrics_of_targets(const Tensor& predictions, const Tensor& y);
/// As people read it: of a single sample, NaN, there is none.
std::string text_of_r2(double r2);
/// Of all targets.
double mean_r2(const std::vector<RegressionMetrics>& targets);
/// "r2", "rmse" and "mae"; of several targets the mean of R² and these figures of each, under "targets".
nlohmann::ordered_json to_json(const std::vector<RegressionMetrics>& figures,
                               const std::vector<TargetColumn>& targets);

/// What the test samples came to, as text or, with --json, as JSON, with --plot below the curve of the loss.
std::string describe(const TrainResult& result);
/// Of the scores of --cv's parts: mean and deviation, as text or JSON.
std::string describe_scores(const std::vector<double>& scores, Task task, const TrainOptions& options);
/// What looks wrong in it; empty if all is well.
std::string warning(const TrainResult& result);
/// The page that --report asks for.
void write_report(const TrainResult& result);

}  // namespace chainrule::cli
