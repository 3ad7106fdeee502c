// Products of all other elements of a row: those of pairs, of pairs of pairs and so on, and back down. Short
// rows are computed side by side (lines.h), and threads take several. And products of numbers without their
// exponents.

#include "kernels/products.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/direct_loops.h"
#include "kernels/lines.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

/// `width` lines side by side. The pairs, then what is outside of each, on every level. `room` is for twice
/// as many elements, and some lines more. Whether all results are normal.
template <class T>
struct OthersLoop {
  template <int Bytes>
  static void run(std::int64_t n, std::int64_t width, const T* x, T* to, T* room, bool* are_normal) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    struct Level {
      const T* from;
      T* outside;
      std::int64_t count;
    } levels[64];
    levels[0] = {x, to, n};
    std::size_t last = 0;
    for (T* at = room; levels[last].count > 1; ++last) {
      const T* const from = levels[last].from;
      const std::int64_t half = levels[last].count / 2, rest = levels[last].count - half, few = half * width;
      std::int64_t i = 0;
      for (; i + P::lanes <= few; i += P::lanes) (P::load(from + i) * P::load(from + few + i)).store(at + i);
      for (; i < few; ++i) at[i] = from[i] * from[few + i];
      if (rest != half)
        for (i = 0; i < width; ++i) at[few + i] = from[2 * few + i];
      levels[last + 1] = {at, at + rest * width, rest};
      at += 2 * rest * width;
    }
    for (std::int64_t i = 0; i < width; ++i) levels[last].outside[i] = T(1);
    while (last-- > 0) {
      const Level level = levels[last];
      const T *const from = level.from, *const outside = levels[last + 1].outside;
      const std::int64_t few = level.count / 2 * width;
      std::int64_t i = 0;
      for (; i + P::lanes <= few; i += P::lanes) {
        const P a = P::load(from + i), b = P::load(from + few + i), others = P::load(outside + i);
        (others * b).store(level.outside + i);
        (others * a).store(level.outside + few + i);
      }
      for (; i < few; ++i) {
        const T a = from[i], b = from[few + i];
        level.outside[i] = outside[i] * b;
        level.outside[few + i] = outside[i] * a;
      }
      if (level.count % 2 != 0)
        for (i = 0; i < width; ++i) level.outside[2 * few + i] = outside[few + i];
    }
    using Limits = std::numeric_limits<T>;
    const std::int64_t all = n * width;
    P least(Limits::max()), most(T(0)), sum(T(0));  // where one is no number, neither is the sum
    std::int64_t i = 0;
    for (; i + P::lanes <= all; i += P::lanes) {
      const P size = abs(P::load(to + i));
      least = smaller(least, size);
      most = larger(most, size);
      sum = sum + (size - size);
    }
    bool normal = !any(!((least >= Limits::min()) & (most <= Limits::max()) & (sum == T(0))));
    for (; i < all; ++i) normal = normal && std::isnormal(to[i]);
    *are_normal = normal;
  }
};

/// Lines that a unit goes over side by side, from `first` on in a group of so many.
template <class T>
void go_over(const Lines& lines, std::int64_t first, std::int64_t count, std::int64_t width, const T* x,
             T* to, std::vector<T>& room, bool& are_normal) {
  const std::int64_t n = lines.n, inner = lines.inner;
  T *const tile = room.data(), *const result = tile + n * width, *const levels = result + n * width;
  const detail::AcrossLayout layout(lines, sizeof(T));
  const std::int64_t at = first / inner * n * inner + first % inner;
  const bool are_neighbours = inner > 1 && count == width;
  if (are_neighbours)
    for (std::int64_t i = 0; i < n; ++i) std::copy_n(x + at + i * inner, width, tile + i * width);
  else if (width > 1)
    detail::gather(layout, x, first, count, width, tile);
  simd::vectorized<OthersLoop<T>>(n, width, width > 1 ? static_cast<const T*>(tile) : x + at,
                                  width > 1 ? result : to + at, levels, &are_normal);
  if (are_neighbours)
    for (std::int64_t i = 0; i < n; ++i) std::copy_n(result + i * width, width, to + at + i * inner);
  else if (width > 1)
    detail::scatter<T>(layout, result, first, count, width, to);
}

/// number · 2^exponent.
template <class T>
struct Scaled {
  T number = 1;
  std::int64_t exponent = 0;
  void times(T other, std::int64_t power) {
    int own = 0;
    number *= other;
    if (std::isfinite(number)) number = std::frexp(number, &own);
    exponent += power + own;
  }
  T value() const {
    constexpr std::int64_t most = 1 << 14;  // beyond, it is 0 or infinite
    return std::scalbn(number, static_cast<int>(std::clamp(exponent, -most, most)));
  }
};

