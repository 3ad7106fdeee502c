/// \file
/// Optimisers that give every element a learning rate of its own, by the size of its gradients: RMSProp,
/// Adagrad, Adadelta. In their formulas g = gradient + weight_decay * value.

#pragma once

#include "chainrule/optim/optimizer.h"

namespace CHAINRULE_API chainrule {

/// Of RmsProp.
struct RmsPropOptions {
  /// Times the gradient, divided by the root of its mean square.
  double learning_rate = 0.01;
  double alpha = 0.99;             ///< share that the running means keep of themselves, in [0, 1)
  double epsilon = 1e-8;           ///< added to the divisor
  double weight_decay = 0;         ///< adds weight_decay * value to the gradient
  double momentum = 0;             ///< share of the last velocity that is kept, in [0, 1)
  bool centered = false;           ///< divides by the root of the variance rather than of the mean of squares
  bool allow_no_gradient = false;  ///< see SgdOptions
  /// std::invalid_argument that names the option and what is allowed.
  void check() const;
};

/// As PyTorch's RMSprop:
///
///     square   = alpha * square + (1 - alpha) * g²,  and centered: mean = alpha * mean + (1 - alpha) * g
///     velocity = momentum * velocity + g / (√(square - mean²) + epsilon)
///     value   -= learning_rate * velocity
///
/// Keeps "mean_square", "mean" if centered, and "velocity" with momentum.
/// Source: Tieleman and Hinton, "Lecture 6.5: rmsprop", 2012; centered: Graves, "Generating sequences with
/// recurrent neural networks", 2013, equations 38 to 41.
class RmsProp final : public OptimizerWith<RmsPropOptions> {
 public:
  /// Its first group of parameters.
  explicit RmsProp(const std::vector<Parameter>& parameters, const RmsPropOptions& options = {});

 private:
  void update(Learned& learned, const Tensor& gradient) override;
};

/// Of Adagrad.
struct AdagradOptions {
  /// Times the gradient, divided by the root of all squares so far.
  double learning_rate = 0.01;
  double learning_rate_decay = 0;  ///< step t has learning_rate / (1 + (t - 1) * learning_rate_decay)
  double weight_decay = 0;         ///< adds weight_decay * value to the gradient
  double initial_sum = 0;          ///< what the sum of squares begins with
  double epsilon = 1e-10;          ///< added to the divisor
  bool allow_no_gradient = false;  ///< see SgdOptions
  /// std::invalid_argument that names the option and what is allowed.
  void check() const;
};

/// As PyTorch's Adagrad:
///
///     sum   += g²
///     value -= learning_rate / (1 + (t - 1) * learning_rate_decay) * g / (√sum + epsilon)
///
/// Keeps "sum".
/// Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
/// optimization", 2011.
class Adagrad final : public OptimizerWith<AdagradOptions> {
 public:
  /// Its first group of parameters.
  explicit Adagrad(const std::vector<Parameter>& parameters, const AdagradOptions& options = {});

 private:
  void update(Learned& learned, const Tensor& gradient) override;
};

/// Of Adadelta.
struct AdadeltaOptions {
  /// Times a step that has a size of its own.
  double learning_rate = 1;
  double rho = 0.9;                ///< share that the running means keep of themselves, in [0, 1)
  double epsilon = 1e-6;           ///< added to both means below the root
  double weight_decay = 0;         ///< adds weight_decay * value to the gradient
  bool allow_no_gradient = false;  ///< see SgdOptions
  /// std::invalid_argument that names the option and what is allowed.
  void check() const;
};

/// As PyTorch's Adadelta:
///
///     square = rho * square + (1 - rho) * g²
///     step   = √(steps + epsilon) / √(square + epsilon) * g
///     steps  = rho * steps + (1 - rho) * step²
///     value -= learning_rate * step
///
/// Keeps "mean_square" and "mean_square_step".
/// Source: Zeiler, "ADADELTA: an adaptive learning rate method", 2012, algorithm 1.
class Adadelta final : public OptimizerWith<AdadeltaOptions> {
 public:
  /// Its first group of parameters.
  explicit Adadelta(const std::vector<Parameter>& parameters, const AdadeltaOptions& options = {});

 private:
  void update(Learned& learned, const Tensor& gradient) override;
};

}  // namespace chainrule
