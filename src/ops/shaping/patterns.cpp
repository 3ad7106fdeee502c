// Tensors repeated, their triangles and diagonals.
// Compositions, mostly of taking elements at places.

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "array/axes.h"
#include "chainrule/indexing.h"
#include "chainrule/shaping.h"
#include "graph/apply.h"
#include "ops/places/places.h"
#include "ops/registry.h"
#include "ops/shape_ops.h"

namespace chainrule {
namespace ops {
namespace {

// ---- Repeating -------------------------------------------------------------------------------------------

/// There is a number for each axis, and for new ones before them.
Tensor repeated(const Operand& x, const std::string& name, const std::vector<std::int64_t>& times) {
  const Tensor in = x.as_tensor();
  const std::size_t added = times.size() - in.rank();
  std::vector<std::int64_t> from, to, result;
  for (std::size_t axis = 0; axis < times.size(); ++axis) {
    const std::int64_t size = axis < added ? 1 : in.shape()[axis - added], n = times[axis];
    std::int64_t whole = 0;
    if (n < 0 || __builtin_mul_overflow(n, size, &whole))
      throw ShapeError(name + ": " + std::to_string(n) + " times axis " + std::to_string(axis) +
                       " of shape " + to_string(in.shape()) + "; give 0 or more, and not too many");
    if (n != 1) {
      from.push_back(1);
      to.push_back(n);
    }
    from.push_back(size);
    to.push_back(size);
    result.push_back(whole);
  }
  const Tensor split = reshape(x, Shape(from));
  return reshape({broadcast_to({split, x.here()}, Shape(to)), x.here()}, Shape(result));
}

// ---- Matrices
// ----------------------------------------------------------------------------------------------

void require_matrices(const char* name, const Shape& shape) {
  if (shape.rank() < 2)
    throw ShapeError(std::string(name) + ": shape " + to_string(shape) +
                     " has no rows and columns; give at least two axes");
}

/// Where the column minus the row is at most the diagonal, or at least that.
Tensor triangle(const char* name, const Operand& x, std::int64_t diagonal, bool lower) {
  const Shape shape = x.as_tensor().shape();
  require_matrices(name, shape);
  const std::int64_t rows = shape[shape.rank() - 2], columns = shape.back();
  Array mask({rows, columns}, DType::boolean);
  bool* kept = mask.mutable_data<bool>();
  // Beyond the corners nothing changes any more, and nothing overflows.
  const std::int64_t k = std::clamp(diagonal, -rows - 1, columns + 1);
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int64_t first = std::clamp<std::int64_t>(i + k + (lower ? 1 : 0), 0, columns);
    kept = std::fill_n(std::fill_n(kept, first, lower), columns - first, !lower);
  }
  return where(constant(std::move(mask)), x, false);
}

/// Two different axes.
std::pair<std::int64_t, std::int64_t> two_axes(const char* name, std::int64_t a, std::int64_t b,
                                               const Shape& shape) {
  const auto first = static_cast<std::int64_t>(normalize_axis(name, a, shape));
  const auto second = static_cast<std::int64_t>(normalize_axis(name, b, shape));
  if (first == second)
    throw ShapeError(std::string(name) + ": axes " + std::to_string(a) + " and " + std::to_string(b) +
                     " of shape " + to_string(shape) + " are the same; give two");
  return {first, second};
}

}  // namespace

Entries pattern_operations() {
  static constexpr Entry table[] = {
      {.name = "repeat",
       .parameters = "x|input, *times|repeats|sizes",
       .call = [](Arguments& a) -> Result { return repeat(a[0], a.integers(1)); },
       .formula = "the gradient summed over the copies",
       .example = "repeat([1, 2], 2, 2)",
       .note = "the whole, as in PyTorch; NumPy's repeat is repeat_interleave"},
      {.name = "tile",
       .parameters = "x|A|input, *times|reps|dims",
       .call = [](Arguments& a) -> Result { return tile(a[0], a.integers(1)); },
       .formula = "as repeat",
       .example = "tile([1, 2], 2)"},
      {.name = "repeat_interleave",
       .parameters = "x|input, times|repeats, axis|dim=None",
       .call = [](Arguments& a) -> Result {
         const auto times = a.integers(1);
         const auto axis = a.given(2) ? std::optional(a.integer(2)) : std::nullopt;
         return times.size() == 1 ? repeat_interleave(a[0], times[0], axis)
                                  : repeat_interleave(a[0], times, axis);
       },
       .formula = "the gradient summed over the copies",
       .example = "repeat_interleave([1, 2], 2)",
       .note = "NumPy's repeat"},
      {.name = "tril",
       .parameters = "x|m|input, diagonal|k=0",
       .call = call<tril>,
       .formula = "the gradient with 0 above the diagonal",
       .example = "tril([[1, 2], [3, 4]])"},
      {.name = "triu",
       .parameters = "x|m|input, diagonal|k=0",
       .call = call<triu>,
       .formula = "the gradient with 0 below the diagonal",
       .example = "triu([[1, 2], [3, 4]])"},
      {.name = "diagonal",
       .parameters = "x|a|input, offset=0, axis1|dim1=0, axis2|dim2=1",
       .call = call<diagonal>,
       .formula = "the gradient on the diagonal, 0 elsewhere",
       .example = "diagonal([[1, 2], [3, 4]])"},
      {.name = "diag_embed",
       .parameters = "x|input, offset=0, axis1|dim1=-2, axis2|dim2=-1",
       .call = call<diag_embed>,
       .formula = "the diagonal of the gradient",
       .example = "diag_embed([[1, 2], [3, 4]])"},
      {.name = "diag",
       .parameters = "x|v|input, offset|k|diagonal=0",
       .call = call<diag>,
       .formula = "as diagonal of a matrix, as diag_embed of a vector",
       .example = "diag([1, 2])"},
      {.name = "trace",
       .parameters = "x|a|input, offset=0",
       .call = call<trace>,
       .formula = "∂trace(x)/∂xᵢⱼ = 1 if i = j else 0",
       .example = "trace([[1, 2], [3, 4]])"},
      {.name = "block_diag",
       .parameters = "*tensors",
       .call = [](Arguments& a) -> Result { return block_diag(a.tensors(0)); },
       .formula = "the blocks of the gradient",
       .example = "block_diag([[1, 2], [3, 4]], 5)",
       .weak = false},
  };
  return table;
}

}  // namespace ops

