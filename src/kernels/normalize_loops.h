// The loops of normalisation, forward and backward: over groups of lines, and over columns. Sums are those of
// line_sums.h, and each pass over a group is made while it is in the cache.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <tuple>
#include <utility>
#include <vector>

#include "chainrule/simd.h"
#include "kernels/line_sums.h"
#include "kernels/normalize.h"

namespace chainrule::kernels {

/// What is normalised, and where what comes of it goes.
template <class T>
struct NormalizeTask {
  Groups groups;
  bool centred, given;  ///< are the statistics there already?
  double eps;
  const T *x, *g;  ///< g is null in the forward direction
  const T *weight, *bias;
  T* out;
  T *means, *rests, *inverses, *variances;
  /// Σ g · y and Σ g for each weight of each group, or where weights have no neighbours for each part of the
  /// groups.
  double *to_weight, *to_bias;

  std::int64_t at(std::int64_t o, std::int64_t group) const {
    return (o * groups.count + group) * groups.inner;
  }
  bool has_weights_of_elements() const { return groups.plane == 1 && groups.outer == 1; }
};

/// √(variance + eps), also where the squares overflow or vanish, by the largest distance: `visit` calls its
/// argument with each distance.
template <class T, class Visit>
double root_of_variance(double variance, double eps, double n, const Visit& visit) {
  const double all = variance + eps;
  if (all >= static_cast<double>(std::numeric_limits<T>::min()) && variance <= std::numeric_limits<T>::max())
      [[likely]]
    return std::sqrt(all);
  double largest = 0, sum = 0;
  visit([&](T distance) { largest = std::max(largest, static_cast<double>(std::abs(distance))); });
  if (largest == 0 || !std::isfinite(largest)) return std::sqrt(all);
  visit([&](T distance) {
    const double ratio = static_cast<double>(distance) / largest;
    sum += ratio * ratio;
  });
  return largest * std::sqrt(sum / n + eps / largest / largest);
}

/// Groups whose elements lie in `outer` lines.
template <class T>
struct NormalizeGroups {
  /// Sums for weights of elements are gathered in T for a few groups, then in double.
  template <int Bytes>
  static void run(const NormalizeTask<T>* task, std::int64_t begin, std::int64_t end, double* to_weight,
                  double* to_bias) {
    if (task->g == nullptr) {
      for (; begin < end; ++begin) forward<Bytes>(*task, begin);
      return;
    }
    const bool gathers = task->weight != nullptr && task->has_weights_of_elements() && to_weight != nullptr;
    const std::int64_t weights = gathers ? task->groups.weights() : 0,
                       few = gathers ? 32 * task->groups.period : end - begin;
    std::vector<T> sums(static_cast<std::size_t>(2 * weights));
    while (begin < end) {
      std::fill(sums.begin(), sums.end(), T(0));
      for (const std::int64_t stop = std::min(begin + few, end); begin < stop; ++begin)
        backward<Bytes>(*task, begin, sums.data(), sums.data() + weights);
      for (std::int64_t i = 0; i < weights; ++i) {
        to_weight[i] += static_cast<double>(sums[i]);
        to_bias[i] += static_cast<double>(sums[weights + i]);
      }
    }
  }

 private:
  template <int Bytes>
  using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;

  template <int Bytes, class Term>
  static double sum(const NormalizeTask<T>& task, std::int64_t group, const Term& term) {
    double total = 0;
    for (std::int64_t o = 0, at = task.at(0, group); o < task.groups.outer; at = task.at(++o, group))
      total += sum_of<P<Bytes>>(task.groups.inner, [&](const auto& place) { return term(place, at); });
    return total;
  }

  template <int Bytes, class Terms>
  static std::pair<double, double> sums(const NormalizeTask<T>& task, std::int64_t group,
                                        const Terms& terms) {
    double first = 0, second = 0;
    for (std::int64_t o = 0; o < task.groups.outer; ++o) {
      const std::int64_t at = task.at(o, group);
      const auto part = sums_of<P<Bytes>>(task.groups.inner,
                                          [&](const auto& place, const auto& add) { terms(place, at, add); });
      first += part.first;
      second += part.second;
    }
    return {first, second};
  }

