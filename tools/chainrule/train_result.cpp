// What training came to: as text, as JSON, as a page.

#include "train_result.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "chainrule/data/metrics.h"
#include "print.h"
#include "terminal.h"
#include "train_notes.h"

namespace chainrule::cli {
namespace {

/// Shares of 1 as the text of a percentage.
std::string percent(std::int64_t part, std::int64_t whole) {
  return fmt::format("{:.2f} %", 100 * static_cast<double>(part) / static_cast<double>(whole));
}

RegressionMetrics regression_of(const TrainResult& result) {
  const TargetColumn& target = result.data.encoder.target();
  const Tensor outputs = result.network.predict(result.data.test.x), y = result.data.test.y;
  const auto as_given = [&](const Tensor& x) {
    return reshape(cast(x, DType::float64) * target.deviation + target.mean, y.shape());
  };
  return regression_metrics(as_given(outputs), as_given(y));
}

std::string plot_of(const TrainResult& result) {
  PlotCurve training{"training", {}}, test{"test", {}};
  for (const TrainingEpoch& epoch : result.learned.epochs) {
    training.values.push_back(epoch.loss);
    test.values.push_back(epoch.test_loss);
  }
  const Terminal terminal;
  return plot(std::vector{training, test}, "loss",
              {.width = std::min<std::int64_t>(terminal.width, 120),
               .unicode = terminal.unicode,
               .colours = colours_wanted()});
}

std::string as_json(const TrainResult& result) {
  const auto& [options, data, network, learned, test] = result;
  nlohmann::ordered_json json = {{"data", data.source},
                                 {"test_data", data.test_source},
                                 {"target", data.encoder.target().name},
                                 {"task", data.task() == Task::regression ? "regression" : "classification"},
                                 {"classes", data.encoder.target().classes},
                                 {"inputs", data.encoder.input_names()},
                                 {"train_samples", data.train.size()},
                                 {"validation_samples", data.validation.size()},
                                 {"test_samples", data.test.size()},
                                 {"network", network.sizes()},
                                 {"parameters", count_parameters(network)},
                                 {"learning_rate", options.learning_rate},
                                 {"epochs", learned.epochs.size()},
                                 {"best_epoch", learned.best_epoch},
                                 {"seed", options.seed},
                                 {"seconds", learned.seconds},
                                 {"samples_per_second", result.samples_per_second()}};
  if (data.task() == Task::regression) {
    const RegressionMetrics metrics = regression_of(result);
    json["r2"] = metrics.r2;
    json["rmse"] = metrics.rmse;
    json["mae"] = metrics.mae;
  } else {
    json["accuracy"] = result.test_accuracy();
    json["test_loss"] = test.loss;
  }
  for (const TrainingEpoch& epoch : learned.epochs) json["losses"].push_back(epoch.loss);
  if (!learned.validation_losses.empty()) json["validation_losses"] = learned.validation_losses;
  json["warnings"] = data.warnings;
  if (const std::string more = warning(result); !more.empty()) json["warnings"].push_back(more);
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

TrainResult::TrainResult(const TrainOptions& given, const TrainingData& learned_from,
                         const TableNetwork& trained, const Learned& how)
    : options(given), data(learned_from), network(trained), learned(how) {
  if (data.task() == Task::classification) test = evaluate(network, data.test);
}

double TrainResult::test_accuracy() const {
  return static_cast<double>(test.correct) / static_cast<double>(data.test.size());
}

double TrainResult::score() const {
  return data.task() == Task::regression ? regression_of(*this).r2 : 100 * test_accuracy();
}

std::string describe_scores(const std::vector<double>& scores, Task task, const TrainOptions& options) {
  double mean = 0, square = 0;
  for (const double score : scores) mean += score / static_cast<double>(scores.size());
  for (const double score : scores) square += (score - mean) * (score - mean);
  const double deviation = std::sqrt(square / static_cast<double>(scores.size() - 1));
  const char* const name = task == Task::regression ? "r2" : "accuracy_percent";
  if (options.json) {
    const nlohmann::ordered_json json = {{"score", name},
                                         {"folds", scores.size()},
                                         {"mean", mean},
                                         {"deviation", deviation},
                                         {"scores", scores}};
    return json.dump(2) + "\n";
  }
  return task == Task::regression
             ? fmt::format("R² of {} parts: {:.4f} ± {:.4f}\n", scores.size(), mean, deviation)
             : fmt::format("accuracy of {} parts: {:.2f} % ± {:.2f}\n", scores.size(), mean, deviation);
}

double TrainResult::samples_per_second() const {
  return static_cast<double>(static_cast<std::int64_t>(learned.epochs.size()) * data.train.size()) /
         learned.seconds;
}

std::string describe(const TrainResult& result) {
  const auto& [options, data, network, learned, test] = result;
  if (options.json) return as_json(result);
  std::string text = options.plot ? plot_of(result) : "";
  if (data.task() == Task::regression) {
    const RegressionMetrics metrics = regression_of(result);
    text += fmt::format("test R²: {:.4f}, RMSE: {:.4g} ({} samples)\n", metrics.r2, metrics.rmse,
                        data.test.size());
  } else {
    const std::int64_t total = data.test.size();
    text += fmt::format("test accuracy: {} ({} of {})\n", percent(test.correct, total), test.correct, total);
  }
  return text + fmt::format("samples per second: {:.0f} ({} epochs of {} samples in {:.2f} s)\n",
                            result.samples_per_second(), learned.epochs.size(), data.train.size(),
                            learned.seconds);
}

std::string warning(const TrainResult& result) {
  const TrainingData& data = result.data;
  if (data.task() == Task::regression) return "";
  return majority_warning(data.encoder, data.test.y.to_vector<std::int64_t>(), result.test_accuracy(),
                          result.options);
}

void write_report(const TrainResult& result) {
  const auto& [options, data, network, learned, test] = result;
  const auto text = [](const auto& value) { return fmt::format("{}", value); };
  save_report(options.report,
              {.title = "Training on " + std::filesystem::path(data.source).filename().string(),
               .facts = {{"learned from", fmt::format("{}: {} samples", data.source, data.train.size())},
                         {"tested on", fmt::format("{}: {} samples", data.test_source, data.test.size())},
                         {"network", network.sizes() + ", ReLU"},
                         {"epochs", text(learned.epochs.size())},
                         {"batch", text(options.batch)},
                         {"optimiser", fmt::format("{}, {} schedule", options.optimizer, options.schedule)},
                         {"learning rate", text(options.learning_rate)},
                         {"momentum", text(options.momentum)},
                         {"weight decay", text(options.weight_decay)},
                         {"seed", text(options.seed)},
                         {"speed", fmt::format("{:.0f} samples/s", result.samples_per_second())}},
               .epochs = learned.epochs,
               .network = network,
               .train = data.train,
               .test = data.test,
               .scale = Standardizer(cast(data.encoder.mean(), default_dtype()),
                                     cast(data.encoder.deviation(), default_dtype())),
               .classes = data.encoder.target().classes,
               .inputs = data.encoder.input_names()});
}

}  // namespace chainrule::cli
