// Loops that apply a function to each element. `F` is a stateless generic function object: a loop over one
// stretch of memory is compiled for each, and all else, as broadcasting and threads, once for all.

#pragma once

#include <algorithm>
#include <tuple>
#include <utility>

#include "array/array.h"
#include "chainrule/detail/loops.h"
#include "chainrule/simd.h"
#include "kernels/broadcast.h"
#include "kernels/evaluation.h"

namespace chainrule::kernels {

// ---- Floats and truth values: out[i] = f(operands[i]...), on packs ---------------------------------------

/// What a loop goes over: rows one after another. An operand moves by its stride, 0 or 1, along a row, and by
/// its step from one row to the next, in elements.
struct Stretch {
  using Numbers = std::array<std::int64_t, Elementwise::most_operands>;
  std::int64_t count, rows;
  std::array<const void*, Elementwise::most_operands> operands;
  Numbers strides, steps;
  void* out;
  const void* ahead;  // will be read soon, as many bytes as the result has: asked for on the way. Or `out`
};
using Loop = void(const Stretch& stretch);

/// Elements of type E, a float or bool, as packs or masks as wide as P.
template <class P, class E>
struct RowOperand {
  /// Where they lie, to be kept in registers: `moves` has all bits set where the operand moves along. An
  /// operand that is not read costs nothing, as nothing else is done to it.
  struct Place {
    const E* elements;
    std::int64_t moves;
    auto load(std::int64_t i) const {
      using Loaded = std::conditional_t<std::is_same_v<E, bool>, typename P::Mask, P>;
      return Loaded::load(elements + (i & moves));
    }
  };
  E buffer[P::lanes];

  Place start(const E* from, std::int64_t stride, std::int64_t count) {
    if (stride == 0) {  // in one go, so that loading it need not wait
      if constexpr (std::is_same_v<E, bool>)
        std::fill_n(buffer, P::lanes, *from);
      else
        P(*from).store(buffer);
    } else if (count < P::lanes) {
      simd::fill_buffer(buffer, P::lanes, from, count);
    } else {
      return {from, -1};
    }
    return {buffer, 0};
  }
};

/// T is the type of float that decides how many lanes there are.
template <class F, class T, class R, class... In>
struct ElementwiseLoop {
  template <int Bytes>
  static void run(const Stretch* stretch) {
    rows<simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>>(*stretch, std::index_sequence_for<In...>());
  }

