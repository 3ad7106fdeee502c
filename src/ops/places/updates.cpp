// Elements replaced and combined at places: scatter, put and masks; scatter_add and its relatives.
#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "ops/batching.h"
#include "ops/elementwise.h"
#include "ops/places/places.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

/// The values for an index of PyTorch's: a number, or the part of them that has the index's shape.
Tensor values_for(std::string_view operation, const Tensor& values, const Shape& shape) {
  if (values.rank() == 0 || values.shape() == shape) return values;
  bool fits = values.rank() == shape.rank();
  std::vector<chainrule::Index> part;
  for (std::size_t axis = 0; fits && axis < shape.rank(); ++axis) {
    fits = shape[axis] <= values.shape()[axis];
    part.emplace_back(Slice{0, shape[axis]});
  }
  if (!fits)
    throw ShapeError(std::string(operation) + ": values of shape " + to_string(values.shape()) +
                     " for an index of shape " + to_string(shape) +
                     "; they must be one number, or at least as many along each axis");
  return chainrule::index(values, part);
}

/// What goes to the places along an axis, at a list of positions: values that broadcast to it.
Tensor spread_out(std::string_view operation, const Tensor& values, const Places& places,
                  const Shape& shape) {
  return reshape(stretched(operation, values, shape, "values"),
                 {places.outer, places.list.size(), places.inner});
}

Tensor replaced(std::string_view operation, const Operand& x, const Places& places, const Shape& shape,
                const Operand& values) {
  const DType dtype = common_dtype(x, values);
  const Tensor in = x.as(dtype), given = values.as(dtype);
  return put_flat(in, flat(places), given.rank() == 0 ? given : spread_out(operation, given, places, shape));
}

Tensor filled(const Shape& shape, const Tensor& number) { return broadcast_to(number, shape); }

/// The same at places that may be others for each sample of a vmap.
Tensor replaced_in_each(std::string_view operation, const Operand& x, const Tensor& places,
                        const Operand& values) {
  const DType dtype = common_dtype(x, values);
  const Tensor given = values.as(dtype);
  return put_places(x.as(dtype), places,
                    given.rank() == 0 ? given : stretched(operation, given, places.shape(), "values"));
}

/// The places that gather(x, axis, index) takes, of an index that is another for each sample of a vmap.
Tensor batched_places(std::string_view operation, const Shape& shape, std::size_t axis,
                      const Operand& index) {
  return places_along_axis(operation, shape, axis, counted_positions(operation, index, shape, axis, false));
}

// ---- Elements that meet in one place -------------------------------------------------------------------

/// Of int64 the whole part below.
Tensor divided(const Tensor& total, const Array& counts) {
  if (is_floating(total.dtype())) return total / cast(constant(counts), total.dtype());
  Array result = value_of(total);
  auto* to = result.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < result.size(); ++i) {
    const std::int64_t n = counts.data<std::int64_t>()[i], rest = to[i] % n;
    to[i] = to[i] / n - static_cast<std::int64_t>(rest < 0);
  }
  return constant(std::move(result));
}

/// Elements that meet: `items` from starts[i] to starts[i + 1] in place i, one at least.
struct MeetingElements {
  std::vector<std::int64_t> starts, items;
};

/// One group for each element of x: itself, unless it is replaced, and the values for its place, which are
/// counted on from there.
MeetingElements groups_of(std::int64_t size, const Array& places, bool include_self) {
  const auto* at = places.data<std::int64_t>();
  const auto n = static_cast<std::size_t>(size);
  std::vector<std::int64_t> ends(n + 1, 0);
  for (std::int64_t i = 0; i < places.size(); ++i) ++ends[static_cast<std::size_t>(at[i]) + 1];
  std::vector<bool> has_self(n);
  for (std::size_t i = 0; i < n; ++i) {
    has_self[i] = include_self || ends[i + 1] == 0;
    ends[i + 1] += ends[i] + static_cast<std::int64_t>(has_self[i]);
  }
  MeetingElements groups = {ends, std::vector<std::int64_t>(static_cast<std::size_t>(ends.back()))};
  const auto add = [&](std::size_t place, std::int64_t item) {
    groups.items[static_cast<std::size_t>(ends[place]++)] = item;
  };
  for (std::size_t i = 0; i < n; ++i)
    if (has_self[i]) add(i, static_cast<std::int64_t>(i));
  for (std::int64_t i = 0; i < places.size(); ++i) add(static_cast<std::size_t>(at[i]), size + i);
  return groups;
}

