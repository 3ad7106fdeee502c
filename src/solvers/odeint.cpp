// Integrals of differential equations as nodes, and their derivatives by the adjoint equation or by the steps
// taken.

#include "chainrule/odeint.h"

#include <algorithm>
#include <cmath>

#include "array/number_text.h"
#include "autograd/captured.h"
#include "autograd/engine.h"
#include "chainrule/autograd.h"
#include "chainrule/checkpoint.h"
#include "graph/node.h"
#include "optim/options.h"
#include "solvers/dormand_prince.h"
#include "solvers/inputs.h"

namespace chainrule {
namespace {

using solvers::Field;
using solvers::Step;

const std::string& name_of_odeint() {
  static const auto* const name = new std::string("odeint");
  return *name;
}

Tensor part(const Tensor& x, std::int64_t start, std::int64_t stop) { return x[{Slice{start, stop}}]; }

/// The user's function.
class UserField final : public Field {
 public:
  explicit UserField(std::shared_ptr<const detail::VectorFunction> f) : f_(std::move(f)) {}
  Tensor slope(const Tensor& y, const Tensor& t, std::span<const Tensor> in) const override {
    std::vector<Tensor> all = {t};
    all.insert(all.end(), in.begin(), in.end());
    return (*f_)(y, all);
  }

 private:
  std::shared_ptr<const detail::VectorFunction> f_;
};

/// y, its adjoint a, and -∫ aᵀ·∂f/∂p of what f depends on: of some of `in`, and of what it has captured.
class AdjointField final : public Field {
 public:
  AdjointField(std::shared_ptr<const Field> of, std::int64_t size, std::vector<std::size_t> wanted,
               std::vector<Tensor> captured)
      : of_(std::move(of)), size_(size), wanted_(std::move(wanted)), captured_(std::move(captured)) {}
  Tensor slope(const Tensor& state, const Tensor& t, std::span<const Tensor> in) const override {
    const bool record = !recording_mode.off;
    const auto inside = [&](const Tensor& each) {
      return record && each.requires_grad() ? detail::stand_in(each) : variable(each);
    };
    // With t, so that what reaches a captured tensor through that does not count once more.
    std::vector<Tensor> wrt = {inside(part(state, 0, size_)), inside(t)}, given(in.begin(), in.end());
    for (const std::size_t i : wanted_) wrt.push_back(given[i] = inside(in[i]));
    wrt.insert(wrt.end(), captured_.begin(), captured_.end());
    const Tensor slope = detail::recorded([&] { return of_->slope(wrt[0], wrt[1], given); });
    const Tensor adjoint = part(state, size_, 2 * size_);
    const std::vector<Tensor> found =
        pulled_back("odeint", std::span(&slope, 1), std::span(&adjoint, 1), wrt, record);
    std::vector<Tensor> parts = {slope, -found[0]};
    for (std::size_t i = 2; i < found.size(); ++i)
      parts.push_back(reshape(cast(-found[i], slope.dtype()), {-1}));
    return concatenate(parts);
  }

 private:
  std::shared_ptr<const Field> of_;
  std::int64_t size_;
  std::vector<std::size_t> wanted_;  // which of `in`
  std::vector<Tensor> captured_;
};

/// y, and how it moves when where it begins, some of `in`, and what f has captured move in certain
/// directions. Steps that are as long as y allows say nothing of its derivatives: where f is 0, y stays where
/// it is, however long they are.
class FieldWithTangent final : public Field {
 public:
  /// Directions are empty for what does not move.
  FieldWithTangent(std::shared_ptr<const Field> of, std::vector<Tensor> directions,
                   std::vector<Tensor> captured)
      : of_(std::move(of)), directions_(std::move(directions)), captured_(std::move(captured)) {}
  Tensor slope(const Tensor& state, const Tensor& t, std::span<const Tensor> in) const override {
    const std::int64_t size = state.size() / 2;
    std::vector<Tensor> wrt = {variable(part(state, 0, size))}, along = {part(state, size, 2 * size)},
                        given(in.begin(), in.end());
    for (std::size_t i = 0; i < given.size(); ++i) {
      if (directions_[i].is_empty()) continue;
      wrt.push_back(given[i] = variable(in[i]));
      along.push_back(directions_[i]);
    }
    for (const Tensor& each : captured_) {
      wrt.push_back(each);
      along.push_back(direction_for(each));
    }
    const Tensor slope = detail::recorded([&] { return of_->slope(wrt[0], t, given); });
    const Tensor moved =
        pushed_through("odeint", std::span(&slope, 1), wrt, along, [&](std::span<const Tensor> v) {
          return pulled_back("odeint", std::span(&slope, 1), v, wrt, true);
        }).front();
    return concatenate({slope, moved.is_empty() ? zeros_like(slope) : moved});
  }
  bool has_tangent() const override { return true; }
  /// Of numbers whose derivatives hardly cancel each other.
  static Tensor direction_for(const Tensor& x) {
    return cast(reshape(cos(arange(1, x.size() + 1)), x.shape()), x.dtype());
  }

