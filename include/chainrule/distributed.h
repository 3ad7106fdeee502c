#pragma once

/// Data-parallel training on several processes and machines, by MPI. This is a library of its own,
/// chainrule::distributed; chainrule/chainrule.h does not include it.
#include "chainrule/distributed/world.h"
