// Sorting and what follows from it: what is found is a place, from which the values are then gathered. What
// is not in kernels/order.h, searchsorted, works on one kind of key, a whole number for each element whose
// order is that of the elements.

#include <algorithm>
#include <bit>
#include <limits>

#include "kernels/cast.h"
#include "kernels/order.h"
#include "ops/along_axis.h"
#include "ops/batching.h"
#include "ops/elementwise.h"
#include "ops/places/places.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

// Of the overloads those that are not deleted.
using PlaceOverAxis = Tensor (*)(const Operand&, OptionalInteger, Flag);

static Result largest_of(Arguments& a) {
  const Ordered found = topk(a[0], a.integer(1), a.integer(2), a.flag(3));
  return std::vector<Tensor>{found.values, found.places};
}

/// Of all elements, or along an axis.
static Result medians(Arguments& a) {
  if (!a.given(1)) return median(a[0]);
  const Ordered found = median(a[0], a.integer(1), a.flag(2));
  return std::vector<Tensor>{found.values, found.places};
}

/// On which side, in NumPy's or PyTorch's words.
static Result searched(Arguments& a) {
  const bool from_right = a.flag(3) || a.choice(2, {"left", "right"}) == 1;
  if (!a.given(4)) return searchsorted(a[0], a[1], from_right);
  return searchsorted(take_along_axis(a[0], a.places(4), -1), a[1], from_right);
}

Entries order_operations() {
  constexpr std::string_view placed = "x|a|input, axis|dim, keepdims|keepdim=False",
                             placed_or_all = "x|a|input, axis|dim=None, keepdims|keepdim=False";
  static constexpr Entry table[] = {
      {.name = "sort",
       .parameters = "x|a|input, axis|dim=-1, descending=False, stable=True",
       .call = [](Arguments& a) -> Result {
         return registry::detail::result(sort(a[0], a.integer(1), a.flag(2)));
       },
       .formula = "the gradient back at the places that the elements come from",
       .example = "sort([3, 1, 2])",
       .note = "gives values and places; stable; NaN is the largest"},
      {.name = "argsort",
       .parameters = "x|a|input, axis|dim=-1, descending=False, stable=True",
       .call = [](Arguments& a) -> Result { return argsort(a[0], a.integer(1), a.flag(2)); },
       .formula = "no gradient",
       .example = "argsort([3, 1, 2])",
       .differentiable = false},
      {.name = "topk",
       .parameters = "x|input, k, axis|dim=-1, largest=True, sorted=True",
       .call = largest_of,
       .formula = "as sort",
       .example = "topk([3, 1, 2], 2)",
       .note = "gives values and places; the first of equals; always sorted"},
      {.name = "kthvalue",
       .parameters = "x|input, k, axis|dim=-1, keepdims|keepdim=False",
       .call = call<kthvalue>,
       .formula = "the gradient at the place of the k-th smallest, 0 elsewhere",
       .example = "kthvalue([5, 1, 3], 2)",
       .note = "gives values and places; k counts from 1"},
      {.name = "median",
       .parameters = placed_or_all,
       .call = medians,
       .formula = "the gradient at the place of the median, 0 elsewhere",
       .example = "median([3, 1, 2])",
       .note = "the lower of two, as in PyTorch; along an axis with its places; NaN if there is any"},
      {.name = "max_with_places",
       .parameters = placed,
       .call = call<max_with_places>,
       .formula = "the gradient at the place of the largest, 0 elsewhere",
       .example = "max_with_places([[1, 5], [3, 4]], 1)",
       .note = "the first of equals has the whole gradient; max shares it"},
      {.name = "min_with_places",
       .parameters = placed,
       .call = call<min_with_places>,
       .formula = "the gradient at the place of the smallest, 0 elsewhere",
       .example = "min_with_places([[1, 5], [3, 4]], 1)",
       .note = "the first of equals has the whole gradient; min shares it"},
      {.name = "argmax",
       .parameters = placed_or_all,
       .call = call<static_cast<PlaceOverAxis>(argmax)>,
       .formula = "no gradient",
       .example = "argmax([[1, 5], [3, 4]], 1)",
       .note = "the first of equals",
       .differentiable = false},
      {.name = "argmin",
       .parameters = placed_or_all,
       .call = call<static_cast<PlaceOverAxis>(argmin)>,
       .formula = "no gradient",
       .example = "argmin([[1, 5], [3, 4]], 1)",
       .note = "the first of equals",
       .differentiable = false},
      {.name = "searchsorted",
       .parameters = "sorted|a|sorted_sequence, values|v|input, side='left', right=False, sorter=None",
       .call = searched,
       .formula = "no gradient",
       .example = "searchsorted([1, 3, 5], [3, 4])",
       .differentiable = false,
       .weak = false},
  };
  return table;
}

