// The three sums over points, the rows that they read, and the elements of these; columns go in packs, of
// short rows one by one.

#include "kernels/weighted_rows.h"

#include <algorithm>

#include "chainrule/simd.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

/// Which of the three.
enum class Sought : std::uint8_t { sums, rows, products };

/// Of the points and columns from `begin` to `end`.
struct Range {
  std::int64_t first_point, last_point, first_column, last_column;
};

/// One number where packs would be longer than the rows.
template <class T>
struct Single {
  static constexpr int lanes = 1;
  T number;
  Single(T of) : number(of) {}
  static Single load(const T* from) { return *from; }
  static Single load_part(const T* from, std::int64_t) { return *from; }
  void store(T* to) const { *to = number; }
  void store_part(T* to, std::int64_t) const { *to = number; }
  friend Single operator+(Single a, Single b) { return a.number + b.number; }
  friend Single operator*(Single a, Single b) { return a.number * b.number; }
};

template <class T, Sought sought>
struct WeightedRowsLoop {
  using Rows = std::conditional_t<sought == Sought::rows, T, const T>;
  using Values = std::conditional_t<sought == Sought::sums, T, const T>;
  using Weights = std::conditional_t<sought == Sought::products, T, const T>;

  template <int Bytes>
  static void run(const WeightedRows* of, const Range* range, Rows* rows, Values* values, Weights* weights) {
    of_packs<simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>>(*of, *range, rows, values, weights);
  }

 private:
  template <class P>
  static void of_packs(const WeightedRows& of, const Range& range, Rows* rows, Values* values,
                       Weights* weights) {
    const std::int64_t width = of.width, columns = range.last_column - range.first_column;
    if constexpr (P::lanes * sizeof(T) > 16) {
      if (columns <= P::lanes / 2)
        return of_packs<simd::Pack<T, P::lanes / 2>>(of, range, rows, values, weights);
    } else if constexpr (P::lanes > 1) {
      if (columns < P::lanes) return of_packs<Single<T>>(of, range, rows, values, weights);
    }
    for (std::int64_t point = range.first_point; point < range.last_point; ++point) {
      const std::int64_t* const places = of.places + point * of.each;
      Weights* const by = weights + point * of.each;
      if constexpr (sought == Sought::products) std::fill_n(by, of.each, T(0));
      for (std::int64_t done = range.first_column; done < range.last_column; done += P::lanes) {
        const std::int64_t count = std::min<std::int64_t>(P::lanes, range.last_column - done);
        Values* const value = values + point * width + done;
        P total(T(0));
        if constexpr (sought != Sought::sums) total = part_of<P>(value, count);
        for (std::int64_t k = 0; k < of.each; ++k) {
          if (places[k] < 0) continue;
          Rows* const row = rows + places[k] * width + done;
          if constexpr (sought == Sought::sums) total = total + P(by[k]) * part_of<P>(row, count);
          if constexpr (sought == Sought::rows)
            (part_of<P>(row, count) + P(by[k]) * total).store_part(row, count);
          if constexpr (sought == Sought::products) {
            T products[static_cast<std::size_t>(P::lanes)];
            (part_of<P>(row, count) * total).store(products);
            for (std::int64_t i = 0; i < count; ++i) by[k] += products[i];
          }
        }
        if constexpr (sought == Sought::sums) total.store_part(value, count);
      }
    }
  }

  template <class P>
  static P part_of(const T* from, std::int64_t count) {
    return count == P::lanes ? P::load(from) : P::load_part(from, count);
  }
};

template <class T, Sought sought>
void run(const WeightedRows& of, const Range& range, auto* rows, auto* values, auto* weights) {
  simd::vectorized<WeightedRowsLoop<T, sought>>(&of, &range, rows, values, weights);
}

std::int64_t points_for_a_thread(const WeightedRows& of) {
  return std::max<std::int64_t>(1, parallel_grain / std::max<std::int64_t>(1, of.each * (of.width + 4)));
}

}  // namespace

template <class T>
void sum_rows(const WeightedRows& of, const T* rows, const T* weights, T* sums) {
  parallel_for(of.points, points_for_a_thread(of), [&](std::int64_t begin, std::int64_t end) {
    run<T, Sought::sums>(of, {begin, end, 0, of.width}, rows, sums, weights);
  });
}

template <class T>
void add_to_rows(const WeightedRows& of, const T* values, const T* weights, T* rows) {
  // Points may meet in a row: threads have columns of their own, by whole lines of the cache.
  constexpr std::int64_t line = 64 / sizeof(T);
  const std::int64_t lines = (of.width + line - 1) / line;
  const std::int64_t grain = parallel_grain / std::max<std::int64_t>(1, of.points * of.each * line) + 1;
  parallel_for(lines, grain, [&](std::int64_t begin, std::int64_t end) {
    run<T, Sought::rows>(of, {0, of.points, begin * line, std::min(end * line, of.width)}, rows, values,
                         weights);
  });
}

template <class T>
void dot_rows(const WeightedRows& of, const T* rows, const T* values, T* products) {
  parallel_for(of.points, points_for_a_thread(of), [&](std::int64_t begin, std::int64_t end) {
    run<T, Sought::products>(of, {begin, end, 0, of.width}, rows, values, products);
  });
}

template void sum_rows(const WeightedRows&, const float*, const float*, float*);
template void sum_rows(const WeightedRows&, const double*, const double*, double*);
template void add_to_rows(const WeightedRows&, const float*, const float*, float*);
template void add_to_rows(const WeightedRows&, const double*, const double*, double*);
template void dot_rows(const WeightedRows&, const float*, const float*, float*);
template void dot_rows(const WeightedRows&, const double*, const double*, double*);

}  // namespace chainrule::kernels
