// Normalisation, one group of elements at a time, or one block of columns: dealt out to threads, and what
// their sums come to. The loops are in normalize_loops.h.

#include "kernels/normalize.h"

#include <algorithm>
#include <vector>

#include "kernels/normalize_loops.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

template <class T>
void run(const Array& x, const Array* g, const Array* weight, const Array* bias, const Groups& groups,
         double eps, bool centred, T* statistics, T* out, Array* to_weight, Array* to_bias,
         bool given = false) {
  const auto elements = [](const Array* array) { return array == nullptr ? nullptr : array->data<T>(); };
  const bool sums = g != nullptr && weight != nullptr, of_elements = groups.plane == 1 && groups.outer == 1;
  const std::int64_t each = groups.weights_of_group(), count = groups.count;
  // Parts of the groups, which have sums of their own where weights have no neighbours.
  const std::int64_t parts =
      std::clamp<std::int64_t>(count * groups.elements() / parallel_grain, 1,
                               std::min<std::int64_t>(std::max<std::int64_t>(count, 1), 32));
  const bool by_weights = sums && of_elements && count <= SumWeights<T>::most_groups &&
                          groups.inner >= SumWeights<T>::least_elements;
  const std::int64_t held = !sums || by_weights ? 0 : of_elements ? parts * groups.weights() : count * each;
  std::vector<double> totals(static_cast<std::size_t>(2 * held));
  double *const first = held > 0 ? totals.data() : nullptr, *const second = held > 0 ? first + held : nullptr;
  const NormalizeTask<T> task{groups,
                              centred,
                              given,
                              eps,
                              x.data<T>(),
                              elements(g),
                              elements(weight),
                              elements(bias),
                              out,
                              statistics,
                              statistics + count,
                              statistics + 2 * count,
                              statistics + 3 * count,
                              first,
                              second};
  const auto of_part = [&](double* first_part, std::int64_t part) {
    return first_part != nullptr && of_elements ? first_part + part * groups.weights() : first_part;
  };
  parallel_for(parts, 1, [&](std::int64_t part, std::int64_t end) {
    for (; part < end; ++part) {
      const std::int64_t begin = part * count / parts, stop = (part + 1) * count / parts;
      if (groups.inner == 1 && groups.outer > 1)
        simd::vectorized<NormalizeColumns<T>>(&task, begin, stop);
      else
        simd::vectorized<NormalizeGroups<T>>(&task, begin, stop, of_part(first, part), of_part(second, part));
    }
  });
  if (!sums) return;
  if (by_weights) {
    const auto numbers = [](Array* to) { return to == nullptr ? nullptr : to->mutable_data<T>(); };
    T *const to_first = numbers(to_weight), *const to_second = numbers(to_bias);
    return parallel_for(groups.weights() / groups.inner * SumWeights<T>::blocks(groups), 8,
                        [&](std::int64_t begin, std::int64_t end) {
                          simd::vectorized<SumWeights<T>>(&task, begin, end, to_first, to_second);
                        });
  }
  const std::int64_t weights = groups.weights();
  const auto finish = [&](Array* to, double* from) {
    if (to == nullptr) return;
    for (std::int64_t more = weights; more < held; more += weights)
      for (std::int64_t i = 0; i < weights; ++i) from[i] += from[more + i];
    T* const numbers = to->mutable_data<T>();
    for (std::int64_t i = 0; i < to->size(); ++i) numbers[i] = i < held ? static_cast<T>(from[i]) : T(0);
  };
  finish(to_weight, first);
  finish(to_bias, second);
}

}  // namespace

Array normalize(const Array& x, const Array* weight, const Array* bias, const Groups& groups, double eps,
                bool centred, GroupStatistics& statistics) {
  statistics = GroupStatistics(groups, x.dtype());
  Array out(x.shape(), x.dtype());
  dispatch_floating(x.dtype(), [&]<class T>() {
    run<T>(x, nullptr, weight, bias, groups, eps, centred, statistics.numbers.mutable_data<T>(),
           out.mutable_data<T>(), nullptr, nullptr);
  });
  return out;
}

Array normalize_by(const Array& x, const Array& mean, const Array& weight, const Array& bias) {
  const std::int64_t outer = x.shape()[0], channels = x.shape()[1], plane = x.shape()[2];
  // Planes one after another, as they lie, but for those of few elements.
  const Groups groups = plane < 16 ? Groups{outer, channels, plane, channels, plane}
                                   : Groups{1, outer * channels, plane, channels, plane};
  Array out(x.shape(), x.dtype());
  dispatch_floating(x.dtype(), [&]<class T>() {
    GroupStatistics statistics(groups, x.dtype());
    T* const numbers = statistics.numbers.mutable_data<T>();
    for (std::int64_t begin = 0; begin < groups.count; begin += channels)
      std::copy_n(mean.data<T>(), channels, numbers + begin);
    std::fill_n(numbers + groups.count, groups.count, T(0));
    std::fill_n(numbers + 2 * groups.count, groups.count, T(1));
    run<T>(x, nullptr, &weight, &bias, groups, 0, true, numbers, out.mutable_data<T>(), nullptr, nullptr,
           true);
  });
  return out;
}

Array normalize_gradient(const Array& x, const Array* weight, const Array& g, const Groups& groups,
                         bool centred, const GroupStatistics& statistics, Array* to_weight, Array* to_bias) {
  Array out(x.shape(), x.dtype());
  dispatch_floating(x.dtype(), [&]<class T>() {
    run<T>(x, &g, weight, nullptr, groups, 0, centred, const_cast<T*>(statistics.numbers.data<T>()),
           out.mutable_data<T>(), to_weight, to_bias);
  });
  return out;
}

}  // namespace chainrule::kernels
