/// \file
/// Optimisers, and what goes with them: how parameters move along their gradients. All derive from the base
/// in optim/optimizer.h, where what is common to them is described.

#pragma once

#include "chainrule/optim/adam.h"
#include "chainrule/optim/adaptive.h"
#include "chainrule/optim/clip.h"
#include "chainrule/optim/lbfgs.h"
#include "chainrule/optim/least_squares.h"
#include "chainrule/optim/lion.h"
#include "chainrule/optim/moving_average.h"
#include "chainrule/optim/optimizer.h"
#include "chainrule/optim/schedule.h"
#include "chainrule/optim/sgd.h"
