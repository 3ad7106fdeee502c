#pragma once

#include <algorithm>
#include <utility>

#include "array/array.h"
#include "chainrule/detail/loops.h"
#include "kernels/broadcast.h"

/// Loops that apply a function to each element. `F` is a stateless generic function object: a loop over one
/// stretch of memory is compiled for each, and all else, as broadcasting and threads, once for all.
namespace chainrule::kernels {

// ---- Floats: out[i] = f(operands[i]...), on packs ----------------------------------------------------

template <class F, class T, std::size_t K>
struct ElementwiseLoop {
  template <int Bytes>
  static void run(const Block<K>* block, const T* const* operands, T* out) {
    std::array<simd::Strided<T>, K> row;
    for (std::size_t k = 0; k < K; ++k) row[k] = {operands[k] + block->offsets[k], block->strides[k]};
    const std::int64_t count = block->count;
    out += block->at;
    for (std::int64_t r = 0; r < block->rows; ++r, out += count) {
      simd::for_each_pack<T, Bytes>(count, row, std::array<T*, 1>{out}, [](auto load, auto store) {
        const auto call = [&]<std::size_t... I>(std::index_sequence<I...>) { return F()(load(I)...); };
        store(0, call(std::make_index_sequence<K>()));
      });
      for (std::size_t k = 0; k < K; ++k) row[k].elements += block->steps[k];
    }
  }
};

namespace detail {

template <class T, std::size_t K>
using BlockLoop = void(const Block<K>& block, const std::array<const T*, K>& operands, T* out);
/// For float and double, and one to four operands.
template <class T, std::size_t K>
Array elementwise(BlockLoop<T, K>* loop, const Shape& shape, const std::array<const Array*, K>& operands);

using PairStretch = void(std::int64_t n, const void* a, std::int64_t a_stride, const void* b,
                         std::int64_t b_stride, void* out);
Array zip(PairStretch* stretch, const Array& a, const Array& b, const Shape& shape, DType result);

}  // namespace detail

/// f over floats, broadcasting the operands to `shape`. A null operand is one that f does not read.
template <class F, class T, std::size_t K>
Array elementwise(const Shape& shape, const std::array<const Array*, K>& operands) {
  return detail::elementwise<T, K>(
      [](const Block<K>& block, const std::array<const T*, K>& all, T* out) {
        simd::vectorized<ElementwiseLoop<F, T, K>>(&block, all.data(), out);
      },
      shape, operands);
}

// ---- From one element type to another, or on integers -------------------------------------------------
//
// Left to the compiler: plain loops on unaliased pointers are what it vectorises.

/// f(a, b) with broadcasting to `shape`.
template <class F, class T, class R>
Array zip(const Array& a, const Array& b, const Shape& shape) {
  const auto stretch = [](std::int64_t n, const void* all_a, std::int64_t a_stride, const void* all_b,
                          std::int64_t b_stride, void* all_out) {
    const T* __restrict x = static_cast<const T*>(all_a), * __restrict y = static_cast<const T*>(all_b);
    R* __restrict out = static_cast<R*>(all_out);
    const F f;
    if (a_stride == 1 && b_stride == 1) {
      for (std::int64_t i = 0; i < n; ++i) out[i] = f(x[i], y[i]);
    } else if (a_stride == 1) {
      for (std::int64_t i = 0; i < n; ++i) out[i] = f(x[i], *y);
    } else if (b_stride == 1) {
      for (std::int64_t i = 0; i < n; ++i) out[i] = f(*x, y[i]);
    } else {
      std::fill(out, out + n, f(*x, *y));
    }
  };
  return detail::zip(stretch, a, b, shape, dtype_of<R>);
}

/// f(a).
template <class F, class T, class R>
Array map(const Array& a) {
  struct First {
    R operator()(T x, T) const { return static_cast<R>(F()(x)); }
  };
  return zip<First, T, R>(a, a, a.shape());
}

/// condition ? a : b with broadcasting; a and b have the same dtype.
Array select(const Array& condition, const Array& a, const Array& b, const Shape& shape);

}  // namespace chainrule::kernels
