/// \file
/// More of what only moves elements: axes added and taken away, tensors cut and joined, elements repeated,
/// turned, padded. All of it takes any dtype; the gradient goes back to where each element came from, and is
/// added up where one was repeated. Negative axes count from the end. ShapeError for an axis that does not
/// exist, and for sizes that do not fit.

#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "chainrule/ops.h"

namespace CHAINRULE_API chainrule {

// ---- Axes ------------------------------------------------------------------------------------------------
// Without a copy, but for movedim.

/// Without the axes of size 1, or without those given; ShapeError where one of these has another size.
Tensor squeeze(const Operand& x, const Axes& axes = {});
/// New axes of size 1, which are these in the result.
Tensor expand_dims(const Operand& x, const Axes& axes);
Tensor unsqueeze(const Operand& x, Integer axis);
/// The axes from start to end, both included, as one. A scalar becomes (1,).
Tensor flatten(const Operand& x, Integer start = 0, Integer end = -1);
Tensor ravel(const Operand& x);  ///< all elements along one axis
/// flatten's reverse: an axis becomes several, one size of which may be -1.
Tensor unflatten(const Operand& x, Integer axis, const Shape& sizes);
/// The axes `from` come to the places `to`; the others keep their order.
Tensor movedim(const Operand& x, const std::vector<std::int64_t>& from, const std::vector<std::int64_t>& to);
inline Tensor movedim(const Operand& x, Integer from, Integer to) {
  return movedim(x, std::vector<std::int64_t>{from}, std::vector<std::int64_t>{to});
}
inline Tensor movedim(const Operand& x, std::initializer_list<std::int64_t> from,
                      std::initializer_list<std::int64_t> to) {
  return movedim(x, std::vector(from), std::vector(to));
}
Tensor moveaxis(const Operand& x, Integer from, Integer to);
Tensor swapdims(const Operand& x, Integer a, Integer b);
/// broadcast_to, where -1 stands for the size that the axis has.
Tensor expand(const Operand& x, const Shape& shape);
/// With axes of size 1 added until there are this many: (n,) becomes (1, n) and (1, n, 1), (m, n) becomes
/// (m, n, 1).
Tensor atleast_1d(const Operand& x);
Tensor atleast_2d(const Operand& x);
Tensor atleast_3d(const Operand& x);

// ---- Pieces
// ------------------------------------------------------------------------------------------------

/// Pieces of this size along an axis, the last one smaller if need be, as PyTorch's. (NumPy's split, into a
/// number of pieces, is array_split.)
[[nodiscard]] std::vector<Tensor> split(const Operand& x, Integer size, Integer axis = 0);
/// Pieces of these sizes; ShapeError unless they add up to that of the axis.
[[nodiscard]] std::vector<Tensor> split(const Operand& x, const std::vector<std::int64_t>& sizes,
                                        Integer axis = 0);
// {3} is a list of one.
[[nodiscard]] inline std::vector<Tensor> split(const Operand& x, std::initializer_list<std::int64_t> sizes,
                                               Integer axis = 0) {
  return split(x, std::vector(sizes), axis);
}
/// That many pieces, as equal as can be, the larger ones first.
[[nodiscard]] std::vector<Tensor> array_split(const Operand& x, Integer sections, Integer axis = 0);
/// x[:s0], x[s0:s1], ..., x[sn:]: `starts` say where the pieces after the first begin, as in Python's slices.
[[nodiscard]] std::vector<Tensor> array_split(const Operand& x, const std::vector<std::int64_t>& starts,
                                              Integer axis = 0);
// {3} is a list of one.
[[nodiscard]] inline std::vector<Tensor> array_split(const Operand& x,
                                                     std::initializer_list<std::int64_t> starts,
                                                     Integer axis = 0) {
  return array_split(x, std::vector(starts), axis);
}
/// At most that many pieces of equal size, but for a smaller last one.
[[nodiscard]] std::vector<Tensor> chunk(const Operand& x, Integer chunks, Integer axis = 0);
/// One piece for each position along an axis, without that axis.
[[nodiscard]] std::vector<Tensor> unbind(const Operand& x, Integer axis = 0);
/// x at one position along an axis, which it removes.
Tensor select(const Operand& x, Integer axis, Integer position);
/// `length` positions from start on along an axis. A negative start counts from the end.
Tensor narrow(const Operand& x, Integer axis, Integer start, Integer length);
/// All windows of this size along an axis, one every `step`; their elements are along a new last axis.
/// Copies.
Tensor unfold(const Operand& x, Integer axis, Integer size, Integer step = 1);
/// NumPy's: all windows of these sizes along as many axes, which are the last ones of the result. Without
/// axes, one size for each.
Tensor sliding_window_view(const Operand& x, const std::vector<std::int64_t>& window, const Axes& axes = {});

/// In reverse order along the axes; along all where none are given.
Tensor flip(const Operand& x, const Axes& axes = {});
Tensor fliplr(const Operand& x);  ///< along axis 1
Tensor flipud(const Operand& x);  ///< along axis 0
/// Moved on by so many places along each axis; what leaves at the end comes back at the start. Without axes,
/// in row-major order.
Tensor roll(const Operand& x, const std::vector<std::int64_t>& shifts, const Axes& axes = {});
inline Tensor roll(const Operand& x, Integer shift, const Axes& axes = {}) {
  return roll(x, std::vector<std::int64_t>{shift}, axes);
}
inline Tensor roll(const Operand& x, std::initializer_list<std::int64_t> shifts, const Axes& axes = {}) {
  return roll(x, std::vector(shifts), axes);
}
/// Turned k times by a right angle from the first of two axes towards the second.
Tensor rot90(const Operand& x, Integer k = 1, std::pair<std::int64_t, std::int64_t> axes = {0, 1});

/// Side by side: along axis 1, or along the only one.
Tensor hstack(std::span<const Tensor> tensors, Here here = Here::now());
/// As rows: along axis 0, of at least two axes.
Tensor vstack(std::span<const Tensor> tensors, Here here = Here::now());
/// Along axis 2, of at least three axes.
Tensor dstack(std::span<const Tensor> tensors, Here here = Here::now());
/// As hstack, where tensors of one axis, or none, are columns.
Tensor column_stack(std::span<const Tensor> tensors, Here here = Here::now());
inline Tensor hstack(std::initializer_list<Tensor> tensors, Here here = Here::now()) {
  return hstack(std::span(tensors.begin(), tensors.size()), here);
}
inline Tensor vstack(std::initializer_list<Tensor> tensors, Here here = Here::now()) {
  return vstack(std::span(tensors.begin(), tensors.size()), here);
}
inline Tensor dstack(std::initializer_list<Tensor> tensors, Here here = Here::now()) {
  return dstack(std::span(tensors.begin(), tensors.size()), here);
}
inline Tensor column_stack(std::initializer_list<Tensor> tensors, Here here = Here::now()) {
  return column_stack(std::span(tensors.begin(), tensors.size()), here);
}

// ---- Repeating and padding
// -----------------------------------------------------------------------------------

/// The whole so many times along each axis, as PyTorch's; there may be more numbers than axes, for new
/// leading ones, but not fewer. (NumPy's repeat is repeat_interleave.)
Tensor repeat(const Operand& x, const std::vector<std::int64_t>& times);
/// The same, where 1 stands for numbers left out at the front.
Tensor tile(const Operand& x, const std::vector<std::int64_t>& times);
/// Each slice so many times, one after another; without an axis, each element in row-major order.
Tensor repeat_interleave(const Operand& x, Integer times, OptionalInteger axis = {});
/// A number for each of them.
Tensor repeat_interleave(const Operand& x, const std::vector<std::int64_t>& times, OptionalInteger axis = {});
inline Tensor repeat_interleave(const Operand& x, std::initializer_list<std::int64_t> times,
                                OptionalInteger axis = {}) {
  return repeat_interleave(x, std::vector(times), axis);
}

/// What stands beyond the edges: a number; the mirror image, without the edge itself; the edge; the other
/// end.
enum class PadMode : std::uint8_t { constant, reflect, replicate, circular };
/// How many elements to add before and after the last axis, before and after the one before it, and so on.
/// Negative sizes take elements away. To reflect, fewer than there are; for circular, at most as many.
Tensor pad(const Operand& x, const std::vector<std::int64_t>& sizes, PadMode mode = PadMode::constant,
           double value = 0);

// ---- Matrices
// ------------------------------------------------------------------------------------------------

/// 0 above the diagonal of the last two axes, or above the one so far to its right; triu: below it.
Tensor tril(const Operand& x, Integer diagonal = 0);
Tensor triu(const Operand& x, Integer diagonal = 0);
/// The diagonal of two axes as a new last one; an offset of 1 is the one to the right of it.
Tensor diagonal(const Operand& x, Integer offset = 0, Integer axis1 = 0, Integer axis2 = 1);
/// Matrices with the last axis on this diagonal and 0 elsewhere; axis1 and axis2 of the result are theirs.
Tensor diag_embed(const Operand& x, Integer offset = 0, Integer axis1 = -2, Integer axis2 = -1);
/// diag_embed of a vector, the diagonal of a matrix.
Tensor diag(const Operand& x, Integer offset = 0);
/// The sum of the diagonal of the first two axes.
Tensor trace(const Operand& x, Integer offset = 0);

/// Matrices along the diagonal, 0 elsewhere; a vector is a row, and a scalar one element.
Tensor block_diag(std::span<const Tensor> matrices, Here here = Here::now());
inline Tensor block_diag(std::initializer_list<Tensor> matrices, Here here = Here::now()) {
  return block_diag(std::span(matrices.begin(), matrices.size()), here);
}
/// Powers of a vector's elements, a row (columns,) for each: xⁿ⁻¹, ..., x, 1, or with `increasing` from 1 on.
/// As many columns as elements unless told.
Tensor vander(const Operand& x, OptionalInteger columns = {}, Flag increasing = false);
/// The positions of the lower triangle of a matrix, by rows: (2, count), int64. See tril().
Tensor tril_indices(Integer rows, Integer columns, Integer offset = 0, Here here = Here::now());
/// Of the upper triangle.
Tensor triu_indices(Integer rows, Integer columns, Integer offset = 0, Here here = Here::now());
/// All combinations of elements of vectors (a,), (b,), ..., the last one changing first: (a b ..., count of
/// vectors); of one vector itself.
Tensor cartesian_prod(std::span<const Tensor> tensors, Here here = Here::now());
inline Tensor cartesian_prod(std::initializer_list<Tensor> tensors, Here here = Here::now()) {
  return cartesian_prod(std::span(tensors.begin(), tensors.size()), here);
}

/// All choices of r elements of a vector, in the order of their places: (count, r). With replacement, an
/// element may be chosen again.
Tensor combinations(const Operand& x, Integer r = 2, Flag with_replacement = false);

/// Of vectors (a,), (b,), ... the coordinates of their grid: tensors (a, b, ...), or (b, a, ...) with `xy`,
/// which is NumPy's default.
[[nodiscard]] std::vector<Tensor> meshgrid(std::span<const Tensor> tensors, Flag xy = false,
                                           Here here = Here::now());
[[nodiscard]] inline std::vector<Tensor> meshgrid(std::initializer_list<Tensor> tensors, Flag xy = false,
                                                  Here here = Here::now()) {
  return meshgrid(std::span(tensors.begin(), tensors.size()), xy, here);
}

// ---- Making
// ----------------------------------------------------------------------------------------------------

/// 1 on the diagonal, 0 elsewhere; n columns unless told.
Tensor eye(Integer n, OptionalInteger columns = {}, DType dtype = default_dtype(), Here here = Here::now());
/// In x's shape and dtype.
Tensor full_like(const Tensor& x, double value, Here here = Here::now());
/// 0, 1, ..., below stop.
inline Tensor arange(Integer stop, DType dtype = DType::int64, Here here = Here::now()) {
  return arange(0, stop, dtype, here);
}
/// start, start + step, ... as long as stop is not reached. int64 of whole numbers, the default dtype of
/// others, unless told. ShapeError for a step of 0.
Tensor arange(Integer start, Integer stop, Integer step, DType dtype = DType::int64, Here here = Here::now());
template <Number A, Number B, Number C>
requires(std::is_floating_point_v<A> || std::is_floating_point_v<B> || std::is_floating_point_v<C>) Tensor
    arange(A start, B stop, C step, DType dtype = default_dtype(), Here here = Here::now());
/// start, start + 1, ..., as long as stop is not reached.
template <Number A, Number B>
requires(std::is_floating_point_v<A> || std::is_floating_point_v<B>) Tensor
    arange(A start, B stop, DType dtype = default_dtype(), Here here = Here::now()) {
  return arange(static_cast<double>(start), static_cast<double>(stop), 1.0, dtype, here);
}
/// base to the powers linspace(start, stop, count).
Tensor logspace(double start, double stop, Integer count, double base = 10, DType dtype = default_dtype(),
                Here here = Here::now());

namespace detail {
Tensor arange_of_reals(double start, double stop, double step, DType dtype, Here here);
}
template <Number A, Number B, Number C>
requires(std::is_floating_point_v<A> || std::is_floating_point_v<B> || std::is_floating_point_v<C>) Tensor
    arange(A start, B stop, C step, DType dtype, Here here) {
  return detail::arange_of_reals(static_cast<double>(start), static_cast<double>(stop),
                                 static_cast<double>(step), dtype, here);
}

}  // namespace chainrule
