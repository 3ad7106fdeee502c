// Numbers and tensors on one line, for labels, equations and reports.
// Relies on nothing else that draws.

#pragma once

#include <cmath>
#include <string>

#include "chainrule/tensor.h"

namespace chainrule {

/// For people, on one line: a scalar with six digits, a small tensor as nested lists, of a larger one its
/// shape and range.
std::string one_line(const Tensor& tensor);

/// Is the tensor small enough for all its elements to be shown?
bool is_small(const Tensor& tensor);

/// With so many significant digits; no "-0", and no "-nan".
std::string number(double value, int digits);

/// For fmt, which writes the sign of a NaN, too: a NaN without one, any other number as it is.
inline double without_nan_sign(double value) { return std::isnan(value) ? NAN : value; }

}  // namespace chainrule
