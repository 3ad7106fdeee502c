// Derivatives without autograd: by central differences, and random projections to compare them by.
// Tests of all rules rely on these.

#pragma once

#include <functional>
#include <vector>

#include "chainrule/autograd.h"
#include "support.h"

namespace chainrule::test {

/// sum(a · b) over all elements.
double dot(const Tensor& a, const Tensor& b);

/// d/dt of function(start + t · direction) at t = 0, by central differences with five points, whose error
/// is of fourth order in the step.
double slope(const std::function<double(const Tensor&)>& function, const Tensor& start,
             const Tensor& direction);

/// A copy of `inputs` with another tensor at one place.
std::vector<Tensor> replaced(std::vector<Tensor> inputs, std::size_t place, const Tensor& other);

/// Random directions in the shapes of `tensors`, one for each, of the same dtypes.
std::vector<Tensor> random_like(const std::vector<Tensor>& tensors, Engine& engine);

/// How far apart two numbers may be that were each summed from `terms` numbers around 1.
double allowance(double tolerance, double expected, std::int64_t terms);

}  // namespace chainrule::test
