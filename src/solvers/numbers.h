// Numbers that solvers compare and say.
// Under vmap they are of all samples, which so take the same steps.

#pragma once

#include <cstdio>
#include <limits>
#include <string>

#include "chainrule/ops.h"
#include "ops/samples.h"

namespace chainrule::solvers {

inline double epsilon(DType dtype) {
  return dtype == DType::float32 ? static_cast<double>(std::numeric_limits<float>::epsilon())
                                 : std::numeric_limits<double>::epsilon();
}

/// The largest magnitude of an element; 0 where there is none, and NaN where one is.
inline double largest(const Tensor& x) {
  const Tensor all = elements_of_all_samples(x);
  return all.size() == 0 ? 0 : max(abs(all)).item();
}
inline double length_of(const Tensor& x) { return norm(elements_of_all_samples(x)).item(); }

/// Short: three digits.
inline std::string text_of(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", number);
  return text;
}

}  // namespace chainrule::solvers
