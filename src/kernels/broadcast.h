#pragma once

#include <array>

#include "array/array.h"
#include "array/axes.h"
#include "array/inline_vector.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {

/// Calls row(out_offset, offsets, strides, count) for stretches of the output along which every operand
/// moves with a constant stride of 0 or 1. Axes that all operands pass alike are merged first, so most
/// broadcasts are a few long rows. Several threads share them where each gets `grain` elements.
template <std::size_t N, class Row>
void for_each_row(const Shape& out, const std::array<const Shape*, N>& operands, const Row& row,
                  std::int64_t grain = parallel_grain) {
  using Offsets = std::array<std::int64_t, N>;
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
  if (axes.empty()) axes.push_back({1, {}});

  const std::int64_t count = axes[0].size, rows = out.size() / count;
  if (rows == 1) {
    const Offsets strides = axes[0].strides;
    return parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
      Offsets offsets;
      for (std::size_t k = 0; k < N; ++k) offsets[k] = begin * strides[k];
      row(begin, offsets, strides, end - begin);
    });
  }
  parallel_for(rows, (grain + count - 1) / count, [&](std::int64_t begin, std::int64_t end) {
    InlineVector<std::int64_t, 6> position;  // along each axis but the innermost, as on an odometer
    Offsets offsets{};
    std::int64_t rest = begin;
    for (std::size_t i = 1; i < axes.size(); ++i) {
      position.push_back(rest % axes[i].size);
      rest /= axes[i].size;
      for (std::size_t k = 0; k < N; ++k) offsets[k] += position.back() * axes[i].strides[k];
    }
    for (std::int64_t r = begin; r < end; ++r) {
      row(r * count, offsets, axes[0].strides, count);
      for (std::size_t i = 1; i < axes.size(); ++i) {
        for (std::size_t k = 0; k < N; ++k) offsets[k] += axes[i].strides[k];
        if (++position[i - 1] < axes[i].size) break;
        for (std::size_t k = 0; k < N; ++k) offsets[k] -= axes[i].strides[k] * axes[i].size;
        position[i - 1] = 0;
      }
    }
  });
}

}  // namespace chainrule::kernels
