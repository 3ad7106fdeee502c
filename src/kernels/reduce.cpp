// Sums over any axes.
// Lanes, blocks and the parts of threads are added up in an order that depends on the sizes alone.

#include "kernels/reduce.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "array/axes.h"
#include "kernels/cast.h"
#include "kernels/permuted.h"
#include "kernels/reduce_groups.h"
#include "kernels/reduce_integers.h"
#include "kernels/reduce_source.h"
#include "kernels/repeated.h"
#include "kernels/short_lines.h"

namespace chainrule::kernels {
namespace {

struct Prod {
  template <class T>
  static constexpr T start = 1;
  static auto combine(const auto& a, const auto& b) { return a * b; }
};
// Maxima and minima keep NaN.
struct Max {
  static constexpr bool compares = true;
  template <class T>
  static constexpr T start = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                                  : std::numeric_limits<T>::lowest();
  template <class T>
  static T combine(const T& a, const T& b) {
    if constexpr (std::is_arithmetic_v<T>)
      return a > b || a != a ? a : b;
    else
      return maximum(a, b);
  }
};
struct Min {
  static constexpr bool compares = true;
  template <class T>
  static constexpr T start = std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity()
                                                                  : std::numeric_limits<T>::max();
  template <class T>
  static T combine(const T& a, const T& b) {
    if constexpr (std::is_arithmetic_v<T>)
      return a < b || a != a ? a : b;
    else
      return minimum(a, b);
  }
};

/// Elements that are reduced by one thread, whatever the number of threads: so that it does not show.
constexpr std::int64_t chunk = 1 << 12;

// ---- Lines whose elements are neighbours, or that are short -------------------------------------------

template <class Fold, class T>
struct FoldStep {
  T* result;
  void operator()(const auto& line, const auto& in, const auto&, std::int64_t first,
                  std::int64_t count) const {
    using P = typename std::decay_t<decltype(line)>::Pack;
    folded_line<Fold, 4>(line, [&](auto pack) {
      return pack.load(in[0], P(Fold::template start<T>));
    }).store_part(result + first, count);
  }
};

/// So many lines fill most lanes of a pack.
constexpr std::int64_t many_lines = 12;

/// Lines of x from element `at` on. Those of a deferred x are computed a few at a time.
template <class Fold, class T>
void fold_lines(const Source<T>& x, std::int64_t at, const Lines& lines, T* out) {
  const auto fold = [=](const T* part, std::int64_t outer, T* to) {
    if constexpr (!std::is_same_v<Fold, Prod>)
      if (lines.inner == 1 && lines.outer >= many_lines && FoldShortLines<Fold, T>::takes(lines.n))
        return parallel_for(outer, (parallel_grain + lines.n - 1) / lines.n,
                            [&](std::int64_t begin, std::int64_t end) {
                              simd::vectorized<FoldShortLines<Fold, T>>(part, lines.n, begin, end, to);
                            });
    for_each_line<T, 1, 0>({outer, lines.n, lines.inner}, {part}, {}, FoldStep<Fold, T>{to});
  };
  if (const T* elements = x.elements()) return fold(elements + at, lines.outer, out);
  const std::int64_t size = lines.n * lines.inner, few = std::max<std::int64_t>(1, chunk / size);
  parallel_for(lines.outer, (parallel_grain + size - 1) / size, [&](std::int64_t begin, std::int64_t end) {
    Array scratch;
    for (std::int64_t i = begin; i < end; i += few) {
      const std::int64_t count = std::min(few, end - i);
      fold(x.part(at + i * size, at + (i + count) * size, scratch), count, out + i * lines.inner);
    }
  });
}

/// Lines that are over before vectors have been filled with them.
template <class Fold, class T>
void fold_tiny(const T* x, std::int64_t lines, std::int64_t n, T* out) {
  for (std::int64_t line = 0; line < lines; ++line, x += n) {
    T running[4] = {x[0], Fold::template start<T>, Fold::template start<T>, Fold::template start<T>};
    for (std::int64_t i = 1; i < n; ++i) running[i % 4] = Fold::combine(running[i % 4], x[i]);
    out[line] = Fold::combine(Fold::combine(running[0], running[1]), Fold::combine(running[2], running[3]));
  }
}

/// One line of neighbours, in chunks.
template <class Fold, class T>
void fold_line(const Source<T>& x, std::int64_t at, std::int64_t n, T* out) {
  const std::int64_t chunks = n / chunk, rest = n % chunk;
  if (chunks < 2) return fold_lines<Fold>(x, at, {1, n, 1}, out);
  Array partial({chunks + 1}, dtype_of<T>);
  T* results = partial.mutable_data<T>();
  fold_lines<Fold>(x, at, {chunks, chunk, 1}, results);
  if (rest != 0) fold_lines<Fold>(x, at + n - rest, {1, rest, 1}, results + chunks);
  fold_line<Fold>(Source<T>(results), 0, chunks + (rest != 0 ? 1 : 0), out);
}

// ---- Rows that are reduced to one -------------------------------------------------------------------

/// out[j] = reduction over i < n of x[i * stride + j], for j < width, and of what is in out[j] where others
/// have been there. Eight rows at a time, in pairs.
template <class Fold, class T>
struct FoldRowsLoop {
  template <int Bytes>
  static void run(const T* x, std::int64_t n, std::int64_t stride, std::int64_t width, bool goes_on, T* out) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    constexpr T start = Fold::template start<T>;
    if (!goes_on) std::fill_n(out, width, start);
    const AlongLanes<P> line(width);
    std::int64_t i = 0;
    for (; i + 8 <= n; i += 8, x += 8 * stride)
      line.template for_each<1>([&](auto pack, int) {
        const auto pair = [&](std::int64_t k) {
          return Fold::combine(pack.load(x + k * stride, P(start)),
                               pack.load(x + (k + 1) * stride, P(start)));
        };
        const P low = Fold::combine(pair(0), pair(2)), high = Fold::combine(pair(4), pair(6));
        pack.store(out, Fold::combine(pack.load(out, P(start)), P(Fold::combine(low, high))));
      });
    for (; i < n; ++i, x += stride)
      line.template for_each<1>([&](auto pack, int) {
        pack.store(out, Fold::combine(pack.load(out, P(start)), pack.load(x, P(start))));
      });
  }
};

constexpr std::int64_t stretch = 1024;  // columns at most that are reduced together and stay in the cache

template <class Fold, class T>
void fold_rows(const T* x, std::int64_t n, std::int64_t stride, std::int64_t width, bool goes_on, T* out) {
  if (n <= 128) return simd::vectorized<FoldRowsLoop<Fold, T>>(x, n, stride, width, goes_on, out);
  T second[stretch];  // pairwise
  const std::int64_t half = n / 2;
  fold_rows<Fold>(x, half, stride, width, goes_on, out);
  fold_rows<Fold>(x + half * stride, n - half, stride, width, false, second);
  for (std::int64_t j = 0; j < width; ++j) out[j] = Fold::combine(out[j], second[j]);
}

/// One matrix (n, inner) from element `at` on, in chunks. Of rows that are apart, which are not narrow, all.
template <class Fold, class T>
void fold_matrix(const Source<T>& x, std::int64_t at, std::int64_t n, std::int64_t inner, T* out) {
  const auto part = [&](std::int64_t begin, std::int64_t end, Array& scratch) {
    return x.rows(at, begin, end, inner, scratch);
  };
  if (inner < narrow) {  // rows side by side make one
    const std::int64_t beside = (narrow + inner - 1) / inner, rows = n / beside;
    T wide[2 * narrow];
    fold_matrix<Fold>(x, at, rows, beside * inner, wide);
    std::copy_n(wide, inner, out);
    const auto add = [&](const T* row) {
      for (std::int64_t j = 0; j < inner; ++j) out[j] = Fold::combine(out[j], row[j]);
    };
    for (std::int64_t i = 1; i < beside; ++i) add(wide + i * inner);
    Array scratch;
    const T* rest = part(rows * beside, n, scratch).first;
    for (std::int64_t i = 0; i < n - rows * beside; ++i) add(rest + i * inner);
    return;
  }
  const std::int64_t stretches = (inner + stretch - 1) / stretch;
  const auto fold_stretch = [=](std::pair<const T*, std::int64_t> some, std::int64_t count, std::int64_t k,
                                bool goes_on, T* to) {
    const std::int64_t first = inner * k / stretches, last = inner * (k + 1) / stretches;
    fold_rows<Fold>(some.first + first, count, some.second, last - first, goes_on, to + first);
  };
  const std::int64_t rows = std::max<std::int64_t>(64, chunk / inner), chunks = (n + rows - 1) / rows;
  if (n < 2 * rows) {
    Array scratch;
    const auto all = part(0, n, scratch);
    return parallel_for(stretches, (parallel_grain + n * stretch - 1) / (n * stretch),
                        [&](std::int64_t begin, std::int64_t end) {
                          for (std::int64_t k = begin; k < end; ++k) fold_stretch(all, n, k, false, out);
                        });
  }
  // What is computed is gone over while it is in the first cache.
  const std::int64_t step = x.elements() == nullptr ? few_rows : rows;
  Array partial({chunks, inner}, dtype_of<T>);
  T* results = partial.mutable_data<T>();
  parallel_for(chunks, (parallel_grain + rows * inner - 1) / (rows * inner),
               [&](std::int64_t begin, std::int64_t end) {
                 Array scratch;
                 for (std::int64_t i = begin; i < end; ++i) {
                   const std::int64_t first = i * rows, last = std::min(n, first + rows);
                   for (std::int64_t row = first, below; row < last; row = below) {
                     below = std::min(last, row + step);
                     const auto some = part(row, below, scratch);
                     for (std::int64_t k = 0; k < stretches; ++k)
                       fold_stretch(some, below - row, k, row != first, results + i * inner);
                   }
                 }
               });
  fold_matrix<Fold>(Source<T>(results), 0, chunks, inner, out);
}

// ---- Any axes ------------------------------------------------------------------------------------------

/// The largest part of deferred elements that is computed at once: it should stay in the cache.
constexpr std::int64_t largest_part = 1 << 18;

template <class Fold, class T>
void fold(const Source<T>& x, const Lines& lines, T* out) {
  const auto [outer, n, inner] = lines;
  constexpr std::int64_t tiny = 64, small = 8192;
  if (n == 0) {
    std::fill_n(out, outer * inner, Fold::template start<T>);
  } else if (inner == 1 && outer * n <= tiny) {
    fold_tiny<Fold>(x.elements(), outer, n, out);
  } else if (inner == 1 ? n < 2 * chunk : n <= few_rows || n * inner <= small) {
    fold_lines<Fold>(x, 0, lines, out);
  } else {
    parallel_for(
        outer, (parallel_grain + n * inner - 1) / (n * inner), [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i)
            if (lines.inner == 1)
              fold_line<Fold>(x, i * lines.n, lines.n, out + i);
            else
              fold_matrix<Fold>(x, i * lines.n * lines.inner, lines.n, lines.inner, out + i * lines.inner);
        });
  }
}

