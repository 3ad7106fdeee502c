// Signals as a wish to stop.
// The handler sets a flag and does nothing else.

#pragma once

#include <csignal>

namespace chainrule::cli {

/// Notes SIGINT and SIGTERM instead of ending the program, while this lives; the second one ends it.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// The signal that has arrived; 0: none.
  int arrived() const;

 private:
  struct sigaction before_[2] = {};
};

}  // namespace chainrule::cli
