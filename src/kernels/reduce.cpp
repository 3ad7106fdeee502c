#include "kernels/reduce.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/elementwise.h"

namespace chainrule::kernels {
namespace {

template <class T>
struct Sum {
  static constexpr T start = 0;
  static T combine(T a, T b) { return a + b; }
};
template <class T>
struct Max {
  static constexpr T start = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                                  : std::numeric_limits<T>::lowest();
  static T combine(T a, T b) { return a > b || a != a ? a : b; }
};
template <class T>
struct Min {
  static constexpr T start = std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity()
                                                                  : std::numeric_limits<T>::max();
  static T combine(T a, T b) { return a < b || a != a ? a : b; }
};

constexpr std::int64_t lanes = 32;          // independent running results, for the vector unit
constexpr std::int64_t block = 32 * lanes;  // below this many elements, plain loops; above, halves

/// The reduction of n neighbouring elements.
template <class Fold, class T>
T fold(const T* x, std::int64_t n) {
  if (n > block) {
    const std::int64_t half = n / 2 / lanes * lanes;
    return Fold::combine(fold<Fold>(x, half), fold<Fold>(x + half, n - half));
  }
  T running[lanes];
  std::fill(running, running + lanes, Fold::start);
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    for (std::int64_t lane = 0; lane < lanes; ++lane)
      running[lane] = Fold::combine(running[lane], x[i + lane]);
  for (std::int64_t lane = 0; i < n; ++i, ++lane) running[lane] = Fold::combine(running[lane], x[i]);
  for (std::int64_t width = lanes / 2; width > 0; width /= 2)
    for (std::int64_t lane = 0; lane < width; ++lane)
      running[lane] = Fold::combine(running[lane], running[lane + width]);
  return running[0];
}

/// out[j] = reduction over i < n of x[i * stride + j], for j < inner.
template <class Fold, class T>
void fold_rows(const T* __restrict x, std::int64_t n, std::int64_t stride, std::int64_t inner,
               T* __restrict out) {
  constexpr std::int64_t few = 64;
  if (n <= few) {
    std::fill(out, out + inner, Fold::start);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < inner; ++j) out[j] = Fold::combine(out[j], x[i * stride + j]);
    return;
  }
  T second[block];
  const std::int64_t half = n / 2;
  fold_rows<Fold>(x, half, stride, inner, out);
  fold_rows<Fold>(x + half * stride, n - half, stride, inner, second);
  for (std::int64_t j = 0; j < inner; ++j) out[j] = Fold::combine(out[j], second[j]);
}

/// (outer, n, inner) to (outer, inner).
template <class Fold, class T>
void fold_axis(const T* x, std::int64_t outer, std::int64_t n, std::int64_t inner, T* out) {
  for (std::int64_t i = 0; i < outer; ++i, x += n * inner, out += inner) {
    if (inner == 1) {
      *out = fold<Fold>(x, n);
      continue;
    }
    for (std::int64_t j = 0; j < inner; j += block)  // a stretch of columns that stays in the cache
      fold_rows<Fold>(x + j, n, inner, std::min(block, inner - j), out + j);
  }
}

template <template <class> class Fold, class T>
Array reduce(Array x, const AxisMask& axes) {
  // From the last group of marked axes to the first; the later passes are over less and less.
  for (std::size_t end = x.shape().rank(); end > 0;) {
    if (!axes[end - 1]) {
      --end;
      continue;
    }
    std::size_t begin = end;
    while (begin > 0 && axes[begin - 1]) --begin;
    Shape shape = x.shape();
    std::int64_t outer = 1, n = 1, inner = 1;
    for (std::size_t axis = 0; axis < shape.rank(); ++axis)
      (axis < begin ? outer : axis < end ? n : inner) *= shape[axis];
    for (std::size_t axis = begin; axis < end; ++axis) shape[axis] = 1;
    Array out(shape, dtype_of<T>);
    fold_axis<Fold<T>>(x.data<T>(), outer, n, inner, out.mutable_data<T>());
    x = std::move(out);
    end = begin;
  }
  return x;
}

template <template <class> class Fold>
Array reduce(const Array& x, const AxisMask& axes) {
  const auto run = [&]<class T>() { return reduce<Fold, T>(x, axes); };
  return x.dtype() == DType::int64 ? run.template operator()<std::int64_t>()
                                   : dispatch_floating(x.dtype(), run);
}

/// What to subtract before exp: the maximum, but 0 where that is infinite, as inf - inf is NaN.
template <class T>
T shift(T largest) {
  return std::isinf(largest) ? T(0) : largest;
}

/// x - its maximum along the axes.
template <class T>
Array shifted(const Array& x, const Array& largest) {
  return zip<decltype([](T element, T most) { return element - shift(most); }), T, T>({}, x, largest,
                                                                                      x.shape());
}
template <class T>
Array exp(const Array& x) {
  return map<decltype([](T element) { return std::exp(element); }), T, T>({}, x);
}

AxisMask only(std::size_t axis) { return AxisMask().set(axis); }

}  // namespace

Array sum(const Array& x, const AxisMask& axes) { return reduce<Sum>(x, axes); }
Array max(const Array& x, const AxisMask& axes) { return reduce<Max>(x, axes); }
Array min(const Array& x, const AxisMask& axes) { return reduce<Min>(x, axes); }

Array logsumexp(const Array& x, const AxisMask& axes) {
  return dispatch_floating(x.dtype(), [&]<class T>() {
    const Array largest = max(x, axes), total = sum(exp<T>(shifted<T>(x, largest)), axes);
    return zip<decltype([](T s, T most) { return std::log(s) + shift(most); }), T, T>({}, total, largest,
                                                                                      total.shape());
  });
}

Array softmax(const Array& x, std::size_t axis) {
  return dispatch_floating(x.dtype(), [&]<class T>() {
    const Array powers = exp<T>(shifted<T>(x, max(x, only(axis))));
    return zip<decltype([](T power, T total) { return total == 0 ? T(0) : power / total; }), T, T>(
        {}, powers, sum(powers, only(axis)), x.shape());
  });
}

Array log_softmax(const Array& x, std::size_t axis) {
  return dispatch_floating(x.dtype(), [&]<class T>() {
    const Array exponents = shifted<T>(x, max(x, only(axis))), total = sum(exp<T>(exponents), only(axis));
    return zip<decltype([](T exponent, T sum) { return sum == 0 ? exponent : exponent - std::log(sum); }), T,
               T>({}, exponents, total, x.shape());
  });
}

}  // namespace chainrule::kernels
