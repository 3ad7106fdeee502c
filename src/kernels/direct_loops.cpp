// Sums of tiles stay in registers: of some filters for neighbouring windows, or of the weight for some of its
// elements.

#include "kernels/direct_loops.h"

#include <algorithm>

#include "chainrule/simd.h"
#include "kernels/runs.h"
#include "kernels/tiles.h"

namespace chainrule::kernels {
namespace {

struct FiltersLoop {
  template <int Bytes>
  using P = simd::Pack<float, Bytes / 4>;

  template <int Bytes>
  static void run(const DirectPart<float>* all) {
    constexpr std::int64_t lanes = P<Bytes>::lanes;
    DirectPart<float> part = *all;
    const std::int64_t positions = part.padded->windows.out_size();
    for (std::int64_t done = 0; done < all->filters; done += 2 * lanes) {
      part.filters = std::min(all->filters - done, 2 * lanes);
      part.weight = all->weight + done * part.depth;
      part.start = all->start + done;
      part.before = all->before + done * positions;
      part.sums = all->sums + done * positions;
      part.y = all->y + done * part.plane;
      lines<Bytes>(part, part.filters > lanes ? 2 : 1);
    }
  }

 private:
  template <int Bytes>
  static void lines(const DirectPart<float>& part, int packs) {
    constexpr std::int64_t lanes = P<Bytes>::lanes;
    const WindowAxis& high = part.padded->windows.axes[1];
    const std::int64_t line_width = part.padded->windows.axes[2].out, count = part.padded->lines(),
                       positions = line_width * count, row = packs * lanes;
    const LineTiles tiles(lanes, line_width);
    for (std::int64_t line = 0, some = 1; line < count; line += some) {
      some = high.out - line % high.out < tiles.lines ? 1 : tiles.lines;
      const float* const x = part.x + part.padded->start(line);
      for (std::int64_t tile = 0; tile < tiles.count; ++tile) {
        const std::int64_t column = tiles.column(tile), width = tiles.width_of(tile),
                           windows = some * std::min(width, line_width), at = line * line_width + column;
        P<Bytes> sums[2][std::size_t{lanes}];
        const float* const start = part.starts_anew ? part.start : part.before + at * row;
        const Tile from{x + column, high.stride * part.padded->line, start, part.starts_anew ? 0 : row};
        packs == 2 ? add_products<2>(part, some, width, from, sums)
                   : add_products<1>(part, some, width, from, sums);
        for (int q = 0; q < packs; ++q) {
          if (part.is_last) {
            transpose_packs(sums[q]);
            store<Bytes>(sums[q], std::min(part.filters - q * lanes, lanes),
                         part.y + q * lanes * part.plane + at, part.plane,
                         at + lanes <= positions ? lanes : windows);
          } else {  // (What is behind the line belongs to the next one.)
            for (std::int64_t j = 0; j < windows; ++j)
              sums[q][j].store(part.sums + (at + j) * row + q * lanes);
          }
        }
      }
    }
  }

  /// What the windows of a tile read first, how far those of its next line are, and what sums start with.
  struct Tile {
    const float* x;
    std::int64_t line;
    const float* start;
    std::int64_t step;
  };

  /// Whole packs reach into windows that come later; at the end, only those that there are.
  template <int Bytes>
  static void store(const P<Bytes> (&rows)[std::size_t{P<Bytes>::lanes}], std::int64_t filters, float* to,
                    std::int64_t plane, std::int64_t windows) {
    using P = FiltersLoop::P<Bytes>;
    if (windows == P::lanes) {
#pragma GCC unroll 16
      for (int i = 0; i < P::lanes; ++i)
        if (i < filters) rows[i].store(to + i * plane);
      return;
    }
    float elements[std::size_t{P::lanes}];
    for (std::int64_t i = 0; i < filters; ++i) {
      rows[i].store(elements);
      const float* from = elements;
      asm("" : "+r"(from) : : "memory");  // else g++ 12 warns of runs longer than this one can be
      copy_run<Bytes>(reinterpret_cast<const std::byte*>(from), reinterpret_cast<std::byte*>(to + i * plane),
                      windows * 4);
    }
  }

