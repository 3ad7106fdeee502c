// The Runge-Kutta method of Dormand and Prince, of order 5 with an estimate of order 4: one step, and the
// choice of steps.

#pragma once

#include <array>
#include <span>

#include "chainrule/detail/function_ref.h"
#include "chainrule/odeint.h"

namespace chainrule::solvers {

/// dy/dt of a vector y at the time t, and of other tensors.
class Field {
 public:
  Field() = default;
  Field(const Field&) = delete;
  Field& operator=(const Field&) = delete;
  virtual ~Field() = default;
  virtual Tensor slope(const Tensor& y, const Tensor& t, std::span<const Tensor> in) const = 0;
  /// Is the second half of y a tangent of the first? Steps are so short that its error is allowed, too, as
  /// long as it is finite.
  virtual bool has_tangent() const { return false; }
};

/// One step: the slopes at its seven stages, the last of them at its end, and y there.
struct Step {
  Tensor start, end;
  std::array<Tensor, 7> slopes;
  double length = 0;

  /// From y at the time `t`, where the slope is `first`.
  Step(const Field& field, const Tensor& y, const Tensor& t, const Tensor& first, double length,
       std::span<const Tensor> in);
  /// y at a share of the step, a number or a tensor without axes between 0 and 1.
  Tensor at(const Tensor& share) const;
  /// The estimated error in units of what is allowed.
  double error(const Field& field, const OdeOptions& options) const;
};

/// Where a step that was accepted begins, counted from the first time, and how long it is.
struct Stretch {
  double begin, length;
};

/// In numbers: (T, n) for n elements of y0, and in which steps. SolverError where it cannot go on.
Tensor integrated(const Field& field, const Tensor& y0, std::span<const double> times,
                  std::span<const Tensor> in, const OdeOptions& options, std::vector<Stretch>* taken);

}  // namespace chainrule::solvers
