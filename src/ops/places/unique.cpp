// The different elements of a tensor, with their places and counts, and the most frequent one: of whole
// numbers of a small range by counting, of all others by sorting.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "kernels/cast.h"
#include "kernels/order.h"
#include "ops/along_axis.h"
#include "ops/elementwise.h"
#include "ops/places/places.h"
#include "ops/registry.h"

namespace chainrule {

namespace {

/// unique of whole numbers from `low` on, so few that they can be counted one by one.
Unique unique_of_range(const Tensor& in, const Array& elements, std::int64_t low, std::size_t range) {
  std::vector<std::int64_t> table(range, 0), values, counts;
  const std::span all(elements.data<std::int64_t>(), static_cast<std::size_t>(elements.size()));
  for (const std::int64_t element : all) ++table[static_cast<std::size_t>(element - low)];
  for (std::int64_t value = low; std::int64_t & count : table) {
    if (count != 0) {
      counts.push_back(count);
      count = std::ssize(values);
      values.push_back(value);
    }
    ++value;
  }
  Array inverse(in.shape(), DType::int64);
  auto* to = inverse.mutable_data<std::int64_t>();
  for (const std::int64_t element : all) *to++ = table[static_cast<std::size_t>(element - low)];
  return {cast(tensor(std::move(values)), in.dtype()), constant(std::move(inverse)),
          tensor(std::move(counts))};
}

/// The slices along an axis that are not as the one before, in the order in which they are given, or sorted.
Unique unique_slices(std::string_view name, const Tensor& in, std::int64_t axis, bool in_order) {
  const auto along = static_cast<std::int64_t>(normalize_axis(name, axis, in.shape()));
  const std::int64_t n = in.shape()[static_cast<std::size_t>(along)], each = n == 0 ? 0 : in.size() / n;
  const Array slices = kernels::as_computed(value_of(reshape(movedim(in, along, 0), {n, each})));
  std::vector<std::int64_t> order(static_cast<std::size_t>(n)), firsts, counts, inverse(order.size());
  std::iota(order.begin(), order.end(), 0);
  dispatch(slices.dtype(), [&]<class T>() {
    const auto slice = [&](std::int64_t i) {
      return std::span(slices.data<T>() + i * each, static_cast<std::size_t>(each));
    };
    const auto is_less = [](T a, T b) { return a < b || (a == a && b != b); };  // NaN is the largest
    if (in_order)
      std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) {
        return std::ranges::lexicographical_compare(slice(a), slice(b), is_less);
      });
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i == 0 || !std::ranges::equal(slice(order[i]), slice(order[i - 1]))) {
        firsts.push_back(order[i]);
        counts.push_back(0);
      }
      ++counts.back();
      inverse[static_cast<std::size_t>(order[i])] = std::ssize(firsts) - 1;
    }
  });
  return {index_select(in, along, tensor(std::move(firsts))), tensor(std::move(inverse)),
          tensor(std::move(counts))};
}

}  // namespace

namespace ops {

/// The values, and of the rest what is asked for, in NumPy's order; all but the first places where nothing is
/// said.
static Result parts_of(Arguments& a, const Unique& found) {
  if (!a.given(1) && !a.given(2) && !a.flag(4))
    return std::vector<Tensor>{found.values, found.inverse, found.counts};
  std::vector<Tensor> parts = {found.values};
  if (a.flag(4)) parts.push_back(found.first_places());
  if (a.given(1) && a.flag(1)) parts.push_back(found.inverse);
  if (a.given(2) && a.flag(2)) parts.push_back(found.counts);
  if (parts.size() == 1) return found.values;
  return parts;
}

Entries unique_operations() {
  static constexpr Entry table[] = {
      {.name = "mode",
       .parameters = "x|input, axis|dim=-1, keepdims|keepdim=False",
       .call = call<static_cast<Ordered (*)(const Operand&, Integer, Flag)>(mode)>,
       .formula = "the gradient at the place of the most frequent element, 0 elsewhere",
       .example = "mode([3, 1, 2, 1])",
       .note = "gives values and places; the smallest of those as frequent, at the last of its places"},
      {.name = "unique",
       .parameters =
           "x|ar|input, return_inverse=None, return_counts=None, axis|dim=None, return_index=False, "
           "sorted=True",
       .call = [](Arguments& a) -> Result {
         return parts_of(a, a.given(3) ? unique(a[0], a.integer(3)) : unique(a[0]));
       },
       .formula = "no gradient",
       .example = "unique([2, 1, 2])",
       .note = "gives values, places of the elements among them, and counts, or of the last two what is "
               "asked for",
       .differentiable = false},
      {.name = "unique_consecutive",
       .parameters = "x|input, return_inverse=None, return_counts=None, axis|dim=None, return_index=False",
       .call = [](Arguments& a) -> Result {
         return parts_of(a, a.given(3) ? unique_consecutive(a[0], a.integer(3)) : unique_consecutive(a[0]));
       },
       .formula = "no gradient",
       .example = "unique_consecutive([2, 2, 1, 2])",
       .note = "gives values, which run each element is of, and lengths",
       .differentiable = false},
      {.name = "isin",
       .parameters = "x|element|elements, elements|test_elements",
       .call = call<isin>,
       .formula = "of bool: no gradient",
       .example = "isin([1, 2, 3], [3, 1])",
       .differentiable = false},
  };
  return table;
}

Ordered one_of(const Ordered& order, const OfAxis& of, const Tensor& place, bool keepdims) {
  const auto along = static_cast<std::int64_t>(of.axis);
  const auto found = [&](const Tensor& all) {
    const Tensor one = gather(all, along, place);
    return of.result(keepdims ? one : squeeze(one, along));
  };
  return {found(order.values), found(order.places)};
}

}  // namespace ops

