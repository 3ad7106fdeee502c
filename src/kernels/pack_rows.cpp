// Rows as they lie in memory, made ready for loops over whole packs: operands that do not move, and rows that
// do not fill a pack, go through buffers. Compiled once for all elementwise loops.

#include "kernels/pack_rows.h"

#include <algorithm>
#include <cstring>

namespace chainrule::kernels {
namespace {

/// Fills the bytes of a pack of P for each row with `count` elements of E, then with the first once more, on
/// which any function is defined.
template <class P, class E>
void fill_with(E* pack, const E* from, std::int64_t count, std::int64_t rows, std::int64_t step) {
  for (; rows > 0; --rows, pack += sizeof(P) / sizeof(E), from += step) {
    if constexpr (std::is_same_v<E, bool>)
      std::fill_n(pack, sizeof(P), *from);
    else
      P(*from).store(pack);  // in one go, so that loading it need not wait
    for (std::int64_t lane = 1; lane < count; ++lane) pack[lane] = from[lane];
  }
}
template <class P>
void fill(void* packs, const void* from, std::int64_t count, std::int64_t rows, std::int64_t step,
          std::int64_t item) {
  using T = typename P::Element;
  if (item == 1)
    fill_with<P>(static_cast<bool*>(packs), static_cast<const bool*>(from), count, rows, step);
  else
    fill_with<P>(static_cast<T*>(packs), static_cast<const T*>(from), count, rows, step);
}

void advance(Stretch& row, const PackLoop& loop, std::int64_t rows) {
  const std::int64_t bytes = rows * row.count * loop.out_item;
  row.out = static_cast<std::byte*>(row.out) + bytes;
  row.ahead = static_cast<const std::byte*>(row.ahead) + bytes;
  for (std::size_t k = 0; k < loop.operands; ++k)
    row.operands[k] = static_cast<const std::byte*>(row.operands[k]) + rows * row.steps[k] * loop.items[k];
}

/// One row, which may be shorter than a pack.
template <class T>
struct OneRow {
  template <int Bytes>
  static void run(const Stretch* row, const PackLoop* loop) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    const std::int64_t n = row->count;
    if (n == 0) return;
    const bool fills = n >= P::lanes;
    alignas(P) std::byte packs[Elementwise::most_operands][sizeof(P)], result[sizeof(P)];
    PackRows part;
    part.count = fills ? n : P::lanes;
    part.rows = 1;
    part.out = fills ? row->out : result;
    part.ahead = row->ahead;
    for (std::size_t k = 0; k < loop->operands; ++k) {
      const bool moves = fills && row->strides[k] != 0;
      part.moves[k] = moves ? -1 : 0;
      part.operands[k] = moves ? row->operands[k] : packs[k];
      if (!moves) fill<P>(packs[k], row->operands[k], row->strides[k] == 0 ? 1 : n, 1, 0, loop->items[k]);
    }
    loop->run.template with<Bytes>()(&part);
    if (!fills) std::memcpy(row->out, result, static_cast<std::size_t>(n * loop->out_item));
  }
};

/// Rows that are no shorter than the widest pack. Operands that do not move along them are repeated for some
/// rows at a time.
template <class T>
struct ManyRows {
  static constexpr std::int64_t most_rows = 16;

  template <int Bytes>
  static void run(const Stretch* stretch, const PackLoop* loop) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    alignas(P) std::byte packs[Elementwise::most_operands][most_rows * sizeof(P)];
    Stretch at = *stretch;
    PackRows part;
    part.count = at.count;
    part.rows = at.rows;
    for (std::size_t k = 0; k < loop->operands; ++k) {
      part.moves[k] = -at.strides[k];
      part.steps[k] = at.steps[k];
      if (at.strides[k] == 0 && at.steps[k] != 0) {
        part.steps[k] = std::int64_t{sizeof(P)} / loop->items[k];
        part.rows = std::min(part.rows, most_rows);
      }
    }
    for (std::int64_t left = at.rows; left > 0; left -= part.rows) {
      part.rows = std::min(part.rows, left);
      for (std::size_t k = 0; k < loop->operands; ++k) {
        part.operands[k] = at.strides[k] == 0 ? packs[k] : at.operands[k];
        if (at.strides[k] != 0 || (at.steps[k] == 0 && left < at.rows)) continue;
        fill<P>(packs[k], at.operands[k], 1, at.steps[k] == 0 ? 1 : part.rows, at.steps[k], loop->items[k]);
      }
      part.out = at.out;
      part.ahead = at.ahead;
      loop->run.template with<Bytes>()(&part);
      advance(at, *loop, part.rows);
    }
  }
};

}  // namespace

template <class T>
void run_rows(const Stretch& stretch, const PackLoop& loop) {
  if (stretch.rows == 1) return simd::vectorized<OneRow<T>>(&stretch, &loop);
  constexpr std::int64_t most_lanes = 64 / sizeof(T);
  if (stretch.count >= most_lanes) return simd::vectorized<ManyRows<T>>(&stretch, &loop);
  Stretch row = stretch;
  row.rows = 1;
  for (std::int64_t left = stretch.rows; left > 0; --left) {
    simd::vectorized<OneRow<T>>(&row, &loop);
    advance(row, loop, 1);
  }
}
template void run_rows<float>(const Stretch&, const PackLoop&);
template void run_rows<double>(const Stretch&, const PackLoop&);

}  // namespace chainrule::kernels
