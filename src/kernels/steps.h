// Elements that are all the same, or equally far from one another.

#pragma once

#include <cstddef>
#include <cstdint>

namespace chainrule::kernels {

/// Copies of one element of so many bytes, a divisor of 64.
void fill(void* out, std::int64_t count, const void* element, std::size_t item);

/// start + (first + i) · step for i = 0, 1, ..., computed in double; of float32 and of float64.
void fill_steps(float* out, std::int64_t count, double start, double first, double step);
void fill_steps(double* out, std::int64_t count, double start, double first, double step);

}  // namespace chainrule::kernels
