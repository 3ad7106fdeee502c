// Elements of a broadcast written out, part by part.
// Relies on broadcast.h to join axes; short repeats go in packs.

#include "kernels/repeat.h"

#include "chainrule/simd.h"

namespace chainrule::kernels {
namespace {

/// Rows of a block. Left to the compiler, but for short ones: these are written as whole packs, and what is
/// too long is overwritten by the next row.
template <class T>
struct RepeatLoop {
  template <int Bytes>
  static void run(Block<1> block, const T* __restrict in, std::int64_t size, T* __restrict to) {
    std::int64_t row = 0, at = block.offsets[0];
    if constexpr (std::is_floating_point_v<T>) {
      using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
      if (block.count <= P::lanes) {
        const std::int64_t whole = block.rows - (P::lanes - 1) / block.count - 1;
        if (block.strides[0] == 0)
          for (; row < whole; ++row, at += block.steps[0], to += block.count) P(in[at]).store(to);
        else
          for (; row < whole && at + P::lanes <= size; ++row, at += block.steps[0], to += block.count)
            P::load(in + at).store(to);
      }
    }
    for (; row < block.rows; ++row, at += block.steps[0], to += block.count) {
      if (block.strides[0] == 1)
        for (std::int64_t i = 0; i < block.count; ++i) to[i] = in[at + i];
      else
        for (std::int64_t i = 0; i < block.count; ++i) to[i] = in[at];
    }
  }
};

}  // namespace

template <class T>
void repeat(const BroadcastBlocks<1>& blocks, std::int64_t begin, std::int64_t end, const T* in,
            std::int64_t size, T* to) {
  blocks.for_each(begin, end, [&](const Block<1>& block) {
    simd::vectorized<RepeatLoop<T>>(block, in, size, to + (block.at - begin));
  });
}

void repeat(const BroadcastBlocks<1>& blocks, std::int64_t begin, std::int64_t end, const void* in,
            std::int64_t size, std::size_t item, void* to) {
  const auto as = [&]<class T>() {
    repeat<T>(blocks, begin, end, static_cast<const T*>(in), size, static_cast<T*>(to));
  };
  if (item == 4) return as.template operator()<float>();
  if (item == 8) return as.template operator()<double>();
  if (item == 2) return as.template operator()<std::uint16_t>();
  as.template operator()<std::uint8_t>();
}

}  // namespace chainrule::kernels
