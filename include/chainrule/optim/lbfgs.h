/// \file
/// L-BFGS: for smooth losses over all data at once, as fits and inverse problems have them. It evaluates the
/// loss itself, several times a step, so that it takes a function of it. Source: Liu and Nocedal, 1989.

#pragma once

#include <vector>

#include "chainrule/detail/function_ref.h"
#include "chainrule/optim/optimizer.h"

namespace CHAINRULE_API chainrule {

/// Of Lbfgs.
struct LbfgsOptions {
  double learning_rate = 1;      ///< the step that is tried first, or with line_search off, taken
  std::int64_t iterations = 20;  ///< at most so many in one step()
  std::int64_t evaluations =
      25;  ///< no further iteration once the loss has been computed so often in a step()
  double gradient_tolerance = 1e-7;  ///< ends a step() where no element of the gradient is larger
  double change_tolerance = 1e-9;    ///< ends a step() where neither values nor the loss change more
  std::int64_t history = 100;        ///< how many pairs of steps and changes of the gradient are kept
  /// Searches along the direction for a place that satisfies the strong Wolfe conditions. Off: one step of
  /// learning_rate, which may well diverge.
  bool line_search = true;
  /// std::invalid_argument that names the option and what is allowed.
  void check() const;
};

/// Minimises by Newton steps with an inverse Hessian that is estimated from the last gradients, as PyTorch's
/// LBFGS (with line_search, its line_search_fn="strong_wolfe").
///
///     Lbfgs optimizer({a, b});
///     for (int i = 0; i < 5; ++i) optimizer.step([&] { return mse_loss(a * x + b, y); });
///
/// One group of parameters, of one dtype. Keeps, for all parameters together as one vector, the "direction",
/// the "gradient", the "history" of steps and changes of the gradient, and a few numbers.
/// Source: Nocedal and Wright, "Numerical optimization", 2006, algorithms 7.4, 3.5 and 3.6, in the form of
/// minFunc, from which PyTorch's was ported.
class Lbfgs final : public OptimizerWith<LbfgsOptions> {
 public:
  /// DTypeError for parameters of different dtypes.
  explicit Lbfgs(const std::vector<Parameter>& parameters, const LbfgsOptions& options = {});

  /// Several iterations. `loss` computes the loss from the parameters' present values, and is called once
  /// or more for each of them; gradients are computed here. Returns the loss before the step, and leaves
  /// parameters without a gradient. Where the line search meets NaN or infinities it tries less far.
  /// GradError when the loss is not a finite scalar to begin with, or does not depend on any parameter. When
  /// `loss` throws, the parameters stay at the last place that was taken.
  double step(FunctionRef<Tensor()> loss);

  [[nodiscard]] NamedTensors state() const override;
  void load_state(const NamedTensors& state) override;

 private:
  using OptimizerWith::add_group;
  class Objective;
  struct Pair {
    Tensor change, step;  // of the gradient, and of the values
    double curvature;     // 1 / (change · step)
  };
  void update(Learned& learned, const Tensor& gradient) override;
  void remember(const Tensor& gradient);
  Tensor newton_direction(const Tensor& gradient) const;

  std::vector<Pair> pairs_;
  Tensor direction_, gradient_;  // of the last iteration, both empty before the first
  double length_ = 0;            // along direction_
  double scale_ = 1;             // of the first estimate of the inverse Hessian
  std::int64_t iterations_ = 0;
};

}  // namespace chainrule
