// The largest or smallest up to each element, with its place. There are few new ones in most long lines, so
// that these go from one to the next; lines side by side, and short ones, go on together without branches,
// which no processor could foresee.

#include "kernels/running_extrema.h"

#include <algorithm>
#include <type_traits>

#include "chainrule/simd.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

/// The order of elements, or with -1 its reverse.
template <class T>
struct RunningOrder {
  T direction;

  T key(T x) const {
    if constexpr (std::is_floating_point_v<T>)
      return x * direction;
    else
      return x ^ (direction >> 1);  // the smallest number has no negative
  }
  /// Is the next one the extremum, after this one?
  bool takes_over(T so_far, T next) const {
    return (!(key(so_far) > key(next))) & ((next != next) | (so_far == so_far));
  }
};

/// Lines of n elements: one, or some that are neighbours.
template <class T>
struct RunningLines {
  const T* x;
  std::int64_t n, step, lines;
  RunningOrder<T> order;
  T* values;
  std::int64_t* places;
};

template <class T>
struct RunningExtrema {
  template <int>
  static void run(const RunningLines<T>* of) {
    if (of->step == 1)
      one(of->x, of->n, of->order, of->values, of->places);
    else
      neighbours(of->x, of->n, of->step, of->lines, of->order, of->values, of->places);
  }

 private:
  static void one(const T* __restrict x, std::int64_t n, RunningOrder<T> order, T* __restrict values,
                  std::int64_t* __restrict places) {
    constexpr std::int64_t block = 16;
    T value = x[0];
    bool is_rising = true;
    for (std::int64_t i = 0, place = 0; i < n;) {
      const std::int64_t end = std::min(i + block, n);
      simd::IntegerFor<T> news = is_rising || end - i < block ? 1 : 0;
      if (news == 0) {
#pragma GCC unroll 1  // or it is no loop any more when packs are made
        for (std::int64_t k = 0; k < block; ++k) news |= order.key(value) > order.key(x[i + k]) ? 0 : 1;
      }
      if (news == 0) {
        for (std::int64_t k = 0; k < block; ++k) values[i + k] = value;
        for (std::int64_t k = 0; k < block; ++k) places[i + k] = place;
        i = end;
        continue;
      }
      for (; i < end; ++i) {
        if (order.takes_over(value, x[i])) value = x[i], place = i;
        values[i] = value;
        places[i] = place;
      }
      is_rising = place == end - 1;
    }
  }

  static void neighbours(const T* x, std::int64_t n, std::int64_t step, std::int64_t lines,
                         RunningOrder<T> order, T* values, std::int64_t* places) {
    constexpr std::int64_t block = 16;
    std::copy_n(x, lines, values);
    std::fill_n(places, lines, std::int64_t{0});
    for (std::int64_t i = 1; i < n; ++i) {
      x += step, values += step, places += step;
      if (lines < block) {
        few(lines, x, values - step, places - step, i, order, values, places);
        continue;
      }
      for (std::int64_t j = 0; j < lines; j += block) {
        j = std::min(j, lines - block);
        one_step(std::integral_constant<std::int64_t, block>(), x + j, values + j - step, places + j - step,
                 i, order, values + j, places + j);
      }
    }
  }
  /// Compiled once: vectors gain little.
  [[gnu::noinline]] static void few(std::int64_t count, const T* x, const T* value, const std::int64_t* place,
                                    std::int64_t i, RunningOrder<T> order, T* values, std::int64_t* places) {
    one_step(count, x, value, place, i, order, values, places);
  }
  static void one_step(auto count, const T* __restrict x, const T* __restrict value,
                       const std::int64_t* __restrict place, std::int64_t i, RunningOrder<T> order,
                       T* __restrict values, std::int64_t* __restrict places) {
    for (std::int64_t j = 0; j < count; ++j) {
      const bool is_new = order.takes_over(value[j], x[j]);
      values[j] = is_new ? x[j] : value[j];
      places[j] = is_new ? i : place[j];
    }
  }
};

constexpr std::int64_t most_short = 2048;  // elements of short lines together, in the first cache

/// Short lines that follow one another.
template <class T>
void short_lines(const RunningLines<T>& of) {
  T x[most_short], values[most_short];
  std::int64_t places[most_short];
  const std::int64_t n = of.n, lines = of.lines;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < lines; ++j) x[i * lines + j] = of.x[j * n + i];
  const RunningLines<T> beside{x, n, lines, lines, of.order, values, places};
  simd::vectorized<RunningExtrema<T>>(&beside);
  for (std::int64_t j = 0; j < lines; ++j)
    for (std::int64_t i = 0; i < n; ++i) {
      of.values[j * n + i] = values[i * lines + j];
      of.places[j * n + i] = places[i * lines + j];
    }
}

/// Neighbours at a time: a stretch long enough to be fetched ahead of, which stays in the first cache.
constexpr std::int64_t most_neighbours = 256;
/// Shorter lines have a new extremum too often to be foreseen.
constexpr std::int64_t shortest_line = 64;

template <class T>
void find_running(const T* x, const Lines& lines, bool largest, T* values, std::int64_t* places) {
  const auto [outer, n, inner] = lines;
  const bool are_short = inner == 1 && n < shortest_line;
  const std::int64_t beside = are_short ? outer : inner, most = are_short ? most_short / n : most_neighbours,
                     blocks = (beside + most - 1) / most, matrices = are_short ? 1 : outer;
  const RunningLines<T> all{x, n, inner, beside, {largest ? T(1) : T(-1)}, values, places};
  parallel_for(matrices * blocks, 1 + parallel_grain / (n * std::min(beside, most)),
               [&all, are_short, most, blocks](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   const std::int64_t line = i % blocks * most,
                                      at = are_short ? line * all.n : i / blocks * all.n * all.step + line;
                   const RunningLines<T> some{
                       all.x + at, all.n,           all.step,       std::min(most, all.lines - line),
                       all.order,  all.values + at, all.places + at};
                   if (are_short)
                     short_lines(some);
                   else
                     simd::vectorized<RunningExtrema<T>>(&some);
                 }
               });
}

}  // namespace

void running_extrema(const Array& x, const Lines& lines, bool largest, Array& values, Array& places) {
  if (x.size() == 0) return;
  dispatch_among(TypeList<std::int64_t, float, double>{}, x.dtype(), [&]<class T>() {
    find_running(x.data<T>(), lines, largest, values.mutable_data<T>(), places.mutable_data<std::int64_t>());
  });
}

}  // namespace chainrule::kernels
