// Elements that meet in one place and are combined there: scatter_reduce and segment_sum. Elements are
// brought together by place and combined there in public operations, so that derivatives follow.

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <span>

#include "chainrule/functions.h"
#include "kernels/cast.h"
#include "ops/along_axis.h"
#include "ops/batching.h"
#include "ops/elementwise.h"
#include "ops/places/places.h"
#include "ops/registry.h"
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

}  // namespace

Tensor products_of_groups(const Tensor& x, const Tensor& values, const Array& list, bool include_self) {
  const Combination how(Combining::prod, x.dtype(), include_self);
  return reshape(combined(reshape(x, {-1}), reshape(values, {-1}), list, how), x.shape());
}

/// The largest or smallest of x's elements and of the values for their places, in row-major order; without
/// `include_self`, elements that have values do not count. Equal ones share the gradient.
struct ScatterExtreme {
  static constexpr bool integers = true;
  static constexpr std::string_view name = "scatter_extreme",
                                    formula =
                                        "to each element that equals the result, 1/ties of its gradient";
  Array list;
  bool largest = true, include_self = true;
  Attributes attributes() const {
    return {{"places", constant(list)},
            {"largest", std::int64_t{largest}},
            {"include_self", std::int64_t{include_self}}};
  }
  Array forward(Values in) const {
    Array out(in[0]->shape(), in[0]->dtype());
    const auto go = [&]<class T>() {
      T* const to = out.mutable_data<T>();
      std::copy_n(in[0]->data<T>(), out.size(), to);
      combine(std::span(list.data<std::int64_t>(), static_cast<std::size_t>(list.size())), in[0]->data<T>(),
              in[1]->data<T>(), to);
    };
    if (out.dtype() == DType::int64)
      go.template operator()<std::int64_t>();
    else
      dispatch_floating(out.dtype(), go);
    return out;
  }
  Tensor batch(const Unwrapped& at) const {
    const Tensor whole = at.batched(0), values = at.batched(1);
    return apply(ScatterExtreme{places_in_each(list, at.size, whole.size()), largest, include_self}, {},
                 Argument(whole), Argument(values));
  }
  Reads reads(Wanted wanted) const {
    return wanted(0) || wanted(1) ? reads_input(0) | reads_input(1) | reads_output : 0;
  }
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to) const {
    if (!to.in_numbers()) return send(in, out, g, to);
    const Hits hits(*this, value_of(in[0]), value_of(in[1]), value_of(out));
    const Tensor share = hits.any_ties ? g / constant(kernels::cast(hits.ties, g.dtype())) : g;
    if (to.wants(0)) to[0] = where(constant(hits.in_x), share, 0);
    if (to.wants(1)) to[1] = where(constant(hits.in_values), gather_flat(share, list), 0);
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"1/ties where it is the result, else 0"};
  }

 private:
  template <class T>
  void combine(std::span<const std::int64_t> places, const T* x, const T* values, T* to) const {
    using Limits = std::numeric_limits<T>;
    if (!include_self) {
      const T least = Limits::has_infinity ? -Limits::infinity() : Limits::lowest(),
              most = Limits::has_infinity ? Limits::infinity() : Limits::max();
      for (const std::int64_t place : places) to[place] = largest ? least : most;
    }
    bool has_nan = false;
    for (std::size_t i = 0; i < places.size(); ++i) {  // without a branch, which no processor could foresee
      const T value = values[i], there = to[places[i]], larger = there > value ? there : value,
              smaller = there < value ? there : value;
      to[places[i]] = largest ? larger : smaller;
      has_nan |= value != value || there != there;
    }
    if (!has_nan) return;
    for (std::size_t i = 0; i < places.size(); ++i)
      if (const T own = x[places[i]]; values[i] != values[i] || (include_self && own != own))
        to[places[i]] = std::numeric_limits<T>::quiet_NaN();
  }
  /// The same in operations that can be differentiated.
  void send(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to) const {
    Tensor in_x = in[0] == out;
    if (!include_self) in_x = put_flat(in_x, list, constant(Array(false)));
    const Tensor in_values = in[1] == gather_flat(out, list);
    const Tensor ties = cast(in_x, g.dtype()) + add_flat(cast(in_values, g.dtype()), list, out.shape());
    const Tensor share = g / maximum(ties, 1);  // none equals NaN
    if (to.wants(0)) to[0] = where(in_x, share, 0);
    if (to.wants(1)) to[1] = where(in_values, gather_flat(share, list), 0);
  }
  /// Which elements equal the results, and how many do.
  struct Hits {
    Array in_x, in_values, ties;
    bool any_ties = false;

    Hits(const ScatterExtreme& of, const Array& x, const Array& values, const Array& out)
        : in_x(x.shape(), DType::boolean),
          in_values(values.shape(), DType::boolean),
          ties(x.shape(), DType::int64) {
      bool *const x_hits = in_x.mutable_data<bool>(), *const value_hits = in_values.mutable_data<bool>();
      auto* const count = ties.mutable_data<std::int64_t>();
      const auto* const places = of.list.data<std::int64_t>();
      const std::int64_t n = of.list.size(), size = x.size();
      dispatch_floating(x.dtype(), [&]<class T>() {
        const T *const from = x.data<T>(), *const given = values.data<T>(), *const result = out.data<T>();
        for (std::int64_t i = 0; i < size; ++i) x_hits[i] = from[i] == result[i];
        if (!of.include_self)
          for (std::int64_t i = 0; i < n; ++i) x_hits[places[i]] = false;
        std::copy_n(x_hits, size, count);
        for (std::int64_t i = 0; i < n; ++i)
          count[places[i]] += value_hits[i] = given[i] == result[places[i]] ? 1 : 0;
      });
      for (std::int64_t i = 0; i < size; ++i) {
        any_ties |= count[i] > 1;
        count[i] = std::max<std::int64_t>(count[i], 1);  // none equals NaN
      }
    }
  };
};

