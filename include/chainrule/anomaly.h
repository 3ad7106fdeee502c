/// \file
/// DetectAnomaly finds the operation or derivative that makes the first NaN or infinity. It needs nothing but
/// what each operation shows to observers, and costs nothing while there is none.

#pragma once

#include <memory>
#include <stdexcept>

#include "chainrule/detail/api.h"

namespace CHAINRULE_API chainrule {

/// A NaN or an infinity that an operation or a derivative has made. See DetectAnomaly.
class AnomalyError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Until it goes out of scope, the first NaN or infinity that an operation of this thread makes of finite
/// numbers, or a derivative of a finite gradient, is an AnomalyError: it names the operation, its node and
/// scope, the element, shapes and ranges of the inputs, and file and line of the forward call. What is given
/// as NaN or infinite, as a mask of -inf, is none. Within it graphs keep every value, as under KeepValues,
/// and every result is read: for finding errors, not for training.
class [[nodiscard]] DetectAnomaly {
 public:
  [[nodiscard]] DetectAnomaly();
  ~DetectAnomaly();
  DetectAnomaly(const DetectAnomaly&) = delete;
  DetectAnomaly& operator=(const DetectAnomaly&) = delete;

 private:
  class Detector;
  std::unique_ptr<Detector> detector_;
};

}  // namespace chainrule
