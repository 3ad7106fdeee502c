#pragma once

#include <span>
#include <string>
#include <vector>

#include "chainrule/error.h"
#include "graph/traced.h"

/// What a function is called with while its solver looks for the solution.
namespace chainrule::solvers {

/// Without histories and tangents: the derivative of the solution is no derivative of the way there.
inline std::vector<Tensor> detached(std::span<const Tensor> in) {
  std::vector<Tensor> plain;
  for (const Tensor& each : in) plain.push_back(each.detach());
  return plain;
}

/// Called with what detached() gives, a function whose results have tangents, or values for each sample, has
/// captured some that do, and nothing says which. GradError.
inline void require_nothing_traced(std::string_view called, std::span<const Tensor> results) {
  for (const Tensor& each : results)
    if (traced(each) != nullptr)
      throw GradError(
          std::string(called) +
          ": the function has captured a tensor that is differentiated by jvp, or has a value for "
          "each sample of vmap; pass it as an argument");
}

}  // namespace chainrule::solvers