  template <int Bytes>
  static void find_statistics(const NormalizeTask<T>& task, std::int64_t group) {
    const auto n = static_cast<double>(task.groups.elements());
    const T* const x = task.x;
    T mean = 0, rest = 0;
    double variance = 0;
    if (task.centred) {
      mean = static_cast<T>(
          sum<Bytes>(task, group, [x](const auto& place, auto at) { return place(x + at); }) / n);
      const auto [distances, squares] =
          sums<Bytes>(task, group, [x, mean](const auto& place, auto at, const auto& add) {
            const auto distance = place(x + at) - mean;
            add(distance, distance * distance);
          });
      // The rounded mean lacks so little that its square takes no digits from the variance.
      const double lacking = distances / n, around = squares / n;
      rest = static_cast<T>(lacking);
      variance = std::isfinite(around) ? std::max(around - lacking * lacking, 0.0) : around;
    } else {
      const auto square = [x](const auto& place, auto at) { return place(x + at) * place(x + at); };
      variance = sum<Bytes>(task, group, square) / n;
    }
    const auto visit = [&](const auto& f) {
      for (std::int64_t o = 0; o < task.groups.outer; ++o)
        for (std::int64_t i = 0; i < task.groups.inner; ++i) f((x[task.at(o, group) + i] - mean) - rest);
    };
    task.means[group] = mean;
    task.rests[group] = rest;
    task.inverses[group] = static_cast<T>(1 / root_of_variance<T>(variance, task.eps, n, visit));
    task.variances[group] = static_cast<T>(variance);
  }

  template <int Bytes>
  static void forward(const NormalizeTask<T>& task, std::int64_t group) {
    if (!task.given) find_statistics<Bytes>(task, group);
    const T mean = task.means[group], rest = task.rests[group], inverse = task.inverses[group];
    const T *const x = task.x, *const weight = task.weight, *const bias = task.bias;
    const auto y = [=](const auto& place, const T* from) { return ((place(from) - mean) - rest) * inverse; };
    for (std::int64_t o = 0; o < task.groups.outer; ++o) {
      const T* const from = x + task.at(o, group);
      T* const to = task.out + task.at(o, group);
      if (weight == nullptr) {
        fill<P<Bytes>>(task.groups.inner, to, [&](const auto& place) { return y(place, from); });
      } else if (task.has_weights_of_elements()) {
        const T* const w = weight + group % task.groups.period * task.groups.inner;
        const T* const b = bias == nullptr ? bias : bias + (w - weight);
        const auto scaled = [&](const auto& place) { return y(place, from) * place(w); };
        if (bias == nullptr)
          fill<P<Bytes>>(task.groups.inner, to, scaled);
        else
          fill<P<Bytes>>(task.groups.inner, to, [&](const auto& place) { return scaled(place) + place(b); });
      } else {
        for_each_plane(task, group, [&](std::int64_t k, std::int64_t first) {
          const T w = weight[k], b = bias == nullptr ? T(0) : bias[k];
          fill<P<Bytes>>(task.groups.plane, to + first,
                         [&](const auto& place) { return y(place, from + first) * w + b; });
        });
      }
    }
  }

  /// Calls f(the weight, the first element) for each plane of a line.
  template <class F>
  static void for_each_plane(const NormalizeTask<T>& task, std::int64_t group, const F& f) {
    const std::int64_t count = task.groups.weights_of_group();
    for (std::int64_t k = 0; k < count; ++k) f(group % task.groups.period * count + k, k * task.groups.plane);
  }