/// The product of n numbers.
template <class T>
struct ScaledProductLoop {
  template <int Bytes>
  static void run(const T* x, std::int64_t n, Scaled<T>* to) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    using M = typename P::Mask;
    using Limits = std::numeric_limits<T>;
    constexpr int digits = Limits::digits, together = 64;  // significands, each less than 2
    constexpr typename M::Bits bias = Limits::max_exponent - 1, field = 2 * bias + 1;
    const auto exponent_of = [](const P& number) {
      return number.bits().template right<digits - 1>() & M(field);
    };
    P product(T(1));
    M exponent(0);
    // Leaves its significand, 1 to 2, of a number, and gives the exponent. 0 and what is not finite stay.
    const auto split = [&](P& number) {
      M power(0), own = exponent_of(number);
      if (const M tiny = own == M(0); any(tiny)) [[unlikely]] {
        number = where(tiny, number * P(T(std::int64_t{1} << digits)), number);
        own = exponent_of(number);
        power = tiny & M(-digits);
      }
      const M ordinary = !((own == M(0)) | (own == M(field)));
      number = where(ordinary,
                     P::from_bits((number.bits() & !M(field).template left<digits - 1>()) | P(T(1)).bits()),
                     number);
      return (power + (own - M(bias))) & ordinary;
    };
    std::int64_t i = 0;
    while (i + P::lanes <= n) {
      const std::int64_t end = std::min(n - P::lanes, i + (together - 1) * P::lanes);
      for (; i <= end; i += P::lanes) {
        P number = P::load(x + i);
        exponent = exponent + split(number);
        product = product * number;
      }
      exponent = exponent + split(product);
    }
    T numbers[std::size_t{P::lanes}];
    typename M::Bits exponents[std::size_t{P::lanes}];
    product.store(numbers);
    std::memcpy(exponents, &exponent.v, sizeof exponents);
#pragma GCC unroll 1  // takes no time
    for (int lane = 0; lane < P::lanes; ++lane) to->times(numbers[lane], exponents[lane]);
    for (; i < n; ++i) to->times(x[i], 0);
  }
};
template <class T>
[[gnu::noinline]] Scaled<T> scaled_product(const T* x, std::int64_t n) {
  Scaled<T> product;
  simd::vectorized<ScaledProductLoop<T>>(x, n, &product);
  return product;
}

}  // namespace

Array products_in_range(const Array& x, std::int64_t rows) {
  Array out({rows}, x.dtype());
  if (rows == 0) return out;
  // In parts, which one thread goes over each.
  const std::int64_t n = x.size() / rows, parts = (n + parallel_grain - 1) / parallel_grain;
  dispatch_floating(x.dtype(), [&]<class T>() {
    const T* const from = x.data<T>();
    std::vector<Scaled<T>> products(static_cast<std::size_t>(rows * parts));
    parallel_for(rows * parts, 1 + parallel_grain / std::max<std::int64_t>(1, n),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t i = begin; i < end; ++i) {
                     const std::int64_t first = i % parts * parallel_grain;
                     products[static_cast<std::size_t>(i)] =
                         scaled_product(from + i / parts * n + first, std::min(parallel_grain, n - first));
                   }
                 });
    T* const to = out.mutable_data<T>();
    for (std::int64_t row = 0; row < rows; ++row) {
      Scaled<T> product;
      for (std::int64_t part = 0; part < parts; ++part) {
        const auto& [number, exponent] = products[static_cast<std::size_t>(row * parts + part)];
        product.times(number, exponent);
      }
      to[row] = product.value();
    }
  });
  return out;
}

Array products_of_others(const Array& x, const Lines& lines, bool& are_normal) {
  Array out(x.shape(), x.dtype());
  are_normal = true;
  if (out.size() == 0) return out;
  std::atomic<bool> all_normal = true;
  dispatch_floating(x.dtype(), [&]<class T>() {
    const T* const from = x.data<T>();
    T* const to = out.mutable_data<T>();
    const std::int64_t n = lines.n, inner = lines.inner, lanes = lanes_of<T>();
    // Short lines are computed side by side, and so are those whose elements are apart.
    const std::int64_t several = std::clamp<std::int64_t>(2048 / (n * lanes), 1, 4) * lanes,
                       width = inner >= several                      ? several
                               : inner > 1 || n < detail::short_line ? lanes
                                                                     : 1;
    const std::int64_t group = inner > 1 ? inner : lines.outer, groups = inner > 1 ? lines.outer : 1,
                       units = (group + width - 1) / width;
    parallel_for(groups * units, (parallel_grain + n * width - 1) / (n * width),
                 [&](std::int64_t unit, std::int64_t end) {
                   std::vector<T> room(static_cast<std::size_t>((4 * n + 128) * width));
                   bool normal = true;
                   for (; unit < end; ++unit) {
                     const std::int64_t place = unit % units * width;
                     go_over(lines, unit / units * group + place, std::min(width, group - place), width, from,
                             to, room, normal);
                     if (!normal) all_normal.store(false, std::memory_order_relaxed);
                   }
                 });
  });
  are_normal = all_normal;
  return out;
}

}  // namespace chainrule::kernels
