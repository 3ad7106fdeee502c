// As many rows as a pack has lanes go side by side, and meet the others one after another, a few at a time.

#include "kernels/distances.h"

#include <algorithm>
#include <cmath>

#include "chainrule/simd.h"
#include "kernels/direct_loops.h"
#include "kernels/lines.h"
#include "kernels/padded_input.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

/// In units of the largest difference.
template <class T>
[[gnu::noinline]] T careful_distance(std::int64_t m, const T* a, const T* b) {
  T largest = 0;
  for (std::int64_t i = 0; i < m; ++i) {
    const T size = std::abs(a[i] - b[i]);
    if (size != size) return size;
    largest = std::max(largest, size);
  }
  if (largest == 0 || std::isinf(largest)) return largest;
  double sum = 0;
  for (std::int64_t i = 0; i < m; ++i) {
    const double part = static_cast<double>(a[i] - b[i]) / static_cast<double>(largest);
    sum += part * part;
  }
  return static_cast<T>(static_cast<double>(largest) * std::sqrt(sum));
}

/// Rows of b at a time, for a line of squares each of some rows of a.
constexpr std::int64_t most_columns = 1024;

/// From all rows of a to `count` rows of b, which are the lanes of tiles (m, lanes), one after another.
template <class T>
struct DistancesLoop {
  template <int Bytes>
  static void run(std::int64_t p, std::int64_t m, const T* a, const T* tiles, const T* b, std::int64_t count,
                  T* squares, T* out, std::int64_t line) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    // Sums that do not wait for each other, and as few loads as there are registers for. The last rows are
    // computed with some of those before.
    constexpr int many = Bytes == 64 ? 6 : 4;
    const std::int64_t step = p < many ? 1 : many;
    for (std::int64_t i = 0; i < p; i += step) {
      i = std::min(i, p - step);
      for (std::int64_t j = 0; j < count;) {
        const T *const own = a + i * m, *const other = tiles + j * m;
        if constexpr (sizeof(T) == 4)
          if (step > 1 && count - j > P::lanes) {
            rows<P, many, 2>(m, own, other, squares + j);
            j += 2 * P::lanes;
            continue;
          }
        step == 1 ? rows<P, 1, 1>(m, own, other, squares + j) : rows<P, many, 1>(m, own, other, squares + j);
        j += P::lanes;
      }
      for (std::int64_t r = 0; r < step; ++r)
        roots<P>(squares + r * most_columns, count, m, a + (i + r) * m, b, out + (i + r) * line);
    }
  }

 private:
  template <class P, int Rows, int Packs>
  static void rows(std::int64_t m, const T* a, const T* tiles, T* squares) {
    constexpr std::int64_t stretch = 64;  // whose sums are added to those of the ones before
    const std::int64_t tile = m * P::lanes;
    for (std::int64_t begin = 0; begin == 0 || begin < m; begin += stretch) {
      P sums[Rows][Packs];
#pragma GCC unroll 6
      for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
        for (int q = 0; q < Packs; ++q) sums[r][q] = P(T(0));
      for (std::int64_t k = begin; k < std::min(m, begin + stretch); ++k) {
        P others[Packs];
#pragma GCC unroll 2
        for (int q = 0; q < Packs; ++q) others[q] = P::load(tiles + q * tile + k * P::lanes);
#pragma GCC unroll 6
        for (int r = 0; r < Rows; ++r) {
          const P own(a[r * m + k]);
#pragma GCC unroll 2
          for (int q = 0; q < Packs; ++q) {
            const P difference = own - others[q];
            sums[r][q] = sums[r][q] + difference * difference;
          }
        }
      }
#pragma GCC unroll 6
      for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
        for (int q = 0; q < Packs; ++q) {
          T* const to = squares + r * most_columns + q * P::lanes;
          (begin == 0 ? sums[r][q] : P::load(to) + sums[r][q]).store(to);
        }
    }
  }
  template <class P>
  static void roots(const T* squares, std::int64_t count, std::int64_t m, const T* a, const T* b, T* out) {
    // Between these no square has overflowed, and none that was lost matters.
    using Limits = std::numeric_limits<T>;
    const T least = sizeof(T) == 4 ? T(4e-16) : T(2e-146);
    for (std::int64_t j = 0; j < count; j += P::lanes) {
      const std::int64_t some = std::min<std::int64_t>(P::lanes, count - j);
      const P root = sqrt(P::load(squares + j));
      root.store_part(out + j, some);
      if (any(!((root >= least) & (root < Limits::infinity())))) [[unlikely]]
        for (std::int64_t lane = j; lane < j + some; ++lane)
          if (!(out[lane] >= least && out[lane] < Limits::infinity()))
            out[lane] = careful_distance(m, a, b + lane * m);
    }
  }
};

