#include "kernels/pack_rows.h"

#include <algorithm>
#include <cstring>

namespace chainrule::kernels {
namespace {

template <class T>
struct RowsInPacks {
  template <int Bytes>
  static void run(const Stretch* stretch, const PackLoop* loop) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    if (stretch->rows == 1) return run_row<P>(*stretch, *loop);
    if (stretch->count >= P::lanes) return run_rows<P>(*stretch, *loop);
    Stretch row = *stretch;
    for (std::int64_t left = stretch->rows; left > 0; --left) {
      run_row<P>(row, *loop);
      advance(row, *loop, 1);
    }
  }

 private:
  static constexpr std::int64_t most_rows = 16;  // in buffers
  template <class P>
  static auto compiled(const PackLoop& loop) {
    return loop.run.template with<static_cast<int>(sizeof(P))>();
  }
  static void advance(Stretch& row, const PackLoop& loop, std::int64_t rows) {
    const std::int64_t bytes = rows * row.count * loop.out_item;
    row.out = static_cast<std::byte*>(row.out) + bytes;
    row.ahead = static_cast<const std::byte*>(row.ahead) + bytes;
    for (std::size_t k = 0; k < loop.operands; ++k)
      row.operands[k] = static_cast<const std::byte*>(row.operands[k]) + rows * row.steps[k] * loop.items[k];
  }

  /// One that may be shorter than a pack.
  template <class P>
  static void run_row(const Stretch& row, const PackLoop& loop) {
    const std::int64_t n = row.count;
    if (n == 0) return;
    const bool fills = n >= P::lanes;
    alignas(P) std::byte packs[Elementwise::most_operands][sizeof(P)], result[sizeof(P)];
    PackRows part;
    part.count = fills ? n : P::lanes;
    part.rows = 1;
    part.out = fills ? row.out : result;
    part.ahead = row.ahead;
    for (std::size_t k = 0; k < loop.operands; ++k) {
      const bool moves = fills && row.strides[k] != 0;
      part.moves[k] = moves ? -1 : 0;
      part.operands[k] = moves ? row.operands[k] : packs[k];
      if (!moves) fill<P>(packs[k], row.operands[k], row.strides[k] == 0 ? 1 : n, 1, 0, loop.items[k]);
    }
    compiled<P>(loop)(&part);
    if (!fills) std::memcpy(row.out, result, static_cast<std::size_t>(n * loop.out_item));
  }

  /// Operands that do not move along a row are repeated for some rows at a time.
  template <class P>
  static void run_rows(const Stretch& stretch, const PackLoop& loop) {
    alignas(P) std::byte packs[Elementwise::most_operands][most_rows * sizeof(P)];
    Stretch at = stretch;
    PackRows part;
    part.count = at.count;
    part.rows = at.rows;
    for (std::size_t k = 0; k < loop.operands; ++k) {
      part.moves[k] = -at.strides[k];
      part.steps[k] = at.steps[k];
      if (at.strides[k] == 0 && at.steps[k] != 0) {
        part.steps[k] = P::lanes;
        part.rows = std::min(part.rows, most_rows);
      }
    }
    for (std::int64_t left = at.rows; left > 0; left -= part.rows) {
      part.rows = std::min(part.rows, left);
      for (std::size_t k = 0; k < loop.operands; ++k) {
        part.operands[k] = at.strides[k] == 0 ? packs[k] : at.operands[k];
        if (at.strides[k] != 0 || (at.steps[k] == 0 && left < at.rows)) continue;
        fill<P>(packs[k], at.operands[k], 1, at.steps[k] == 0 ? 1 : part.rows, at.steps[k], loop.items[k]);
      }
      part.out = at.out;
      part.ahead = at.ahead;
      compiled<P>(loop)(&part);
      advance(at, loop, part.rows);
    }
  }

  /// A pack for each row, with `count` elements, then the first once more, on which any function is defined.
  template <class P>
  static void fill(void* packs, const void* from, std::int64_t count, std::int64_t rows, std::int64_t step,
                   std::int64_t item) {
    if (item == 1)
      fill_with<P>(static_cast<bool*>(packs), static_cast<const bool*>(from), count, rows, step);
    else
      fill_with<P>(static_cast<T*>(packs), static_cast<const T*>(from), count, rows, step);
  }
  template <class P, class E>
  static void fill_with(E* pack, const E* from, std::int64_t count, std::int64_t rows, std::int64_t step) {
    for (; rows > 0; --rows, pack += P::lanes, from += step) {
      if constexpr (std::is_same_v<E, T>)
        P(*from).store(pack);  // in one go, so that loading it need not wait
      else
        std::fill_n(pack, P::lanes, *from);
      for (std::int64_t lane = 1; lane < count; ++lane) pack[lane] = from[lane];
    }
  }
};

}  // namespace

template <class T>
void run_rows(const Stretch& stretch, const PackLoop& loop) {
  simd::vectorized<RowsInPacks<T>>(&stretch, &loop);
}
template void run_rows<float>(const Stretch&, const PackLoop&);
template void run_rows<double>(const Stretch&, const PackLoop&);

}  // namespace chainrule::kernels
