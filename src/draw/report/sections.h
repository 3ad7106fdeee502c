#pragma once

#include <string>

#include "chainrule/report.h"

/// The parts of a report that show what the network does, in HTML; each is empty where it does not apply.
namespace chainrule::draw {

/// The length of the sides when the inputs are square images, or 0. Fewer than 7 x 7 numbers are more
/// probably something else.
std::int64_t image_side(const Training& training);

/// The inputs of these samples before they were scaled: float64, (samples, inputs).
Tensor unscaled(const Training& training, const Tensor& x);

std::string first_layer(const Training& training);
/// Test samples that the network gets wrong; those about which it is most confident come first.
std::string mistakes(const Training& training, const Evaluation& test);
std::string decision_surface(const Training& training, const Evaluation& test);

}  // namespace chainrule::draw
