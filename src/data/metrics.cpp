// How good predictions are: counts of classes, areas under curves, and distances of numbers. All counts are
// exact; areas go by ranks, with ties by half.

#include "chainrule/data/metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "chainrule/data.h"

namespace chainrule {
namespace {

void require_pair(const std::string& called, const Tensor& given, const Tensor& y, bool classes) {
  if (!is_floating(given.dtype()) || (classes ? !is_integer(y.dtype()) : !is_floating(y.dtype())))
    throw DTypeError(called + ": these are " + std::string(to_string(given.dtype())) + " and " +
                     std::string(to_string(y.dtype())) + "; they must be floating and " +
                     (classes ? "int64" : "floating"));
  if (given.rank() == 0 || y.rank() != 1 || given.shape()[0] != y.size())
    throw ShapeError(called + ": these have shapes " + to_string(given.shape()) + " and " +
                     to_string(y.shape()) + "; there must be as many of both");
}

double ratio(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

ClassificationMetrics classification_metrics(const Tensor& scores, const Tensor& y) {
  const std::vector<std::int64_t> predicted = predicted_classes(scores).to_vector<std::int64_t>();
  require_pair("classification_metrics", scores, y, true);
  const auto classes = static_cast<std::size_t>(scores.shape()[1]);
  const std::vector<std::int64_t> truth = y.to_vector<std::int64_t>();
  ClassificationMetrics result{.classes = std::vector<ClassMetrics>(classes),
                               .confusion = {classes, std::vector<std::int64_t>(classes)},
                               .auc = {}};
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] < 0 || static_cast<std::size_t>(truth[i]) >= classes)
      throw ShapeError("classification_metrics: class " + std::to_string(truth[i]) +
                       " has no score; there are " + std::to_string(classes));
    ++result.confusion[static_cast<std::size_t>(truth[i])][static_cast<std::size_t>(predicted[i])];
  }
  std::int64_t correct = 0;
  for (std::size_t c = 0; c < classes; ++c) {
    const std::int64_t hits = result.confusion[c][c];
    std::int64_t taken = 0;
    for (const auto& row : result.confusion) taken += row[c];
    ClassMetrics& metrics = result.classes[c];
    metrics.support =
        std::accumulate(result.confusion[c].begin(), result.confusion[c].end(), std::int64_t{0});
    metrics.precision = ratio(hits, taken);
    metrics.recall = ratio(hits, metrics.support);
    metrics.f1 = ratio(2 * hits, taken + metrics.support);
    correct += hits;
  }
  result.accuracy = ratio(correct, y.size());
  if (classes == 2) result.auc = roc_auc(scores[{Slice{}, 1}] - scores[{Slice{}, 0}], y);
  return result;
}

std::optional<double> roc_auc(const Tensor& scores, const Tensor& y) {
  require_pair("roc_auc", scores, y, true);
  const std::vector<double> values = cast(scores, DType::float64).to_vector<double>();
  const std::vector<std::int64_t> classes = y.to_vector<std::int64_t>();
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  double ranks = 0, positives = 0;  // the sum of the ranks of class 1, where equal scores share theirs
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i;
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    end = std::max(end, i + 1);  // NaN is not even equal to itself
    for (std::size_t k = i; k < end; ++k)
      if (classes[order[k]] == 1) {
        ranks += static_cast<double>(i + 1 + end) / 2;
        ++positives;
      }
    i = end;
  }
  const double negatives = static_cast<double>(order.size()) - positives;
  if (positives == 0 || negatives == 0) return std::nullopt;
  return (ranks - positives * (positives + 1) / 2) / (positives * negatives);
}

RegressionMetrics regression_metrics(const Tensor& predictions, const Tensor& y) {
  require_pair("regression_metrics", predictions, y, false);
  if (predictions.rank() != 1 || y.size() == 0)
    throw ShapeError("regression_metrics: these have shapes " + to_string(predictions.shape()) + " and " +
                     to_string(y.shape()) + "; both must be (n,), with n at least 1");
  std::vector<double> guesses = cast(predictions, DType::float64).to_vector<double>(),
                      truth = cast(y, DType::float64).to_vector<double>();
  // Squares of 1e200 are no numbers any more, and those of 1e-200 nothing. A power of two changes no digit.
  double largest = 0;
  for (std::size_t i = 0; i < truth.size(); ++i)
    largest = std::max({largest, std::abs(truth[i]), std::abs(guesses[i])});
  const double scale = largest > 0 && std::isfinite(largest) ? std::exp2(std::ilogb(largest)) : 1;
  for (std::vector<double>* each : {&guesses, &truth})
    for (double& number : *each) number /= scale;
  const auto n = static_cast<double>(truth.size());
  const double mean = std::accumulate(truth.begin(), truth.end(), 0.0) / n;
  double wrong = 0, all = 0, absolute = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    wrong += (truth[i] - guesses[i]) * (truth[i] - guesses[i]);
    absolute += std::abs(truth[i] - guesses[i]);
    all += (truth[i] - mean) * (truth[i] - mean);
  }
  return {.r2 = truth.size() < 2 ? std::nan("")
                : all > 0        ? 1 - wrong / all
                : wrong == 0     ? 1.0
                                 : 0.0,
          .rmse = scale * std::sqrt(wrong / n),
          .mae = scale * (absolute / n)};
}

}  // namespace chainrule
