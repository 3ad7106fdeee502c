#include "kernels/reduce.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/elementwise.h"

namespace chainrule::kernels {
namespace {

// How two results become one, for numbers and for packs. Maxima and minima keep NaN.
template <class T>
struct Sum {
  static constexpr T start = 0;
  static auto combine(auto a, auto b) { return a + b; }
};
template <class T>
struct Max {
  static constexpr T start = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                                  : std::numeric_limits<T>::lowest();
  static auto combine(T a, T b) { return a > b || a != a ? a : b; }
  static auto combine(auto a, auto b) { return maximum(a, b); }
};
template <class T>
struct Min {
  static constexpr T start = std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity()
                                                                  : std::numeric_limits<T>::max();
  static auto combine(T a, T b) { return a < b || a != a ? a : b; }
  static auto combine(auto a, auto b) { return minimum(a, b); }
};

/// The pack that a reduction of T works on; int64 gets along without.
template <class T, int Bytes>
using PackFor = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;

/// The reduction of n neighbouring elements. Sums are pairwise: blocks of a few packs side by side,
/// then halves, so that the error grows with the logarithm of n.
template <class Fold, class T>
struct FoldLoop {
  template <int Bytes>
  static void run(const T* x, std::int64_t n, T* out) {
    *out = fold<Bytes>(x, n);
  }

  template <int Bytes>
  static T fold(const T* x, std::int64_t n) {
    using P = PackFor<T, Bytes>;
    constexpr std::int64_t packs = 4, block = 64 * packs * P::lanes;
    if (n > block) {
      const std::int64_t half = n / 2 / P::lanes * P::lanes;
      return Fold::combine(fold_apart<Bytes>(x, half), fold_apart<Bytes>(x + half, n - half));
    }
    T result = Fold::start;
    std::int64_t i = 0;
    if (n >= P::lanes) {
      P running[packs];
      for (auto& pack : running) pack = P(Fold::start);
      for (; i + packs * P::lanes <= n; i += packs * P::lanes)
        for (std::int64_t k = 0; k < packs; ++k)
          running[k] = P(Fold::combine(running[k], P::load(x + i + k * P::lanes)));
      for (; i + P::lanes <= n; i += P::lanes) running[0] = P(Fold::combine(running[0], P::load(x + i)));
      const P total =
          Fold::combine(P(Fold::combine(running[0], running[1])), P(Fold::combine(running[2], running[3])));
      T lanes[P::lanes];
      total.store(lanes);
      for (int width = P::lanes / 2; width > 0; width /= 2)
        for (int lane = 0; lane < width; ++lane)
          lanes[lane] = Fold::combine(lanes[lane], lanes[lane + width]);
      result = lanes[0];
    }
    for (; i < n; ++i) result = Fold::combine(result, x[i]);
    return result;
  }

 private:
  // A function of its own, as a recursive call cannot be inlined into the loop that starts it.
  template <int Bytes>
  [[gnu::noinline]] static T fold_apart(const T* x, std::int64_t n) {
    T result;
    simd::vectorized<FoldLoop>(x, n, &result);
    return result;
  }
};

/// out[j] = reduction over i < n of x[i * stride + j], for j < inner.
template <class Fold, class T>
struct FoldRowsLoop {
  template <int Bytes>
  static void run(const T* x, std::int64_t n, std::int64_t stride, std::int64_t inner, T* out) {
    using P = PackFor<T, Bytes>;
    constexpr std::int64_t packs = 4;
    std::int64_t j = 0;
    for (; j + packs * P::lanes <= inner; j += packs * P::lanes) {
      P running[packs];
      for (auto& pack : running) pack = P(Fold::start);
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t k = 0; k < packs; ++k)
          running[k] = P(Fold::combine(running[k], P::load(x + i * stride + j + k * P::lanes)));
      for (std::int64_t k = 0; k < packs; ++k) running[k].store(out + j + k * P::lanes);
    }
    for (; j < inner; ++j) {
      T result = Fold::start;
      for (std::int64_t i = 0; i < n; ++i) result = Fold::combine(result, x[i * stride + j]);
      out[j] = result;
    }
  }
};

template <class Fold, class T>
T fold(const T* x, std::int64_t n) {
  if constexpr (std::is_floating_point_v<T>) {
    T result;
    simd::vectorized<FoldLoop<Fold, T>>(x, n, &result);
    return result;
  } else {
    T result = Fold::start;
    for (std::int64_t i = 0; i < n; ++i) result = Fold::combine(result, x[i]);
    return result;
  }
}

constexpr std::int64_t stretch = 1024;  // columns that are reduced together and stay in the cache

template <class Fold, class T>
void fold_rows(const T* x, std::int64_t n, std::int64_t stride, std::int64_t inner, T* out) {
  constexpr std::int64_t few = 64;
  if (n > few) {  // pairwise, as above
    T second[stretch];
    const std::int64_t half = n / 2;
    fold_rows<Fold>(x, half, stride, inner, out);
    fold_rows<Fold>(x + half * stride, n - half, stride, inner, second);
    for (std::int64_t j = 0; j < inner; ++j) out[j] = Fold::combine(out[j], second[j]);
  } else if constexpr (std::is_floating_point_v<T>) {
    simd::vectorized<FoldRowsLoop<Fold, T>>(x, n, stride, inner, out);
  } else {
    std::fill(out, out + inner, Fold::start);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < inner; ++j) out[j] = Fold::combine(out[j], x[i * stride + j]);
  }
}

/// (outer, n, inner) to (outer, inner).
template <class Fold, class T>
void fold_axis(const T* x, std::int64_t outer, std::int64_t n, std::int64_t inner, T* out) {
  for (std::int64_t i = 0; i < outer; ++i, x += n * inner, out += inner) {
    if (inner == 1) {
      *out = fold<Fold>(x, n);
      continue;
    }
    for (std::int64_t j = 0; j < inner; j += stretch)
      fold_rows<Fold>(x + j, n, inner, std::min(stretch, inner - j), out + j);
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

}  // namespace

Array sum(const Array& x, const AxisMask& axes) { return reduce<Sum>(x, axes); }
Array max(const Array& x, const AxisMask& axes) { return reduce<Max>(x, axes); }
Array min(const Array& x, const AxisMask& axes) { return reduce<Min>(x, axes); }

}  // namespace chainrule::kernels
