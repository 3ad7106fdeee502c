// Elements by their places. Negative places count from the end, and one outside is an error; equal places of
// a scatter are combined, or the last one stays.

#include "chainrule/indexing.h"

#include <algorithm>
#include <numeric>

#include "chainrule/functions.h"
#include "chainrule/shaping.h"
#include "onnx/call.h"
#include "onnx/operators.h"

namespace chainrule::onnx {
namespace {

/// Places from 0 to size - 1.
Tensor from_front(const Tensor& places, std::int64_t size) {
  if (places.dtype() != DType::int64) Call::fail("places must be whole numbers");
  return where(places < 0, places + size, places);
}

std::int64_t size_along(const Tensor& x, std::int64_t axis) {
  return x.shape()[static_cast<std::size_t>(axis)];
}

Values gather_slices(const Call& call) {
  const Tensor &x = call[0], &places = call[1];
  const std::int64_t axis = Call::axis(call.integer("axis", 0), x.rank());
  std::vector<std::int64_t> sizes(x.shape().begin(), x.shape().end());
  sizes[static_cast<std::size_t>(axis)] = places.size();
  call.require_size(sizes);
  return one(take(x, places, axis));
}

Values gather_elements(const Call& call) {
  const Tensor& x = call[0];
  const std::int64_t axis = Call::axis(call.integer("axis", 0), x.rank());
  return one(gather(x, axis, from_front(call[1], size_along(x, axis))));
}

/// How elements that meet in one place are combined.
enum class Meeting : std::uint8_t { replace, add, mul, max, min };
Meeting meeting_of(const Call& call) {
  return static_cast<Meeting>(call.choice("reduction", {"none", "add", "mul", "max", "min"}));
}
Combining combining(Meeting meeting) {
  constexpr Combining all[] = {Combining::sum, Combining::sum, Combining::prod, Combining::amax,
                               Combining::amin};
  return all[static_cast<std::size_t>(meeting)];
}

Values scatter_elements(const Call& call) {
  const Tensor& x = call[0];
  const std::int64_t axis = Call::axis(call.integer("axis", 0), x.rank());
  const Meeting meeting = meeting_of(call);
  const Tensor places = from_front(call[1], size_along(x, axis));
  if (meeting == Meeting::replace) return one(scatter(x, axis, places, call[2]));
  return one(scatter_reduce(x, axis, places, call[2], combining(meeting)));
}

/// Where the last axis of `places` leads, in row-major order of the first axes of x, which start after
/// `batch` ones that both have.
struct Leading {
  Tensor flat;                      ///< (batch..., places...), as row numbers of `rows`
  std::vector<std::int64_t> outer;  ///< the sizes of the places
  std::int64_t rows = 1;            ///< how many slices there are
  std::vector<std::int64_t> inner;  ///< the sizes of a slice
};
Leading leading(const Tensor& x, const Tensor& places, std::int64_t batch) {
  const auto given = static_cast<std::int64_t>(places.rank()), rank = static_cast<std::int64_t>(x.rank());
  if (given < 1 || batch < 0 || batch >= given) Call::fail("its places have no axis of coordinates");
  const std::int64_t depth = places.shape().back();
  if (batch + depth > rank || depth < 1)
    Call::fail("places of " + std::to_string(depth) + " coordinates do not fit " + to_string(x.shape()));
  Leading result;
  Tensor row = zeros({}, DType::int64);
  std::vector<std::int64_t> outer(places.shape().begin(), places.shape().end() - 1);
  for (std::int64_t i = 0; i < batch; ++i) {
    const std::int64_t size = size_along(x, i);
    if (size != outer[static_cast<std::size_t>(i)]) Call::fail("its batch axes differ");
    std::vector<std::int64_t> along(outer.size(), 1);
    along[static_cast<std::size_t>(i)] = size;
    row = row * size + arange(0, size).reshape(Shape(along));
    result.rows *= size;
  }
  for (std::int64_t i = 0; i < depth; ++i) {
    const std::int64_t size = size_along(x, batch + i);
    const Tensor coordinate = from_front(select(places, -1, i), size);
    if (any(coordinate < 0).item<bool>() || any(coordinate >= size).item<bool>())
      Call::fail("a place is outside of the axis of size " + std::to_string(size));
    row = row * size + coordinate;
    result.rows *= size;
  }
  result.inner.assign(x.shape().begin() + batch + depth, x.shape().end());
  result.flat = broadcast_to(row, Shape(outer));
  result.outer = std::move(outer);
  return result;
}
Tensor as_rows(const Tensor& x, const Leading& where) {
  return x.reshape({where.rows, where.rows == 0 ? 0 : x.size() / where.rows});
}

Values gather_nd(const Call& call) {
  const Tensor& x = call[0];
  const Leading where = leading(x, call[1], call.integer("batch_dims", 0));
  std::vector<std::int64_t> sizes = where.outer;
  sizes.insert(sizes.end(), where.inner.begin(), where.inner.end());
  call.require_size(sizes);
  return one(take(as_rows(x, where), where.flat.reshape({where.flat.size()}), 0).reshape(Shape(sizes)));
}

Values scatter_nd(const Call& call) {
  const Tensor& x = call[0];
  const Meeting meeting = meeting_of(call);
  const Leading where = leading(x, call[1], 0);
  const Tensor rows = as_rows(x, where);
  const std::int64_t count = where.flat.size(), width = rows.shape()[1];
  if (call[2].size() != count * width)
    Call::fail("updates of shape " + to_string(call[2].shape()) + " do not fit " + std::to_string(count) +
               " places");
  const Tensor index = broadcast_to(where.flat.reshape({count, 1}), {count, width});
  const Tensor updates = call[2].reshape({count, width});
  const Tensor result = meeting == Meeting::replace
                            ? scatter(rows, 0, index, updates)
                            : scatter_reduce(rows, 0, index, updates, combining(meeting));
  return one(result.reshape(x.shape()));
}

/// `update` in the place of a part of each batch's cache, along an axis: from its own start on, around the
/// end if circular.
Values tensor_scatter(const Call& call) {
  const Tensor &cache = call[0], &update = call[1];
  const std::int64_t axis = Call::axis(call.integer("axis", -2), cache.rank());
  const bool circular = call.choice("mode", {"linear", "circular"}) == 1;
  if (update.rank() != cache.rank() || axis == 0) Call::fail("its update does not fit the cache");
  const std::int64_t batch = cache.shape()[0], size = size_along(cache, axis),
                     length = size_along(update, axis);
  const Tensor starts = call.has(2) ? call[2] : zeros({batch}, DType::int64);
  Tensor places = starts.reshape({batch, 1}) + arange(0, length);
  if (circular) places = places - size * floor_divide(places, size);
  std::vector<std::int64_t> along(cache.rank(), 1);
  along[0] = batch;
  along[static_cast<std::size_t>(axis)] = length;
  return one(scatter(cache, axis, broadcast_to(places.reshape(Shape(along)), update.shape()), update));
}

/// Two values: what stands elsewhere, and at the place; along a new axis.
Values one_hot_between(const Call& call) {
  const auto depth = cast(call[1], DType::int64).item<std::int64_t>();
  const Tensor& values = call[2];
  if (values.size() != 2) Call::fail("it needs two values, off and on");
  const Tensor places = from_front(cast(call[0], DType::int64), depth);
  const std::int64_t axis = Call::axis(call.integer("axis", -1), places.rank() + 1);
  std::vector<std::int64_t> sizes(places.shape().begin(), places.shape().end());
  sizes.insert(sizes.begin() + axis, depth);
  call.require_size(sizes);
  std::vector<std::int64_t> along(sizes.size(), 1);
  along[static_cast<std::size_t>(axis)] = depth;
  const Tensor hot = expand_dims(places, axis) == arange(0, depth).reshape(Shape(along));
  const Tensor flat = values.reshape({2});
  return one(where(hot, flat[1], flat[0]), call.type(2));
}

Values where_of(const Call& call) {
  call.require_broadcast(call[0], call[1]);
  call.require_broadcast(call[0], call[2]);
  call.require_broadcast(call[1], call[2]);
  return one(where(call[0], call[1], call[2]), call.type(1));
}

/// (rank, count).
Values nonzero_places(const Call& call) { return one(transpose(nonzero(call[0])), ElementType::int64); }

/// The slices along an axis, or the elements in row-major order, where a list of conditions holds.
Values compress(const Call& call) {
  const std::vector<std::int64_t> where = nonzero(call[1]).reshape({-1}).to_vector<std::int64_t>();
  if (!call.has("axis")) return one(take(call[0].reshape({call[0].size()}), tensor(where), 0));
  return one(take(call[0], tensor(where), Call::axis(call.integer("axis", 0), call[0].rank())));
}

/// The first lengths[i] steps of each sequence i in reverse order.
Values reverse_sequence(const Call& call) {
  const Tensor& x = call[0];
  const std::int64_t batch = Call::axis(call.integer("batch_axis", 1), x.rank());
  const std::int64_t time = Call::axis(call.integer("time_axis", 0), x.rank());
  if (batch + time != 1 || x.rank() < 2) Call::fail("its axes of batch and time must be the first two");
  const std::int64_t steps = size_along(x, time), count = size_along(x, batch);
  const Tensor lengths = call[1].reshape({1, count}), step = arange(0, steps).reshape({steps, 1});
  Tensor places = where(step < lengths, lengths - 1 - step, step);
  if (time == 1) places = transpose(places);
  std::vector<std::int64_t> along(x.rank(), 1);
  along[0] = x.shape()[0];
  along[1] = x.shape()[1];
  return one(gather(x, time, broadcast_to(places.reshape(Shape(along)), x.shape())));
}

constexpr Operator table[] = {
    {"Compress", compress},
    {"Gather", gather_slices},
    {"GatherElements", gather_elements},
    {"GatherND", gather_nd},
    {"NonZero", nonzero_places},
    {"OneHot", one_hot_between},
    {"ReverseSequence", reverse_sequence},
    {"Scatter", scatter_elements},
    {"ScatterElements", scatter_elements},
    {"ScatterND", scatter_nd},
    {"TensorScatter", tensor_scatter},
    {"Where", where_of},
};

}  // namespace

std::span<const Operator> indexing_operators() { return table; }

}  // namespace chainrule::onnx
