// The parts of a report on a network that predicts numbers, in HTML. sections.h has those for classes. Relies
// on report.h for what a report is given.

#pragma once

#include <string>

#include "chainrule/report.h"

namespace chainrule {

/// How good it is, target by target: the open beginning of a section, which facts follow.
std::string regression_summary(const TrainingRun& training);
/// Predicted numbers against true ones, and residuals, target by target.
std::string regression_plots(const TrainingRun& training);

}  // namespace chainrule
