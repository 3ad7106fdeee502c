#pragma once

#include "chainrule/autograd.h"
#include "chainrule/detail/api.h"
#include "chainrule/detail/function_ref.h"

namespace CHAINRULE_API chainrule {

struct GradcheckOptions {
  double step = 1e-6;       ///< of the central difference, relative to max(1, |x|)
  double tolerance = 1e-6;  ///< largest |analytic - numeric| / max(1, |analytic|, |numeric|) accepted
  std::uint64_t seed = 0;   ///< of the random projection
};

struct [[nodiscard]] GradcheckResult {
  bool passed = true;
  double worst_error = 0;
  std::string message;  ///< names the input and element with the worst error when it failed
};

/// Compares the gradients of `function` at `inputs` (float64) with central differences of the random
/// projection sum(function(inputs) * v), element by element. Works for results of any shape.
GradcheckResult gradcheck(FunctionRef<Tensor(const std::vector<Tensor>&)> function,
                          const std::vector<Tensor>& inputs, const GradcheckOptions& options = {});

}  // namespace chainrule
