// `chainrule predict`, `evaluate` and `summary`: of models that `train --save` has saved, and of foreign
// ones. any_model.h loads them.

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "any_model.h"
#include "chainrule/autograd.h"
#include "chainrule/data/metrics.h"
#include "chainrule/io.h"
#include "chainrule/model.h"
#include "command.h"
#include "options.h"
#include "print.h"
#include "text.h"
#include "train.h"
#include "train_data.h"
#include "train_result.h"

namespace chainrule::cli {
namespace {

struct ModelOptions {
  std::string model, data, output, task = "auto";
  ReadOptions reading;
  ColumnOptions columns;
  bool probabilities = false, json = false, csv = false;
};

/// Says on standard error what is not as the model has learned it.
void note_gaps(const std::string& command, const Model& model, const Table& table) {
  const auto say = [&](std::int64_t count, const char* what, const char* instead) {
    if (count > 0)
      write_note(command, fmt::format("{}: {} {} {}; {}", table.path, count, count == 1 ? "cell" : "cells",
                                      what, instead));
  };
  say(model.encoder.missing(table), "without a value", "the median or the most frequent is taken");
  say(model.encoder.unknown(table), "with a category that the model has never seen", "it counts as none");
}

std::string probabilities_csv(const Model& model, const Table& table) {
  const TargetColumn& target = model.encoder.target();
  if (target.task() == Task::regression)
    throw CommandError("--proba: the model predicts a number, " + printable(target.name) +
                       ", so there are none");
  const Tensor probabilities = model(table);
  const auto best = predicted_classes(probabilities).to_vector<std::int64_t>();
  const std::vector<double> values = cast(probabilities, DType::float64).to_vector<double>();
  std::string text = field(target.name);
  for (const std::string& name : target.classes) text += "," + field("P(" + name + ")");
  text += '\n';
  for (std::size_t row = 0, at = 0; row < best.size(); ++row) {
    text += field(target.classes[static_cast<std::size_t>(best[row])]);
    for (std::size_t c = 0; c < target.classes.size(); ++c) text += fmt::format(",{:.6f}", values[at++]);
    text += '\n';
  }
  return text;
}

/// What has been learned from a table knows its columns.
void require_no_choice(const ModelOptions& options) {
  if (options.columns.is_given() || options.task != "auto")
    throw CommandError(fmt::format("{} is for models of ONNX that say nothing of columns; {} does",
                                   !options.columns.target.empty()    ? "--target"
                                   : !options.columns.dropped.empty() ? "--drop"
                                                                      : "--task",
                                   options.model));
}

std::string predict(const ForeignModel& model, const Table& table, const ModelOptions& options) {
  if (options.probabilities)
    throw CommandError("--proba: " + model.path() +
                       " does not say what its numbers mean; without it, all are printed");
  const ForeignModel::Columns columns = model.choose(table, options.columns);
  if (!columns.targets.empty() && options.columns.target.empty())
    write_note("predict",
               fmt::format("{}: the last column ({}) is one more than {} takes, and left out", table.path,
                           printable(table.columns[columns.targets.front()].name), model.path()));
  const NoGrad guard;
  return as_csv(model(model.numbers(table, columns.inputs)));
}

std::string predict(const Model& model, const Table& table, const ModelOptions& options) {
  require_no_choice(options);
  std::string text;
  if (options.probabilities) {
    text = probabilities_csv(model, table);
  } else {
    const std::vector<TargetColumn>& targets = model.encoder.all_targets();
    for (std::size_t i = 0; i < targets.size(); ++i) text += (i == 0 ? "" : ",") + field(targets[i].name);
    text += '\n';
    // Several numbers have their commas between them already.
    for (const std::string& each : model.predict(table))
      text += (targets.size() == 1 ? field(each) : each) + "\n";
  }
  note_gaps("predict", model, table);
  return text;
}

void predict(const ModelOptions& options) {
  if (!options.output.empty()) require_writable(options.output);
  const AnyModel model = load_any_model(options.model, options.data);
  const Table table = read_data("predict", options.data, reading_for(model, options.reading));
  const std::string text = with_reading_hint(table, [&] {
    return std::visit([&](const auto& any) { return predict(any, table, options); }, model);
  });
  if (options.output.empty()) return write_output(text);
  save_file(options.output, text);
}

std::string dump(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

nlohmann::ordered_json to_json(const ClassificationMetrics& metrics, const TargetColumn& target) {
  nlohmann::ordered_json json = {{"accuracy", metrics.accuracy}};
  if (metrics.auc) json["auc"] = *metrics.auc;
  for (std::size_t c = 0; c < metrics.classes.size(); ++c) {
    const ClassMetrics& of_class = metrics.classes[c];
    json["classes"].push_back({{"name", target.classes[c]},
                               {"precision", of_class.precision},
                               {"recall", of_class.recall},
                               {"f1", of_class.f1},
                               {"samples", of_class.support}});
  }
  json["confusion"] = metrics.confusion;
  return json;
}

std::string describe(const ClassificationMetrics& metrics, const TargetColumn& target) {
  std::int64_t correct = 0, total = 0;
  std::vector<std::vector<std::string>> rows = {{"class", "precision", "recall", "F1", "samples"}},
                                        confusion = {{"true \\ predicted"}};
  for (std::size_t c = 0; c < metrics.classes.size(); ++c) {
    const ClassMetrics& of_class = metrics.classes[c];
    const std::string name = printable(target.classes[c], 30);
    rows.push_back({name, fmt::format("{:.4f}", of_class.precision), fmt::format("{:.4f}", of_class.recall),
                    fmt::format("{:.4f}", of_class.f1), std::to_string(of_class.support)});
    confusion.front().push_back(name);
    confusion.push_back({name});
    for (const std::int64_t count : metrics.confusion[c]) confusion.back().push_back(std::to_string(count));
    correct += metrics.confusion[c][c];
    total += of_class.support;
  }
  return fmt::format("accuracy: {:.2f} % ({} of {})\n", 100 * metrics.accuracy, correct, total) +
         (metrics.auc ? fmt::format("AUC: {:.4f}\n", *metrics.auc) : "") + "\n" + aligned(rows) + "\n" +
         aligned(confusion);
}

std::string as_csv(const ClassificationMetrics& metrics, const TargetColumn& target) {
  std::string text = "class,precision,recall,f1,samples";
  for (const std::string& name : target.classes) text += "," + field("predicted as " + name);
  text += '\n';
  for (std::size_t c = 0; c < metrics.classes.size(); ++c) {
    const ClassMetrics& of = metrics.classes[c];
    text +=
        fmt::format("{},{},{},{},{}", field(target.classes[c]), of.precision, of.recall, of.f1, of.support);
    for (const std::int64_t count : metrics.confusion[c]) text += fmt::format(",{}", count);
    text += '\n';
  }
  return text;
}

std::string as_csv(const std::vector<RegressionMetrics>& metrics, const std::vector<TargetColumn>& targets) {
  std::string text = "target,r2,rmse,mae\n";
  for (std::size_t i = 0; i < metrics.size(); ++i)
    text +=
        fmt::format("{},{},{},{}\n", field(targets[i].name), metrics[i].r2, metrics[i].rmse, metrics[i].mae);
  return text;
}

std::string describe(const std::vector<RegressionMetrics>& metrics, const std::vector<TargetColumn>& targets,
                     std::int64_t samples) {
  if (metrics.size() == 1)
    return fmt::format("R²: {}\nRMSE: {:.4g}\nmean absolute error: {:.4g}\nsamples: {}\n",
                       text_of_r2(metrics[0].r2), metrics[0].rmse, metrics[0].mae, samples);
  std::vector<std::vector<std::string>> rows = {{"target", "R²", "RMSE", "mean absolute error"}};
  for (std::size_t i = 0; i < metrics.size(); ++i)
    rows.push_back({printable(targets[i].name, 30), text_of_r2(metrics[i].r2),
                    fmt::format("{:.4g}", metrics[i].rmse), fmt::format("{:.4g}", metrics[i].mae)});
  return fmt::format("mean R²: {}\nsamples: {}\n\n", text_of_r2(mean_r2(metrics)), samples) + aligned(rows);
}

Comparison compare(const Model& model, const Table& all, const ModelOptions& options) {
  require_no_choice(options);
  const Table table = only_with_targets(all, model.encoder, "evaluate");
  const Tensor y = model.encoder.targets(table), outputs = model(table);
  note_gaps("evaluate", model, table);
  Comparison result{.taken = "",
                    .targets = model.encoder.all_targets(),
                    .classes = {},
                    .numbers = {},
                    .samples = table.rows()};
  if (model.encoder.target().task() == Task::classification)
    result.classes = classification_metrics(outputs, y);
  else
    result.numbers =
        metrics_of_targets(cast(outputs, DType::float64), model.encoder.as_given(cast(y, DType::float64)));
  return result;
}

Comparison compare(const ForeignModel& model, const Table& table, const ModelOptions& options) {
  const NoGrad guard;
  Comparison result = compare(model, table, options.columns, options.task);
  result.samples = table.rows();
  write_note("evaluate", result.taken);
  return result;
}

void evaluate_model(const ModelOptions& options) {
  if (options.csv && options.json) throw CommandError("--csv and --json exclude each other");
  const AnyModel model = load_any_model(options.model, options.data);
  const Table table = read_data("evaluate", options.data, reading_for(model, options.reading));
  const Comparison result = with_reading_hint(table, [&] {
    return std::visit([&](const auto& any) { return compare(any, table, options); }, model);
  });
  if (result.classes) {
    const TargetColumn& target = result.targets.front();
    return write_output(options.csv    ? as_csv(*result.classes, target)
                        : options.json ? dump(to_json(*result.classes, target))
                                       : describe(*result.classes, target));
  }
  nlohmann::ordered_json json = cli::to_json(result.numbers, result.targets);
  json["samples"] = result.samples;
  write_output(options.csv    ? as_csv(result.numbers, result.targets)
               : options.json ? dump(json)
                              : describe(result.numbers, result.targets, result.samples));
}

std::string describe(const InputColumn& column) {
  if (column.is_number())
    return fmt::format("number{}, mean {:.4g}, deviation {:.4g}, {:.4g} for gaps",
                       column.form.empty() ? "" : " of " + printable(column.form, 60), column.mean,
                       column.deviation, column.fill);
  return printable(fmt::format("one of {}; {} for gaps", fmt::join(column.categories, ", "),
                               column.categories[static_cast<std::size_t>(column.fill)]),
                   200);
}

std::string describe(const TargetColumn& target) {
  if (target.task() == Task::regression)
    return fmt::format("a number, mean {:.4g}, deviation {:.4g}", target.mean, target.deviation);
  return printable(
      fmt::format("one of {} classes: {}", target.classes.size(), fmt::join(target.classes, ", ")), 200);
}

/// The layers with parameters, in order: names, shapes, and how many numbers.
struct SummaryLayer {
  std::string name;
  Shape weight;
  std::int64_t parameters = 0;
};
std::vector<SummaryLayer> layers_of(const TableNetwork& network) {
  std::vector<SummaryLayer> layers;
  const auto add = [&](const Parameter& weight, const Parameter& bias) {
    layers.push_back({weight.name().substr(0, weight.name().rfind('.')), weight.shape(),
                      weight.leaf().size() + bias.leaf().size()});
  };
  for (const Conv2d& each : network.convolutions()) add(each.weight, *each.bias);
  for (const Linear& each : network.layers()) add(each.weight(), each.bias());
  return layers;
}

std::string summary_text(const Model& model) {
  const TableEncoder& encoder = model.encoder;
  std::string text = fmt::format("learned from {}\n", printable(encoder.source(), 1000));
  for (const TargetColumn& target : encoder.all_targets())
    text += fmt::format("predicts {}: {}\n", printable(target.name), describe(target));
  text += "from\n";
  for (const InputColumn& column : encoder.columns())
    text += fmt::format("  {}: {}\n", printable(column.title()), describe(column));
  text +=
      fmt::format("network {} with {} parameters\n", model.network.sizes(), count_parameters(model.network));
  std::vector<std::vector<std::string>> rows = {{"layer", "weight", "parameters"}};
  for (const SummaryLayer& layer : layers_of(model.network))
    rows.push_back({layer.name, to_string(layer.weight), std::to_string(layer.parameters)});
  return text + aligned(rows);
}

std::string summary_json(const Model& model) {
  const TableEncoder& encoder = model.encoder;
  nlohmann::ordered_json json = {{"source", encoder.source()}};
  for (const TargetColumn& target : encoder.all_targets()) {
    nlohmann::ordered_json each = {{"name", target.name}};
    if (target.task() == Task::classification)
      each["classes"] = target.classes;
    else
      each.update({{"mean", target.mean}, {"deviation", target.deviation}});
    json["targets"].push_back(std::move(each));
  }
  for (const InputColumn& column : encoder.columns()) {
    nlohmann::ordered_json each = {{"name", column.name}};
    if (column.is_number()) {
      if (!column.form.empty()) each["form"] = column.form;
      if (!column.part.empty()) each["part"] = column.part;
      each.update({{"mean", column.mean}, {"deviation", column.deviation}, {"fill", column.fill}});
    } else {
      each["categories"] = column.categories;
      each["fill"] = column.categories[static_cast<std::size_t>(column.fill)];
    }
    json["inputs"].push_back(std::move(each));
  }
  json["network"] = model.network.sizes();
  json["parameters"] = count_parameters(model.network);
  for (const SummaryLayer& layer : layers_of(model.network))
    json["layers"].push_back({{"name", layer.name},
                              {"weight", std::vector(layer.weight.begin(), layer.weight.end())},
                              {"parameters", layer.parameters}});
  return dump(json);
}

void summarise(const ModelOptions& options) {
  if (const auto foreign = describe_foreign(options.model))
    return write_output(options.json ? foreign->json : foreign->text);
  const Model model = load_table_model(options.model);
  write_output(options.json ? summary_json(model) : summary_text(model));
}

CLI::App* add_model_command(CLI::App& app, const char* name, const char* help, ModelOptions& options) {
  CLI::App* command = app.add_subcommand(name, help);
  command
      ->add_option("MODEL", options.model,
                   "What `chainrule train --save` or `export` wrote, or any model of ONNX")
      ->required()
      ->check(file_name());
  return command;
}

void add_data(CLI::App& command, ModelOptions& options) {
  command
      .add_option("DATA", options.data,
                  "Table with the columns that the model has learned from; - is standard input")
      ->required()
      ->check(file_name());
  add_reading(command, options.reading);
  add_columns(command, options.columns);
}

}  // namespace

void add_columns(CLI::App& command, ColumnOptions& options) {
  command
      .add_option("--target", options.target,
                  "Of a model of ONNX that says nothing of columns: what it is compared with;\nelse the last "
                  "one, if there is one more than it takes")
      ->type_name("COLUMN,...");
  command.add_option("--drop", options.dropped, "And the columns that it does not take")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("COLUMN,...");
}

void add_models(CLI::App& app) {
  const auto options = std::make_shared<ModelOptions>();
  CLI::App* command = add_model_command(app, "predict", "Predict from the rows of a table", *options);
  add_data(*command, *options);
  command->add_flag("--proba", options->probabilities, "Print the probability of each class, too");
  command->add_flag("--csv", options->csv, "Print CSV, as is done anyhow");
  command->add_option("-o,--output", options->output, "Write a CSV file instead of to standard output")
      ->check(file_name())
      ->type_name("FILE");
  command->footer(
      "A line for each row. The columns are found by name where the table has a header, or else by their "
      "order. A model of ONNX that others wrote takes them in order, and all that it gives is printed.\n\n"
      "  chainrule predict titanic.safetensors people.csv --proba -o predicted.csv");
  command->callback([options] { predict(*options); });

  command = add_model_command(app, "evaluate", "Compare predictions with what a table says", *options);
  add_data(*command, *options);
  command
      ->add_option("--task", options->task, "What such a model's numbers are compared as; found out by auto")
      ->check(CLI::IsMember({"auto", "classification", "regression"}))
      ->type_name("")
      ->capture_default_str();
  command->add_flag("--csv", options->csv, "Print the figures of each class, or number, as CSV");
  command->add_flag("--json", options->json, "Print all figures as JSON");
  command->footer(
      "Accuracy, precision, recall and F1 of each class, the confusion matrix, and for two classes the area "
      "under\n"
      "the ROC curve; for numbers R², the root of the mean squared error, and the mean absolute error.\n\n"
      "  chainrule evaluate titanic.safetensors others.csv");
  command->callback([options] { evaluate_model(*options); });

  command = add_model_command(app, "summary", "Show what a model predicts, and from what", *options);
  command->add_flag("--json", options->json, "Print everything as JSON");
  command->callback([options] { summarise(*options); });
}

}  // namespace chainrule::cli
