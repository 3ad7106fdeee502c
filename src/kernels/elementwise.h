#pragma once

#include "kernels/broadcast.h"

/// Loops that apply a function to each element. `f` is a stateless generic function object; the loops
/// are plain functions on unaliased pointers, which is what compilers vectorise.
namespace chainrule::kernels {

template <class F, class T, class R>
void map_row(F f, std::int64_t n, const T* __restrict a, R* __restrict out) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = f(a[i]);
}

template <class F, class T, class R>
Array map(F f, const Array& a) {
  Array out(a.shape(), dtype_of<R>);
  map_row(f, a.size(), a.data<T>(), out.mutable_data<R>());
  return out;
}

/// One stretch of a function of two operands, each of which moves with stride 0 or 1.
template <class F, class A, class B, class R>
void zip_row(F f, std::int64_t n, const A* __restrict a, std::int64_t a_stride, const B* __restrict b,
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

/// f(a, b) with broadcasting; `shape` is the shape of both together.
template <class F, class T, class R>
Array zip(F f, const Array& a, const Array& b, const Shape& shape) {
  Array out(shape, dtype_of<R>);
  const T *pa = a.data<T>(), *pb = b.data<T>();
  R* po = out.mutable_data<R>();
  if (a.shape() == shape && b.shape() == shape) {
    zip_row(f, out.size(), pa, 1, pb, 1, po);
  } else if (b.size() == 1 && a.shape() == shape) {
    zip_row(f, out.size(), pa, 1, pb, 0, po);
  } else if (a.size() == 1 && b.shape() == shape) {
    zip_row(f, out.size(), pa, 0, pb, 1, po);
  } else {
    for_each_row<2>(shape, {&a.shape(), &b.shape()}, [&](auto at, auto& offsets, auto& strides, auto n) {
      zip_row(f, n, pa + offsets[0], strides[0], pb + offsets[1], strides[1], po + at);
    });
  }
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

/// The rule of a function of one operand in one pass: out[i] = rule(x[i], y[i], g[i]). An operand that
/// the rule does not read is null.
template <class Rule, class T>
void rule_row(Rule rule, std::int64_t n, const T* __restrict x, const T* __restrict y, const T* __restrict g,
              T* __restrict out) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = rule(x ? x[i] : T(0), y ? y[i] : T(0), g[i]);
}

/// The rule of a function of two operands, of which either may be broadcast against y and g.
template <class Rule, class T>
void rule_row(Rule rule, std::int64_t n, const T* __restrict a, std::int64_t a_stride, const T* __restrict b,
              std::int64_t b_stride, const T* __restrict y, const T* __restrict g, T* __restrict out) {
  for (std::int64_t i = 0; i < n; ++i)
    out[i] = rule(a ? a[i * a_stride] : T(0), b ? b[i * b_stride] : T(0), y ? y[i] : T(0), g[i]);
}

}  // namespace chainrule::kernels
