// Loops over packs that a user's program has compiled, as those of `map`, called for elements as they lie in
// memory. Relies on detail/loops.h.

#pragma once

#include <span>

#include "chainrule/detail/loops.h"

namespace chainrule::kernels {

/// An operand of such a loop: its elements follow one another (stride 1), or there is one for all (stride 0).
struct Strided {
  const void* elements;
  std::int64_t stride;
};
constexpr std::size_t most_strided = 17;  ///< operands, or results, of a loop

/// Calls a loop of packs of T, float or double, for n elements. So many at a time that the cache holds what
/// it may have to compute once more.
template <class T>
void run_in_packs(const simd::CompiledLoop<const simd::PackCall*>& loop, const void* function, std::int64_t n,
                  std::span<const Strided> operands, std::span<void* const> results);

}  // namespace chainrule::kernels
