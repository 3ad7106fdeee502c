#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace chainrule::cli {

Progress::Progress(std::int64_t epochs, std::int64_t samples_per_epoch)
    : epochs_(epochs), samples_per_epoch_(samples_per_epoch), on_terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (bar_open_) std::fputc('\n', stderr);
}

void Progress::add_batch(double loss, double accuracy, std::int64_t samples) {
  if (seen_ == samples_per_epoch_) {
    ++epoch_;
    seen_ = 0;
  }
  seen_ += samples;
  const double share = static_cast<double>(samples) / static_cast<double>(seen_);
  loss_ += share * (loss - loss_);
  accuracy_ += share * (accuracy - accuracy_);

  const bool epoch_done = seen_ == samples_per_epoch_;
  if (!on_terminal_) {
    if (epoch_done) print_line();
    return;
  }
  // Terminals are slow: more than twenty drawings a second would hold the training up.
  const bool all_done = epoch_done && epoch_ == epochs_;
  if (const auto now = Clock::now(); all_done || drawn_ + std::chrono::milliseconds(50) < now) {
    drawn_ = now;
    draw_bar();
  }
}

void Progress::print_line() const {
  fmt::print(stderr, "epoch {}/{}  loss {:.4f}  accuracy {:.2f} %\n", epoch_, epochs_, loss_,
             100 * accuracy_);
}

void Progress::draw_bar() {
  constexpr int width = 30;
  const double epochs_done =
      static_cast<double>(epoch_ - 1) + static_cast<double>(seen_) / static_cast<double>(samples_per_epoch_);
  const int filled = static_cast<int>(width * epochs_done / static_cast<double>(epochs_));
  std::string bar;
  for (int i = 0; i < width; ++i) bar += i < filled ? "━" : "─";
  constexpr const char* erase_rest_of_line = "\x1b[K";
  fmt::print(stderr, "\repoch {}/{} {} loss {:.4f}  accuracy {:.2f} %{}", epoch_, epochs_, bar, loss_,
             100 * accuracy_, erase_rest_of_line);
  std::fflush(stderr);
  bar_open_ = true;
}

}  // namespace chainrule::cli
