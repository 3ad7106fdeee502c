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

/// Density exp(-|x - mean| / scale) / (2 scale).
Tensor laplace(const Operand& mean, const Operand& scale, Generator& generator);
Tensor laplace(const Operand& mean, const Operand& scale, const Shape& shape, Generator& generator);
/// mode - scale log(e), where e is exponential with rate 1: the distribution of largest ones of many.
Tensor gumbel(const Operand& mode, const Operand& scale, Generator& generator);
Tensor gumbel(const Operand& mode, const Operand& scale, const Shape& shape, Generator& generator);
/// exp(normal(mean, std)).
Tensor log_normal(const Operand& mean, const Operand& std, Generator& generator);
Tensor log_normal(const Operand& mean, const Operand& std, const Shape& shape, Generator& generator);
/// Vectors (..., n) with this mean (..., n) and covariance (..., n, n): mean + L z, L the covariance's
/// cholesky factor. LinAlgError where it is not positive definite.
Tensor multivariate_normal(const Operand& mean, const Operand& covariance, Generator& generator);
/// As many of them as `shape` says, which is before the axis of the vectors.
Tensor multivariate_normal(const Operand& mean, const Operand& covariance, const Shape& shape,
                           Generator& generator);
/// softmax((logits + gumbel) / tau) along an axis: nearly one class of each row, drawn with its probability.
/// With `hard` exactly one, as 1 among zeros, with the derivative of the former.
Tensor gumbel_softmax(const Operand& logits, Generator& generator, double tau = 1, Flag hard = false,
                      Integer axis = -1);

// Of those that follow, made of samples by the method of Marsaglia and Tsang (2000), the derivative is the
// implicit one of Figurnov, Mohamed and Mnih (2018): that of a sample z with cumulative distribution F(z; a)
// to the parameter a is -∂F/∂a / ∂F/∂z. It can be differentiated once more; a third derivative is a
// GradError.

/// Density proportional to x^(concentration - 1) exp(-rate x).
Tensor gamma(const Operand& concentration, const Operand& rate, Generator& generator);
Tensor gamma(const Operand& concentration, const Operand& rate, const Shape& shape, Generator& generator);
/// Student's t: density proportional to (1 + x²/df)^(-(df + 1)/2), z √(df/2) / √(gamma(df/2)).
Tensor student_t(const Operand& df, Generator& generator);
Tensor student_t(const Operand& df, const Shape& shape, Generator& generator);
/// Density proportional to x^(a - 1) (1 - x)^(b - 1) on (0, 1).
Tensor beta(const Operand& a, const Operand& b, Generator& generator);
Tensor beta(const Operand& a, const Operand& b, const Shape& shape, Generator& generator);
/// Rows, along the last axis, of positive numbers that add up to 1, with density proportional to Π
/// x^(concentration - 1).
Tensor dirichlet(const Operand& concentration, Generator& generator);

// ---- Discrete, without a derivative ----------------------------------------------------------------------

/// 1 with this probability, else 0, of the dtype of the probabilities.
Tensor bernoulli(const Operand& probability, Generator& generator);
// How many, as numbers of the dtype of the parameters.
/// Events where `rate` are expected: 0, 1, ...
Tensor poisson(const Operand& rate, Generator& generator);
Tensor poisson(const Operand& rate, const Shape& shape, Generator& generator);
/// Successes in `count` trials, a whole number, each with this probability.
Tensor binomial(const Operand& count, const Operand& probability, Generator& generator);
Tensor binomial(const Operand& count, const Operand& probability, const Shape& shape, Generator& generator);
/// Trials up to the first success: 1, 2, ..., as NumPy's. The probability is above 0.
Tensor geometric(const Operand& probability, Generator& generator);
Tensor geometric(const Operand& probability, const Shape& shape, Generator& generator);

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
/// The same of whole channels of x (N, C, ...): PyTorch's dropout1d, dropout2d and dropout3d.
Tensor feature_dropout(const Operand& x, double p, Generator& generator);
/// For networks of selu(): what is dropped becomes the least that selu gives, and the whole is scaled and
/// moved so that mean 0 and variance 1 stay (Klambauer et al., 2017). With p = 1 all is 0.
Tensor alpha_dropout(const Operand& x, double p, Generator& generator);

}  // namespace chainrule
