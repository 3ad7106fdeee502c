// Elements as they lie in memory, made ready for loops over whole packs: numbers that are repeated, and rows
// that do not fill a pack, go through buffers. Compiled once for all loops of user programs.

#include "kernels/pack_calls.h"

#include <algorithm>
#include <cstring>

namespace chainrule::kernels {
namespace {

template <class T>
struct CallsOfPacks {
  static constexpr std::int64_t together = 4096;

  template <int Bytes>
  static void run(const simd::CompiledLoop<const simd::PackCall*>* loop, const void* function, std::int64_t n,
                  std::span<const Strided> operands, std::span<void* const> results) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    constexpr std::int64_t lanes = P::lanes;
    if (n == 0) return;
    const bool fills = n >= lanes;
    alignas(P) std::byte packs[most_strided][sizeof(P)], few[most_strided][sizeof(P)];
    std::array<const void*, most_strided> from;
    std::array<std::int64_t, most_strided> moves;
    std::array<void*, most_strided> to;
    for (std::size_t k = 0; k < operands.size(); ++k) {
      const bool is_moving = fills && operands[k].stride != 0;
      moves[k] = is_moving ? -1 : 0;
      from[k] = is_moving ? operands[k].elements : packs[k];
      if (is_moving) continue;
      const T* const elements = static_cast<const T*>(operands[k].elements);
      auto* const pack = reinterpret_cast<T*>(packs[k]);
      P(*elements).store(pack);  // in one go, so that loading it need not wait
      if (operands[k].stride != 0) std::copy_n(elements, n, pack);
    }
    for (std::size_t k = 0; k < results.size(); ++k) to[k] = fills ? results[k] : few[k];
    for (std::int64_t left = fills ? n : lanes; left > 0;) {
      const std::int64_t count = left < together + lanes ? left : together;
      const simd::PackCall call{function, count, from.data(), moves.data(), to.data()};
      loop->template with<Bytes>()(&call);
      left -= count;
      for (std::size_t k = 0; k < operands.size(); ++k)
        if (moves[k] != 0) from[k] = static_cast<const T*>(from[k]) + count;
      for (std::size_t k = 0; k < results.size(); ++k) to[k] = static_cast<T*>(to[k]) + count;
    }
    if (fills) return;
    for (std::size_t k = 0; k < results.size(); ++k)
      std::memcpy(results[k], few[k], static_cast<std::size_t>(n) * sizeof(T));
  }
};

}  // namespace

template <class T>
void run_in_packs(const simd::CompiledLoop<const simd::PackCall*>& loop, const void* function, std::int64_t n,
                  std::span<const Strided> operands, std::span<void* const> results) {
  simd::vectorized<CallsOfPacks<T>>(&loop, function, n, operands, results);
}
template void run_in_packs<float>(const simd::CompiledLoop<const simd::PackCall*>&, const void*, std::int64_t,
                                  std::span<const Strided>, std::span<void* const>);
template void run_in_packs<double>(const simd::CompiledLoop<const simd::PackCall*>&, const void*,
                                   std::int64_t, std::span<const Strided>, std::span<void* const>);

}  // namespace chainrule::kernels
