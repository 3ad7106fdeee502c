#pragma once

/// Optimisers, and what goes with them: how parameters move along their gradients.
#include "chainrule/optim/optimizer.h"
#include "chainrule/optim/sgd.h"
