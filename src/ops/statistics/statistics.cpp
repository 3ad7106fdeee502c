// Statistics made of other operations: spread, weighted and partial sums, norms of any order, comparisons.
// Moments are taken about the mean, in two passes, and norms scaled; derivatives follow.

#include "chainrule/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "array/number_text.h"
#include "chainrule/functions.h"
#include "chainrule/shaping.h"
#include "ops/along_axis.h"
#include "ops/elementwise.h"
#include "ops/registry.h"
#include "ops/samples.h"

namespace chainrule {
namespace ops {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// x in real numbers, what is left of each element without the mean, and the number to divide squares by.
struct Centred {
  Tensor x, mean, distance;
  double divisor;

  Centred(const Operand& in, const Axes& axes, double correction) : x(in.as(real_dtype(in.dtype()))) {
    const AxisMask mask = axis_mask("mean", axes, x.shape());
    double n = 1;
    for (std::size_t axis = 0; axis < x.rank(); ++axis)
      if (mask[axis]) n *= static_cast<double>(x.shape()[axis]);
    mean = chainrule::mean(x, axes, true);
    distance = x - mean;
    divisor = std::max(n - correction, 0.0);
  }
  Tensor var(const Axes& axes, bool keepdims) const {
    return sum(square(distance), axes, keepdims) / divisor;
  }
  Tensor std(const Axes& axes, bool keepdims) const {
    return norm(distance, axes, keepdims) / std::sqrt(divisor);
  }
  Tensor mean_over(const Axes& axes, bool keepdims) const {
    return keepdims ? mean : sum(mean, axes);  // of one element each
  }
};

/// ‖x‖ of an order that has no operation of its own. In units of its largest element, or its smallest for a
/// negative order, no power that matters is lost. As the norm is homogeneous, the unit counts as a constant.
Tensor norm_of_order(const Tensor& x, double order, const Axes& axes, bool keepdims) {
  const Tensor size = abs(x);
  if (x.size() == 0 && order > 0) return sum(size, axes, keepdims);
  Tensor unit;
  {
    const NoGrad guard;
    const Tensor extreme = order > 0 ? max(size, axes, true) : min(size, axes, true);
    unit = where((extreme > 0) & (extreme < infinity), extreme, 1);
  }
  const bool is_even = std::fmod(order, 2) == 0;  // then powers are smooth at 0, where abs() is not
  const Tensor powers = is_even ? pow(square(x / unit), order / 2) : pow(size / unit, order);
  const Tensor scaled = pow(sum(powers, axes, true), 1 / order) * unit;
  return keepdims ? scaled : sum(scaled, axes);  // of one element each
}

}  // namespace

// Of the overloads those that are not deleted.
using Reducing = Tensor (*)(const Operand&, const Axes&, Flag);
using Spread = Tensor (*)(const Operand&, const Axes&, Flag, double);

/// PyTorch's older keyword, unbiased, stands for a correction of 1 or of none.
template <auto f>
Result spread_of(Arguments& a) {
  return registry::detail::result(
      f(a[0], a.axes(1), a.flag(2), a.given(4) ? double(a.flag(4)) : a.number(3)));
}

/// The variables of x, and behind them those of y, in rows.
static Tensor variables(Arguments& a) {
  std::vector<Tensor> rows;
  for (const std::size_t i : {0, 1})
    if (a.given(i)) {
      const Tensor x = a[i].as_tensor();
      if (i == 1 && x.rank() == 0) a.fail(i, "more variables; a correction is given by its name");
      rows.push_back(!a.flag(2) && x.rank() == 2 ? transpose(x) : x);
    }
  return rows.size() == 1 ? rows[0] : vstack(rows);
}

Entries statistics_operations() {
  constexpr std::string_view spread =
      "x|a|input, axis|dim=None, keepdims|keepdim=False, correction|ddof=1, unbiased=None";
  constexpr std::string_view ddof_note = "correction = 1, as in PyTorch; NumPy's ddof is 0 unless given";
  static constexpr Entry table[] = {
      {.name = "var",
       .parameters = spread,
       .call = spread_of<static_cast<Spread>(var)>,
       .formula = "∂var(x)/∂xᵢ = 2 (xᵢ − mean(x)) / (n − correction)",
       .example = "var([1, 2, 4])",
       .note = ddof_note},
      {.name = "std",
       .parameters = spread,
       .call = spread_of<static_cast<Spread>(chainrule::std)>,
       .formula = "∂std(x)/∂xᵢ = (xᵢ − mean(x)) / ((n − correction) std(x)) (0 if all x are equal)",
       .example = "std([1, 2, 4])",
       .note = ddof_note},
      {.name = "var_mean",
       .parameters = spread,
       .call = spread_of<static_cast<VarMean (*)(const Operand&, const Axes&, Flag, double)>(var_mean)>,
       .formula = "those of var and mean",
       .example = "var_mean([1, 2, 6])",
       .note = ddof_note},
      {.name = "std_mean",
       .parameters = spread,
       .call = spread_of<static_cast<StdMean (*)(const Operand&, const Axes&, Flag, double)>(std_mean)>,
       .formula = "those of std and mean",
       .example = "std_mean([1, 2, 6])",
       .note = ddof_note},
      {.name = "ptp",
       .parameters = over_axes,
       .call = call<static_cast<Reducing>(ptp)>,
       .formula = "∂(max(x) − min(x))/∂x",
       .example = "ptp([1, 4, 2])"},
      {.name = "cov",
       .parameters = "x|m|input, y=None, rowvar=True, bias=False, correction|ddof=None, fweights=None, "
                     "aweights=None",
       .call = [](Arguments& a) -> Result {
         const double correction = a.given(4) ? a.number(4) : a.flag(3) ? 0 : 1;
         if (!a.given(5) && !a.given(6)) return cov(variables(a), correction);
         return cov(variables(a), correction, a.given(5) ? a.places(5) : Tensor(),
                    a.given(6) ? a[6].as_tensor() : Tensor());
       },
       .formula = "∂((x − mean)(x − mean)ᵀ / (n − correction))/∂x",
       .example = "cov([[1, 2, 4], [0, 1, 1]])",
       .note = "rows are variables, columns observations, unless rowvar says otherwise"},
      {.name = "corrcoef",
       .parameters = "x|input, y=None, rowvar=True",
       .call = [](Arguments& a) -> Result { return corrcoef(variables(a)); },
       .formula = "∂(u uᵀ)/∂x, u = (x − mean) / ‖x − mean‖ by rows",
       .example = "corrcoef([[1, 2, 4], [0, 1, 1]])"},
      {.name = "average",
       .parameters = "x|a, axis=None, weights=None, keepdims=False",
       .call = [](Arguments& a) -> Result {
         if (!a.given(2)) return mean(a[0], a.axes(1), a.flag(3));
         return average(a[0], a[2], a.axes(1), a.flag(3));
       },
       .formula = "∂(Σ w x / Σ w)/∂xᵢ = wᵢ / Σ w,  ∂/∂wᵢ = (xᵢ − average) / Σ w",
       .example = "average([1, 2, 4], weights=[1, 1, 2])"},
      {.name = "nanmean",
       .parameters = over_axes_in_dtype,
       .call = [](Arguments& a) -> Result { return nanmean(a.in_dtype(3), a.axes(1), a.flag(2)); },
       .formula = "∂mean(x)/∂xᵢ = 1 / (how many are numbers) if xᵢ is one else 0",
       .example = "nanmean([1, nan, 2])"},
      {.name = "count_nonzero",
       .parameters = over_axes,
       .call = call<static_cast<Reducing>(count_nonzero)>,
       .formula = "of int64: no gradient",
       .example = "count_nonzero([0, 1, 2])",
       .differentiable = false},
      {.name = "vector_norm",
       .parameters = "x|input, order|ord|p=2, axis|dim=None, keepdims|keepdim=False",
       .call = call<vector_norm>,
       .formula = "∂(Σ|x|ᵖ)^(1/p)/∂xᵢ = sign(xᵢ) (|xᵢ| / norm)^(p − 1)",
       .example = "vector_norm([3, 4], 1)",
       .note = "derivative 0 where the norm is 0"},
      {.name = "renorm",
       .parameters = "x|input, order|p, axis|dim, most|maxnorm",
       .call = call<renorm>,
       .formula = "of a slice that is scaled down: most (g / ‖x‖ − Σ g x / ‖x‖² ∂‖x‖/∂x),  of others g",
       .example = "renorm([[3, 4], [0.6, 0.8]], 2, 0, 1)",
       .note = "a slice of all axes but the one that is named"},
      {.name = "isclose",
       .parameters = "a|input, b|other, rtol=1e-5, atol=1e-8, equal_nan=False",
       .call = call<isclose>,
       .formula = "of bool: no gradient",
       .example = "isclose([1, 2], [1, 2.1])",
       .differentiable = false},
      {.name = "allclose",
       .parameters = "a|input, b|other, rtol=1e-5, atol=1e-8, equal_nan=False",
       .call = [](Arguments& a) -> Result {
         return tensor(allclose(a[0], a[1], a.number(2), a.number(3), a.flag(4)));
       },
       .formula = "of bool: no gradient",
       .example = "allclose([1, 2], [1, 2])",
       .differentiable = false},
      {.name = "array_equal",
       .parameters = "a|a1|input, b|a2|other",
       .call = [](Arguments& a) -> Result { return tensor(array_equal(a[0], a[1])); },
       .formula = "of bool: no gradient",
       .example = "array_equal([1, 2], [1, 2])",
       .differentiable = false},
  };
  return table;
}

}  // namespace ops