/// The same of sums of sizes, or of the largest, with less code. What there is to compute for fewer rows of a
/// than go together is little.
template <class T>
struct SizesLoop {
  template <int Bytes>
  static void run(bool largest, std::int64_t p, std::int64_t m, const T* a, const T* tiles,
                  std::int64_t count, T* out, std::int64_t line) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    constexpr int many = 4;
    for (std::int64_t i = 0; i < p; i += many)
      for (std::int64_t j = 0; j < count; j += P::lanes) {
        const T* own[many];
        for (int r = 0; r < many; ++r) own[r] = a + std::min(i + r, p - 1) * m;
        P totals[many] = {P(T(0)), P(T(0)), P(T(0)), P(T(0))};
        constexpr std::int64_t stretch = 64;
        for (std::int64_t begin = 0; begin < m; begin += stretch) {
          P sums[many] = {P(T(0)), P(T(0)), P(T(0)), P(T(0))};
          for (std::int64_t k = begin; k < std::min(m, begin + stretch); ++k) {
            const P other = P::load(tiles + j * m + k * P::lanes);
            if (largest)  // as foreseen by the processor as the end of a loop
#pragma GCC unroll 4
              for (int r = 0; r < many; ++r) sums[r] = maximum(sums[r], abs(P(own[r][k]) - other));
            else
#pragma GCC unroll 4
              for (int r = 0; r < many; ++r) sums[r] = sums[r] + abs(P(own[r][k]) - other);
          }
#pragma GCC unroll 4
          for (int r = 0; r < many; ++r)
            totals[r] = largest ? maximum(totals[r], sums[r]) : totals[r] + sums[r];
        }
        const std::int64_t some = std::min<std::int64_t>(P::lanes, count - j);
        for (int r = 0; r < std::min<std::int64_t>(many, p - i); ++r)
          totals[r].store_part(out + (i + r) * line + j, some);
      }
  }
};

/// Into tiles (m, lanes) of rows that are side by side, as x is; lane i of row k of w is at w + k * step.
template <class T, bool signs>
struct DifferencesLoop {
  template <int Bytes>
  static void run(std::int64_t tiles, std::int64_t count, std::int64_t m, const T* w, std::int64_t step,
                  const T* x, const T* y, T* to) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    constexpr int many = Bytes == 64 ? 6 : 3;  // as many as there are registers for
    for (std::int64_t i = 0; i < m; i += m < many ? 1 : many) {
      if (m >= many) i = std::min(i, m - many);
      const auto part = [&]<int Columns, int Packs>(std::integer_sequence<int, Columns, Packs>,
                                                    std::int64_t tile) {
        columns<P, Columns, Packs>(count, m, w + tile * P::lanes, step, x + (tile * m + i) * P::lanes, y + i,
                                   to + (tile * m + i) * P::lanes);
      };
      if constexpr (sizeof(T) == 4 && !signs)
        if (m >= many && tiles == 2) {
          part(std::integer_sequence<int, many, 2>(), 0);
          continue;
        }
      for (std::int64_t tile = 0; tile < tiles; ++tile)
        m < many ? part(std::integer_sequence<int, 1, 1>(), tile)
                 : part(std::integer_sequence<int, many, 1>(), tile);
    }
  }

 private:
  template <class P>
  static P weighted(const P& weight, const P& difference) {
    const P zero(T(0));
    if constexpr (signs)
      return where(difference > zero, weight, where(difference < zero, zero - weight, zero));
    else
      return weight * difference;
  }
  template <class P, int Columns, int Packs>
  static void columns(std::int64_t count, std::int64_t m, const T* w, std::int64_t step, const T* x,
                      const T* y, T* to) {
    P own[Columns][Packs], sums[Columns][Packs];
    const std::int64_t tile = m * P::lanes;
#pragma GCC unroll 6
    for (int c = 0; c < Columns; ++c)
#pragma GCC unroll 2
      for (int q = 0; q < Packs; ++q) {
        own[c][q] = P::load(x + q * tile + c * P::lanes);
        sums[c][q] = P(T(0));
      }
    for (std::int64_t k = 0; k < count; ++k) {
      P weights[Packs];
#pragma GCC unroll 2
      for (int q = 0; q < Packs; ++q) weights[q] = P::load(w + k * step + q * P::lanes);
#pragma GCC unroll 6
      for (int c = 0; c < Columns; ++c) {
        const P other(y[k * m + c]);
#pragma GCC unroll 2
        for (int q = 0; q < Packs; ++q) sums[c][q] = sums[c][q] + weighted(weights[q], own[c][q] - other);
      }
    }
#pragma GCC unroll 6
    for (int c = 0; c < Columns; ++c)
#pragma GCC unroll 2
      for (int q = 0; q < Packs; ++q) sums[c][q].store(to + q * tile + c * P::lanes);
  }
};

