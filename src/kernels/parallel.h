// Loops in several threads, cut in a way that does not depend on how many there are, so that results are the
// same to the bit. Helpers sleep when there is nothing to do.

#pragma once

#include <algorithm>
#include <cstdint>

namespace chainrule::kernels {

/// Elements that make a further thread worth its start: tens of microseconds of work.
constexpr std::int64_t parallel_grain = std::int64_t{1} << 16;

/// The same in multiply-adds.
constexpr std::int64_t products_per_part = std::int64_t{1} << 20;

namespace detail {

using Part = void(const void* part, std::int64_t begin, std::int64_t end);

/// 0 to n, cut into parts. They depend on n and the grain alone, so that results do not depend on threads.
struct Cut {
  static constexpr std::int64_t most_parts = 128;
  Cut(std::int64_t size, std::int64_t grain)
      : n(size),
        parts(std::clamp(size / grain, std::int64_t{1}, most_parts)),
        line(size >= 64 * parts ? 64 : 1) {}
  /// Where part k begins, and the one before ends. Long ones begin at whole cache lines.
  std::int64_t begin(std::int64_t k) const { return k == parts ? n : n / line * k / parts * line; }
  std::int64_t n, parts, line;
};
void run_parts(const Cut& cut, Part* run, const void* part);

}  // namespace detail

/// Whether all parts would run in the calling thread: within a part, and where one thread is wanted.
bool runs_alone();

/// Calls part(begin, end) for stretches that make up 0 to n, each of at least `grain`. The calling thread
/// takes one after another, and so do as many others as num_threads() allows. Within a part it takes all of
/// them. What a part throws arrives here, when none is running any more; of several the first stretch's.
template <class Part>
void parallel_for(std::int64_t n, std::int64_t grain, const Part& part) {
  if (n < 2 * grain) return part(std::int64_t{0}, n);
  const auto run = [](const void* it, std::int64_t begin, std::int64_t end) {
    (*static_cast<const Part*>(it))(begin, end);
  };
  detail::run_parts({n, grain}, run, &part);
}

/// The same for tasks of so many multiply-adds each.
template <class Part>
void parallel_products(std::int64_t tasks, std::int64_t products, const Part& part) {
  parallel_for(tasks, std::max<std::int64_t>(1, products_per_part / std::max<std::int64_t>(1, products)),
               part);
}

}  // namespace chainrule::kernels
