/// \file
/// Adam and its relatives: a step follows the running mean of gradients, divided by the root of that of their
/// squares.

#pragma once

#include "chainrule/optim/optimizer.h"

namespace CHAINRULE_API chainrule {

/// Of Adam.
struct AdamOptions {
  /// How far a step goes at most, about.
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;  ///< shares that the running means keep of themselves, in [0, 1)
  double epsilon = 1e-8;              ///< added to the divisor
  double weight_decay = 0;            ///< adds weight_decay * value to the gradient
  bool amsgrad = false;               ///< divides by the largest mean of squares so far
  bool allow_no_gradient = false;     ///< see SgdOptions
  bool lazy_rows = false;             ///< see SgdOptions: rows that are left alone keep their means
  /// std::invalid_argument that names the option and what is allowed.
  void check() const;
};

/// With g = gradient + weight_decay * value, in step t of a parameter, as PyTorch's Adam:
///
///     first   = beta1 * first  + (1 - beta1) * g
///     second  = beta2 * second + (1 - beta2) * g²
///     value  -= learning_rate * first / (1 - beta1ᵗ) / (√(second / (1 - beta2ᵗ)) + epsilon)
///
/// Keeps "first_moment" and "second_moment", and "largest_second_moment" with amsgrad.
/// Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1; amsgrad: Reddi,
/// Kale and Kumar, "On the convergence of Adam and beyond", 2018.
class Adam final : public OptimizerWith<AdamOptions> {
 public:
  /// Its first group of parameters.
  explicit Adam(const std::vector<Parameter>& parameters, const AdamOptions& options = {});

 private:
  void update(Learned& learned, const Tensor& gradient) override;
};

/// Of AdamW.
struct AdamWOptions {
  /// How far a step goes at most, about.
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;  ///< shares that the running means keep of themselves, in [0, 1)
  double epsilon = 1e-8;              ///< added to the divisor
  double weight_decay = 0.01;         ///< each step takes learning_rate * weight_decay of the value away
  bool amsgrad = false;               ///< divides by the largest mean of squares so far
  bool allow_no_gradient = false;     ///< see SgdOptions
  bool lazy_rows = false;             ///< see SgdOptions
  /// std::invalid_argument that names the option and what is allowed.
  void check() const;
};

/// Adam with a weight decay of its own: value -= learning_rate * weight_decay * value goes before the step,
/// and g is the gradient alone. As PyTorch's AdamW, and keeps what Adam keeps.
/// Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2.
class AdamW final : public OptimizerWith<AdamWOptions> {
 public:
  /// Its first group of parameters.
  explicit AdamW(const std::vector<Parameter>& parameters, const AdamWOptions& options = {});

 private:
  void update(Learned& learned, const Tensor& gradient) override;
};

/// Of NAdam.
struct NAdamOptions {
  /// How far a step goes at most, about.
  double learning_rate = 2e-3;
  double beta1 = 0.9, beta2 = 0.999;  ///< shares that the running means keep of themselves, in [0, 1)
  double epsilon = 1e-8;              ///< added to the divisor
  double weight_decay = 0;            ///< adds weight_decay * value to the gradient
  double momentum_decay = 4e-3;       ///< how fast the momentum grows to beta1
  bool allow_no_gradient = false;     ///< see SgdOptions
  /// std::invalid_argument that names the option and what is allowed.
  void check() const;
};

/// Adam with Nesterov's momentum, as PyTorch's NAdam. With Adam's g, first and second, in step t:
///
///     μₜ     = beta1 * (1 - 0.96^(t * momentum_decay) / 2),  Mₜ = μ₁ μ₂ … μₜ
///     value -= learning_rate * ((1 - μₜ) / (1 - Mₜ) * g + μₜ₊₁ / (1 - Mₜ₊₁) * first)
///                            / (√(second / (1 - beta2ᵗ)) + epsilon)
///
/// Keeps "first_moment", "second_moment", and Mₜ as "momentum_product".
/// Source: Dozat, "Incorporating Nesterov momentum into Adam", 2016.
class NAdam final : public OptimizerWith<NAdamOptions> {
 public:
  /// Its first group of parameters.
  explicit NAdam(const std::vector<Parameter>& parameters, const NAdamOptions& options = {});

 private:
  void update(Learned& learned, const Tensor& gradient) override;
};

}  // namespace chainrule