/// Rows `begin` to `end` - 1.
template <class T>
struct SharesLoop {
  template <int Bytes>
  static void run(std::int64_t begin, std::int64_t end, std::int64_t count, std::int64_t m, const T* g,
                  const T* distances, std::int64_t row, std::int64_t column, const T* x, const T* y, T* out) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    if constexpr (Bytes > 16)
      if (m < P::lanes) return run<Bytes / 2>(begin, end, count, m, g, distances, row, column, x, y, out);
    for (std::int64_t i = begin; i < end; ++i) {
      const Others others{count, m, g + i * row, distances + i * row, column, y};
      if (m < P::lanes || !alone<P>(others, x + i * m, out + i * m)) shared(others, x + i * m, out + i * m);
    }
  }

 private:
  /// What a row meets.
  struct Others {
    std::int64_t count, m;
    const T *g, *distances;
    std::int64_t column;
    const T* y;
  };
  /// Where each distance is that of one element alone; false, and nothing of use, where it is not.
  template <class P>
  static bool alone(const Others& others, const T* own, T* to) {
    std::int64_t ends = 0, found = 0;  // distances, and differences that are one
    for (std::int64_t fresh = 0; fresh < others.m; fresh += P::lanes) {
      const std::int64_t c = std::min(fresh, others.m - P::lanes);  // the last ones, some of them again
      const P x = P::load(own + c);
      P sum(T(0)), hits(T(0));
      ends = 0;
      for (std::int64_t k = 0; k < others.count; ++k) {
        const T from_above = others.g[k * others.column], largest = others.distances[k * others.column];
        if (from_above == 0 || largest == 0) continue;
        ++ends;
        const P difference = x - P::load(others.y + k * others.m + c);
        const auto above = difference == P(largest), below = difference == P(-largest);
        sum = sum + where(above, P(from_above), where(below, P(-from_above), P(T(0))));
        hits = hits + where(above | below, P(T(1)), P(T(0)));
      }
      T lanes[std::size_t{P::lanes}];
      hits.store(lanes);
#pragma GCC unroll 1
      for (std::int64_t lane = fresh - c; lane < P::lanes; ++lane)
        found += static_cast<std::int64_t>(lanes[lane]);
      sum.store(to + c);
    }
    return found == ends;
  }
  /// Once for all instruction sets, as few distances are such.
  [[gnu::noinline]] static void shared(const Others& others, const T* __restrict own, T* __restrict to) {
    const std::int64_t m = others.m;
    std::fill_n(to, m, T(0));
    for (std::int64_t k = 0; k < others.count; ++k) {
      const T from_above = others.g[k * others.column], largest = others.distances[k * others.column];
      const T* __restrict const other = others.y + k * m;
      if (from_above == 0 || largest == 0) continue;
      std::int32_t ties = 0;
      for (std::int64_t c = 0; c < m; ++c) ties += std::abs(own[c] - other[c]) == largest ? 1 : 0;
      const T share = from_above / static_cast<T>(ties);
      for (std::int64_t c = 0; c < m; ++c) {
        const T difference = own[c] - other[c];
        to[c] += difference == largest ? share : difference == -largest ? -share : T(0);
      }
    }
  }
};

/// Calls part(first, end) for stretches of rows that are whole blocks, but for the last one.
template <class Part>
void for_blocks(std::int64_t rows, std::int64_t block, std::int64_t others, std::int64_t m,
                const Part& part) {
  const std::int64_t work = std::max<std::int64_t>(1, block * others * std::max<std::int64_t>(m, 1));
  parallel_for(
      (rows + block - 1) / block, (4 * parallel_grain + work - 1) / work,
      [&](std::int64_t begin, std::int64_t end) { part(begin * block, std::min(rows, end * block)); });
}

}  // namespace