Tensor var(const Operand& x, const Axes& axes, Flag keepdims, double correction) try {
  return ops::Centred(x, axes, correction).var(axes, keepdims);
} catch (...) {
  rethrow_in_call("var", x);
}
Tensor std(const Operand& x, const Axes& axes, Flag keepdims, double correction) try {
  return ops::Centred(x, axes, correction).std(axes, keepdims);
} catch (...) {
  rethrow_in_call("std", x);
}
VarMean var_mean(const Operand& x, const Axes& axes, Flag keepdims, double correction) try {
  const ops::Centred centred(x, axes, correction);
  return {centred.var(axes, keepdims), centred.mean_over(axes, keepdims)};
} catch (...) {
  rethrow_in_call("var_mean", x);
}
StdMean std_mean(const Operand& x, const Axes& axes, Flag keepdims, double correction) try {
  const ops::Centred centred(x, axes, correction);
  return {centred.std(axes, keepdims), centred.mean_over(axes, keepdims)};
} catch (...) {
  rethrow_in_call("std_mean", x);
}

Tensor ptp(const Operand& x, const Axes& axes, Flag keepdims) try {
  const Tensor in = x.as_tensor();
  return max(in, axes, keepdims) - min(in, axes, keepdims);
} catch (...) {
  rethrow_in_call("ptp", x);
}