 private:
  std::shared_ptr<const Field> of_;
  std::vector<Tensor> directions_, captured_;
};

Tensor solution(std::shared_ptr<const Field> field, const Tensor& y0, const Tensor& t, std::vector<Tensor> in,
                const OdeOptions& options);

/// The node's inputs are y0, t, what the function is called with, and what it has captured.
class ContinuousAdjoint final : public detail::CustomRule {
 public:
  ContinuousAdjoint(std::shared_ptr<const Field> field, std::vector<Tensor> captured,
                    const OdeOptions& options)
      : field_(std::move(field)), captured_(std::move(captured)), options_(options) {}
  const std::string& name() const override { return name_of_odeint(); }

  std::vector<Tensor> pull_back(std::span<const Tensor> in, std::span<const Tensor> out,
                                std::span<const Tensor> g, bool) const override {
    const Tensor &y = out.front(), &t = in[1];
    const std::int64_t size = in[0].size();
    const std::vector<Tensor> given(in.begin() + 2, in.end() - static_cast<std::ptrdiff_t>(captured_.size()));
    std::vector<std::size_t> wanted;
    std::vector<Tensor> of;
    for (std::size_t i = 0; i < given.size(); ++i) {
      if (!given[i].requires_grad()) continue;
      wanted.push_back(i);
      of.push_back(given[i]);
    }
    of.insert(of.end(), captured_.begin(), captured_.end());
    std::int64_t numbers = 0;
    for (const Tensor& each : of) numbers += each.size();
    const auto backward = std::make_shared<const AdjointField>(field_, size, wanted, captured_);

    std::int64_t at = y.shape()[0] - 1;
    Tensor adjoint = g.front()[at], integral = zeros({numbers}, y.dtype());
    std::vector<Tensor> by_time;
    const auto along = [&](const Tensor& cotangent) {
      return sum(cotangent * field_->slope(y[at], t[at], given));
    };
    for (; at > 0; --at) {
      if (t.requires_grad()) by_time.push_back(along(g.front()[at]));
      const Tensor rows =
          back(backward, concatenate({y[at], adjoint, integral}), stack({t[at], t[at - 1]}), given);
      adjoint = part(rows[1], size, 2 * size);
      integral = part(rows[1], 2 * size, 2 * size + numbers);
      if (at > 1) adjoint = adjoint + g.front()[at - 1];
    }
    std::vector<Tensor> sent(in.size());
    if (t.requires_grad()) {
      by_time.push_back(t.size() > 1 ? -along(adjoint) : zeros({}, t.dtype()));
      std::ranges::reverse(by_time);
      sent[1] = stack(by_time);
    }
    sent[0] = t.size() > 1 ? adjoint + g.front()[0] : adjoint;
    std::int64_t start = 0;
    for (std::size_t i = 0; i < of.size(); ++i) {
      const std::int64_t stop = start + of[i].size();
      const std::size_t to = i < wanted.size() ? 2 + wanted[i] : in.size() - of.size() + i;
      sent[to] = cast(reshape(part(integral, start, stop), of[i].shape()), of[i].dtype());
      start = stop;
    }
    return sent;
  }

