// Measures of predictions, against scikit-learn's numbers, and where they are undefined.
// Tables are texts of a few lines.

#include "chainrule/data/metrics.h"

#include "support.h"

namespace chainrule::test {
namespace {

/// Scores that make these the predicted classes.
Tensor scores_for(const std::vector<std::int64_t>& predicted, std::int64_t classes) {
  std::vector<double> scores;
  for (const std::int64_t each : predicted)
    for (std::int64_t c = 0; c < classes; ++c) scores.push_back(c == each);
  return tensor(scores, {static_cast<std::int64_t>(predicted.size()), classes});
}

TEST(Metrics, of_classes_are_those_of_scikit_learn) {
  // sklearn.metrics.classification_report of the same lists
  const ClassificationMetrics metrics = classification_metrics(
      scores_for({0, 2, 1, 0, 0, 1, 2, 2}, 4), tensor(std::vector<std::int64_t>{0, 1, 2, 0, 1, 1, 2, 2}));
  EXPECT_EQ(metrics.accuracy, 5.0 / 8);
  EXPECT_EQ(metrics.confusion[1], std::vector<std::int64_t>({1, 1, 1, 0}));
  EXPECT_DOUBLE_EQ(metrics.classes[0].precision, 2.0 / 3);
  EXPECT_EQ(metrics.classes[0].recall, 1);
  EXPECT_DOUBLE_EQ(metrics.classes[0].f1, 0.8);
  EXPECT_EQ(metrics.classes[1].precision, 0.5);
  EXPECT_DOUBLE_EQ(metrics.classes[1].recall, 1.0 / 3);
  EXPECT_DOUBLE_EQ(metrics.classes[1].f1, 0.4);
  EXPECT_EQ(metrics.classes[1].support, 3);
  EXPECT_EQ(metrics.classes[3].f1, 0);  // never there
  EXPECT_EQ(metrics.auc, std::nullopt);
}

TEST(Metrics, auc_counts_pairs_and_ties_by_half) {
  // Of 2 x 3 pairs, 0.4 > 0.1, 0.4 > 0.3, 0.4 = 0.4; 0.8 > all: 5.5 of 6.
  const Tensor y = tensor(std::vector<std::int64_t>{0, 0, 1, 1, 0});
  EXPECT_DOUBLE_EQ(roc_auc(tensor({0.1, 0.4, 0.4, 0.8, 0.3}), y).value(), 5.5 / 6);
  EXPECT_DOUBLE_EQ(roc_auc(tensor({5.0, 4.0, 1.0, 0.0, 3.0}), y).value(), 0);
  EXPECT_EQ(roc_auc(tensor({1.0, 2.0}), tensor(std::vector<std::int64_t>{1, 1})), std::nullopt);
  const ClassificationMetrics metrics =
      classification_metrics(tensor({{0.9, 0.1}, {0.6, 0.4}, {0.6, 0.4}, {0.2, 0.8}, {0.7, 0.3}}), y);
  EXPECT_DOUBLE_EQ(metrics.auc.value(), 5.5 / 6);
}

TEST(Metrics, of_numbers) {
  // Mean 4, Σ(y - mean)² = 6, errors 1, 0, -1, 1.
  const RegressionMetrics metrics =
      regression_metrics(tensor({1.0, 4.0, 6.0, 4.0}), tensor({2.0, 4.0, 5.0, 5.0}));
  EXPECT_DOUBLE_EQ(metrics.r2, 1 - 3.0 / 6);
  EXPECT_DOUBLE_EQ(metrics.rmse, std::sqrt(3.0 / 4));
  EXPECT_DOUBLE_EQ(metrics.mae, 0.75);
  EXPECT_EQ(regression_metrics(tensor({3.0, 3.0}), tensor({3.0, 3.0})).r2, 1);
  const RegressionMetrics of_one = regression_metrics(tensor({3.0}), tensor({5.0}));
  EXPECT_TRUE(std::isnan(of_one.r2)) << "nothing is told of how y varies";
  EXPECT_EQ(of_one.rmse, 2);
  EXPECT_EQ(regression_metrics(tensor({3.0, 4.0}), tensor({3.0, 3.0})).r2, 0);
}

TEST(Metrics, of_huge_and_tiny_numbers_neither_overflow_nor_vanish) {
  for (const double scale : {std::exp2(1000), std::exp2(-1000)}) {
    const RegressionMetrics metrics =
        regression_metrics(tensor({scale, 4 * scale, 6 * scale, 4 * scale}),
                           tensor({2 * scale, 4 * scale, 5 * scale, 5 * scale}));
    EXPECT_EQ(metrics.r2, 0.5);
    EXPECT_DOUBLE_EQ(metrics.rmse / scale, std::sqrt(3.0 / 4));
    EXPECT_EQ(metrics.mae / scale, 0.75);
  }
}

TEST(Metrics, refuse_what_does_not_fit) {
  const Tensor classes = tensor(std::vector<std::int64_t>{0, 2});
  EXPECT_THROW(classification_metrics(zeros({2, 2}), classes), ShapeError);
  EXPECT_THROW(classification_metrics(zeros({3, 3}), classes), ShapeError);
  EXPECT_THROW(classification_metrics(zeros({2, 3}), tensor({0.0, 1.0})), DTypeError);
  EXPECT_THROW((void)roc_auc(zeros({3}), classes), ShapeError);
  EXPECT_THROW(regression_metrics(zeros({2}), classes), DTypeError);
  EXPECT_THROW(regression_metrics(zeros({2}), zeros({3})), ShapeError);
  EXPECT_THROW(regression_metrics(zeros({0}), zeros({0})), ShapeError);
}

}  // namespace
}  // namespace chainrule::test
