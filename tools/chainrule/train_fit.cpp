// How a network learns: what the options leave open, the loss, steps and epochs.

#include "train_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <stdexcept>

#include "chainrule/autograd.h"
#include "chainrule/distributions.h"
#include "chainrule/io.h"
#include "chainrule/losses.h"
#include "chainrule/optim.h"
#include "command.h"
#include "progress.h"
#include "text.h"

namespace chainrule::cli {
namespace {

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

/// Puts the weights that --init asks for into the network, which has He's.
void initialise(const Mlp& network, const std::string& init, Generator& generator) {
  if (init == "he") return;
  const std::string constant = "constant=";
  const bool is_constant = init.starts_with(constant);
  const double value = is_constant ? parse_number(init.substr(constant.size())).value_or(NAN) : 0;
  require(init == "xavier" || init == "zeros" || (is_constant && std::isfinite(value)),
          fmt::format("--init '{}': give he, xavier, zeros, or a number as constant=0.1", printable(init)));
  for (const Linear& layer : network.layers()) {
    const Shape shape = layer.weight().shape();
    layer.weight().assign(init == "xavier" ? xavier_normal(shape, generator) : full(shape, value));
  }
}

std::unique_ptr<Optimizer> make_optimizer(const Mlp& network, const TrainOptions& options) {
  const auto parameters = network.parameters();
  if (options.optimizer == "sgd")
    return std::make_unique<Sgd>(parameters, SgdOptions{.learning_rate = options.learning_rate,
                                                        .momentum = options.momentum,
                                                        .weight_decay = options.weight_decay});
  AdamOptions adam{.learning_rate = options.learning_rate,
                   .beta1 = options.momentum,
                   .weight_decay = options.weight_decay};
  if (options.optimizer == "adam") return std::make_unique<Adam>(parameters, adam);
  return std::make_unique<AdamW>(parameters, AdamWOptions{.learning_rate = options.learning_rate,
                                                          .beta1 = options.momentum,
                                                          .weight_decay = options.weight_decay});
}

Schedule make_schedule(const TrainOptions& options, std::int64_t steps) {
  if (options.schedule == "cosine") return Schedule::cosine(steps);
  if (options.schedule == "linear") return Schedule::linear(1, 0, steps);
  if (options.schedule == "step") return Schedule::step(std::max<std::int64_t>(1, steps / 3));
  if (options.schedule == "one-cycle")
    return Schedule::one_cycle({.highest_rate = options.learning_rate,
                                .steps = std::max<std::int64_t>(2, steps + 1),
                                .cycle_momentum = false});
  return Schedule::constant(1);
}

/// n / (classes * count) for each class, so that all together weigh as much; 0 for one that never occurs.
Tensor balanced_weights(const Dataset& samples) {
  std::vector<double> weights(static_cast<std::size_t>(samples.classes));
  for (const std::int64_t each : samples.y.to_vector<std::int64_t>())
    ++weights[static_cast<std::size_t>(each)];
  for (double& weight : weights)
    if (weight > 0)
      weight = static_cast<double>(samples.size()) / (static_cast<double>(samples.classes) * weight);
  return cast(tensor(weights), default_dtype());
}

/// What of the network's outputs is made small.
class Loss {
 public:
  Loss(const TrainingData& data, const TrainOptions& options) : task_(data.task()) {
    options_.label_smoothing = options.label_smoothing;
    if (options.class_weights == "balanced") options_.weight = balanced_weights(data.train);
    plain_ = options_.weight.is_empty() && options_.label_smoothing == 0;
  }
  Tensor operator()(const Tensor& outputs, const Tensor& y) const {
    if (task_ == Task::regression) return mse_loss(reshape(outputs, y.shape()), y);
    return plain_ ? cross_entropy(outputs, y) : cross_entropy(outputs, y, options_);
  }

