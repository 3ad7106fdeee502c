// L-BFGS: directions from the last steps and gradients, and how far to go along them. Relies on flat.h for
// vectors and on line_search.h for the distance.

#include "chainrule/optim/lbfgs.h"

#include <algorithm>
#include <cmath>

#include "chainrule/autograd.h"
#include "chainrule/linalg.h"
#include "optim/flat.h"
#include "optim/line_search.h"
#include "optim/named_state.h"
#include "optim/options.h"

namespace chainrule {
namespace {

double largest(const Tensor& x) { return max(abs(x)).item(); }

std::string history_name(std::size_t i) { return "history" + std::to_string(i); }

}  // namespace

void LbfgsOptions::check() const {
  optim::require_positive("Lbfgs", "learning_rate", learning_rate);
  optim::require_count("Lbfgs", "iterations", iterations, 1);
  optim::require_count("Lbfgs", "evaluations", evaluations, 1);
  optim::require_not_negative("Lbfgs", "gradient_tolerance", gradient_tolerance);
  optim::require_not_negative("Lbfgs", "change_tolerance", change_tolerance);
  optim::require_count("Lbfgs", "history", history, 1);
}

/// The loss and its gradient as functions of all parameters as one vector. Unless done() is told where to
/// stay, the parameters are in the end where they were.
class Lbfgs::Objective {
 public:
  Objective(const std::vector<Parameter>& parameters, FunctionRef<Tensor()> loss)
      : flat_("Lbfgs", parameters), loss_(loss), values_(flat_.values()) {
    for (const Parameter& parameter : parameters) parameter.zero_grad();
  }
  ~Objective() {
    if (moved_) flat_.assign(values_);
  }
  Objective(const Objective&) = delete;
  Objective& operator=(const Objective&) = delete;

  optim::Place here() {
    Tensor loss = loss_();
    optim::Place place;
    if (loss.size() != 1)
      throw GradError("Lbfgs::step: the loss has shape " + to_string(loss.shape()) +
                      "; reduce it to a scalar, as by mean()");
    place.loss = loss.item();
    reshape(std::move(loss), {}).backward();
    place.gradient = flat_.take_gradient();
    return place;
  }
  optim::Place at(double length, const Tensor& direction) {
    moved_ = true;
    flat_.assign(no_grad([&] { return values_ + length * direction; }));
    optim::Place place = here();
    place.length = length;
    place.slope = no_grad([&] { return dot(place.gradient, direction).item(); });
    return place;
  }
  /// Moves there for good.
  void move(double length, const Tensor& direction) {
    values_ = no_grad([&] { return values_ + length * direction; });
    flat_.assign(values_);
    moved_ = false;
  }
  std::int64_t size() const { return flat_.size(); }

 private:
  optim::Flat flat_;
  FunctionRef<Tensor()> loss_;
  Tensor values_;
  bool moved_ = false;
};

Lbfgs::Lbfgs(const std::vector<Parameter>& parameters, const LbfgsOptions& options) : OptimizerWith("Lbfgs") {
  add_group(parameters, options);
  const optim::Flat check("Lbfgs", this->parameters());
}

void Lbfgs::update(Learned& /*learned*/, const Tensor& /*gradient*/) {
  throw GradError(
      "Lbfgs::step: it has to compute the loss several times; call step(loss) with a function "
      "that computes it, of the Lbfgs itself");
}

void Lbfgs::remember(const Tensor& gradient) {
  const Tensor change = gradient - gradient_, step = length_ * direction_;
  const double product = dot(change, step).item();
  if (!(product > 1e-10)) return;
  pairs_.push_back({change, step, 1 / product});
  while (static_cast<std::int64_t>(pairs_.size()) > options().history) pairs_.erase(pairs_.begin());
  scale_ = product / dot(change, change).item();
}

Tensor Lbfgs::newton_direction(const Tensor& gradient) const {
  Tensor direction = -gradient;
  std::vector<double> shares(pairs_.size());
  for (std::size_t i = pairs_.size(); i-- > 0;) {
    shares[i] = pairs_[i].curvature * dot(pairs_[i].step, direction).item();
    direction = std::move(direction) - shares[i] * pairs_[i].change;
  }
  direction = std::move(direction) * scale_;
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    const double share = pairs_[i].curvature * dot(pairs_[i].change, direction).item();
    direction = std::move(direction) + (shares[i] - share) * pairs_[i].step;
  }
  return direction;
}

