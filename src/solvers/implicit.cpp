// Equations that define x as a function of tensors: their solvers, and the derivatives of what these find.
// The derivative is that of the residual at the solution, by the implicit function theorem, and knows nothing
// of the steps to it.

#include "chainrule/implicit.h"

#include <algorithm>
#include <cmath>
#include <deque>

#include "autograd/captured.h"
#include "autograd/engine.h"
#include "chainrule/custom_gradient.h"
#include "chainrule/linalg.h"
#include "chainrule/optim/lbfgs.h"
#include "chainrule/transforms.h"
#include "graph/node.h"
#include "graph/reading.h"
#include "optim/options.h"
#include "solvers/inputs.h"
#include "solvers/linear_system.h"
#include "solvers/numbers.h"

namespace chainrule {
namespace {

using detail::Trace;
using detail::VectorFunction;
using solvers::largest;
using solvers::text_of;

/// r(x, in) = 0, which defines the vector x as a function of tensors.
class Equation : public detail::CustomRule, public std::enable_shared_from_this<Equation> {
 public:
  explicit Equation(std::string_view called) : called_(called) {}
  const std::string& name() const override { return called_; }
  /// A vector of the size of x, recorded.
  virtual Tensor residual(const Tensor& x, std::span<const Tensor> in) const = 0;
  /// In x, so that the Jacobian is the same everywhere?
  virtual bool is_linear() const { return false; }
  std::vector<Tensor> pull_back(std::span<const Tensor> in, std::span<const Tensor> out,
                                std::span<const Tensor> g, bool recorded) const override;

  /// x, as a node that depends on `in`, if there is anything to record.
  Tensor solution(const Tensor& x, std::vector<Tensor> in) {
    if (recording_mode.off && !recording_mode.keep_values && recording_mode.transforms == 0) return x;
    std::vector<Tensor> all = solvers::detached(in);
    all.insert(all.begin(), variable(x));
    const solvers::Apart apart(all);
    CapturingCall call(called_, apart.tensors(), [&](std::span<const Tensor> given) {
      return std::vector{residual(given.front(), given.subspan(1))};
    });
    apart.require_nothing_captured(called_, call.results);
    return with_captured(x, std::move(in), std::move(call.captured));
  }

 protected:
  Tensor with_captured(const Tensor& x, std::vector<Tensor> in, std::vector<Tensor> captured) {
    captured_ = std::move(captured);
    in.insert(in.end(), captured_.begin(), captured_.end());
    return detail::is_to_be_recorded(in) ? detail::with_rule({}, shared_from_this(), in, {x}).front() : x;
  }

 private:
  std::string called_;
  std::vector<Tensor> captured_;  // which are the last of the node's inputs
};

/// An equation at a place: a run from x to the residual, on stand-ins for the tensors that need a gradient.
struct Evaluated {
  std::shared_ptr<Trace> trace;
  std::vector<Tensor> in;

  Evaluated(const Equation& equation, const Tensor& x, std::span<const Tensor> given)
      : trace(std::make_shared<Trace>(equation.name())) {
    const Tensor at = trace->input(x, {.root = "x", .numbered = false});
    for (const Tensor& each : given)
      in.push_back(!each.requires_grad() ? each
                   : recording_mode.off  ? variable(each)
                                         : detail::stand_in(each));
    trace->output(detail::recorded([&] { return equation.residual(at, in); }), detail::the_result);
    trace->finish();
  }
  const Tensor& residual() const { return trace->outputs().front(); }
};

/// Jᵀ·u = g, of the Jacobian ∂r/∂x of another equation at its solution: `in` is that, what it depends on, and
/// g.
class Adjoint final : public Equation {
 public:
  explicit Adjoint(std::shared_ptr<const Equation> of) : Equation(of->name()), of_(std::move(of)) {}
  Tensor residual(const Tensor& u, std::span<const Tensor> in) const override {
    const Evaluated at(*of_, in.front(), in.subspan(1, in.size() - 2));
    return at.trace->recorded_pull_back(std::span(&u, 1)).front() - in.back();
  }
  bool is_linear() const override { return true; }
  using Equation::with_captured;

