#include "kernels/copy.h"

#include <algorithm>

#include "array/axes.h"
#include "chainrule/simd.h"
#include "kernels/broadcast.h"

namespace chainrule::kernels {
namespace {

/// Calls visit(out_offset, in_offset) for each row of `shape` (all axes but the last); the input moves
/// with the given strides.
template <class Visit>
void for_each_strided(const Shape& shape, std::span<const std::int64_t> strides, Visit visit) {
  if (shape.size() == 0) return;
  const std::size_t outer = shape.rank() == 0 ? 0 : shape.rank() - 1;
  const std::int64_t row = outer == shape.rank() ? 1 : shape.back();
  std::vector<std::int64_t> position(outer, 0);
  std::int64_t from = 0;
  for (std::int64_t at = 0, size = shape.size(); at < size; at += row) {
    visit(at, from);
    for (std::size_t axis = outer; axis-- > 0;) {
      from += strides[axis];
      if (++position[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      position[axis] = 0;
    }
  }
}

/// Transposes as many packs as there are lanes, in place.
template <int Distance, class P, int... I>
void transpose_packs(P (&tile)[P::lanes], std::integer_sequence<int, I...> half) {
  constexpr auto lower = [](int i) { return i / Distance * 2 * Distance + i % Distance; };
  (P::template trade<Distance>(tile[lower(I)], tile[lower(I) + Distance]), ...);
  if constexpr (2 * Distance < P::lanes) transpose_packs<2 * Distance>(tile, half);
}

/// Rows begin to end of out (rows, columns) = transpose of in (columns, rows), of which `stride` is the
/// distance between rows. Blocks use cache lines as a whole and let writes go on along few rows, which was
/// measured to take half the time of the other order.
template <class T>
struct TransposeLoop {
  template <int Bytes>
  static void run(const T* in, std::int64_t stride, std::int64_t begin, std::int64_t end,
                  std::int64_t columns, T* out) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    constexpr std::int64_t block = 256 / static_cast<std::int64_t>(sizeof(T));
    for (std::int64_t r0 = begin; r0 < end; r0 += block)
      for (std::int64_t c0 = 0; c0 < columns; c0 += block)
        for (std::int64_t r = r0; r < std::min(r0 + block, end); r += P::lanes)
          for (std::int64_t c = c0; c < std::min(c0 + block, columns); c += P::lanes)
            transpose_tile<P>(in + c * stride + r, stride, std::min<std::int64_t>(P::lanes, end - r),
                              std::min<std::int64_t>(P::lanes, columns - c), out + r * columns + c, columns);
  }

 private:
  template <class P>
  static void transpose_tile(const T* in, std::int64_t stride, std::int64_t rows, std::int64_t columns,
                             T* out, std::int64_t out_stride) {
    if (rows < P::lanes || columns < P::lanes) {
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = 0; c < columns; ++c) out[r * out_stride + c] = in[c * stride + r];
      return;
    }
    P tile[P::lanes];
    for (int k = 0; k < P::lanes; ++k) tile[k] = P::load(in + k * stride);
    transpose_packs<1>(tile, std::make_integer_sequence<int, P::lanes / 2>());
    for (int k = 0; k < P::lanes; ++k) tile[k].store(out + k * out_stride);
  }
};

template <class T>
void transpose_matrix(const T* in, std::int64_t stride, std::int64_t rows, std::int64_t columns, T* out) {
  if constexpr (std::is_floating_point_v<T>) {
    parallel_for(rows, (parallel_grain + columns - 1) / columns, [=](std::int64_t begin, std::int64_t end) {
      simd::vectorized<TransposeLoop<T>>(in, stride, begin, end, columns, out);
    });
  } else if constexpr (sizeof(T) == sizeof(double)) {  // only moved, so bits of any kind
    transpose_matrix(reinterpret_cast<const double*>(in), stride, rows, columns,
                     reinterpret_cast<double*>(out));
  } else {
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c) out[r * columns + c] = in[c * stride + r];
  }
}

template <class T>
void permute_elements(const T* in, T* out, const Shape& shape, std::span<const std::int64_t> strides) {
  if (shape.size() == 0) return;
  const std::size_t rank = shape.rank();
  if (rank >= 2 && strides[rank - 2] == 1) {  // the last two axes exchanged
    const std::int64_t rows = shape[rank - 2], columns = shape[rank - 1], matrix = rows * columns;
    Shape outer = shape;
    outer[rank - 2] = outer[rank - 1] = 1;
    for_each_strided(outer, strides, [&](auto at, auto from) {
      transpose_matrix(in + from, strides[rank - 1], rows, columns, out + at * matrix);
    });
    return;
  }
  const std::int64_t count = rank == 0 ? 1 : shape.back(), stride = rank == 0 ? 1 : strides[rank - 1];
  for_each_strided(shape, strides, [&](auto at, auto from) {
    for (std::int64_t i = 0; i < count; ++i) out[at + i] = in[from + i * stride];
  });
}

/// to = in, repeated. Left to the compiler, which has wider stores here than elsewhere.
template <class T>
struct RepeatLoop {
  template <int>
  static void run(Block<1> block, const T* __restrict in, T* __restrict to) {
    in += block.offsets[0];
    to += block.at;
    for (std::int64_t row = 0; row < block.rows; ++row, in += block.steps[0], to += block.count)
      if (block.strides[0] == 1)
        for (std::int64_t i = 0; i < block.count; ++i) to[i] = in[i];
      else
        for (std::int64_t i = 0; i < block.count; ++i) to[i] = *in;
  }
};

/// The offset of a box's first element, and its strides.
std::pair<std::int64_t, std::vector<std::int64_t>> strided(const Box& box, const Shape& whole) {
  auto strides = row_major_strides(whole);
  std::int64_t first = 0;
  for (std::size_t axis = 0; axis < strides.size(); ++axis) {
    first += box.starts[axis] * strides[axis];
    strides[axis] *= box.steps[axis];
  }
  return {first, std::move(strides)};
}

}  // namespace

