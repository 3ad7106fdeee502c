// Sums over any axes.
// Lanes, blocks and the parts of threads are added up in an order that depends on the sizes alone.

#include "kernels/reduce.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "array/axes.h"
#include "kernels/boxes.h"
#include "kernels/cast.h"
#include "kernels/evaluation.h"
#include "kernels/moved_axes.h"
#include "kernels/permuted.h"
#include "kernels/reduce_groups.h"
#include "kernels/reduce_integers.h"
#include "kernels/repeated.h"

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

/// What is reduced: elements in memory, rows of a matrix that are apart there, or elements that are computed
/// part by part as they are needed.
template <class T>
class Source {
 public:
  explicit Source(const T* elements) : elements_(elements) {}
  Source(const T* rows, std::int64_t apart) : elements_(rows), apart_(apart) {}
  explicit Source(const Evaluation& evaluation) : evaluation_(&evaluation) {}
  /// Null where they are computed.
  const T* elements() const { return elements_; }
  /// Elements `begin` to `end`. `scratch` is where they are put if need be.
  const T* part(std::int64_t begin, std::int64_t end, Array& scratch) const {
    if (evaluation_ == nullptr) return elements_ + begin;
    if (scratch.size() < end - begin) scratch = Array({end - begin}, dtype_of<T>);
    T* computed = scratch.mutable_data<T>();
    evaluation_->run(begin, end, computed);
    return computed;
  }
  /// Rows `begin` to `end` of the matrix of this width at element `at`, and how far apart they are.
  std::pair<const T*, std::int64_t> rows(std::int64_t at, std::int64_t begin, std::int64_t end,
                                         std::int64_t width, Array& scratch) const {
    if (apart_) return {elements_ + begin * *apart_, *apart_};
    return {part(at + begin * width, at + end * width, scratch), width};
  }

 private:
  const T* elements_ = nullptr;
  std::optional<std::int64_t> apart_;
  const Evaluation* evaluation_ = nullptr;
};

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

