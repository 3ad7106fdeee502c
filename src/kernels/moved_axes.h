// The axes along which elements are moved from one array to another; copy.h and boxes.h say what is moved.

#pragma once

#include <span>
#include <vector>

#include "array/array.h"

namespace chainrule::kernels {

/// An axis along which elements are moved, and how far apart they are in the two arrays.
struct MovedAxis {
  std::int64_t size, from, to;
};

/// The axes, the last one first, without those of size 1 and with neighbours merged that stay neighbours.
inline std::vector<MovedAxis> moved_axes(const Shape& shape, std::span<const std::int64_t> from,
                                         std::span<const std::int64_t> to) {
  std::vector<MovedAxis> axes;
  for (std::size_t i = shape.rank(); i-- > 0;) {
    if (shape[i] == 1) continue;
    if (!axes.empty() && from[i] == axes.back().from * axes.back().size &&
        to[i] == axes.back().to * axes.back().size)
      axes.back().size *= shape[i];
    else
      axes.push_back({shape[i], from[i], to[i]});
  }
  return axes;
}

/// All elements, of any dtype, along such axes.
void move_elements(DType dtype, const void* from, void* to, std::vector<MovedAxis> axes);
/// The same along two axes.
void move_rows(DType dtype, const void* from, void* to, MovedAxis row, MovedAxis rows);
/// Floating elements, added to what is there.
void add_elements(DType dtype, const void* from, void* to, std::span<const MovedAxis> axes);

}  // namespace chainrule::kernels
