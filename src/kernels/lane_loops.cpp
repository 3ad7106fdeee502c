// Sums of neighbours stay in registers, and so do those of the weight for some of its elements.

#include "kernels/lane_loops.h"

#include <algorithm>

#include "chainrule/simd.h"
#include "kernels/tiles.h"

namespace chainrule::kernels {
namespace {

template <class T>
struct GatherPlanes {
  template <int Bytes>
  static void run(const PlanesAt* planes, const T* x, const std::int32_t* places, std::int64_t n, T* tile) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    const T* rows[std::size_t{P::lanes}];  // lanes without a plane repeat the last one
    for (std::int64_t i = 0; i < P::lanes; ++i) rows[i] = x + std::min(i, planes->count - 1) * planes->plane;
    if (n < P::lanes) {
      for (std::int64_t at = 0; at < n; ++at)
        for (std::int64_t i = 0; i < P::lanes; ++i) tile[places[at] * P::lanes + i] = rows[i][at];
      return;
    }
    for (std::int64_t at = 0; at < n; at += P::lanes) {
      at = std::min(at, n - P::lanes);
      P square[std::size_t{P::lanes}];
#pragma GCC unroll 16
      for (int i = 0; i < P::lanes; ++i) square[i] = P::load(rows[i] + at);
      transpose_packs(square);
#pragma GCC unroll 16
      for (int i = 0; i < P::lanes; ++i) square[i].store(tile + std::int64_t{places[at + i]} * P::lanes);
    }
  }
};

template <class T>
struct ScatterPlanes {
  template <int Bytes>
  static void run(const PlanesAt* planes, const T* tile, std::int64_t row, std::int64_t n, T* y) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    if (n < P::lanes) {
      for (std::int64_t i = 0; i < planes->count; ++i)
        for (std::int64_t at = 0; at < n; ++at) y[i * planes->plane + at] = tile[at * row + i];
      return;
    }
    for (std::int64_t at = 0; at < n; at += P::lanes) {
      at = std::min(at, n - P::lanes);
      P square[std::size_t{P::lanes}];
#pragma GCC unroll 16
      for (int i = 0; i < P::lanes; ++i) square[i] = P::load(tile + (at + i) * row);
      transpose_packs(square);
#pragma GCC unroll 16
      for (int i = 0; i < P::lanes; ++i)
        if (i < planes->count) square[i].store(y + i * planes->plane + at);
    }
  }
};

template <class T>
struct GridLoop {
  template <int Bytes>
  static void run(const Grid* grid, const T* from, const T* weight, std::int64_t row, const T* start, T* to) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    from += grid->from.first * P::lanes;
    to += grid->to.first * P::lanes;
    for (std::int64_t l = 0; l < grid->lines; ++l) {
      const T* const x = from + l * grid->from.line * P::lanes;
      T* const y = to + l * grid->to.line * P::lanes;
      if constexpr (Bytes == 64)  // has registers for more, and such lines are common
        if (grid->width == 7 || grid->width % 14 == 0) {
          grid->width == 7 ? line<P, 7>(*grid, x, weight, row, start, y)
                           : line<P, 14>(*grid, x, weight, row, start, y);
          continue;
        }
      if (grid->width >= 8)
        line<P, 8>(*grid, x, weight, row, start, y);
      else if (grid->width >= 4)
        line<P, 4>(*grid, x, weight, row, start, y);
      else
        line<P, 1>(*grid, x, weight, row, start, y);
    }
  }

 private:
  /// The last tile repeats some of the one before.
  template <class P, int Width>
  static void line(const Grid& grid, const T* x, const T* weight, std::int64_t row, const T* start, T* y) {
    const std::int64_t step = grid.from.step * P::lanes, step_to = grid.to.step * P::lanes;
    const auto taps = static_cast<std::int64_t>(grid.taps.size());
    for (std::int64_t at = 0; at < grid.width; at += Width) {
      if (Width == 8 && grid.width - at <= 4) {  // a half
        at = std::max<std::int64_t>(0, grid.width - 4);
        tile<P, 4>(grid, taps, x + at * step, step, weight, row, start, y + at * step_to, step_to);
        return;
      }
      at = std::min(at, grid.width - Width);
      tile<P, Width>(grid, taps, x + at * step, step, weight, row, start, y + at * step_to, step_to);
    }
  }
  template <class P, int Width>
  static void tile(const Grid& grid, std::int64_t taps, const T* x, std::int64_t step, const T* weight,
                   std::int64_t row, const T* start, T* y, std::int64_t step_to) {
    P sums[Width];
#pragma GCC unroll 14
    for (int j = 0; j < Width; ++j) sums[j] = P::load(start);
    const std::int64_t *const offsets = grid.offsets.data(), *const numbers = grid.taps.data();
    for (std::int64_t t = 0; t < taps; ++t) {
      const P number = P::load(weight + numbers[t] * row);
      const T* from = x + offsets[t] * P::lanes;
#pragma GCC unroll 14
      for (int j = 0; j < Width; ++j, from += step) sums[j] = sums[j] + number * P::load(from);
    }
#pragma GCC unroll 14
    for (int j = 0; j < Width; ++j, y += step_to) sums[j].store(y);
  }
};

