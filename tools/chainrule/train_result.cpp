// What training came to: as text, as JSON, as a page.
// Measures are the library's, of data/metrics.h.

#include "train_result.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "print.h"
#include "terminal.h"
#include "text.h"
#include "train_notes.h"

namespace chainrule::cli {
namespace {

/// Shares of 1 as the text of a percentage.
std::string percent(std::int64_t part, std::int64_t whole) {
  return fmt::format("{:.2f} %", 100 * static_cast<double>(part) / static_cast<double>(whole));
}

/// Of each target.
std::vector<RegressionMetrics> regression_of(const TrainResult& result) {
  const TableEncoder& encoder = result.data.encoder;
  const Tensor y = result.data.test.y;
  const auto as_given = [&](const Tensor& x) {
    return encoder.as_given(cast(reshape(x, y.shape()), DType::float64));
  };
  return metrics_of_targets(as_given(result.network.predict(result.data.test.x)), as_given(y));
}

std::string regression_text(const TrainResult& result) {
  const std::vector<RegressionMetrics> all = regression_of(result);
  const std::vector<TargetColumn>& targets = result.data.encoder.all_targets();
  const std::int64_t count = result.data.test.size();
  const std::string samples = fmt::format("{} {}", count, count == 1 ? "sample" : "samples");
  if (all.size() == 1)
    return fmt::format("test R²: {}, RMSE: {:.4g} ({})\n", text_of_r2(all[0].r2), all[0].rmse, samples);
  std::string text =
      fmt::format("test R²: {}, mean of {} targets ({})\n", text_of_r2(mean_r2(all)), all.size(), samples);
  for (std::size_t i = 0; i < all.size(); ++i)
    text += fmt::format("  {}: R²: {}, RMSE: {:.4g}\n", printable(targets[i].name), text_of_r2(all[i].r2),
                        all[i].rmse);
  return text;
}

/// What --report calls the numbers that are predicted; none where there are classes.
std::vector<ReportedTarget> reported_targets(const TableEncoder& encoder) {
  std::vector<ReportedTarget> targets;
  if (encoder.target().task() == Task::regression)
    for (const TargetColumn& each : encoder.all_targets())
      targets.push_back({each.name, each.mean, each.deviation});
  return targets;
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

nlohmann::ordered_json json_of(const TrainResult& result) {
  const auto& [options, data, network, learned, test] = result;
  nlohmann::ordered_json json = {{"data", data.source},
                                 {"test_data", data.test_source},
                                 {"target", data.encoder.target_names()},
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
    json.update(to_json(regression_of(result), data.encoder.all_targets()));
  } else {
    json["accuracy"] = result.test_accuracy();
    json["test_loss"] = test.loss;
  }
  for (const TrainingEpoch& epoch : learned.epochs) json["losses"].push_back(epoch.loss);
  if (!learned.validation_losses.empty()) json["validation_losses"] = learned.validation_losses;
  json["warnings"] = data.warnings;
  if (const std::string more = warning(result); !more.empty()) json["warnings"].push_back(more);
  return json;
}

std::string dumped(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

/// A line for each figure that is one number or text.
std::string as_csv(const nlohmann::ordered_json& json) {
  std::string text = "figure,value\n";
  for (const auto& [name, value] : json.items())
    if (value.is_primitive())
      text += name + "," + (value.is_string() ? field(value.get<std::string>()) : value.dump()) + "\n";
  return text;
}

}  // namespace

std::vector<RegressionMetrics> metrics_of_targets(const Tensor& predictions, const Tensor& y) {
  if (y.rank() == 1) return {regression_metrics(predictions, y)};
  std::vector<RegressionMetrics> all;
  for (std::int64_t i = 0; i < y.shape()[1]; ++i)
    all.push_back(regression_metrics(predictions[{Slice{}, i}], y[{Slice{}, i}]));
  return all;
}

std::string text_of_r2(double r2) {
  return std::isnan(r2) ? "not defined for one sample" : fmt::format("{:.4f}", r2);
}

double mean_r2(const std::vector<RegressionMetrics>& targets) {
  double sum = 0;
  for (const RegressionMetrics& each : targets) sum += each.r2;
  return sum / static_cast<double>(targets.size());
}

nlohmann::ordered_json to_json(const std::vector<RegressionMetrics>& figures,
                               const std::vector<TargetColumn>& targets) {
  const auto of_one = [](const RegressionMetrics& of) {
    return nlohmann::ordered_json{{"r2", of.r2}, {"rmse", of.rmse}, {"mae", of.mae}};
  };
  if (figures.size() == 1) return of_one(figures.front());
  nlohmann::ordered_json json = {{"r2", mean_r2(figures)}, {"targets", nlohmann::ordered_json::array()}};
  for (std::size_t i = 0; i < figures.size(); ++i) {
    nlohmann::ordered_json each = {{"name", targets[i].name}};
    each.update(of_one(figures[i]));
    json["targets"].push_back(std::move(each));
  }
  return json;
}

TrainResult::TrainResult(const TrainOptions& given, const TrainingData& learned_from,
                         const TableNetwork& trained, const Learned& how)
    : options(given), data(learned_from), network(trained), learned(how) {
  if (data.task() == Task::classification) test = evaluate(network, data.test);
}

double TrainResult::test_accuracy() const {
  return static_cast<double>(test.correct) / static_cast<double>(data.test.size());
}

double TrainResult::score() const {
  return data.task() == Task::regression ? mean_r2(regression_of(*this)) : 100 * test_accuracy();
}

std::string describe_scores(const std::vector<double>& scores, Task task, const TrainOptions& options) {
  double mean = 0, square = 0;
  for (const double score : scores) mean += score / static_cast<double>(scores.size());
  for (const double score : scores) square += (score - mean) * (score - mean);
  const double deviation = std::sqrt(square / static_cast<double>(scores.size() - 1));
  const char* const name = task == Task::regression ? "r2" : "accuracy_percent";
  if (options.json || options.csv) {
    const nlohmann::ordered_json json = {{"score", name},
                                         {"folds", scores.size()},
                                         {"mean", mean},
                                         {"deviation", deviation},
                                         {"scores", scores}};
    return options.csv ? as_csv(json) : dumped(json);
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
  if (options.json) return dumped(json_of(result));
  if (options.csv) return as_csv(json_of(result));
  std::string text = options.plot ? plot_of(result) : "";
  if (data.task() == Task::regression) {
    text += regression_text(result);
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
               .inputs = data.encoder.input_names(),
               .targets = reported_targets(data.encoder)});
}

}  // namespace chainrule::cli
