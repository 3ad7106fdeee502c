// The observers of a thread, the newest first.
// A thread that has none pays one test of a flag.

#include "graph/observer.h"

#include <utility>

namespace chainrule {

constinit thread_local Observer* Observer::newest_ = nullptr;

Observer::Observer()
    : before_(std::exchange(newest_, this)), kept_before_(std::exchange(recording_mode.keep_values, true)) {}
Observer::~Observer() {
  newest_ = before_;
  recording_mode.keep_values = kept_before_;
}

}  // namespace chainrule