/// What the elements of `all` that meet in each place combine to. Places with a number of elements up to the
/// same power of two are the rows of one matrix, filled up with `neutral`, and are reduced at once.
Tensor combined(const Tensor& all, const MeetingElements& groups, const Operand& neutral,
                Tensor (*reduction)(const Operand&, const Axes&, Flag)) {
  const Tensor padded = concatenate({Operand(all), Operand(reshape(neutral.as(all.dtype()), {1}))});
  const std::size_t count = groups.starts.size() - 1;
  std::array<std::vector<std::size_t>, 64> by_width;
  for (std::size_t i = 0; i < count; ++i) {
    const auto size = static_cast<std::uint64_t>(groups.starts[i + 1] - groups.starts[i]);
    by_width[static_cast<std::size_t>(std::countr_zero(std::bit_ceil(size)))].push_back(i);
  }
  std::vector<Tensor> parts;
  Array order(Shape{static_cast<std::int64_t>(count)}, DType::int64);
  auto* const place = order.mutable_data<std::int64_t>();
  std::int64_t done = 0;
  for (std::size_t power = 0; power < by_width.size(); ++power) {
    const std::vector<std::size_t>& rows = by_width[power];
    if (rows.empty()) continue;
    const std::int64_t width = std::int64_t{1} << power;
    Array table({static_cast<std::int64_t>(rows.size()), width}, DType::int64);
    auto* to = table.mutable_data<std::int64_t>();
    std::fill_n(to, table.size(), all.size());
    for (const std::size_t row : rows) {
      std::copy(groups.items.begin() + groups.starts[row], groups.items.begin() + groups.starts[row + 1], to);
      to += width;
      place[row] = done++;
    }
    parts.push_back(reduction(gather_flat(padded, table), 1, false));
  }
  return parts.empty() ? all : gather_flat(concatenate(parts), order);
}

constexpr Combining ways[] = {Combining::sum, Combining::prod, Combining::mean, Combining::amax,
                              Combining::amin};

}  // namespace

