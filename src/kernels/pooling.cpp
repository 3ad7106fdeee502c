// Pooling and resizing, plane by plane.
// Planes are dealt out to threads; windows of pairs, the usual ones, have a loop in packs.

#include "kernels/pooling.h"

#include <limits>
#include <span>

#include "chainrule/simd.h"
#include "kernels/large_windows.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

/// Calls part(begin, end) for windows of `count` pieces of so many elements each.
template <class Part>
void in_parallel(std::int64_t count, std::int64_t elements, const Part& part) {
  parallel_for(count, std::max<std::int64_t>(1, parallel_grain / std::max<std::int64_t>(1, elements)), part);
}

/// Has each window the `count` elements behind those of the one before it?
bool are_neighbours(const std::vector<PoolWindow>& row, std::int64_t count) {
  for (std::size_t i = 0; i < row.size(); ++i)
    if (row[i].begin != count * static_cast<std::int64_t>(i) || row[i].count != count || row[i].step != 1)
      return false;
  return true;
}
/// Places this far apart are exact also as numbers of float32.
constexpr std::int64_t most_apart = 1 << 24;

/// Windows of a row, from `first` to `last` - 1, that are alike but for where they begin, evenly apart: those
/// that padding does not cut short.
struct EvenWindows {
  std::int64_t first = 0, last = 0, apart = 0;

  explicit EvenWindows(std::span<const PoolWindow> row) {
    if (row.size() < 8) return;
    const std::size_t middle = row.size() / 2;
    apart = row[middle].begin - row[middle - 1].begin;
    const auto follows = [&](std::size_t i) {
      return row[i].begin - row[i - 1].begin == apart && row[i].count == row[middle].count &&
             row[i - 1].count == row[middle].count && row[i].step == row[i - 1].step;
    };
    std::size_t from = middle, to = middle;
    while (from > 0 && follows(from)) --from;
    while (to + 1 < row.size() && follows(to + 1)) ++to;
    // Without the last one that is 2 apart, as more is read behind it; and not too few for a pack.
    const std::size_t end = to + 1 - (apart == 2 ? 1 : 0);
    if (apart < 1 || end < from + 4) return;
    first = static_cast<std::int64_t>(from);
    last = static_cast<std::int64_t>(end);
  }
};

/// A row of windows that are pairs, of at least as many as the shortest pack has lanes. Branches on random
/// numbers would be guessed wrong every other time.
template <class T>
struct MaxOfPairs {
  template <int Bytes>
  static void run(const T* from, const std::int64_t* lines, std::int64_t line_count, std::int64_t count,
                  T* values, std::int64_t* places) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    constexpr std::int64_t lanes = P::lanes;
    if constexpr (Bytes > 16)
      if (count < lanes) return run<Bytes / 2>(from, lines, line_count, count, values, places);
    // All whole packs, and a last one that ends with the row where there are pairs left.
    for (std::int64_t i = 0, end = count - count % lanes;; i = count - lanes, end = count) {
      for (; i < end; i += lanes) {
        P largest(-std::numeric_limits<T>::infinity()), which(0);  // how far from the window's first element
        for (std::int64_t line = 0; line < line_count; ++line) {
          const T* const at = from + lines[line] + 2 * i;
          const P both[2] = {P::load(at), P::load(at + lanes)};
          const P first = P::template every<2, 0>(both), second = P::template every<2, 1>(both);
          const auto distance = static_cast<T>(lines[line] - lines[0]);
          keep_larger(largest, which, first, distance);
          keep_larger(largest, which, second, distance + 1);
        }
        largest.store(values + i);
        if (places == nullptr) continue;
        T distances[P::lanes];
        which.store(distances);
        for (std::int64_t lane = 0; lane < lanes; ++lane)
          places[i + lane] = static_cast<std::int32_t>(distances[lane]) + (lines[0] + 2 * (i + lane));
      }
      if (i >= count) break;
    }
  }
  template <class P>
  static void keep_larger(P& largest, P& which, const P& element, T distance) {
    const auto wins = (element > largest) | (element != element);
    largest = where(wins, element, largest);
    which = where(wins, P(distance), which);
  }
};

