#pragma once

#include "chainrule/random.h"

namespace chainrule::cli {

/// The random numbers that `--seed` asks for. CommandError when it is negative.
Generator seeded(std::int64_t seed);

}  // namespace chainrule::cli