  template <int Bytes>
  static void backward(const NormalizeTask<T>& task, std::int64_t group, T* to_weight, T* to_bias) {
    const auto n = static_cast<double>(task.groups.elements());
    const T mean = task.means[group], rest = task.rests[group], inverse = task.inverses[group];
    const T *const x = task.x, *const g = task.g, *const weight = task.weight;
    const auto y = [=](const auto& place, const T* from) { return ((place(from) - mean) - rest) * inverse; };
    double sum_h = 0, sum_hy = 0;
    if (weight == nullptr || task.has_weights_of_elements()) {
      const T* const w =
          weight == nullptr ? nullptr : weight + group % task.groups.period * task.groups.inner;
      const auto add_sums = [&](const auto& h) {
        std::tie(sum_h, sum_hy) = sums<Bytes>(task, group, [&](const auto& place, auto at, const auto& add) {
          const auto each = h(place, at);
          add(each, each * y(place, x + at));
        });
        if (!task.centred) sum_h = 0;
      };
      if (w == nullptr) {
        add_sums([g](const auto& place, auto at) { return place(g + at); });
        const T even = static_cast<T>(sum_h / n), along = static_cast<T>(sum_hy / n);
        for (std::int64_t o = 0; o < task.groups.outer; ++o) {
          const std::int64_t at = task.at(o, group);
          fill<P<Bytes>>(task.groups.inner, task.out + at, [&](const auto& place) {
            return ((place(g + at) - even) - y(place, x + at) * along) * inverse;
          });
        }
        return;
      }
      // A group is a line then, which gives its share of the weights' sums on the way if they are wanted.
      add_sums([g, w](const auto& place, auto at) { return place(g + at) * place(w); });
      const T even = static_cast<T>(sum_h / n), along = static_cast<T>(sum_hy / n);
      const std::int64_t at = task.at(0, group);
      const bool gathers = to_weight != nullptr;
      if (gathers) to_weight += w - weight, to_bias += w - weight;
      fill<P<Bytes>>(task.groups.inner, task.out + at, [&](const auto& place) {
        const auto each = place(g + at), own = y(place, x + at);
        if (gathers) {
          place.store(to_weight, place(to_weight) + each * own);
          place.store(to_bias, place(to_bias) + each);
        }
        return ((each * place(w) - even) - own * along) * inverse;
      });
      return;
    }
    const std::int64_t own = group * task.groups.weights_of_group(),
                       common = group % task.groups.period * task.groups.weights_of_group();
    for (std::int64_t o = 0; o < task.groups.outer; ++o) {
      const std::int64_t at = task.at(o, group);
      for_each_plane(task, group, [&](std::int64_t k, std::int64_t first) {
        const T *const from = x + at + first, *const above = g + at + first;
        const auto [sum_g, sum_gy] =
            sums_of<P<Bytes>>(task.groups.plane, [&](const auto& place, const auto& add) {
              const auto each = place(above);
              add(each, each * y(place, from));
            });
        task.to_weight[own + k - common] += sum_gy;
        task.to_bias[own + k - common] += sum_g;
        sum_h += sum_g * static_cast<double>(weight[k]);
        sum_hy += sum_gy * static_cast<double>(weight[k]);
      });
    }
    const T even = task.centred ? static_cast<T>(sum_h / n) : T(0), along = static_cast<T>(sum_hy / n);
    for (std::int64_t o = 0; o < task.groups.outer; ++o) {
      const std::int64_t at = task.at(o, group);
      for_each_plane(task, group, [&](std::int64_t k, std::int64_t first) {
        const T w = weight[k];
        fill<P<Bytes>>(task.groups.plane, task.out + at + first, [&](const auto& place) {
          return ((place(g + at + first) * w - even) - y(place, x + at + first) * along) * inverse;
        });
      });
    }
  }
};

/// The sums for weights of elements by themselves: of few groups that are long, whose sums would be far from
/// one another. In blocks of weights, of which each row has as many.
template <class T>
struct SumWeights {
  static constexpr std::int64_t most_groups = 32, least_elements = 1 << 9, width = 1024;
  static std::int64_t blocks(const Groups& groups) { return (groups.inner + width - 1) / width; }

  /// Either of the results may be null.
  template <int Bytes>
  static void run(const NormalizeTask<T>* task, std::int64_t begin, std::int64_t end, T* to_weight,
                  T* to_bias) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    const Groups& groups = task->groups;
    for (; begin < end; ++begin) {
      const std::int64_t row = begin / blocks(groups), first = begin % blocks(groups) * width,
                         count = std::min(width, groups.inner - first), at = row * groups.inner + first;
      T products[width] = {}, sums[width] = {};
      for (std::int64_t group = row; group < groups.count; group += groups.period) {
        const T mean = task->means[group], rest = task->rests[group], inverse = task->inverses[group];
        const T *const x = task->x + task->at(0, group) + first, *const g = task->g + (x - task->x);
        fill<P>(count, products, [&](const auto& place) {
          const auto each = place(g);
          place.store(sums, place(sums) + each);
          return place(products) + each * (((place(x) - mean) - rest) * inverse);
        });
      }
      if (to_weight != nullptr) std::copy_n(products, count, to_weight + at);
      if (to_bias != nullptr) std::copy_n(sums, count, to_bias + at);
    }
  }
};

