// Elements replaced and added at places: scatter, put and masks; scatter_add and index_add.
// What is replaced gets no gradient.

#include <cmath>
#include <cstring>

#include "chainrule/statistics.h"
#include "ops/along_axis.h"
#include "ops/batching.h"
#include "ops/data_movement.h"
#include "ops/elementwise.h"
#include "ops/places/places.h"
#include "ops/registry.h"
#include "ops/samples.h"

namespace chainrule {
namespace ops {

/// An array with what is at some places replaced. Of what comes for one place the last one is there, and has
/// the gradient.
struct Put : DataMovement {
  static constexpr bool any_dtype = true;
  static constexpr std::string_view name = "put_at",
                                    formula =
                                        "to x the gradient with 0 at the places, to the values that of "
                                        "their places";
  Places places;
  Attributes attributes() const { return attributes_of(places, places.list.shape()); }
  Array forward(Values in) const {
    Array out(in[0]->shape(), in[0]->dtype());
    if (out.byte_count() == 0) return out;
    std::memcpy(out.mutable_raw(), in[0]->raw(), out.byte_count());
    const auto* list = places.list.data<std::int64_t>();
    const std::int64_t inner = places.inner, all = places.list.size(),
                       count = places.each ? all / places.outer : all;
    dispatch_by_size(out.dtype(), [&]<class T>() {
      const auto* from = static_cast<const T*>(in[1]->raw());
      auto* to = static_cast<T*>(out.mutable_raw());
      for (std::int64_t i = 0; i < places.outer;
           ++i, to += places.size * inner, list += places.each ? count : 0)
        if (inner == 1)
          for (std::int64_t k = 0; k < count; ++k) to[list[k]] = *from++;
        else if (places.each)
          for (std::int64_t k = 0; k < count; k += inner)
            for (std::int64_t j = 0; j < inner; ++j) to[list[k + j] * inner + j] = *from++;
        else
          for (std::int64_t k = 0; k < count; ++k, from += inner)
            std::copy_n(from, inner, to + list[k] * inner);
    });
    return out;
  }
  Tensor batch(const Unwrapped& at) const {
    return apply(Put{{}, of_all(places, at.size)}, {}, Argument(at.batched(0)), Argument(at.batched(1)));
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string>, const std::string&) const {
    return {input == 0 ? "g with 0 at the places" : "g at the places", false};
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0))
      to[0] = apply(Put(*this), Here::now(), Argument(g), Argument(zeros(in[1].shape(), g.dtype())));
    if (!to.wants(1)) return;
    const Shape shape = places.each ? in[1].shape() : Shape{places.outer, places.list.size(), places.inner};
    const Tensor there = gather_at(g, places, shape);
    Array last(places.each ? shape : Shape{places.list.size(), 1}, DType::boolean);
    to[1] = reshape(find_last(last) ? there : where(constant(std::move(last)), there, 0), in[1].shape());
  }

 private:
  /// Which of the list are the last ones for their place; whether all are.
  bool find_last(Array& last) const {
    const std::int64_t inner = places.each ? places.inner : 1,
                       count = last.size() / (places.each ? std::max<std::int64_t>(1, places.outer) : 1);
    Array taken(Shape{places.size * inner}, DType::boolean);
    const auto* const list = places.list.data<std::int64_t>();
    bool *const is_taken = taken.mutable_data<bool>(), *const is_last = last.mutable_data<bool>();
    bool all = true;
    for (std::int64_t end = last.size(); end > 0; end -= count) {  // from the end on, the first comes last
      std::fill_n(is_taken, taken.size(), false);
      for (std::int64_t i = end; i > end - count; i -= inner)
        for (std::int64_t j = inner, k = i - 1; j-- > 0; --k) {
          bool& there = is_taken[list[k] * inner + j];
          all &= is_last[k] = !there;
          there = true;
        }
    }
    return all;
  }
};

/// x with the values, of which there is one for each place, or one number for all.
static Tensor put_at(const Tensor& x, const Places& places, const Tensor& values) {
  if (places.list.size() == 0 && !values.requires_grad()) return x;
  return apply(Put{{}, places}, Here::now(), Argument(x), Argument(values));
}

