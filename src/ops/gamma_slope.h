#pragma once

namespace chainrule::ops {

/// d log(z) / dα of a sample z of the gamma distribution with concentration α > 0, by its logarithm, where
/// its place in the distribution stays: -∂F/∂α / (z ∂F/∂z).
double gamma_slope(double alpha, double log_z);

}  // namespace chainrule::ops