/// Lines of x from element `at` on. Those of a deferred x are computed a few at a time.
template <class Fold, class T>
void fold_lines(const Source<T>& x, std::int64_t at, const Lines& lines, T* out) {
  const auto fold = [=](const T* part, std::int64_t outer, T* to) {
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

/// out[j] = reduction over i < n of x[i * stride + j], for j < width. Eight rows at a time, in pairs.
template <class Fold, class T>
struct FoldRowsLoop {
  template <int Bytes>
  static void run(const T* x, std::int64_t n, std::int64_t stride, std::int64_t width, T* out) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    constexpr T start = Fold::template start<T>;
    std::fill_n(out, width, start);
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
void fold_rows(const T* x, std::int64_t n, std::int64_t stride, std::int64_t width, T* out) {
  if (n <= 128) return simd::vectorized<FoldRowsLoop<Fold, T>>(x, n, stride, width, out);
  T second[stretch];  // pairwise
  const std::int64_t half = n / 2;
  fold_rows<Fold>(x, half, stride, width, out);
  fold_rows<Fold>(x + half * stride, n - half, stride, width, second);
  for (std::int64_t j = 0; j < width; ++j) out[j] = Fold::combine(out[j], second[j]);
}

constexpr std::int64_t narrow = 64;

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
                                T* to) {
    const std::int64_t first = inner * k / stretches, last = inner * (k + 1) / stretches;
    fold_rows<Fold>(some.first + first, count, some.second, last - first, to + first);
  };
  const std::int64_t rows = std::max<std::int64_t>(64, chunk / inner), chunks = (n + rows - 1) / rows;
  if (n < 2 * rows) {
    Array scratch;
    const auto all = part(0, n, scratch);
    return parallel_for(stretches, (parallel_grain + n * stretch - 1) / (n * stretch),
                        [&](std::int64_t begin, std::int64_t end) {
                          for (std::int64_t k = begin; k < end; ++k) fold_stretch(all, n, k, out);
                        });
  }
  Array partial({chunks, inner}, dtype_of<T>);
  T* results = partial.mutable_data<T>();
  parallel_for(chunks, (parallel_grain + rows * inner - 1) / (rows * inner),
               [&](std::int64_t begin, std::int64_t end) {
                 Array scratch;
                 for (std::int64_t i = begin; i < end; ++i) {
                   const std::int64_t last = std::min(n, (i + 1) * rows);
                   const auto some = part(i * rows, last, scratch);
                   for (std::int64_t k = 0; k < stretches; ++k)
                     fold_stretch(some, last - i * rows, k, results + i * inner);
                 }
               });
  fold_matrix<Fold>(Source<T>(results), 0, chunks, inner, out);
}

// ---- Any axes ------------------------------------------------------------------------------------------

constexpr std::int64_t few_rows = 8;
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

/// The rows of a part of an array that waits to be taken out of it, if they are to be reduced to one: where
/// they lie, in the order in which they would be if they had been taken out. Nothing for any other.
template <class T>
std::optional<Source<T>> rows_of_part(const Array& part, const Lines& lines) {
  if (lines.outer != 1 || lines.n <= few_rows || lines.inner < narrow) return {};
  const std::optional<Place> place = place_of(part);
  if (!place) return {};
  const auto axes = moved_axes(part.shape(), place->distances, row_major_strides(part.shape()));
  if (axes.size() != 2 || axes[0].from != 1 || axes[0].size != lines.inner) return {};
  return Source<T>(place->whole.data<T>() + place->first, axes[1].from);
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
        return fold_integers<Fold>(in.data<bool>(), lines, out.mutable_data<std::int64_t>());
    if (in.dtype() == DType::int64)
      return fold_integers<Fold>(in.data<std::int64_t>(), lines, out.mutable_data<std::int64_t>());
    dispatch_floating(in.dtype(), [&]<class T>() {
      T* to = out.mutable_data<T>();
      if (const auto rows = rows_of_part<T>(in, lines))
        return fold_matrix<Fold>(*rows, 0, lines.n, lines.inner, to);
      const bool done = in.use_deferred([&](const Deferred& deferred) {
        if (deferred.elementwise() == nullptr || 64 * lines.inner > largest_part) return false;
        Evaluation evaluation(*deferred.elementwise());
        fold<Fold>(Source<T>(evaluation), lines, to);
        evaluation.finish();
        return true;
      });
      if (!done) fold<Fold>(Source<T>(in.data<T>()), lines, to);
    });
  });
}

/// The sum of an array that repeats `part`: along the axes where it does so, that many times the part.
template <class T>
Array sum_of_repeated(const Array& part, const Shape& shape, const AxisMask& axes) {
  T copies = 1;
  AxisMask over;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (!axes[axis]) continue;
    if (part.shape().rank() == 0 || part.shape()[axis] != shape[axis])
      copies *= static_cast<T>(shape[axis]);
    else
      over.set(axis);
  }
  Array total = over.any() ? reduce<Sum>(part, over) : part;
  T* elements = total.mutable_data<T>();
  std::for_each_n(elements, total.size(), [copies](T& each) { each *= copies; });
  return repeated(total, reduced(shape, axes, true));
}

}  // namespace

Array sum(const Array& x, const AxisMask& axes) {
  if (x.dtype() == DType::boolean && axes.none()) return cast(x, DType::int64);
  if (x.is_deferred() && is_floating(x.dtype()))
    if (const auto part = repeated_part(x))
      return dispatch_floating(x.dtype(),
                               [&]<class T>() { return sum_of_repeated<T>(*part, x.shape(), axes); });
  return reduce<Sum>(x, axes);
}
Array prod(const Array& x, const AxisMask& axes) { return reduce<Prod>(x, axes); }
Array max(const Array& x, const AxisMask& axes) { return reduce<Max>(x, axes); }
Array min(const Array& x, const AxisMask& axes) { return reduce<Min>(x, axes); }

}  // namespace chainrule::kernels
