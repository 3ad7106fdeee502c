#pragma once

#include <algorithm>
#include <utility>

#include "array/array.h"
#include "chainrule/detail/loops.h"
#include "kernels/broadcast.h"
#include "kernels/lines.h"

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

/// The sum of what F gives for a block whose rows fill groups of four packs. It is added up as folded_line
/// adds up a line of elements in memory, so that the bits do not tell whether they ever were.
template <class F, class T, std::size_t K>
struct SumLoop {
  template <int Bytes>
  static void run(const Block<K>* block, const T* const* operands, T* total) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    *total = folded_line<Sum, 4>(Rows<P>{*block, operands}, [](const auto& pack) {
               const auto call = [&]<std::size_t... I>(std::index_sequence<I...>) {
                 return P(F()(pack.load(I)...)).rounded();
               };
               return call(std::make_index_sequence<K>());
             }).v[0];
  }

 private:
  /// As AlongLanes, of rows that lie one behind another.
  template <class P>
  struct Rows {
    using Pack = P;
    const Block<K>& block;
    const T* const* operands;

    struct At {
      const std::array<const T*, K>& row;
      const std::array<std::int64_t, K>& moves;
      std::int64_t at;
      P load(std::size_t k) const { return P::load(row[k] + (at & moves[k])); }
    };
    template <int Unroll, class Step, class Pause>
    void for_each(const Step& step, const Pause& pause) const {
      constexpr std::int64_t group = Unroll * P::lanes;
      std::array<const T*, K> first;
      std::array<std::int64_t, K> moves;  // for operands that move along, all bits set
      for (std::size_t k = 0; k < K; ++k) {
        first[k] = operands[k] + block.offsets[k];
        moves[k] = -block.strides[k];
      }
      std::int64_t groups = 0;  // since the last pause
      for (std::int64_t r = 0; r < block.rows; ++r) {
        T same[K][P::lanes];
        std::array<const T*, K> row = first;
        for (std::size_t k = 0; k < K; ++k)
          if (block.strides[k] == 0) {
            P(*row[k]).store(same[k]);
            row[k] = same[k];
          }
        for (std::int64_t i = 0; i < block.count;) {
          const std::int64_t more = std::min((block.count - i) / group, 16 - groups), stop = i + more * group;
          for (; i < stop; i += group) {
            step(At{row, moves, i}, 0);
            step(At{row, moves, i + P::lanes}, 1);
            step(At{row, moves, i + 2 * P::lanes}, 2);
            step(At{row, moves, i + 3 * P::lanes}, 3);
          }
          groups = (groups + more) % 16;
          if (groups == 0) pause();
        }
        for (std::size_t k = 0; k < K; ++k) first[k] += block.steps[k];
      }
      if (groups != 0) pause();
    }
    template <class Combine>
    P combined(const P& lanes, const Combine& combine) const {
      return AlongLanes<P>::in_all(lanes, combine);
    }
  };
};

namespace detail {

/// What is compiled for each function.
template <class T, std::size_t K>
struct Loops {
  using Loop = void(const Block<K>& block, const std::array<const T*, K>& operands, T* out);
  Loop* write;
  Loop* sum = nullptr;  ///< null where it would not pay
};
/// For float and double, and one to four operands.
template <class T, std::size_t K>
Array elementwise(const Loops<T, K>& loops, const Shape& shape, const std::array<const Array*, K>& operands,
                  bool may_defer);

template <class F, class T, std::size_t K>
void write_loop(const Block<K>& block, const std::array<const T*, K>& operands, T* out) {
  simd::vectorized<ElementwiseLoop<F, T, K>>(&block, operands.data(), out);
}
template <class F, class T, std::size_t K>
void sum_loop(const Block<K>& block, const std::array<const T*, K>& operands, T* total) {
  simd::vectorized<SumLoop<F, T, K>>(&block, operands.data(), total);
}

using PairStretch = void(std::int64_t n, const void* a, std::int64_t a_stride, const void* b,
                         std::int64_t b_stride, void* out);
Array zip(PairStretch* stretch, const Array& a, const Array& b, const Shape& shape, DType result);

}  // namespace detail

/// f over floats, broadcasting the operands to `shape`. A null operand is one that f does not read.
template <class F, class T, std::size_t K>
Array elementwise(const Shape& shape, const std::array<const Array*, K>& operands) {
  return detail::elementwise<T, K>({detail::write_loop<F, T, K>}, shape, operands, false);
}
/// The same, but what is large is deferred, so that a sum over it need not have it in memory. F::is_cheap
/// says that computing takes less time than writing the result and reading it.
template <class F, class T, std::size_t K>
Array deferred_elementwise(const Shape& shape, const std::array<const Array*, K>& operands) {
  detail::Loops<T, K> loops{detail::write_loop<F, T, K>};
  if constexpr (F::is_cheap) loops.sum = detail::sum_loop<F, T, K>;
  return detail::elementwise<T, K>(loops, shape, operands, true);
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