/// The same for such windows, evenly apart, at least as many as the shortest pack has lanes. The first of
/// them is given. Behind windows that are 2 apart, an element more is read.
template <class T>
struct MaxOfEvenWindows {
  template <int Bytes>
  static void run(const T* from, const std::int64_t* lines, std::int64_t line_count, const PoolWindow* window,
                  std::int64_t apart, std::int64_t count, T* values, std::int64_t* places) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    constexpr std::int64_t lanes = P::lanes;
    if constexpr (Bytes > 16)
      if (count < lanes) return run<Bytes / 2>(from, lines, line_count, window, apart, count, values, places);
    const PoolWindow each = *window;
    std::int64_t begin = 0;
    if (constexpr int together = 4; places == nullptr && apart == 1)
      for (; begin + together * lanes <= count; begin += together * lanes)
        of_neighbours<P, together>(from + each.begin + begin, lines, line_count, each, values + begin);
    for (std::int64_t i = begin; i < count; i += lanes) {
      i = std::min(i, count - lanes);  // the last pack ends with the row
      const std::int64_t first = lines[0] + each.begin + i * apart;
      P largest(-std::numeric_limits<T>::infinity()), which(0);  // how far from the window's first element
      if (places == nullptr) {
        auto any_nan = which != which;
        for_each_element<P>(from + first, lines, line_count, each, apart,
                            [&](const P& element, std::int64_t) {
                              any_nan = any_nan | (element != element);
                              largest = larger(element, largest);
                            });
        where(any_nan, P(std::numeric_limits<T>::quiet_NaN()), largest).store(values + i);
        continue;
      }
      for_each_element<P>(from + first, lines, line_count, each, apart,
                          [&](const P& element, std::int64_t distance) {
                            MaxOfPairs<T>::keep_larger(largest, which, element, static_cast<T>(distance));
                          });
      largest.store(values + i);
      T distances[std::size_t{P::lanes}];
      which.store(distances);
#pragma GCC unroll 1
      for (std::int64_t lane = 0; lane < lanes; ++lane)
        places[i + lane] = first + apart * lane + static_cast<std::int32_t>(distances[lane]);
    }
  }

 private:
  /// Of windows that begin at each element, in several packs whose maxima do not wait for one another.
  template <class P, int Packs>
  static void of_neighbours(const T* first, const std::int64_t* lines, std::int64_t line_count,
                            const PoolWindow& window, T* values) {
    P largest[Packs];
    typename P::Mask is_nan[Packs];
#pragma GCC unroll 4
    for (int q = 0; q < Packs; ++q) {
      largest[q] = P(-std::numeric_limits<T>::infinity());
      is_nan[q] = largest[q] != largest[q];
    }
    for (std::int64_t line = 0; line < line_count; ++line) {
      const T* at = first + lines[line];
      for (std::int64_t k = 0; k < window.count; ++k, at += window.step)
#pragma GCC unroll 4
        for (int q = 0; q < Packs; ++q) {
          const P element = P::load(at + q * P::lanes);
          is_nan[q] = is_nan[q] | (element != element);
          largest[q] = larger(element, largest[q]);
        }
    }
#pragma GCC unroll 4
    for (int q = 0; q < Packs; ++q)
      where(is_nan[q], P(std::numeric_limits<T>::quiet_NaN()), largest[q]).store(values + q * P::lanes);
  }
  /// Calls f(pack, distance) for the elements of as many windows as there are lanes that are so far from
  /// their first ones, of which the first is given.
  template <class P, class F>
  static void for_each_element(const T* first, const std::int64_t* lines, std::int64_t line_count,
                               const PoolWindow& window, std::int64_t apart, const F& f) {
    for (std::int64_t line = 0; line < line_count; ++line)
      for (std::int64_t k = 0; k < window.count; ++k) {
        const std::int64_t distance = lines[line] - lines[0] + k * window.step;
        const T* const at = first + distance;
        P element(0);
        if (apart == 1) {
          element = P::load(at);
        } else if (apart == 2) {
          const P both[2] = {P::load(at), P::load(at + P::lanes)};
          element = P::template every<2, 0>(both);
        } else {
          T elements[std::size_t{P::lanes}];
          for (std::int64_t lane = 0; lane < P::lanes; ++lane) elements[lane] = at[lane * apart];
          element = P::load(elements);
        }
        f(element, distance);
      }
  }
};

