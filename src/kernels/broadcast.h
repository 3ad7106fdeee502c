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

/// Calls body(block) for blocks that make up the output. Axes that all operands pass alike are merged first,
/// so most broadcasts are one block. Several threads share them where each gets `grain` elements.
template <std::size_t N, class Body>
void for_each_block(const Shape& out, const std::array<const Shape*, N>& operands, const Body& body,
                    std::int64_t grain = parallel_grain) {
  using Offsets = typename Block<N>::Offsets;
  struct Axis {
    std::int64_t size;
    Offsets strides;
  };
  if (out.size() == 0) return;
  InlineVector<Axis, 6> axes;  // merged, innermost first
  Offsets next;                // the stride of each operand along the axis that comes
  next.fill(1);
  for (std::size_t i = out.rank(); i-- > 0;) {
    if (out[i] == 1) continue;
    Axis axis{out[i], {}};
    for (std::size_t k = 0; k < N; ++k) {
      const std::size_t missing = out.rank() - operands[k]->rank();
      const std::int64_t size = i < missing ? 1 : (*operands[k])[i - missing];
      axis.strides[k] = size == 1 ? 0 : next[k];
      next[k] *= size;
    }
    const auto continues = [&] {
      for (std::size_t k = 0; k < N; ++k)
        if (axis.strides[k] != axes.back().strides[k] * axes.back().size) return false;
      return true;
    };
    if (!axes.empty() && continues())
      axes.back().size *= axis.size;
    else
      axes.push_back(axis);
  }
  while (axes.size() < 2) axes.push_back({1, {}});

  const Axis &inner = axes[0], &middle = axes[1];
  const std::int64_t count = inner.size, rows = out.size() / count;
  if (rows == 1) {
    return parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
      Block<N> block{begin, end - begin, 1, {}, inner.strides, {}};
      for (std::size_t k = 0; k < N; ++k) block.offsets[k] = begin * inner.strides[k];
      body(block);
    });
  }
  parallel_for(rows, (grain + count - 1) / count, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end;) {
      std::int64_t rest = row / middle.size;
      const std::int64_t first = row % middle.size;
      Block<N> block{row * count, count,         std::min(middle.size - first, end - row),
                     {},          inner.strides, middle.strides};
      for (std::size_t k = 0; k < N; ++k) block.offsets[k] = first * middle.strides[k];
      for (std::size_t i = 2; i < axes.size(); rest /= axes[i++].size)
        for (std::size_t k = 0; k < N; ++k) block.offsets[k] += rest % axes[i].size * axes[i].strides[k];
      body(block);
      row += block.rows;
    }
  });
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
