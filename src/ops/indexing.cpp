#include "chainrule/indexing.h"

#include <algorithm>
#include <numeric>

#include "ops/elementwise.h"
#include "ops/moves.h"
#include "ops/places.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

/// What is at some places.
struct Gather : Moves {
  static constexpr std::string_view name = "gather",
                                    formula = "the gradient added up at the places it was taken from";
  Places places;
  Shape shape;
  Array forward(Values in) const {
    Array out(shape, in[0]->dtype());
    dispatch(out.dtype(), [&]<class T>() {
      const T* from = in[0]->data<T>();
      T* to = out.mutable_data<T>();
      const std::int64_t inner = places.inner;
      const std::int64_t* const list = places.list.data<std::int64_t>();
      const std::int64_t count = places.list.size();
      for (std::int64_t i = 0; i < places.outer; ++i, from += places.size * inner) {
        if (inner == 1)
          for (std::int64_t k = 0; k < count; ++k) *to++ = from[list[k]];
        else
          for (std::int64_t k = 0; k < count; ++k, to += inner)
            std::copy_n(from + list[k] * inner, inner, to);
      }
    });
    return out;
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = add_at(g, places, in[0].shape());
  }
};

/// The reverse of Gather: zeros, to which is added what comes for each place.
struct AddAt : Moves {
  static constexpr std::string_view name = "add_at", formula = "the gradient at the places it was added to";
  Places places;
  Shape shape;
  Array forward(Values in) const {
    Array out(shape, in[0]->dtype());
    if (out.byte_count() != 0) std::memset(out.mutable_raw(), 0, out.byte_count());
    if (out.dtype() == DType::int64)
      add<std::uint64_t>(in[0]->data<std::int64_t>(), out.mutable_data<std::int64_t>());
    else
      dispatch_floating(out.dtype(), [&]<class T>() { add<T>(in[0]->data<T>(), out.mutable_data<T>()); });
    return out;
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = gather_at(g, places, in[0].shape());
  }

 private:
  /// T is unsigned for integers, which wrap around.
  template <class T, class E>
  void add(const E* from, E* to) const {
    const std::int64_t* const list = places.list.data<std::int64_t>();
    const std::int64_t count = places.list.size(), inner = places.inner;
    for (std::int64_t i = 0; i < places.outer; ++i, to += places.size * inner)
      for (std::int64_t k = 0; k < count; ++k, from += inner) {
        E* const sums = to + list[k] * inner;
        for (std::int64_t j = 0; j < inner; ++j)
          sums[j] = static_cast<E>(static_cast<T>(sums[j]) + static_cast<T>(from[j]));
      }
  }
};

Entries indexing_operations() { return entries<Gather, AddAt>; }

Places along(const Shape& shape, std::size_t axis, Array list) {
  Places places;
  for (std::size_t i = 0; i < axis; ++i) places.outer *= shape[i];
  places.size = shape[axis];
  for (std::size_t i = axis + 1; i < shape.rank(); ++i) places.inner *= shape[i];
  places.list = std::move(list);
  return places;
}

Array flat(const Places& places) {
  const std::int64_t count = places.list.size();
  Array result({places.outer, count, places.inner}, DType::int64);
  auto* to = result.mutable_data<std::int64_t>();
  const auto* list = places.list.data<std::int64_t>();
  for (std::int64_t i = 0; i < places.outer; ++i)
    for (std::int64_t k = 0; k < count; ++k)
      for (std::int64_t j = 0; j < places.inner; ++j) *to++ = (i * places.size + list[k]) * places.inner + j;
  return result;
}

Tensor gather_at(const Operand& x, Places places, const Shape& shape) {
  return apply(Gather{{}, std::move(places), shape}, x.here(), Argument(x, dtype_of(x)));
}
Tensor add_at(const Operand& x, Places places, const Shape& shape) {
  const DType dtype = promote(dtype_of(x), DType::int64);
  return apply(AddAt{{}, std::move(places), shape}, x.here(), Argument(x, dtype));
}
Tensor gather_flat(const Operand& x, const Array& list) {
  return gather_at(x, {1, x.as_tensor().size(), 1, list}, list.shape());
}
Tensor add_flat(const Operand& x, const Array& list, const Shape& shape) {
  return add_at(x, {1, shape.size(), 1, list}, shape);
}

