// The two operations that all indexing by positions is made of: one takes what is at some places, the other
// adds up what comes for them. Each is the derivative of the other.

#include "ops/places/places.h"

#include <algorithm>
#include <cstring>

#include "kernels/deferred_rows.h"
#include "kernels/places.h"
#include "kernels/repeated.h"
#include "ops/along_axis.h"
#include "ops/batching.h"
#include "ops/data_movement.h"
#include "ops/elementwise.h"
#include "ops/registry.h"
#include "ops/samples.h"

namespace chainrule {
namespace ops {

Places of_all(Places places, std::int64_t size) {
  places.outer *= size;
  if (places.each) {
    const Array one = places.list.reshaped(with_first(1, places.list.shape()));
    places.list = kernels::repeated(one, with_first(size, places.list.shape()));
  }
  return places;
}

static kernels::PlacesAlong raw(const Places& places) {
  const std::int64_t all = places.list.size(),
                     count = places.each ? all / std::max<std::int64_t>(1, places.outer) : all;
  return {places.outer, places.size, places.inner, places.list.data<std::int64_t>(), count, places.each};
}

/// What is at some places.
struct Gather : DataMovement {
  static constexpr bool any_dtype = true;
  static constexpr std::string_view name = "gather",
                                    formula = "the gradient added up at the places it was taken from";
  Places places;
  Shape shape;
  Attributes attributes() const { return attributes_of(places, shape); }
  Array forward(Values in) const {
    Array out(shape, in[0]->dtype());
    kernels::take_places(raw(places), *in[0], out);
    return out;
  }
  Tensor batch(const Unwrapped& at) const {
    return gather_at(at.in[0], of_all(places, at.size), with_first(at.size, shape));
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    const Shape& whole = in[0].node()->shape();
    const bool are_rows = places.outer == 1 && !places.each && whole.rank() > 1 && places.size == whole[0];
    if (to.in_numbers() && in[0].is_leaf() && are_rows && places.list.size() > 0 &&
        kernels::deferring_rows_pays(value_of(g), places.list, whole))
      to[0] = constant(kernels::deferred_rows(value_of(g), places.list, whole));
    else
      to[0] = add_at(g, places, whole);
  }
};

/// The reverse of Gather: zeros, to which is added what comes for each place.
struct AddAt : DataMovement {
  static constexpr bool integers = true;
  static constexpr std::string_view name = "add_at", formula = "the gradient at the places it was added to";
  Places places;
  Shape shape;
  Attributes attributes() const { return attributes_of(places, shape); }
  Array forward(Values in) const {
    Array out(shape, in[0]->dtype());
    if (out.byte_count() != 0) kernels::add_at_places(raw(places), *in[0], out);
    return out;
  }
  Tensor batch(const Unwrapped& at) const {
    return add_at(at.in[0], of_all(places, at.size), with_first(at.size, shape));
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = gather_at(g, places, in[0].shape());
  }
};

Entries place_operations() {
  static constexpr Entry table[] = {
      {.name = Gather::name,
       .parameters = "x|input, axis|dim, index",
       .call = [](Arguments& a) -> Result { return gather(a[0], a.integer(1), a.places(2)); },
       .formula = Gather::formula,
       .example = "gather([[1, 2], [3, 4]], 1, [[0], [1]])",
       .note = "positions count from 0, as in PyTorch"},
      inner<AddAt>(),
  };
  return table;
}

Attributes attributes_of(const Places& places, const Shape& shape) {
  return {{"outer", places.outer},
          {"size", places.size},
          {"inner", places.inner},
          {"places", constant(places.list)},
          {"each", static_cast<std::int64_t>(places.each)},
          {"shape", as_attribute(shape)}};
}

Places along(const Shape& shape, std::size_t axis, Array list) {
  const AlongAxis of(shape, axis);
  return {of.outer, of.n, of.inner, std::move(list)};
}

Places along_each(const Shape& shape, std::size_t axis, Array index) {
  for (std::size_t i = 0; i < shape.rank(); ++i)
    if (i != axis && index.shape()[i] != shape[i])
      return {1, shape.size(), 1, flat_places(index, axis, shape)};  // of some lines only
  Places places = along(shape, axis, std::move(index));
  places.each = true;
  return places;
}

Tensor gather_at(const Operand& x, Places places, const Shape& shape) {
  return apply(Gather{{}, std::move(places), shape}, x.here(), Argument(x, dtype_of(x)));
}
Tensor add_at(const Operand& x, Places places, const Shape& shape) {
  const DType dtype = number_dtype(dtype_of(x));
  return apply(AddAt{{}, std::move(places), shape}, x.here(), Argument(x, dtype));
}
Tensor gather_each(const Operand& x, std::size_t axis, const Array& index) {
  return gather_at(x, along_each(x.as_tensor().shape(), axis, index), index.shape());
}
Tensor gather_flat(const Operand& x, const Array& list) {
  return gather_at(x, {1, x.as_tensor().size(), 1, list}, list.shape());
}
Tensor add_flat(const Operand& x, const Array& list, const Shape& shape) {
  return add_at(x, {1, shape.size(), 1, list}, shape);
}

namespace {

Array as_positions(std::string_view operation, const Operand& positions) {
  const Tensor tensor = positions.as_tensor();
  // Nothing in braces has no dtype of its own.
  if (tensor.size() == 0 && positions.tensor() == nullptr) return {tensor.shape(), DType::int64};
  if (!is_integer(tensor.dtype()))
    throw DTypeError(std::string(operation) + ": positions are " + std::string(to_string(tensor.dtype())) +
                     ", of shape " + to_string(tensor.shape()) +
                     "; they must be int64: cast(positions, DType::int64)");
  return value_of(cast(tensor, DType::int64));
}

}  // namespace

Array checked_positions(std::string_view operation, const Operand& positions, std::int64_t size,
                        const std::string& what, bool negative) {
  Array list = as_positions(operation, positions);
  const auto* given = list.data<std::int64_t>();
  const std::int64_t count = list.size();
  if (kernels::are_places(given, count, size)) return list;
  for (std::int64_t i = 0; i < count; ++i)
    if (given[i] >= size || given[i] < (negative ? -size : 0))
      throw ShapeError(
          std::string(operation) + ": index " + std::to_string(given[i]) + " is outside " + what +
          (size == std::numeric_limits<std::int64_t>::max() ? std::string()
                                                            : " of size " + std::to_string(size)) +
          (size == std::numeric_limits<std::int64_t>::max() ? "; give 0 or more"
           : size == 0                                      ? "; there is nothing to take"
           : negative                                       ? "; positions go from -size to size - 1"
                                                            : "; positions go from 0 to size - 1"));
  auto* counted = list.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < count; ++i)
    if (counted[i] < 0) counted[i] += size;
  return list;
}
Array checked_positions(std::string_view operation, const Operand& positions, const Shape& shape,
                        std::size_t axis, bool negative) {
  return checked_positions(operation, positions, shape[axis], "axis " + std::to_string(axis), negative);
}

Array flat_places(const Array& index, std::size_t axis, const Shape& shape) {
  Array result(index.shape(), DType::int64);
  const Shape& sizes = index.shape();
  if (result.size() == 0) return result;
  auto strides = row_major_strides(shape);
  const std::int64_t along_axis = std::exchange(strides[axis], 0);
  const auto* in = index.data<std::int64_t>();
  auto* out = result.mutable_data<std::int64_t>();
  auto* const end = out + result.size();
  const std::int64_t count = sizes.back(), step = strides.back();
  std::vector<std::int64_t> at(sizes.rank(), 0);
  std::int64_t start = 0;
  while (out != end) {
    for (std::int64_t i = 0; i < count; ++i) *out++ = start + i * step + *in++ * along_axis;
    for (std::size_t d = sizes.rank() - 1; d-- > 0;) {
      start += strides[d];
      if (++at[d] < sizes[d]) break;
      start -= strides[d] * std::exchange(at[d], 0);
    }
  }
  return result;
}

[[noreturn]] static void report_index(std::string_view operation, const Shape& index, const Shape& shape,
                                      std::size_t axis) {
  throw ShapeError(std::string(operation) + ": an index of shape " + to_string(index) + " for shape " +
                   to_string(shape) + "; it needs as many axes, none of them longer beside axis " +
                   std::to_string(axis));
}

Array fitting_index(std::string_view operation, const Shape& shape, std::size_t axis, const Operand& index) {
  Array list = checked_positions(operation, index, shape, axis, false);
  bool fits = list.shape().rank() == shape.rank();
  for (std::size_t i = 0; fits && i < shape.rank(); ++i) fits = i == axis || list.shape()[i] <= shape[i];
  if (!fits) report_index(operation, list.shape(), shape, axis);
  return list;
}
Array gathered_places(std::string_view operation, const Shape& shape, std::size_t axis,
                      const Operand& index) {
  return flat_places(fitting_index(operation, shape, axis, index), axis, shape);
}

Tensor counted_positions(std::string_view operation, const Operand& positions, std::int64_t size,
                         const std::string& what, bool negative) {
  const Tensor list = positions.as_tensor();
  (void)checked_positions(operation, elements_of_all_samples(list), size, what, negative);
  const Tensor given = cast(list, DType::int64);
  return negative ? where(given < 0, given + size, given) : given;
}
Tensor counted_positions(std::string_view operation, const Operand& positions, const Shape& shape,
                         std::size_t axis, bool negative) {
  return counted_positions(operation, positions, shape[axis], "axis " + std::to_string(axis), negative);
}

Tensor places_along_axis(std::string_view operation, const Shape& shape, std::size_t axis,
                         const Tensor& index) {
  const Shape& sizes = index.shape();
  bool fits = sizes.rank() == shape.rank();
  for (std::size_t i = 0; fits && i < shape.rank(); ++i) fits = i == axis || sizes[i] <= shape[i];
  if (!fits) report_index(operation, sizes, shape, axis);
  const auto strides = row_major_strides(shape);
  Tensor places = index * strides[axis];
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    if (i == axis) continue;
    Shape line = Shape::filled(shape.rank(), 1);
    line[i] = sizes[i];
    places = places + reshape(arange(0, sizes[i]) * strides[i], line);
  }
  return places;
}

