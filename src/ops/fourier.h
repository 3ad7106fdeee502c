// What transforms along one axis and along several have in common. Relies on pairs along a last axis, as
// chainrule/fft.h has them.

#pragma once

#include "chainrule/fft.h"
#include "ops/registry.h"

namespace chainrule::ops {

/// The shape whose axes transforms count: of pairs, without their axis. ShapeError where there are none.
Shape shape_to_transform(const std::string& name, const Shape& shape, bool of_pairs);

/// Argument i, by name.
FftNorm norm_of(const Arguments& a, std::size_t i);

}  // namespace chainrule::ops