Tensor put_flat(const Tensor& x, const Array& list, const Tensor& values) {
  if (list.size() == 0) return x;
  Array hit(x.shape(), DType::boolean), source(x.shape(), DType::int64);
  bool* const is_hit = hit.mutable_data<bool>();
  auto* const from = source.mutable_data<std::int64_t>();
  std::fill_n(is_hit, hit.size(), false);
  std::fill_n(from, source.size(), 0);
  const auto* places = list.data<std::int64_t>();
  for (std::int64_t i = 0; i < list.size(); ++i) {
    is_hit[places[i]] = true;
    from[places[i]] = i;
  }
  return where(constant(std::move(hit)), values.rank() == 0 ? values : gather_flat(values, source), x);
}

namespace {

Array as_positions(std::string_view operation, const Operand& positions) {
  const Tensor tensor = positions.as_tensor();
  // Nothing in braces has no dtype of its own.
  if (tensor.size() == 0 && positions.tensor() == nullptr) return Array(tensor.shape(), DType::int64);
  if (tensor.dtype() != DType::int64)
    throw DTypeError(std::string(operation) + ": positions are " + std::string(to_string(tensor.dtype())) +
                     ", of shape " + to_string(tensor.shape()) +
                     "; they must be int64: cast(positions, DType::int64)");
  return value_of(tensor);
}

}  // namespace

Array checked_positions(std::string_view operation, const Operand& positions, std::int64_t size,
                        const std::string& what, bool negative) {
  Array list = as_positions(operation, positions);
  const auto* given = list.data<std::int64_t>();
  bool any_negative = false;
  for (std::int64_t i = 0; i < list.size(); ++i) {
    if (given[i] >= size || given[i] < (negative ? -size : 0))
      throw ShapeError(std::string(operation) + ": index " + std::to_string(given[i]) + " is outside " +
                       what + " of size " + std::to_string(size) +
                       (size == 0  ? "; there is nothing to take"
                        : negative ? "; positions go from -size to size - 1"
                                   : "; positions go from 0 to size - 1"));
    any_negative |= given[i] < 0;
  }
  if (!any_negative) return list;
  auto* counted = list.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < list.size(); ++i)
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

Array gathered_places(std::string_view operation, const Shape& shape, std::size_t axis,
                      const Operand& index) {
  const Array list = checked_positions(operation, index, shape, axis, false);
  bool fits = list.shape().rank() == shape.rank();
  for (std::size_t i = 0; fits && i < shape.rank(); ++i) fits = i == axis || list.shape()[i] <= shape[i];
  if (!fits)
    throw ShapeError(std::string(operation) + ": an index of shape " + to_string(list.shape()) +
                     " for shape " + to_string(shape) +
                     "; it needs as many axes, none of them longer beside axis " + std::to_string(axis));
  return flat_places(list, axis, shape);
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

namespace {

/// The places in row-major order where a mask holds.
Array places_of(const Array& mask) {
  const bool* const holds = mask.data<bool>();
  Array list(Shape{std::count(holds, holds + mask.size(), true)}, DType::int64);
  auto* to = list.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < mask.size(); ++i)
    if (holds[i]) *to++ = i;
  return list;
}

Tensor take(std::string_view operation, const Tensor& x, std::int64_t axis, const Operand& positions,
            Here here) {
  const std::size_t at = normalize_axis(operation, axis, x.shape());
  const Array list = checked_positions(operation, positions, x.shape(), at, true);
  return gather_at({x, here}, along(x.shape(), at, list), with_axis_replaced(x.shape(), at, list.shape()));
}

}  // namespace
}  // namespace ops

Tensor gather(const Operand& x, std::int64_t axis, const Operand& index) try {
  const Tensor in = x.as_tensor();
  const std::size_t at = normalize_axis("gather", axis, in.shape());
  return ops::gather_flat({in, x.here()}, ops::gathered_places("gather", in.shape(), at, index));
} catch (...) {
  rethrow_in_call(x, index);
}

