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

namespace detail {

template <class F, class T, class R, class... In>
struct LoopOf {
  static const PackLoop packs;  // not constexpr, so that a file may leave it to another one
};
template <class F, class T, class R, class... In>
constinit const PackLoop LoopOf<F, T, R, In...>::packs{
    simd::CompiledLoop<const PackRows*>::of<ElementwiseLoop<F, T, R, In...>>(),
    run_rows<LanesOf<T>>,
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

}  // namespace detail

/// f over floats, integers or truth values, broadcasting the operands to `shape`. A null operand is one that
/// f does not read. What is large is deferred, so that a chain of operations, or a sum over it, need not have
/// it in memory; what is also cheap may be computed twice instead.
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

/// condition ? a : b with broadcasting, of bool or integers; a and b have the same dtype.
Array select(const Array& condition, const Array& a, const Array& b, const Shape& shape);

}  // namespace chainrule::kernels
