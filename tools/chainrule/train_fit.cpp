// How a network learns: the loss, steps and epochs, with states on the way.
// Optimisers and schedules are the library's.

#include "train_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <span>

#include "chainrule/autograd.h"
#include "chainrule/data/augment.h"
#include "chainrule/detail/seeds.h"
#include "chainrule/losses.h"
#include "chainrule/optim.h"
#include "chainrule/random.h"
#include "command.h"
#include "progress.h"
#include "stopping.h"

namespace chainrule::cli {
namespace {

std::unique_ptr<Optimizer> make_optimizer(const TableNetwork& network, const TrainOptions& options) {
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
  /// What the mean over samples divides by.
  double weight(const Tensor& y) const {
    if (options_.weight.is_empty()) return static_cast<double>(y.shape()[0]);
    return sum(cast(take_rows(options_.weight, y), DType::float64)).item();
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

/// The name of the first parameter that has a number that is not finite; empty if all are.
std::string broken_parameter(const TableNetwork& network) {
  for (const Parameter& parameter : network.parameters())
    if (!std::isfinite(no_grad([&] { return max(abs(parameter)).item(); }))) return parameter.name();
  return "";
}

class Fit {
 public:
  Fit(const TableNetwork& network, const TrainingData& data, const TrainOptions& options, Ranks& ranks,
      const TrainingState* state)
      : network_(network),
        data_(data),
        options_(options),
        ranks_(ranks),
        loss_(data, options),
        optimizer_(make_optimizer(network, options)),
        scheduler_(*optimizer_, make_schedule(options, options.epochs * batches())),
        progress_(options.epochs, data.train.size(), data.task() == Task::classification, ranks.is_first()) {
    if (keeps()) data_text_ = fingerprint(data);
    if (state != nullptr) go_on(*state);
    ranks_.share(network.parameters());
  }

  Learned run() {
    if (!options_.checkpoint.empty()) save_in(options_.checkpoint);
    while (at_.epoch <= options_.epochs) {
      learn_epoch();
      at_.learned.best_epoch = at_.epoch;
      if (options_.wants_curves()) test();
      if (data_.validation.size() > 0 && is_over()) break;
      ++at_.epoch;
      at_.batch = 0;
      keep(options_.every == 0);
    }
    // Each loss was that before its step: only this looks at the result of the last one.
    require_finite();
    if (data_.validation.size() > 0) {
      load_state_dict(network_, at_.best);
      at_.learned.best_epoch = at_.best_epoch;
    }
    return std::move(at_.learned);
  }

 private:
  using Clock = std::chrono::steady_clock;

  std::int64_t batches() const { return (data_.train.size() + options_.batch - 1) / options_.batch; }
  /// Is anything to be kept?
  bool keeps() const { return !options_.checkpoint.empty() || !options_.save.empty(); }

  void go_on(const TrainingState& state) {
    at_ = state;
    load_state_dict(network_, at_.network);
    optimizer_->load_state(at_.optimizer);
    scheduler_.load_state(at_.scheduler);
    const std::int64_t seen = std::min(at_.batch * options_.batch, data_.train.size());
    progress_.go_on(at_.epoch, seen, at_.loss, at_.accuracy);
  }

  /// Writes where the run is.
  void save_in(const std::string& folder) {
    require_finite();
    at_.loss = progress_.loss();
    at_.accuracy = progress_.accuracy();
    at_.network = state_dict(network_);
    at_.optimizer = optimizer_->state();
    at_.scheduler = scheduler_.state();
    if (ranks_.is_first()) save_checkpoint(folder, {options_, data_text_, at_});
    saved_ = fmt::format("epoch {}, batch {}", at_.epoch, at_.batch);
    // Steps change parameters in place only if nobody else holds them.
    at_.network.clear();
    at_.optimizer.clear();
    at_.scheduler.clear();
  }

  /// Between two batches: is a checkpoint due, or has somebody asked us to stop?
  void keep(bool due) {
    if (signal_ == 0) {
      if (due && !options_.checkpoint.empty()) save_in(options_.checkpoint);
      return;
    }
    std::string text = fmt::format("stopped in epoch {} of {}, after {} of {} batches; ", at_.epoch,
                                   options_.epochs, at_.batch, batches());
    if (!keeps())
      throw Stopped(text + (options_.cv > 0 ? "--cv keeps nothing to go on from"
                                            : "nothing is kept without --save or --checkpoint"),
                    signal_);
    const std::string folder =
        options_.checkpoint.empty() ? options_.save + ".checkpoint" : options_.checkpoint;
    if (options_.checkpoint.empty() && ranks_.is_first()) make_folder(folder);
    save_in(folder);
    throw Stopped(fmt::format("{}go on with chainrule train --resume {}", text, folder), signal_);
  }

  void learn_epoch() {
    const std::uint64_t seed = detail::seed_at(options_.seed, at_.epoch);
    Generator generator(seed);
    const auto order = randperm(data_.train.size(), generator).to_vector<std::int64_t>();
    auto start = Clock::now();
    while (at_.batch < batches()) {
      const auto first = static_cast<std::size_t>(at_.batch * options_.batch);
      const auto count = std::min(static_cast<std::size_t>(options_.batch), order.size() - first);
      ++at_.batch;
      const Seen seen = learn(std::span(order).subspan(first, count), detail::seed_at(seed, at_.batch));
      if (!std::isfinite(seen.loss)) throw Diverged(divergence(seen.loss));
      last_loss_ = seen.loss;
      progress_.add_batch(seen.loss, seen.accuracy, static_cast<std::int64_t>(count));
      at_.learned.seconds += std::chrono::duration<double>(Clock::now() - start).count();
      keep(options_.every > 0 && scheduler_.steps() % options_.every == 0);
      start = Clock::now();
    }
    at_.learned.epochs.push_back({.loss = progress_.loss(), .accuracy = progress_.accuracy()});
    if (data_.validation.size() > 0)
      at_.learned.validation_losses.push_back(shared_mean_loss(data_.validation));
    progress_.finish_epoch(at_.learned.validation_losses.empty()
                               ? std::nullopt
                               : std::optional(at_.learned.validation_losses.back()));
  }

  /// Of a batch, before its step: means over its samples.
  struct Seen {
    double loss, accuracy;
  };

  /// Takes one step with a batch, of which this rank has its share. The graph is gone when this returns, so
  /// that the next step finds parameters that nobody else holds and updates them in place.
  Seen learn(std::span<const std::int64_t> positions, std::uint64_t seed) {
    const auto all = static_cast<std::int64_t>(positions.size());
    const Rows rows = ranks_.share_of(all);
    Generator generator(seed);
    const Dataset mine = shown(positions, rows, generator);
    double right = 0;
    Tensor loss;
    if (mine.size() > 0) {
      const Tensor outputs = network_(mine.x, options_.dropout, generator, rows.first, all);
      if (data_.task() == Task::classification) right = accuracy(outputs, mine.y) * share(mine.size(), all);
      loss = loss_(outputs, mine.y);
    }
    const double weight = weight_of(mine, positions);
    const double lost = loss.is_empty() ? 0 : weight * loss.item<double>();
    const int signal = signals_.arrived();
    const auto is = [&](int one) { return signal == one ? 1.0 : 0.0; };
    const std::vector<double> sums =
        ranks_.backward(std::move(loss), weight, {lost, right, is(SIGINT), is(SIGTERM)});
    signal_ = sums[3] > 0 ? SIGTERM : sums[2] > 0 ? SIGINT : 0;
    if (std::isfinite(sums[0])) {
      if (options_.clip > 0) clip_grad_norm(optimizer_->parameters(), options_.clip);
      optimizer_->step();
      scheduler_.step();
    }
    return {.loss = sums[0], .accuracy = sums[1]};
  }

  static double share(std::int64_t part, std::int64_t all) {
    return static_cast<double>(part) / static_cast<double>(all);
  }

  /// How much the mean over this rank's samples counts in that over all of a batch.
  double weight_of(const Dataset& mine, std::span<const std::int64_t> positions) const {
    if (mine.size() == std::ssize(positions)) return 1;
    if (mine.size() == 0) return 0;
    return loss_.weight(mine.y) / loss_.weight(take_rows(data_.train.y, positions));
  }

  Dataset shared(const Dataset& samples) const {
    const Rows rows = ranks_.share_of(samples.size());
    if (rows.size() == samples.size()) return samples;
    const Slice slice{rows.first, rows.end};
    return {samples.x[{slice}], samples.y[{slice}], samples.classes};
  }

  /// Each rank looks at its share.
  double shared_mean_loss(const Dataset& samples) const {
    const Dataset mine = shared(samples);
    const double part = share(mine.size(), samples.size());
    return ranks_.sum({part > 0 ? part * mean_loss(network_, mine, data_.task()) : 0})[0];
  }

  /// Samples of a batch as the network sees them while it learns: images are moved a little, all of the
  /// batch, so that each moves alike on any number of ranks.
  Dataset shown(std::span<const std::int64_t> positions, Rows rows, Generator& generator) const {
    if (data_.image.is_empty() || options_.shift == 0)
      return take_rows(data_.train, positions.subspan(static_cast<std::size_t>(rows.first),
                                                      static_cast<std::size_t>(rows.size())));
    const Dataset batch = take_rows(data_.train, positions);
    const Shape as_images = {batch.size(), data_.image.channels, data_.image.height, data_.image.width};
    const InputColumn& pixel = data_.encoder.columns().front();  // all are scaled alike
    const Tensor images =
        random_shift(batch.x.reshape(as_images), options_.shift, generator, -pixel.mean / pixel.deviation);
    const Slice mine{rows.first, rows.end};
    return {images.reshape(batch.x.shape())[{mine}], batch.y[{mine}], batch.classes};
  }

  void test() {
    TrainingEpoch& epoch = at_.learned.epochs.back();
    // With equal first weights, units of a layer stay equal: the report shows it.
    if (!options_.report.empty() && (options_.init == "zeros" || options_.init.starts_with("constant")))
      for (std::size_t i = 0; i + 1 < network_.layers().size(); ++i)
        epoch.different_units.push_back(different_rows(network_.layers()[i].weight()));
    if (data_.task() == Task::regression) {
      epoch.test_loss = shared_mean_loss(data_.test);
      return;
    }
    const Dataset mine = shared(data_.test);
    const double part = share(mine.size(), data_.test.size());
    const Evaluation test = part > 0 ? evaluate(network_, mine) : Evaluation();
    const std::vector<double> sums =
        ranks_.sum({part > 0 ? part * test.loss : 0, static_cast<double>(test.correct)});
    epoch.test_loss = sums[0];
    epoch.test_accuracy = sums[1] / static_cast<double>(data_.test.size());
  }

  /// Keeps the parameters with the least validation loss. Has that not improved for as long as the user is
  /// patient?
  bool is_over() {
    const double loss = at_.learned.validation_losses.back();
    if (at_.best_epoch == 0 || loss < at_.best_loss) {
      at_.best_loss = loss;
      at_.best_epoch = at_.epoch;
      at_.best = state_dict(network_);
    }
    return options_.patience > 0 && at_.epoch - at_.best_epoch >= options_.patience;
  }

  /// What is learned from is finite, so that what is not comes from steps.
  void require_finite() const {
    if (!broken_parameter(network_).empty()) throw Diverged(divergence({}));
  }

  /// What to say when numbers are no longer finite.
  std::string divergence(std::optional<double> loss) const {
    const std::string broken = broken_parameter(network_);
    std::string text = fmt::format("training diverged in epoch {}, batch {} (step {}): ",
                                   std::min(at_.epoch, options_.epochs), at_.batch, scheduler_.steps() + 1);
    text += loss ? fmt::format("the loss is {}", std::abs(*loss)) : "the step has left no finite numbers";
    if (last_loss_) text += fmt::format(", after {:.3g} in the batch before", *last_loss_);
    if (!broken.empty()) text += fmt::format(", and {} is no longer finite", broken);
    text += fmt::format("; the steps are likely too large: lower --lr (it is {})", options_.learning_rate);
    if (options_.clip == 0) text += ", or limit the gradients with --clip 1";
    if (!saved_.empty())
      text += fmt::format("; {} keeps the state of {}", checkpoint_file(options_.checkpoint), saved_);
    return text;
  }

  const TableNetwork& network_;
  const TrainingData& data_;
  const TrainOptions& options_;
  Ranks& ranks_;
  Loss loss_;
  std::unique_ptr<Optimizer> optimizer_;
  Scheduler scheduler_;
  Progress progress_;
  const StopSignals signals_;
  int signal_ = 0;    // which any rank has been sent by the last step
  TrainingState at_;  // where the run is; its tensors, but the best ones, only while they are saved
  std::optional<double> last_loss_;
  std::string data_text_, saved_;  // the data's fingerprint, and the place of the last checkpoint
};

}  // namespace

Learned fit(const TableNetwork& network, const TrainingData& data, const TrainOptions& options, Ranks& ranks,
            const TrainingState* state) {
  return Fit(network, data, options, ranks, state).run();
}

double mean_loss(const TableNetwork& network, const Dataset& samples, Task task) {
  const NoGrad guard;
  const Tensor outputs = network.predict(samples.x);
  if (task == Task::classification) return cross_entropy(outputs, samples.y).item<double>();
  return mse_loss(reshape(outputs, samples.y.shape()), samples.y).item<double>();
}

}  // namespace chainrule::cli