Tensor take_along_axis(const Operand& x, const Operand& index, std::int64_t axis) try {
  constexpr const char* name = "take_along_axis";
  const Tensor in = x.as_tensor();
  const std::size_t at = normalize_axis(name, axis, in.shape());
  const Array list = ops::checked_positions(name, index, in.shape(), at, true);
  Shape whole = in.shape(), wanted = list.shape();
  if (wanted.rank() != whole.rank())
    throw ShapeError("take_along_axis: an index of shape " + to_string(wanted) + " for shape " +
                     to_string(whole) + "; it needs as many axes");
  whole[at] = wanted[at] = 1;
  const Shape beside = broadcast(name, whole, wanted);
  whole = wanted = beside;
  whole[at] = in.shape()[at];
  wanted[at] = list.shape()[at];
  const Tensor places = broadcast_to(constant(list), wanted);
  return ops::gather_flat({broadcast_to({in, x.here()}, whole), x.here()},
                          ops::flat_places(value_of(places), at, whole));
} catch (...) {
  rethrow_in_call(x, index);
}

Tensor index_select(const Operand& x, std::int64_t axis, const Operand& positions) try {
  const Tensor list = positions.as_tensor();
  if (list.rank() > 1)
    throw ShapeError("index_select: positions of shape " + to_string(list.shape()) +
                     " have more than one axis; take(x, positions, axis) takes these");
  return ops::take("index_select", x.as_tensor(), axis, list.rank() == 0 ? reshape(list, {1}) : list,
                   x.here());
} catch (...) {
  rethrow_in_call(x, positions);
}

Tensor take(const Operand& x, const Operand& positions) try {
  const Tensor in = x.as_tensor();
  return ops::gather_flat({in, x.here()},
                          ops::checked_positions("take", positions, in.size(), "all elements", true));
} catch (...) {
  rethrow_in_call(x, positions);
}

Tensor take(const Operand& x, const Operand& positions, std::int64_t axis) try {
  return ops::take("take", x.as_tensor(), axis, positions, x.here());
} catch (...) {
  rethrow_in_call(x, positions);
}

Tensor index(const Operand& x, const Tensor& where) try {
  const Tensor in = x.as_tensor();
  if (where.dtype() != DType::boolean) return ops::take("index", in, 0, where, x.here());
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

Tensor embedding(const Operand& weight, const Operand& positions, std::optional<std::int64_t> padding) try {
  const Tensor table = weight.as_tensor();
  if (table.rank() == 0)
    throw ShapeError("embedding: a scalar, of shape (), has no rows; give it at least one axis");
  const std::int64_t size = table.shape()[0];
  const Array list = ops::checked_positions("embedding", positions, table.shape(), 0, false);
  const Tensor rows = ops::gather_at({table, weight.here()}, ops::along(table.shape(), 0, list),
                                     ops::with_axis_replaced(table.shape(), 0, list.shape()));
  if (!padding) return rows;
  if (*padding < -size || *padding >= size)
    throw ShapeError("embedding: padding " + std::to_string(*padding) + " is no row of shape " +
                     to_string(table.shape()) + "; positions go from -size to size - 1");
  std::vector<std::int64_t> sizes(list.shape().begin(), list.shape().end());
  sizes.resize(rows.rank(), 1);
  const Tensor pads = reshape(constant(list) == (*padding < 0 ? *padding + size : *padding), Shape(sizes));
  return chainrule::where(pads, rows.detach(), rows);
} catch (...) {
  rethrow_in_call(weight, positions);
}

Tensor one_hot(const Operand& positions, std::optional<std::int64_t> classes, DType dtype) try {
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
  dispatch(dtype, [&]<class T>() {
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

Tensor nonzero(const Operand& x) {
  const Tensor is = x.as_tensor() != 0;
  const Array list = ops::places_of(value_of(is));
  const auto rank = static_cast<std::int64_t>(is.rank());
  Array out({list.size(), rank}, DType::int64);
  auto* to = out.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < list.size(); ++i, to += rank) {
    std::int64_t place = list.data<std::int64_t>()[i];
    for (std::size_t axis = is.rank(); axis-- > 0; place /= is.shape()[axis])
      to[axis] = place % is.shape()[axis];
  }
  return constant(std::move(out));
}

std::vector<Tensor> where(const Operand& condition) {
  const Tensor places = nonzero(condition);
  std::vector<Tensor> axes;
  for (std::int64_t axis = 0; axis < places.shape()[1]; ++axis)
    axes.push_back(index(places, {Slice{}, axis}));
  return axes;
}

}  // namespace chainrule
