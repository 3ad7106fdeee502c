/// \file
/// Training, seen: curves in a terminal, and a page that shows what a classifier has learned.
///
/// Threads: several may plot and write reports at once, each to a file of its own.

#pragma once

#include <concepts>
#include <functional>
#include <utility>

#include "chainrule/autograd.h"
#include "chainrule/data.h"
#include "chainrule/data/table_network.h"

namespace CHAINRULE_API chainrule {

/// Numbers that follow each other, as the loss of each epoch. Those that are not finite leave a gap.
struct PlotCurve {
  /// As the legend has it.
  std::string name;
  /// One for each step or epoch.
  std::vector<double> values;
};

/// How a plot is drawn.
struct PlotOptions {
  std::int64_t width = 80;   ///< columns in all, at least 40; a legend may need more
  std::int64_t height = 20;  ///< lines in all, at least 8
  bool unicode = true;       ///< Braille dots and box-drawing characters; otherwise ASCII
  bool colours = false;      ///< ANSI escape sequences
};
/// Curves over 1, 2, 3, ... as text with axes and a legend, a line each ending in "\n". The vertical axis is
/// logarithmic where the numbers, all positive, span much. Empty without a finite number.
[[nodiscard]] std::string plot(std::span<const PlotCurve> curves, const std::string& title,
                               const PlotOptions& options = {});

/// What one pass over the training data came to. Accuracies are shares from 0 to 1.
struct TrainingEpoch {
  double loss = 0, accuracy = 0;  ///< of the training samples, each before the step that it took part in
  double test_loss = 0, test_accuracy = 0;  ///< after the pass
  /// Of each hidden linear layer, how many rows of its weights differ after the pass, as different_rows
  /// counts. Empty: not counted, and the report says nothing of symmetry.
  std::vector<std::int64_t> different_units = {};
};

/// How many different rows a matrix has, but for rounding: for units of a layer, how many of them are not
/// just copies of others. Needs the target chainrule::render.
[[nodiscard]] std::int64_t different_rows(const Tensor& weight);

/// A number that a network predicts. The network's is (number - mean) / deviation.
struct ReportedTarget {
  std::string name;                ///< as the table has it
  double mean = 0, deviation = 1;  ///< of the numbers to learn from
};

/// What a report is of: a function from x (n, inputs) to scores or numbers (n, outputs), as the networks of
/// tables are, and any lambda.
class ReportedNetwork {
 public:
  /// Any function; without weights, the page shows none.
  template <std::invocable<const Tensor&> F>
  requires(!std::convertible_to<F, TableNetwork>)
      ReportedNetwork(F function,  // NOLINT(google-explicit-constructor)
                      std::vector<Tensor> weights = {})
      : function_(std::move(function)), weights_(std::move(weights)) {}
  /// With its linear layers.
  template <std::convertible_to<TableNetwork> Network>
  // NOLINTNEXTLINE(google-explicit-constructor,bugprone-forwarding-reference-overload)
  ReportedNetwork(Network&& network) : ReportedNetwork(TableNetwork(std::forward<Network>(network)), 0) {}

  /// The scores or numbers of each sample, without a graph.
  Tensor operator()(const Tensor& x) const {
    const NoGrad guard;
    return function_(x);
  }
  /// Of linear layers, (units, inputs) each, from the first to that of the outputs.
  [[nodiscard]] const std::vector<Tensor>& weights() const { return weights_; }
  /// Does the first of these see the inputs of the network?
  [[nodiscard]] bool first_sees_inputs() const { return first_sees_inputs_; }

 private:
  ReportedNetwork(TableNetwork network, int /*of tables*/);
  std::function<Tensor(const Tensor&)> function_;
  std::vector<Tensor> weights_;
  bool first_sees_inputs_ = true;
};

/// A training run, for save_report.
struct TrainingRun {
  /// At the top of the page.
  std::string title;
  std::vector<std::pair<std::string, std::string>> facts;  ///< shown at the top: {"learning rate", "0.03"}
  /// In order.
  std::vector<TrainingEpoch> epochs;
  ReportedNetwork network;           ///< as trained
  Dataset train, test;               ///< with x (n, inputs) as the network sees it: scaled
  Standardizer scale;                ///< what scaled it; the page shows inputs as they were before
  std::vector<std::string> classes;  ///< their names
  std::vector<std::string> inputs;   ///< the names of the columns of x
  /// Where numbers are predicted, and no classes: what they are. y is then (n,), or (n, targets), floating.
  std::vector<ReportedTarget> targets = {};
};

/// A picture of width x height pixels, red, green and blue of each in turn, row by row from the top left, as
/// a file of PNG. Needs the target chainrule::render. std::invalid_argument unless there are 3 * width *
/// height of them, and at least one pixel.
[[nodiscard]] std::string png(std::int64_t width, std::int64_t height, std::span<const std::uint8_t> pixels);

/// Writes a page that opens from disk and needs nothing else: curves of loss and accuracy, the confusion
/// matrix of the test samples, those that the network gets wrong, the weights of its first layer as images
/// when the inputs are square images (7 x 7 pixels at least), and for two inputs the decision surface. Of
/// numbers the loss, predictions against true ones, and residuals. Where units were counted, how many differ,
/// with their weights side by side. Names may be any text. Needs the target chainrule::render. ShapeError
/// when the parts do not fit each other; IoError when the file cannot be written.
void save_report(const std::string& path, const TrainingRun& training);

}  // namespace chainrule