namespace {

using Key = std::uint64_t;
constexpr Key highest = std::numeric_limits<Key>::max();  // of NaN

Key key_of(double x) {
  const auto bits = std::bit_cast<std::int64_t>(x + 0.0);  // -0 equals 0
  constexpr Key sign = Key{1} << 63;
  const Key key =
      static_cast<Key>(bits) ^ (static_cast<Key>(bits >> 63) | sign);  // all bits of negative ones
  return x != x ? highest : key;
}
Key key_of(std::int64_t x) { return static_cast<Key>(x) ^ (Key{1} << 63); }

std::vector<Key> keys(const Array& of) {
  const Array x = kernels::as_computed(of);
  std::vector<Key> all(static_cast<std::size_t>(x.size()));
  dispatch(x.dtype(), [&]<class T>() {
    using Kind = std::conditional_t<std::is_integral_v<T>, std::int64_t, double>;
    std::transform(x.data<T>(), x.data<T>() + x.size(), all.begin(),
                   [](T element) { return key_of(static_cast<Kind>(element)); });
  });
  return all;
}

/// How many of n keys in order are less than each of these, or equal, if so asked. Some at a time, as each
/// step waits for memory, and without branches, which no processor could foresee.
void count_before(const Key* keys, std::int64_t n, const Key* wanted, std::int64_t count, bool or_equal,
                  std::int64_t* to) {
  constexpr std::int64_t together = 8;
  for (; count > 0; count -= together, wanted += together, to += together) {
    const std::int64_t some = std::min(count, together);
    const Key* first[together];
    Key own[together];
    for (std::int64_t j = 0; j < together; ++j) {
      first[j] = keys;
      own[j] = wanted[std::min(j, some - 1)];
    }
    const auto pass = [&](std::int64_t step) {
#pragma GCC unroll 8
      for (std::int64_t j = 0; j < together; ++j) {
        const Key other = first[j][step - 1];
        first[j] += step & -static_cast<std::int64_t>((other < own[j]) | (or_equal & (other == own[j])));
      }
    };
    std::int64_t left = n;
    for (; left > 1; left -= left / 2) pass(left / 2);
    if (left == 1) pass(1);
    for (std::int64_t j = 0; j < some; ++j) to[j] = first[j] - keys;
  }
}

Tensor without_axis(const Tensor& x, std::size_t axis) {
  return reshape(x, with_axis_replaced(x.shape(), axis, {}));
}

/// The elements at these places along an axis.
Ordered at_places(const OfAxis& of, Here here, const FindPlaces& find, bool keepdims = true) {
  const Tensor places = places_along(of.x, of.axis, find);
  const Tensor values = is_batched(places) ? gather_along("sort", of.x, of.axis, places)
                                           : gather_each({of.x, here}, of.axis, value_of(places));
  const auto result = [&](const Tensor& found) {
    return of.result(keepdims ? found : without_axis(found, of.axis));
  };
  return {result(values), result(places)};
}

/// `count` places of each line along the axis, which find(x, lines) tells.
Array places_in_lines(const Tensor& x, std::size_t axis, std::int64_t count, const auto& find) {
  Shape shape = x.shape();
  shape[axis] = count;
  const AlongAxis along(x.shape(), axis);
  return find(kernels::as_computed(value_of(x)), kernels::Lines{along.outer, along.n, along.inner})
      .reshaped(shape);
}
/// The first `count` of each line along the axis in order.
Array places_in_order(const Tensor& x, std::size_t axis, std::int64_t count, bool descending) {
  return places_in_lines(x, axis, count, [&](const Array& array, const kernels::Lines& lines) {
    return kernels::places_in_order(array, lines, count, descending);
  });
}

void require_elements(std::string_view operation, const Shape& shape, std::int64_t size) {
  if (size == 0)
    throw ShapeError(std::string(operation) + ": nothing to choose from: shape " + to_string(shape) +
                     " has no elements along the axis; check that the tensor is not empty");
}

FindPlaces extreme_of(bool largest) {
  return [largest](const Tensor& x, std::size_t axis) {
    return places_in_lines(x, axis, 1, [&](const Array& array, const kernels::Lines& lines) {
      return kernels::places_of_extremes(array, lines, largest);
    });
  };
}
FindPlaces order_of(bool descending) {
  return [descending](const Tensor& x, std::size_t axis) {
    return places_in_order(x, axis, x.shape()[axis], descending);
  };
}
/// Of the k-th smallest, k counted from 0.
FindPlaces kth_of(std::int64_t k, bool prefer_nan) {
  return [k, prefer_nan](const Tensor& x, std::size_t axis) {
    return places_in_lines(x, axis, 1, [&](const Array& array, const kernels::Lines& lines) {
      return kernels::places_of_kth(array, lines, k, prefer_nan);
    });
  };
}

Ordered extreme(std::string_view operation, const Operand& x, std::int64_t axis, bool keepdims,
                bool largest) {
  const OfAxis of(operation, x.as_tensor(), axis);
  require_elements(operation, of.x.shape(), of.size());
  return at_places(of, x.here(), extreme_of(largest), keepdims);
}

Tensor extreme_places(std::string_view operation, const Operand& x, std::optional<std::int64_t> axis,
                      bool keepdims, bool largest) {
  const Tensor in = x.as_tensor().detach();
  const OfAxis of(operation, in, axis);
  require_elements(operation, in.shape(), of.size());
  const Tensor places = places_along(of.x, of.axis, extreme_of(largest));
  if (!axis) return reshape(places, Shape::filled(keepdims ? in.rank() : 0, 1));
  return of.result(keepdims ? places : without_axis(places, of.axis));
}

}  // namespace
}  // namespace ops

