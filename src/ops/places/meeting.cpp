// Elements that meet in one place and are combined there: scatter_reduce and segment_sum. Elements are
// brought together by place and combined there in public operations, so that derivatives follow.

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <span>

#include "chainrule/functions.h"
#include "ops/batching.h"
#include "ops/elementwise.h"
#include "ops/places/places.h"
#include "ops/samples.h"

namespace chainrule {
namespace ops {
namespace {

/// Elements that meet: `items` from starts[i] to starts[i + 1] in place i, one at least.
struct MeetingElements {
  std::vector<std::int64_t> starts, items;

  std::span<const std::int64_t> at(std::size_t place) const {
    return std::span(items).subspan(static_cast<std::size_t>(starts[place]),
                                    static_cast<std::size_t>(starts[place + 1] - starts[place]));
  }
};

/// One group for each of `size` elements of x: itself, unless it is replaced, and the values for its place,
/// which are counted on from there.
MeetingElements groups_of(std::int64_t size, std::span<const std::int64_t> places, bool include_self) {
  const auto n = static_cast<std::size_t>(size);
  std::vector<std::int64_t> ends(n + 1, 0);
  for (const std::int64_t place : places) ++ends[static_cast<std::size_t>(place) + 1];
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
  for (std::int64_t value = size; const std::int64_t place : places)
    add(static_cast<std::size_t>(place), value++);
  return groups;
}

/// What x's elements and the values combine to where they meet.
struct Combination {
  Tensor (*reduction)(const Operand&, const Axes&, Flag) = nullptr;
  Tensor neutral;  ///< of shape {1}
  bool include_self;