/// Each value at its place within its square of a plane, and zeros.
template <class T>
struct SpreadOverSquares {
  template <int Bytes>
  static void run(const SquarePlane* plane, const std::int64_t* places, const T* values, T* x) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    const std::int64_t wide = plane->wide, count = wide / 2;
    if constexpr (Bytes > 16)
      if (count < P::lanes) return run<Bytes / 2>(plane, places, values, x);
    for (std::int64_t d = 0; d < plane->depth; ++d)
      for (std::int64_t line = 0; line < plane->high; line += 2) {
        const std::int64_t first = (d * plane->high + line) * wide;
        if (line + 1 == plane->high) {  // below the last squares
          std::fill_n(x + first, wide, T(0));
          continue;
        }
        for (std::int64_t end : {first + wide, first + 2 * wide})
          if (wide % 2 != 0) x[end - 1] = 0;
        row<P>(first, wide, count, places, values, x);
        places += count;
        values += count;
      }
  }

 private:
  template <class P>
  static void row(std::int64_t first, std::int64_t wide, std::int64_t count, const std::int64_t* places,
                  const T* values, T* x) {
    constexpr std::int64_t lanes = P::lanes;
    T *const upper = x + first, *const lower = upper + wide;
    if (count < lanes) {
      std::fill_n(upper, 2 * count, T(0));
      std::fill_n(lower, 2 * count, T(0));
      for (std::int64_t i = 0; i < count; ++i) x[places[i]] += values[i];
      return;
    }
    // All whole packs, and a last one that ends with the row where there are squares left.
    for (std::int64_t i = 0, end = count - count % lanes;; i = count - lanes, end = count) {
      for (; i < end; i += lanes) {
        T distances[P::lanes];
        for (std::int64_t lane = 0; lane < lanes; ++lane)
          distances[lane] =
              static_cast<T>(static_cast<std::int32_t>(places[i + lane] - (first + 2 * (i + lane))));
        const P zero(0), value = P::load(values + i) + zero, distance = P::load(distances);
        const auto write = [&](std::int64_t apart, T* to) {
          const P both[2] = {where(distance == P(static_cast<T>(apart)), value, zero),
                             where(distance == P(static_cast<T>(apart + 1)), value, zero)};
          P::template in_turns<2, 0>(both).store(to + 2 * i);
          P::template in_turns<2, 1>(both).store(to + 2 * i + lanes);
        };
        write(0, upper);
        write(wide, lower);
      }
      if (i >= count) break;
    }
  }
};

}  // namespace

SquarePlane PoolWindows::squares() const {
  const auto reaches = [this](std::size_t axis, std::int64_t count) {
    return are_neighbours(axes[axis], count) &&
           static_cast<std::int64_t>(axes[axis].size()) == in[axis] / count;
  };
  if (!reaches(0, 1) || !reaches(1, 2) || !reaches(2, 2) || in[2] >= most_apart) return {};
  return {in[0], in[1], in[2]};
}

