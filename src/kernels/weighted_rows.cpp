// The three sums over points, the rows that they read, and the elements of these, which go in packs as long
// as there are some.

#include "kernels/weighted_rows.h"

#include <algorithm>

#include "chainrule/simd.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

/// Which of the three.
enum class Sought : std::uint8_t { sums, rows, products };

/// Some of the points and columns.
struct Range {
  std::int64_t first_point, last_point, first_column, last_column;
};

/// One number, for what is left of a row after its last pack.
template <class T>
struct Single {
  static constexpr int lanes = 1;
  T number;
  Single(T of) : number(of) {}
  static Single load(const T* from) { return *from; }
  void store(T* to) const { *to = number; }
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
    Range rest = *range;
    constexpr int lanes = Bytes / static_cast<int>(sizeof(T)), fewer = 16 / static_cast<int>(sizeof(T));
    of_packs<simd::Pack<T, lanes>>(*of, rest, rows, values, weights);
    if constexpr (lanes > fewer) of_packs<simd::Pack<T, fewer>>(*of, rest, rows, values, weights);
    of_packs<Single<T>>(*of, rest, rows, values, weights);
  }

 private:
  /// Of as many columns as fill packs; the rest remains.
  template <class P>
  static void of_packs(const WeightedRows& of, Range& rest, Rows* rows, Values* values, Weights* weights) {
    const std::int64_t begin = rest.first_column,
                       end = begin + (rest.last_column - begin) / P::lanes * P::lanes;
    rest.first_column = end;
    if (begin == end) return;
    for (std::int64_t point = rest.first_point; point < rest.last_point; ++point) {
      const std::int64_t* const places = of.places + point * of.each;
      Values* const value = values + point * of.width;
      Weights* const by = weights + point * of.each;
      if constexpr (sought == Sought::sums) {
        for (std::int64_t done = begin; done < end; done += P::lanes) {
          P total(T(0));
          for (std::int64_t k = 0; k < of.each; ++k)
            if (places[k] >= 0) total = total + P(by[k]) * P::load(rows + places[k] * of.width + done);
          total.store(value + done);
        }
      } else {
        for (std::int64_t k = 0; k < of.each; ++k) {
          if (places[k] < 0) continue;
          Rows* const row = rows + places[k] * of.width;
          if constexpr (sought == Sought::rows) {
            const P weight(by[k]);
            for (std::int64_t done = begin; done < end; done += P::lanes)
              (P::load(row + done) + weight * P::load(value + done)).store(row + done);
          } else {
            P total(T(0));
            for (std::int64_t done = begin; done < end; done += P::lanes)
              total = total + P::load(row + done) * P::load(value + done);
            T lanes[static_cast<std::size_t>(P::lanes)];
            total.store(lanes);
            for (const T lane : lanes) by[k] += lane;
          }
        }
      }
    }
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