 private:
  Tensor back(const std::shared_ptr<const AdjointField>& adjoint, const Tensor& from, const Tensor& t,
              const std::vector<Tensor>& given) const try {
    return solution(adjoint, from, t, given, options_);
  } catch (const SolverError& error) {
    throw SolverError(std::string(error.what()) +
                      "; this is on the way back, for a gradient: a stiff or strongly damped equation cannot "
                      "be integrated back; take {.adjoint = OdeAdjoint::discrete}");
  }
  std::shared_ptr<const Field> field_;
  std::vector<Tensor> captured_;
  OdeOptions options_;
};

/// The same steps once more, each as a checkpoint.
Tensor retraced(const std::shared_ptr<const Field>& field, const Tensor& y0, const Tensor& t,
                const std::vector<Tensor>& in, std::span<const double> times,
                const std::vector<solvers::Stretch>& steps) {
  std::vector<Tensor> rows = {y0};
  Tensor y = y0;
  for (const solvers::Stretch& taken : steps) {
    // Those after y are at times within this step.
    std::vector<Tensor> asked;
    const double end = taken.begin + taken.length;
    const bool is_last = &taken == &steps.back();
    for (std::size_t i = rows.size(); i < times.size(); ++i)
      if (is_last || (times[i] - times.front() - end) * taken.length <= 0)
        asked.push_back(t[static_cast<std::int64_t>(i)]);
    const auto one = [field, taken](const Tensor& from, const Tensor& first,
                                    const std::vector<Tensor>& others, const std::vector<Tensor>& given) {
      const Tensor begin = first + taken.begin;
      const Step step(*field, from, begin, field->slope(from, begin, given), taken.length, given);
      std::vector<Tensor> results = {step.end};
      for (const Tensor& each : others) results.push_back(step.at((each - begin) / taken.length));
      return results;
    };
    const std::vector<Tensor> results = checkpoint(one)(y, t[0], asked, in);
    y = results.front();
    rows.insert(rows.end(), results.begin() + 1, results.end());
  }
  return stack(rows);
}

/// The steps for a solution that is differentiated by them.
std::vector<solvers::Stretch> steps_with_tangent(const std::shared_ptr<const Field>& field, const Tensor& y0,
                                                 std::span<const double> times, const std::vector<Tensor>& in,
                                                 const std::vector<Tensor>& captured,
                                                 const OdeOptions& options) {
  const auto moves = [](const Tensor& each) {
    return is_floating(each.dtype()) &&
           (each.requires_grad() || needs_gradient_inside(each) ||
            solvers::any_level(each, [](const Traced& of) { return of.kind == Traced::Kind::dual; }));
  };
  const NoGrad off;
  std::vector<solvers::Stretch> steps;
  const std::vector<Tensor> plain = solvers::detached(in);
  const Tensor from = y0.detach();
  std::vector<Tensor> directions;
  for (const Tensor& each : in)
    directions.push_back(moves(each) ? FieldWithTangent::direction_for(each) : Tensor());
  if (moves(y0) || !captured.empty() || std::ranges::any_of(in, moves)) {
    const FieldWithTangent with_tangent(field, std::move(directions), captured);
    const Tensor state =
        concatenate({from, moves(y0) ? FieldWithTangent::direction_for(y0) : zeros_like(from)});
    bool is_known = true;
    try {
      (void)with_tangent.slope(state, full({}, times.front(), from.dtype()), plain);
    } catch (const GradError&) {  // as of a rule in numbers, which has no further derivative
      is_known = false;
    }
    if (is_known) {
      (void)integrated(with_tangent, state, times, plain, options, &steps);
      return steps;
    }
  }
  (void)integrated(*field, from, times, plain, options, &steps);
  return steps;
}

/// (T, n), as a node that depends on all this, if there is anything to record.
Tensor solution(std::shared_ptr<const Field> field, const Tensor& y0, const Tensor& t, std::vector<Tensor> in,
                const OdeOptions& options) {
  const std::vector<double> times = cast(t, DType::float64).detach().to_vector<double>();
  const std::vector<Tensor> plain = solvers::detached(in);
  const Tensor found =
      no_grad([&] { return integrated(*field, y0.detach(), times, plain, options, nullptr); });
  if (recording_mode.off && !recording_mode.keep_values && recording_mode.transforms == 0) return found;
  std::vector<Tensor> all = {y0.detach(), t[0].detach()};
  all.insert(all.end(), plain.begin(), plain.end());
  const solvers::Apart apart(all);
  CapturingCall call("odeint", apart.tensors(), [&](std::span<const Tensor> given) {
    return std::vector{field->slope(given[0], given[1], given.subspan(2))};
  });
  apart.require_nothing_captured("odeint", call.results);
  all = {y0, t};
  all.insert(all.end(), in.begin(), in.end());
  all.insert(all.end(), call.captured.begin(), call.captured.end());
  if (!detail::is_to_be_recorded(all)) return found;
  if (options.adjoint == OdeAdjoint::discrete)
    return retraced(field, y0, t, in, times,
                    steps_with_tangent(field, y0, times, in, call.captured, options));
  const auto rule =
      std::make_shared<const ContinuousAdjoint>(std::move(field), std::move(call.captured), options);
  return detail::with_rule({}, rule, all, {found}).front();
}

void require_times(const Tensor& t) {
  if (t.rank() != 1 || t.size() == 0)
    throw ShapeError("odeint: the times have shape " + to_string(t.shape()) +
                     ", not (T,); give one or more, the first of them that of y0");
  if (solvers::has_samples(t))
    throw GradError(
        "odeint: the times have a value for each sample of vmap, where all take the same steps; give the "
        "same times to all, and scale f: y(s·t) fulfils dy/dt = s·f(y, s·t)");
  const std::vector<double> times = no_grad([&] { return cast(t, DType::float64).to_vector<double>(); });
  for (std::size_t i = 1; i < times.size(); ++i)
    if (!((times[i] - times[i - 1]) * (times[1] - times[0]) > 0) || !std::isfinite(times[i]))
      throw std::invalid_argument("odeint: the times must increase, or decrease, but t[" +
                                  std::to_string(i - 1) + "] = " + number_text(times[i - 1]) +
                                  " is followed by " + number_text(times[i]) +
                                  "; sort them, and leave out what is twice there");
}

}  // namespace

void OdeOptions::check() const {
  optim::require_not_negative("odeint", "rtol", rtol);
  optim::require_positive("odeint", "atol", atol);
  optim::require_count("odeint", "steps", steps, 1);
}

namespace detail {

std::vector<Tensor> odeint(std::shared_ptr<const VectorFunction> f, const std::vector<Tensor>& y0,
                           std::vector<Tensor> in, const OdeOptions& options) {
  options.check();
  const VectorLayout& layout = f->layout();
  require_times(in.front());
  const Tensor t = cast(in.front(), layout.dtype());
  in.erase(in.begin());
  return solvers::restored(*f,
                           solution(std::make_shared<const UserField>(f), layout.joined("odeint", "y0", y0),
                                    t, std::move(in), options),
                           y0);
}

}  // namespace detail
}  // namespace chainrule