Tensor repeat(const Operand& x, const std::vector<std::int64_t>& times) try {
  const Shape shape = x.as_tensor().shape();
  if (times.size() < shape.rank())
    throw ShapeError("repeat: " + std::to_string(times.size()) + " numbers for shape " + to_string(shape) +
                     "; give one for each axis, at least");
  return ops::repeated(x, "repeat", times);
} catch (...) {
  rethrow_in_call("repeat", x);
}

Tensor tile(const Operand& x, const std::vector<std::int64_t>& times) try {
  std::vector<std::int64_t> all = times;
  const std::size_t rank = x.as_tensor().rank();
  if (all.size() < rank) all.insert(all.begin(), rank - all.size(), 1);
  return ops::repeated(x, "tile", all);
} catch (...) {
  rethrow_in_call("tile", x);
}

Tensor repeat_interleave(const Operand& x, Integer times, OptionalInteger axis) try {
  const Tensor in = axis ? x.as_tensor() : reshape(x, {x.as_tensor().size()});
  const Shape& shape = in.shape();
  const std::size_t at = normalize_axis("repeat_interleave", axis.value_or(0), shape);
  std::int64_t whole = 0;
  if (times < 0 || __builtin_mul_overflow(shape[at], std::int64_t{times}, &whole))
    throw ShapeError("repeat_interleave: " + std::to_string(times) + " times axis " + std::to_string(at) +
                     " of shape " + to_string(shape) + "; give 0 or more, and not too many");
  const Shape spread = ops::with_axis_replaced(shape, at, {shape[at], times});
  const Tensor column = reshape({in, x.here()}, ops::with_axis_replaced(shape, at, {shape[at], 1}));
  return reshape({broadcast_to({column, x.here()}, spread), x.here()},
                 ops::with_axis_replaced(shape, at, {whole}));
} catch (...) {
  rethrow_in_call("repeat_interleave", x);
}

Tensor repeat_interleave(const Operand& x, const std::vector<std::int64_t>& times, OptionalInteger axis) try {
  const Tensor in = axis ? x.as_tensor() : reshape(x, {x.as_tensor().size()});
  const Shape& shape = in.shape();
  const std::size_t at = normalize_axis("repeat_interleave", axis.value_or(0), shape);
  if (static_cast<std::int64_t>(times.size()) != shape[at])
    throw ShapeError("repeat_interleave: " + std::to_string(times.size()) + " numbers for axis " +
                     std::to_string(at) + " of shape " + to_string(shape) + "; give one for each slice");
  std::int64_t whole = 0;
  for (const std::int64_t n : times)
    if (n < 0 || __builtin_add_overflow(whole, n, &whole))
      throw ShapeError("repeat_interleave: a slice of shape " + to_string(shape) + " " + std::to_string(n) +
                       " times; give 0 or more, and not too many");
  Shape result = shape;
  result[at] = whole;
  Array list = new_array("repeat_interleave", {whole}, DType::int64);
  auto* place = list.mutable_data<std::int64_t>();
  for (std::size_t i = 0; i < times.size(); ++i)
    place = std::fill_n(place, times[i], static_cast<std::int64_t>(i));
  return ops::gather_at({in, x.here()}, ops::along(shape, at, list), result);
} catch (...) {
  rethrow_in_call("repeat_interleave", x);
}