  template <int Packs, class P>
  static void add_products(const DirectPart<float>& part, std::int64_t lines, std::int64_t width,
                           const Tile& tile, P (&sums)[2][std::size_t{P::lanes}]) {
    if constexpr (P::lanes == 16) switch (16 * lines + width) {
        case 16 + 4: return add_products_of<1, 4, Packs>(part, tile, sums);
        case 16 + 5: return add_products_of<1, 5, Packs>(part, tile, sums);
        case 16 + 6: return add_products_of<1, 6, Packs>(part, tile, sums);
        case 16 + 7: return add_products_of<1, 7, Packs>(part, tile, sums);
        case 16 + 8: return add_products_of<1, 8, Packs>(part, tile, sums);
        case 16 + 9: return add_products_of<1, 9, Packs>(part, tile, sums);
        case 16 + 10: return add_products_of<1, 10, Packs>(part, tile, sums);
        case 16 + 11: return add_products_of<1, 11, Packs>(part, tile, sums);
        case 16 + 12: return add_products_of<1, 12, Packs>(part, tile, sums);
        case 16 + 13: return add_products_of<1, 13, Packs>(part, tile, sums);
        case 16 + 14: return add_products_of<1, 14, Packs>(part, tile, sums);
        case 32 + 4: return add_products_of<2, 4, Packs>(part, tile, sums);
        case 32 + 5: return add_products_of<2, 5, Packs>(part, tile, sums);
        case 32 + 6: return add_products_of<2, 6, Packs>(part, tile, sums);
        case 32 + 7: return add_products_of<2, 7, Packs>(part, tile, sums);
        case 48 + 3: return add_products_of<3, 3, Packs>(part, tile, sums);
        default: return add_products_of<1, 3, Packs>(part, tile, sums);
      }
    add_products_of<1, P::lanes == 8 ? 6 : 4, Packs>(part, tile, sums);
  }
  template <int Lines, int Width, int Packs, class P>
  static void add_products_of(const DirectPart<float>& part, const Tile& tile,
                              P (&sums)[2][std::size_t{P::lanes}]) {
    constexpr int windows = Lines * Width;
    P held[windows][Packs];
#pragma GCC unroll 16
    for (int j = 0; j < windows; ++j)
#pragma GCC unroll 2
      for (int q = 0; q < Packs; ++q) held[j][q] = P::load(tile.start + q * P::lanes + j * tile.step);
    const std::int64_t* const offsets = part.padded->offsets.data();
    const float* weight = part.weight;
    for (std::int64_t p = 0; p < part.depth; ++p, weight += Packs * P::lanes) {
      P row[Packs];
#pragma GCC unroll 2
      for (int q = 0; q < Packs; ++q) row[q] = P::load(weight + q * P::lanes);
      const float* from = tile.x + offsets[p];
#pragma GCC unroll 4
      for (int l = 0; l < Lines; ++l, from += tile.line) {
        asm("" : "+r"(from));  // else g++ 12 adds the offset to the address of each window
#pragma GCC unroll 16
        for (int j = 0; j < Width; ++j) {
          const P number(from[j]);
#pragma GCC unroll 2
          for (int q = 0; q < Packs; ++q) held[l * Width + j][q] = held[l * Width + j][q] + number * row[q];
        }
      }
    }
#pragma GCC unroll 16
    for (int j = 0; j < P::lanes; ++j)
#pragma GCC unroll 2
      for (int q = 0; q < Packs; ++q) sums[q][j] = held[j < windows ? j : 0][q];
  }
};

template <class T>
struct WindowsLoop {
  template <int Bytes>
  using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;

  template <int Bytes>
  static void run(const DirectPart<T>* part) {
    constexpr std::int64_t lanes = P<Bytes>::lanes;
    const std::int64_t width = part->padded->windows.axes[2].out, count = part->padded->lines(),
                       positions = width * count, last = std::max<std::int64_t>(0, width - lanes);
    for (std::int64_t line = 0; line < count; ++line) {
      const T* const x = part->x + part->padded->start(line);
      for (std::int64_t done = 0; done < width; done += 2 * lanes) {
        // The last pack of a line ends with it, where it is as long as one.
        const std::int64_t first = std::min(done, last), step = std::min(done + lanes, last) - first,
                           at = line * width + first,
                           windows = width < lanes && at + lanes > positions ? width : lanes;
        for (std::int64_t f = 0; f < part->filters; f += part->block)
          done + lanes < width ? filters<P<Bytes>, 2>(*part, f, x + first, step, at, windows)
                               : filters<P<Bytes>, 1>(*part, f, x + first, 0, at, windows);
      }
    }
  }

