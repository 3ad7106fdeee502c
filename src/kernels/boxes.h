// Boxes of arrays: elements whose positions along each axis are evenly spaced. For arrays of any dtype;
// gradients of these are each other.

#pragma once

#include <optional>
#include <vector>

#include "array/array.h"

namespace chainrule::kernels {

/// A box of an array: element i along an axis is element start + i * step of the array.
struct Box {
  std::vector<std::int64_t> starts, steps;
  Shape shape;
};
/// Where the elements of an array lie in another one: the first of them, and how far one is from the next
/// along each axis of the array.
struct Place {
  Array whole;
  std::int64_t first = 0;
  std::vector<std::int64_t> distances;
};
/// Where those of an array lie that waits to be taken out of another one. Nothing for any other array.
std::optional<Place> place_of(const Array& array);

/// What is in the box. Unless it is little, elements that follow one another stay where they are, and others
/// are moved when they are read.
Array gather(const Array& x, const Box& box);
/// Copies `part` into the box of `into`, or adds it, floating, to that.
void scatter(const Array& part, const Box& box, Array& into);
void add(const Array& part, const Box& box, Array& into);
/// Zeros of a shape but for `part` in a box, which are written where somebody reads them; where several such
/// gradients meet, each is added to its box only.
Array deferred_box(const Array& part, const Box& box, const Shape& shape);

}  // namespace chainrule::kernels
