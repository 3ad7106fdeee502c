// Rolled axes, and boxes within what is all the same: each byte of a result is written once, in order.
// Relies on runs.h for the copies.

#include "kernels/shift.h"

#include <algorithm>

#include "chainrule/simd.h"
#include "kernels/runs.h"

namespace chainrule::kernels {
namespace {

/// An axis that is gone along from row to row, in bytes; `at` is where we are, of `size`.
struct Counted {
  std::int64_t size, stride, at = 0;
};

struct Rolled {
  std::vector<Counted> axes;    // of the source, the fastest first; they begin anywhere and go around
  std::vector<Counted> counts;  // of the result
  std::int64_t rows, row, split, source;
};

/// Each row of the result is the end of one and its beginning.
struct RollLoop {
  template <int Width>
  static void run(Rolled* way, const std::byte* from, std::byte* to) {
    const std::int64_t row = way->row, split = way->split;
    const std::byte* in = from + way->source;
    for (std::int64_t r = 0; r < way->rows; ++r, to += row) {
      copy_run<Width>(in + row - split, to, split);
      copy_run<Width>(in, to + split, row - split);
      for (std::size_t i = 0; i < way->axes.size(); ++i) {
        Counted &axis = way->axes[i], &count = way->counts[i];
        in += axis.stride;
        if (++axis.at == axis.size) {
          axis.at = 0;
          in -= axis.size * axis.stride;
        }
        if (++count.at < count.size) break;
        count.at = 0;
      }
    }
  }
};

struct Surrounded {
  std::vector<Counted> axes;  // of the box, in the result
  std::int64_t rows, row, first, bytes;
  std::byte pattern[64];
};

struct SurroundLoop {
  template <int Width>
  static void run(Surrounded* way, const std::byte* from, std::byte* const to) {
    const std::int64_t row = way->row;
    std::int64_t done = 0, next = way->first;
    for (std::int64_t r = 0; r < way->rows; ++r, from += row) {
      fill_run<Width>(way->pattern, to + done, next - done);
      copy_run<Width>(from, to + next, row);
      done = next + row;
      for (Counted& axis : way->axes) {
        next += axis.stride;
        if (++axis.at < axis.size) break;
        next -= axis.size * axis.stride;
        axis.at = 0;
      }
    }
    fill_run<Width>(way->pattern, to + done, way->bytes - done);
  }
};

}  // namespace

Array roll(const Array& x, std::span<const std::int64_t> shifts) {
  const Shape& shape = x.shape();
  Array out(shape, x.dtype());
  if (out.size() == 0) return out;
  Rolled way{};
  std::int64_t stride = static_cast<std::int64_t>(item_size(x.dtype()));
  way.row = stride;
  for (std::size_t i = shape.rank(); i-- > 0; stride *= shape[i]) {
    if (way.split == 0) {  // so far all elements stay side by side
      way.row = stride * shape[i];
      way.split = stride * shifts[i];
      continue;
    }
    const std::int64_t at = (shape[i] - shifts[i]) % shape[i];
    way.axes.push_back({shape[i], stride, at});
    way.counts.push_back({shape[i], stride});
    way.source += at * stride;
  }
  way.rows = static_cast<std::int64_t>(out.byte_count()) / way.row;
  simd::vectorized<RollLoop>(&way, static_cast<const std::byte*>(x.raw()),
                             static_cast<std::byte*>(out.mutable_raw()));
  return out;
}

Array surrounded(const Array& part, const Box& box, const Array& number, const Shape& shape) {
  Array out(shape, part.dtype());
  const std::size_t item = item_size(part.dtype());
  Surrounded way{};
  way.bytes = static_cast<std::int64_t>(out.byte_count());
  for (std::size_t i = 0; i < sizeof way.pattern; i += item) std::memcpy(way.pattern + i, number.raw(), item);
  std::int64_t stride = static_cast<std::int64_t>(item);
  way.row = stride;
  bool is_whole = true;  // the rows that the box has in common with the result
  for (std::size_t i = shape.rank(); i-- > 0; stride *= shape[i]) {
    way.first += box.starts[i] * stride;
    if (is_whole)
      way.row = stride * box.shape[i];
    else
      way.axes.push_back({box.shape[i], stride});
    is_whole = is_whole && box.shape[i] == shape[i];
  }
  way.rows = part.size() == 0 ? 0 : static_cast<std::int64_t>(part.byte_count()) / way.row;
  simd::vectorized<SurroundLoop>(&way, static_cast<const std::byte*>(part.raw()),
                                 static_cast<std::byte*>(out.mutable_raw()));
  return out;
}

}  // namespace chainrule::kernels
