// Normalisation, one group of elements at a time.
#include "kernels/normalize.h"

#include <cmath>
#include <vector>

#include "chainrule/simd.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

template <class T>
struct Task {
  Groups groups;
  bool centred;
  double eps;
  const T *x, *g;  ///< g is null in the forward direction
  T* out;
  T *means, *rests, *inverses, *variances;

  std::int64_t at(std::int64_t o, std::int64_t group) const {
    return (o * groups.count + group) * groups.inner;
  }
};

/// A place in a line: a pack of elements, or one.
template <class P>
struct PackAt {
  std::int64_t i;
  P operator()(const typename P::Element* x) const { return P::load(x + i); }
};
template <class P>
struct OneAt {
  std::int64_t i;
  typename P::Element operator()(const typename P::Element* x) const { return x[i]; }
};

/// Σ term(place) over a line, with a running sum for each lane, and a double for what these make of every
/// stretch.
template <class P, class Term>
double sum_of(std::int64_t n, const Term& term) {
  using T = typename P::Element;
  double total = 0;
  std::int64_t i = 0;
  while (i + P::lanes <= n) {
    const std::int64_t end = std::min(n - 4 * P::lanes, i + 64 * P::lanes);
    P sums[4] = {T(0), T(0), T(0), T(0)};
    for (; i <= end; i += 4 * P::lanes) {
      sums[0] += term(PackAt<P>{i});
      sums[1] += term(PackAt<P>{i + P::lanes});
      sums[2] += term(PackAt<P>{i + 2 * P::lanes});
      sums[3] += term(PackAt<P>{i + 3 * P::lanes});
    }
    if (i + 4 * P::lanes > n)
      for (; i + P::lanes <= n; i += P::lanes) sums[0] += term(PackAt<P>{i});
    T lanes[std::size_t{P::lanes}];
    ((sums[0] + sums[1]) + (sums[2] + sums[3])).store(lanes);
    for (const T lane : lanes) total += static_cast<double>(lane);
  }
  for (; i < n; ++i) total += static_cast<double>(term(OneAt<P>{i}));
  return total;
}

/// to[place] = value(place) along a line.
template <class P, class Value>
void fill(std::int64_t n, typename P::Element* to, const Value& value) {
  std::int64_t i = 0;
  for (; i + P::lanes <= n; i += P::lanes) value(PackAt<P>{i}).store(to + i);
  for (; i < n; ++i) to[i] = value(OneAt<P>{i});
}

/// Groups whose elements lie in `outer` lines.
template <class T>
struct GroupLoop {
  template <int Bytes>
  static void run(const Task<T>* task, std::int64_t begin, std::int64_t end) {
    for (; begin < end; ++begin)
      task->g == nullptr ? forward<Bytes>(*task, begin) : backward<Bytes>(*task, begin);
  }

 private:
  template <int Bytes, class Term>
  static double sum(const Task<T>& task, std::int64_t group, const Term& term) {
    double total = 0;
    for (std::int64_t o = 0; o < task.groups.outer; ++o) {
      const std::int64_t at = task.at(o, group);
      total += sum_of<simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>>(
          task.groups.inner, [&](const auto& place) { return term(place, at); });
    }
    return total;
  }
  template <int Bytes, class Value>
  static void write(const Task<T>& task, std::int64_t group, const Value& value) {
    for (std::int64_t o = 0; o < task.groups.outer; ++o) {
      const std::int64_t at = task.at(o, group);
      fill<simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>>(
          task.groups.inner, task.out + at, [&](const auto& place) { return value(place, at); });
    }
  }

  template <int Bytes>
  static void forward(const Task<T>& task, std::int64_t group) {
    const auto n = static_cast<double>(task.groups.elements());
    const T* const x = task.x;
    T mean = 0, rest = 0;
    if (task.centred) {
      mean = static_cast<T>(
          sum<Bytes>(task, group, [x](const auto& place, auto at) { return place(x + at); }) / n);
      rest = static_cast<T>(
          sum<Bytes>(task, group, [x, mean](const auto& place, auto at) { return place(x + at) - mean; }) /
          n);
    }
    const double variance = sum<Bytes>(task, group,
                                       [x, mean, rest](const auto& place, auto at) {
                                         const auto distance = (place(x + at) - mean) - rest;
                                         return distance * distance;
                                       }) /
                            n;
    const T inverse = static_cast<T>(1 / std::sqrt(variance + task.eps));
    task.means[group] = mean;
    task.rests[group] = rest;
    task.inverses[group] = inverse;
    task.variances[group] = static_cast<T>(variance);
    write<Bytes>(task, group, [x, mean, rest, inverse](const auto& place, auto at) {
      return ((place(x + at) - mean) - rest) * inverse;
    });
  }

