#pragma once

/// Everything but xtensor.h, the border to xtensor, which costs compile time.
#include "chainrule/autograd.h"
#include "chainrule/draw.h"
#include "chainrule/gradcheck.h"
#include "chainrule/graph.h"
#include "chainrule/memory.h"
#include "chainrule/ops.h"
#include "chainrule/random.h"
