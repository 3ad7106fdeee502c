#include "train.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include "chainrule/autograd.h"
#include "chainrule/io.h"
#include "chainrule/optim.h"
#include "chainrule/report.h"
#include "command.h"
#include "options.h"
#include "print.h"
#include "progress.h"
#include "terminal.h"
#include "text.h"
#include "train_data.h"

namespace chainrule::cli {
namespace {

struct Options {
  std::string data, test, target = "last", hidden = "64,64";
  std::int64_t epochs = 50, batch = 32;
  double learning_rate = 0.03, momentum = 0.9, weight_decay = 0.0015;
  std::uint64_t seed = 0;
  std::string report;
  bool plot = false;

  /// Does anybody want to know how the network does on the test samples on the way? That takes time.
  bool wants_curves() const { return plot || !report.empty(); }
};

void require(bool holds, const std::string& message) {
  if (!holds) throw CommandError(message);
}

/// "64,64" as numbers.
std::vector<std::int64_t> parse_sizes(const std::string& text) {
  constexpr std::int64_t largest = 1'000'000;
  std::vector<std::int64_t> sizes;
  const char *position = text.data(), *end = position + text.size();
  while (true) {
    std::int64_t size = 0;
    const auto [stop, error] = std::from_chars(position, end, size);
    require(error == std::errc() && size >= 1 && size <= largest && (stop == end || *stop == ','),
            fmt::format("--hidden '{}': give the sizes of the hidden layers, each from 1 to {}, as 64,64",
                        printable(text), largest));
    sizes.push_back(size);
    if (stop == end) return sizes;
    position = stop + 1;
  }
}

Mlp make_network(const TrainingData& data, std::vector<std::int64_t> hidden, Generator& generator) {
  std::vector<std::int64_t> sizes = std::move(hidden);
  sizes.insert(sizes.begin(), data.train.x.shape()[1]);
  sizes.push_back(data.train.classes);
  double parameters = 0;
  for (std::size_t i = 1; i < sizes.size(); ++i)
    parameters += static_cast<double>(sizes[i - 1] + 1) * static_cast<double>(sizes[i]);
  require(parameters <= 1e9, fmt::format("--hidden: this network would have {:.1g} parameters", parameters));
  fmt::print(stderr, "{}: {} samples to learn from, {} to test on, in {} classes: {}\n",
             printable(data.source, 1000), data.train.size(), data.test.size(), data.train.classes,
             printable(fmt::format("{}", fmt::join(data.classes, ", "))));
  fmt::print(stderr, "network {} with {} parameters\n", fmt::join(sizes, "-"),
             static_cast<std::int64_t>(parameters));
  return {sizes, generator};
}

/// Takes one step and returns the loss before it. The graph is gone when this returns, so that the next
/// step finds parameters that nobody else holds and updates them in place.
double learn(const Mlp& network, Sgd& optimizer, const Dataset& batch, double& batch_accuracy) {
  Tensor loss = [&] {
    const Tensor scores = network(batch.x);
    batch_accuracy = accuracy(scores, batch.y);
    return cross_entropy(scores, batch.y);
  }();
  const auto value = loss.item<double>();
  std::move(loss).backward();
  optimizer.step();
  return value;
}

void require_finite(double value, std::int64_t epoch, const Options& options) {
  if (!std::isfinite(value))
    throw std::runtime_error(
        fmt::format("training diverged in epoch {}: its numbers are no longer finite; lower "
                    "--lr (it is {})",
                    epoch, options.learning_rate));
}

/// A trained network, and how it went.
struct Run {
  const Options& options;
  const TrainingData& data;
  Mlp network;
  std::vector<TrainingEpoch> epochs;  ///< their test numbers only if somebody wants them
  double seconds = 0;                 ///< spent on learning alone