/// Each run, then what they make of each line.
template <class Fold, class T>
void fold_runs(const Runs& runs, const Lines& lines, T* out) {
  const auto fold_all = [&](T* to) {
    runs.for_each([&](const std::byte* elements, std::int64_t i) {
      const T* const run = reinterpret_cast<const T*>(elements);
      if (runs.size >= 2 * chunk) return fold_line<Fold>(Source<T>(run), 0, runs.size, to + i);
      const FoldStep<Fold, T> step{to + i};  // without what is to be decided for many lines
      const std::int64_t size = runs.size, begin = 0, end = 1;
      simd::vectorized<detail::AlongLoop<FoldStep<Fold, T>, T, 1, 0>>(size, &step, std::array{run},
                                                                      std::array<T*, 0>(), begin, end);
    });
  };
  const std::int64_t each = lines.n / runs.size;
  if (each == 1) return fold_all(out);
  Array results({runs.count}, dtype_of<T>);
  fold_all(results.mutable_data<T>());
  fold<Fold>(Source<T>(results.data<T>()), {lines.outer, each, 1}, out);
}

/// Lets `fold` go over what waits to be computed, where that can be done part by part.
bool is_folded_on_the_way(const Array& x, const Lines& lines,
                          const FunctionRef<void(const Evaluation& evaluation)>& fold) {
  return x.use_deferred([&](const Deferred& deferred) {
    if (deferred.elementwise() == nullptr || 64 * lines.inner > largest_part) return false;
    Evaluation evaluation(*deferred.elementwise());
    fold(evaluation);
    evaluation.finish();
    return true;
  });
}

