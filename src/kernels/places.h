// Elements taken from places along an axis, and added up there: what indexing by positions goes over.
// Relies on the places being there, which are_places() tells.

#pragma once

#include "array/array.h"

namespace chainrule::kernels {

/// An array seen as (outer, size, inner), and so many places along its middle; of all outer ones, or `each`
/// of them has its own, which then are for single elements of `inner` in turn.
struct PlacesAlong {
  std::int64_t outer, size, inner;
  const std::int64_t* list;
  std::int64_t count;
  bool each;
};

/// `out` becomes what is there.
void take_places(const PlacesAlong& places, const Array& x, Array& out);
/// `out`, floating or int64, becomes the sums of what there is for each place.
void add_at_places(const PlacesAlong& places, const Array& values, Array& out);
/// Whether all are from 0 to size - 1.
bool are_places(const std::int64_t* list, std::int64_t count, std::int64_t size);

}  // namespace chainrule::kernels
