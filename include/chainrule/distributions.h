/// \file
/// Random numbers of the distributions that people use most, from an explicit generator. Relies on random.h;
/// samples of continuous ones are differentiable in the parameters.

#pragma once

#include "chainrule/detail/api.h"
#include "chainrule/ops.h"
#include "chainrule/random.h"

/// Random numbers of the distributions that people use most, from an explicit generator: the same seed gives
/// the same numbers. Parameters broadcast, to `shape` where one is given. Where a distribution is continuous,
/// its samples are differentiable in the parameters (they are reparameterised), so that an expectation can be
/// differentiated by the mean of samples. ShapeError for parameters that no distribution has.
///
/// Threads: each needs a generator of its own.
namespace CHAINRULE_API chainrule {

// ---- Continuous ------------------------------------------------------------------------------------------

/// mean + std z, where z is standard normal.
Tensor normal(const Operand& mean, const Operand& std, Generator& generator);
Tensor normal(const Operand& mean, const Operand& std, const Shape& shape, Generator& generator);
/// low + (high - low) u, where u is uniform on [0, 1).
Tensor uniform(const Operand& low, const Operand& high, Generator& generator);
Tensor uniform(const Operand& low, const Operand& high, const Shape& shape, Generator& generator);
/// Density rate exp(-rate x): -log(1 - u) / rate.
Tensor exponential(const Operand& rate, Generator& generator);
Tensor exponential(const Operand& rate, const Shape& shape, Generator& generator);

// Of these three, drawn by the method of Marsaglia and Tsang (2000), the derivative is the implicit one of
// Figurnov, Mohamed and Mnih (2018): that of a sample z with cumulative distribution F(z; a) to the parameter
// a is -∂F/∂a / ∂F/∂z. It can be differentiated once more; a third derivative is a GradError.

/// Density proportional to x^(concentration - 1) exp(-rate x).
Tensor gamma(const Operand& concentration, const Operand& rate, Generator& generator);
Tensor gamma(const Operand& concentration, const Operand& rate, const Shape& shape, Generator& generator);
/// Density proportional to x^(a - 1) (1 - x)^(b - 1) on (0, 1).
Tensor beta(const Operand& a, const Operand& b, Generator& generator);
Tensor beta(const Operand& a, const Operand& b, const Shape& shape, Generator& generator);
/// Rows, along the last axis, of positive numbers that add up to 1, with density proportional to Π
/// x^(concentration - 1).
Tensor dirichlet(const Operand& concentration, Generator& generator);

// ---- Discrete, without a derivative ----------------------------------------------------------------------

/// 1 with this probability, else 0, of the dtype of the probabilities.
Tensor bernoulli(const Operand& probability, Generator& generator);
/// One class of each row of probabilities (..., C), as int64 (...). They need not add up to 1.
Tensor categorical(const Operand& probabilities, Generator& generator);
/// `count` classes of each row of probabilities (..., C), as int64 (..., count): independent ones, or without
/// replacement different ones. ShapeError where there are not so many.
Tensor multinomial(const Operand& probabilities, Integer count, Flag replacement, Generator& generator);
/// Whole numbers from low to high - 1, int64.
Tensor randint(Integer low, Integer high, const Shape& shape, Generator& generator, Here here = Here::now());
/// The rows of x (along axis 0) in random order.
Tensor permutation(const Operand& x, Generator& generator);

/// x with each element made 0 with probability p, and the others divided by 1 - p, so that the mean stays.
/// The derivative is scaled likewise.
Tensor dropout(const Operand& x, double p, Generator& generator);

}  // namespace chainrule
