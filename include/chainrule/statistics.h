/// \file
/// Statistics, running sums and everyday helpers. Unless it says otherwise, a function reduces as `sum` does:
/// over all axes, or those given, which keepdims leaves in place with size 1; integers and bool count as real
/// numbers of the default dtype; of nothing there is none, which is a ShapeError.

#pragma once

#include <utility>

#include "chainrule/detail/api.h"
#include "chainrule/ops.h"

namespace CHAINRULE_API chainrule {

// ---- Spread ----------------------------------------------------------------------------------------------

/// The variance: squared distances from the mean, summed and divided by n - correction. The correction is 1,
/// as in PyTorch (0 is NumPy's default); NaN or inf where n - correction is not positive. Two passes, so that
/// a large mean costs no digits. Derivative 2 (x - mean) / (n - correction).
Tensor var(const Operand& x, const Axes& axes = {}, Flag keepdims = false, double correction = 1);
/// The standard deviation √var, also where the squares would overflow. Derivative (x - mean) / ((n -
/// correction) std), 0 where all elements are equal. (Where `using namespace chainrule` meets the namespace
/// std, write chainrule::std.)
Tensor std(const Operand& x, const Axes& axes = {}, Flag keepdims = false, double correction = 1);

/// What var_mean() gives.
struct [[nodiscard]] VarMean {
  /// The variance, and the mean.
  Tensor var, mean;
};
/// What std_mean() gives.
struct [[nodiscard]] StdMean {
  /// The deviation, and the mean.
  Tensor std, mean;
};
/// Both, as from var and mean.
VarMean var_mean(const Operand& x, const Axes& axes = {}, Flag keepdims = false, double correction = 1);
StdMean std_mean(const Operand& x, const Axes& axes = {}, Flag keepdims = false, double correction = 1);

/// The largest less the smallest; int64 stays int64. Derivative 1 and -1 there, shared evenly among ties.
Tensor ptp(const Operand& x, const Axes& axes = {}, Flag keepdims = false);

/// The covariance of variables in rows with observations in columns, (m, n) gives (m, m): (x - mean)(x -
/// mean)ᵀ / (n - correction). A vector is one variable and gives a scalar.
Tensor cov(const Operand& x, double correction = 1);
/// The same of weighted observations: how often each counts, whole numbers, and how much, as in NumPy and
/// PyTorch; each a vector, or empty for none. With w = f a: Σ w d dᵀ / (Σ w - correction Σ w a / Σ w), where
/// d is the distance from the weighted mean.
Tensor cov(const Operand& x, double correction, const Tensor& fweights, const Tensor& aweights = {});
/// The correlation of rows, cov(x)ᵢⱼ / √(cov(x)ᵢᵢ cov(x)ⱼⱼ), held within -1 to 1. NaN for a constant row.
Tensor corrcoef(const Operand& x);

// ---- Means, sums and norms -------------------------------------------------------------------------------

/// Σ w x / Σ w. The weights have the shape of x, or are one per position of the one axis given. NaN
/// where the weights add up to 0 (NumPy raises an error).
Tensor average(const Operand& x, const Operand& weights, const Axes& axes = {}, Flag keepdims = false);
/// The sum of what is not NaN; 0 of nothing. NaN elements have the derivative 0.
Tensor nansum(const Operand& x, const Axes& axes = {}, Flag keepdims = false);
/// The mean of what is not NaN; NaN where all are, and of nothing, as NumPy's and PyTorch's.
Tensor nanmean(const Operand& x, const Axes& axes = {}, Flag keepdims = false);
/// The largest, the smallest, and the product of what is not NaN; of NaN alone NaN, and 1. Integers stay. The
/// derivatives are those of max, min and prod, 0 of NaN.
Tensor nanmax(const Operand& x, const Axes& axes = {}, Flag keepdims = false);
Tensor nanmin(const Operand& x, const Axes& axes = {}, Flag keepdims = false);
Tensor nanprod(const Operand& x, const Axes& axes = {}, Flag keepdims = false);
/// The variance, and the standard deviation, of what is not NaN, of which there are n. As these are NumPy's
/// names, the correction is 0 unless told; NaN where n - correction is not positive.
Tensor nanvar(const Operand& x, const Axes& axes = {}, Flag keepdims = false, double correction = 0);
Tensor nanstd(const Operand& x, const Axes& axes = {}, Flag keepdims = false, double correction = 0);
// In another dtype, as dtype= of NumPy and PyTorch: x is cast to it first, so that sums of many small numbers
// keep their digits.
/// sum(cast(x, dtype), axes, keepdims)
inline Tensor sum(const Operand& x, const Axes& axes, Flag keepdims, DType dtype) {
  return sum(cast(x, dtype), axes, keepdims);
}
/// mean(cast(x, dtype), axes, keepdims)
inline Tensor mean(const Operand& x, const Axes& axes, Flag keepdims, DType dtype) {
  return mean(cast(x, dtype), axes, keepdims);
}
/// prod(cast(x, dtype), axes, keepdims)
inline Tensor prod(const Operand& x, const Axes& axes, Flag keepdims, DType dtype) {
  return prod(cast(x, dtype), axes, keepdims);
}

/// How many are not 0 (NaN is not), as int64.
Tensor count_nonzero(const Operand& x, const Axes& axes = {}, Flag keepdims = false);

/// (Σ|x|^p)^(1/p), the norm of order p: 2 is `norm`, inf the largest |x|, -inf the smallest, 0 how many are
/// not 0 (without a derivative). Scaled, so that no power overflows or vanishes. Derivative sign(x)
/// (|x| / norm)^(p - 1), and 0 where the norm is 0; for inf and -inf shared evenly among ties. Of nothing it
/// is 0, and a ShapeError for p < 0 and inf. std::invalid_argument for an order that is NaN.
Tensor vector_norm(const Operand& x, double order = 2, const Axes& axes = {}, Flag keepdims = false);

/// x with those slices along an axis whose norm of this order is above `most` scaled down to it; each slice
/// is of all other axes. Derivatives are those of vector_norm and of the quotient. ShapeError for a negative
/// bound.
Tensor renorm(const Operand& x, double order, Integer axis, double most);

/// PyTorch's and NumPy's other names of max and min.
Tensor amax(const Operand& x, const Axes& axes = {}, Flag keepdims = false);
Tensor amin(const Operand& x, const Axes& axes = {}, Flag keepdims = false);

// Two numbers are no tensor and its axis.
template <Number A, Number B>
Tensor amax(A, B) = delete;  // the larger of two numbers: std::max(a, b)
template <Number A, Number B>
Tensor amin(A, B) = delete;  // the smaller of two numbers: std::min(a, b)
template <Number A, Number B>
Tensor var(A, B) = delete;  // of numbers in braces: var({a, b})
template <Number A, Number B>
Tensor std(A, B) = delete;  // of numbers in braces: std({a, b})
template <Number A, Number B>
VarMean var_mean(A, B) = delete;  // of numbers in braces: var_mean({a, b})
template <Number A, Number B>
StdMean std_mean(A, B) = delete;  // of numbers in braces: std_mean({a, b})
template <Number A, Number B>
Tensor ptp(A, B) = delete;  // of numbers in braces: ptp({a, b})
template <Number A, Number B>
Tensor nansum(A, B) = delete;  // of numbers in braces: nansum({a, b})
template <Number A, Number B>
Tensor nanmean(A, B) = delete;  // of numbers in braces: nanmean({a, b})
template <Number A, Number B>
Tensor nanmax(A, B) = delete;  // of numbers in braces: nanmax({a, b})
template <Number A, Number B>
Tensor nanmin(A, B) = delete;  // of numbers in braces: nanmin({a, b})
template <Number A, Number B>
Tensor nanprod(A, B) = delete;  // of numbers in braces: nanprod({a, b})
template <Number A, Number B>
Tensor nanvar(A, B) = delete;  // of numbers in braces: nanvar({a, b})
template <Number A, Number B>
Tensor nanstd(A, B) = delete;  // of numbers in braces: nanstd({a, b})
template <Number A, Number B>
Tensor count_nonzero(A, B) = delete;  // of numbers in braces: count_nonzero({a, b})

/// How a quantile between two elements is chosen: NumPy's methods.
enum class QuantileMethod : std::uint8_t { linear, lower, higher, midpoint, nearest };

/// The quantiles q, each from 0 to 1, of all elements or along an axis. The shape is that of q, then what the
/// reduction leaves. NaN where any element is. The derivative goes to the one or two elements between which
/// the quantile lies, and to q, by the linear method, their distance times n - 1; at an element itself 0.
/// ShapeError for q outside 0 to 1.
Tensor quantile(const Operand& x, const Operand& q, const Axes& axes = {}, Flag keepdims = false,
                QuantileMethod method = QuantileMethod::linear);
/// The quantiles of what is not NaN; NaN where all are.
Tensor nanquantile(const Operand& x, const Operand& q, const Axes& axes = {}, Flag keepdims = false,
                   QuantileMethod method = QuantileMethod::linear);

// ---- Along an axis ---------------------------------------------------------------------------------------

// Without an axis: of all elements in row-major order, as a vector.

/// y₀ = x₀, yᵢ = yᵢ₋₁ + xᵢ. int64 stays int64 and wraps around, bool counts as int64. The derivative is the
/// running sum of the upstream gradient from the end.
Tensor cumsum(const Operand& x, OptionalInteger axis = {});
/// y₀ = x₀, yᵢ = yᵢ₋₁ xᵢ. The derivative is exact also where some are 0.
Tensor cumprod(const Operand& x, OptionalInteger axis = {});
/// cumsum(cast(x, dtype), axis)
inline Tensor cumsum(const Operand& x, OptionalInteger axis, DType dtype) {
  return cumsum(cast(x, dtype), axis);
}
/// cumprod(cast(x, dtype), axis)
inline Tensor cumprod(const Operand& x, OptionalInteger axis, DType dtype) {
  return cumprod(cast(x, dtype), axis);
}
/// yᵢ = log(Σⱼ≤ᵢ exp(xⱼ)) without overflow. Derivative exp(xⱼ - yᵢ); 0 where all so far are -inf.
Tensor logcumsumexp(const Operand& x, OptionalInteger axis = {});

/// What cummax and cummin give: the extremum so far, and where along the axis it is, int64.
struct [[nodiscard]] Cumulative {
  /// The largest or smallest so far, and where it was.
  Tensor values, places;
};
/// The largest so far. Of equal ones the last, as in PyTorch; from a NaN on, NaN. The derivative
/// goes to the elements at `places`.
Cumulative cummax(const Operand& x, OptionalInteger axis = {});
Cumulative cummin(const Operand& x, OptionalInteger axis = {});  ///< the smallest so far

/// Differences of neighbours along an axis, xᵢ₊₁ - xᵢ, n times over; of bool where they differ, as bool.
Tensor diff(const Operand& x, Integer n = 1, Integer axis = -1);
/// The integral of y along an axis by the trapezoidal rule, Σ (yᵢ + yᵢ₊₁) dx / 2. 0 of less than two
/// elements.
Tensor trapezoid(const Operand& y, double dx = 1, Integer axis = -1);
/// The same over places x, of the shape of y, or one for each of its elements along the axis.
Tensor trapezoid(const Operand& y, const Tensor& x, Integer axis = -1);
/// The integrals up to each element but the first, along an axis.
Tensor cumulative_trapezoid(const Operand& y, double dx = 1, Integer axis = -1);
/// The same over places x, as for trapezoid.
Tensor cumulative_trapezoid(const Operand& y, const Tensor& x, Integer axis = -1);
/// The slope of y along an axis over x, which is a step from each element to the next, or places, as for
/// trapezoid. Inside it is that of the parabola through an element and both neighbours. At the ends it is
/// that of the line to the neighbour, or, for an edge order of 2, of the parabola through the outer three.
/// ShapeError for less than edge_order + 1 elements. (A function's derivatives are what `grad` and
/// `gradients` give.)
Tensor gradient(const Operand& y, const Operand& x = 1.0, Integer axis = -1, Integer edge_order = 1);

// ---- Series ----------------------------------------------------------------------------------------------

/// Where convolve() and correlate() let the vectors meet: wherever they overlap at all, n + m - 1 times; so
/// often as the longer one has elements; or where the shorter one lies within the longer one.
enum class ConvolveMode : std::uint8_t { full, same, valid };

/// NumPy's convolution Σᵢ aᵢ vₖ₋ᵢ of two vectors. ShapeError for others, and of no elements.
Tensor convolve(const Operand& a, const Operand& v, ConvolveMode mode = ConvolveMode::full);
/// NumPy's correlation Σᵢ aᵢ₊ₖ vᵢ of two vectors.
Tensor correlate(const Operand& a, const Operand& v, ConvolveMode mode = ConvolveMode::valid);
/// The polynomial of these coefficients, the highest power first, at each x. 0 of none.
Tensor polyval(const Operand& p, const Operand& x);

// ---- Counting --------------------------------------------------------------------------------------------

/// How often each of 0, 1, 2, ... is in x, int64 with one axis, up to the largest (in vmap of all samples),
/// for at least minlength numbers. ShapeError for negative ones, DTypeError unless x is int64 or bool.
Tensor bincount(const Operand& x, std::int64_t minlength = 0);
template <NoWholeNumber N>
Tensor bincount(const Operand& x, N minlength) = delete;  // it is a whole number
/// The weights, one for each x, added up by number. Derivative to the weights: the upstream gradient at x.
Tensor bincount(const Operand& x, const Tensor& weights, Integer minlength = 0);

/// What histogram() gives.
struct [[nodiscard]] Histogram {
  /// How many are in each bin, and the bounds of bins, one more.
  Tensor counts, edges;
  /// The counts as a density, which integrates to 1: divided by their sum, and by the widths of the bins.
  Tensor density() const;
};
/// How many elements are in each of `bins` intervals of equal width, as int64, and their bins + 1 edges, of
/// x's dtype. An interval has its left edge, the last one both. The range is that of x unless given; what is
/// outside, or NaN, is not counted. ShapeError for no bins, and for a range of x that is not finite.
Histogram histogram(const Operand& x, std::int64_t bins = 10,
                    std::optional<std::pair<double, double>> range = {});
// It is a whole number.
template <NoWholeNumber N>
Histogram histogram(const Operand& x, N bins, std::optional<std::pair<double, double>> range = {}) = delete;
/// Of bins that these edges bound, a vector in ascending order. With weights, one for each element, it is
/// their sums that are counted, which are differentiable in them.
Histogram histogram(const Operand& x, const Tensor& edges, const Tensor& weights = {});

/// The function that is piecewise linear between the points (xp, fp), at x; constant outside. xp, a vector as
/// fp, must not decrease: ShapeError otherwise. Differentiable in x, xp and fp; at a point, the slope in x is
/// that on its right, and inside at the ends.
Tensor interp(const Operand& x, const Operand& xp, const Operand& fp);

// ---- Comparing -------------------------------------------------------------------------------------------

/// |a - b| <= atol + rtol |b|, element by element, or both the same infinity, or, if wanted, both NaN.
Tensor isclose(const Operand& a, const Operand& b, double rtol = 1e-5, double atol = 1e-8,
               Flag equal_nan = false);
/// isclose for all elements.
[[nodiscard]] bool allclose(const Operand& a, const Operand& b, double rtol = 1e-5, double atol = 1e-8,
                            Flag equal_nan = false);
/// Do both have the same shape and equal elements?
[[nodiscard]] bool array_equal(const Operand& a, const Operand& b);

}  // namespace chainrule
