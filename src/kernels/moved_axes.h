// The axes along which elements are moved from one array to another, and the loops over them. Relies on
// runs.h; copy.h and boxes.h say what is moved.

#pragma once

#include <algorithm>
#include <vector>

#include "array/array.h"
#include "chainrule/detail/function_ref.h"
#include "chainrule/simd.h"
#include "kernels/runs.h"

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

/// Elements along two axes. Where the rows to come are is not for the processor to guess.
template <class T>
struct RowsLoop {
  template <int Bytes>
  static void run(const T* from, T* to, MovedAxis row, MovedAxis rows) {
    const std::int64_t n = row.size;
    if (row.from == 1 && row.to == 1) {
      constexpr std::int64_t line = 64 / sizeof(T), ahead = 8, longest = 32 * line;
      for (std::int64_t r = 0; r < rows.size; ++r, from += rows.from, to += rows.to) {
        if (n >= line && n <= longest && r + ahead < rows.size)
          for (std::int64_t i = 0; i < n; i += line) {
            __builtin_prefetch(from + ahead * rows.from + i);
            __builtin_prefetch(to + ahead * rows.to + i, 1);
          }
        copy_run<Bytes>(reinterpret_cast<const std::byte*>(from), reinterpret_cast<std::byte*>(to),
                        n * static_cast<std::int64_t>(sizeof(T)));
      }
    } else {  // the distances that vectors can be read and written with are known to the compiler
      for (std::int64_t r = 0; r < rows.size; ++r, from += rows.from, to += rows.to)
        if (row.from == -1 && row.to == 1)
          for (std::int64_t i = 0; i < n; ++i) to[i] = from[-i];
        else if (row.from == 1 && row.to == -1)
          for (std::int64_t i = 0; i < n; ++i) to[-i] = from[i];
        else if (row.from == 2 && row.to == 1)
          for (std::int64_t i = 0; i < n; ++i) to[i] = from[2 * i];
        else
          for (std::int64_t i = 0; i < n; ++i) to[i * row.to] = from[i * row.from];
    }
  }
};

template <class T>
void move_rows(const T* from, T* to, MovedAxis row, MovedAxis rows) {
  if constexpr (sizeof(T) < 4)
    RowsLoop<T>::template run<16>(from, to, row, rows);
  else
    simd::vectorized<RowsLoop<T>>(from, to, row, rows);
}

/// Calls visit(from, to) with the offsets of each combination of these axes, the first the fastest.
inline void for_each_position(std::span<const MovedAxis> axes,
                              const FunctionRef<void(std::int64_t, std::int64_t)>& visit) {
  std::int64_t count = 1;
  for (const MovedAxis& axis : axes) count *= axis.size;
  std::vector<std::int64_t> position(axes.size(), 0);
  std::int64_t from = 0, to = 0;
  for (; count > 0; --count) {
    visit(from, to);
    for (std::size_t i = 0; i < axes.size(); ++i) {
      from += axes[i].from;
      to += axes[i].to;
      if (++position[i] < axes[i].size) break;
      from -= axes[i].from * axes[i].size;
      to -= axes[i].to * axes[i].size;
      position[i] = 0;
    }
  }
}

/// Calls visit(from, to, row, rows) for elements along two axes at a time.
template <class Visit>
void for_rows(std::span<const MovedAxis> axes, const Visit& visit) {
  const auto axis = [&](std::size_t i) { return i < axes.size() ? axes[i] : MovedAxis{1, 0, 0}; };
  for_each_position(axes.subspan(std::min<std::size_t>(axes.size(), 2)),
                    [&](std::int64_t from, std::int64_t to) { visit(from, to, axis(0), axis(1)); });
}

/// All elements, of any dtype, along such axes.
void move_elements(DType dtype, const void* from, void* to, std::vector<MovedAxis> axes);

}  // namespace chainrule::kernels