Tensor amax(const Operand& x, const Axes& axes, Flag keepdims) try {
  return max(x, axes, keepdims);
} catch (...) {
  rethrow_in_call("amax", x);
}
Tensor amin(const Operand& x, const Axes& axes, Flag keepdims) try {
  return min(x, axes, keepdims);
} catch (...) {
  rethrow_in_call("amin", x);
}

Tensor cov(const Operand& x, double correction) try {
  const Tensor in = x.as_tensor();
  if (in.rank() != 1 && in.rank() != 2)
    throw ShapeError("cov: takes variables in rows and observations in columns, not shape " +
                     to_string(in.shape()) + "; reshape to one or two axes");
  const ops::Centred centred(in, -1, correction);
  const Tensor& d = centred.distance;
  return matmul(d, transpose(d)) / centred.divisor;
} catch (...) {
  rethrow_in_call("cov", x);
}

Tensor cov(const Operand& x, double correction, const Tensor& fweights, const Tensor& aweights) try {
  const Tensor in = x.as(ops::real_dtype(ops::dtype_of(x)));
  if (in.rank() != 1 && in.rank() != 2)
    throw ShapeError("cov: takes variables in rows and observations in columns, not shape " +
                     to_string(in.shape()) + "; reshape to one or two axes");
  const auto checked = [&](const char* name, const Tensor& weights) {
    if (weights.is_empty()) return ones({in.shape().back()}, in.dtype());
    if (weights.shape() != Shape{in.shape().back()})
      throw ShapeError(std::string("cov: ") + name + " of shape " + to_string(weights.shape()) + " for x " +
                       to_string(in.shape()) + "; give one for each observation");
    const Tensor all = elements_of_all_samples(weights);
    if (all.size() > 0 && min(all).item() < 0)
      throw ShapeError(std::string("cov: ") + name + " of shape " + to_string(weights.shape()) + " for x " +
                       to_string(in.shape()) + " are negative; give 0 or more");
    return cast(weights, in.dtype());
  };
  if (!fweights.is_empty() && is_floating(fweights.dtype()))
    throw DTypeError("cov: fweights " + to_string(fweights.shape()) + " are " +
                     std::string(to_string(fweights.dtype())) + "; give whole numbers, or aweights");
  const Tensor f = checked("fweights", fweights), a = checked("aweights", aweights);
  const Tensor w = f * a, total = sum(w);
  const Tensor d = in - sum(in * w, -1, true) / total;
  const Tensor lost = aweights.is_empty() ? tensor(correction) : correction * sum(w * a) / total;
  return matmul(d * w, transpose(d)) / maximum(total - lost, 0);
} catch (...) {
  rethrow_in_call("cov", x);
}

