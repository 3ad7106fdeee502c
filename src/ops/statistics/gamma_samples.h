// Samples of gamma distributions as numbers, and how they move with the concentration.
// Kernels for distributions.cpp, in double.

#pragma once

#include "array/array.h"
#include "chainrule/random.h"

namespace chainrule::ops {

/// d log(z) / dα of a sample z of the gamma distribution with concentration α > 0, by its logarithm, where
/// its place in the distribution stays: -∂F/∂α / (z ∂F/∂z).
double gamma_slope(double alpha, double log_z);
/// The derivatives of gamma_slope.
double gamma_slope_by_alpha(double alpha, double log_z);
double gamma_slope_by_log(double alpha, double log_z);
/// One of the three of arrays of one shape, float32 or float64.
Array gamma_slopes(double (*function)(double, double), const Array& alpha, const Array& log_z);

/// log(z) for samples of the gamma distribution. Source: Marsaglia and Tsang, A simple method for generating
/// gamma variables, 2000. Below 1 it is that for α + 1 times u^(1/α), which may be too small to be a number.
Array log_gamma_draws(const Array& alpha, Generator& generator);

}  // namespace chainrule::ops