Entries updating_operations() {
  static constexpr Entry table[] = {
      {.name = "scatter",
       .parameters = "x|input, axis|dim, index, values|src|value",
       .call = [](Arguments& a) -> Result { return scatter(a[0], a.integer(1), a.places(2), a[3]); },
       .formula = "to x the gradient with 0 at the places, to the values that of their places",
       .example = "scatter([[1, 2], [3, 4]], 1, [[0], [1]], 9)",
       .note = "where a place is named twice, the last wins, and has the gradient"},
      {.name = "put_along_axis",
       .parameters = "x|arr|a|input, index|indices, values, axis|dim=-1",
       .call = [](Arguments& a) -> Result { return put_along_axis(a[0], a.places(1), a[2], a.integer(3)); },
       .formula = "as scatter",
       .example = "put_along_axis([[1, 2], [3, 4]], [[1]], 9, 1)",
       .note = "a new tensor; negative positions count from the end"},
      {.name = "put",
       .parameters = "x|a|input, positions|ind|index, values|v|source, axis|dim=None",
       .call = [](Arguments& a) -> Result {
         return a.given(3) ? put(a[0], a.places(1), a[2], a.integer(3)) : put(a[0], a.places(1), a[2]);
       },
       .formula = "as scatter",
       .example = "put([1, 2, 3], [0, -1], [8, 9])",
       .note = "a new tensor; the values broadcast to what is replaced"},
      {.name = "masked_fill",
       .parameters = "x|input, mask, value",
       .call = call<masked_fill>,
       .formula = "the gradient with 0 where the mask holds; to the value the sum of the rest",
       .example = "x = [1, -2, 3]; masked_fill(x, x < 0, 0)"},
      {.name = "masked_scatter",
       .parameters = "x|input, mask, values|source",
       .call = call<masked_scatter>,
       .formula = "as scatter",
       .example = "x = [1, -2, 3]; masked_scatter(x, x > 0, [8, 9])"},
      {.name = "scatter_add",
       .parameters = "x|input, axis|dim, index, values|src",
       .call = [](Arguments& a) -> Result { return scatter_add(a[0], a.integer(1), a.places(2), a[3]); },
       .formula = "to x the gradient, to the values that of their places",
       .example = "scatter_add([0, 0], 0, [0, 1, 1], [1, 2, 3])"},
      {.name = "index_add",
       .parameters = "x|input, axis|dim, positions|index, values|source, alpha=1",
       .call = [](Arguments& a) -> Result {
         return index_add(a[0], a.integer(1), a.places(2), a[3], a.number(4));
       },
       .formula = "to x the gradient, to the values alpha times that of their places",
       .example = "index_add([0, 0], 0, [1, 1], [2, 3])"},
      {.name = "scatter_reduce",
       .parameters = "x|input, axis|dim, index, values|src, reduce='sum', include_self=True",
       .call = [](Arguments& a) -> Result {
         return scatter_reduce(a[0], a.integer(1), a.places(2), a[3],
                               ways[a.choice(4, {"sum", "prod", "mean", "amax", "amin"})], a.flag(5));
       },
       .formula = "as sum, prod, mean, max and min of what meets in each place",
       .example = "scatter_reduce([1, 1], 0, [0, 1, 1], [2, 3, 4], \"prod\")",
       .note = "equal extreme elements share the gradient evenly"},
      {.name = "segment_sum",
       .parameters = "x|data, segments|segment_ids, count|num_segments=None",
       .call = [](Arguments& a) -> Result {
         return segment_sum(a[0], a.places(1), a.given(2) ? std::optional(a.integer(2)) : std::nullopt);
       },
       .formula = "the gradient of each slice is that of its segment",
       .example = "segment_sum([1, 2, 3], [0, 1, 1])"},
  };
  return table;
}

}  // namespace ops

Tensor scatter(const Operand& x, Integer axis, const Operand& index, const Operand& values) try {
  const DType dtype = ops::common_dtype(x, values);
  const Tensor in = x.as(dtype);
  const std::size_t at = normalize_axis("scatter", axis, in.shape());
  if (ops::is_batched(index)) {
    const Tensor each = ops::batched_places("scatter", in.shape(), at, index);
    return ops::put_places(in, each, ops::values_for("scatter", values.as(dtype), each.shape()));
  }
  const Array places = ops::gathered_places("scatter", in.shape(), at, index);
  return ops::put_flat(in, places, ops::values_for("scatter", values.as(dtype), places.shape()));
} catch (...) {
  rethrow_in_call("scatter", x, index, values);
}

Tensor put_along_axis(const Operand& x, const Operand& index, const Operand& values, Integer axis) try {
  constexpr const char* name = "put_along_axis";
  const DType dtype = ops::common_dtype(x, values);
  const Tensor in = x.as(dtype), given = values.as(dtype);
  const std::size_t at = normalize_axis(name, axis, in.shape());
  const bool batched = ops::is_batched(index);
  const Tensor list = batched ? ops::counted_positions(name, index, in.shape(), at, true)
                              : constant(ops::checked_positions(name, index, in.shape(), at, true));
  if (list.rank() != in.rank())
    throw ShapeError("put_along_axis: an index of shape " + to_string(list.shape()) + " for shape " +
                     to_string(in.shape()) + "; it needs as many axes");
  Shape wanted = in.shape();
  wanted[at] = list.shape()[at];
  const Tensor wide = ops::stretched(name, list, wanted, "positions");
  const Tensor all = given.rank() == 0 ? given : ops::stretched(name, given, wanted, "values");
  if (batched) return ops::put_places(in, ops::places_along_axis(name, in.shape(), at, wide), all);
  return ops::put_flat(in, ops::flat_places(value_of(wide), at, in.shape()), all);
} catch (...) {
  rethrow_in_call(x, index, values);
}

