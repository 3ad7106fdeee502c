// Indexing with all that NumPy takes between the brackets, made of the library's simpler operations: slices
// first, then positions.

#include "indexing.h"

#include <algorithm>

#include "chainrule/indexing.h"
#include "command.h"

namespace chainrule::cli {
namespace {

bool is_array(const Value& place) { return place.as<List>() != nullptr || place.as<Tensor>() != nullptr; }

/// Positions as int64; a mask of one axis becomes those where it holds.
Tensor positions(const Value& place) {
  Tensor given = to_tensor(place, {.floats = DType::float64});
  if (given.dtype() == DType::boolean && given.rank() == 1) return where(given)[0];
  if (given.dtype() == DType::boolean)
    throw CommandError("a mask of shape " + to_string(given.shape()) + " stands alone between the brackets");
  return whole_numbers(given, [](const std::string& number) {
    throw CommandError("positions are whole numbers, and " + number + " is none");
  });
}

/// Positions along the first axes, which broadcast: x[[0, 1], [2, 0]] are the elements (0, 2) and (1, 0).
Tensor take_pairs(const Tensor& x, std::span<const Value> places) {
  if (places.size() > x.rank())
    throw ShapeError("index: " + std::to_string(places.size()) + " indices for shape " +
                     to_string(x.shape()) + "; leave some out");
  Tensor flat;
  std::vector<std::int64_t> sizes = {1};
  for (std::size_t axis = 0; axis < places.size(); ++axis) {
    const std::int64_t size = x.shape()[axis];
    const Tensor along =
        places[axis].as<std::int64_t>() ? tensor(*places[axis].as<std::int64_t>()) : positions(places[axis]);
    for (const std::int64_t position : along.to_vector<std::int64_t>())
      if (position < -size || position >= size)
        throw ShapeError("index: position " + std::to_string(position) + " is outside axis " +
                         std::to_string(axis) + " of shape " + to_string(x.shape()));
    const Tensor counted = where(along < 0, along + size, along);
    flat = axis == 0 ? counted : flat * size + counted;
    sizes[0] *= size;
  }
  sizes.insert(sizes.end(), x.shape().begin() + static_cast<std::ptrdiff_t>(places.size()), x.shape().end());
  return take(reshape(x, Shape(sizes)), flat, 0);
}

}  // namespace

std::vector<Index> basic_index(std::span<const Value> places) {
  std::vector<Index> where;
  for (const Value& place : places) {
    if (const auto* integer = place.as<std::int64_t>())
      where.emplace_back(*integer);
    else if (const auto* slice = place.as<Slice>())
      where.emplace_back(*slice);
    else if (place.as<Ellipsis>())
      where.push_back(Index::ellipsis());
    else
      throw CommandError(describe(place) +
                         " is not supported here, where an index takes whole numbers, slices and ...");
  }
  return where;
}

Tensor index(const Tensor& x, std::span<const Value> places) {
  const auto arrays = std::count_if(places.begin(), places.end(), is_array);
  const auto numbers = std::count_if(places.begin(), places.end(),
                                     [](const Value& v) { return v.as<std::int64_t>() != nullptr; });
  if (arrays == 1 && places.size() == 1) {
    const Tensor where = to_tensor(places[0], {.floats = DType::float64});
    return where.dtype() == DType::boolean ? chainrule::index(x, where) : take(x, positions(places[0]), 0);
  }
  if (arrays > 0 && arrays + numbers == static_cast<std::ptrdiff_t>(places.size()))
    return take_pairs(x, places);
  if (arrays > 1 || (arrays == 1 && numbers > 0))
    throw CommandError("index: positions beside other positions and slices; index twice, as x[a][:, b]");

  // At first each array takes its whole axis, and None is left out.
  std::vector<Value> plain;
  std::vector<std::int64_t> new_axes;
  std::int64_t axis = 0, array_axis = -1;
  const Value* array = nullptr;
  for (const Value& place : places) {
    if (place.is_none()) {
      new_axes.push_back(axis++);
      continue;
    }
    if (is_array(place)) {
      array = &place;
      array_axis = axis - static_cast<std::int64_t>(new_axes.size());
    }
    plain.push_back(is_array(place) ? Value(Slice{}) : place);
    if (place.as<Ellipsis>()) {
      std::int64_t named = 0;
      for (const Value& each : places) named += !each.is_none() && !each.as<Ellipsis>() ? 1 : 0;
      axis += std::max<std::int64_t>(static_cast<std::int64_t>(x.rank()) - named, 0);
    } else if (!place.as<std::int64_t>()) {
      ++axis;
    }
  }
  Tensor result = chainrule::index(x, basic_index(plain));
  if (array != nullptr) {
    const Tensor along = positions(*array);
    result = take(result, along, array_axis);
    for (std::int64_t& added : new_axes)
      if (added > array_axis) added += static_cast<std::int64_t>(along.rank()) - 1;
  }
  if (new_axes.empty()) return result;
  std::vector<std::int64_t> sizes(result.shape().begin(), result.shape().end());
  for (const std::int64_t added : new_axes) sizes.insert(sizes.begin() + added, 1);
  return reshape(result, Shape(sizes));
}

}  // namespace chainrule::cli