Tensor places_of_slices(const Shape& shape, std::size_t axis, const Tensor& positions) {
  const Places all = along(shape, axis, {});
  const Tensor places = reshape(arange(0, all.outer) * (all.size * all.inner), {all.outer, 1, 1}) +
                        reshape(positions, {positions.size(), 1}) * all.inner + arange(0, all.inner);
  return reshape(places, with_axis_replaced(shape, axis, positions.shape()));
}

Tensor batched_places(std::string_view operation, const Shape& shape, std::size_t axis,
                      const Operand& index) {
  return places_along_axis(operation, shape, axis, counted_positions(operation, index, shape, axis, false));
}

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

Tensor gather_along(std::string_view operation, const Tensor& x, std::size_t axis, const Tensor& index) {
  return gather_places(x, places_along_axis(operation, x.shape(), axis, index));
}

Shape with_axis_replaced(const Shape& shape, std::size_t axis, const Shape& inserted) {
  const auto middle = shape.begin() + axis;
  std::vector<std::int64_t> sizes(shape.begin(), middle);
  sizes.insert(sizes.end(), inserted.begin(), inserted.end());
  sizes.insert(sizes.end(), middle + 1, shape.end());
  return Shape(sizes);
}

Tensor stretched(std::string_view operation, const Tensor& x, const Shape& shape, const char* what) {
  const bool longer = x.rank() > shape.rank();
  if (longer || broadcast(operation, x.shape(), shape) != shape)
    throw ShapeError(std::string(operation) + ": " + what + " of shape " + to_string(x.shape()) +
                     " do not stretch to " + to_string(shape) + "; only axes of size 1 stretch");
  return broadcast_to(x, shape);
}

Tensor checked_mask(std::string_view operation, const Operand& mask) {
  Tensor tensor = mask.as_tensor();
  if (tensor.dtype() != DType::boolean)
    throw DTypeError(std::string(operation) + ": the mask is " + std::string(to_string(tensor.dtype())) +
                     ", of shape " + to_string(tensor.shape()) + "; compare, as x > 0, to get bool");
  return tensor;
}

}  // namespace ops

Tensor gather(const Operand& x, Integer axis, const Operand& index) try {
  const ops::OfAxis of("gather", x.as_tensor(), axis);
  const Shape& shape = of.x.shape();
  const Tensor at = of.index(index);
  const Tensor found =
      ops::is_batched(at)
          ? ops::gather_along("gather", of.x, of.axis,
                              ops::counted_positions("gather", at, shape, of.axis, false))
          : ops::gather_each({of.x, x.here()}, of.axis, ops::fitting_index("gather", shape, of.axis, at));
  return reshape(found, index.as_tensor().shape());  // that of a scalar may be one
} catch (...) {
  rethrow_in_call(x, index);
}

}  // namespace chainrule