template <class T>
void distances(Metric metric, std::int64_t p, std::int64_t r, std::int64_t m, const T* a, const T* b,
               T* out) {
  const std::int64_t lanes = lanes_of<T>();
  const detail::AcrossLayout layout({r, m, 1}, sizeof(T));
  // Rows of b whose tiles stay in the first-level cache: what is written is then a long run for each of a.
  const std::int64_t most = std::clamp<std::int64_t>((1 << 13) / std::max<std::int64_t>(m, 1) / lanes * lanes,
                                                     2 * lanes, most_columns);
  for_blocks(r, lanes, p, m, [&](std::int64_t begin, std::int64_t end) {
    const Scratch<T> tiles(m * std::min(most, round_up(end - begin, lanes))), squares(6 * most_columns);
    for (; begin < end; begin += most) {
      const std::int64_t count = std::min(most, end - begin);
      for (std::int64_t j = 0; j < count; j += lanes)
        detail::gather(layout, b, begin + j, std::min(lanes, count - j), lanes, tiles.data() + j * m);
      const T* const others = tiles.data();
      if (metric != Metric::euclidean)
        simd::vectorized<SizesLoop<T>>(metric == Metric::chebyshev, p, m, a, others, count, out + begin, r);
      else
        simd::vectorized<DistancesLoop<T>>(p, m, a, others, b + begin * m, count, squares.data(), out + begin,
                                           r);
    }
  });
}

template <class T>
void weighted_differences(Metric metric, std::int64_t n, std::int64_t count, std::int64_t m, const T* w,
                          const T* x, const T* y, T* out) {
  const std::int64_t lanes = lanes_of<T>(), block = 2 * lanes;
  const detail::AcrossLayout layout({n, m, 1}, sizeof(T));
  for_blocks(n, block, count, m, [&](std::int64_t begin, std::int64_t end) {
    const Scratch<T> own(m * block), result(m * block), weights(count * block);
    for (; begin < end; begin += block) {
      const std::int64_t rows = std::min(block, end - begin), tiles = rows > lanes ? 2 : 1;
      const auto each_tile = [&](const auto& f) {
        for (std::int64_t j = 0; j < rows; j += lanes) f(j, std::min(lanes, rows - j));
      };
      each_tile([&](std::int64_t j, std::int64_t some) {
        detail::gather(layout, x, begin + j, some, lanes, own.data() + j * m);
      });
      const bool is_whole = rows == tiles * lanes;
      for (std::int64_t k = 0; !is_whole && k < count; ++k)
        std::copy_n(w + k * n + begin, rows, weights.data() + k * block);
      const auto sum_up = [&]<bool signs>(std::bool_constant<signs>) {
        simd::vectorized<DifferencesLoop<T, signs>>(
            tiles, count, m, is_whole ? w + begin : static_cast<const T*>(weights.data()),
            is_whole ? n : block, static_cast<const T*>(own.data()), y, result.data());
      };
      metric == Metric::manhattan ? sum_up(std::true_type()) : sum_up(std::false_type());
      each_tile([&](std::int64_t j, std::int64_t some) {
        detail::scatter<T>(layout, result.data() + j * m, begin + j, some, lanes, out);
      });
    }
  });
}

template <class T>
void shares_of_largest(std::int64_t n, std::int64_t count, std::int64_t m, const T* g, const T* distances,
                       std::int64_t row, std::int64_t column, const T* x, const T* y, T* out) {
  for_blocks(n, 1, count, m, [=](std::int64_t begin, std::int64_t end) {
    simd::vectorized<SharesLoop<T>>(begin, end, count, m, g, distances, row, column, x, y, out);
  });
}

template void distances(Metric, std::int64_t, std::int64_t, std::int64_t, const float*, const float*, float*);
template void distances(Metric, std::int64_t, std::int64_t, std::int64_t, const double*, const double*,
                        double*);
template void weighted_differences(Metric, std::int64_t, std::int64_t, std::int64_t, const float*,
                                   const float*, const float*, float*);
template void weighted_differences(Metric, std::int64_t, std::int64_t, std::int64_t, const double*,
                                   const double*, const double*, double*);
template void shares_of_largest(std::int64_t, std::int64_t, std::int64_t, const float*, const float*,
                                std::int64_t, std::int64_t, const float*, const float*, float*);
template void shares_of_largest(std::int64_t, std::int64_t, std::int64_t, const double*, const double*,
                                std::int64_t, std::int64_t, const double*, const double*, double*);

}  // namespace chainrule::kernels