Tensor put(const Operand& x, const Operand& positions, const Operand& values) try {
  const std::int64_t size = x.as_tensor().size();
  if (ops::is_batched(positions))
    return ops::replaced_in_each(
        "put", x, ops::counted_positions("put", positions, size, "all elements", true), values);
  ops::Places places{1, size, 1, ops::checked_positions("put", positions, size, "all elements", true)};
  const Shape shape = places.list.shape();
  return ops::replaced("put", x, places, shape, values);
} catch (...) {
  rethrow_in_call(x, positions, values);
}

Tensor put(const Operand& x, const Operand& positions, const Operand& values, Integer axis) try {
  const Shape shape = x.as_tensor().shape();
  const std::size_t at = normalize_axis("put", axis, shape);
  if (ops::is_batched(positions))
    return ops::replaced_in_each(
        "put", x, ops::places_of_slices(shape, at, ops::counted_positions("put", positions, shape, at, true)),
        values);
  const Array list = ops::checked_positions("put", positions, shape, at, true);
  return ops::replaced("put", x, ops::along(shape, at, list),
                       ops::with_axis_replaced(shape, at, list.shape()), values);
} catch (...) {
  rethrow_in_call(x, positions, values);
}

Tensor masked_fill(const Operand& x, const Operand& mask, const Operand& value) try {
  constexpr const char* name = "masked_fill";
  const DType dtype = ops::common_dtype(x, value);
  const Tensor in = x.as(dtype), holds = ops::checked_mask(name, mask), number = value.as(dtype);
  for (const Tensor* each : {&holds, &number})
    if (each->rank() > in.rank() || broadcast(name, each->shape(), in.shape()) != in.shape())
      throw ShapeError("masked_fill: a mask or value of shape " + to_string(each->shape()) +
                       " does not stretch to " + to_string(in.shape()) + "; only axes of size 1 stretch");
  return where(holds, number, in);
} catch (...) {
  rethrow_in_call("masked_fill", x, mask, value);
}

Tensor masked_scatter(const Operand& x, const Operand& mask, const Operand& values) try {
  constexpr const char* name = "masked_scatter";
  const DType dtype = ops::common_dtype(x, values);
  const Tensor in = x.as(dtype), given = values.as(dtype);
  const Tensor holds = ops::stretched(name, ops::checked_mask(name, mask), in.shape(), "masks");
  const Tensor places = masked_select(arange(0, in.size()), reshape(holds, {-1}));
  if (given.size() < places.size())
    throw ShapeError("masked_scatter: values of shape " + to_string(given.shape()) +
                     " for a mask that holds " + std::to_string(places.size()) +
                     " times; give at least as many");
  return ops::put_flat(in, value_of(places), index(reshape(given, {-1}), {Slice{0, places.size()}}));
} catch (...) {
  rethrow_in_call("masked_scatter", x, mask, values);
}

Tensor scatter_add(const Operand& x, Integer axis, const Operand& index, const Operand& values) try {
  constexpr const char* name = "scatter_add";
  const DType dtype = ops::number_dtype(ops::common_dtype(x, values));
  const Tensor in = x.as(dtype);
  const std::size_t at = normalize_axis(name, axis, in.shape());
  if (ops::is_batched(index)) {
    const Tensor each = ops::batched_places(name, in.shape(), at, index);
    const Tensor added = ops::values_for(name, values.as(dtype), each.shape());
    return in + ops::add_places(ops::filled(each.shape(), added), each, in.shape());
  }
  const Array places = ops::gathered_places(name, in.shape(), at, index);
  const Tensor given = ops::values_for(name, values.as(dtype), places.shape());
  return in + ops::add_flat(ops::filled(places.shape(), given), places, in.shape());
} catch (...) {
  rethrow_in_call("scatter_add", x, index, values);
}

