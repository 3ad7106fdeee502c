#pragma once

#include <array>

#include "array/array.h"
#include "array/axes.h"

namespace chainrule::kernels {

/// Calls row(out_offset, offsets, strides, count) for stretches of the output along which every operand
/// moves with a constant stride of 0 or 1. Axes that all operands pass alike are merged first, so most
/// broadcasts are a few long rows.
template <std::size_t N, class Row>
void for_each_row(const Shape& out, const std::array<const Shape*, N>& operands, Row&& row) {
  using Offsets = std::array<std::int64_t, N>;
  struct Axis {
    std::int64_t size;
    Offsets strides;
  };
  if (out.size() == 0) return;
  std::vector<Axis> axes;  // merged, innermost first
  std::array<std::vector<std::int64_t>, N> strides;
  for (std::size_t k = 0; k < N; ++k) strides[k] = broadcast_strides(*operands[k], out);
  for (std::size_t i = out.rank(); i-- > 0;) {
    if (out[i] == 1) continue;
    Axis axis{out[i], {}};
    for (std::size_t k = 0; k < N; ++k) axis.strides[k] = strides[k][i];
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
  std::vector<std::int64_t> position(axes.size(), 0);
  Offsets offsets{};
  for (std::int64_t r = 0; r < rows; ++r) {
    row(r * count, offsets, axes[0].strides, count);
    for (std::size_t i = 1; i < axes.size(); ++i) {  // as an odometer
      for (std::size_t k = 0; k < N; ++k) offsets[k] += axes[i].strides[k];
      if (++position[i] < axes[i].size) break;
      for (std::size_t k = 0; k < N; ++k) offsets[k] -= axes[i].strides[k] * axes[i].size;
      position[i] = 0;
    }
  }
}

}  // namespace chainrule::kernels
