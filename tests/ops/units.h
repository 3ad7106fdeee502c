// How far results are from what they should be, in units in the last place.

#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "chainrule/tensor.h"

namespace chainrule {

using Function = Tensor (*)(const Operand&);
using Exact = long double (*)(long double);

inline const long double pi = std::acos(-1.0L);
inline long double normal(long double x) { return std::erfc(-x / std::sqrt(2.0L)) / 2; }

/// The worst error in units of T, where what is exact is no smaller than `least`: else it is that of a sum.
template <class T>
double worst(const std::vector<T>& x, const Tensor& got, Exact exact, long double least = 0) {
  double most = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const long double right = exact(x[i]);
    int exponent = 0;
    std::frexp(std::max(std::abs(right), least), &exponent);
    using Limits = std::numeric_limits<T>;
    const long double unit = std::ldexp(1.0L, std::max(exponent, Limits::min_exponent) - Limits::digits);
    const double error = static_cast<double>(std::abs(got.data<T>()[i] - right) / unit);
    if (!(error <= most)) most = error;
  }
  return most;
}

}  // namespace chainrule
