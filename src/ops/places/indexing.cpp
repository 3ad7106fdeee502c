// Elements taken from their places, by positions and by masks: arguments, checks and entries. Elements are
// moved by places.h and chosen.cpp.

#include "chainrule/indexing.h"

#include <algorithm>
#include <limits>

#include "ops/along_axis.h"
#include "ops/batching.h"
#include "ops/elementwise.h"
#include "ops/places/places.h"
#include "ops/registry.h"
#include "ops/samples.h"

namespace chainrule {
namespace ops {

Entries indexing_operations() {
  static constexpr Entry table[] = {
      {.name = "take_along_axis",
       .parameters = "x|arr|a|input, index|indices, axis|dim=-1",
       .call = [](Arguments& a) -> Result { return take_along_axis(a[0], a.places(1), a.integer(2)); },
       .formula = "as gather",
       .aliases = "take_along_dim",
       .example = "take_along_axis([[1, 2], [3, 4]], [[-1]], 1)",
       .note = "broadcasts beside the axis; negative positions count from the end"},
      {.name = "index_select",
       .parameters = "x|input, axis|dim, positions|index",
       .call = [](Arguments& a) -> Result { return index_select(a[0], a.integer(1), a.places(2)); },
       .formula = "as gather",
       .example = "index_select([[1, 2], [3, 4]], 1, [1, 1, 0])"},
      {.name = "take",
       .parameters = "x|a|input, positions|indices|index, axis|dim=None",
       .call = [](Arguments& a) -> Result {
         return a.given(2) ? take(a[0], a.places(1), a.integer(2)) : take(a[0], a.places(1));
       },
       .formula = "as gather",
       .example = "take([[1, 2], [3, 4]], [0, -1])",
       .note = "without an axis, of all elements in row-major order"},
      {.name = "embedding",
       .parameters = "weight|input, positions|indices|index, padding|padding_idx=None",
       .call = [](Arguments& a) -> Result {
         // PyTorch's order is positions first, which differ from weights by their dtype.
         const bool is_swapped = is_integer(a.tensor(0).dtype()) && is_floating(a.tensor(1).dtype());
         return embedding(a[is_swapped ? 1 : 0], a.places(is_swapped ? 0 : 1),
                          a.given(2) ? std::optional(a.integer(2)) : std::nullopt);
       },
       .formula = "as gather; no gradient to the row of the padding",
       .example = "embedding([[1, 2], [3, 4]], [1, 0, 1])",
       .note = "also positions of int64 before weights, as in PyTorch"},
      {.name = "one_hot",
       .parameters = "positions|input|x, classes|num_classes=None, dtype=None",
       .call = [](Arguments& a) -> Result {
         const bool told = a.given(1) && a.integer(1) != -1;
         return one_hot(a.places(0), told ? std::optional(a.integer(1)) : std::nullopt,
                        a.given(2) ? a.dtype(2) : DType::int64);
       },
       .formula = "no gradient",
       .example = "one_hot([0, 2], 3)",
       .note = "int64 unless told, as in PyTorch, whose -1 for the classes means None",
       .differentiable = false,
       .weak = false},
      {.name = "masked_select",
       .parameters = "x|input, mask",
       .call = call<masked_select>,
       .formula = "the gradient at the places where the mask holds, 0 elsewhere",
       .example = "x = [1, -2, 3]; masked_select(x, x > 0)"},
      {.name = "nonzero",
       .parameters = "x|a|input, as_tuple=False",
       .call = [](Arguments& a) -> Result {
         if (a.flag(1)) return chainrule::where(a[0]);
         return nonzero(a[0]);
       },
       .formula = "no gradient",
       .aliases = "argwhere",
       .example = "nonzero([0, 5, 7])",
       .note = "one row for each place, as in PyTorch",
       .differentiable = false,
       .weak = false},
  };
  return table;
}

namespace {

/// The places in row-major order where a mask holds.
Array places_of(const Array& mask) {
  const bool* const holds = mask.data<bool>();
  Array list(Shape{std::count(holds, holds + mask.size(), true)}, DType::int64);
  auto* to = list.mutable_data<std::int64_t>();
  // Without a branch, which no processor could foresee: where none holds, the next place is written over.
  std::int64_t i = 0;
  for (const auto* const end = to + list.size(); to != end; to += holds[i++] ? 1 : 0) *to = i;
  return list;
}

Tensor take(std::string_view operation, const OfAxis& of, const Operand& positions, Here here) {
  const Shape& shape = of.x.shape();
  if (is_batched(positions))
    return gather_places(
        of.x,
        places_of_slices(shape, of.axis, counted_positions(operation, positions, shape, of.axis, true)));
  const Array list = checked_positions(operation, positions, shape, of.axis, true);
  return gather_at({of.x, here}, along(shape, of.axis, list),
                   with_axis_replaced(shape, of.axis, list.shape()));
}

}  // namespace
}  // namespace ops

Tensor take_along_axis(const Operand& x, const Operand& index, Integer axis) try {
  constexpr const char* name = "take_along_axis";
  const Tensor in = x.as_tensor();
  const std::size_t at = normalize_axis(name, axis, in.shape());
  const bool batched = ops::is_batched(index);
  const Tensor list = batched ? ops::counted_positions(name, index, in.shape(), at, true)
                              : constant(ops::checked_positions(name, index, in.shape(), at, true));
  Shape whole = in.shape(), wanted = list.shape();
  if (wanted.rank() != whole.rank())
    throw ShapeError("take_along_axis: an index of shape " + to_string(wanted) + " for shape " +
                     to_string(whole) + "; it needs as many axes");
  whole[at] = wanted[at] = 1;
  const Shape beside = broadcast(name, whole, wanted);
  whole = wanted = beside;
  whole[at] = in.shape()[at];
  wanted[at] = list.shape()[at];
  const Tensor places = broadcast_to(list, wanted);
  if (batched) return ops::gather_along(name, broadcast_to(in, whole), at, places);
  return ops::gather_each({broadcast_to({in, x.here()}, whole), x.here()}, at, value_of(places));
} catch (...) {
  rethrow_in_call(x, index);
}

Tensor index_select(const Operand& x, Integer axis, const Operand& positions) try {
  const ops::OfAxis of("index_select", x.as_tensor(), axis);
  const Tensor list = positions.as_tensor();
  if (list.rank() > 1 || (of.is_scalar && list.size() != 1))
    throw ShapeError("index_select: positions of shape " + to_string(list.shape()) + " for shape " +
                     to_string(x.as_tensor().shape()) + "; take(x, positions, axis) takes these");
  return of.result(ops::take("index_select", of, list.rank() == 0 ? reshape(list, {1}) : list, x.here()));
} catch (...) {
  rethrow_in_call(x, positions);
}

Tensor take(const Operand& x, const Operand& positions) try {
  const Tensor in = x.as_tensor();
  if (ops::is_batched(positions))
    return ops::gather_places(in, ops::counted_positions("take", positions, in.size(), "all elements", true));
  return ops::gather_flat({in, x.here()},
                          ops::checked_positions("take", positions, in.size(), "all elements", true));
} catch (...) {
  rethrow_in_call(x, positions);
}

Tensor take(const Operand& x, const Operand& positions, Integer axis) try {
  return ops::take("take", {"take", x.as_tensor(), axis}, positions, x.here());
} catch (...) {
  rethrow_in_call(x, positions);
}

Tensor index(const Operand& x, const Tensor& where) try {
  const Tensor in = x.as_tensor();
  if (where.dtype() != DType::boolean) return ops::take("index", {"index", in, 0}, where, x.here());
  const Shape &whole = in.shape(), &mask = where.shape();
  const std::size_t rank = mask.rank();
  if (rank > whole.rank() || !std::equal(mask.begin(), mask.end(), whole.begin()))
    throw ShapeError("index: a mask of shape " + to_string(mask) + " for shape " + to_string(whole) +
                     "; it must have the sizes of the first axes");
  ops::Places places;
  places.size = mask.size();
  places.list = ops::places_of(value_of(where));
  std::vector<std::int64_t> sizes = {places.list.size()};
  for (std::size_t axis = rank; axis < whole.rank(); ++axis) {
    sizes.push_back(whole[axis]);
    places.inner *= whole[axis];
  }
  return ops::gather_at({in, x.here()}, places, Shape(sizes));
} catch (...) {
  rethrow_in_call(x, Operand(where));
}

std::int64_t ops::padding_row(std::string_view operation, std::int64_t padding, const Shape& table) {
  const std::int64_t size = table[0];
  if (padding < -size || padding >= size)
    throw ShapeError(std::string(operation) + ": padding " + std::to_string(padding) +
                     " is no row of shape " + to_string(table) + "; positions go from -size to size - 1");
  return padding < 0 ? padding + size : padding;
}

Tensor embedding(const Operand& weight, const Operand& positions, OptionalInteger padding) try {
  const Tensor table = weight.as_tensor();
  if (table.rank() == 0)
    throw ShapeError("embedding: a scalar, of shape (), has no rows; give it at least one axis");
  const bool batched = ops::is_batched(positions);
  const Tensor list = batched
                          ? ops::counted_positions("embedding", positions, table.shape(), 0, false)
                          : constant(ops::checked_positions("embedding", positions, table.shape(), 0, false));
  Tensor rows = batched ? ops::gather_places(table, ops::places_of_slices(table.shape(), 0, list))
                        : ops::gather_at({table, weight.here()}, ops::along(table.shape(), 0, value_of(list)),
                                         ops::with_axis_replaced(table.shape(), 0, list.shape()));
  if (!padding) return rows;
  std::vector<std::int64_t> sizes(list.shape().begin(), list.shape().end());
  sizes.resize(rows.rank(), 1);
  const Tensor pads = reshape(list == ops::padding_row("embedding", *padding, table.shape()), Shape(sizes));
  return chainrule::where(pads, rows.detach(), rows);
} catch (...) {
  rethrow_in_call(weight, positions);
}

Tensor one_hot(const Operand& positions, OptionalInteger classes, DType dtype) try {
  if (ops::is_batched(positions)) {
    const Tensor each = elements_of_all_samples(*positions.tensor());
    const std::int64_t of_all =
        classes || each.size() == 0 ? classes.value_or(0) : max(each).item<std::int64_t>() + 1;
    const Tensor list = ops::counted_positions("one_hot", positions, of_all, "the classes", false);
    std::vector<std::int64_t> sizes(list.shape().begin(), list.shape().end());
    sizes.push_back(1);
    return cast(reshape(list, Shape(sizes)) == arange(0, of_all), dtype);
  }
  const Array list = ops::checked_positions(
      "one_hot", positions, classes.value_or(std::numeric_limits<std::int64_t>::max()), "the classes", false);
  const auto* at = list.data<std::int64_t>();
  const std::int64_t count = list.size();
  if (!classes && count == 0)
    throw ShapeError("one_hot: no positions, of shape " + to_string(list.shape()) +
                     ", do not tell the number of classes; give it");
  const std::int64_t size = classes ? *classes : *std::max_element(at, at + count) + 1;
  std::vector<std::int64_t> sizes(list.shape().begin(), list.shape().end());
  sizes.push_back(size);
  Array out = new_array("one_hot", Shape(sizes), dtype);
  dispatch_stored(dtype, [&]<class T>() {
    T* const to = out.mutable_data<T>();
    std::fill_n(to, out.size(), T(0));
    for (std::int64_t i = 0; i < count; ++i) to[i * size + at[i]] = T(1);
  });
  return constant(std::move(out));
} catch (...) {
  rethrow_in_call(positions);
}

Tensor masked_select(const Operand& x, const Operand& mask) try {
  const Tensor in = x.as_tensor(), holds = ops::checked_mask("masked_select", mask);
  const Shape shape = broadcast("masked_select", in.shape(), holds.shape());
  const Tensor wide = broadcast_to(holds, shape);
  return ops::gather_flat({broadcast_to({in, x.here()}, shape), x.here()}, ops::places_of(value_of(wide)));
} catch (...) {
  rethrow_in_call(x, mask);
}

Tensor nonzero(const Operand& x) try {
  const Tensor is = x.as_tensor() != 0;
  const Array list = ops::places_of(value_of(is));
  const auto rank = static_cast<std::int64_t>(is.rank());
  Array out({list.size(), rank}, DType::int64);
  const auto* const places = list.data<std::int64_t>();
  auto* to = out.mutable_data<std::int64_t>();
  const std::int64_t row = is.rank() == 0 ? 1 : is.shape()[is.rank() - 1];
  std::int64_t begin = 0, end = 0;  // of the row of the place before: in it, only the last position differs
  for (std::int64_t i = 0, n = list.size(); i < n; ++i, to += rank) {
    std::int64_t place = places[i];
    if (place < end) {
      for (std::int64_t axis = 0; axis < rank - 1; ++axis) to[axis] = to[axis - rank];
      to[rank - 1] = place - begin;
      continue;
    }
    begin = place / row * row;
    end = begin + row;
    for (std::size_t axis = is.rank(); axis-- > 0; place /= is.shape()[axis])
      to[axis] = place % is.shape()[axis];
  }
  return constant(std::move(out));
} catch (...) {
  rethrow_in_call("nonzero", x);
}

std::vector<Tensor> where(const Operand& condition) {
  const Tensor places = nonzero(condition);
  std::vector<Tensor> axes;
  for (std::int64_t axis = 0; axis < places.shape()[1]; ++axis)
    axes.push_back(index(places, {Slice{}, axis}));
  return axes;
}

}  // namespace chainrule
