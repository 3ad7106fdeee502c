#pragma once

#include "chainrule/simd.h"
#include "kernels/broadcast.h"

namespace chainrule::kernels {

/// to += from.
template <class T>
struct AccumulateLoop {
  template <int Bytes>
  static void run(Block<1> block, const T* from, T* to) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    from += block.offsets[0];
    to += block.at;
    for (std::int64_t row = 0; row < block.rows; ++row, from += block.steps[0], to += block.count) {
      const P same(*from);
      std::int64_t i = 0;
      if (block.strides[0] == 0)
        for (; i + P::lanes <= block.count; i += P::lanes) (P::load(to + i) + same).store(to + i);
      else
        for (; i + P::lanes <= block.count; i += P::lanes)
          (P::load(to + i) + P::load(from + i)).store(to + i);
      for (; i < block.count; ++i) to[i] += from[i * block.strides[0]];
    }
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
    for_each_block<1>(sum.shape(), {&more.shape()},
                      [&](const Block<1>& block) { simd::vectorized<AccumulateLoop<T>>(block, from, to); });
  });
}

}  // namespace chainrule::kernels