double Lbfgs::step(FunctionRef<Tensor()> loss) {
  const LbfgsOptions options = this->options();
  Objective objective(parameters(), loss);
  optim::Place now = objective.here();
  const double first_loss = now.loss;
  if (!std::isfinite(first_loss))
    throw GradError("Lbfgs::step: the loss is " + to_string(full({}, first_loss, DType::float64)) +
                    " before the first move; begin where it is finite");
  if (objective.size() == 0 || largest(now.gradient) <= options.gradient_tolerance) return first_loss;
  std::int64_t evaluations = 1;
  for (std::int64_t i = 1; i <= options.iterations; ++i) {
    const bool first = ++iterations_ == 1;
    {
      const NoGrad off;
      if (!first) remember(now.gradient);
      direction_ = newton_direction(now.gradient);
      gradient_ = now.gradient;
      now.length = 0;
      now.slope = dot(now.gradient, direction_).item();
      length_ = options.learning_rate;
      if (first) length_ *= std::min(1.0, 1 / sum(abs(now.gradient)).item());
    }
    if (!(now.slope <= -options.change_tolerance)) break;
    const double loss_before = now.loss;
    if (options.line_search) {
      const auto found = optim::search_line([&](double length) { return objective.at(length, direction_); },
                                            now, length_, options.change_tolerance / largest(direction_));
      now = found.place;
      length_ = now.length;
      evaluations += found.evaluations;
      objective.move(length_, direction_);
    } else {
      objective.move(length_, direction_);
      if (i == options.iterations) break;
      now = objective.here();
      ++evaluations;
      if (!std::isfinite(now.loss))
        throw GradError("Lbfgs::step: the loss is " + to_string(full({}, now.loss, DType::float64)) +
                        " after a step of learning_rate; lower it, or set line_search");
    }
    if (evaluations >= options.evaluations || largest(now.gradient) <= options.gradient_tolerance ||
        length_ * largest(direction_) <= options.change_tolerance ||
        std::abs(now.loss - loss_before) < options.change_tolerance)
      break;
  }
  return first_loss;
}

NamedTensors Lbfgs::state() const {
  NamedTensors state = {{"iterations", tensor(iterations_)},
                        {"length", full({}, length_, DType::float64)},
                        {"scale", full({}, scale_, DType::float64)},
                        {"group0.learning_rate", full({}, learning_rate(), DType::float64)}};
  if (iterations_ == 0) return state;
  state.emplace_back("direction", direction_);
  state.emplace_back("gradient", gradient_);
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    state.emplace_back(history_name(i) + ".change", pairs_[i].change);
    state.emplace_back(history_name(i) + ".step", pairs_[i].step);
  }
  return state;
}

void Lbfgs::load_state(const NamedTensors& state) {
  const optim::Flat flat("Lbfgs", parameters());
  optim::NamedState from("Lbfgs", state);
  const std::int64_t iterations = from.count("iterations");
  const double length = from.number("length"), scale = from.number("scale");
  const double rate = from.number("group0.learning_rate");
  Tensor direction, gradient;
  std::vector<Pair> pairs;
  if (iterations > 0) {
    direction = from.at("direction", {flat.size()}, flat.dtype());
    gradient = from.at("gradient", {flat.size()}, flat.dtype());
    while (from.has(history_name(pairs.size()) + ".change")) {
      const std::string name = history_name(pairs.size());
      const Tensor change = from.at(name + ".change", {flat.size()}, flat.dtype());
      const Tensor step = from.at(name + ".step", {flat.size()}, flat.dtype());
      pairs.push_back({change, step, 1 / no_grad([&] { return dot(change, step).item(); })});
    }
  }
  from.require_all_used();
  set_learning_rate(rate);
  iterations_ = iterations;
  length_ = length;
  scale_ = scale;
  direction_ = std::move(direction);
  gradient_ = std::move(gradient);
  pairs_ = std::move(pairs);
}

}  // namespace chainrule
