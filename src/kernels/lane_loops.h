// The loops of convolutions of a channel with a filter each, on planes side by side: each lane of a pack is
// of another plane, so that whatever the sizes and strides are, every lane has something to do. All places
// and distances are in packs.

#pragma once

#include <cstdint>
#include <vector>

namespace chainrule::kernels {

/// Elements that are computed alike: element (l, j) is the sum over the taps of a weight times what is at an
/// offset from the element that it reads first.
struct Grid {
  struct Place {
    std::int64_t first, line,
        step;  ///< the first element, and how far the next line and the next element are
  };
  Place from, to;
  std::int64_t lines, width;
  std::vector<std::int64_t> offsets, taps;
};

/// Planes of a number of elements, of which there may be fewer than a pack has lanes.
struct PlanesAt {
  std::int64_t plane, count;  ///< how far the next plane is, and how many there are
};

/// Element i of all planes goes to pack places[i] of the tile, for all places.
template <class T>
void gather_planes(const PlanesAt& planes, const T* x, const std::vector<std::int32_t>& places, T* tile);
/// And n packs back, element by element, each of which is a row further in the tile.
template <class T>
void scatter_planes(const PlanesAt& planes, const T* tile, std::int64_t row, std::int64_t n, T* y);

/// The elements of a grid: `start` and the sums over the taps, of which each has a row of weights.
template <class T>
void sum_grid(const Grid& grid, const T* from, const T* weight, std::int64_t row, const T* start, T* to);
/// Adds to a row of sums for each tap, in the first `count` lanes: of the elements of y, each times what the
/// tap reads for it.
template <class T>
void sum_grid_products(const Grid& grid, const T* from, const T* y, std::int64_t row, std::int64_t count,
                       T* sums);

}  // namespace chainrule::kernels