  Combination(Combining how, DType dtype, bool with_self) : include_self(with_self) {
    if (how == Combining::prod) reduction = prod;
    if (how == Combining::amax) reduction = max;
    if (how == Combining::amin) reduction = min;
    if (how == Combining::prod) {
      neutral = ones({1}, dtype);
    } else if (is_integer(dtype)) {
      using Integers = std::numeric_limits<std::int64_t>;
      neutral = cast(tensor({how == Combining::amax ? Integers::min() : Integers::max()}), dtype);
    } else {
      const double infinity = std::numeric_limits<double>::infinity();
      neutral = full({1}, how == Combining::amax ? -infinity : infinity, dtype);
    }
  }
};

/// Of vectors x and values. Places with a number of elements up to the same power of two are the rows of one
/// matrix, filled up with what is neutral, and are reduced at once.
Tensor combined(const Tensor& x, const Tensor& values, const Array& places, const Combination& how) {
  const MeetingElements groups = groups_of(
      x.size(), {places.data<std::int64_t>(), static_cast<std::size_t>(places.size())}, how.include_self);
  const Tensor all = concatenate({Operand(x), Operand(values), Operand(how.neutral)});
  const auto count = static_cast<std::size_t>(x.size());
  std::array<std::vector<std::size_t>, 64> by_width;
  for (std::size_t i = 0; i < count; ++i)
    by_width[static_cast<std::size_t>(std::countr_zero(std::bit_ceil(groups.at(i).size())))].push_back(i);
  std::vector<Tensor> parts;
  Array order(Shape{x.size()}, DType::int64);
  auto* const place = order.mutable_data<std::int64_t>();
  std::int64_t done = 0;
  for (std::size_t power = 0; power < by_width.size(); ++power) {
    const std::vector<std::size_t>& rows = by_width[power];
    if (rows.empty()) continue;
    const std::int64_t width = std::int64_t{1} << power;
    Array table({static_cast<std::int64_t>(rows.size()), width}, DType::int64);
    auto* to = table.mutable_data<std::int64_t>();
    std::fill_n(to, table.size(), all.size() - 1);
    for (const std::size_t row : rows) {
      std::ranges::copy(groups.at(row), to);
      to += width;
      place[row] = done++;
    }
    parts.push_back(how.reduction(gather_flat(all, table), 1, false));
  }
  return parts.empty() ? x : gather_flat(concatenate(parts), order);
}

/// f(groups, row) for each row of places, which are along the last axis.
template <class F>
void for_each_row(std::int64_t size, const Array& places, bool include_self, const F& f) {
  const std::int64_t count = places.shape()[places.shape().rank() - 1];
  const auto* at = places.data<std::int64_t>();
  for (std::int64_t row = 0, rows = count == 0 ? 0 : places.size() / count; row < rows; ++row, at += count)
    f(groups_of(size, {at, static_cast<std::size_t>(count)}, include_self), row);
}

/// The same at places that may be others for each sample of a vmap: rows of one length for all samples, that
/// of the place where most elements meet.
Tensor combined_in_each(const Tensor& x, const Tensor& values, const Tensor& places, const Combination& how) {
  if (places.size() == 0) return x;
  const std::int64_t size = x.size(), behind = size + values.size();
  std::size_t most = 1;
  for_each_row(size, value_of(elements_of_all_samples(places)), how.include_self,
               [&](const MeetingElements& groups, std::int64_t) {
                 for (std::size_t i = 0; i < static_cast<std::size_t>(size); ++i)
                   most = std::max(most, groups.at(i).size());
               });
  const auto width = static_cast<std::int64_t>(most);
  const bool include_self = how.include_self;
  const Tensor table = numbers_of_rows(places, [=](const Array& rows) {
    std::vector<std::int64_t> sizes(rows.shape().begin(), rows.shape().end());
    sizes.back() = size;
    sizes.push_back(width);
    Array result(Shape(sizes), DType::int64);
    auto* const to = result.mutable_data<std::int64_t>();
    std::fill_n(to, result.size(), behind);
    for_each_row(size, rows, include_self, [&](const MeetingElements& groups, std::int64_t row) {
      for (std::int64_t i = 0; i < size; ++i)
        std::ranges::copy(groups.at(static_cast<std::size_t>(i)), to + (row * size + i) * width);
    });
    return result;
  });
  const Tensor all = concatenate({Operand(x), Operand(values), Operand(how.neutral)});
  return how.reduction(gather_places(all, table), 1, false);
}

}  // namespace
}  // namespace ops

Tensor scatter_reduce(const Operand& x, Integer axis, const Operand& index, const Operand& values,
                      Combining how, Flag include_self) try {
  constexpr const char* name = "scatter_reduce";
  const DType dtype = ops::number_dtype(ops::common_dtype(x, values));
  const Tensor in = x.as(dtype);
  const Shape& shape = in.shape();
  const std::size_t at = normalize_axis(name, axis, shape);
  const bool batched = ops::is_batched(index);
  const Tensor places = batched ? ops::batched_places(name, shape, at, index)
                                : constant(ops::gathered_places(name, shape, at, index));
  const Tensor given = broadcast_to(ops::values_for(name, values.as(dtype), places.shape()), places.shape());
  if (how == Combining::sum || how == Combining::mean) {
    const auto added = [&](const Tensor& each) {
      return batched ? ops::add_places(each, places, shape) : ops::add_flat(each, value_of(places), shape);
    };
    const Tensor counts = added(ones(places.shape(), DType::int64));
    const Tensor kept = include_self ? in : where(counts == 0, in, false);
    if (how == Combining::sum) return kept + added(given);
    const Tensor divisors = include_self ? counts + 1 : maximum(counts, 1);
    if (!is_floating(dtype)) return floor_divide(kept + added(given), divisors);
    const DType wide = computed_in(dtype);  // many halves have a mean, but no sum
    const Tensor total = Operand(kept).as(wide) + added(Operand(given).as(wide));
    return Operand(total / cast(divisors, wide)).as(dtype);
  }
  const ops::Combination combination(how, dtype, include_self);
  const Tensor line = reshape(in, {-1}), added = reshape(given, {-1});
  return reshape(batched ? ops::combined_in_each(line, added, reshape(places, {-1}), combination)
                         : ops::combined(line, added, value_of(places), combination),
                 shape);
} catch (...) {
  rethrow_in_call("scatter_reduce", x, index, values);
}

Tensor segment_sum(const Operand& x, const Operand& segments, OptionalInteger count) try {
  constexpr const char* name = "segment_sum";
  const Tensor in = x.as_tensor();
  const std::int64_t below = count.value_or(std::numeric_limits<std::int64_t>::max());
  const bool batched = ops::is_batched(segments);
  const Tensor list = batched
                          ? ops::counted_positions(name, segments, below, "the segments", false)
                          : constant(ops::checked_positions(name, segments, below, "the segments", false));
  if (in.rank() == 0 || list.shape() != Shape{in.shape()[0]})
    throw ShapeError("segment_sum: segments of shape " + to_string(list.shape()) + " for shape " +
                     to_string(in.shape()) + "; give one for each slice along the first axis");
  const Tensor all = elements_of_all_samples(list);
  const auto at = all.data<std::int64_t>();
  Shape shape = in.shape();
  shape[0] = count ? *count : at.empty() ? 0 : *std::max_element(at.begin(), at.end()) + 1;
  if (shape[0] < 0)
    throw ShapeError("segment_sum: " + std::to_string(shape[0]) + " segments; give 0 or more");
  (void)bytes_of(shape, DType::float64);
  if (batched) return ops::add_places(in, ops::places_of_slices(shape, 0, list), shape);
  return ops::add_at({in, x.here()}, ops::along(shape, 0, value_of(list)), shape);
} catch (...) {
  rethrow_in_call("segment_sum", x, segments);
}

}  // namespace chainrule