/// Whole numbers, and truth values, however they are to be had.
template <class Fold, class T>
void fold_whole(const Array& x, const Lines& lines, std::int64_t* out) {
  if (const auto runs = runs_of_part(x, lines)) return fold_integers_of_runs<Fold, T>(*runs, lines, out);
  if (const auto rows = rows_of_part<T>(x, lines))
    return fold_integers<Fold>(rows->elements(), rows->apart(lines.inner), lines, out);
  if constexpr (!std::is_same_v<T, bool>)  // which are few bytes to write
    if (is_folded_on_the_way(x, lines, [&](const Evaluation& all) {
          fold_computed_integers(Source<T>(all), lines, fold_integers<Fold, T>, out);
        }))
      return;
  fold_integers<Fold>(x.data<T>(), lines.inner, lines, out);
}
template <class Fold, class T>
void fold_floats(const Array& x, const Lines& lines, T* out) {
  if (const auto runs = runs_of_part(x, lines)) return fold_runs<Fold>(*runs, lines, out);
  if (const auto rows = rows_of_part<T>(x, lines))
    return fold_matrix<Fold>(*rows, 0, lines.n, lines.inner, out);
  const auto fold_source = [&](const Source<T>& source) { fold<Fold>(source, lines, out); };
  if (!is_folded_on_the_way(x, lines, [&](const Evaluation& all) { fold_source(Source<T>(all)); }))
    fold_source(Source<T>(x.data<T>()));
}