Entries meeting_operations() {
  static constexpr Entry table[] = {inner<ScatterExtreme>()};
  return table;
}

namespace {

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
  const ops::OfAxis of(name, x.as(dtype), axis);
  const Tensor &in = of.x, at = of.index(index);
  const Shape& shape = in.shape();
  const bool batched = ops::is_batched(at);
  const Tensor places = batched ? ops::batched_places(name, shape, of.axis, at)
                                : constant(ops::gathered_places(name, shape, of.axis, at));
  const Tensor given = broadcast_to(ops::values_for(name, values.as(dtype), places.shape()), places.shape());
  if (how == Combining::sum || how == Combining::mean) {
    const auto added = [&](const Tensor& each) {
      return batched ? ops::add_places(each, places, shape) : ops::add_flat(each, value_of(places), shape);
    };
    const Tensor counts = added(ones(places.shape(), DType::int64));
    const Tensor kept = include_self ? in : where(counts == 0, in, false);
    if (how == Combining::sum) return of.result(kept + added(given));
    const Tensor divisors = include_self ? counts + 1 : maximum(counts, 1);
    if (!is_floating(dtype)) return of.result(floor_divide(kept + added(given), divisors));
    const DType wide = computed_in(dtype);  // many halves have a mean, but no sum
    const Tensor total = Operand(kept).as(wide) + added(Operand(given).as(wide));
    return of.result(Operand(total / cast(divisors, wide)).as(dtype));
  }
  if (how != Combining::prod && !batched)
    return of.result(apply(ops::ScatterExtreme{value_of(places), how == Combining::amax, include_self},
                           x.here(), Argument(in), Argument(given)));
  if (!batched)
    return of.result(is_floating(dtype)
                         ? ops::scatter_product(in, value_of(places), given, include_self, x.here())
                         : ops::products_of_groups(in, given, value_of(places), include_self));
  const ops::Combination combination(how, dtype, include_self);
  const Tensor line = reshape(in, {-1}), added = reshape(given, {-1});
  return reshape(ops::combined_in_each(line, added, reshape(places, {-1}), combination),
                 x.as_tensor().shape());
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
