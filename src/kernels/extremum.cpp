// The largest or smallest element of each line, and where it is: the first of equals, or the first NaN.
// Places go along with the values in packs; where elements are equal, or NaN, a second look finds the first.

#include "kernels/extremum.h"

#include <cmath>
#include <limits>

namespace chainrule::kernels {
namespace {

template <class T>
constexpr T infinity = std::numeric_limits<T>::infinity();

/// The largest element so far in each lane.
template <class P>
struct Largest {
  using T = typename P::Element;
  P most = P(-infinity<T>), second = P(-infinity<T>);  ///< the second is equal where two are
  P place = P(0), nan = P(0);                          ///< nan is NaN once an element has been

  void add(const P& x, const P& index) {
    place = where(x > most, index, place);
    second = larger(second, smaller(most, x));
    most = larger(x, most);
    nan = where(x == x, nan, x);
  }
  void add(const Largest& other) {
    place = where(other.most > most, other.place, place);
    second = larger(larger(second, other.second), smaller(most, other.most));
    most = larger(other.most, most);
    nan = where(nan == nan, other.nan, nan);
  }
  /// That of a whole line, which may have several lanes.
  template <class Line>
  void finish(const Line& line) {
    const P largest = line.combined(most, [](const P& a, const P& b) { return larger(a, b); });
    const P equal = where(most == largest, where(second == largest, P(2), P(1)), P(0));
    const auto sum = [](const P& a, const P& b) { return a + b; };
    const P count = line.combined(where(nan == nan, equal, nan), sum);  // NaN if any element is
    place = where(count == P(1), line.combined(where(most == largest, place, P(0)), sum), P(-1));
    most = where(count == count, largest, count);
  }
  void store(T* values, std::int64_t* places, std::int64_t count) const {
    T indices[P::lanes];
    place.store(indices);
    for (std::int64_t lane = 0; lane < count; ++lane) places[lane] = static_cast<std::int64_t>(indices[lane]);
    most.store_part(values, count);
  }
};

/// Sign = -1 finds the smallest.
template <int Sign>
auto oriented(const auto& x) {
  if constexpr (Sign < 0)
    return -x;
  else
    return x;
}

template <int Sign, class T>
struct LargestOfLine {
  T* values;
  std::int64_t* places;
  void operator()(const auto& line, const auto& in, const auto&, std::int64_t first,
                  std::int64_t count) const {
    using P = typename std::decay_t<decltype(line)>::Pack;
    const P nothing(oriented<Sign>(-infinity<T>));
    Largest<P> all[2];
    line.for_each_indexed([&](auto pack, const P& index, int k) {
      all[k % 2].add(oriented<Sign>(pack.load(in[0], nothing)), index);
    });
    Largest<P>& largest = all[0];
    largest.add(all[1]);
    largest.finish(line);
    largest.most = oriented<Sign>(largest.most);
    largest.store(values + first, places + first, count);
  }
};

constexpr std::int64_t widest = 512;  // columns together, so that what is known of them stays in the cache

/// The same for `width` columns of n rows, from eight rows at a time.
template <int Sign, class T>
struct LargestOfColumns {
  template <int Bytes>
  static void run(const T* x, std::int64_t n, std::int64_t stride, std::int64_t width, T* values,
                  std::int64_t* places) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    const P start(-infinity<T>), zero(0), nothing(oriented<Sign>(-infinity<T>));
    T most[widest], second[widest], place[widest], nan[widest];
    std::fill_n(most, width, -infinity<T>);
    std::fill_n(second, width, -infinity<T>);
    std::fill_n(place, width, T(0));
    std::fill_n(nan, width, T(0));
    const AlongLanes<P> columns(width);
    const auto add = [&](std::int64_t row, auto rows) {
      columns.template for_each<1>([&](auto pack, int) {
        Largest<P> largest{pack.load(most, start), pack.load(second, start), pack.load(place, zero),
                           pack.load(nan, zero)};
        for (std::int64_t k = 0; k < rows; ++k)
          largest.add(oriented<Sign>(pack.load(x + (row + k) * stride, nothing)), P(row + k));
        pack.store(most, largest.most);
        pack.store(second, largest.second);
        pack.store(place, largest.place);
        pack.store(nan, largest.nan);
      });
    };
    std::int64_t row = 0;
    for (; row + 8 <= n; row += 8) add(row, std::integral_constant<std::int64_t, 8>());
    for (; row < n; ++row) add(row, std::integral_constant<std::int64_t, 1>());
    for (std::int64_t j = 0; j < width; ++j) {
      const bool is_nan = std::isnan(nan[j]);
      values[j] = is_nan ? nan[j] : oriented<Sign>(most[j]);
      places[j] = is_nan || second[j] == most[j] ? -1 : static_cast<std::int64_t>(place[j]);
    }
  }
};

template <int Sign, class T>
void largest_of_lines(const T* x, const Lines& lines, T* values, std::int64_t* places) {
  for_each_line<T, 1, 0>(lines, {x}, {}, LargestOfLine<Sign, T>{values, places});
}

/// The best of some results.
template <int Sign, class T>
struct Best {
  T value;
  std::int64_t place;
  void meet(T other, std::int64_t other_place) {
    if (std::isnan(value)) return;
    if (other == value) {
      place = -1;
    } else if (!(oriented<Sign>(other) < oriented<Sign>(value))) {
      value = other;
      place = std::isnan(other) ? -1 : other_place;
    }
  }
};

/// A long line, in parts.
template <int Sign, class T>
void largest_of_line(const T* x, std::int64_t n, T* value, std::int64_t* place) {
  const std::int64_t parts = n / parallel_grain, part = n / parts, rest = n - parts * part;
  Array all_values({parts + 1}, dtype_of<T>), all_places({parts + 1}, DType::int64);
  T* most = all_values.mutable_data<T>();
  auto* at = all_places.mutable_data<std::int64_t>();
  largest_of_lines<Sign>(x, {parts, part, 1}, most, at);
  if (rest != 0) largest_of_lines<Sign>(x + parts * part, {1, rest, 1}, most + parts, at + parts);
  Best<Sign, T> best{most[0], at[0]};
  for (std::int64_t i = 1; i < parts + (rest != 0 ? 1 : 0); ++i)
    best.meet(most[i], at[i] < 0 ? -1 : i * part + at[i]);
  *value = best.value;
  *place = best.place;
}

constexpr std::int64_t narrow = 64;

/// A long matrix (n, inner) with few columns: rows side by side make one.
template <int Sign, class T>
void largest_of_narrow(const T* x, std::int64_t n, std::int64_t inner, T* values, std::int64_t* places) {
  const std::int64_t beside = (narrow + inner - 1) / inner, rows = n / beside;
  T wide[2 * narrow];
  std::int64_t at[2 * narrow];
  simd::vectorized<LargestOfColumns<Sign, T>>(x, rows, beside * inner, beside * inner, &wide[0], &at[0]);
  for (std::int64_t j = 0; j < inner; ++j) {
    Best<Sign, T> best{wide[j], at[j] < 0 ? -1 : at[j] * beside};
    for (std::int64_t k = 1; k < beside; ++k) {
      const std::int64_t row = at[k * inner + j];
      best.meet(wide[k * inner + j], row < 0 ? -1 : row * beside + k);
    }
    for (std::int64_t i = rows * beside; i < n; ++i) best.meet(x[i * inner + j], i);
    values[j] = best.value;
    places[j] = best.place;
  }
}

template <int Sign, class T>
void largest(const T* x, const Lines& lines, T* values, std::int64_t* places) {
  const auto [outer, n, inner] = lines;
  if (outer * n * inner == 0) return;
  constexpr std::int64_t small = 8192;
  const std::int64_t stretches = (inner + widest - 1) / widest, work = n * inner / stretches;
  if (inner == 1 ? n < 2 * parallel_grain : n <= 8 || n * inner <= small) {
    largest_of_lines<Sign>(x, lines, values, places);
  } else {
    const auto part = [=, n = n, inner = inner](std::int64_t i) {
      const std::int64_t k = i % stretches, first = inner * k / stretches, last = inner * (k + 1) / stretches,
                         line = i / stretches * inner + first;
      const T* from = x + i / stretches * n * inner + first;
      if (inner == 1)
        largest_of_line<Sign>(from, n, values + line, places + line);
      else if (inner < narrow)
        largest_of_narrow<Sign>(from, n, inner, values + line, places + line);
      else
        simd::vectorized<LargestOfColumns<Sign, T>>(from, n, inner, last - first, values + line,
                                                    places + line);
    };
    parallel_for(outer * stretches, (parallel_grain + work - 1) / work,
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t i = begin; i < end; ++i) part(i);
                 });
  }
  // Places are counted in T on the way.
  if (n >= std::int64_t{1} << std::numeric_limits<T>::digits) std::fill_n(places, outer * inner, -1);
}

