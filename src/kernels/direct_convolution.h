// Convolutions that read their input an element, or a pack of neighbours, at a time, and make no columns of
// it (see kernels/convolution.h for what the three are). Each sum is one of multiply-adds in the order of
// the channels and the kernel, from the bias on.

#pragma once

#include <cstdint>

#include "kernels/convolution.h"

namespace chainrule::kernels {

/// Whether the sizes, which alone decide, suit these: y from x, x from y, and the weight from both.
template <class T>
bool is_direct(const Convolution& convolution);
template <class T>
bool is_direct_back(const Convolution& convolution);
template <class T>
bool is_direct_weight(const Convolution& convolution);

template <class T>
void direct_convolve(const Convolution& convolution, const T* x, const T* weight, const T* bias, T* y);
template <class T>
void direct_convolve_back(const Convolution& convolution, const T* y, const T* weight, const T* bias, T* x);
template <class T>
void direct_convolution_weight(const Convolution& convolution, const T* x, const T* y, T* weight);

}  // namespace chainrule::kernels
