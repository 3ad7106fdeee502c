// The different elements of a tensor, with their places and counts: of whole numbers of a small range by
// counting, of all others by sorting.

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "kernels/cast.h"
#include "kernels/order.h"
#include "ops/elementwise.h"
#include "ops/places/places.h"

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

}  // namespace

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
  const Tensor in = x.as_tensor().detach(), flat = reshape(in, {-1});
  const std::int64_t n = flat.size();
  if (n == 0) return unique(in);
  const Tensor begins = concatenate({constant(Array(true).reshaped({1})),
                                     narrow(flat, 0, 1, n - 1) != narrow(flat, 0, 0, n - 1)}),
               runs = cumsum(begins) - 1;
  return {masked_select(flat, begins), reshape(runs, in.shape()), bincount(runs)};
} catch (...) {
  rethrow_in_call("unique_consecutive", x);
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