Tensor corrcoef(const Operand& x) try {
  const Tensor in = x.as_tensor();
  if (in.rank() != 1 && in.rank() != 2)
    throw ShapeError("corrcoef: takes variables in rows and observations in columns, not shape " +
                     to_string(in.shape()) + "; reshape to one or two axes");
  const ops::Centred centred(in, -1, 0);
  const Tensor unit = centred.distance / norm(centred.distance, -1, true);
  return clamp(matmul(unit, transpose(unit)), -1, 1);
} catch (...) {
  rethrow_in_call("corrcoef", x);
}

Tensor average(const Operand& x, const Operand& weights, const Axes& axes, Flag keepdims) try {
  const DType dtype = ops::real_dtype(ops::common_dtype(x, weights));
  const Tensor in = x.as(computed_in(dtype));  // many halves have an average, but no sum
  Tensor w = weights.as(in.dtype());
  const AxisMask mask = ops::axis_mask("average", axes, in.shape());
  for (std::size_t axis = 0; axis < in.rank(); ++axis)
    if (mask[axis] && in.shape()[axis] == 0)
      throw ShapeError("average: nothing to reduce: shape " + to_string(in.shape()) +
                       " has no elements along the axes; check that the tensor is not empty");
  if (w.shape() != in.shape()) {
    std::size_t axis = 0;
    while (axis < in.rank() && !mask[axis]) ++axis;
    if (w.rank() != 1 || mask.count() != 1 || w.size() != in.shape()[axis])
      throw ShapeError("average: weights " + to_string(w.shape()) + " do not fit shape " +
                       to_string(in.shape()) + "; give that shape, or one weight per position of one axis");
    Shape aligned = Shape::filled(in.rank(), 1);
    aligned[axis] = w.size();
    w = broadcast_to(reshape(w, aligned), in.shape());
  }
  return Operand(sum(in * w, axes, keepdims) / sum(w, axes, keepdims)).as(dtype);
} catch (...) {
  rethrow_in_call("average", x, weights);
}

