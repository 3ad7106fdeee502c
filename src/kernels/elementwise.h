#pragma once

#include <utility>

#include "chainrule/detail/loops.h"
#include "kernels/broadcast.h"

/// Loops that apply a function to each element. `f` is a stateless generic function object.
namespace chainrule::kernels {

/// out[i] = f(operands[i]...), on packs of elements.
template <class F, class T, std::size_t K>
struct ElementwiseLoop {
  template <int Bytes>
  static void run(F f, std::int64_t n, std::array<simd::Strided<T>, K> operands, T* out) {
    simd::for_each_pack<T, Bytes>(n, operands, std::array<T*, 1>{out}, [f](auto load, auto store) {
      const auto call = [&]<std::size_t... I>(std::index_sequence<I...>) { return f(load(I)...); };
      store(0, call(std::make_index_sequence<K>()));
    });
  }
};

/// f over floats, broadcasting the operands to `shape`. A null operand is one that f does not read.
template <class F, class T, std::size_t K>
Array elementwise(F f, const Shape& shape, const std::array<const Array*, K>& operands) {
  static constexpr T zero = 0;
  Array out(shape, dtype_of<T>);
  T* to = out.mutable_data<T>();
  std::array<simd::Strided<T>, K> all;
  bool rows = false;
  for (std::size_t k = 0; k < K; ++k) {
    const Array* operand = operands[k];
    all[k] = {operand == nullptr ? &zero : operand->data<T>(),
              operand != nullptr && operand->shape() == shape};
    rows = rows || (operand != nullptr && operand->shape() != shape && operand->size() != 1);
  }
  using Loop = ElementwiseLoop<F, T, K>;
  if (!rows) {
    parallel_for(out.size(), parallel_grain, [&](std::int64_t begin, std::int64_t end) {
      std::array<simd::Strided<T>, K> part = all;
      for (simd::Strided<T>& operand : part) operand.elements += begin * operand.stride;
      simd::vectorized<Loop>(f, end - begin, part, to + begin);
    });
    return out;
  }
  static const Shape scalar;
  std::array<const Shape*, K> shapes;
  for (std::size_t k = 0; k < K; ++k) shapes[k] = operands[k] == nullptr ? &scalar : &operands[k]->shape();
  for_each_row<K>(shape, shapes, [&](auto at, auto& offsets, auto& strides, auto n) {
    std::array<simd::Strided<T>, K> row;
    for (std::size_t k = 0; k < K; ++k) row[k] = {all[k].elements + offsets[k], strides[k]};
    simd::vectorized<Loop>(f, n, row, to + at);
  });
  return out;
}

// Loops from one element type to another, or on integers, are left to the compiler: plain functions on
// unaliased pointers, which is what it vectorises.

template <class F, class T, class R>
void map_row(F f, std::int64_t n, const T* __restrict a, R* __restrict out) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = f(a[i]);
}

template <class F, class T, class R>
Array map(F f, const Array& a) {
  Array out(a.shape(), dtype_of<R>);
  const T* from = a.data<T>();
  R* to = out.mutable_data<R>();
  parallel_for(a.size(), parallel_grain, [&](std::int64_t begin, std::int64_t end) {
    map_row(f, end - begin, from + begin, to + begin);
  });
  return out;
}

template <class F, class T, class R>
void zip_row(F f, std::int64_t n, const T* __restrict a, std::int64_t a_stride, const T* __restrict b,
             std::int64_t b_stride, R* __restrict out) {
  if (a_stride == 1 && b_stride == 1) {
    for (std::int64_t i = 0; i < n; ++i) out[i] = f(a[i], b[i]);
  } else if (a_stride == 1) {
    for (std::int64_t i = 0; i < n; ++i) out[i] = f(a[i], *b);
  } else if (b_stride == 1) {
    for (std::int64_t i = 0; i < n; ++i) out[i] = f(*a, b[i]);
  } else {
    std::fill(out, out + n, f(*a, *b));
  }
}

/// f(a, b) with broadcasting to `shape`.
template <class F, class T, class R>
Array zip(F f, const Array& a, const Array& b, const Shape& shape) {
  Array out(shape, dtype_of<R>);
  const T *pa = a.data<T>(), *pb = b.data<T>();
  R* po = out.mutable_data<R>();
  for_each_row<2>(shape, {&a.shape(), &b.shape()}, [&](auto at, auto& offsets, auto& strides, auto n) {
    zip_row(f, n, pa + offsets[0], strides[0], pb + offsets[1], strides[1], po + at);
  });
  return out;
}

/// condition ? a : b with broadcasting.
template <class T>
Array select(const Array& condition, const Array& a, const Array& b, const Shape& shape) {
  Array out(shape, dtype_of<T>);
  const bool* pc = condition.data<bool>();
  const T *pa = a.data<T>(), *pb = b.data<T>();
  T* po = out.mutable_data<T>();
  for_each_row<3>(shape, {&condition.shape(), &a.shape(), &b.shape()},
                  [&](auto at, auto& offsets, auto& strides, auto n) {
                    const bool* c = pc + offsets[0];
                    const T *x = pa + offsets[1], *y = pb + offsets[2];
                    const auto [sc, sx, sy] = strides;
                    for (std::int64_t i = 0; i < n; ++i) po[at + i] = c[i * sc] ? x[i * sx] : y[i * sy];
                  });
  return out;
}

}  // namespace chainrule::kernels