 private:
  template <class P, int Packs>
  static void filters(const DirectPart<T>& part, std::int64_t f, const T* x, std::int64_t step,
                      std::int64_t at, std::int64_t windows) {
    if (part.block == 1) return filters_of<P, Packs, 1>(part, f, x, step, at, windows);
    if constexpr (P::lanes == 16)
      if (part.block == 8) return filters_of<P, Packs, 8>(part, f, x, step, at, windows);
    filters_of<P, Packs, 6>(part, f, x, step, at, windows);
  }
  template <class P, int Packs, int Filters>
  static void filters_of(const DirectPart<T>& part, std::int64_t f, const T* x, std::int64_t step,
                         std::int64_t at, std::int64_t windows) {
    const std::int64_t* const offsets = part.padded->offsets.data();
    P sums[Filters][Packs];
#pragma GCC unroll 8
    for (int i = 0; i < Filters; ++i)
#pragma GCC unroll 2
      for (int q = 0; q < Packs; ++q) sums[i][q] = P(part.start[f + i]);
    const T* weight = part.weight + f * part.depth;
    for (std::int64_t p = 0; p < part.depth; ++p, weight += Filters) {
      const T* const from = x + offsets[p];
      P row[Packs];
#pragma GCC unroll 2
      for (int q = 0; q < Packs; ++q) row[q] = P::load(from + q * step);
#pragma GCC unroll 8
      for (int i = 0; i < Filters; ++i) {
        const P number(weight[i]);
#pragma GCC unroll 2
        for (int q = 0; q < Packs; ++q) sums[i][q] = sums[i][q] + number * row[q];
      }
    }
    const std::int64_t count = std::min<std::int64_t>(Filters, part.filters - f);
    T* const to = part.y + f * part.plane + at;
    if (count == Filters && windows == P::lanes) {
#pragma GCC unroll 8
      for (int i = 0; i < Filters; ++i)
#pragma GCC unroll 2
        for (int q = 0; q < Packs; ++q) sums[i][q].store(to + i * part.plane + q * step);
      return;
    }
    T elements[std::size_t{Filters}][std::size_t{Packs * P::lanes}];
#pragma GCC unroll 8
    for (int i = 0; i < Filters; ++i)
#pragma GCC unroll 2
      for (int q = 0; q < Packs; ++q) sums[i][q].store(elements[i] + q * P::lanes);
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t q = 0; q < Packs; ++q)
        std::copy_n(elements[i] + q * P::lanes, windows, to + i * part.plane + q * step);
  }
};

template <class T>
struct WeightLoop {
  template <int Bytes>
  using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;

  template <int Bytes>
  static void run(const WeightPart<T>* all) {
    constexpr std::int64_t lanes = P<Bytes>::lanes;
    WeightPart<T> part = *all;
    for (std::int64_t done = 0; done < all->filters; done += 2 * lanes) {
      part.filters = std::min(all->filters - done, 2 * lanes);
      part.y = all->y + done * part.plane;
      part.sums = all->sums + done * part.depth;
      const std::int64_t packs = part.filters > lanes ? 2 : 1;
      for (std::int64_t i = 0; i < part.samples; ++i)
        for (std::int64_t q = 0; q < packs; ++q) turn<P<Bytes>>(part, i, q, packs);
      packs == 2 ? tiles<Bytes, 2>(part) : tiles<Bytes, 1>(part);
    }
  }

 private:
  /// A tile is of rows of the kernel of 3 or 5 elements, which are as far apart in all of them: so there is a
  /// register for the address of each row.
  template <int Bytes, int Packs>
  static void tiles(const WeightPart<T>& part) {
    constexpr bool many = Bytes == 64;
    if constexpr (sizeof(T) == 4) {
      const std::int64_t run = part.padded->windows.axes[2].kernel;
      if (run == 3) return all_rows < Bytes, Packs, many ? 4 : 2, 3 > (part);
      if (run == 5) return all_rows < Bytes, Packs, many ? (Packs == 2 ? 2 : 5) : 1, 5 > (part);
    }
    all_rows<Bytes, Packs, many ? 12 : 6, 1>(part);
  }
  template <int Bytes, int Packs, int Rows, int Run>
  static void all_rows(const WeightPart<T>& part) {
    for (std::int64_t k = 0; k < part.depth; k += Rows * Run) rows<P<Bytes>, Packs, Rows, Run>(part, k);
  }

  /// Filter by filter, window by window, becomes window by window, filter by filter. (What is in the lanes of
  /// filters that there are not does not matter.)
  template <class P>
  static void turn(const WeightPart<T>& part, std::int64_t sample, std::int64_t q, std::int64_t packs) {
    const std::int64_t positions = part.padded->windows.out_size(),
                       filters = std::min<std::int64_t>(part.filters - q * P::lanes, P::lanes);
    const T* const y = part.y + sample * part.next_y + q * P::lanes * part.plane;
    T* const to = part.turned + (sample * positions * packs + q) * P::lanes;
    if (positions < P::lanes) {
      for (std::int64_t at = 0; at < positions; ++at)
        for (std::int64_t i = 0; i < P::lanes; ++i)
          to[at * packs * P::lanes + i] = i < filters ? y[i * part.plane + at] : T(0);
      return;
    }
    for (std::int64_t at = 0; at < positions; at += P::lanes) {
      at = std::min<std::int64_t>(at, positions - P::lanes);
      P rows[std::size_t{P::lanes}];
#pragma GCC unroll 16
      for (int i = 0; i < P::lanes; ++i)
        rows[i] = P::load(y + std::min<std::int64_t>(i, filters - 1) * part.plane + at);
      transpose_packs(rows);
#pragma GCC unroll 16
      for (int j = 0; j < P::lanes; ++j) rows[j].store(to + (at + j) * packs * P::lanes);
    }
  }

