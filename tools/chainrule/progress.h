// How training goes, on standard error. train_fit.cpp calls it for each epoch and batch.
// A bar needs a terminal.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace chainrule::cli {

/// Tells on standard error how training goes: a bar that is drawn over and over on a terminal, a line per
/// epoch anywhere else.
class Progress {
 public:
  /// Accuracies are shown where samples are classified; nothing at all is unless `shown`.
  Progress(std::int64_t epochs, std::int64_t samples_per_epoch, bool classifies = true, bool shown = true);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Goes on in this epoch, of which so many samples have been seen, with these means over them.
  void go_on(std::int64_t epoch, std::int64_t seen, double loss, double accuracy);
  /// One more batch: its mean loss and the share of its samples that were classified correctly.
  void add_batch(double loss, double accuracy, std::int64_t samples);
  /// The epoch is over. What the loss of the validation samples is now, if there are any.
  void finish_epoch(std::optional<double> validation_loss = {});

  /// The means over the samples of the current epoch so far: what is shown.
  double loss() const { return loss_; }
  double accuracy() const { return accuracy_; }

 private:
  using Clock = std::chrono::steady_clock;
  void draw_bar();
  std::string numbers() const;
  std::string time_left(double epochs_done) const;

  std::int64_t epochs_, samples_per_epoch_;
  bool on_terminal_, classifies_, shown_;
  std::int64_t epoch_ = 1, seen_ = 0;      // the current epoch, from 1, and its samples so far
  double before_ = 0;                      // epochs that were done when this began
  double loss_ = 0, accuracy_ = 0;         // their means over those samples
  std::optional<double> validation_loss_;  // after the last epoch
  Clock::time_point begun_ = Clock::now(), drawn_ = Clock::time_point::min();
  bool bar_open_ = false;
};

}  // namespace chainrule::cli