 private:
  std::shared_ptr<const Equation> of_;
};

/// SolverError where the Jacobian at x is another within what x is known to: to rounding, and for few
/// unknowns to what Newton's method would still change. As at a double root, where it says nothing of how the
/// solution moves. Jᵀ·u = g.
void require_certain(const Equation& equation, const Evaluated& at, solvers::JacobianSystem& system,
                     const Tensor& x, std::span<const Tensor> given, const Tensor& u, const Tensor& g) {
  constexpr std::int64_t few = 32;
  const NoGrad off;
  Tensor away = 4 * solvers::epsilon(x.dtype()) * abs(x);
  if (x.size() <= few && largest(at.residual()) != 0) {
    const Tensor left = 2 * system.solve(at.residual(), false);
    away = where(left > 0, -left - away, away - left);
  }
  const Evaluated near(equation, x + away, given);
  if (largest(near.trace->pull_back(std::span(&u, 1)).front() - g) > 0.5 * largest(g))
    throw SolverError(
        equation.name() +
        ": the Jacobian is singular as far as the solution is known, as at a double root, so that "
        "there is no derivative; begin elsewhere, lower the tolerance, or add a regularisation");
}

std::vector<Tensor> Equation::pull_back(std::span<const Tensor> in, std::span<const Tensor> out,
                                        std::span<const Tensor> g, bool recorded) const {
  const std::span<const Tensor> given = in.first(in.size() - captured_.size());
  const Evaluated at(*this, out.front(), given);
  solvers::JacobianSystem system(at.trace);
  Tensor u = system.solve(g.front(), true);
  if (!is_linear()) require_certain(*this, at, system, out.front(), given, u, g.front());
  if (recorded) {
    std::vector<Tensor> on = {out.front()};
    on.insert(on.end(), given.begin(), given.end());
    on.push_back(g.front());
    u = std::make_shared<Adjoint>(shared_from_this())->with_captured(u, std::move(on), captured_);
  }
  // With x, so that what reaches a captured tensor through that does not count once more.
  std::vector<Tensor> wrt = at.trace->inputs(), sent;
  for (std::size_t i = 0; i < in.size(); ++i)
    if (in[i].requires_grad()) wrt.push_back(i < given.size() ? at.in[i] : in[i]);
  const Tensor cotangent = -u;
  std::vector<Tensor> found =
      pulled_back(name(), at.trace->outputs(), std::span(&cotangent, 1), wrt, recorded);
  std::size_t next = 1;
  for (const Tensor& each : in) sent.push_back(each.requires_grad() ? found[next++] : Tensor());
  return sent;
}

/// f(x) = 0, or f(x) - x = 0.
class FixedPoint final : public Equation {
 public:
  explicit FixedPoint(std::shared_ptr<const VectorFunction> f) : Equation(f->called()), f_(std::move(f)) {}
  Tensor residual(const Tensor& x, std::span<const Tensor> in) const override { return (*f_)(x, in) - x; }

 private:
  std::shared_ptr<const VectorFunction> f_;
};

class Root final : public Equation {
 public:
  explicit Root(std::shared_ptr<const VectorFunction> f) : Equation(f->called()), f_(std::move(f)) {}
  Tensor residual(const Tensor& x, std::span<const Tensor> in) const override { return (*f_)(x, in); }

 private:
  std::shared_ptr<const VectorFunction> f_;
};

/// ∂f/∂x = 0.
class Stationary final : public Equation {
 public:
  explicit Stationary(std::shared_ptr<const VectorFunction> f) : Equation(f->called()), f_(std::move(f)) {}
  Tensor residual(const Tensor& x, std::span<const Tensor> in) const override {
    const Tensor value = f_->number(x, in);
    return gradients_at(name(), value, {}, std::span(&x, 1), true).front();
  }

