/// \file
/// The operations that everything is made of, with NumPy's and PyTorch's names and meaning. Each makes a node
/// that records its inputs and how to differentiate; further ones are in functions.h and the headers after
/// it.

#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "chainrule/arguments.h"
#include "chainrule/detail/api.h"
#include "chainrule/tensor.h"

/// The operations. Names and meaning are NumPy's and PyTorch's. Each one makes a node that records its
/// inputs and how to differentiate; `chainrule ops` lists every derivative.
///
/// Elementwise operations broadcast as NumPy does (ShapeError otherwise) and promote dtypes as
/// chainrule::promote; functions of real numbers turn int64 and bool into float64 first. Arithmetic on int64,
/// sums and products too, wraps around modulo 2⁶⁴, as NumPy's.
///
/// Where a derivative is not unique or the formula is delicate, it is chosen thus:
///
/// | where                              | gradient                                                  |
/// | ---------------------------------- | --------------------------------------------------------- |
/// | relu(0), abs(0), sign              | 0, the subgradient of minimum norm                        |
/// | maximum, minimum (a, b) at a = b   | half to each                                              |
/// | max, min over an axis with ties    | shared evenly                                             |
/// | clamp at its bounds                | 1                                                         |
/// | norm at 0                          | 0, never NaN; so are all further derivatives              |
/// | norm with infinite elements        | these have equal shares, the others 0                     |
/// | prod with zeros                    | exact: the product of the others                          |
/// | sqrt at 0                          | +inf; the second derivative -inf, and so on               |
/// | pow(x, n) in x at 0                | that of the polynomial, in any order: in the end 0        |
/// | pow(0, b) in b                     | 0 for b >= 0                                              |
/// | where(c, a, b)                     | the branch not taken gets exactly 0, even if NaN or inf   |
/// | logsumexp, softmax, log_softmax    | shifted by the maximum; all -inf gives zeros, never NaN   |
/// | logaddexp, logsumexp at +inf       | those that are infinite share evenly; so they do in       |
/// |                                    | softmax, where PyTorch has NaN                            |
/// | cross_entropy                      | softmax(logits) - target, from the logits in one pass     |
///
/// In the chain rule 0 times infinity, or NaN, is 0: where nothing comes from above, nothing is passed on,
/// however steep the function is there, and a slope of 0 passes nothing on. So a branch that was masked out
/// leaves no NaN behind, and sqrt(relu(x)) and sqrt(x²) have the derivative 0 at 0. This holds for what works
/// element by element, in every order of derivative and in `map`.
///
/// Derivatives keep their digits where the result has lost them, as at both ends of tanh, sigmoid and
/// softmax.
namespace CHAINRULE_API chainrule {

namespace detail {
/// Text, pointers, and arrays of numbers, which become tensors by `tensor` alone.
template <class T>
concept NoOperand = std::is_convertible_v<const T&, std::string_view> || std::is_pointer_v<T> ||
    std::is_null_pointer_v<T> || ArrayOfNumbers<T>;
template <class A, class B>
concept NoOperands = (std::same_as<A, Tensor> && NoOperand<B>) || (NoOperand<A> && std::same_as<B, Tensor>);
}  // namespace detail

// ---- Arithmetic ------------------------------------------------------------------------------------

Tensor add(const Operand& a, const Operand& b);  ///< a + b
Tensor sub(const Operand& a, const Operand& b);  ///< a - b
Tensor mul(const Operand& a, const Operand& b);  ///< a * b, element by element
Tensor div(const Operand& a, const Operand& b);  ///< a / b; true division: integers give float64
Tensor neg(const Operand& x);                    ///< -x
/// a to the power b. NaN where a < 0 and b is not whole, as std::pow.
Tensor pow(const Operand& a, const Operand& b);

/// The sum, see add().
inline Tensor operator+(const Operand& a, const Operand& b) { return add(a, b); }
/// The difference, see sub().
inline Tensor operator-(const Operand& a, const Operand& b) { return sub(a, b); }
/// The product of elements, see mul().
inline Tensor operator*(const Operand& a, const Operand& b) { return mul(a, b); }
/// The quotient, see div().
inline Tensor operator/(const Operand& a, const Operand& b) { return div(a, b); }
/// The negative, see neg().
inline Tensor operator-(const Operand& x) { return neg(x); }

// These make a new node and put it into the handle `a`; other handles to the old node keep that.
/// Puts the sum into the handle a.
inline Tensor& operator+=(Tensor& a, const Operand& b) { return a = add({a, b.here()}, b); }
/// Puts the difference into the handle a.
inline Tensor& operator-=(Tensor& a, const Operand& b) { return a = sub({a, b.here()}, b); }
/// Puts the product into the handle a.
inline Tensor& operator*=(Tensor& a, const Operand& b) { return a = mul({a, b.here()}, b); }
/// Puts the quotient into the handle a.
inline Tensor& operator/=(Tensor& a, const Operand& b) { return a = div({a, b.here()}, b); }
Tensor& operator+=(Tensor&&, const Operand&) = delete;  // a[i] += b: a = slice_update(a, {i}, a[i] + b)
Tensor& operator-=(Tensor&&, const Operand&) = delete;  // a[i] -= b: a = slice_update(a, {i}, a[i] - b)
Tensor& operator*=(Tensor&&, const Operand&) = delete;  // a[i] *= b: a = slice_update(a, {i}, a[i] * b)
Tensor& operator/=(Tensor&&, const Operand&) = delete;  // a[i] /= b: a = slice_update(a, {i}, a[i] / b)
template <class A, class B>
requires detail::NoOperands<A, B> Tensor operator+(const A&, const B&) = delete;  // tensor(array)
template <class A, class B>
requires detail::NoOperands<A, B> Tensor operator-(const A&, const B&) = delete;  // tensor(array)
template <class A, class B>
requires detail::NoOperands<A, B> Tensor operator*(const A&, const B&) = delete;  // tensor(array)
template <class A, class B>
requires detail::NoOperands<A, B> Tensor operator/(const A&, const B&) = delete;  // tensor(array)
template <detail::NoOperand T>
Tensor& operator+=(Tensor&, const T&) = delete;  // tensor(array)
template <detail::NoOperand T>
Tensor& operator-=(Tensor&, const T&) = delete;  // tensor(array)
template <detail::NoOperand T>
Tensor& operator*=(Tensor&, const T&) = delete;  // tensor(array)
template <detail::NoOperand T>
Tensor& operator/=(Tensor&, const T&) = delete;  // tensor(array)

// ---- Functions, element by element -----------------------------------------------------------------

Tensor square(const Operand& x);   ///< x², derivative 2x
Tensor sqrt(const Operand& x);     ///< √x for x >= 0, NaN below; derivative 1/(2√x)
Tensor exp(const Operand& x);      ///< eˣ
Tensor log(const Operand& x);      ///< natural logarithm for x > 0; -inf at 0, NaN below; derivative 1/x
Tensor abs(const Operand& x);      ///< |x|, derivative sign(x)
Tensor sign(const Operand& x);     ///< -1, 0 or 1; derivative 0
Tensor expm1(const Operand& x);    ///< eˣ - 1, exact also where x is tiny; derivative eˣ
Tensor log1p(const Operand& x);    ///< log(1 + x), exact also where x is tiny; derivative 1 / (1 + x)
Tensor sin(const Operand& x);      ///< x in radians; derivative cos(x)
Tensor cos(const Operand& x);      ///< x in radians; derivative -sin(x)
Tensor tanh(const Operand& x);     ///< derivative 1 - tanh(x)², computed from x
Tensor sigmoid(const Operand& x);  ///< 1 / (1 + e⁻ˣ), stable at both ends; derivative y (1 - y), from x
Tensor relu(const Operand& x);     ///< max(x, 0); derivative 1 where x > 0, else 0
/// log(1 + eˣ), the smooth relu, without overflow; derivative sigmoid(x).
Tensor softplus(const Operand& x);
/// log(eᵃ + eᵇ) without overflow; derivatives sigmoid(a - b) and sigmoid(b - a), ½ each at equal infinities.
Tensor logaddexp(const Operand& a, const Operand& b);

Tensor maximum(const Operand& a, const Operand& b);  ///< the larger of each pair; NaN if either is
Tensor minimum(const Operand& a, const Operand& b);  ///< the smaller of each pair; NaN if either is
/// x held between low and high, which may be infinite; NaN where x is. Where low > high, that is high.
/// Derivative 1 for low <= x <= high, else 0; a bound that holds x gets the gradient instead.
Tensor clamp(const Operand& x, const Operand& low, const Operand& high);
/// a where condition (bool) holds, else b. DTypeError when condition is not bool.
Tensor where(const Operand& condition, const Operand& a, const Operand& b);

// Comparisons give bool tensors, which carry no gradient. Tensors are compared element by element: write
// `if (all(a == b))`, or `if (a == b)` where they have one element each; same(a, b) compares handles.
/// Is a < b?
Tensor less(const Operand& a, const Operand& b);
/// Is a <= b?
Tensor less_equal(const Operand& a, const Operand& b);
/// Is a > b?
Tensor greater(const Operand& a, const Operand& b);
/// Is a >= b?
Tensor greater_equal(const Operand& a, const Operand& b);
/// Is a == b?
Tensor equal(const Operand& a, const Operand& b);
/// Is a != b?
Tensor not_equal(const Operand& a, const Operand& b);

// Of a < b < c, C++ compares the answer to a < b with c: where bool meets numbers, these are a DTypeError.
/// See less().
Tensor operator<(const Operand& a, const Operand& b);
/// See less_equal().
Tensor operator<=(const Operand& a, const Operand& b);
/// See greater().
Tensor operator>(const Operand& a, const Operand& b);
/// See greater_equal().
Tensor operator>=(const Operand& a, const Operand& b);
/// See equal(): element by element.
inline Tensor operator==(const Operand& a, const Operand& b) { return equal(a, b); }
/// See not_equal().
inline Tensor operator!=(const Operand& a, const Operand& b) { return not_equal(a, b); }
template <class A, class B>
requires detail::NoOperands<A, B> Tensor operator<(const A&, const B&) = delete;  // tensor(array)
template <class A, class B>
requires detail::NoOperands<A, B> Tensor operator<=(const A&, const B&) = delete;  // tensor(array)
template <class A, class B>
requires detail::NoOperands<A, B> Tensor operator>(const A&, const B&) = delete;  // tensor(array)
template <class A, class B>
requires detail::NoOperands<A, B> Tensor operator>=(const A&, const B&) = delete;  // tensor(array)
template <class A, class B>
requires detail::NoOperands<A, B> Tensor operator==(const A&, const B&) = delete;  // tensor(array)
template <class A, class B>
requires detail::NoOperands<A, B> Tensor operator!=(const A&, const B&) = delete;  // tensor(array)

// Logic of bool tensors, element by element, without a gradient. Of numbers, the functions take all but 0 for
// true (also NaN), as NumPy's; the operators take bool alone, and a DTypeError says so.
/// Are both true?
Tensor logical_and(const Operand& a, const Operand& b);
/// Is one of them true, or both?
Tensor logical_or(const Operand& a, const Operand& b);
/// Is just one of them true?
Tensor logical_xor(const Operand& a, const Operand& b);
/// Is it false?
Tensor logical_not(const Operand& x);

/// Of bool tensors: are both true? Of whole numbers: bitwise_and(a, b), as for the next ones. DTypeError for
/// both kinds at once, as in `a & b < c`, and for floats.
Tensor operator&(const Operand& a, const Operand& b);
/// Of bool tensors: is one of them true, or both?
Tensor operator|(const Operand& a, const Operand& b);
/// Of bool tensors: is just one of them true?
Tensor operator^(const Operand& a, const Operand& b);
/// Of bool tensors: is it false?
Tensor operator~(const Operand& x);
/// See logical_not().
inline Tensor operator!(const Tensor& x) { return logical_not({x, Here()}); }
/// Puts a & b into the handle a.
inline Tensor& operator&=(Tensor& a, const Operand& b) { return a = Operand(a, b.here()) & b; }
/// Puts a | b into the handle a.
inline Tensor& operator|=(Tensor& a, const Operand& b) { return a = Operand(a, b.here()) | b; }
/// Puts a ^ b into the handle a.
inline Tensor& operator^=(Tensor& a, const Operand& b) { return a = Operand(a, b.here()) ^ b; }

/// C++ evaluates the right side of && and || only after asking for the truth of the left one, which a tensor
/// of several elements does not have.
template <std::same_as<Tensor> A, std::same_as<Tensor> B>
Tensor operator&&(const A& a, const B& b) {
  static_assert(sizeof(A) == 0, "&& of two tensors: write a & b, which works element by element");
  return a & b;
}
template <std::same_as<Tensor> A, std::same_as<Tensor> B>
Tensor operator||(const A& a, const B& b) {
  static_assert(sizeof(A) == 0, "|| of two tensors: write a | b, which works element by element");
  return a | b;
}

/// Do both handles refer to the same node?
[[nodiscard]] inline bool same(const Tensor& a, const Tensor& b) { return a.node() == b.node(); }

/// Another dtype. Floats become int64 by truncation, as NumPy has it on x86-64: NaN and what is beyond its
/// range become -2⁶³. They become bool by x != 0. The derivative is the cast back.
Tensor cast(const Operand& x, DType dtype);

// ---- Reductions --------------------------------------------------------------------------------------

// keepdims leaves each reduced axis in place with size 1. ShapeError for an axis that does not exist or
// is given twice; of nothing there are the sum, the product and the norm, but ShapeError for the others.
// Sums are pairwise-accurate. bool counts as int64; its largest and smallest are bool.
/// The sum; its gradient is the same for all elements.
Tensor sum(const Operand& x, const Axes& axes = {}, Flag keepdims = false);
/// The product; of nothing it is 1. The derivative is the product of the others, exact also where some are 0.
Tensor prod(const Operand& x, const Axes& axes = {}, Flag keepdims = false);
/// The Euclidean norm √Σx² (of a matrix over both axes: Frobenius'), also where the squares would overflow or
/// vanish; derivative x / norm, 0 at 0.
Tensor norm(const Operand& x, const Axes& axes = {}, Flag keepdims = false);
Tensor mean(const Operand& x, const Axes& axes = {}, Flag keepdims = false);  ///< int64 gives float64
Tensor max(const Operand& x, const Axes& axes = {}, Flag keepdims = false);   ///< NaN if any is NaN
Tensor min(const Operand& x, const Axes& axes = {}, Flag keepdims = false);   ///< NaN if any is NaN
/// log(sum(exp(x))), shifted by the maximum so that nothing overflows; derivative softmax(x).
Tensor logsumexp(const Operand& x, const Axes& axes = {}, Flag keepdims = false);

/// Do all of them hold, as bool? Yes, of nothing. Numbers count as true unless they are 0.
Tensor all(const Operand& x, const Axes& axes = {}, Flag keepdims = false);
/// Does any of them hold, as bool? No, of nothing.
Tensor any(const Operand& x, const Axes& axes = {}, Flag keepdims = false);

// Two numbers are no tensor and its axis.
template <Number A, Number B>
Tensor max(A, B) = delete;  // the larger of two numbers: std::max(a, b)
template <Number A, Number B>
Tensor min(A, B) = delete;  // the smaller of two numbers: std::min(a, b)
template <Number A, Number B>
Tensor sum(A, B) = delete;  // the sum of two numbers: a + b
template <Number A, Number B>
Tensor prod(A, B) = delete;  // the product of two numbers: a * b
template <Number A, Number B>
Tensor mean(A, B) = delete;  // the mean of two numbers: (a + b) / 2
template <Number A, Number B>
Tensor norm(A, B) = delete;  // the norm of two numbers: std::hypot(a, b)
template <Number A, Number B>
Tensor logsumexp(A, B) = delete;  // of two numbers: logaddexp(a, b)
template <Number A, Number B>
Tensor all(A, B) = delete;  // do two numbers hold: a && b
template <Number A, Number B>
Tensor any(A, B) = delete;  // does one of two numbers hold: a || b

// ---- Linear algebra ------------------------------------------------------------------------------------

/// NumPy's matmul: (m, k) @ (k, n); a vector is a row on the left and a column on the right; leading
/// axes are batches and broadcast. Derivatives g @ bᵀ and aᵀ @ g.
Tensor matmul(const Operand& a, const Operand& b);
/// x Wᵀ + b as one node: x (..., in), weight (out, in), bias (out,); result (..., out).
Tensor linear(const Operand& x, const Operand& weight, const Operand& bias);
Tensor linear(const Operand& x, const Operand& weight);

// ---- Shape ---------------------------------------------------------------------------------------------

/// The axes in the order given (negative ones count from the end), as NumPy's transpose(x, axes).
Tensor permute(const Operand& x, const std::vector<std::int64_t>& order);
Tensor transpose(const Operand& x);                       ///< all axes reversed
Tensor swapaxes(const Operand& x, Integer a, Integer b);  ///< two axes exchanged
/// The same elements in another shape, without a copy; one size may be -1 and is then computed.
Tensor reshape(const Operand& x, const Shape& shape);
Tensor broadcast_to(const Operand& x, const Shape& shape);
/// Existing axis: sizes along it add up, all others must agree. Braced numbers have the dtype of the tensors:
/// concatenate({x, {0, 1}}).
Tensor concatenate(std::span<const Tensor> tensors, Integer axis = 0, Here here = Here::now());
Tensor concatenate(std::initializer_list<Operand> tensors, Integer axis = 0, Here here = Here::now());
/// New axis: all shapes must agree. Numbers have the dtype of the tensors: stack({x, 1}).
Tensor stack(std::span<const Tensor> tensors, Integer axis = 0, Here here = Here::now());
Tensor stack(std::initializer_list<Operand> tensors, Integer axis = 0, Here here = Here::now());
template <std::same_as<Tensor> A, std::same_as<Tensor> B, class... More>
Tensor concatenate(const A&, const B&, const More&...) = delete;  // in braces: concatenate({a, b})
template <std::same_as<Tensor> A, std::same_as<Tensor> B, class... More>
Tensor stack(const A&, const B&, const More&...) = delete;  // in braces: stack({a, b})

/// start:stop:step as in Python; each may be left out or negative.
struct Slice {
  /// Negative ones count from the end; nothing is the beginning or the end itself.
  std::optional<std::int64_t> start = {}, stop = {};
  /// Negative ones go backwards; not 0.
  std::int64_t step = 1;
};
/// One entry of an index: a position, a Slice, or nothing at all for `...`, as many axes as are left.
class Index {
 public:
  /// One place of an axis, which goes away. Negative ones count from the end.
  Index(WholeNumber auto position, Here here = Here::now())  // NOLINT
      : entry_(static_cast<std::int64_t>(position)), here_(here) {}
  Index(NoWholeNumber auto) = delete;  // positions are whole numbers; a mask: masked_select(x, mask)
  /// A part of an axis.
  Index(Slice slice, Here here = Here::now()) : entry_(slice), here_(here) {}  // NOLINT
  /// As many whole axes as there are left.
  static Index ellipsis() { return {}; }
  /// Nothing for an ellipsis.
  const std::variant<std::monostate, std::int64_t, Slice>& entry() const& { return entry_; }
  std::variant<std::monostate, std::int64_t, Slice> entry() && { return entry_; }
  /// Where it was written, for x[{...}], which takes nothing beside the list.
  Here here() const { return here_; }

