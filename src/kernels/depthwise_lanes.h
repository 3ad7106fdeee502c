// Convolutions of one channel with one filter in each group, of as many planes at a time as a pack has lanes
// (see kernels/convolution.h for what the three are). The planes are transposed on their way in and out,
// which takes less time than the padding, the strides and the ends of lines that lanes along a line have to
// deal with.

#pragma once

#include "kernels/convolution.h"

namespace chainrule::kernels {

/// Whether these are the faster ones for floats, by the sizes alone: y from x, x from y, and the weight from
/// both. Doubles have no others.
bool suits_lanes(const Convolution& convolution);
bool suits_lanes_back(const Convolution& convolution);
bool suits_lanes_for_weight(const Convolution& convolution);

template <class T>
void lanes_convolve(const Convolution& convolution, const T* x, const T* weight, const T* bias, T* y);
template <class T>
void lanes_convolve_back(const Convolution& convolution, const T* y, const T* weight, const T* bias, T* x);
/// Adds to the weight.
template <class T>
void lanes_convolution_weight(const Convolution& convolution, const T* x, const T* y, T* weight);

}  // namespace chainrule::kernels