  template <class P, int Packs, int Rows, int Run>
  static void rows(const WeightPart<T>& part, std::int64_t k) {
    const std::int64_t count = std::min<std::int64_t>(Rows, (part.depth - k) / Run);
    const T* from[Rows];
    for (int r = 0; r < Rows; ++r)
      from[r] =
          part.x +
          part.padded->offsets[static_cast<std::size_t>(k + std::min<std::int64_t>(r, count - 1) * Run)];
    std::int64_t apart[Run];
    for (int t = 0; t < Run; ++t)
      apart[t] = part.padded->offsets[static_cast<std::size_t>(k + t)] -
                 part.padded->offsets[static_cast<std::size_t>(k)];
    P sums[Rows * Run][Packs];
#pragma GCC unroll 32
    for (int t = 0; t < Rows * Run; ++t)
#pragma GCC unroll 2
      for (int q = 0; q < Packs; ++q) sums[t][q] = P(T(0));
    const std::int64_t width = part.padded->windows.axes[2].out, lines = part.samples * part.padded->lines();
    const T* y = part.turned;
    for (std::int64_t line = 0; line < lines; ++line) {
      const std::int64_t first = part.starts[line];
      for (std::int64_t i = first; i < first + width; ++i, y += Packs * P::lanes) {
        P row[Packs];
#pragma GCC unroll 2
        for (int q = 0; q < Packs; ++q) row[q] = P::load(y + q * P::lanes);
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r) {
          const T* neighbours = from[r] + i;
          if constexpr (Run > 1) asm("" : "+r"(neighbours));  // else g++ 12 keeps packs for the next window
#pragma GCC unroll 16
          for (int t = 0; t < Run; ++t) {
            const P number(neighbours[apart[t]]);
#pragma GCC unroll 2
            for (int q = 0; q < Packs; ++q) sums[r * Run + t][q] = sums[r * Run + t][q] + number * row[q];
          }
        }
      }
    }
    T* const to = part.sums + k * Packs * P::lanes;
#pragma GCC unroll 32
    for (int t = 0; t < Rows * Run; ++t)
      if (t < count * Run)
#pragma GCC unroll 2
        for (int q = 0; q < Packs; ++q) {
          T* const sum = to + (t * Packs + q) * P::lanes;
          (P::load(sum) + sums[t][q]).store(sum);
        }
  }
};

}  // namespace

template <class T>
std::int64_t lanes_of() {
  switch (simd::instruction_set()) {
    case simd::InstructionSet::avx512: return 64 / sizeof(T);
    case simd::InstructionSet::avx2: return 32 / sizeof(T);
    case simd::InstructionSet::baseline: break;
  }
  return 16 / sizeof(T);
}

LineTiles::LineTiles(std::int64_t lanes, std::int64_t line) : of(line) {
  if (lanes < 16 || line < 3) {
    width = lanes < 16 ? (lanes == 8 ? 6 : 4) : 3;
    count = (line + width - 1) / width;
    return;
  }
  constexpr std::int64_t most = 14;
  count = (line + most - 1) / most;
  width = line / count;
  wider = line % count;
  lines = line > 7 ? 1 : line == 3 ? 3 : 2;
}

void sum_filters(const DirectPart<float>& part) { simd::vectorized<FiltersLoop>(&part); }
template <class T>
void sum_windows(const DirectPart<T>& part) {
  simd::vectorized<WindowsLoop<T>>(&part);
}
template <class T>
void sum_weight(const WeightPart<T>& part) {
  simd::vectorized<WeightLoop<T>>(&part);
}
template <class T>
void add_sums(std::int64_t count, const T* __restrict from, T* __restrict to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] += from[i];
}

template std::int64_t lanes_of<float>();
template std::int64_t lanes_of<double>();
template void sum_windows(const DirectPart<float>&);
template void sum_windows(const DirectPart<double>&);
template void sum_weight(const WeightPart<float>&);
template void sum_weight(const WeightPart<double>&);
template void add_sums(std::int64_t, const float*, float*);
template void add_sums(std::int64_t, const double*, double*);

}  // namespace chainrule::kernels
