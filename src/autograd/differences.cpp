// Steps are relative to what they are added to, and get longer where rounding would hide an error.

#include "autograd/differences.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "chainrule/autograd.h"
#include "chainrule/ops.h"

namespace chainrule {

Differences::Differences(detail::Checked function, const std::vector<Tensor>& inputs,
                         const GradcheckOptions& options)
    : function_(function), inputs_(inputs), options_(options) {
  for (const Tensor& input : inputs) {
    at_.push_back(input.to_vector<double>());
    steps_.push_back(steps_at(at_.back()));
  }
}

/// Each relative to its element; where that is 0, to the largest.
Differences::Elements Differences::steps_at(const Elements& at) const {
  double largest = 0;
  for (const double x : at) largest = std::isfinite(x) ? std::max(largest, std::abs(x)) : largest;
  Elements steps;
  for (const double x : at) {
    const double size = x != 0 && std::isfinite(x) ? std::abs(x) : largest != 0 ? largest : 1;
    steps.push_back(options_.step * size);
  }
  return steps;
}

std::vector<Tensor> Differences::variables(const std::vector<Elements>& at) const {
  std::vector<Tensor> leaves;
  for (std::size_t i = 0; i < at.size(); ++i) leaves.push_back(variable(tensor(at[i], inputs_[i].shape())));
  return leaves;
}

std::vector<Tensor> Differences::called_with(const std::vector<Tensor>& leaves) const {
  const NoGrad recording(false);
  return function_(leaves);  // which may differentiate, so all are variables
}

Projected Differences::projected(const std::vector<Tensor>& results) const {
  Projected sum;
  for (std::size_t k = 0; k < results.size(); ++k) {
    if (weights[k].is_empty() || results[k].is_empty()) continue;
    const Elements y = results[k].to_vector<double>(), w = weights[k].to_vector<double>();
    for (std::size_t i = 0; i < y.size(); ++i) {
      if (w[i] == 0) continue;
      sum.value += y[i] * w[i];
      sum.size += std::abs(y[i] * w[i]);
    }
  }
  return sum;
}

/// Where input `which` has moved by `times` its steps, weighted by `direction`.
Projected Differences::moved(std::size_t which, const Elements& direction, double times) const {
  std::vector<Elements> at = at_;
  for (std::size_t i = 0; i < direction.size(); ++i) at[which][i] += times * direction[i] * steps_[which][i];
  return projected(called_with(variables(at)));
}

/// The derivative along the steps, by a central difference, and what rounding may have made of it.
Projected Differences::difference(std::size_t which, const Elements& direction, double times) const {
  const Projected above = moved(which, direction, times), below = moved(which, direction, -times);
  constexpr double rounding = 32 * std::numeric_limits<double>::epsilon();
  return {(above.value - below.value) / (2 * times), rounding * std::max(above.size, below.size) / times};
}

/// The same for an expected slope. Where rounding could hide an error, by a longer step if that is sharper:
/// what it has lost by its length is about what half of it has lost less.
Projected Differences::difference_from(double expected, std::size_t which, const Elements& direction,
                                       double size) const {
  Projected best = difference(which, direction);
  const double enough = options_.tolerance * std::max(size, std::abs(best.value));
  for (const double times : {30.0, 1000.0}) {
    if (best.size <= enough || !std::isfinite(best.value) || !std::isfinite(expected)) break;
    Projected longer = difference(which, direction, times);
    longer.size += 4 * std::abs(longer.value - difference(which, direction, times / 2).value);
    if (longer.size < best.size) best = longer;
  }
  // A slope of 0 is right where differences vanish with the step, as those of x³ at 0.
  const double rest = std::abs(best.value);
  if (expected == 0 && size == 0 && rest > best.size &&
      std::abs(difference(which, direction, 0.1).value) < 0.2 * rest)
    best.value = 0;
  return best;
}

}  // namespace chainrule