template <class Fold>
Array reduce(const Array& x, const AxisMask& axes) {
  if (const std::optional<Permutation> before = unpermuted(x)) {
    AxisMask its;
    for (std::size_t axis = 0; axis < before->order.size(); ++axis)
      if (axes[axis]) its.set(before->order[axis]);
    return permuted(reduce<Fold>(before->x, its), before->order);
  }
  return reduce_groups(x, axes, [](const Array& in, const Lines& lines, Array& out) {
    if constexpr (std::is_same_v<Fold, Sum>)
      if (in.dtype() == DType::boolean)
        return fold_whole<Fold, bool>(in, lines, out.mutable_data<std::int64_t>());
    if (in.dtype() == DType::int64)
      return fold_whole<Fold, std::int64_t>(in, lines, out.mutable_data<std::int64_t>());
    dispatch_floating(in.dtype(), [&]<class T>() { fold_floats<Fold>(in, lines, out.mutable_data<T>()); });
  });
}

using Reduction = Array(const Array& x, const AxisMask& axes);

/// Of an array that repeats `part`, which may have no axes: along the axes where it does so, the part itself
/// is extreme, and a sum is that many times the part.
Array reduce_repeated(const Array& part, const Shape& shape, const AxisMask& axes, Reduction* reduce_part) {
  std::int64_t copies = 1;
  AxisMask over;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (!axes[axis]) continue;
    if (part.shape().rank() == 0 || part.shape()[axis] != shape[axis])
      copies *= shape[axis];
    else
      over.set(axis);
  }
  Array total = over.any() ? reduce_part(part, over) : part;
  if (total.dtype() == DType::boolean) total = cast(total, DType::int64);
  if (reduce_part == reduce<Sum> && copies != 1)
    dispatch(total.dtype(), [&]<class T>() {
      using Number = std::conditional_t<std::is_floating_point_v<T>, T, std::uint64_t>;
      T* const elements = total.mutable_data<T>();
      std::transform(elements, elements + total.size(), elements, [&](T each) {
        return static_cast<T>(static_cast<Number>(each) * static_cast<Number>(copies));
      });
    });
  return repeated(total, reduced(shape, axes, true));
}

/// The same where that is so, as sums and extrema can make use of it.
Array reduce_least(const Array& x, const AxisMask& axes, Reduction* by) {
  if (x.is_deferred())
    if (const auto part = repeated_part(x)) return reduce_repeated(*part, x.shape(), axes, by);
  return by(x, axes);
}

}  // namespace

Array sum(const Array& x, const AxisMask& axes) {
  if (x.dtype() == DType::boolean && axes.none()) return cast(x, DType::int64);
  return reduce_least(x, axes, reduce<Sum>);
}
Array prod(const Array& x, const AxisMask& axes) { return reduce<Prod>(x, axes); }
Array max(const Array& x, const AxisMask& axes) { return reduce_least(x, axes, reduce<Max>); }
Array min(const Array& x, const AxisMask& axes) { return reduce_least(x, axes, reduce<Min>); }

}  // namespace chainrule::kernels
