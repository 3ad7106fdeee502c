// SIGINT and SIGTERM as a wish to stop, which training notices between batches to save what it has. Relies on
// a flag of the type that a handler may write.

#include "stopping.h"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): <csignal> need not have sigaction

namespace chainrule::cli {
namespace {

constexpr int signals[] = {SIGINT, SIGTERM};
volatile std::sig_atomic_t noted = 0;

void note(int signal) { noted = signal; }

}  // namespace

StopSignals::StopSignals() {
  noted = 0;
  for (int i = 0; i < 2; ++i) {
    sigaction(signals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler == SIG_IGN) continue;  // as nohup and background jobs of scripts have it
    struct sigaction action = {};
    action.sa_handler = note;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
    sigemptyset(&action.sa_mask);
    sigaction(signals[i], &action, nullptr);
  }
}

StopSignals::~StopSignals() {
  for (int i = 0; i < 2; ++i) sigaction(signals[i], &before_[i], nullptr);
}

int StopSignals::arrived() const { return noted; }

}  // namespace chainrule::cli
