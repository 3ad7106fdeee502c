// Normal numbers from uniform ones, many at once.

#pragma once

#include <cstdint>

namespace chainrule::kernels {

/// Pairs of standard normal numbers from pairs of uniform ones on [0, 1), by the Box-Muller transform as
/// Generator::normal() has it: computed in float64, rounded to float32. Any count of pairs.
void box_muller(std::int64_t pairs, const double* uniform, float* normal);

}  // namespace chainrule::kernels
