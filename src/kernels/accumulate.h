#pragma once

#include "array/array.h"
#include "chainrule/simd.h"

namespace chainrule::kernels {

template <class T>
struct AccumulateLoop {
  template <int Bytes>
  static void run(std::int64_t n, const T* from, T* to) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    std::int64_t i = 0;
    for (; i + P::lanes <= n; i += P::lanes) (P::load(to + i) + P::load(from + i)).store(to + i);
    for (; i < n; ++i) to[i] += from[i];
  }
};

/// sum += more, of the same shape and floating dtype.
inline void accumulate(Array& sum, const Array& more) {
  dispatch_floating(sum.dtype(), [&]<class T>() {
    if (sum.shape().rank() == 0)
      *sum.mutable_data<T>() += *more.data<T>();
    else
      simd::vectorized<AccumulateLoop<T>>(sum.size(), more.data<T>(), sum.mutable_data<T>());
  });
}

}  // namespace chainrule::kernels