Tensor index_add(const Operand& x, Integer axis, const Operand& positions, const Operand& values,
                 double alpha) try {
  constexpr const char* name = "index_add";
  const DType dtype = ops::number_dtype(ops::common_dtype(x, values));
  const Tensor in = x.as(dtype);
  const std::size_t at = normalize_axis(name, axis, in.shape());
  const Tensor many = positions.as_tensor();
  if (many.rank() != 1)
    throw ShapeError("index_add: positions of shape " + to_string(many.shape()) + "; give one axis of them");
  if (ops::is_batched(many)) {
    const Tensor each =
        ops::places_of_slices(in.shape(), at, ops::counted_positions(name, many, in.shape(), at, true));
    return in + alpha * ops::add_places(ops::stretched(name, values.as(dtype), each.shape(), "values"), each,
                                        in.shape());
  }
  const Array list = ops::checked_positions(name, many, in.shape(), at, true);
  const ops::Places places = ops::along(in.shape(), at, list);
  const Tensor given =
      ops::spread_out(name, values.as(dtype), places, ops::with_axis_replaced(in.shape(), at, list.shape()));
  const Tensor added = ops::add_at(given, places, in.shape());
  return in + (alpha == 1 ? added : added * alpha);
} catch (...) {
  rethrow_in_call("index_add", x, positions, values);
}

Tensor scatter_reduce(const Operand& x, Integer axis, const Operand& index, const Operand& values,
                      Combining how, Flag include_self) try {
  constexpr const char* name = "scatter_reduce";
  const DType dtype = ops::number_dtype(ops::common_dtype(x, values));
  const Tensor in = x.as(dtype);
  const Shape& shape = in.shape();
  const Array places = ops::gathered_places(name, shape, normalize_axis(name, axis, shape), index);
  const Tensor given = ops::filled(places.shape(), ops::values_for(name, values.as(dtype), places.shape()));
  if (how == Combining::sum || how == Combining::mean) {
    Array counts = value_of(ops::add_flat(ones(places.shape(), DType::int64), places, shape));
    auto* count = counts.mutable_data<std::int64_t>();
    Array untouched(shape, DType::boolean);
    for (std::int64_t i = 0; i < counts.size(); ++i) {
      untouched.mutable_data<bool>()[i] = include_self || count[i] == 0;
      count[i] += static_cast<std::int64_t>(include_self || count[i] == 0);
    }
    const Tensor self = include_self ? in : where(constant(untouched), in, false);
    const Tensor total = self + ops::add_flat(given, places, shape);
    return how == Combining::sum ? total : ops::divided(total, counts);
  }
  const ops::MeetingElements groups = ops::groups_of(in.size(), places, include_self);
  const Tensor all = concatenate({Operand(reshape(in, {-1})), Operand(reshape(given, {-1}))});
  const auto limit = [&](bool lowest) {
    using Integers = std::numeric_limits<std::int64_t>;
    if (is_integer(dtype)) return cast(tensor(lowest ? Integers::min() : Integers::max()), dtype);
    return Operand(lowest ? -std::numeric_limits<double>::infinity()
                          : std::numeric_limits<double>::infinity())
        .as(dtype);
  };
  const Tensor result = how == Combining::prod   ? ops::combined(all, groups, 1, prod)
                        : how == Combining::amax ? ops::combined(all, groups, limit(true), max)
                                                 : ops::combined(all, groups, limit(false), min);
  return reshape(result, shape);
} catch (...) {
  rethrow_in_call("scatter_reduce", x, index, values);
}

Tensor segment_sum(const Operand& x, const Operand& segments, OptionalInteger count) try {
  constexpr const char* name = "segment_sum";
  const Tensor in = x.as_tensor();
  const Array list = ops::checked_positions(
      name, segments, count.value_or(std::numeric_limits<std::int64_t>::max()), "the segments", false);
  if (in.rank() == 0 || list.shape() != Shape{in.shape()[0]})
    throw ShapeError("segment_sum: segments of shape " + to_string(list.shape()) + " for shape " +
                     to_string(in.shape()) + "; give one for each slice along the first axis");
  const auto* at = list.data<std::int64_t>();
  Shape shape = in.shape();
  shape[0] = count ? *count : list.size() == 0 ? 0 : *std::max_element(at, at + list.size()) + 1;
  if (shape[0] < 0)
    throw ShapeError("segment_sum: " + std::to_string(shape[0]) + " segments; give 0 or more");
  (void)bytes_of(shape, DType::float64);
  return ops::add_at({in, x.here()}, ops::along(shape, 0, list), shape);
} catch (...) {
  rethrow_in_call("segment_sum", x, segments);
}

}  // namespace chainrule
