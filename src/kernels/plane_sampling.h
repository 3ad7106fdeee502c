// Planes of pixels read at the points of grids, and the two derivatives. Relies on planes of fewer than 2³¹
// pixels.

#pragma once

#include <array>
#include <cstdint>

namespace chainrule::kernels {

/// What is read beyond the edges, in the order of GridPadding.
enum class BeyondEdges : std::uint8_t { zeros, border, reflection };

/// There are no more channels than this: of many, rows that have all channels of a pixel are read faster.
constexpr std::int64_t most_sampled_channels = 8;
/// Nor are axes longer: their places are whole numbers in float32.
constexpr std::int64_t longest_sampled_axis = std::int64_t{1} << 24;

/// Images (count, channels, sizes...), of one to three axes, and for each of them so many points. A point has
/// a coordinate for each axis, that of the last one first.
struct PlaneSampling {
  std::int64_t count, channels, points;
  int axes;
  std::array<std::int64_t, 3> sizes;
  /// Pixels that a point reads along an axis: 1, the nearest; 2, for linear, or 4, for cubic interpolation.
  int each;
  BeyondEdges beyond;
  bool align_corners;

  std::int64_t pixels() const {
    std::int64_t all = 1;
    for (int axis = 0; axis < axes; ++axis) all *= sizes[static_cast<std::size_t>(axis)];
    return all;
  }
};

/// (count, channels, points).
template <class T>
void sample_planes(const PlaneSampling& of, const T* planes, const T* grid, T* samples);

/// From g for the samples: adds to zeros in `to_planes`, and sets `to_grid`, of which either may be null.
template <class T>
void sample_planes_gradient(const PlaneSampling& of, const T* planes, const T* grid, const T* g, T* to_planes,
                            T* to_grid);

}  // namespace chainrule::kernels