 private:
  Task task_;
  CrossEntropyOptions options_;
  bool plain_ = true;
};

/// The network with what it forgets by chance while it learns.
Tensor with_dropout(const Mlp& network, const Tensor& x, double share, Generator& generator) {
  if (share == 0) return network(x);
  Tensor signal = x;
  const auto& layers = network.layers();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    signal = layers[i](signal);
    if (i + 1 < layers.size()) signal = dropout(relu(signal), share, generator);
  }
  return signal;
}

std::string divergence(const TrainOptions& options, std::int64_t epoch, std::int64_t batch) {
  return fmt::format(
      "training diverged in epoch {}{}: its numbers are no longer finite; lower --lr (it is {}), or limit "
      "the "
      "gradients with --clip 1",
      epoch, batch > 0 ? fmt::format(", batch {}", batch) : "", options.learning_rate);
}

/// Keeps the parameters of the epoch with the least loss on the validation samples.
class Best {
 public:
  explicit Best(const Mlp& network) : network_(network) {}
  /// Is this one the best so far?
  void offer(std::int64_t epoch, double loss) {
    if (!(loss < loss_)) return;
    loss_ = loss;
    epoch_ = epoch;
    state_ = state_dict(network_);
  }
  std::int64_t epoch() const { return epoch_; }
  void restore() const {
    if (epoch_ > 0) load_state_dict(network_, state_);
  }

 private:
  const Mlp& network_;
  double loss_ = INFINITY;
  std::int64_t epoch_ = 0;
  NamedTensors state_;
};

class Fit {
 public:
  Fit(const Mlp& network, const TrainingData& data, const TrainOptions& options, Generator& generator)
      : network_(network),
        data_(data),
        options_(options),
        generator_(generator),
        loss_(data, options),
        optimizer_(make_optimizer(network, options)),
        scheduler_(
            *optimizer_,
            make_schedule(options, options.epochs * Batches(data.train, options.batch, unused_).size())),
        progress_(options.epochs, data.train.size(), data.task() == Task::classification),
        best_(network) {}

  Learned run() {
    for (std::int64_t epoch = 1; epoch <= options_.epochs; ++epoch) {
      learn_epoch(epoch);
      learned_.best_epoch = epoch;
      if (options_.wants_curves()) test();
      if (data_.validation.size() > 0 && is_over(epoch)) break;
    }
    if (data_.validation.size() > 0) {
      best_.restore();
      learned_.best_epoch = best_.epoch();
    }
    // Each loss was that before its step: only this looks at the result of the last one.
    for (const Parameter& parameter : network_.parameters())
      if (!std::isfinite(no_grad([&] { return max(abs(parameter)).item(); })))
        throw std::runtime_error(divergence(options_, options_.epochs, 0));
    return std::move(learned_);
  }

 private:
  using Clock = std::chrono::steady_clock;

  void learn_epoch(std::int64_t epoch) {
    const auto start = Clock::now();
    std::int64_t number = 0;
    for (const Dataset& batch : Batches(data_.train, options_.batch, generator_)) {
      ++number;
      double batch_accuracy = 0;
      const double loss = learn(batch, batch_accuracy);
      if (!std::isfinite(loss)) throw std::runtime_error(divergence(options_, epoch, number));
      progress_.add_batch(loss, batch_accuracy, batch.size());
    }
    learned_.seconds += std::chrono::duration<double>(Clock::now() - start).count();
    learned_.epochs.push_back({.loss = progress_.loss(), .accuracy = progress_.accuracy()});
    if (data_.validation.size() > 0)
      learned_.validation_losses.push_back(mean_loss(network_, data_.validation, data_.task()));
    progress_.finish_epoch(
        learned_.validation_losses.empty() ? std::nullopt : std::optional(learned_.validation_losses.back()));
  }

  /// Takes one step and returns the loss before it. The graph is gone when this returns, so that the next
  /// step finds parameters that nobody else holds and updates them in place.
  double learn(const Dataset& batch, double& batch_accuracy) {
    Tensor loss = [&] {
      const Tensor outputs = with_dropout(network_, batch.x, options_.dropout, generator_);
      if (data_.task() == Task::classification) batch_accuracy = accuracy(outputs, batch.y);
      return loss_(outputs, batch.y);
    }();
    const auto value = loss.item<double>();
    std::move(loss).backward();
    if (options_.clip > 0) clip_grad_norm(optimizer_->parameters(), options_.clip);
    optimizer_->step();
    scheduler_.step();
    return value;
  }

