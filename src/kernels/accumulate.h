#pragma once

#include "array/array.h"

namespace chainrule::kernels {

/// sum += more, of the same shape and floating dtype.
inline void accumulate(Array& sum, const Array& more) {
  dispatch_floating(sum.dtype(), [&]<class T>() {
    T* __restrict to = sum.mutable_data<T>();
    const T* __restrict from = more.data<T>();
    for (std::int64_t i = 0, n = sum.size(); i < n; ++i) to[i] += from[i];
  });
}

}  // namespace chainrule::kernels
