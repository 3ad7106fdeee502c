// What an operation has to have, and may have, as a struct. Whoever writes one reads this; apply.h makes
// nodes of them, and elementwise.h, axis_reduction.h and data_movement.h in src/ops write most of it.

#pragma once

#include <concepts>
#include <span>
#include <string>
#include <string_view>

#include "graph/cotangent.h"

/// An operation is one struct. Its members are the parameters, as the axes of a sum, which never change, so
/// that it can be run again on other inputs (Node::again); it has
///   name, formula                      what people read
///   Array forward(Values in) const     checks the shapes, then computes; throws ShapeError, DTypeError
///   Reads reads(wanted) const          which values the derivative reads, if `wanted(i)` inputs need one
///   void vjp(in, out, g, to) const     the vector-Jacobian product, in terms of public operations, or by a
///                                      kernel where to.in_numbers()
///   LocalFormula local_formula(input, names, name) const    vjp for people
/// where it has members
///   Attributes attributes() const      them by name, for those who compare, print or write a graph
/// and may have
///   Notation notation                  how drawings write it, unless by its name
///   void scalar_vjp(in, value, g, to) const    vjp in bare numbers, for a scalar and its scalar inputs
///   std::int64_t flops(in, shape) const    unless it does one thing per element
///   struct Saved                       what forward leaves for the derivative beside inputs and result, or
///                                      finds known already. The node keeps it, and these are then
///                                      forward(in, saved, wanted) and
///                                      vjp(in, out, g, to, saved)
/// and, for values under a transform (graph/traced.h), where forward is not called, so that the derivative
/// finds Saved as it was:
///   Tensor composed(in) const              the same in other operations, which then follow these rules
///   Tensor batch(at) const                 the physical result, batch axis first, of at.in, of which
///                                          at.has(i) are physical; without it, sample after sample
///   static constexpr bool linear = true    the derivative along tangents is the operation on them
///   Tensor jvp(in, out, tangents) const    that derivative; without it, from vjp
/// (graph/stored.h has two more, of dtypes that are only stored).
namespace chainrule {

/// The values of the inputs.
using Values = std::span<const Array* const>;
/// The inputs as tensors, in a derivative.
using Inputs = std::span<const Tensor>;

/// What forward leaves for the derivative; of most operations nothing.
template <class Op>
struct SavedByOperation {
  struct type {};
};
template <class Op>
requires requires { typename Op::Saved; }
struct SavedByOperation<Op> {
  using type = typename Op::Saved;
};
template <class Op>
using SavedOf = typename SavedByOperation<Op>::type;
template <class Op>
constexpr bool saves = requires {
  typename Op::Saved;
};

template <class Op>
Array value_by(const Op& op, Values in, [[maybe_unused]] SavedOf<Op>& saved, [[maybe_unused]] Wanted wanted) {
  if constexpr (saves<Op>)
    return op.forward(in, saved, wanted);
  else
    return op.forward(in);
}
template <class Op>
void vjp_by(const Op& op, Inputs in, const Tensor& out, const Tensor& g, Cotangents& to,
            [[maybe_unused]] const SavedOf<Op>& saved) {
  if constexpr (saves<Op>)
    op.vjp(in, out, g, to, saved);
  else
    op.vjp(in, out, g, to);
}

template <class Op>
concept HasRules = saves<Op> ||
    requires(const Op& op, Values values, Inputs in, const Tensor& tensor, Cotangents& to) {
  { op.forward(values) } -> std::same_as<Array>;
  { op.vjp(in, tensor, tensor, to) } -> std::same_as<void>;
};

template <class Op>
concept Operation = HasRules<Op> && requires(const Op& op) {
  { op.name } -> std::convertible_to<std::string_view>;
  { op.formula } -> std::convertible_to<std::string_view>;
  { op.reads(Wanted()) } -> std::same_as<Reads>;
  {
    op.local_formula(std::size_t{}, std::span<const std::string>{}, std::string{})
    } -> std::same_as<LocalFormula>;
};

}  // namespace chainrule