Tensor nanmean(const Operand& x, const Axes& axes, Flag keepdims) try {
  const DType dtype = ops::real_dtype(x.dtype());
  const Tensor in = x.as(computed_in(dtype)), is_number = in == in;
  const Tensor count = sum(cast(is_number, in.dtype()), axes, keepdims);
  const Tensor numbers = where(is_number, in, 0), total = sum(numbers, axes, keepdims);
  Tensor result = total / count;
  // The sum may overflow where the mean does not.
  if (traced(total) || any(isinf(total))) {
    const double each =
        static_cast<double>(in.size()) / static_cast<double>(std::max<std::int64_t>(total.size(), 1));
    result = where(isinf(total) & (count > 0), mean(numbers, axes, keepdims) * (each / count), result);
  }
  return Operand(result).as(dtype);
} catch (...) {
  rethrow_in_call("nanmean", x);
}

Tensor count_nonzero(const Operand& x, const Axes& axes, Flag keepdims) try {
  return sum(cast(x, DType::boolean), axes, keepdims);
} catch (...) {
  rethrow_in_call("count_nonzero", x);
}

Tensor vector_norm(const Operand& x, double order, const Axes& axes, Flag keepdims) try {
  if (std::isnan(order)) throw ArgumentError("vector_norm: the order is NaN, but must be a number");
  const Tensor in = x.as(ops::real_dtype(x.dtype()));
  if (order == 2) return norm({in, x.here()}, axes, keepdims);
  if (order == 1) return sum(abs({in, x.here()}), axes, keepdims);
  if (order == 0) return sum(cast(in != 0, in.dtype()), axes, keepdims);
  if (order == ops::infinity) return max(abs({in, x.here()}), axes, keepdims);
  if (order == -ops::infinity) return min(abs({in, x.here()}), axes, keepdims);
  const Tensor wide = Operand(in).as(computed_in(in.dtype()));
  return Operand(ops::norm_of_order(wide, order, axes, keepdims)).as(in.dtype());
} catch (...) {
  rethrow_in_call("vector_norm", x);
}

Tensor renorm(const Operand& x, double order, Integer axis, double most) try {
  const ops::OfAxis of("renorm", x.as(ops::real_dtype(x.dtype())), axis);
  if (!(most >= 0))
    throw ShapeError("renorm: a norm of at most " + number_text(most) + ", for shape " +
                     to_string(of.x.shape()) + "; give 0 or more");
  std::vector<std::int64_t> others;
  for (std::size_t i = 0; i < of.x.rank(); ++i)
    if (i != of.axis) others.push_back(static_cast<std::int64_t>(i));
  const Tensor size = vector_norm(of.x, order, others, true);
  return of.result(of.x * where(size > most, most / size, 1));
} catch (...) {
  rethrow_in_call("renorm", x);
}

Tensor isclose(const Operand& a, const Operand& b, double rtol, double atol, Flag equal_nan) try {
  const DType common = ops::common_dtype(a, b), dtype = ops::real_dtype(common);
  const Tensor x = a.as(dtype), y = b.as(dtype);
  const Tensor equal = is_floating(common) ? x == y : a.as(common) == b.as(common);
  const Tensor close = equal | ((abs(y) < ops::infinity) & (abs(x - y) <= abs(y) * rtol + atol));
  return equal_nan ? close | ((x != x) & (y != y)) : close;
} catch (...) {
  rethrow_in_call("isclose", a, b);
}

bool allclose(const Operand& a, const Operand& b, double rtol, double atol, Flag equal_nan) try {
  return all(isclose(a, b, rtol, atol, equal_nan)).item<bool>();
} catch (...) {
  rethrow_in_call("allclose", a, b);
}

bool array_equal(const Operand& a, const Operand& b) {
  const Tensor x = a.as_tensor(), y = b.as_tensor();
  return x.shape() == y.shape() && all(x == y).item<bool>();
}

}  // namespace chainrule