/// Groups that are columns, each with a weight of its own if there are any: rows are gone through at once.
template <class T>
struct NormalizeColumns {
  static constexpr std::int64_t width = 256, rows_of_block = 32;

  template <int Bytes>
  static void run(const NormalizeTask<T>* task, std::int64_t begin, std::int64_t end) {
    for (; begin < end; begin += width) block(*task, begin, std::min(width, end - begin));
  }

 private:
  /// sums[c] = Σ term(place, c) over a column: in T for a block of rows, then in double.
  template <class Term>
  static void sum(const NormalizeTask<T>& task, std::int64_t begin, std::int64_t count, double* sums,
                  const Term& term) {
    T part[width];
    std::fill_n(sums, count, 0.0);
    for (std::int64_t r = 0; r < task.groups.outer; r += rows_of_block) {
      std::fill_n(part, count, T(0));
      for (std::int64_t i = r; i < std::min(r + rows_of_block, task.groups.outer); ++i) {
        const std::int64_t at = i * task.groups.count + begin;
        for (std::int64_t c = 0; c < count; ++c) part[c] += term(at + c, c);
      }
      for (std::int64_t c = 0; c < count; ++c) sums[c] += static_cast<double>(part[c]);
    }
  }

  static void block(const NormalizeTask<T>& task, std::int64_t begin, std::int64_t count) {
    const std::int64_t rows = task.groups.outer, row = task.groups.count;
    const auto n = static_cast<double>(rows);
    double sums[width], more[width];
    T mean[width], rest[width], inverse[width], weight[width], bias[width];
    for (std::int64_t c = 0; c < count; ++c) {
      const bool known = task.g != nullptr || task.given;
      mean[c] = known ? task.means[begin + c] : T(0);
      rest[c] = known ? task.rests[begin + c] : T(0);
      inverse[c] = known ? task.inverses[begin + c] : T(0);
      weight[c] = task.weight == nullptr ? T(1) : task.weight[(begin + c) % task.groups.period];
      bias[c] = task.bias == nullptr ? T(0) : task.bias[(begin + c) % task.groups.period];
    }
    const T *const x = task.x, *const g = task.g;
    T* const out = task.out;
    const auto distance = [&](std::int64_t at, std::int64_t c) { return (x[at] - mean[c]) - rest[c]; };
    if (g == nullptr) {
      if (!task.given) {
        for (T* const part : {mean, rest}) {
          if (!task.centred) break;
          sum(task, begin, count, sums, distance);
          for (std::int64_t c = 0; c < count; ++c) part[c] = static_cast<T>(sums[c] / n);
        }
        sum(task, begin, count, sums,
            [&](std::int64_t at, std::int64_t c) { return distance(at, c) * distance(at, c); });
        for (std::int64_t c = 0; c < count; ++c) {
          const auto visit = [&](const auto& f) {
            for (std::int64_t r = 0; r < rows; ++r) f(distance(r * row + begin + c, c));
          };
          inverse[c] = static_cast<T>(1 / root_of_variance<T>(sums[c] / n, task.eps, n, visit));
          task.means[begin + c] = mean[c];
          task.rests[begin + c] = rest[c];
          task.inverses[begin + c] = inverse[c];
          task.variances[begin + c] = static_cast<T>(sums[c] / n);
        }
      }
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = 0; c < count; ++c) {
          const std::int64_t at = r * row + begin + c;
          out[at] = distance(at, c) * inverse[c] * weight[c] + bias[c];
        }
      return;
    }
    sum(task, begin, count, sums,
        [&](std::int64_t at, std::int64_t c) { return g[at] * (distance(at, c) * inverse[c]); });
    sum(task, begin, count, more, [&](std::int64_t at, std::int64_t) { return g[at]; });
    T even[width], along[width];
    for (std::int64_t c = 0; c < count; ++c) {
      if (task.to_weight != nullptr) task.to_weight[begin + c] = sums[c], task.to_bias[begin + c] = more[c];
      along[c] = static_cast<T>(sums[c] / n);
      even[c] = task.centred ? static_cast<T>(more[c] / n) : T(0);
      inverse[c] *= weight[c];
    }
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < count; ++c) {
        const std::int64_t at = r * row + begin + c;
        out[at] = ((g[at] - even[c]) - distance(at, c) * task.inverses[begin + c] * along[c]) * inverse[c];
      }
  }
};

}  // namespace chainrule::kernels