Array places_in_each(const Array& list, std::int64_t count, std::int64_t all) {
  Array result(with_first(count, list.shape()), DType::int64);
  auto* to = result.mutable_data<std::int64_t>();
  const auto* const places = list.data<std::int64_t>();
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t k = 0, n = list.size(); k < n; ++k) *to++ = all / count * i + places[k];
  return result;
}

Tensor put_flat(const Tensor& x, const Array& list, const Tensor& values) {
  return put_at(x, {1, x.size(), 1, list}, values.rank() == 0 ? broadcast_to(values, list.shape()) : values);
}

namespace {

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
  return put_at(in, places, spread_out(operation, given, places, shape));
}

/// The same at places that may be others for each sample of a vmap.
Tensor replaced_in_each(std::string_view operation, const Operand& x, const Tensor& places,
                        const Operand& values) {
  const DType dtype = common_dtype(x, values);
  const Tensor given = values.as(dtype);
  return put_places(x.as(dtype), places,
                    given.rank() == 0 ? given : stretched(operation, given, places.shape(), "values"));
}

constexpr Combining ways[] = {Combining::sum, Combining::prod, Combining::mean, Combining::amax,
                              Combining::amin};

}  // namespace

Entries updating_operations() {
  static constexpr Entry table[] = {
      inner<Put>(),
      {.name = "scatter",
       .parameters = "x|input, axis|dim, index, values|src|value, reduce=None",
       .call = [](Arguments& a) -> Result {
         if (!a.given(4)) return scatter(a[0], a.integer(1), a.places(2), a[3]);
         const Combining way = a.choice(4, {"add", "multiply"}) == 0 ? Combining::sum : Combining::prod;
         return scatter_reduce(a[0], a.integer(1), a.places(2), a[3], way);
       },
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
      {.name = "index_fill",
       .parameters = "x|input, axis|dim, positions|index, value",
       .call = [](Arguments& a) -> Result { return index_fill(a[0], a.integer(1), a.places(2), a[3]); },
       .formula = "to x the gradient with 0 at the places, to the value the sum of theirs",
       .example = "index_fill([1, 2, 3], 0, [0, 2], 9)"},
      {.name = "index_copy",
       .parameters = "x|input, axis|dim, positions|index, values|source",
       .call = [](Arguments& a) -> Result { return index_copy(a[0], a.integer(1), a.places(2), a[3]); },
       .formula = "as scatter",
       .example = "index_copy([1, 2, 3], 0, [2, 0], [8, 9])"},
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
  const ops::OfAxis of("scatter", x.as(dtype), axis);
  const Shape& shape = of.x.shape();
  const Tensor at = of.index(index);
  if (ops::is_batched(at)) {
    const Tensor each = ops::batched_places("scatter", shape, of.axis, at);
    return of.result(ops::put_places(of.x, each, ops::values_for("scatter", values.as(dtype), each.shape())));
  }
  const Array list = ops::fitting_index("scatter", shape, of.axis, at);
  const Tensor given = ops::values_for("scatter", values.as(dtype), list.shape());
  return of.result(
      ops::put_at(of.x, ops::along_each(shape, of.axis, list), broadcast_to(given, list.shape())));
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
  const ops::OfAxis of("put", x.as_tensor(), axis);
  const Shape& shape = of.x.shape();
  if (ops::is_batched(positions)) {
    const Tensor each = ops::counted_positions("put", positions, shape, of.axis, true);
    return of.result(ops::replaced_in_each("put", of.x, ops::places_of_slices(shape, of.axis, each), values));
  }
  const Array list = ops::checked_positions("put", positions, shape, of.axis, true);
  return of.result(ops::replaced("put", of.x, ops::along(shape, of.axis, list),
                                 ops::with_axis_replaced(shape, of.axis, list.shape()), values));
} catch (...) {
  rethrow_in_call(x, positions, values);
}

Tensor index_copy(const Operand& x, Integer axis, const Operand& positions, const Operand& values) try {
  return put(x, positions, values, axis);
} catch (...) {
  rethrow_in_call("index_copy", x, positions, values);
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
  Tensor in = x.as(dtype);
  const Tensor given = values.as(dtype);
  const Tensor holds = ops::stretched(name, ops::checked_mask(name, mask), in.shape(), "masks");
  const Tensor line = reshape(given, {-1});
  const auto require = [&](std::int64_t count) {
    if (given.size() < count)
      throw ShapeError("masked_scatter: values of shape " + to_string(given.shape()) +
                       " for a mask that holds " + std::to_string(count) + " times; give at least as many");
  };
  if (ops::is_batched(holds)) {
    const Tensor held = cast(reshape(holds, {-1}), DType::int64), counts = sum(held);
    for (const std::int64_t count : elements_of_all_samples(counts).to_vector<std::int64_t>()) require(count);
    if (given.size() == 0) return in;
    const Tensor chosen = ops::gather_places(line, maximum(cumsum(held, 0) - 1, 0));
    return where(holds, reshape(chosen, in.shape()), in);
  }
  const Tensor places = masked_select(arange(0, in.size()), reshape(holds, {-1}));
  require(places.size());
  return ops::put_flat(in, value_of(places), index(line, {Slice{0, places.size()}}));
} catch (...) {
  rethrow_in_call("masked_scatter", x, mask, values);
}

Tensor scatter_add(const Operand& x, Integer axis, const Operand& index, const Operand& values) try {
  constexpr const char* name = "scatter_add";
  const DType dtype = ops::number_dtype(ops::common_dtype(x, values));
  const ops::OfAxis of(name, x.as(dtype), axis);
  const Shape& shape = of.x.shape();
  const Tensor at = of.index(index);
  if (ops::is_batched(at)) {
    const Tensor each = ops::batched_places(name, shape, of.axis, at);
    const Tensor added = ops::values_for(name, values.as(dtype), each.shape());
    return of.result(of.x + ops::add_places(broadcast_to(added, each.shape()), each, shape));
  }
  const Array places = ops::fitting_index(name, shape, of.axis, at);
  const Tensor given = ops::values_for(name, values.as(dtype), places.shape());
  return of.result(of.x + ops::add_at(broadcast_to(given, places.shape()),
                                      ops::along_each(shape, of.axis, places), shape));
} catch (...) {
  rethrow_in_call("scatter_add", x, index, values);
}

Tensor index_fill(const Operand& x, Integer axis, const Operand& positions, const Operand& value) try {
  const ops::OfAxis of("index_fill", x.as_tensor(), axis);
  const Shape& shape = of.x.shape();
  Shape line = Shape::filled(shape.rank(), 1);
  line[of.axis] = shape[of.axis];
  const Tensor places = reshape(ops::counted_positions("index_fill", positions, shape, of.axis, true), {-1});
  const Tensor chosen = scatter(zeros({line[of.axis]}, DType::boolean), 0, places, true);
  return masked_fill(x, of.result(reshape(chosen, line)), value);
} catch (...) {
  rethrow_in_call("index_fill", x, positions, value);
}

Tensor index_add(const Operand& x, Integer axis, const Operand& positions, const Operand& values,
                 double alpha) try {
  constexpr const char* name = "index_add";
  const DType dtype = ops::number_dtype(ops::common_dtype(x, values));
  const ops::OfAxis of(name, x.as(dtype), axis);
  const Shape& shape = of.x.shape();
  const Tensor given = positions.as_tensor(), many = given.rank() == 0 ? reshape(given, {1}) : given;
  if (many.rank() != 1)
    throw ShapeError("index_add: positions of shape " + to_string(many.shape()) + "; give one axis of them");
  const auto times_alpha = [&](const Tensor& added) {
    if (alpha == 1) return added;
    const bool whole = alpha == std::floor(alpha) && std::abs(alpha) < 0x1p63;  // whole numbers stay whole
    return is_floating(dtype) || !whole ? added * alpha : added * static_cast<std::int64_t>(alpha);
  };
  if (ops::is_batched(many)) {
    const Tensor each =
        ops::places_of_slices(shape, of.axis, ops::counted_positions(name, many, shape, of.axis, true));
    return of.result(of.x +
                     times_alpha(ops::add_places(
                         ops::stretched(name, values.as(dtype), each.shape(), "values"), each, shape)));
  }
  const Array list = ops::checked_positions(name, many, shape, of.axis, true);
  const ops::Places places = ops::along(shape, of.axis, list);
  const Tensor each =
      ops::spread_out(name, values.as(dtype), places, ops::with_axis_replaced(shape, of.axis, list.shape()));
  return of.result(of.x + times_alpha(ops::add_at(each, places, shape)));
} catch (...) {
  rethrow_in_call("index_add", x, positions, values);
}

}  // namespace chainrule
