/// \file
/// Solutions of ordinary differential equations, with their derivatives. Relies on implicit.h for how
/// functions and parameters are given; the steps are in src/solvers/dormand_prince.cpp.

#pragma once

#include "chainrule/implicit.h"

namespace CHAINRULE_API chainrule {

/// How a gradient passes back through odeint.
enum class OdeAdjoint : std::uint8_t {
  /// By the adjoint equation, ȧ = -aᵀ·∂f/∂y, from the last time back to the first, with y integrated back
  /// beside it, from one time of t to the one before. Memory does not grow with the steps. As exact as the
  /// tolerances, where the equation can be integrated back: one that forgets where it came from, as a stiff
  /// or strongly damped one, cannot over long stretches between two times.
  continuous,
  /// By differentiating the steps that were taken, whose sizes count as constants: the derivative, to
  /// rounding, of the numbers that came out. Each step is a checkpoint(), so that memory is one state for
  /// each. Where there is something to differentiate, steps are also as short as the tolerances ask for a
  /// tangent of y, which is integrated beside it: y itself may stay where it is, as in a state of rest, and
  /// then says nothing of how long a step may be. So a gradient takes about twice as long, and y may differ
  /// within the tolerances from that of a call without. (Not where f has no second derivatives.)
  discrete
};

/// How odeint() takes its steps, and differentiates.
struct OdeOptions {
  /// The error that each step may add to an element of y is rtol·|y| + atol, in the root mean square of all.
  /// Of float32, rtol is at least 1e-6.
  double rtol = 1e-7, atol = 1e-9;
  std::int64_t steps = 100000;  ///< at most so many, accepted or not
  /// How derivatives are computed.
  OdeAdjoint adjoint = OdeAdjoint::continuous;
  void check() const;  ///< std::invalid_argument that names the option and what is allowed
};

namespace detail {

/// The states at all times, as rows in front of those of y0.
std::vector<Tensor> odeint(std::shared_ptr<const VectorFunction> f, const std::vector<Tensor>& y0,
                           std::vector<Tensor> in, const OdeOptions& options);

}  // namespace detail

/// The y with dy/dt = f(y, t, parameters...) and y = y0 at the first of the times t: of the structure of y0
/// and its dtype, each tensor with an axis of the size of t in front, which begins with y0 itself.
///
///     const auto decay = [](const Tensor& y, const Tensor&, const Tensor& rate) { return -rate * y; };
///     const Tensor y = odeint(decay, tensor({1.0, 2.0}), linspace(0, 1, 5), rate);      // (5, 2)
///     const Tensor z = odeint(decay, {.rtol = 1e-10, .atol = 1e-12}, 1.0, tensor({0.0, 9.0}), rate);  //
///     (2,)
///
/// t, of shape (T,), increases or decreases; f gets one of it as a number, and gives the shapes of y. By the
/// Runge-Kutta method of Dormand and Prince of order 5(4), whose steps are as long as the tolerances allow,
/// whatever t is; times within a step come from its interpolation of order 4. Derivatives of any order, with
/// respect to y0, the times and the parameters; what y0, parameters, f and captured variables may be is as in
/// implicit.h. So is vmap, where the times are the same for all samples.
///
/// SolverError, with the time, where the step has become too small to go on, as at a pole, where numbers stop
/// being finite, or after too many steps. ShapeError where f gives other shapes than y has or t is no vector;
/// std::invalid_argument for times that neither increase nor decrease, or an option out of range. Source:
/// Dormand and Prince, "A family of embedded Runge-Kutta formulae", 1980; Shampine, "Some practical
/// Runge-Kutta formulas", 1986, for the interpolation; Hairer, Nørsett and Wanner, "Solving ordinary
/// differential equations I", 1993, section II.4, for the steps; Chen and others, "Neural ordinary
/// differential equations", 2018, for the adjoint.
template <class F, class Y, class... P>
auto odeint(const F& f, const OdeOptions& options, const Y& y0, const Tensor& t, const P&... parameters) {
  auto problem = detail::vector_problem("odeint", "y0", f, y0, t, parameters...);
  return detail::like_value(problem.x, detail::odeint(problem.function, problem.start, problem.in, options));
}
template <class F, class Y, class... P>
requires detail::Structure<detail::Structured<Y>>
auto odeint(const F& f, const Y& y0, const Tensor& t, const P&... parameters) {
  return odeint(f, OdeOptions(), y0, t, parameters...);
}

}  // namespace chainrule
