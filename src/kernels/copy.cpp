// Elements moved without being looked at: axes permuted, rows and windows taken. Elements are bytes of a size
// here, so that one loop serves all dtypes of that size.

#include "kernels/copy.h"

#include <algorithm>
#include <utility>

#include "array/axes.h"
#include "chainrule/detail/function_ref.h"
#include "chainrule/simd.h"
#include "kernels/moved_axes.h"
#include "kernels/parallel.h"
#include "kernels/runs.h"
#include "kernels/tiles.h"

namespace chainrule::kernels {
namespace {

/// Rows begin to end of out (rows, columns) = transpose of in (columns, rows), of which the strides are the
/// distances between rows. Blocks use cache lines as a whole and let writes go on along few rows, which was
/// measured to take half the time of the other order.
template <class T>
struct TransposeLoop {
  template <int Bytes>
  static void run(const T* in, std::int64_t stride, std::int64_t begin, std::int64_t end,
                  std::int64_t columns, T* out, std::int64_t out_stride) {
    constexpr std::int64_t block = 256 / static_cast<std::int64_t>(sizeof(T));
    constexpr int lanes = Bytes / static_cast<int>(sizeof(T)), few = 16 / static_cast<int>(sizeof(T));
    for (std::int64_t r = begin; r < end; r += block)
      for (std::int64_t c = 0; c < columns; c += block) {
        const std::int64_t rows = std::min(block, end - r), width = std::min(block, columns - c);
        tiles<simd::Pack<T, lanes>, simd::Pack<T, few>>(in + c * stride + r, stride, rows, width,
                                                        out + r * out_stride + c, out_stride);
      }
  }

