// What looks for the place of each element among others: quantiles, counts, histograms, interpolation.
// Compositions: elements are sorted, or compared in numbers, and gradients go to those that are taken.

#include <algorithm>
#include <cmath>
#include <limits>

#include "array/number_text.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "kernels/cast.h"
#include "kernels/order.h"
#include "ops/along_axis.h"
#include "ops/batching.h"
#include "ops/elementwise.h"
#include "ops/places/places.h"
#include "ops/samples.h"
#include "ops/statistics/quantiles.h"

namespace chainrule {
namespace ops {
namespace {

/// Between which two elements of a sorted line of n a quantile lies, and how near it is to the second one.
struct Between {
  std::int64_t low, high;
  double weight;

  Between(double q, std::int64_t n, QuantileMethod method) {
    const double place = q * static_cast<double>(n - 1);
    low = static_cast<std::int64_t>(std::floor(place));
    high = static_cast<std::int64_t>(std::ceil(place));
    weight = method == QuantileMethod::midpoint ? 0.5 : place - std::floor(place);
    if (method == QuantileMethod::lower) high = low;
    if (method == QuantileMethod::higher) low = high;
    if (method == QuantileMethod::nearest) low = high = static_cast<std::int64_t>(std::nearbyint(place));
    if (low == high) weight = 0;
  }
};

/// The offsets of the elements of rows (m, n) at `places` of the sorted row, as (places, m). Of a row with
/// NaN, that of one NaN.
Array sorted_offsets(const Tensor& rows, const std::vector<std::int64_t>& places) {
  const Array values = kernels::as_computed(value_of(rows));
  const kernels::Lines lines{values.shape()[0], values.shape()[1], 1};
  Array result({static_cast<std::int64_t>(places.size()), lines.outer}, DType::int64);
  auto* out = result.mutable_data<std::int64_t>();
  constexpr std::size_t few = 6;  // are found one by one sooner than a row is sorted
  if (places.size() <= few) {
    for (const std::int64_t place : places) {
      const Array found = kernels::places_of_kth(values, lines, place, true);
      const auto* const in = found.data<std::int64_t>();
      for (std::int64_t row = 0; row < lines.outer; ++row) *out++ = row * lines.n + in[row];
    }
    return result;
  }
  const Array order = kernels::places_in_order(values, lines, lines.n, false);
  dispatch_floating(values.dtype(), [&]<class T>() {
    for (const std::int64_t place : places)
      for (std::int64_t row = 0; row < lines.outer; ++row) {
        const auto* const in = order.data<std::int64_t>() + row * lines.n;
        const bool has_nan = std::isnan(values.data<T>()[row * lines.n + in[lines.n - 1]]);
        *out++ = row * lines.n + in[has_nan ? lines.n - 1 : place];
      }
  });
  return result;
}
/// The elements there, of rows that are others in each sample of a vmap.
Tensor sorted_by_sample(const Tensor& rows, const std::vector<std::int64_t>& places) {
  const Tensor has_nan = any(rows != rows, 1, true), order = argsort(rows, 1);
  const std::int64_t n = rows.shape()[1];
  std::vector<Tensor> columns;
  columns.reserve(places.size());
  for (const std::int64_t place : places)
    columns.push_back(
        where(has_nan, order[{Slice{}, Slice{n - 1, n}}], order[{Slice{}, Slice{place, place + 1}}]));
  return transpose(gather(rows, 1, concatenate(columns, 1)));
}

/// Counts from 0 to below `length` for positions.
Array counts_of(std::span<const std::int64_t> positions, std::int64_t length) {
  Array counts({length}, DType::int64);
  auto* out = counts.mutable_data<std::int64_t>();
  std::fill_n(out, length, 0);
  for (const std::int64_t position : positions) ++out[position];
  return counts;
}

/// One more than the largest, of whole numbers with one axis; of those of all samples of a vmap.
std::int64_t numbers_to_count(const Tensor& x, std::int64_t minlength) {
  if (x.rank() != 1)
    throw ShapeError("bincount: takes one axis, not shape " + to_string(x.shape()) + "; reshape to {-1}");
  if (is_floating(x.dtype()))
    throw DTypeError("bincount: counts int64, not " + std::string(to_string(x.dtype())) + "; cast first");
  if (minlength < 0) throw ShapeError("bincount: minlength must not be negative; leave it out");
  const Tensor numbers = elements_of_all_samples(x);
  if (numbers.size() == 0) return minlength;
  const auto least = min(numbers).item<std::int64_t>(), most = max(numbers).item<std::int64_t>();
  if (least < 0)
    throw ShapeError("bincount: cannot count " + std::to_string(least) + ", of shape " +
                     to_string(x.shape()) + "; numbers must not be negative");
  return std::max(minlength, most == std::numeric_limits<std::int64_t>::max() ? most : most + 1);
}

/// (count, length): which of 0, 1, 2, ... each x is. Of samples of a vmap there are no places to count at.
Tensor are_numbers(const Tensor& x, std::int64_t length) {
  return reshape(x, {x.size(), 1}) == arange(0, length);
}

/// The ends of a histogram's bins, of all samples of a vmap.
void require_ranges(const Tensor& from, const Tensor& to, const Shape& shape) {
  const Tensor all_low = elements_of_all_samples(from), all_high = elements_of_all_samples(to);
  for (std::size_t i = 0; i < all_low.data<double>().size(); ++i) {
    const double low = all_low.data<double>()[i], high = all_high.data<double>()[i];
    if (!(low <= high) || !std::isfinite(high - low))
      throw ShapeError("histogram: the range " + number_text(low) + " to " + number_text(high) +
                       " is not increasing and of finite width, for shape " + to_string(shape) +
                       "; give a range, or leave out what is not finite");
  }
}
/// The edges of so many bins, which end exactly where the range does.
Tensor edges_between(const Tensor& from, const Tensor& to, std::int64_t bins, DType dtype) {
  const Tensor is_point = from == to;
  const Tensor low = where(is_point, from - 0.5, from), high = where(is_point, to + 0.5, to);
  if (!is_batched(low)) return linspace(low.item(), high.item(), bins + 1, dtype);
  const Tensor edge = arange(0, bins + 1, DType::float64);
  const Tensor between = low + (high - low) * edge / static_cast<double>(bins);
  return cast(where(edge == static_cast<double>(bins), high, between), dtype);
}
/// Of rows that begin with n edges, how many of the rest are between each and the next.
Array counted(const Array& given, std::int64_t n) {
  const Array rows = kernels::as_computed(given);
  const std::size_t axis = rows.shape().rank() - 1;
  const std::int64_t length = rows.shape()[axis];
  Shape shape = rows.shape();
  shape[axis] = n - 1;
  Array counts(shape, DType::int64);
  auto* out = counts.mutable_data<std::int64_t>();
  std::fill_n(out, counts.size(), 0);
  dispatch_floating(rows.dtype(), [&]<class T>() {
    const T* const end = rows.data<T>() + rows.size();
    for (const T* row = rows.data<T>(); row != end; row += length, out += n - 1) {
      // In double, as the range may be beyond that of float.
      const double low = row[0], high = row[n - 1], width = (high - low) / static_cast<double>(n - 1);
      const double per_width = width > std::numeric_limits<double>::min() ? 1 / width : 0;
      for (const T element : std::span(row + n, static_cast<std::size_t>(length - n))) {
        if (!(element >= low && element <= high)) continue;
        // Edges lie evenly, but for their rounding.
        auto bin = std::min(static_cast<std::int64_t>((element - low) * per_width), n - 2);
        while (element < row[bin]) --bin;
        while (bin < n - 2 && row[bin + 1] <= element) ++bin;
        ++out[bin];
      }
    }
  });
  return counts;
}

/// For each x the segment of xp to interpolate in: that with xp[k] <= x < xp[k + 1], or the first or last.
Array segments_of(const Array& given, const Array& points_given) {
  const Array x = kernels::as_computed(given), xp = kernels::as_computed(points_given);
  Array result(x.shape(), DType::int64);
  auto* out = result.mutable_data<std::int64_t>();
  dispatch_floating(x.dtype(), [&]<class T>() {
    const std::span<const T> points(xp.data<T>(), static_cast<std::size_t>(xp.size()));
    const auto last = std::max<std::int64_t>(std::ssize(points) - 2, 0);
    for (const T element : std::span(x.data<T>(), static_cast<std::size_t>(x.size()))) {
      const auto above = std::upper_bound(points.begin(), points.end(), element);
      *out++ = std::clamp<std::int64_t>(above - points.begin() - 1, 0, last);
    }
  });
  return result;
}
Tensor segments(const Tensor& x, const Tensor& xp) {
  return apply(Numbers([](Values in) { return segments_of(*in[0], *in[1]); },
                       [](const Unwrapped& at) {
                         if (!at.has(1)) return segments(at.in[0], at.in[1]);
                         return at.one_by_one("interp", [](const std::vector<Tensor>& sample) {
                           return segments(sample[0], sample[1]);
                         });
                       }),
               {}, Argument(x), Argument(xp));
}

}  // namespace

Tensor as_rows(std::string_view operation, const Tensor& x, const AxisMask& mask) {
  std::vector<std::int64_t> order;
  std::int64_t n = 1;
  for (const bool is_reduced : {false, true})
    for (std::size_t axis = 0; axis < x.rank(); ++axis)
      if (mask[axis] == is_reduced) order.push_back(static_cast<std::int64_t>(axis));
  for (std::size_t axis = 0; axis < x.rank(); ++axis)
    if (mask[axis]) n *= x.shape()[axis];
  if (n == 0)
    throw ShapeError(std::string(operation) + ": nothing to reduce: shape " + to_string(x.shape()) +
                     " has no elements along the axes; check that the tensor is not empty");
  return reshape(permute(x, order), {x.size() / n, n});
}

Tensor between(const Tensor& a, const Tensor& b, const Tensor& t) {
  const Tensor distance = where((a == b) & (a - a != 0), 0, b - a);
  return where(t < 0.5, a + distance * t, b - distance * (1 - t));
}

QuantileMethod quantile_method(Arguments& a, std::size_t i) {
  constexpr QuantileMethod all[] = {QuantileMethod::linear, QuantileMethod::lower, QuantileMethod::higher,
                                    QuantileMethod::midpoint, QuantileMethod::nearest};
  return all[a.choice(i, {"linear", "lower", "higher", "midpoint", "nearest"})];
}

static Result histogram_by_name(Arguments& a) {
  const bool has_edges = a.tensor(1).rank() != 0;
  Histogram result;
  if (has_edges) {
    result.edges = a.tensor(1);
  } else {
    if (a.integer(1) > a.most_elements()) a.fail(1, "fewer bins");
    std::optional<std::pair<double, double>> range;
    if (a.given(2)) {
      const std::vector<double> ends = a.tensor(2).to_vector<double>();
      if (ends.size() != 2) a.fail(2, "two numbers");
      range = {ends[0], ends[1]};
    }
    result = histogram(a[0], a.integer(1), range);
  }
  if (has_edges || a.given(4)) result = histogram(a[0], result.edges, a.given(4) ? a.tensor(4) : Tensor());
  return std::vector<Tensor>{a.flag(3) ? result.density() : result.counts, result.edges};
}

Entries counting_operations() {
  static constexpr Entry table[] = {
      {.name = "quantile",
       .parameters = "x|a|input, q, axis|dim=None, keepdims|keepdim=False, interpolation|method='linear'",
       .call = [](Arguments& a) -> Result {
         return quantile(a[0], a[1], a.axes(2), a.flag(3), quantile_method(a, 4));
       },
       .formula = "the gradient, shared between the two elements around the quantile",
       .example = "quantile([1, 2, 4, 8], 0.5)"},
      {.name = "bincount",
       .parameters = "x|input, weights=None, minlength=0",
       .call = [](Arguments& a) -> Result {
         const Tensor places = a.places(0);
         if (a.integer(2) > a.most_elements()) a.fail(2, "fewer");
         if (places.size() != 0 && max(places).item<std::int64_t>() >= a.most_elements())
           a.fail(0, "smaller numbers");
         return a.given(1) ? bincount(places, a.tensor(1), a.integer(2)) : bincount(places, a.integer(2));
       },
       .formula = "to the weights: the gradient at the number they were added to",
       .example = "bincount([0, 2, 2], [0.5, 1, 1])"},
      {.name = "histogram",
       .parameters = "x|a|input, bins=10, range=None, density=False, weights|weight=None",
       .call = histogram_by_name,
       .formula = "to the weights: the gradient of their bin",
       .example = "histogram([1, 2, 2, 4], 3)"},
      {.name = "interp",
       .parameters = "x, xp, fp",
       .call = call<interp>,
       .formula = "∂f/∂x = the slope of the segment; to fp: the gradient shared between its ends",
       .example = "interp([0.5, 2], [0, 1, 3], [0, 10, 20])",
       .note = "constant outside; at a point the slope on its right; under vmap over xp the segments are "
               "found sample "
               "after sample"},
  };
  return table;
}

}  // namespace ops

Tensor quantile(const Operand& x, const Operand& q, const Axes& axes, Flag keepdims,
                QuantileMethod method) try {
  const Tensor in = x.as(ops::real_dtype(x.dtype())), asked = q.as(DType::float64);
  const AxisMask mask = ops::axis_mask("quantile", axes, in.shape());
  const Tensor rows = ops::as_rows("quantile", in, mask);
  const std::int64_t n = rows.shape()[1];
  std::vector<std::int64_t> places, high;
  std::vector<double> weights;
  for (const double each : asked.data<double>()) {
    if (!(each >= 0 && each <= 1))
      throw ShapeError("quantile: " + number_text(each) + " is no quantile, for shape " +
                       to_string(in.shape()) + "; give numbers from 0 to 1");
    const ops::Between between(each, n, method);
    places.push_back(between.low);
    high.push_back(between.high);
    weights.push_back(between.weight);
  }
  std::vector<std::int64_t> sizes(asked.shape().begin(), asked.shape().end());
  const Shape left = reduced(in.shape(), mask, keepdims);
  sizes.insert(sizes.end(), left.begin(), left.end());
  if (weights.empty()) return zeros(Shape(sizes), in.dtype());
  places.insert(places.end(), high.begin(), high.end());
  const Tensor chosen = ops::is_batched(rows) ? ops::sorted_by_sample(rows, places)
                                              : ops::gather_flat(rows, ops::sorted_offsets(rows, places));
  const auto count = static_cast<std::int64_t>(weights.size());
  Tensor weight = tensor(weights, {count, 1});
  if (asked.requires_grad() && method == QuantileMethod::linear) {
    const Tensor to = reshape(asked, {count, 1});
    weight = weight + (to - to.detach()) * static_cast<double>(n - 1);
  }
  return reshape(
      ops::between(chosen[{Slice{0, count}}], chosen[{Slice{count, 2 * count}}], cast(weight, in.dtype())),
      Shape(sizes));
} catch (...) {
  rethrow_in_call("quantile", x);
}

Tensor bincount(const Operand& x, std::int64_t minlength) try {
  const Tensor in = x.as(promote(x.dtype(), DType::int64));
  const std::int64_t length = ops::numbers_to_count(in, minlength);
  if (ops::is_batched(in)) return sum(cast(ops::are_numbers(in, length), DType::int64), 0);
  return constant(ops::counts_of(in.data<std::int64_t>(), length));
} catch (...) {
  rethrow_in_call("bincount", x);
}

Tensor bincount(const Operand& x, const Tensor& weights, Integer minlength) try {
  const Tensor in = x.as(promote(x.dtype(), DType::int64));
  const std::int64_t length = ops::numbers_to_count(in, minlength);
  if (weights.shape() != in.shape())
    throw ShapeError("bincount: weights " + to_string(weights.shape()) + " do not fit x " +
                     to_string(in.shape()) + "; give one weight for each");
  const Tensor real = Operand(weights).as(ops::real_dtype(weights.dtype()));
  if (ops::is_batched(in)) return sum(where(ops::are_numbers(in, length), reshape(real, {-1, 1}), 0), 0);
  return ops::add_flat(real, value_of(in), {length});
} catch (...) {
  rethrow_in_call("bincount", x, Operand(weights));
}

Histogram histogram(const Operand& x, std::int64_t bins, std::optional<std::pair<double, double>> range) try {
  const DType dtype = ops::real_dtype(x.dtype());
  const Tensor in = x.as(dtype).detach();
  if (bins < 1)
    throw ShapeError("histogram: " + std::to_string(bins) + " bins cannot be, for shape " +
                     to_string(in.shape()) + "; give at least one");
  (void)bytes_of({bins}, DType::int64);  // refuses numbers that have no successor
  const auto [first, last] = range.value_or(std::pair(0.0, 1.0));
  const bool own_range = !range && in.size() != 0;
  const Tensor low = own_range ? cast(min(in), DType::float64) : cast(tensor(first), DType::float64);
  const Tensor high = own_range ? cast(max(in), DType::float64) : cast(tensor(last), DType::float64);
  ops::require_ranges(low, high, in.shape());
  const Tensor edges = ops::edges_between(low, high, bins, dtype);
  const Tensor rows = concatenate({Operand(edges), Operand(reshape(in, {-1}))});
  return {ops::numbers_of_rows(rows, [n = bins + 1](const Array& each) { return ops::counted(each, n); }),
          edges};
} catch (...) {
  rethrow_in_call("histogram", x);
}

Histogram histogram(const Operand& x, const Tensor& edges, const Tensor& weights) try {
  const DType dtype = ops::real_dtype(ops::common_dtype(x, Operand(edges)));
  const Tensor in = x.as(dtype).detach(), bounds = Operand(edges).as(dtype).detach();
  const std::int64_t bins = bounds.size() - 1;
  if (bounds.rank() != 1 || bins < 1 || !all(elements_of_all_samples(diff(bounds, 1, -1) >= 0)).item<bool>())
    throw ShapeError("histogram: edges " + to_string(bounds.shape()) + " for shape " + to_string(in.shape()) +
                     "; give a vector of two or more, in ascending order");
  if (!weights.is_empty() && weights.shape() != in.shape())
    throw ShapeError("histogram: weights " + to_string(weights.shape()) + " do not fit x " +
                     to_string(in.shape()) + "; give one weight for each");
  // How many edges each element has reached; in the last bin also its last edge.
  const Tensor line = reshape(in, {-1}), reached = searchsorted(bounds, line, true);
  const Tensor bin = where(line == bounds[bins], bins, reached);
  const Tensor counts =
      weights.is_empty() ? bincount(bin, bins + 2) : bincount(bin, reshape(weights, {-1}), bins + 2);
  return {narrow(counts, 0, 1, bins), bounds};
} catch (...) {
  rethrow_in_call("histogram", x, Operand(edges));
}

Tensor Histogram::density() const { return counts / (sum(counts) * diff(edges)); }

Tensor interp(const Operand& x, const Operand& xp, const Operand& fp) try {
  const DType dtype = ops::real_dtype(ops::common_dtype(x, xp, fp));
  const Tensor at = x.as(dtype), points = xp.as(dtype), values = fp.as(dtype);
  if (points.rank() != 1 || points.size() == 0 || values.shape() != points.shape())
    throw ShapeError("interp: xp " + to_string(points.shape()) + " and fp " + to_string(values.shape()) +
                     " must be vectors of one length, and not empty");
  const std::int64_t n = points.size();
  const std::vector<double> all = elements_of_all_samples(points).to_vector<double>();
  for (auto sample = all.begin(); sample != all.end(); sample += n)
    if (!std::is_sorted(sample, sample + n))
      throw ShapeError("interp: xp " + to_string(points.shape()) + " decreases somewhere; sort the points");
  const Tensor k = ops::segments(at, points), next = minimum(k + 1, n - 1);
  const Tensor x0 = take_rows(points, k), x1 = take_rows(points, next), f0 = take_rows(values, k),
               f1 = take_rows(values, next);
  const Tensor width = x1 - x0, held = clamp(at, points[0], points[n - 1]);
  // Without a width it is outside of points that begin or end with equal ones.
  const Tensor t = where(width == 0, cast(at >= points[n - 1], dtype),
                         (held - x0) / where(width == 0, 1, width)),
               rise = f1 - f0;
  return where(t < 0.5, f0 + rise * t, f1 - rise * (1 - t));  // meets both ends
} catch (...) {
  rethrow_in_call("interp", x, xp, fp);
}

}  // namespace chainrule