  void test() {
    TrainingEpoch& epoch = learned_.epochs.back();
    if (data_.task() == Task::regression) {
      epoch.test_loss = mean_loss(network_, data_.test, data_.task());
      return;
    }
    const Evaluation test = evaluate(network_, data_.test);
    epoch.test_loss = test.loss;
    epoch.test_accuracy = static_cast<double>(test.correct) / static_cast<double>(data_.test.size());
  }

  /// Has the validation loss not improved for as long as the user is patient?
  bool is_over(std::int64_t epoch) {
    best_.offer(epoch, learned_.validation_losses.back());
    return options_.patience > 0 && epoch - best_.epoch() >= options_.patience;
  }

  const Mlp& network_;
  const TrainingData& data_;
  const TrainOptions& options_;
  Generator& generator_;
  Generator unused_;
  Loss loss_;
  std::unique_ptr<Optimizer> optimizer_;
  Scheduler scheduler_;
  Progress progress_;
  Best best_;
  Learned learned_;
};

}  // namespace

Mlp make_network(const TrainingData& data, const TrainOptions& options, Generator& generator) {
  std::vector<std::int64_t> sizes = parse_sizes(options.hidden);
  sizes.insert(sizes.begin(), data.encoder.width());
  sizes.push_back(std::max<std::int64_t>(1, data.train.classes));
  double parameters = 0;
  for (std::size_t i = 1; i < sizes.size(); ++i)
    parameters += static_cast<double>(sizes[i - 1] + 1) * static_cast<double>(sizes[i]);
  require(parameters <= 1e9, fmt::format("--hidden: this network would have {:.1g} parameters", parameters));
  Mlp network(sizes, generator);
  initialise(network, options.init, generator);
  return network;
}

void complete(TrainOptions& options, const TrainingData& data) {
  const bool sgd = options.optimizer == "sgd", numbers = data.task() == Task::regression;
  if (options.learning_rate == 0) options.learning_rate = !sgd ? 0.003 : numbers ? 0.01 : 0.03;
  // A prior on the weights counts as much as so many samples, whatever their number.
  if (options.weight_decay < 0)
    options.weight_decay = std::min(0.01, 6 / static_cast<double>(data.train.size()));
  // A squared difference grows without bound where a number lies far out, and its gradient with it.
  if (options.clip < 0) options.clip = numbers ? 1 : 0;
  if (options.batch == 0) options.batch = data.train.size() < 1000 ? 16 : 32;
  constexpr std::int64_t steps = 6000, fewest = 10, most = 300;
  if (options.epochs == 0)
    options.epochs = std::clamp(steps * options.batch / data.train.size(), fewest, most);
}

Learned fit(const Mlp& network, const TrainingData& data, const TrainOptions& options, Generator& generator) {
  return Fit(network, data, options, generator).run();
}

Tensor outputs_of(const Mlp& network, const Tensor& x) {
  const NoGrad guard;
  constexpr std::int64_t part = 1024;
  std::vector<Tensor> parts;
  for (std::int64_t first = 0; first < x.shape()[0]; first += part)
    parts.push_back(network(x[{Slice{first, std::min(first + part, x.shape()[0])}}]));
  return parts.size() == 1 ? parts.front() : concatenate(parts, 0);
}

double mean_loss(const Mlp& network, const Dataset& samples, Task task) {
  const NoGrad guard;
  const Tensor outputs = outputs_of(network, samples.x);
  if (task == Task::classification) return cross_entropy(outputs, samples.y).item<double>();
  return mse_loss(reshape(outputs, samples.y.shape()), samples.y).item<double>();
}

}  // namespace chainrule::cli
