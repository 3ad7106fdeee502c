/// \file
/// Solutions of equations and minima as functions of what the equations depend on: fixed_point, root,
/// minimize. Derivatives come from the implicit function theorem; the solvers are in src/solvers.

#pragma once

#include <stdexcept>

#include "chainrule/detail/vector_function.h"

/// Solutions of equations and minima as functions of what the equations depend on: their derivatives come
/// from the implicit function theorem, not from the steps of the solver, which leave nothing in the graph.
///
/// f is called as f(x, parameters...), as a const object and more than once, also in the backward pass: it is
/// kept as a copy, so let it capture by value what may be gone by then. x is a
/// tensor, or a structure of tensors of one floating dtype (see transforms.h); so is x0, where the solver
/// begins, of which the result has structure, shapes and dtype: where that is only stored, as float16, f gets
/// float32. The derivative with respect to x0 is zero.
/// Parameters are tensors, structures, and anything that can be copied: what comes from variables gets
/// derivatives. So does what f has captured, as with checkpoint(); what has samples of a vmap, which all take
/// the same steps, is to be passed. f is differentiated once for each order, for minimize() once more.
///
/// With r(x, p) = 0 at the solution and J = ∂r/∂x there, a cotangent g of x becomes -uᵀ·∂r/∂p, where Jᵀ·u =
/// g. Derivatives of any order follow, as u is the solution of an equation in turn. Up to 256 unknowns, J is
/// computed, row by row, and factorised; beyond, linear systems are solved by GMRES, at one product with J
/// for each of at most 500 steps. Source: Blondel and others, "Efficient and modular implicit
/// differentiation", 2022.
///
/// SolverError where no solution is found, with the steps made, how far from it, and a remedy; where a number
/// is NaN or infinite; and in the backward pass where J is singular, so that there is no derivative.
/// ShapeError where f gives other shapes than x has (minimize: more than one number), DTypeError for integers
/// among x, std::invalid_argument for an option out of range.
namespace CHAINRULE_API chainrule {

/// A solver that has found no solution.
class SolverError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// When fixed_point() stops.
struct FixedPointOptions {
  /// Of the largest element of f(x) - x, relative to that of x, where it is above 1. 0 stands for ε^(3/4) of
  /// the dtype: 2e-12 for float64, 6e-6 for float32.
  double tolerance = 0;
  std::int64_t iterations = 500;  ///< at most so many
  std::int64_t history = 5;       ///< how many steps Anderson's method looks back; 0 for plain iteration
  double damping = 1;             ///< what part of each step is taken, above 0 and at most 1
  void check() const;             ///< std::invalid_argument that names the option and what is allowed
};

/// When root() stops.
struct RootOptions {
  /// Of the largest element of Newton's last step, relative to that of x, where it is above 1. 0 stands for
  /// √ε of the dtype, 1.5e-8 for float64 and 3e-4 for float32: what is left after it is that squared.
  double tolerance = 0;
  std::int64_t iterations = 50;  ///< at most so many
  void check() const;            ///< std::invalid_argument that names the option and what is allowed
};

/// When minimize() stops.
struct MinimizeOptions {
  double tolerance = 0;           ///< as in RootOptions
  std::int64_t iterations = 500;  ///< at most so many of L-BFGS
  void check() const;             ///< std::invalid_argument that names the option and what is allowed
};

namespace detail {

std::vector<Tensor> fixed_point(std::shared_ptr<const VectorFunction> f, const std::vector<Tensor>& x0,
                                const std::vector<Tensor>& in, const FixedPointOptions& options);
std::vector<Tensor> root(std::shared_ptr<const VectorFunction> f, const std::vector<Tensor>& x0,
                         const std::vector<Tensor>& in, const RootOptions& options);
std::vector<Tensor> minimize(std::shared_ptr<const VectorFunction> f, const std::vector<Tensor>& x0,
                             const std::vector<Tensor>& in, const MinimizeOptions& options);

}  // namespace detail

/// The x with f(x, parameters...) = x, by Anderson's acceleration of the iteration x <- f(x): the step that
/// is least in the span of the last ones. Finds fixed points that the plain iteration runs away from, too.
///
///     const Tensor x = fixed_point([](const Tensor& x, const Tensor& a) { return cos(a * x); }, 1.0, a);
///
/// Source: Walker and Ni, "Anderson acceleration for fixed-point iterations", 2011.
template <class F, class X, class... P>
auto fixed_point(const F& f, const FixedPointOptions& options, const X& x0, const P&... parameters) {
  const auto problem = detail::vector_problem("fixed_point", "x0", f, x0, parameters...);
  return detail::like_value(problem.x,
                            detail::fixed_point(problem.function, problem.start, problem.in, options));
}
template <class F, class X, class... P>
requires detail::Structure<detail::Structured<X>>
auto fixed_point(const F& f, const X& x0, const P&... parameters) {
  return fixed_point(f, FixedPointOptions(), x0, parameters...);
}

/// An x with f(x, parameters...) = 0, where f gives the shapes of x, by Newton's method: each step goes half
/// as far until ‖f‖ is less. Which root of several depends on x0.
///
///     const Tensor x = root([](const Tensor& x, const Tensor& a) { return x * x - a; }, 1.0, a);  // √a
template <class F, class X, class... P>
auto root(const F& f, const RootOptions& options, const X& x0, const P&... parameters) {
  const auto problem = detail::vector_problem("root", "x0", f, x0, parameters...);
  return detail::like_value(problem.x, detail::root(problem.function, problem.start, problem.in, options));
}
template <class F, class X, class... P>
requires detail::Structure<detail::Structured<X>>
auto root(const F& f, const X& x0, const P&... parameters) {
  return root(f, RootOptions(), x0, parameters...);
}

/// The x, near x0, at which the number f(x, parameters...) is least: by L-BFGS (see Lbfgs), and from there by
/// Newton's method on the gradient, so that x, and the derivatives that depend on it, have all digits.
///
///     const Tensor w = minimize(
///         [&](const Tensor& w, const Tensor& decay) { return mse_loss(matmul(x, w), y) + decay * sum(w * w);
///         }, zeros({3}), decay);
template <class F, class X, class... P>
auto minimize(const F& f, const MinimizeOptions& options, const X& x0, const P&... parameters) {
  const auto problem = detail::vector_problem("minimize", "x0", f, x0, parameters...);
  return detail::like_value(problem.x,
                            detail::minimize(problem.function, problem.start, problem.in, options));
}
template <class F, class X, class... P>
requires detail::Structure<detail::Structured<X>>
auto minimize(const F& f, const X& x0, const P&... parameters) {
  return minimize(f, MinimizeOptions(), x0, parameters...);
}

}  // namespace chainrule
