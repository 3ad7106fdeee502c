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

/// The tiles that make up lines of so many windows, where the lanes are filters. In packs of 16 lanes they
/// have between 8 and 14 windows, of short lines several, and none twice; in others, always as many.
struct LineTiles {
  LineTiles(std::int64_t lanes, std::int64_t line);
  /// The windows of a tile, and the first of them: the last one repeats some of the one before, or has some
  /// that nobody asks for, where tiles always have as many.
  std::int64_t width_of(std::int64_t tile) const { return width + (tile < wider ? 1 : 0); }
  std::int64_t column(std::int64_t tile) const {
    return std::max<std::int64_t>(0, std::min(tile * width + std::min(tile, wider), of - width));
  }
  std::int64_t windows() const { return count * width + wider; }

  std::int64_t of, count, width, wider = 0;  ///< so many tiles have a window more
  std::int64_t lines = 1;                    ///< that a tile has, where there are as many
};

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

/// For the weight, the sums over the windows of a stripe of some samples: of products of a pack of y, of as
/// many filters, with elements of x, for several products of a window at a time.
template <class T>
struct WeightPart {
  const Padded* padded;
  std::int64_t depth, filters, plane;
  const T* x;
  const T* y;
  T* turned;                     ///< for y, with the filters of a window beside each other
  T* sums;                       ///< of each block of filters, two packs or one: each product, its filters
  std::int64_t samples, next_y;  ///< so many at a time, and how far the next one is
  const std::int64_t* starts;    ///< the first element of x for each line of each of them
};
template <class T>
void sum_weight(const WeightPart<T>& part);
/// to[i] += from[i]
template <class T>
void add_sums(std::int64_t count, const T* from, T* to);

}  // namespace chainrule::kernels
