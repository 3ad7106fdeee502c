// How loops go over operands that broadcast: axes joined where they can be, then rows of elements by offset
// and stride. Relies on parallel.h for threads; it knows nothing of what is computed.

#pragma once

#include <algorithm>
#include <array>

#include "array/array.h"
#include "array/axes.h"
#include "array/inline_vector.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {

/// A part of the output and what it comes from: rows of `count` elements each, one after another from `at`
/// on. Operand k is read from offsets[k] on; it moves by strides[k], 0 or 1, along a row, and by steps[k]
/// from one row to the next.
template <std::size_t N>
struct Block {
  using Offsets = std::array<std::int64_t, N>;
  std::int64_t at, count, rows;
  Offsets offsets, strides, steps;
};

/// How a pass over an output goes over the operands that broadcast to it. Axes that all operands pass alike
/// are merged, so most broadcasts are one block.
template <std::size_t N>
class BroadcastBlocks {
 public:
  /// Operands whose elements do not follow one another have distances between them along their axes.
  BroadcastBlocks(const Shape& out, const std::array<const Shape*, N>& operands,
                  const std::array<const std::int64_t*, N>& distances = {})
      : size_(out.size()) {
    if (size_ == 0) return;
    bool alike = true;
    Axis all{size_, {}};
    for (std::size_t k = 0; k < N; ++k) {
      const bool moves = *operands[k] == out;
      all.strides[k] = moves ? 1 : 0;
      alike = alike && distances[k] == nullptr && (moves || operands[k]->size() == 1);
    }
    if (alike)
      axes_.push_back(all);
    else
      merge(out, operands, distances);
  }

  /// Elements that each operand passes alike.
  std::int64_t row() const { return size_ == 0 ? 0 : axes_[0].size; }
  /// Are an operand's elements one after another there, or all the same?
  bool is_dense(std::size_t k) const { return size_ == 0 || (axes_[0].strides[k] | 1) == 1; }

  /// Calls body(block) for blocks that make up elements begin to end.
  template <class Body>
  void for_each(std::int64_t begin, std::int64_t end, const Body& body) const {
    const Axis& inner = axes_[0];
    if (inner.size == size_) {  // divisions would take as long as a small pass
      Block<N> block{begin, end - begin, 1, {}, inner.strides, {}};
      for (std::size_t k = 0; k < N; ++k) block.offsets[k] = begin * inner.strides[k];
      return body(block);
    }
    const Axis& middle = axes_[1];
    while (begin < end) {
      const std::int64_t row = begin / inner.size, column = begin % inner.size, first = row % middle.size;
      Block<N> block{begin, inner.size, 1, {}, inner.strides, middle.strides};
      if (column != 0 || end - begin < inner.size)
        block.count = std::min(inner.size - column, end - begin);
      else
        block.rows = std::min(middle.size - first, (end - begin) / inner.size);
      for (std::size_t k = 0; k < N; ++k)
        block.offsets[k] = column * inner.strides[k] + first * middle.strides[k];
      std::int64_t rest = row / middle.size;
      for (std::size_t i = 2; i < axes_.size(); rest /= axes_[i++].size)
        for (std::size_t k = 0; k < N; ++k) block.offsets[k] += rest % axes_[i].size * axes_[i].strides[k];
      body(block);
      begin += block.rows * block.count;
    }
  }
  /// The same for all elements. Several threads share the rows where each gets `grain` elements.
  template <class Body>
  void for_each(const Body& body, std::int64_t grain = parallel_grain) const {
    if (size_ == 0) return;
    const std::int64_t count = axes_[0].size, row = size_ == count ? 1 : count;
    parallel_for(size_ / row, (grain + row - 1) / row,
                 [&](std::int64_t begin, std::int64_t end) { for_each(begin * row, end * row, body); });
  }

 private:
  using Strides = std::array<std::int64_t, N>;
  struct Axis {
    std::int64_t size;
    Strides strides;
  };
  void merge(const Shape& out, const std::array<const Shape*, N>& operands,
             const std::array<const std::int64_t*, N>& distances) {
    Strides next;  // of each operand along the axis that comes
    next.fill(1);
    for (std::size_t i = out.rank(); i-- > 0;) {
      if (out[i] == 1) continue;
      Axis axis{out[i], {}};
      for (std::size_t k = 0; k < N; ++k) {
        const std::size_t missing = out.rank() - operands[k]->rank();
        const std::int64_t size = i < missing ? 1 : (*operands[k])[i - missing];
        if (size != 1) axis.strides[k] = distances[k] == nullptr ? next[k] : distances[k][i - missing];
        next[k] *= size;
      }
      if (!axes_.empty() && continues(axis))
        axes_.back().size *= axis.size;
      else
        axes_.push_back(axis);
    }
    while (axes_.size() < 2) axes_.push_back({1, {}});
  }
  bool continues(const Axis& axis) {
    for (std::size_t k = 0; k < N; ++k)
      if (axis.strides[k] != axes_.back().strides[k] * axes_.back().size) return false;
    return true;
  }

  std::int64_t size_;
  InlineVector<Axis, 6> axes_;  // innermost first
};

/// Calls body(block) for blocks that make up the output.
template <std::size_t N, class Body>
void for_each_block(const Shape& out, const std::array<const Shape*, N>& operands, const Body& body,
                    std::int64_t grain = parallel_grain) {
  BroadcastBlocks<N>(out, operands).for_each(body, grain);
}

/// The same row by row: calls row(out_offset, offsets, strides, count).
template <std::size_t N, class Row>
void for_each_row(const Shape& out, const std::array<const Shape*, N>& operands, const Row& row,
                  std::int64_t grain = parallel_grain) {
  const auto body = [&](Block<N> block) {
    for (std::int64_t r = 0; r < block.rows; ++r, block.at += block.count) {
      row(block.at, block.offsets, block.strides, block.count);
      for (std::size_t k = 0; k < N; ++k) block.offsets[k] += block.steps[k];
    }
  };
  for_each_block<N>(out, operands, body, grain);
}

}  // namespace chainrule::kernels
