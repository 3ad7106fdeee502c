// Where elements of tensors must not be read as numbers, as a derivative that is to be differentiated in turn
// would lose what it computes from them.

#pragma once

#include <string>
#include <string_view>

namespace chainrule {

/// Until it goes out of scope, reading elements of a tensor that needs a gradient is a GradError in this
/// thread: the message is `reason` with what was read.
class NumbersRefused {
 public:
  explicit NumbersRefused(std::string reason);
  ~NumbersRefused();
  NumbersRefused(const NumbersRefused&) = delete;
  NumbersRefused& operator=(const NumbersRefused&) = delete;
  const std::string& reason() const { return reason_; }

 private:
  std::string reason_;
  const NumbersRefused* before_;
};
/// Lifts that until it goes out of scope: rules of operations may look at elements, as for infinities.
class NumbersAllowed {
 public:
  NumbersAllowed();
  ~NumbersAllowed();
  NumbersAllowed(const NumbersAllowed&) = delete;
  NumbersAllowed& operator=(const NumbersAllowed&) = delete;

 private:
  const NumbersRefused* before_;
};
[[gnu::tls_model("initial-exec")]] extern constinit thread_local const NumbersRefused* numbers_refused;

}  // namespace chainrule
