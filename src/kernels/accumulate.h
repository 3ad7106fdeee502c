// Adding arrays up in place, with a factor, where the sum has been given up by all others. What is deferred
// or repeated is added without being written out first.

#pragma once

#include "chainrule/simd.h"
#include "kernels/broadcast.h"
#include "kernels/evaluation.h"

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
    if (sum.size() <= parallel_grain && sum.shape() == more.shape()) {  // planning would take as long
      const Block<1> all{0, sum.size(), 1, {0}, {1}, {0}};
      return simd::vectorized<AccumulateLoop<T>>(all, from, to);
    }
    for_each_block<1>(sum.shape(), {&more.shape()},
                      [&](const Block<1>& block) { simd::vectorized<AccumulateLoop<T>>(block, from, to); });
  });
}

/// The same for what is computed part by part and has as many elements. False, and nothing done, for any
/// other.
inline bool accumulate(Array& sum, const Deferred& more) {
  const Elementwise* pass = more.elementwise();
  if (pass == nullptr || pass->size() != sum.size()) return false;
  Evaluation evaluation(*pass);
  dispatch_floating(sum.dtype(), [&]<class T>() {
    T* to = sum.mutable_data<T>();
    constexpr std::int64_t few = 2048;
    parallel_for(sum.size(), parallel_grain, [&](std::int64_t begin, std::int64_t end) {
      Array part({few}, dtype_of<T>);
      T* computed = part.mutable_data<T>();
      for (std::int64_t from = begin; from < end; from += few) {
        const std::int64_t count = std::min(few, end - from);
        evaluation.run(from, from + count, computed);
        simd::vectorized<AccumulateLoop<T>>(Block<1>{0, count, 1, {0}, {1}, {0}},
                                            static_cast<const T*>(computed), to + from);
      }
    });
  });
  evaluation.finish();
  return true;
}

}  // namespace chainrule::kernels
