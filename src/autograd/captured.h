// What a function has captured, beside its arguments, that its result depends on: checkpoints and solvers
// must differentiate by it, too. Relies on scopes to tell which nodes the call has made.

#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "chainrule/detail/function_ref.h"
#include "chainrule/tensor.h"

namespace chainrule {

/// A call of a function in which all is recorded, in a scope of this name: its results, and what they depend
/// on that is neither among its arguments nor made in it. GradError for an empty handle among the results.
struct CapturingCall {
  std::vector<Tensor> results, captured;

  CapturingCall(std::string_view name, std::span<const Tensor> in,
                FunctionRef<std::vector<Tensor>(std::span<const Tensor> in)> call);

 private:
  void find_captured(const Tensor& result, std::span<const Tensor> in, int scope);
};

}  // namespace chainrule
