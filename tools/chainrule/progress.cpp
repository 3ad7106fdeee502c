// How training goes: a bar on a terminal, a line per epoch elsewhere.
// Only the first rank has one.

#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace chainrule::cli {

Progress::Progress(std::int64_t epochs, std::int64_t samples_per_epoch, bool classifies, bool shown)
    : epochs_(epochs),
      samples_per_epoch_(samples_per_epoch),
      on_terminal_(shown && isatty(STDERR_FILENO) == 1),
      classifies_(classifies),
      shown_(shown) {}

Progress::~Progress() {
  if (bar_open_) std::fputc('\n', stderr);
}

void Progress::go_on(std::int64_t epoch, std::int64_t seen, double loss, double accuracy) {
  epoch_ = epoch;
  seen_ = seen;
  loss_ = loss;
  accuracy_ = accuracy;
  before_ =
      static_cast<double>(epoch - 1) + static_cast<double>(seen) / static_cast<double>(samples_per_epoch_);
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
  // Terminals are slow: more than twenty drawings a second would hold the training up.
  if (on_terminal_ && drawn_ + std::chrono::milliseconds(50) < Clock::now()) draw_bar();
}

void Progress::finish_epoch(std::optional<double> validation_loss) {
  validation_loss_ = validation_loss;
  if (shown_ && !on_terminal_)
    fmt::print(stderr, "epoch {}/{}  {}\n", epoch_, epochs_, numbers());
  else if (on_terminal_ && epoch_ == epochs_)
    draw_bar();
}

std::string Progress::numbers() const {
  std::string text = fmt::format("loss {:.4f}", loss_);
  if (classifies_) text += fmt::format("  accuracy {:.2f} %", 100 * accuracy_);
  if (validation_loss_) text += fmt::format("  validation loss {:.4f}", *validation_loss_);
  return text;
}

std::string Progress::time_left(double epochs_done) const {
  const double passed = std::chrono::duration<double>(Clock::now() - begun_).count();
  const auto left = static_cast<std::int64_t>(passed * (static_cast<double>(epochs_) - epochs_done) /
                                              std::max(epochs_done - before_, 1e-9));
  return passed < 1 || left < 1 ? "" : fmt::format("  {}:{:02} left", left / 60, left % 60);
}

void Progress::draw_bar() {
  constexpr int width = 30;
  drawn_ = Clock::now();
  const double epochs_done =
      static_cast<double>(epoch_ - 1) + static_cast<double>(seen_) / static_cast<double>(samples_per_epoch_);
  const int filled = static_cast<int>(width * epochs_done / static_cast<double>(epochs_));
  std::string bar;
  for (int i = 0; i < width; ++i) bar += i < filled ? "━" : "─";
  constexpr const char* erase_rest_of_line = "\x1b[K";
  fmt::print(stderr, "\repoch {}/{} {} {}{}{}", epoch_, epochs_, bar, numbers(), time_left(epochs_done),
             erase_rest_of_line);
  std::fflush(stderr);
  bar_open_ = true;
}

}  // namespace chainrule::cli