Ordered sort(const Operand& x, Integer axis, Flag descending) try {
  return ops::at_places({"sort", x.as_tensor(), axis}, x.here(), ops::order_of(descending));
} catch (...) {
  rethrow_in_call(x);
}

Tensor argsort(const Operand& x, Integer axis, Flag descending) try {
  const ops::OfAxis of("argsort", x.as_tensor(), axis);
  return of.result(ops::places_along(of.x, of.axis, ops::order_of(descending)));
} catch (...) {
  rethrow_in_call(x);
}

Ordered topk(const Operand& x, Integer k, Integer axis, Flag largest) try {
  const ops::OfAxis of("topk", x.as_tensor(), axis);
  if (k < (of.is_scalar ? 1 : 0) || k > of.size())
    throw ShapeError("topk: k = " + std::to_string(k) + " of axis " + std::to_string(of.axis) + " of shape " +
                     to_string(x.as_tensor().shape()) + (of.is_scalar ? "; give 1" : "; give 0 to its size"));
  return ops::at_places(of, x.here(), [k, largest](const Tensor& all, std::size_t along) {
    return ops::places_in_order(all, along, k, largest);
  });
} catch (...) {
  rethrow_in_call(x);
}

Ordered kthvalue(const Operand& x, Integer k, Integer axis, Flag keepdims) try {
  const ops::OfAxis of("kthvalue", x.as_tensor(), axis);
  if (k < 1 || k > of.size())
    throw ShapeError("kthvalue: k = " + std::to_string(k) + " of axis " + std::to_string(of.axis) +
                     " of shape " + to_string(x.as_tensor().shape()) + "; give 1 to its size");
  return ops::at_places(of, x.here(), ops::kth_of(k - 1, false), keepdims);
} catch (...) {
  rethrow_in_call(x);
}