Array permute(const Array& x, std::span<const std::size_t> order) {
  const auto own = row_major_strides(x.shape());
  Shape shape = x.shape();
  std::vector<std::int64_t> strides(order.size());
  for (std::size_t axis = 0; axis < order.size(); ++axis) {
    shape[axis] = x.shape()[order[axis]];
    strides[axis] = own[order[axis]];
  }
  Array out(shape, x.dtype());
  dispatch(x.dtype(),
           [&]<class T>() { permute_elements(x.data<T>(), out.mutable_data<T>(), shape, strides); });
  return out;
}

Array broadcast_to(const Array& x, const Shape& shape) {
  Array out(shape, x.dtype());
  dispatch(x.dtype(), [&]<class T>() {
    const T* in = x.data<T>();
    T* to = out.mutable_data<T>();
    for_each_block<1>(shape, {&x.shape()},
                      [&](const Block<1>& block) { simd::vectorized<RepeatLoop<T>>(block, in, to); });
  });
  return out;
}

Array gather(const Array& x, const Box& box) {
  const auto [first, strides] = strided(box, x.shape());
  Array out(box.shape, x.dtype());
  const std::int64_t count = box.shape.rank() == 0 ? 1 : box.shape.back();
  const std::int64_t stride = box.shape.rank() == 0 ? 1 : strides.back();
  dispatch(x.dtype(), [&, first = first, &strides = strides]<class T>() {
    const T* in = x.data<T>() + first;
    T* to = out.mutable_data<T>();
    for_each_strided(box.shape, strides, [&](auto at, auto from) {
      if (stride == 1) {
        std::copy_n(in + from, count, to + at);
        return;
      }
      for (std::int64_t i = 0; i < count; ++i) to[at + i] = in[from + i * stride];
    });
  });
  return out;
}

void scatter(const Array& part, const Box& box, Array& into) {
  const auto [first, strides] = strided(box, into.shape());
  const std::int64_t count = box.shape.rank() == 0 ? 1 : box.shape.back();
  const std::int64_t stride = box.shape.rank() == 0 ? 1 : strides.back();
  dispatch(part.dtype(), [&, first = first, &strides = strides]<class T>() {
    const T* in = part.data<T>();
    T* to = into.mutable_data<T>() + first;
    for_each_strided(box.shape, strides, [&](auto at, auto from) {
      for (std::int64_t i = 0; i < count; ++i) to[from + i * stride] = in[at + i];
    });
  });
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

Array zeros(const Shape& shape, DType dtype) {
  Array out(shape, dtype);
  std::memset(out.mutable_raw(), 0, out.byte_count());
  return out;
}

}  // namespace chainrule::kernels
