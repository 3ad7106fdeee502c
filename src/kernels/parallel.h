#pragma once

#include <cstdint>

namespace chainrule::kernels {

/// Elements that make a further thread worth its start: tens of microseconds of work.
constexpr std::int64_t parallel_grain = std::int64_t{1} << 16;

namespace detail {
using Part = void(const void* part, std::int64_t begin, std::int64_t end);
void run_in_threads(std::int64_t n, std::int64_t grain, Part* run, const void* part);
}  // namespace detail

/// Calls part(begin, end) for stretches that make up 0 to n, in as many threads as OpenMP is given, each with
/// at least `grain` of the n. Within another parallel region there is one stretch. `part` must not throw.
template <class Part>
void parallel_for(std::int64_t n, std::int64_t grain, const Part& part) {
  if (n < 2 * grain) return part(std::int64_t{0}, n);
  const auto run = [](const void* it, std::int64_t begin, std::int64_t end) {
    (*static_cast<const Part*>(it))(begin, end);
  };
  detail::run_in_threads(n, grain, run, &part);
}

}  // namespace chainrule::kernels