 private:
  std::shared_ptr<const VectorFunction> f_;
};

double size_of(const Tensor& x) { return std::max(1.0, largest(x)); }

[[noreturn]] void report(std::string_view called, const std::string& what) {
  throw SolverError(std::string(called) + ": " + what);
}

void require_finite(std::string_view called, const Tensor& x, std::string_view what, std::int64_t steps) {
  if (std::isfinite(largest(x))) return;
  report(called, std::string(what) + " has NaN or infinite elements " +
                     (steps == 0 ? "at x0" : "after " + std::to_string(steps) + " steps") +
                     "; begin where the function is defined, and look for it with DetectAnomaly");
}

std::string not_found(std::int64_t steps, double left) {
  return "not converged after " + std::to_string(steps) + " steps: the largest residual is " + text_of(left);
}

/// Newton's method from x on, which counts its steps after those that led there.
Tensor newton(const Equation& equation, Tensor x, std::span<const Tensor> in, double tolerance,
              std::int64_t steps) {
  const std::string& called = equation.name();
  double left = 0;
  for (std::int64_t step = 0; step < steps; ++step) {
    const Evaluated at(equation, x, in);
    const Tensor& residual = at.residual();
    require_finite(called, residual, "the residual", step);
    left = largest(residual);
    if (left == 0) return x;
    const Tensor direction = solvers::JacobianSystem(at.trace).solve(residual.detach(), false);
    require_finite(called, direction, "Newton's step", step);
    if (largest(direction) <= tolerance * size_of(x)) return x - direction;
    const double before = solvers::length_of(residual);
    double length = 1;
    const auto is_less = [&](const Tensor& next) {
      return solvers::length_of(Evaluated(equation, next, in).residual()) <= (1 - 1e-4 * length) * before;
    };
    Tensor next = x - direction;
    while (!is_less(next)) {
      length /= 2;
      if (length < 1e-9)
        report(called,
               not_found(step, left) +
                   ", and no step along Newton's direction makes it less; begin elsewhere, or let the "
                   "function be smooth there");
      next = x - length * direction;
    }
    x = next;
  }
  report(called, not_found(steps, left) + "; begin closer to the solution, or allow more iterations");
}

/// The step from the last differences of x and of the residual r that makes r, if it were linear, least.
Tensor anderson_step(const std::deque<Tensor>& moved, const std::deque<Tensor>& changed, const Tensor& r,
                     double damping) {
  if (moved.empty()) return damping * r;
  const Tensor by = stack(std::vector<Tensor>(changed.begin(), changed.end()), 1);
  const Tensor from = stack(std::vector<Tensor>(moved.begin(), moved.end()), 1);
  const Tensor shares = matmul(pinv(by, std::sqrt(solvers::epsilon(r.dtype()))), r);
  return damping * r - matmul(from + damping * by, shares);
}

double or_default(double tolerance, DType dtype, double power) {
  return tolerance > 0 ? tolerance : std::pow(solvers::epsilon(dtype), power);
}

/// The least place that L-BFGS finds.
Tensor descended(const std::shared_ptr<const VectorFunction>& f, const Tensor& x0, std::span<const Tensor> in,
                 std::int64_t iterations) {
  const NumbersAllowed allowed;
  const Parameter x(x0, "x");
  // A node of its own, as Lbfgs calls backward(), which must not reach the user's leaves.
  const auto loss = custom_gradient(
      std::string(f->called()),
      [&](const Tensor& at) {
        const auto found = detail::value_and_grad(
            "minimize", [&](const Tensor& place) { return f->number(place, in); }, argnums<0>)(at);
        return saving(found.value, found.gradient);
      },
      [](const Tensor&, const Tensor&, const Tensor& gradient, const Tensor& g) { return g * gradient; });
  const Tensor first = loss(x0.detach());
  require_finite(f->called(), first, "the function", 0);
  const double change = std::pow(solvers::epsilon(x0.dtype()), 0.75);
  Lbfgs optimizer({x}, {.iterations = iterations,
                        .evaluations = 25 * iterations,
                        .gradient_tolerance = change,
                        .change_tolerance = change});
  const NoGrad recording(false);
  (void)optimizer.step([&] { return loss(x.leaf()); });
  return x.leaf().detach();
}

/// The same for each sample of a vmap, one after the other, as L-BFGS reads numbers.
Tensor descended_in_each(const std::shared_ptr<const VectorFunction>& f, const Tensor& x0,
                         const std::vector<Tensor>& in, std::int64_t iterations) {
  std::vector<Tensor> all = {x0};
  all.insert(all.end(), in.begin(), in.end());
  if (std::ranges::none_of(all, solvers::has_samples)) return descended(f, x0, in, iterations);
  std::vector<const Tensor*> tensors;
  tensors.reserve(all.size());
  for (const Tensor& each : all) tensors.push_back(&each);
  const Unwrapped at(tensors);
  const Tensor low = at.one_by_one("minimize", [&](const std::vector<Tensor>& sample) {
    return descended_in_each(f, sample.front(), {sample.begin() + 1, sample.end()}, iterations);
  });
  return constant(batched_value(at.level, low));
}

/// Newton's method from `low` on has not left for a place where f is larger.
void require_no_rise(const VectorFunction& f, const Tensor& low, const Tensor& end,
                     std::span<const Tensor> in, double tolerance, std::int64_t iterations) {
  const auto values = [&](const Tensor& x) {
    return elements_of_all_samples(cast(f.number(x, in), DType::float64)).to_vector<double>();
  };
  const std::vector<double> before = values(low), after = values(end);
  for (std::size_t i = 0; i < before.size(); ++i)
    if (after[i] - before[i] > tolerance * std::max(1.0, std::abs(before[i])))
      report(f.called(), "after " + std::to_string(iterations) +
                             " steps of L-BFGS, Newton's method has left for a place that is no minimum, "
                             "where the function is " +
                             text_of(after[i]) + ", not " + text_of(before[i]) +
                             "; begin closer to the minimum, or allow more iterations");
}

}  // namespace

void FixedPointOptions::check() const {
  optim::require_not_negative("fixed_point", "tolerance", tolerance);
  optim::require_count("fixed_point", "iterations", iterations, 1);
  optim::require_count("fixed_point", "history", history, 0);
  optim::require_positive("fixed_point", "damping", damping);
  optim::require_part("fixed_point", "damping", damping);
}
void RootOptions::check() const {
  optim::require_not_negative("root", "tolerance", tolerance);
  optim::require_count("root", "iterations", iterations, 1);
}
void MinimizeOptions::check() const {
  optim::require_not_negative("minimize", "tolerance", tolerance);
  optim::require_count("minimize", "iterations", iterations, 1);
}

namespace detail {

std::vector<Tensor> fixed_point(std::shared_ptr<const VectorFunction> f, const std::vector<Tensor>& x0,
                                const std::vector<Tensor>& in, const FixedPointOptions& options) {
  options.check();
  const auto found = [&] {
    const NoGrad off;
    const std::vector<Tensor> plain = solvers::detached(in);
    const double tolerance = or_default(options.tolerance, f->layout().dtype(), 0.75);
    Tensor x = f->layout().joined(f->called(), "x0", x0).detach(), before, r_before;
    std::deque<Tensor> moved, changed;
    double left = 0;
    for (std::int64_t step = 0; step < options.iterations; ++step) {
      const Tensor r = (*f)(x, plain) - x;
      require_finite(f->called(), r, "the function", step);
      left = largest(r);
      if (left <= tolerance * size_of(x)) return x;
      if (step > 0 && options.history > 0) {
        moved.push_back(x - before);
        changed.push_back(r - r_before);
        if (static_cast<std::int64_t>(moved.size()) > options.history) {
          moved.pop_front();
          changed.pop_front();
        }
      }
      before = x;
      r_before = r;
      x = x + anderson_step(moved, changed, r, options.damping);
    }
    report(f->called(), not_found(options.iterations, left) +
                            "; begin closer to the fixed point, lower the damping, or allow more iterations");
  }();
  return solvers::restored(*f, std::make_shared<FixedPoint>(f)->solution(found, in), x0);
}

std::vector<Tensor> root(std::shared_ptr<const VectorFunction> f, const std::vector<Tensor>& x0,
                         const std::vector<Tensor>& in, const RootOptions& options) {
  options.check();
  const auto equation = std::make_shared<Root>(f);
  const Tensor found = no_grad([&] {
    const Tensor start = f->layout().joined(f->called(), "x0", x0).detach();
    return newton(*equation, start, solvers::detached(in), or_default(options.tolerance, start.dtype(), 0.5),
                  options.iterations);
  });
  return solvers::restored(*f, equation->solution(found.detach(), in), x0);
}

std::vector<Tensor> minimize(std::shared_ptr<const VectorFunction> f, const std::vector<Tensor>& x0,
                             const std::vector<Tensor>& in, const MinimizeOptions& options) {
  options.check();
  constexpr std::int64_t newton_steps = 50;
  const auto equation = std::make_shared<Stationary>(f);
  const Tensor found = no_grad([&] {
    const Tensor start = f->layout().joined(f->called(), "x0", x0).detach();
    const std::vector<Tensor> plain = solvers::detached(in);
    const double tolerance = or_default(options.tolerance, start.dtype(), 0.5);
    const Tensor low = descended_in_each(f, start, plain, options.iterations);
    Tensor end = newton(*equation, low, plain, tolerance, newton_steps);
    require_no_rise(*f, low, end, plain, tolerance, options.iterations);
    return end;
  });
  return solvers::restored(*f, equation->solution(found.detach(), in), x0);
}

}  // namespace detail
}  // namespace chainrule
