// What quantile and nanquantile share.

#pragma once

#include "array/axes.h"
#include "chainrule/statistics.h"
#include "ops/registry.h"

namespace chainrule::ops {

/// The axes that are reduced as the second of two, of which a ShapeError says so where there is nothing.
Tensor as_rows(std::string_view operation, const Tensor& x, const AxisMask& mask);

/// The quantile at t between a and b, by NumPy's way to go from a to b, which meets both. Equal infinities
/// have no distance.
Tensor between(const Tensor& a, const Tensor& b, const Tensor& t);

/// An argument that is one of NumPy's words for a method.
QuantileMethod quantile_method(Arguments& a, std::size_t i);

}  // namespace chainrule::ops
