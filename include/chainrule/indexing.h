/// \file
/// Elements by their places: taking, replacing and adding up at positions, choosing by a mask, and order.
///
/// Positions are int64 tensors or whole numbers in braces; DTypeError for another dtype. They carry no
/// gradient, and their values are kept with the node. ShapeError for one that is not there; where it says so,
/// negative ones count from the end. Whatever only moves elements takes any dtype.

#pragma once

#include <optional>
#include <vector>

#include "chainrule/ops.h"

namespace CHAINRULE_API chainrule {

// ---- Taking elements -----------------------------------------------------------------------------------

/// PyTorch's gather: along the axis the element at the index, along the others that at its own position. The
/// index has as many axes as x, none of them longer beside the axis; the result has its shape. The gradient
/// is added up at the places it was taken from. Negative positions are refused, as PyTorch refuses them.
Tensor gather(const Operand& x, Integer axis, const Operand& index);
/// NumPy's take_along_axis: gather, where x and index broadcast beside the axis and negative positions count
/// from the end. What argsort returns sorts with it.
Tensor take_along_axis(const Operand& x, const Operand& index, Integer axis = -1);
/// The slices of x at these positions along an axis, positions (n,) or one, in that order; negative ones
/// count from the end.
Tensor index_select(const Operand& x, Integer axis, const Operand& positions);
/// NumPy's take: of x with one axis, in row-major order. The result has the shape of the positions; negative
/// ones count from the end.
Tensor take(const Operand& x, const Operand& positions);
/// The slices along an axis, which is replaced by the axes of the positions.
Tensor take(const Operand& x, const Operand& positions, Integer axis);
/// NumPy's x[where]. int64: the slices at positions along the first axis, take(x, where, 0). bool: those
/// where a mask of x's first axes holds, one after another: (count, ...) from (mask..., ...).
Tensor index(const Operand& x, const Tensor& where);
/// The rows of `weight` (n, ...) at the positions, of any shape, from 0 to n - 1: (positions..., ...). No
/// gradient reaches the row `padding`, which may be negative.
Tensor embedding(const Operand& weight, const Operand& positions, OptionalInteger padding = {});

/// How the rows of a bag become one.
enum class BagMode : std::uint8_t { sum, mean, max };
/// Of embedding_bag().
struct EmbeddingBagOptions {
  BagMode mode = BagMode::mean;  ///< the gradient of `max` goes to the first of the largest
  /// (bags,), int64: where each bag begins, of positions that are one list.
  Tensor offsets = {};
  /// Of the shape of the positions: what each row is multiplied with, where rows are added up.
  Tensor weights = {};
  /// Positions of this row, which may be negative, count as if they were not there.
  OptionalInteger padding = {};
};
/// Rows of `weight` (n, C), taken and combined at once: positions (bags, count), or (count,) of which bag i
/// has those from offsets[i] on. (bags, C), 0 for a bag that is empty. ShapeError for positions outside, for
/// offsets that do not begin with 0 or go back, and for weights with another mode than sum.
Tensor embedding_bag(const Operand& weight, const Operand& positions,
                     const EmbeddingBagOptions& options = {});

/// 1 at the position, 0 elsewhere, along a new last axis of that many classes; of one more than the largest
/// position where that is not given. int64 as PyTorch's, unless told.
Tensor one_hot(const Operand& positions, OptionalInteger classes = {}, DType dtype = DType::int64);

/// The elements where a mask holds, in row-major order: (count,). x and the mask broadcast.
Tensor masked_select(const Operand& x, const Operand& mask);
/// The positions of the elements that are not 0, in row-major order: (count, rank), int64.
Tensor nonzero(const Operand& x);
/// NumPy's where of one argument: the same, axis by axis.
[[nodiscard]] std::vector<Tensor> where(const Operand& condition);

// ---- Replacing elements ----------------------------------------------------------------------------------
// A new tensor each, of the dtype in which x and the new elements meet. Where a place is named twice, the
// last element wins, and has the gradient. x has the gradient of what remains of it.

/// x with the elements of `values` at the places that gather(x, axis, index) takes. `values` is a number, or
/// at least as large as the index along each axis; what is beyond is left out.
Tensor scatter(const Operand& x, Integer axis, const Operand& index, const Operand& values);
/// NumPy's put_along_axis, as a function: at the places that take_along_axis takes, where the index
/// broadcasts to x beside the axis. The values broadcast to the index.
Tensor put_along_axis(const Operand& x, const Operand& index, const Operand& values, Integer axis = -1);
/// x with what take(x, positions) takes replaced by the values, which broadcast to it. (NumPy's put repeats
/// values that are too few.)
Tensor put(const Operand& x, const Operand& positions, const Operand& values);
Tensor put(const Operand& x, const Operand& positions, const Operand& values, Integer axis);
/// PyTorch's other name of put(x, positions, values, axis), with the order of its parameters.
Tensor index_copy(const Operand& x, Integer axis, const Operand& positions, const Operand& values);
/// x with the value, which broadcasts to x, at some positions along an axis; negative ones count from the
/// end.
Tensor index_fill(const Operand& x, Integer axis, const Operand& positions, const Operand& value);
/// x with the value, which broadcasts to x, where the mask, which also does, holds.
Tensor masked_fill(const Operand& x, const Operand& mask, const Operand& value);
/// x with the elements of `values`, in row-major order, where a mask that broadcasts to x holds.
Tensor masked_scatter(const Operand& x, const Operand& mask, const Operand& values);

// ---- Adding up
// ---------------------------------------------------------------------------------------------

/// x with the elements of `values` added at the places that gather(x, axis, index) takes; `values` as for
/// scatter. Derivatives: g, and g taken from these places.
Tensor scatter_add(const Operand& x, Integer axis, const Operand& index, const Operand& values);
/// x with alpha times the slices of `values` added at the positions (n,) along the axis. The values broadcast
/// to what index_select(x, axis, positions) has.
Tensor index_add(const Operand& x, Integer axis, const Operand& positions, const Operand& values,
                 double alpha = 1);

/// How elements that meet in one place are combined.
enum class Combining : std::uint8_t { sum, prod, mean, amax, amin };

/// PyTorch's scatter_reduce: at each place that gather(x, axis, index) takes, x and the values for it
/// combined; without x, unless include_self. Where there are no values, x stays. The derivatives are those of
/// sum, prod, mean, max and min: equal largest ones share evenly. The mean of int64 is rounded down.
Tensor scatter_reduce(const Operand& x, Integer axis, const Operand& index, const Operand& values,
                      Combining how, Flag include_self = true);
/// The sums of the slices of x along the first axis that have the same number in `segments`, (n,): (count,
/// ...). Without a count, one more than the largest number. 0 where a segment has none.
Tensor segment_sum(const Operand& x, const Operand& segments, OptionalInteger count = {});

// ---- Order
// --------------------------------------------------------------------------------------------------- NaN is
// larger than all numbers, so it comes last, and first in descending order, as in PyTorch. Equal elements
// keep their order. Values are gathered from x, and so are differentiable in any order; places, which are
// int64, are not.

/// Elements of a tensor and where along the axis they were.
struct [[nodiscard]] Ordered {
  /// The elements in order, and where in x they were.
  Tensor values, places;
};

/// Sorted along an axis. Always stable.
Ordered sort(const Operand& x, Integer axis = -1, Flag descending = false);
/// The places of sort.
Tensor argsort(const Operand& x, Integer axis = -1, Flag descending = false);
/// The k largest along an axis, or the smallest, the extreme ones first. ShapeError unless 0 <= k <= size.
Ordered topk(const Operand& x, Integer k, Integer axis = -1, Flag largest = true);
/// The k-th smallest along an axis, counted from 1.
Ordered kthvalue(const Operand& x, Integer k, Integer axis = -1, Flag keepdims = false);
/// PyTorch's median along an axis, the lower of two; NaN if there is any. (NumPy's is the mean of the two.)
Ordered median(const Operand& x, Integer axis, Flag keepdims = false);
/// Of all elements.
Tensor median(const Operand& x);
/// The most frequent element along an axis, of several the smallest, and the last of its places, as
/// PyTorch's. No NaN is as another.
Ordered mode(const Operand& x, Integer axis = -1, Flag keepdims = false);
/// The median of what is not NaN, the lower of two, as PyTorch's; NaN where all are.
Ordered nanmedian(const Operand& x, Integer axis, Flag keepdims = false);
/// Of all elements.
Tensor nanmedian(const Operand& x);
/// The largest along an axis and where it is, the first of equals, which has the whole gradient; NaN if there
/// is any. max(x, axis) shares it.
Ordered max_with_places(const Operand& x, Integer axis, Flag keepdims = false);
Ordered min_with_places(const Operand& x, Integer axis, Flag keepdims = false);
/// Where the largest is along an axis, or in row-major order, the first of equals, as int64.
Tensor argmax(const Operand& x, OptionalInteger axis = {}, Flag keepdims = false);
Tensor argmin(const Operand& x, OptionalInteger axis = {}, Flag keepdims = false);

// Two numbers are no tensor and its axis.
template <Number A, Number B>
Tensor argmax(A, B) = delete;  // a number has one place
template <Number A, Number B>
Tensor argmin(A, B) = delete;  // a number has one place
template <Number A, Number B>
Ordered median(A, B) = delete;  // of numbers: median({a, b})
template <Number A, Number B>
Ordered nanmedian(A, B) = delete;  // of numbers: nanmedian({a, b})

/// The different elements in ascending order, (count,); where each element of x is among them, in x's shape;
/// and how often each occurs. Without gradients. Each NaN is different from all, as in PyTorch.
struct [[nodiscard]] Unique {
  /// Each value once in ascending order; where in these each element of x is; how often each occurs.
  Tensor values, inverse, counts;
  /// Where each value is first, int64: among the elements in row-major order, or along the axis.
  Tensor first_places() const;
};
/// The different elements of x, of any shape.
Unique unique(const Operand& x);
/// The different slices along an axis, as unique rows for axis 0, in the order of their elements. Places and
/// counts are (n,).
Unique unique(const Operand& x, Integer axis);

/// Each run of equal elements, in row-major order, once; which run each element belongs to, in x's shape; and
/// how long each run is. Without gradients.
Unique unique_consecutive(const Operand& x);
/// The same of slices along an axis.
Unique unique_consecutive(const Operand& x, Integer axis);
/// Is each element of x, of any shape, among those of `elements`? NaN is not. bool, of x's shape.
Tensor isin(const Operand& x, const Operand& elements);

/// For each value the place in `sorted`, (n,) in ascending order, before which it would keep it sorted:
/// before those that equal it, or, on the right, after them. int64. Of rows (..., n), each in order, those in
/// the same row of values (..., m).
Tensor searchsorted(const Operand& sorted, const Operand& values, Flag right = false);

}  // namespace chainrule