Ordered median(const Operand& x, Integer axis, Flag keepdims) try {
  const ops::OfAxis of("median", x.as_tensor(), axis);
  ops::require_elements("median", of.x.shape(), of.size());
  return ops::at_places(of, x.here(), ops::kth_of((of.size() - 1) / 2, true), keepdims);
} catch (...) {
  rethrow_in_call(x);
}

Tensor median(const Operand& x) try {
  ops::require_elements("median", x.as_tensor().shape(), x.as_tensor().size());
  return median(reshape(x, {-1}), 0).values;
} catch (...) {
  rethrow_in_call(x);
}

Ordered max_with_places(const Operand& x, Integer axis, Flag keepdims) try {
  return ops::extreme("max_with_places", x, axis, keepdims, true);
} catch (...) {
  rethrow_in_call(x);
}
Ordered min_with_places(const Operand& x, Integer axis, Flag keepdims) try {
  return ops::extreme("min_with_places", x, axis, keepdims, false);
} catch (...) {
  rethrow_in_call(x);
}
Tensor argmax(const Operand& x, OptionalInteger axis, Flag keepdims) try {
  return ops::extreme_places("argmax", x, axis, keepdims, true);
} catch (...) {
  rethrow_in_call(x);
}
Tensor argmin(const Operand& x, OptionalInteger axis, Flag keepdims) try {
  return ops::extreme_places("argmin", x, axis, keepdims, false);
} catch (...) {
  rethrow_in_call(x);
}

Tensor searchsorted(const Operand& sorted, const Operand& values, Flag right) try {
  const DType dtype = ops::common_dtype(sorted, values);
  const Tensor line = sorted.as(dtype).detach(), wanted = values.as(dtype).detach();
  if (line.rank() == 0)
    throw ShapeError(
        "searchsorted: a scalar, of shape (), to search in; give one axis of elements, in ascending order");
  if (line.rank() > 1 && (wanted.rank() != line.rank() ||
                          !std::equal(line.shape().begin(), line.shape().end() - 1, wanted.shape().begin())))
    throw ShapeError("searchsorted: values " + to_string(wanted.shape()) + " to find in rows " +
                     to_string(line.shape()) + "; all axes but the last must have the same size");
  // Behind the elements, which may be others for each sample of a vmap, what is looked for.
  const Tensor rows =
      concatenate({Operand(line), Operand(line.rank() > 1 ? wanted : reshape(wanted, {-1}))}, -1);
  const auto find = [n = line.shape().back(), from_right = bool(right)](const Array& array) {
    const std::vector<ops::Key> all = ops::keys(array);
    const std::size_t axis = array.shape().rank() - 1;
    const std::int64_t length = array.shape()[axis];
    Shape shape = array.shape();
    shape[axis] = length - n;
    Array places(shape, DType::int64);
    auto* to = places.mutable_data<std::int64_t>();
    for (const auto* in = all.data(), * const end = in + all.size(); in != end;
         in += length, to += length - n)
      ops::count_before(in, n, in + n, length - n, from_right, to);
    return places;
  };
  return reshape(ops::numbers_of_rows(rows, find), wanted.shape());
} catch (...) {
  rethrow_in_call(sorted, values);
}

}  // namespace chainrule
