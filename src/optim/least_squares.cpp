// Levenberg-Marquardt: the matrix of derivatives, and steps with more damping until one lowers the loss.
// Relies on flat.h for vectors and on linalg.h to solve.

#include "chainrule/optim/least_squares.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "chainrule/autograd.h"
#include "chainrule/linalg.h"
#include "chainrule/shaping.h"
#include "optim/flat.h"
#include "optim/named_state.h"
#include "optim/options.h"

namespace chainrule {
namespace {

/// 1 at one place of a vector, else 0.
Tensor unit(std::int64_t size, std::int64_t place, DType dtype) {
  return cast(arange(0, size) == place, dtype);
}

/// (residuals, parameters), of residuals as a vector.
Tensor jacobian(const Tensor& residuals, const std::vector<Parameter>& parameters, const optim::Flat& flat) {
  const std::int64_t m = residuals.size(), n = flat.size();
  std::vector<Tensor> lines;
  // A jvp is two passes back, one of them recorded.
  if (3 * n <= m) {
    for (const Parameter& parameter : parameters) {
      const std::int64_t size = parameter.leaf().size();
      for (std::int64_t i = 0; i < size; ++i)
        lines.push_back(
            jvp(residuals, parameter, reshape(unit(size, i, flat.dtype()), parameter.shape())).detach());
    }
    return no_grad([&] { return stack(lines, 1); });
  }
  const std::vector<Tensor> leaves(parameters.begin(), parameters.end());
  for (std::int64_t i = 0; i < m; ++i) {
    const Gradients row = gradients(residuals, leaves, {.seed = unit(m, i, residuals.dtype())});
    std::vector<Tensor> parts;
    parts.reserve(leaves.size());
    for (const Tensor& leaf : leaves) parts.push_back(reshape(row[leaf], {-1}));
    lines.push_back(concatenate(parts));
  }
  return stack(lines, 0);
}

double half_square(const Tensor& residuals) { return 0.5 * sum(square(residuals)).item(); }

}  // namespace

void LevenbergMarquardtOptions::check() const {
  optim::require_positive("LevenbergMarquardt", "damping", damping);
  optim::require_count("LevenbergMarquardt", "attempts", attempts, 1);
}

LevenbergMarquardt::LevenbergMarquardt(const std::vector<Parameter>& parameters,
                                       const LevenbergMarquardtOptions& options)
    : options_(options), damping_(options.damping) {
  options.check();
  if (parameters.empty())
    throw std::invalid_argument("LevenbergMarquardt: no parameters; give it those to fit");
  for (const Parameter& parameter : parameters)
    if (std::none_of(parameters_.begin(), parameters_.end(),
                     [&](const Parameter& other) { return &other.leaf() == &parameter.leaf(); }))
      parameters_.push_back(parameter);
  const optim::Flat check("LevenbergMarquardt", parameters_);
}

LeastSquaresStep LevenbergMarquardt::step(FunctionRef<Tensor()> residuals) {
  const optim::Flat flat("LevenbergMarquardt", parameters_);
  Tensor r, J;
  {
    const Tensor now = residuals();
    if (!now.requires_grad())
      throw GradError("LevenbergMarquardt::step: the residuals depend on no parameter ('" +
                      parameters_.front().name() +
                      "', ...); compute them from the parameters, not from values cut off by detach() or "
                      "NoGrad");
    J = jacobian(reshape(now, {-1}), parameters_, flat);
    r = no_grad([&] { return reshape(now.detach(), {-1}); });
  }
  // Else the leaves would still be in the graph of the residuals, and every assignment make new ones.
  const NoGrad off;
  LeastSquaresStep result;
  result.loss_before = result.loss = half_square(r);
  if (!std::isfinite(result.loss))
    throw GradError("LevenbergMarquardt::step: half the sum of the squares of the residuals is " +
                    to_string(full({}, result.loss, DType::float64)) +
                    " before the first move; begin where it is finite");
  const Tensor slope = matmul(r, J), diagonal = sum(square(J), 0);
  if (flat.size() == 0) return result;
  const double steepest = max(abs(slope)).item();
  if (steepest == 0) return result;
  if (!std::isfinite(steepest))
    throw GradError(
        "LevenbergMarquardt::step: the derivatives of the residuals are not finite; begin where they are");
  // What has no influence on the residuals stays where it is.
  const Tensor D = where(diagonal == 0, 1, diagonal);
  const Tensor values = flat.values();
  const Tensor target = concatenate({-r, zeros({flat.size()}, flat.dtype())});
  const double damping_before = damping_, growth_before = growth_;
  for (std::int64_t attempt = 0; attempt < options_.attempts; ++attempt) {
    const Tensor h = lstsq(concatenate({J, diag(sqrt(damping_ * D))}), target);
    const double promised = 0.5 * sum(h * (damping_ * D * h - slope)).item();
    double loss = 0;
    try {
      flat.assign(values + h);
      loss = half_square(residuals());
    } catch (...) {
      flat.assign(values);
      throw;
    }
    const double gain = (result.loss_before - loss) / promised;
    if (loss < result.loss_before) {  // false for NaN
      damping_ *= std::max(1.0 / 3, 1 - std::pow(2 * gain - 1, 3));
      growth_ = 2;
      result.loss = loss;
      result.moved = true;
      return result;
    }
    damping_ *= growth_;
    growth_ *= 2;
  }
  flat.assign(values);
  damping_ = damping_before;
  growth_ = growth_before;
  return result;
}

NamedTensors LevenbergMarquardt::state() const {
  return {{"damping", full({}, damping_, DType::float64)}, {"growth", full({}, growth_, DType::float64)}};
}

void LevenbergMarquardt::load_state(const NamedTensors& state) {
  optim::NamedState from("LevenbergMarquardt", state);
  const double damping = from.number("damping"), growth = from.number("growth");
  from.require_all_used();
  optim::require_positive("LevenbergMarquardt", "damping", damping);
  optim::require_positive("LevenbergMarquardt", "growth", growth);
  damping_ = damping;
  growth_ = growth;
}

}  // namespace chainrule
