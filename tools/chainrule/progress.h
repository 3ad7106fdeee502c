#pragma once

#include <chrono>
#include <cstdint>

namespace chainrule::cli {

/// Tells on standard error how training goes: a bar that is drawn over and over on a terminal, a line per
/// epoch anywhere else.
class Progress {
 public:
  Progress(std::int64_t epochs, std::int64_t samples_per_epoch);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// One more batch: its mean loss and the share of its samples that were classified correctly.
  void add_batch(double loss, double accuracy, std::int64_t samples);

  /// The means over the samples of the current epoch so far: what is shown.
  double loss() const { return loss_; }
  double accuracy() const { return accuracy_; }

 private:
  using Clock = std::chrono::steady_clock;
  void draw_bar();
  void print_line() const;

  std::int64_t epochs_, samples_per_epoch_;
  bool on_terminal_;
  std::int64_t epoch_ = 1, seen_ = 0;  // the current epoch, from 1, and its samples so far
  double loss_ = 0, accuracy_ = 0;     // their means over those samples
  Clock::time_point drawn_ = Clock::time_point::min();
  bool bar_open_ = false;
};

}  // namespace chainrule::cli
