// Discrete Fourier transforms by FFTW, which is loaded when the first one is asked for. Complex numbers are
// pairs along a last axis of size 2. Nothing is divided by the length.

#pragma once

#include "array/array.h"

namespace chainrule::kernels {

/// Of pairs, along an axis that is not the last. `sign` is that of the exponent.
Array complex_transform(const Array& x, std::size_t axis, int sign);
/// Of real numbers, along an axis of n: the first n / 2 + 1 pairs, with the exponent's sign -1.
Array real_transform(const Array& x, std::size_t axis);
/// Real numbers, n along the axis, from n / 2 + 1 pairs, with the exponent's sign +1.
Array real_transform_back(const Array& y, std::size_t axis, std::int64_t n);

}  // namespace chainrule::kernels