Tensor Unique::first_places() const {
  Array firsts(counts.shape(), DType::int64);
  auto* const first = firsts.mutable_data<std::int64_t>();
  const std::span which = inverse.data<std::int64_t>();
  for (std::int64_t i = std::ssize(which); i-- > 0;) first[which[static_cast<std::size_t>(i)]] = i;
  return constant(std::move(firsts));
}

Unique unique(const Operand& x, Integer axis) try {
  return unique_slices("unique", x.as_tensor().detach(), axis, true);
} catch (...) {
  rethrow_in_call("unique", x);
}
Unique unique_consecutive(const Operand& x, Integer axis) try {
  return unique_slices("unique_consecutive", x.as_tensor().detach(), axis, false);
} catch (...) {
  rethrow_in_call("unique_consecutive", x);
}

Unique unique(const Operand& x) {
  const Tensor in = x.as_tensor().detach();
  const Array values = kernels::as_computed(value_of(in));
  if (values.dtype() == DType::int64 && values.size() > 0) {
    const Tensor whole = constant(values);
    const auto low = min(whole).item<std::int64_t>(), high = max(whole).item<std::int64_t>();
    const std::uint64_t beyond = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
    if (beyond < static_cast<std::uint64_t>(values.size()))
      return unique_of_range(in, values, low, static_cast<std::size_t>(beyond) + 1);
  }
  const Array order = kernels::places_in_order(values, {1, values.size(), 1}, values.size(), false);
  std::vector<std::int64_t> firsts, counts, inverse(static_cast<std::size_t>(values.size()));
  const auto* const places = order.data<std::int64_t>();
  dispatch(values.dtype(), [&]<class T>() {
    const T* const elements = values.data<T>();
    for (std::int64_t i = 0, n = order.size(); i < n; ++i) {
      const std::int64_t place = places[i];
      if (i == 0 || elements[place] != elements[places[i - 1]]) {  // each NaN differs from the others
        firsts.push_back(place);
        counts.push_back(0);
      }
      ++counts.back();
      inverse[static_cast<std::size_t>(place)] = static_cast<std::int64_t>(firsts.size()) - 1;
    }
  });
  const Tensor first = tensor(std::move(firsts));
  return {ops::gather_flat(in, value_of(first)), tensor(std::move(inverse), in.shape()),
          tensor(std::move(counts))};
}

Unique unique_consecutive(const Operand& x) try {
  const Tensor in = x.as_tensor().detach();
  const Array values = kernels::as_computed(value_of(in));
  const std::int64_t n = values.size();
  if (n == 0) return unique(in);
  Array inverse(in.shape(), DType::int64), ends({n}, DType::int64), counts, firsts;
  dispatch(values.dtype(), [&]<class T>() {
    const T* const elements = values.data<T>();
    auto *const runs = inverse.mutable_data<std::int64_t>(), *const end = ends.mutable_data<std::int64_t>();
    std::int64_t run = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      run += i > 0 && elements[i] != elements[i - 1] ? 1 : 0;
      runs[i] = run;
      end[run] = i + 1;  // until the run is over
    }
    counts = Array({run + 1}, DType::int64);
    firsts = Array({run + 1}, values.dtype());
    auto* const count = counts.mutable_data<std::int64_t>();
    T* const first = firsts.mutable_data<T>();
    for (std::int64_t k = 0; k <= run; ++k) {
      const std::int64_t begin = k == 0 ? 0 : end[k - 1];
      count[k] = end[k] - begin;
      first[k] = elements[begin];
    }
  });
  return {cast(constant(std::move(firsts)), in.dtype()), constant(std::move(inverse)),
          constant(std::move(counts))};
} catch (...) {
  rethrow_in_call("unique_consecutive", x);
}

Ordered mode(const Operand& x, Integer axis, Flag keepdims) try {
  const ops::OfAxis of("mode", x.as_tensor(), axis);
  const auto along = static_cast<std::int64_t>(of.axis);
  const std::int64_t n = of.x.shape()[of.axis];
  if (n == 0) return median(x, axis, keepdims);  // which refuses it
  const Ordered order = sort({of.x, x.here()}, along);
  // How many equal elements come before each.
  const Tensor values = order.values.detach();
  const Tensor begins = concatenate({narrow(ones(values.shape(), DType::boolean), along, 0, 1),
                                     narrow(values, along, 1, n - 1) != narrow(values, along, 0, n - 1)},
                                    along);
  Shape line = Shape::filled(values.rank(), 1);
  line[of.axis] = n;
  const Tensor at = reshape(arange(n), line), first = cummax(where(begins, at, 0), along).values;
  const Tensor place = argmax(at - first, along, true);
  return ops::one_of(order, of, place, keepdims);
} catch (...) {
  rethrow_in_call("mode", x);
}

Tensor isin(const Operand& x, const Operand& elements) try {
  const DType dtype = ops::common_dtype(x, elements);
  const Tensor in = x.as(dtype).detach(), among = reshape(elements.as(dtype).detach(), {-1});
  if (among.size() == 0) return zeros(in.shape(), DType::boolean);
  const Tensor order = sort(among).values;
  return take(order, minimum(searchsorted(order, in), among.size() - 1)) == in;
} catch (...) {
  rethrow_in_call("isin", x, elements);
}

}  // namespace chainrule
