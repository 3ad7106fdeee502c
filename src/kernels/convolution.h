// What a convolution is linear in: its input, its weight and what its output weighs. Three kernels, each the
// derivative of the others; windows.h says how the windows move.

#pragma once

#include "kernels/windows.h"

namespace chainrule::kernels {

/// A convolution is linear in its input x (samples, groups · in_channels, in...), in its weight (groups ·
/// out_channels, in_channels, kernel...) and in what its output y (samples, groups · out_channels, out...) is
/// multiplied with: Σ y · weight · x over all windows. Each of the three below is the derivative of that by
/// one of them. Products of matrices, of the weight and of columns that hold the windows of one sample, a
/// part of them at a time, so that they stay in the cache. Results do not depend on threads.
struct Convolution {
  Windows windows;
  std::int64_t samples = 1, groups = 1, in_channels = 1, out_channels = 1;  ///< channels of one group
};

/// y, to which the bias of each channel is added unless it is null.
template <class T>
void convolve(const Convolution& convolution, const T* x, const T* weight, const T* bias, T* y);

/// x from y, as a transposed convolution, with a bias of x's channels.
template <class T>
void convolve_back(const Convolution& convolution, const T* y, const T* weight, const T* bias, T* x);

/// The weight, from x and y.
template <class T>
void convolution_weight(const Convolution& convolution, const T* x, const T* y, T* weight);

}  // namespace chainrule::kernels