template <int Sign>
void find(const Array& x, const Lines& lines, Array& values, Array& places) {
  dispatch_floating(x.dtype(), [&]<class T>() {
    largest<Sign>(x.data<T>(), lines, values.mutable_data<T>(), places.mutable_data<std::int64_t>());
  });
}

template <class T>
struct SpreadLoop {
  template <int Bytes>
  static void run(Lines lines, const T* x, const T* values, const std::int64_t* places, const T* g, T* to,
                  std::int64_t begin, std::int64_t end) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    const std::int64_t n = lines.n, inner = lines.inner, matrix = n * inner;
    const bool along = inner == 1 && n >= P::lanes;
    const AlongLanes<P> row(n);
    std::int64_t cleared = begin;  // of short lines, many at once
    for (std::int64_t i = begin; i < end; ++i) {
      T* const out = to + i * matrix;
      if (along) {  // writes all in one go
        row.for_each_indexed([&, at = P(places[i]), part = P(g[i])](auto pack, const P& index, int) {
          pack.store(out, where(index == at, part, P(0)));
        });
      } else if (i == cleared) {
        cleared = std::min(end, i + std::max<std::int64_t>(1, 4096 / matrix));
        std::fill_n(out, (cleared - i) * matrix, T(0));
      }
      for (std::int64_t j = 0; j < inner; ++j) {
        const std::int64_t line = i * inner + j, place = places[line];
        if (place < 0) [[unlikely]]
          share(x + i * matrix + j, n, inner, values[line], g[line], out + j);
        else if (!along)
          out[j + place * inner] = g[line];
      }
    }
  }

 private:
  /// To all elements that equal the value; none does when it is NaN.
  [[gnu::noinline]] static void share(const T* x, std::int64_t n, std::int64_t stride, T value, T g, T* to) {
    std::int64_t equal = 0;
    for (std::int64_t i = 0; i < n; ++i) equal += x[i * stride] == value ? 1 : 0;
    const T part = g / static_cast<T>(equal);
    for (std::int64_t i = 0; i < n; ++i)
      if (x[i * stride] == value) to[i * stride] = part;
  }
};

}  // namespace

