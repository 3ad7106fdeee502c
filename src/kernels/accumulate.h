#pragma once

#include "chainrule/simd.h"
#include "kernels/broadcast.h"

namespace chainrule::kernels {

/// to[i] += from[i * stride], with a stride of 0 or 1.
template <class T>
struct AccumulateLoop {
  template <int Bytes>
  static void run(std::int64_t n, const T* from, std::int64_t stride, T* to) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    const P same(*from);
    std::int64_t i = 0;
    if (stride == 0)
      for (; i + P::lanes <= n; i += P::lanes) (P::load(to + i) + same).store(to + i);
    else
      for (; i + P::lanes <= n; i += P::lanes) (P::load(to + i) + P::load(from + i)).store(to + i);
    for (; i < n; ++i) to[i] += from[i * stride];
  }
};

/// sum += more, which broadcasts to the sum's shape and has its floating dtype.
inline void accumulate(Array& sum, const Array& more) {
  dispatch_floating(sum.dtype(), [&]<class T>() {
    T* to = sum.mutable_data<T>();
    const T* from = more.data<T>();
    if (sum.shape().rank() == 0) {
      *to += *from;
      return;
    }
    for_each_row<1>(sum.shape(), {&more.shape()}, [&](auto at, auto& offsets, auto& strides, auto n) {
      simd::vectorized<AccumulateLoop<T>>(n, from + offsets[0], strides[0], to + at);
    });
  });
}

}  // namespace chainrule::kernels