 private:
  Index() = default;
  std::variant<std::monostate, std::int64_t, Slice> entry_;
  Here here_;
};
/// NumPy's basic indexing. A position removes its axis; ShapeError when it is out of range. The
/// gradient is the upstream gradient in its place and 0 elsewhere.
Tensor index(const Operand& x, std::span<const Index> where);
inline Tensor index(const Operand& x, std::initializer_list<Index> where) {
  return index(x, std::span(where.begin(), where.size()));
}

/// x with the part at `where` replaced by values, which broadcast to that part's shape: what a[0] = b would
/// be, and JAX's x.at[where].set(values). A new tensor, of the dtype in which x and the values meet.
/// Derivatives: to x, the upstream gradient with 0 in the part; to the values, the upstream gradient there.
/// ShapeError as index, and when the values do not broadcast to the part.
Tensor slice_update(const Operand& x, std::span<const Index> where, const Operand& values);
inline Tensor slice_update(const Operand& x, std::initializer_list<Index> where, const Operand& values) {
  return slice_update(x, std::span(where.begin(), where.size()), values);
}

/// The rows (along axis 0) at these positions, in that order, repeated where one is: (positions, ...) from
/// (n, ...). The gradient is the upstream gradient added up, row by row, at the positions. ShapeError for a
/// scalar or a position outside 0 .. n - 1.
Tensor take_rows(const Operand& x, std::span<const std::int64_t> positions);
inline Tensor take_rows(const Operand& x, std::initializer_list<std::int64_t> positions) {
  return take_rows(x, std::span(positions.begin(), positions.size()));
}
/// The same for positions of any shape, int64: (positions..., ...), as a table of embeddings is looked up.
/// DTypeError for positions of another dtype.
Tensor take_rows(const Operand& x, const Tensor& positions);

// ---- Probabilities and losses --------------------------------------------------------------------------

/// exp(x) / sum(exp(x)) along an axis; zeros where every x is -inf. Where some are +inf, these have equal
/// shares and the others 0, as in the derivative of logsumexp.
Tensor softmax(const Operand& x, Integer axis = -1);
/// softmax(-x) along an axis.
Tensor softmin(const Operand& x, Integer axis = -1);
/// x - logsumexp(x) along an axis, the logarithm of softmax(x) also at infinities, without the loss of
/// precision of log(softmax(x)).
Tensor log_softmax(const Operand& x, Integer axis = -1);

/// How a loss combines the samples.
enum class Reduction : std::uint8_t { mean, sum, none };

/// -log softmax(logits)[target] for each sample, from the logits (..., C). Targets are classes, int64
/// (...), or probabilities, floating (..., C). The mean is over samples. Derivative, per sample:
/// softmax(logits) - target; found in the pass that gives the loss, and kept with it, wherever the logits
/// need a gradient. ShapeError when a class is outside 0..C-1.
Tensor cross_entropy(const Operand& logits, const Operand& target, Reduction reduction = Reduction::mean);
// A target of the two below has the shape of the prediction, or is a number for all of it; ShapeError
// otherwise, as broadcasting here is most often a mistake. The mean of nothing is a ShapeError, too.

/// (prediction - target)², by default averaged over all elements.
Tensor mse_loss(const Operand& prediction, const Operand& target, Reduction reduction = Reduction::mean);
/// max(0, 1 - target * score) with targets -1 or 1, by default averaged over all elements.
Tensor hinge_loss(const Operand& score, const Operand& target, Reduction reduction = Reduction::mean);

}  // namespace chainrule
