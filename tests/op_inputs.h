// How the rows of the table draw their inputs: random, but the same in every run, and away from kinks.
// Relies on op_cases.h.

#pragma once

#include <vector>

#include "op_cases.h"

namespace chainrule::test {

/// Between low and high, further than central differences reach from each kink.
Input between(double low, double high, const std::vector<double>& kinks = {});
/// No two elements closer than 0.1, shifted so that two inputs with different shifts share no element.
Input distinct(double shift = 0);
/// Whole numbers from low to high, so that many are equal.
Input whole(int low, int high);
/// int64, each a class below `count`.
Input classes(int count);
/// bool.
Input booleans();
/// -1 or 1.
Input labels();
/// Rows, along the last axis, of positive numbers that add up to 1.
Input probabilities();

/// The same, but without a gradient.
Input constant(Input input);

/// A constant of this shape, for calls that are refused because of it.
Tensor blank(const Shape& shape);

}  // namespace chainrule::test