 private:
  template <class P, std::size_t... K>
  static void rows(const Stretch& stretch, std::index_sequence<K...>) {
    constexpr std::int64_t lanes = P::lanes;
    const std::int64_t n = stretch.count;
    if (n == 0) return;
    const bool fills = n >= lanes;
    std::tuple<RowOperand<P, In>...> row;
    std::tuple<const In*...> from{static_cast<const In*>(stretch.operands[K])...};
    auto* out = static_cast<R*>(stretch.out);
    const auto* ahead = static_cast<const R*>(stretch.ahead);
    R out_buffer[P::lanes];
    for (std::int64_t r = 0; r < stretch.rows; ++r, out += n, ahead += n) {
      row_of<P>(n, fills ? n - n % lanes : 1, fills ? out : out_buffer, ahead,
                std::get<K>(row).start(std::get<K>(from), stretch.strides[K], n)...);
      if (!fills) std::copy_n(out_buffer, n, out);
      ((std::get<K>(from) += stretch.steps[K]), ...);
    }
  }
  /// All whole packs, and a last one that ends at n where there are elements left.
  template <class P, class... Places>
  static void row_of(std::int64_t n, std::int64_t end, R* to, const R* ahead, Places... in) {
    for (std::int64_t i = 0;;) {
      do {
        const std::conditional_t<std::is_same_v<R, bool>, typename P::Mask, P> result = F()(in.load(i)...);
        result.store(to + i);
        if constexpr (sizeof(P) > 16) __builtin_prefetch(ahead + i, 0, 2);  // else loops take longer
        i += P::lanes;
      } while (i < end);
      if (i >= n) break;
      i = n - P::lanes;
      end = n;
    }
  }
};

namespace detail {

template <class F, class T, class R, class... In>
void loop(const Stretch& stretch) {
  simd::vectorized<ElementwiseLoop<F, T, R, In...>>(&stretch);
}
/// Of K operands of type T.
template <class F, class T, class... In>
constexpr Loop* uniform(std::index_sequence<>) {
  return loop<F, T, T, In...>;
}
template <class F, class T, class... In, std::size_t K, std::size_t... More>
constexpr Loop* uniform(std::index_sequence<K, More...>) {
  return uniform<F, T, In..., T>(std::index_sequence<More...>());
}

/// For one to four operands; null ones are not read. What is large is deferred.
template <std::size_t K>
Array elementwise(Loop* loop, DType result, const Shape& shape, const std::array<const Array*, K>& operands,
                  PassKind kind);

template <class F, class T, class R>
struct PairLoop {
  template <int>
  static void run(std::int64_t n, const void* all_a, std::int64_t a_stride, const void* all_b,
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
  }
};
using PairStretch = void(std::int64_t n, const void* a, std::int64_t a_stride, const void* b,
                         std::int64_t b_stride, void* out);
Array zip(PairStretch* stretch, const Array& a, const Array& b, const Shape& shape, DType result);

}  // namespace detail

/// f over floats, broadcasting the operands to `shape`. A null operand is one that f does not read. What is
/// large is deferred, so that a chain of operations, or a sum over it, need not have it in memory; what is
/// also cheap may be computed twice instead.
template <class F, class T, std::size_t K>
Array elementwise(const Shape& shape, const std::array<const Array*, K>& operands, PassKind kind = {}) {
  return detail::elementwise<K>(detail::uniform<F, T>(std::make_index_sequence<K>()), dtype_of<T>, shape,
                                operands, kind);
}
/// The same over operands of types In, each T or bool.
template <class F, class T, class... In>
Array elementwise(const Shape& shape, const std::array<const Array*, sizeof...(In)>& operands,
                  PassKind kind = {}) {
  return detail::elementwise<sizeof...(In)>(detail::loop<F, T, T, In...>, dtype_of<T>, shape, operands, kind);
}
/// The same for f(a, b) that gives truth values.
template <class F, class T>
Array compare(const Array& a, const Array& b, const Shape& shape) {
  return detail::elementwise<2>(detail::loop<F, T, bool, T, T>, DType::boolean, shape, {&a, &b},
                                {.is_cheap = true});
}

// ---- From one element type to another, or on integers -------------------------------------------------
//
// Left to the compiler: plain loops on unaliased pointers are what it vectorises.

/// f(a, b) with broadcasting to `shape`; for each instruction set where that pays.
template <class F, class T, class R, bool Vectorized = false>
Array zip(const Array& a, const Array& b, const Shape& shape) {
  if constexpr (Vectorized)
    return detail::zip(simd::vectorized<detail::PairLoop<F, T, R>, std::int64_t, const void*, std::int64_t,
                                        const void*, std::int64_t, void*>,
                       a, b, shape, dtype_of<R>);
  else
    return detail::zip(detail::PairLoop<F, T, R>::template run<16>, a, b, shape, dtype_of<R>);
}

/// f(a).
template <class F, class T, class R, bool Vectorized = false>
Array map(const Array& a) {
  struct First {
    R operator()(T x, T) const { return static_cast<R>(F()(x)); }
  };
  return zip<First, T, R, Vectorized>(a, a, a.shape());
}

/// condition ? a : b with broadcasting, of bool or integers; a and b have the same dtype.
Array select(const Array& condition, const Array& a, const Array& b, const Shape& shape);

}  // namespace chainrule::kernels
