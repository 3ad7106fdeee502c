#include "kernels/parallel.h"

#include <algorithm>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace chainrule::kernels {

#ifdef _OPENMP
void detail::run_in_threads(std::int64_t n, std::int64_t grain, Part* run, const void* part) {
  const auto threads =
      omp_in_parallel() != 0 ? 1 : static_cast<int>(std::min<std::int64_t>(omp_get_max_threads(), n / grain));
  if (threads <= 1) return run(part, 0, n);
#pragma omp parallel num_threads(threads)
  {
    const std::int64_t count = omp_get_num_threads(), i = omp_get_thread_num();
    const std::int64_t line = n >= 64 * count ? 64 : 1;  // long stretches begin at whole cache lines
    const auto bound = [&](std::int64_t k) { return k == count ? n : n / line * k / count * line; };
    run(part, bound(i), bound(i + 1));
  }
}
#else
void detail::run_in_threads(std::int64_t n, std::int64_t, Part* run, const void* part) { run(part, 0, n); }
#endif

}  // namespace chainrule::kernels