  double samples_per_second() const {
    return static_cast<double>(options.epochs * data.train.size()) / seconds;
  }
};

void fit(Run& run, Generator& generator) {
  const Options& options = run.options;
  Sgd optimizer(run.network.parameters(), {.learning_rate = options.learning_rate,
                                           .momentum = options.momentum,
                                           .weight_decay = options.weight_decay});
  Progress progress(options.epochs, run.data.train.size());
  using Clock = std::chrono::steady_clock;
  for (std::int64_t epoch = 1; epoch <= options.epochs; ++epoch) {
    const auto start = Clock::now();
    for (const Dataset& batch : Batches(run.data.train, options.batch, generator)) {
      double batch_accuracy = 0;
      const double loss = learn(run.network, optimizer, batch, batch_accuracy);
      require_finite(loss, epoch, options);
      progress.add_batch(loss, batch_accuracy, batch.size());
    }
    run.seconds += std::chrono::duration<double>(Clock::now() - start).count();
    run.epochs.push_back({.loss = progress.loss(), .accuracy = progress.accuracy()});
    if (!options.wants_curves()) continue;
    const Evaluation test = chainrule::evaluate(run.network, run.data.test);
    run.epochs.back().test_loss = test.loss;
    run.epochs.back().test_accuracy =
        static_cast<double>(test.correct) / static_cast<double>(run.data.test.size());
  }
  // Each loss was that before its step: only this looks at the result of the last one.
  for (const Parameter& parameter : run.network.parameters())
    require_finite(no_grad([&] { return max(abs(parameter)).item(); }), options.epochs, options);
}

std::string plot_of(const Run& run) {
  PlotCurve training{"training", {}}, test{"test", {}};
  for (const TrainingEpoch& epoch : run.epochs) {
    training.values.push_back(epoch.loss);
    test.values.push_back(epoch.test_loss);
  }
  const Terminal terminal;
  return plot(std::vector{training, test}, "loss",
              {.width = std::min<std::int64_t>(terminal.width, 120),
               .unicode = terminal.unicode,
               .colours = colours_wanted()});
}

void write_report(const Run& run) {
  const Options& options = run.options;
  const auto text = [](const auto& value) { return fmt::format("{}", value); };
  std::vector<std::int64_t> sizes = {run.data.train.x.shape()[1]};
  for (const Linear& layer : run.network.layers()) sizes.push_back(layer.bias().shape()[0]);
  save_report(
      options.report,
      {.title = "Training on " + std::filesystem::path(run.data.source).filename().string(),
       .facts = {{"learned from", fmt::format("{}: {} samples", run.data.source, run.data.train.size())},
                 {"tested on", fmt::format("{}: {} samples", run.data.test_source, run.data.test.size())},
                 {"network", fmt::format("{}, ReLU", fmt::join(sizes, "-"))},
                 {"epochs", text(options.epochs)},
                 {"batch", text(options.batch)},
                 {"learning rate", text(options.learning_rate)},
                 {"momentum", text(options.momentum)},
                 {"weight decay", text(options.weight_decay)},
                 {"seed", text(options.seed)},
                 {"speed", fmt::format("{:.0f} samples/s", run.samples_per_second())}},
       .epochs = run.epochs,
       .network = run.network,
       .train = run.data.train,
       .test = run.data.test,
       .scale = run.data.scale,
       .classes = run.data.classes,
       .inputs = run.data.inputs});
}

void run(const Options& options) {
  set_default_dtype(DType::float32);  // networks need no more
  if (!options.report.empty()) require_writable(options.report);
  const std::vector<std::int64_t> hidden = parse_sizes(options.hidden);
  Generator generator(options.seed);
  const TrainingData data = options.data.empty()
                                ? make_half_moons(generator)
                                : read_training_data(options.data, options.test, options.target, generator);
  Run run{.options = options, .data = data, .network = make_network(data, hidden, generator), .epochs = {}};
  fit(run, generator);
  const std::int64_t correct = chainrule::evaluate(run.network, data.test).correct, total = data.test.size();
  const double percent = 100 * static_cast<double>(correct) / static_cast<double>(total);
  write_output((options.plot ? plot_of(run) : "") +
               fmt::format("test accuracy: {:.2f} % ({} of {})\n", percent, correct, total) +
               fmt::format("samples per second: {:.0f} ({} epochs of {} samples in {:.2f} s)\n",
                           run.samples_per_second(), options.epochs, data.train.size(), run.seconds));
  if (!options.report.empty()) write_report(run);
}

}  // namespace

void add_train(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("train", "Train a network to classify, and print its test accuracy and speed");
  const auto options = std::make_shared<Options>();
  const auto add = [&](const char* name, auto& value, const char* type, const char* help) {
    return command->add_option(name, value, help)->type_name(type)->capture_default_str();
  };
  CLI::Option* data = command->add_option(
      "DATA", options->data,
      "CSV file of numbers and a class, a sample per row; without it, half-moons\nare made");
  data->check(file_name());
  command
      ->add_option("--test", options->test, "CSV file to test on; without it, a fifth of DATA is held back")
      ->check(file_name())
      ->type_name("FILE")
      ->needs(data);
  add("--target", options->target, "COLUMN", "Column of the class: last, a number from 1, or a header's name")
      ->needs(data);
  add("--hidden", options->hidden, "N,...", "Sizes of the hidden layers");
  constexpr std::int64_t most = 1'000'000'000;
  add_whole_number<std::int64_t>(*command, "--epochs", options->epochs, 1, most,
                                 "How often every sample is seen");
  add_whole_number<std::int64_t>(*command, "--batch", options->batch, 1, most, "Samples per step");
  add_number(
      *command, "--lr", options->learning_rate, [](double x) { return x > 0 && std::isfinite(x); },
      "a finite number above 0", "Learning rate");
  add_number(
      *command, "--momentum", options->momentum, [](double x) { return x >= 0 && x < 1; },
      "a number of at least 0 and below 1", "Share of the last step that is kept");
  add_number(
      *command, "--weight-decay", options->weight_decay, [](double x) { return x >= 0 && std::isfinite(x); },
      "a finite number of at least 0", "Pull of the weights towards zero");
  add_seed(*command, options->seed, "Of the random numbers: the same seed gives the same network");
  add("--report", options->report, "FILE",
      "Write a page that shows how and what the network learned, as report.html")
      ->check(file_name());
  command->add_flag("--plot", options->plot, "Draw the loss as a curve");
  command->footer(
      "A multi-layer perceptron: He initialisation, ReLU, softmax cross-entropy, stochastic gradient\n"
      "descent with momentum. Inputs are standardised. Classes are whole numbers or text.\n\n"
      "  chainrule train --plot\n"
      "  chainrule train digits.csv --hidden 128,64 --epochs 20 --report report.html\n"
      "  chainrule train train.csv --test test.csv --target species --lr 0.01");
  command->callback([options] { run(*options); });
}

}  // namespace chainrule::cli
