// The parts of a report that show what the network does, in HTML; each is empty where it does not apply. They
// see the network as a function and its weights as tensors.

#pragma once

#include <string>

#include "chainrule/report.h"
#include "draw/report/image.h"

namespace chainrule {

/// The length of the sides when the inputs are square images, or 0. Fewer than 7 x 7 numbers are more
/// probably something else.
std::int64_t image_side(const TrainingRun& training);

/// The inputs of these samples before they were scaled: float64, (samples, inputs).
Tensor unscaled(const TrainingRun& training, const Tensor& x);

std::string first_layer(const TrainingRun& training);
/// Whether units that begin alike stay alike.
std::string symmetry(const TrainingRun& training);
/// Positive numbers blue and negative ones orange, stronger when larger; nothing where there is nothing to
/// see. Opaque or not rather than darker or lighter, so that it suits light pages and dark ones.
Pixel sign_colour(double value, double limit);
/// Test samples that the network gets wrong; those about which it is most confident come first.
std::string mistakes(const TrainingRun& training, const Evaluation& test);
std::string decision_surface(const TrainingRun& training, const Evaluation& test);

}  // namespace chainrule
