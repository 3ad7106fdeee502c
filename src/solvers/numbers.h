#pragma once

#include <cstdio>
#include <limits>
#include <string>

#include "chainrule/ops.h"

/// Numbers that solvers compare and say.
namespace chainrule::solvers {

inline double epsilon(DType dtype) {
  return dtype == DType::float32 ? static_cast<double>(std::numeric_limits<float>::epsilon())
                                 : std::numeric_limits<double>::epsilon();
}

/// The largest magnitude of an element; 0 where there is none, and NaN where one is.
inline double largest(const Tensor& x) { return x.size() == 0 ? 0 : max(abs(x)).item(); }

/// Short: three digits.
inline std::string text_of(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", number);
  return text;
}

}  // namespace chainrule::solvers