 private:
  /// Squares as large as a pack, of which the last ones end with the matrix and repeat some of those before.
  /// Where these do not fit, smaller ones, and then one by one.
  template <class P, class... Smaller>
  static void tiles(const T* in, std::int64_t stride, std::int64_t rows, std::int64_t columns, T* out,
                    std::int64_t out_stride) {
    if (rows < P::lanes || columns < P::lanes) {
      if constexpr (sizeof...(Smaller) > 0)
        return tiles<Smaller...>(in, stride, rows, columns, out, out_stride);
      for (std::int64_t i = 0; i < rows; ++i)
        for (std::int64_t j = 0; j < columns; ++j) out[i * out_stride + j] = in[j * stride + i];
      return;
    }
    const std::int64_t whole_rows = rows / P::lanes * P::lanes, whole_columns = columns / P::lanes * P::lanes;
    for (int part = 0; part < 4; ++part) {
      const bool last_rows = part >= 2, last_columns = part % 2 != 0;
      if ((last_rows && rows == whole_rows) || (last_columns && columns == whole_columns)) continue;
      const std::int64_t first = last_columns ? columns - P::lanes : 0,
                         end = last_columns ? columns : whole_columns, bottom = last_rows ? rows : whole_rows;
      for (std::int64_t r = last_rows ? rows - P::lanes : 0; r < bottom; r += P::lanes)
        for (std::int64_t c = first; c < end; c += P::lanes) {
          P tile[P::lanes];
          for (int k = 0; k < P::lanes; ++k) tile[k] = P::load(in + (c + k) * stride + r);
          transpose_packs(tile);
          for (int k = 0; k < P::lanes; ++k) tile[k].store(out + (r + k) * out_stride + c);
        }
    }
  }
};

template <class T>
void transpose_matrix(const T* in, std::int64_t stride, std::int64_t rows, std::int64_t columns, T* out,
                      std::int64_t out_stride) {
  if constexpr (std::is_floating_point_v<T>) {
    parallel_for(rows, (parallel_grain + columns - 1) / columns, [=](std::int64_t begin, std::int64_t end) {
      simd::vectorized<TransposeLoop<T>>(in, stride, begin, end, columns, out, out_stride);
    });
  } else {
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c) out[r * out_stride + c] = in[c * stride + r];
  }
}

/// Elements along two axes. Where the rows to come are is not for the processor to guess, unless they touch.
template <class T>
struct RowsLoop {
  template <int Bytes>
  static void run(const T* from, T* to, MovedAxis row, MovedAxis rows) {
    const std::int64_t n = row.size;
    if (row.from == 1 && row.to == 1) {
      constexpr std::int64_t line = 64 / sizeof(T), longest = 128 * line;
      const std::int64_t ahead = n <= 32 * line ? 8 : 1;
      const bool reads_apart = rows.from < 0 || rows.from > n, writes_apart = rows.to != n;
      for (std::int64_t r = 0; r < rows.size; ++r, from += rows.from, to += rows.to) {
        if (n >= line && n <= longest && r + ahead < rows.size) {
          if (reads_apart)
            for (std::int64_t i = 0; i < n; i += line) __builtin_prefetch(from + ahead * rows.from + i);
          if (writes_apart)
            for (std::int64_t i = 0; i < n; i += line) __builtin_prefetch(to + ahead * rows.to + i, 1);
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
void move_items_of_rows(const T* from, T* to, MovedAxis row, MovedAxis rows) {
  if constexpr (sizeof(T) < 4)
    RowsLoop<T>::template run<16>(from, to, row, rows);
  else
    simd::vectorized<RowsLoop<T>>(from, to, row, rows);
}

/// Calls visit(from, to) with the offsets of each combination of these axes, the first the fastest.
void for_each_position(std::span<const MovedAxis> axes,
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

/// Elements along two axes, added to what is there.
template <class T>
struct AddElementsLoop {
  template <int Bytes>
  static void run(const T* from, T* to, MovedAxis row, MovedAxis rows) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    for (std::int64_t r = 0; r < rows.size; ++r, from += rows.from, to += rows.to) {
      std::int64_t i = 0;
      if (row.from == 1 && row.to == 1)
        for (; i + P::lanes <= row.size; i += P::lanes) (P::load(to + i) + P::load(from + i)).store(to + i);
      for (; i < row.size; ++i) to[i * row.to] += from[i * row.from];
    }
  }
};

template <class T>
void move_items(const T* in, T* out, std::vector<MovedAxis> axes) {
  if (axes.empty()) {
    *out = *in;
    return;
  }
  const MovedAxis last = axes[0];
  const auto first =
      std::find_if(axes.begin(), axes.end(), [](const MovedAxis& axis) { return axis.from == 1; });
  if (first == axes.begin() || first == axes.end() || last.to != 1) {
    return for_rows(axes, [&](std::int64_t from, std::int64_t to, MovedAxis row, MovedAxis rows) {
      move_items_of_rows(in + from, out + to, row, rows);
    });
  }
  // A matrix is transposed for each position along the other axes: its columns follow one another in the
  // array, its rows in the result.
  const MovedAxis rows = *first;
  axes.erase(first);
  constexpr std::int64_t tiny = 36, block = 64;
  const auto others = std::span(axes).subspan(1);
  const auto longest = std::ranges::max_element(others, {}, &MovedAxis::size);
  if (rows.size * last.size > tiny || longest == others.end() || longest->size < block)
    return for_each_position(others, [&](std::int64_t from, std::int64_t to) {
      transpose_matrix(in + from, last.from, rows.size, last.size, out + to, rows.to);
    });
  // One of a few elements is not worth that: the same element of many, as long as these are near the
  // processor.
  const MovedAxis many = std::exchange(*longest, {1, 0, 0});
  for_each_position(others, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t i = 0; i < many.size; i += block)
      for (std::int64_t column = 0; column < last.size; ++column)
        move_items_of_rows(in + from + i * many.from + column * last.from, out + to + i * many.to + column,
                           {std::min(block, many.size - i), many.from, many.to}, {rows.size, 1, rows.to});
  });
}

/// The shape, and the strides in x, of x with its axes in this order.
std::pair<Shape, std::vector<std::int64_t>> permuted(const Shape& x, std::span<const std::size_t> order) {
  const auto own = row_major_strides(x);
  Shape shape = x;
  std::vector<std::int64_t> strides(order.size());
  for (std::size_t axis = 0; axis < order.size(); ++axis) {
    shape[axis] = x[order[axis]];
    strides[axis] = own[order[axis]];
  }
  return {shape, std::move(strides)};
}

/// Each window is a run in both arrays; where it comes from, it may overlap others.
enum class Windowed { from, to };
std::vector<MovedAxis> axes_of(const WindowsAlong& windows, Windowed which) {
  const auto [outer, n, inner, count, size, step] = windows;
  const std::int64_t run = size * inner, apart[] = {n * inner, step * inner, 1},
                     packed[] = {count * run, run, 1};
  const Shape shape{outer, count, run};
  return which == Windowed::from ? moved_axes(shape, apart, packed) : moved_axes(shape, packed, apart);
}

}  // namespace

void move_elements(DType dtype, const void* from, void* to, std::vector<MovedAxis> axes) {
  dispatch_by_size(dtype, [&]<class T>() {
    move_items(static_cast<const T*>(from), static_cast<T*>(to), std::move(axes));
  });
}

void move_rows(DType dtype, const void* from, void* to, MovedAxis row, MovedAxis rows) {
  dispatch_by_size(dtype, [&]<class T>() {
    move_items_of_rows(static_cast<const T*>(from), static_cast<T*>(to), row, rows);
  });
}

void add_elements(DType dtype, const void* from, void* to, std::span<const MovedAxis> axes) {
  dispatch_floating(dtype, [&]<class T>() {
    for_rows(axes, [&](std::int64_t at, std::int64_t place, MovedAxis row, MovedAxis rows) {
      simd::vectorized<AddElementsLoop<T>>(static_cast<const T*>(from) + at, static_cast<T*>(to) + place, row,
                                           rows);
    });
  });
}

void permute(const Array& x, std::span<const std::size_t> order, void* elements) {
  if (x.size() == 0) return;
  const auto [shape, strides] = permuted(x.shape(), order);
  move_elements(x.dtype(), x.raw(), elements, moved_axes(shape, strides, row_major_strides(shape)));
}

Array permute(const Array& x, std::span<const std::size_t> order) {
  const Shape shape = permuted(x.shape(), order).first;
  std::vector<std::size_t> moved(order.begin(), order.end());
  std::erase_if(moved, [&](std::size_t axis) { return x.shape()[axis] == 1; });
  if (std::is_sorted(moved.begin(), moved.end())) return x.reshaped(shape);  // no element moves
  Array out(shape, x.dtype());
  permute(x, order, out.mutable_raw());
  return out;
}

Array take_rows(const Array& x, std::span<const std::int64_t> positions) {
  Shape shape = x.shape();
  shape[0] = 1;
  const std::size_t row_bytes = static_cast<std::size_t>(shape.size()) * item_size(x.dtype());
  shape[0] = static_cast<std::int64_t>(positions.size());
  Array out(shape, x.dtype());
  const auto* from = static_cast<const std::byte*>(x.raw());
  auto* to = static_cast<std::byte*>(out.mutable_raw());
  const auto copy = [&](auto bytes) {
    for (const std::int64_t position : positions) {
      std::memcpy(to, from + static_cast<std::size_t>(position) * bytes, bytes);
      to += bytes;
    }
  };
  // A copy of a size that the compiler knows is no call.
  if (row_bytes == 4)
    copy(std::integral_constant<std::size_t, 4>());
  else if (row_bytes == 8)
    copy(std::integral_constant<std::size_t, 8>());
  else
    copy(row_bytes);
  return out;
}

void add_rows(const Array& rows, std::span<const std::int64_t> positions, Array& into) {
  Shape row = into.shape();
  row[0] = 1;
  const std::int64_t width = row.size();
  dispatch_floating(rows.dtype(), [&]<class T>() {
    const T* in = rows.data<T>();
    T* const out = into.mutable_data<T>();
    for (const std::int64_t position : positions) {
      T* to = out + position * width;
      for (std::int64_t i = 0; i < width; ++i) to[i] += in[i];
      in += width;
    }
  });
}

Array take_windows(const Array& x, const WindowsAlong& windows, const Shape& shape) {
  Array out(shape, x.dtype());
  if (out.size() != 0) move_elements(x.dtype(), x.raw(), out.mutable_raw(), axes_of(windows, Windowed::from));
  return out;
}

Array add_windows(const Array& elements, const WindowsAlong& windows, const Shape& shape) {
  Array out = zeros(shape, elements.dtype());
  if (elements.size() != 0)
    add_elements(elements.dtype(), elements.raw(), out.mutable_raw(), axes_of(windows, Windowed::to));
  return out;
}

Array zeros(const Shape& shape, DType dtype) {
  Array out(shape, dtype);
  std::memset(out.mutable_raw(), 0, out.byte_count());
  return out;
}

}  // namespace chainrule::kernels