Tensor tril(const Operand& x, Integer diagonal) try {
  return ops::triangle("tril", x, diagonal, true);
} catch (...) {
  rethrow_in_call("tril", x);
}
Tensor triu(const Operand& x, Integer diagonal) try {
  return ops::triangle("triu", x, diagonal, false);
} catch (...) {
  rethrow_in_call("triu", x);
}

Tensor diagonal(const Operand& x, Integer offset, Integer axis1, Integer axis2) try {
  const Shape shape = x.as_tensor().shape();
  const auto [first, second] = ops::two_axes("diagonal", axis1, axis2, shape);
  const Tensor turned = movedim(x, {first, second}, {-2, -1});
  const std::int64_t rows = shape[static_cast<std::size_t>(first)],
                     columns = shape[static_cast<std::size_t>(second)];
  const std::int64_t k = std::clamp(std::int64_t{offset}, -rows, columns);
  const std::int64_t count = std::max<std::int64_t>(
      std::min(rows + std::min<std::int64_t>(k, 0), columns - std::max<std::int64_t>(k, 0)), 0);
  std::vector<std::int64_t> sizes(turned.shape().begin(), turned.shape().end() - 2);
  sizes.push_back(rows * columns);
  const std::int64_t start = k >= 0 ? k : -k * columns;
  const std::int64_t stop = count == 0 ? start : start + (count - 1) * (columns + 1) + 1;
  return index({reshape({turned, x.here()}, Shape(sizes)), x.here()},
               {Index::ellipsis(), Slice{start, stop, columns + 1}});
} catch (...) {
  rethrow_in_call("diagonal", x);
}

Tensor diag_embed(const Operand& x, Integer offset, Integer axis1, Integer axis2) try {
  const Tensor in = x.as_tensor();
  if (in.rank() == 0) throw ShapeError("diag_embed: a scalar, of shape (), is no diagonal; give an axis");
  const auto [first, second] = ops::two_axes("diag_embed", axis1, axis2, Shape::filled(in.rank() + 1, 1));
  const std::int64_t count = in.shape().back();
  std::int64_t n = 0, elements = 0;
  if (offset == std::numeric_limits<std::int64_t>::min() ||
      __builtin_add_overflow(count, std::abs(offset), &n) || __builtin_mul_overflow(n, n + 1, &elements))
    throw ShapeError("diag_embed: offset " + std::to_string(offset) + " of shape " + to_string(in.shape()) +
                     " makes too many elements; give a smaller one");
  std::vector<std::int64_t> sizes(in.shape().begin(), in.shape().end() - 1);
  sizes.push_back(n * n);
  const std::int64_t start = offset >= 0 ? std::int64_t{offset} : -offset * n;
  const std::int64_t stop = count == 0 ? start : start + (count - 1) * (n + 1) + 1;
  // Repeated, not written out, as it is only to be read beside the diagonal.
  const Tensor nothing = broadcast_to(zeros({}, in.dtype()), Shape(sizes));
  const Tensor flat =
      slice_update({nothing, x.here()}, {Index::ellipsis(), Slice{start, stop, n + 1}}, {in, x.here()});
  sizes.back() = n;
  sizes.push_back(n);
  return movedim({reshape({flat, x.here()}, Shape(sizes)), x.here()}, {-2, -1}, {first, second});
} catch (...) {
  rethrow_in_call("diag_embed", x);
}

Tensor diag(const Operand& x, Integer offset) try {
  const Shape shape = x.as_tensor().shape();
  if (shape.rank() != 1 && shape.rank() != 2)
    throw ShapeError("diag: shape " + to_string(shape) +
                     " is neither a vector nor a matrix; diagonal takes others");
  return shape.rank() == 1 ? diag_embed(x, offset) : diagonal(x, offset);
} catch (...) {
  rethrow_in_call("diag", x);
}

Tensor trace(const Operand& x, Integer offset) try {
  ops::require_matrices("trace", x.as_tensor().shape());
  return sum({diagonal(x, offset), x.here()}, -1);
} catch (...) {
  rethrow_in_call("trace", x);
}

Tensor block_diag(std::span<const Tensor> matrices, Here here) try {
  std::vector<Tensor> rows;
  std::int64_t columns = 0, before = 0;
  for (const Tensor& matrix : matrices) {
    if (matrix.rank() > 2)
      throw ShapeError("block_diag: shape " + to_string(matrix.shape()) +
                       " is no matrix; give two axes at most");
    rows.push_back(atleast_2d({matrix, here}));
    columns += rows.back().shape()[1];
  }
  for (Tensor& row : rows) {
    const std::int64_t own = row.shape()[1];
    row = pad({row, here}, {before, columns - before - own});
    before += own;
  }
  return concatenate(rows, 0, here);
} catch (...) {
  rethrow_in_call("block_diag", here, std::vector<const Tensor*>());
}

}  // namespace chainrule
