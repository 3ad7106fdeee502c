// The loops of direct convolutions, on packs: sums of tiles that stay in registers. Relies on padded_input.h
// for rows that need no test of bounds.

#pragma once

#include "kernels/padded_input.h"

namespace chainrule::kernels {

/// The numbers in a pack, of the instruction set in use.
template <class T>
std::int64_t lanes_of();
/// The most of any.
template <class T>
constexpr std::int64_t most_lanes = 64 / sizeof(T);

/// How many windows a tile has where its lanes are filters: of what there is, what computes the fewest in a
/// line, as the last tile of one repeats some of the one before, or computes some for nobody.
std::int64_t width_of_tiles(std::int64_t lanes, std::int64_t line);

/// What one call sums up: the windows of a stripe of a sample, over some of its channels, for some filters.
/// The weight is in blocks of filters, filled up with 0: in each, for each product of a window, the filters.
template <class T>
struct DirectPart {
  const Padded* padded;
  std::int64_t depth, filters, block;
  const T *x, *weight, *start;  ///< of sums: one number for each filter
  T* y;
  std::int64_t plane;  ///< of the result
  bool starts_anew = true,
       is_last = true;        ///< else with the sums over the channels before, and for those to come
  const T* before = nullptr;  ///< (Two places: what tiles compute twice must be added once.)
  T* sums = nullptr;
};
/// The lanes are filters, in blocks of two packs, the last one of one if that is enough.
void sum_filters(const DirectPart<float>& part);
/// The lanes are windows, of blocks of 6 filters, or 8 in packs of 16, or of a single one: for few filters,
/// or few products, after which turning a tile round would take long. All channels at a time.
template <class T>
void sum_windows(const DirectPart<T>& part);

/// For the weight, the sums over the windows of a stripe of a sample: of products of a pack of y, of as many
/// filters, with elements of x, for several products of a window at a time.
template <class T>
struct WeightPart {
  const Padded* padded;
  std::int64_t depth, filters, plane;
  const T* x;
  const T* y;
  T* turned;  ///< for y, with the filters of a window beside each other
  T* sums;    ///< of each block of filters, two packs or one: each product, its filters
};
template <class T>
void sum_weight(const WeightPart<T>& part);
/// to[i] += from[i]
template <class T>
void add_sums(std::int64_t count, const T* from, T* to);

}  // namespace chainrule::kernels