std::optional<Lines> neighbouring(const Shape& shape, const AxisMask& axes) {
  Lines lines{1, 1, 1};
  enum { before, within, after } state = before;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) continue;
    if (axes[axis] && state == after) return std::nullopt;
    if (axes[axis])
      state = within;
    else if (state == within)
      state = after;
    (state == before ? lines.outer : state == within ? lines.n : lines.inner) *= shape[axis];
  }
  return lines;
}

void max(const Array& x, const Lines& lines, Array& values, Array& places) {
  find<1>(x, lines, values, places);
}
void min(const Array& x, const Lines& lines, Array& values, Array& places) {
  find<-1>(x, lines, values, places);
}

Array extremum_gradient(const Array& x, const Lines& lines, const Array& values, const Array& places,
                        const Array& g) {
  Array out(x.shape(), x.dtype());
  if (out.size() == 0) return out;
  const std::int64_t matrix = lines.n * lines.inner;
  dispatch_floating(x.dtype(), [&]<class T>() {
    T* to = out.mutable_data<T>();
    parallel_for(lines.outer, (parallel_grain + matrix - 1) / matrix,
                 [&](std::int64_t begin, std::int64_t end) {
                   simd::vectorized<SpreadLoop<T>>(lines, x.data<T>(), values.data<T>(),
                                                   places.data<std::int64_t>(), g.data<T>(), to, begin, end);
                 });
  });
  return out;
}

}  // namespace chainrule::kernels
