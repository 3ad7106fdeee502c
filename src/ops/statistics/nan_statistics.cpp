// Statistics of what is not NaN, made of those of everything: what is NaN is replaced by what changes
// nothing, and left out of the count.

#include <limits>

#include "chainrule/functions.h"
#include "chainrule/indexing.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "graph/traced.h"
#include "ops/along_axis.h"
#include "ops/elementwise.h"
#include "ops/places/places.h"
#include "ops/statistics/parameters.h"
#include "ops/statistics/quantiles.h"

namespace chainrule {
namespace ops {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// x with a number in place of NaN. Whole numbers stay as they are.
Tensor without_nan(const Operand& x, double instead) {
  const Tensor in = x.as_tensor();
  return is_floating(in.dtype()) ? where({in == in, x.here()}, in, instead) : in;
}

/// The largest, or the smallest, of `least`, which is -inf or inf. Where that is all there is, it has been
/// found, or stands for NaN: the mean of what is not NaN is then the same, or NaN, and shares the gradient.
Tensor extremum(std::string_view name, const Operand& x, const Axes& axes, bool keepdims, double least) try {
  const Tensor filled = without_nan(x, least);
  Tensor result = least < 0 ? max(filled, axes, keepdims) : min(filled, axes, keepdims);
  if (!is_floating(result.dtype())) return result;
  const Tensor undecided = result == least;
  if (traced(undecided) || any(undecided)) result = where(undecided, nanmean(x, axes, keepdims), result);
  return result;
} catch (...) {
  rethrow_in_call(name, x);
}

/// Distances from the mean, 0 of NaN, and the number to divide their squares by.
struct NumbersCentred {
  DType dtype;
  Tensor distance, divisor;

  NumbersCentred(const Operand& x, const Axes& axes, bool keepdims, double correction)
      : dtype(real_dtype(x.dtype())) {
    const Tensor in = x.as(computed_in(dtype)), is_number = in == in;
    distance = where(is_number, in - nanmean(in, axes, true), 0);
    divisor = maximum(sum(cast(is_number, in.dtype()), axes, keepdims) - correction, 0);
  }
};

/// Where a quantile lies among n numbers: between these two, so far from the first one.
struct Neighbours {
  Tensor low, high, weight;

  /// q and n are float64, and broadcast.
  Neighbours(const Tensor& q, const Tensor& n, QuantileMethod method) {
    const Tensor place = maximum(q * (n - 1), 0), below = floor(place);
    low = below, high = ceil(place);
    if (method == QuantileMethod::lower) high = low;
    if (method == QuantileMethod::higher) low = high;
    if (method == QuantileMethod::nearest) low = high = round(place);
    weight = method == QuantileMethod::midpoint ? (high - low) * 0.5 : place - low;
    low = cast(low, DType::int64), high = cast(high, DType::int64);
  }
};

}  // namespace

Entries nan_statistics_operations() {
  constexpr std::string_view spread = "x|a|input, axis|dim=None, keepdims|keepdim=False, correction|ddof=0";
  static constexpr Entry table[] = {
      {.name = "nanmax",
       .parameters = over_axes,
       .call = call<static_cast<Tensor (*)(const Operand&, const Axes&, Flag)>(nanmax)>,
       .formula = "as max, of what is not NaN",
       .example = "nanmax([1, nan, 2])"},
      {.name = "nanmin",
       .parameters = over_axes,
       .call = call<static_cast<Tensor (*)(const Operand&, const Axes&, Flag)>(nanmin)>,
       .formula = "as min, of what is not NaN",
       .example = "nanmin([1, nan, 2])"},
      {.name = "nanprod",
       .parameters = over_axes,
       .call = call<static_cast<Tensor (*)(const Operand&, const Axes&, Flag)>(nanprod)>,
       .formula = "as prod, of what is not NaN",
       .example = "nanprod([3, nan, 2])"},
      {.name = "nanvar",
       .parameters = spread,
       .call = call<static_cast<Tensor (*)(const Operand&, const Axes&, Flag, double)>(nanvar)>,
       .formula = "as var, of what is not NaN",
       .example = "nanvar([1, nan, 2])",
       .note = "correction = 0, as in NumPy, whose name it is"},
      {.name = "nanstd",
       .parameters = spread,
       .call = call<static_cast<Tensor (*)(const Operand&, const Axes&, Flag, double)>(nanstd)>,
       .formula = "as std, of what is not NaN",
       .example = "nanstd([1, nan, 2])",
       .note = "correction = 0, as in NumPy, whose name it is"},
      {.name = "nanmedian",
       .parameters = "x|a|input, axis|dim=None, keepdims|keepdim=False",
       .call = [](Arguments& a) -> Result {
         if (!a.given(1)) return nanmedian(a[0]);
         return registry::detail::result(nanmedian(a[0], a.integer(1), a.flag(2)));
       },
       .formula = "as median, of what is not NaN",
       .example = "nanmedian([3, nan, 1, 2])",
       .note = "the lower of two, as median; along an axis with its places"},
      {.name = "nanquantile",
       .parameters = "x|a|input, q, axis|dim=None, keepdims|keepdim=False, interpolation|method='linear'",
       .call = [](Arguments& a) -> Result {
         return nanquantile(a[0], a[1], a.axes(2), a.flag(3), quantile_method(a, 4));
       },
       .formula = "as quantile, of what is not NaN",
       .example = "nanquantile([1, nan, 2, 4], 0.5)"},
  };
  return table;
}

}  // namespace ops

