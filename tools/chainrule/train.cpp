#include "train.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <memory>
#include <stdexcept>

#include "chainrule/autograd.h"
#include "chainrule/optim.h"
#include "command.h"
#include "print.h"
#include "progress.h"
#include "seed.h"
#include "text.h"
#include "train_data.h"

namespace chainrule::cli {
namespace {

struct Options {
  std::string data, test, target = "last", hidden = "64,64";
  std::int64_t epochs = 50, batch = 32;
  double learning_rate = 0.03, momentum = 0.9, weight_decay = 0.0015;
  std::int64_t seed = 0;
};

void require(bool holds, const std::string& message) {
  if (!holds) throw CommandError(message);
}

void check(const Options& options) {
  require(options.epochs > 0, fmt::format("--epochs {}: at least 1 is needed", options.epochs));
  require(options.batch > 0, fmt::format("--batch {}: at least 1 is needed", options.batch));
  require(options.learning_rate > 0 && std::isfinite(options.learning_rate),
          fmt::format("--lr {}: the learning rate must be positive", options.learning_rate));
  require(options.momentum >= 0 && options.momentum < 1,
          fmt::format("--momentum {}: it must be at least 0 and below 1", options.momentum));
  require(options.weight_decay >= 0 && std::isfinite(options.weight_decay),
          fmt::format("--weight-decay {}: it must not be negative", options.weight_decay));
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
            fmt::format("--hidden {}: give the sizes of the hidden layers, each 1 or more, as 64,64",
                        printable(text)));
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
  fmt::print(
      stderr,
      "{}: {} samples to learn from, {} to test on, in {} classes ({}); network {} with {} parameters\n",
      data.source, data.train.size(), data.test.size(), data.train.classes,
      printable(fmt::format("{}", fmt::join(data.classes, ", "))), fmt::join(sizes, "-"),
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

/// Trains, and returns how many seconds that took.
double fit(const Mlp& network, const Dataset& data, const Options& options, Generator& generator) {
  Sgd optimizer(network.parameters(), {.learning_rate = options.learning_rate,
                                       .momentum = options.momentum,
                                       .weight_decay = options.weight_decay});
  Progress progress(options.epochs, data.size());
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t epoch = 1; epoch <= options.epochs; ++epoch) {
    for (const Dataset& batch : Batches(data, options.batch, generator)) {
      double batch_accuracy = 0;
      const double loss = learn(network, optimizer, batch, batch_accuracy);
      require_finite(loss, epoch, options);
      progress.add_batch(loss, batch_accuracy, batch.size());
    }
  }
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  // Each loss was that before its step: only this looks at the result of the last one.
  for (const Parameter& parameter : network.parameters())
    require_finite(no_grad([&] { return max(abs(parameter.leaf())).item(); }), options.epochs, options);
  return time.count();
}

/// The number of samples classified correctly, computed in parts, so that memory does not grow with them.
std::int64_t count_correct(const Mlp& network, const Dataset& data) {
  const NoGrad guard;
  constexpr std::int64_t part = 1024;
  std::int64_t correct = 0;
  for (std::int64_t first = 0; first < data.size(); first += part) {
    const Slice rows{first, std::min(first + part, data.size())};
    const Tensor y = data.y[{rows}];
    correct += std::llround(accuracy(network(data.x[{rows}]), y) * static_cast<double>(y.size()));
  }
  return correct;
}

void run(const Options& options) {
  check(options);
  const std::vector<std::int64_t> hidden = parse_sizes(options.hidden);
  Generator generator = seeded(options.seed);
  const TrainingData data = options.data.empty()
                                ? make_half_moons(generator)
                                : read_training_data(options.data, options.test, options.target, generator);
  const Mlp network = make_network(data, hidden, generator);
  const double seconds = fit(network, data.train, options, generator);
  const std::int64_t correct = count_correct(network, data.test), total = data.test.size();
  const auto learned = static_cast<double>(options.epochs * data.train.size());
  const double percent = 100 * static_cast<double>(correct) / static_cast<double>(total);
  write_output(fmt::format("test accuracy: {:.2f} % ({} of {})\n", percent, correct, total));
  write_output(fmt::format("samples per second: {:.0f} ({} epochs of {} samples in {:.2f} s)\n",
                           learned / seconds, options.epochs, data.train.size(), seconds));
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
  command
      ->add_option("--test", options->test, "CSV file to test on; without it, a fifth of DATA is held back")
      ->type_name("FILE")
      ->needs(data);
  add("--target", options->target, "COLUMN", "Column of the class: last, a number from 1, or a header's name")
      ->needs(data);
  add("--hidden", options->hidden, "N,...", "Sizes of the hidden layers");
  add("--epochs", options->epochs, "N", "How often every sample is seen");
  add("--batch", options->batch, "N", "Samples per step");
  add("--lr", options->learning_rate, "R", "Learning rate");
  add("--momentum", options->momentum, "R", "Share of the last step that is kept");
  add("--weight-decay", options->weight_decay, "R", "Pull of the weights towards zero");
  add("--seed", options->seed, "N", "Of the random numbers: the same seed gives the same network");
  command->footer(
      "A multi-layer perceptron: He initialisation, ReLU, softmax cross-entropy, stochastic gradient\n"
      "descent with momentum. Inputs are standardised. Classes are whole numbers or text.\n\n"
      "  chainrule train\n"
      "  chainrule train digits.csv --hidden 128,64 --epochs 20\n"
      "  chainrule train train.csv --test test.csv --target species --lr 0.01");
  command->callback([options] { run(*options); });
}

}  // namespace chainrule::cli
