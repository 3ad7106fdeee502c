// Loops that apply a function to each element. `F` is a stateless generic function object: a loop over one
// stretch of memory is compiled for each, and all else, as broadcasting and threads, once for all.

#pragma once

#include <algorithm>
#include <utility>

#include "array/array.h"
#include "kernels/broadcast.h"
#include "kernels/evaluation.h"
#include "kernels/pack_rows.h"

namespace chainrule::kernels {

// ---- Floats and truth values: out[i] = f(operands[i]...), on packs ---------------------------------------

namespace detail {

template <class F, class T, class R, class... In>
struct LoopOf {
  static const PackLoop packs;  // not constexpr, so that a file may leave it to another one
};
template <class F, class T, class R, class... In>
constinit const PackLoop LoopOf<F, T, R, In...>::packs{
    simd::CompiledLoop<const PackRows*>::of<ElementwiseLoop<F, T, R, In...>>(),
    run_rows<T>,
    sizeof...(In),
    {sizeof(In)...},
    sizeof(R)};
template <class F, class T, class R, class... In>
inline constexpr const PackLoop* loop = &LoopOf<F, T, R, In...>::packs;
/// Of K operands of type T.
template <class F, class T, class... In>
constexpr const PackLoop* uniform(std::index_sequence<>) {
  return loop<F, T, T, In...>;
}
template <class F, class T, class... In, std::size_t K, std::size_t... More>
constexpr const PackLoop* uniform(std::index_sequence<K, More...>) {
  return uniform<F, T, In..., T>(std::index_sequence<More...>());
}

/// For one to four operands; null ones are not read. What is large is deferred.
template <std::size_t K>
Array elementwise(const PackLoop* loop, DType result, const Shape& shape,
                  const std::array<const Array*, K>& operands, PassKind kind);

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