Tensor nanmax(const Operand& x, const Axes& axes, Flag keepdims) {
  return ops::extremum("nanmax", x, axes, keepdims, -ops::infinity);
}
Tensor nanmin(const Operand& x, const Axes& axes, Flag keepdims) {
  return ops::extremum("nanmin", x, axes, keepdims, ops::infinity);
}
Tensor nanprod(const Operand& x, const Axes& axes, Flag keepdims) try {
  return prod(ops::without_nan(x, 1), axes, keepdims);
} catch (...) {
  rethrow_in_call("nanprod", x);
}

Tensor nanvar(const Operand& x, const Axes& axes, Flag keepdims, double correction) try {
  const ops::NumbersCentred of(x, axes, keepdims, correction);
  return cast(sum(square(of.distance), axes, keepdims) / of.divisor, of.dtype);
} catch (...) {
  rethrow_in_call("nanvar", x);
}
Tensor nanstd(const Operand& x, const Axes& axes, Flag keepdims, double correction) try {
  const ops::NumbersCentred of(x, axes, keepdims, correction);
  return cast(norm(of.distance, axes, keepdims) / sqrt(of.divisor), of.dtype);
} catch (...) {
  rethrow_in_call("nanstd", x);
}

Ordered nanmedian(const Operand& x, Integer axis, Flag keepdims) try {
  const ops::OfAxis of("nanmedian", x.as_tensor(), axis);
  const auto along = static_cast<std::int64_t>(of.axis);
  if (of.x.shape()[of.axis] == 0) return median(x, axis, keepdims);  // which refuses it
  const Ordered order = sort({of.x, x.here()}, along);
  const Tensor place = floor_divide(maximum(sum(of.x == of.x, along, true) - 1, 0), 2);
  return ops::one_of(order, of, place, keepdims);
} catch (...) {
  rethrow_in_call("nanmedian", x);
}
Tensor nanmedian(const Operand& x) { return nanmedian(reshape(x, {-1}), 0).values; }

Tensor nanquantile(const Operand& x, const Operand& q, const Axes& axes, Flag keepdims,
                   QuantileMethod method) try {
  const Tensor in = x.as(ops::real_dtype(x.dtype())), asked = q.as(DType::float64);
  const AxisMask mask = ops::axis_mask("nanquantile", axes, in.shape());
  const Tensor rows = ops::as_rows("nanquantile", in, mask), order = sort({rows, x.here()}, 1).values;
  ops::require(
      "nanquantile", "the quantiles", asked, [](double each) { return each >= 0 && each <= 1; },
      "from 0 to 1");
  const ops::Neighbours of(reshape(asked, {-1}), cast(sum(rows == rows, 1, true), DType::float64), method);
  const Tensor found =
      ops::between(gather(order, 1, of.low), gather(order, 1, of.high), cast(of.weight, in.dtype()));
  std::vector<std::int64_t> sizes(asked.shape().begin(), asked.shape().end());
  const Shape left = reduced(in.shape(), mask, keepdims);
  sizes.insert(sizes.end(), left.begin(), left.end());
  return reshape(transpose(found), Shape(sizes));
} catch (...) {
  rethrow_in_call("nanquantile", x);
}

}  // namespace chainrule