template <class T>
struct GridProductsLoop {
  template <int Bytes>
  static void run(const Grid* grid, const T* from, const T* y, std::int64_t row, std::int64_t count,
                  T* sums) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    constexpr int block = 9;
    const auto taps = static_cast<std::int64_t>(grid->taps.size());
    y += grid->to.first * P::lanes;
    from += grid->from.first * P::lanes;
    for (std::int64_t t = 0; t < taps; t += block) {
      const T* at[block];
#pragma GCC unroll 9
      for (int i = 0; i < block; ++i)
        at[i] = from + grid->offsets[static_cast<std::size_t>(std::min(t + i, taps - 1))] * P::lanes;
      P held[block];
#pragma GCC unroll 9
      for (int i = 0; i < block; ++i) held[i] = P(T(0));
      for (std::int64_t l = 0; l < grid->lines; ++l) {
        const T* by = y + l * grid->to.line * P::lanes;
        const std::int64_t begin = l * grid->from.line * P::lanes, step = grid->from.step * P::lanes,
                           end = begin + grid->width * step;
        for (std::int64_t j = begin; j < end; j += step, by += P::lanes) {
          const P number = P::load(by);
#pragma GCC unroll 9
          for (int i = 0; i < block; ++i) held[i] = held[i] + number * P::load(at[i] + j);
        }
      }
      for (int i = 0; i < block && t + i < taps; ++i) {
        T* const sum = sums + (t + i) * row;
        (P::load(sum) + held[i]).store_part(sum, count);
      }
    }
  }
};

}  // namespace

template <class T>
void gather_planes(const PlanesAt& planes, const T* x, const std::vector<std::int32_t>& places, T* tile) {
  simd::vectorized<GatherPlanes<T>>(&planes, x, places.data(), static_cast<std::int64_t>(places.size()),
                                    tile);
}
template <class T>
void scatter_planes(const PlanesAt& planes, const T* tile, std::int64_t row, std::int64_t n, T* y) {
  simd::vectorized<ScatterPlanes<T>>(&planes, tile, row, n, y);
}
template <class T>
void sum_grid(const Grid& grid, const T* from, const T* weight, std::int64_t row, const T* start, T* to) {
  simd::vectorized<GridLoop<T>>(&grid, from, weight, row, start, to);
}
template <class T>
void sum_grid_products(const Grid& grid, const T* from, const T* y, std::int64_t row, std::int64_t count,
                       T* sums) {
  simd::vectorized<GridProductsLoop<T>>(&grid, from, y, row, count, sums);
}

template void gather_planes(const PlanesAt&, const float*, const std::vector<std::int32_t>&, float*);
template void gather_planes(const PlanesAt&, const double*, const std::vector<std::int32_t>&, double*);
template void scatter_planes(const PlanesAt&, const float*, std::int64_t, std::int64_t, float*);
template void scatter_planes(const PlanesAt&, const double*, std::int64_t, std::int64_t, double*);
template void sum_grid(const Grid&, const float*, const float*, std::int64_t, const float*, float*);
template void sum_grid(const Grid&, const double*, const double*, std::int64_t, const double*, double*);
template void sum_grid_products(const Grid&, const float*, const float*, std::int64_t, std::int64_t, float*);
template void sum_grid_products(const Grid&, const double*, const double*, std::int64_t, std::int64_t,
                                double*);

}  // namespace chainrule::kernels