  template <int Bytes>
  static void backward(const Task<T>& task, std::int64_t group) {
    const auto n = static_cast<double>(task.groups.elements());
    const T mean = task.means[group], rest = task.rests[group], inverse = task.inverses[group];
    const T *const x = task.x, *const g = task.g;
    const T even =
        !task.centred
            ? T(0)
            : static_cast<T>(
                  sum<Bytes>(task, group, [g](const auto& place, auto at) { return place(g + at); }) / n);
    const auto y = [x, mean, rest, inverse](const auto& place, auto at) {
      return ((place(x + at) - mean) - rest) * inverse;
    };
    const T along = static_cast<T>(
        sum<Bytes>(task, group, [&](const auto& place, auto at) { return place(g + at) * y(place, at); }) /
        n);
    write<Bytes>(task, group, [&](const auto& place, auto at) {
      return ((place(g + at) - even) - y(place, at) * along) * inverse;
    });
  }
};

/// Groups that are columns: so many lie beside one another that a row is gone through at once.
template <class T>
void columns(const Task<T>& task, std::int64_t begin, std::int64_t end) {
  const std::int64_t rows = task.groups.outer, row = task.groups.count, count = end - begin;
  const auto n = static_cast<double>(rows);
  std::vector<double> sums(static_cast<std::size_t>(2 * count));
  const auto means_of = [&](const auto& term, std::int64_t offset) {
    double* const sum = sums.data() + offset;
    std::fill_n(sum, count, 0.0);
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < count; ++c)
        sum[c] += static_cast<double>(term(r * row + begin + c, begin + c));
    for (std::int64_t c = 0; c < count; ++c) sum[c] /= n;
  };
  const T *const x = task.x, *const g = task.g;
  T *const mean = task.means, *const rest = task.rests, *const inverse = task.inverses;
  const auto distance = [=](std::int64_t at, std::int64_t c) { return (x[at] - mean[c]) - rest[c]; };
  if (g == nullptr) {
    std::fill_n(mean + begin, count, T(0));
    std::fill_n(rest + begin, count, T(0));
    for (T* const part : {mean, rest}) {
      if (!task.centred) continue;
      means_of(distance, 0);
      for (std::int64_t c = 0; c < count; ++c)
        part[begin + c] = static_cast<T>(sums[static_cast<std::size_t>(c)]);
    }
    means_of([&](std::int64_t at, std::int64_t c) { return distance(at, c) * distance(at, c); }, 0);
    for (std::int64_t c = 0; c < count; ++c) {
      const double variance = sums[static_cast<std::size_t>(c)];
      task.variances[begin + c] = static_cast<T>(variance);
      inverse[begin + c] = static_cast<T>(1 / std::sqrt(variance + task.eps));
    }
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = begin; c < end; ++c)
        task.out[r * row + c] = distance(r * row + c, c) * inverse[c];
    return;
  }
  means_of([&](std::int64_t at, std::int64_t c) { return g[at] * (distance(at, c) * inverse[c]); }, 0);
  if (task.centred) means_of([&](std::int64_t at, std::int64_t) { return g[at]; }, count);
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = begin; c < end; ++c) {
      const std::int64_t at = r * row + c;
      const auto k = static_cast<std::size_t>(c - begin);
      task.out[at] = ((g[at] - static_cast<T>(sums[k + static_cast<std::size_t>(count)])) -
                      distance(at, c) * inverse[c] * static_cast<T>(sums[k])) *
                     inverse[c];
    }
}

Array run(const Array& x, const Array* g, const Groups& groups, double eps, bool centred, void* numbers) {
  Array out(x.shape(), x.dtype());
  dispatch_floating(x.dtype(), [&]<class T>() {
    T* const first = static_cast<T*>(numbers);
    const Task<T> task{groups,
                       centred,
                       eps,
                       x.data<T>(),
                       g != nullptr ? g->data<T>() : nullptr,
                       out.mutable_data<T>(),
                       first,
                       first + groups.count,
                       first + 2 * groups.count,
                       first + 3 * groups.count};
    const std::int64_t grain =
        std::max<std::int64_t>(1, parallel_grain / std::max<std::int64_t>(1, groups.elements()));
    parallel_for(groups.count, grain, [&](std::int64_t begin, std::int64_t end) {
      if (groups.inner == 1 && groups.outer > 1 && groups.count > 1)
        columns(task, begin, end);
      else
        simd::vectorized<GroupLoop<T>>(&task, begin, end);
    });
  });
  return out;
}

}  // namespace

Array normalize(const Array& x, const Groups& groups, double eps, bool centred, GroupStatistics& statistics) {
  statistics = GroupStatistics(groups, x.dtype());
  return run(x, nullptr, groups, eps, centred, statistics.numbers.mutable_raw());
}

Array normalize_gradient(const Array& x, const Array& g, const Groups& groups, bool centred,
                         const GroupStatistics& statistics) {
  return run(x, &g, groups, 0, centred, const_cast<void*>(statistics.numbers.raw()));
}

}  // namespace chainrule::kernels
