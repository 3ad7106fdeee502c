// Rows of a tensor by their positions, as of an embedding, and the reverse: each is the other's derivative.
// Rows are moved by kernels/copy.h.

#include <algorithm>

#include "chainrule/ops.h"
#include "kernels/copy.h"
#include "ops/batching.h"
#include "ops/data_movement.h"
#include "ops/places/places.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

using Positions = std::vector<std::int64_t>;

/// The rows of each array in a stack of this shape.
static Places of_all(const Shape& stack, const Positions& positions) {
  Array list({static_cast<std::int64_t>(positions.size())}, DType::int64);
  std::ranges::copy(positions, list.mutable_data<std::int64_t>());
  return along(stack, 1, std::move(list));
}

/// Rows by their positions.
struct TakeRows : DataMovement {
  static constexpr bool any_dtype = true;
  static constexpr std::string_view name = "take_rows",
                                    formula = "the gradient added up at the rows it was taken from";
  Positions positions;
  Shape shape;
  Attributes attributes() const { return {{"positions", positions}, {"shape", as_attribute(shape)}}; }
  Array forward(Values in) const { return kernels::take_rows(*in[0], positions).reshaped(shape); }
  Tensor batch(const Unwrapped& at) const {
    return gather_at(at.in[0], of_all(at.in[0].shape(), positions), with_first(at.size, shape));
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const;
};

/// The reverse of TakeRows: zeros, to whose rows are added what comes for their positions.
struct ScatterRows : DataMovement {
  static constexpr std::string_view name = "scatter_rows",
                                    formula = "the gradient's rows at the positions they were added to";
  Positions positions;
  Shape shape;
  Attributes attributes() const { return {{"positions", positions}, {"shape", as_attribute(shape)}}; }
  Array forward(Values in) const {
    Array out = kernels::zeros(shape, in[0]->dtype());
    kernels::add_rows(*in[0], positions, out);
    return out;
  }
  Tensor batch(const Unwrapped& at) const {
    const Shape whole = with_first(at.size, shape);
    return add_at(at.in[0], of_all(whole, positions), whole);
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = apply(TakeRows{{}, positions, in[0].shape()}, Here::now(), Argument(g));
  }
};

void TakeRows::vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
  if (to.wants(0)) to[0] = apply(ScatterRows{{}, positions, in[0].shape()}, Here::now(), Argument(g));
}

Entries row_operations() {
  static constexpr Entry table[] = {
      {.name = TakeRows::name,
       .parameters = "x|a|input, positions|indices|index",
       .call = [](Arguments& a) -> Result { return take_rows(a[0], a.places(1)); },
       .formula = TakeRows::formula,
       .example = "take_rows([[1, 2], [3, 4]], [1, 1])"},
      inner<ScatterRows>(),
  };
  return table;
}

namespace {

/// `leading` is the shape of the positions.
Tensor take_rows(const Operand& x, std::span<const std::int64_t> positions, const Shape& leading) try {
  const Tensor in = x.as_tensor();
  if (in.rank() == 0)
    throw ShapeError("take_rows: a scalar, of shape (), has no rows; give it at least one axis");
  for (const std::int64_t rows = in.shape()[0]; const std::int64_t position : positions)
    if (position < 0 || position >= rows)
      throw ShapeError("take_rows: there is no row " + std::to_string(position) + " in shape " +
                       to_string(in.shape()) + "; positions count from 0 to size - 1");
  std::vector<std::int64_t> sizes(leading.begin(), leading.end());
  sizes.insert(sizes.end(), in.shape().begin() + 1, in.shape().end());
  return apply(TakeRows{{}, {positions.begin(), positions.end()}, Shape(sizes)}, x.here(), Argument(in));
} catch (...) {
  rethrow_in_call(x);
}

/// The positions are others in each sample of a vmap.
Tensor take_own_rows(const Tensor& x, const Tensor& positions) {
  if (x.rank() == 0)
    throw ShapeError("take_rows: a scalar, of shape (), has no rows; give it at least one axis");
  const Shape row(x.shape().sizes().subspan(1));
  std::vector<std::int64_t> sizes(positions.shape().begin(), positions.shape().end());
  sizes.insert(sizes.end(), row.rank(), 1);
  const Tensor first = reshape(positions * row.size(), Shape(sizes));
  return gather_places(x, first + reshape(arange(0, row.size()), row));
}

}  // namespace
}  // namespace ops

Tensor take_rows(const Operand& x, std::span<const std::int64_t> positions) {
  return ops::take_rows(x, positions, {static_cast<std::int64_t>(positions.size())});
}

Tensor take_rows(const Operand& x, const Tensor& positions) try {
  if (!is_integer(positions.dtype()))
    throw DTypeError("take_rows: positions are " + std::string(to_string(positions.dtype())) +
                     "; they must be int64");
  const Tensor places = cast(positions, DType::int64);
  if (ops::is_batched(places)) return ops::take_own_rows(x.as_tensor(), places);
  return ops::take_rows(x, places.data<std::int64_t>(), places.shape());
} catch (...) {
  rethrow_in_call("take_rows", x, Operand(positions));
}

}  // namespace chainrule