template <class T>
void max_pool(const PoolWindows& windows, std::int64_t planes, const T* x, T* values, std::int64_t* places) {
  const std::int64_t high = windows.in[1], wide = windows.in[2], out = windows.out_size();
  const bool are_exact = windows.in_size() < most_apart;
  constexpr std::size_t shortest_pack = 16 / sizeof(T);
  const bool in_pairs =
      windows.axes[2].size() >= shortest_pack && are_neighbours(windows.axes[2], 2) && are_exact;
  const std::span<const PoolWindow> all_of_row = windows.axes[2];
  const EvenWindows even(all_of_row);
  const bool has_whole_lines =
      all_of_row.size() == 1 && all_of_row[0].count == wide && all_of_row[0].step == 1;
  const auto places_from = [places](std::int64_t at) { return places == nullptr ? nullptr : places + at; };
  in_parallel(planes, windows.in_size(), [&](std::int64_t plane, std::int64_t end) {
    std::vector<std::int64_t> lines;  // where those begin that a row of windows goes over
    for (; plane < end; ++plane) {
      const T* from = x + plane * windows.in_size();
      std::int64_t at = plane * out;
      for (const PoolWindow& d : windows.axes[0])
        for (const PoolWindow& h : windows.axes[1]) {
          // A window of whole lines is a line.
          const bool is_line = has_whole_lines && h.step == 1;
          const PoolWindow line{0, h.count * wide};
          lines.clear();
          for (std::int64_t i = 0; i < d.count; ++i)
            for (std::int64_t j = 0; j < (is_line ? std::min<std::int64_t>(h.count, 1) : h.count); ++j)
              lines.push_back(((d.begin + i * d.step) * high + h.begin + j * h.step) * wide);
          const auto row = static_cast<std::int64_t>(all_of_row.size());
          const auto one_by_one = [&](std::span<const PoolWindow> some, std::int64_t to) {
            if (are_exact)
              simd::vectorized<MaxOfLargeWindows<T>>(from, std::span<const std::int64_t>(lines), some,
                                                     values + to, places_from(to));
            else
              max_of_windows<T>(from, lines, some, values + to, places_from(to));
          };
          if (in_pairs && !lines.empty())
            simd::vectorized<MaxOfPairs<T>>(from, lines.data(), static_cast<std::int64_t>(lines.size()), row,
                                            values + at, places_from(at));
          else if (even.first < even.last && !lines.empty() && are_exact) {
            const auto first = static_cast<std::size_t>(even.first),
                       last = static_cast<std::size_t>(even.last);
            one_by_one(all_of_row.first(first), at);
            simd::vectorized<MaxOfEvenWindows<T>>(from, lines.data(), static_cast<std::int64_t>(lines.size()),
                                                  &all_of_row[first], even.apart, even.last - even.first,
                                                  values + at + even.first, places_from(at + even.first));
            one_by_one(all_of_row.subspan(last), at + even.last);
          } else
            one_by_one(is_line ? std::span(&line, 1) : all_of_row, at);
          at += row;
        }
    }
  });
}

template <class T>
void take_places(std::int64_t planes, std::int64_t in, std::int64_t out, const std::int64_t* places,
                 const T* x, T* values) {
  in_parallel(planes, out, [=](std::int64_t plane, std::int64_t end) {
    for (std::int64_t i = plane * out; i < end * out; ++i)
      values[i] = places[i] < 0 ? T(0) : x[i / out * in + places[i]];
  });
}

template <class T>
void add_at_places(std::int64_t planes, std::int64_t in, std::int64_t out, const SquarePlane& squares,
                   const std::int64_t* places, const T* values, T* x) {
  in_parallel(planes, in, [=, &squares](std::int64_t plane, std::int64_t end) {
    if (squares.depth > 0) {
      for (; plane < end; ++plane)
        simd::vectorized<SpreadOverSquares<T>>(&squares, places + plane * out, values + plane * out,
                                               x + plane * in);
      return;
    }
    std::fill(x + plane * in, x + end * in, T(0));
    for (; plane < end; ++plane)
      for (std::int64_t i = plane * out; i < (plane + 1) * out; ++i)
        if (places[i] >= 0) x[plane * in + places[i]] += values[i];
  });
}

template void max_pool(const PoolWindows&, std::int64_t, const float*, float*, std::int64_t*);
template void max_pool(const PoolWindows&, std::int64_t, const double*, double*, std::int64_t*);
template void take_places(std::int64_t, std::int64_t, std::int64_t, const std::int64_t*, const float*,
                          float*);
template void take_places(std::int64_t, std::int64_t, std::int64_t, const std::int64_t*, const double*,
                          double*);
template void add_at_places(std::int64_t, std::int64_t, std::int64_t, const SquarePlane&, const std::int64_t*,
                            const float*, float*);
template void add_at_places(std::int64_t, std::int64_t, std::int64_t, const SquarePlane&, const std::int64_t*,
                            const double*, double*);

}  // namespace chainrule::kernels
