// The check that samples and what belongs to them are equally many.
// Shared by the data set and the loader.

#pragma once

#include <string>

#include "chainrule/data.h"

namespace chainrule {

/// ShapeError of the called function unless each sample has a class, or else any numbers.
void require_pairs(const std::string& called, const Dataset& data, bool classes);

}  // namespace chainrule
