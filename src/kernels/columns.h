// The windows of a convolution as columns of a matrix, and back: what products of matrices make of it.

#pragma once

#include "kernels/windows.h"

namespace chainrule::kernels {

/// Row c · kernel + k of the columns has element k in channel c of the windows from begin to end - 1.
template <class T>
void columns_of(const Windows& windows, const T* x, std::int64_t channels, std::int64_t begin,
                std::int64_t end, T* columns);
/// Adds each to the element of x that it is.
template <class T>
void add_columns(const Windows& windows, T* columns, std::int64_t channels, std::int64_t begin,
                 std::int64_t end, T* x);

}  // namespace chainrule::kernels
