/// \file
/// Data-parallel training on several processes and machines, by MPI. This is a library of its own,
/// chainrule::distributed; chainrule/chainrule.h does not include it.

#pragma once

#include "chainrule/distributed/batch_norm.h"
#include "chainrule/distributed/data_parallel.h"
#include "chainrule/distributed/sampler.h"
#include "chainrule/distributed/sharded.h"
#include "chainrule/distributed/world.h"
