#pragma once

/// Everything but xtensor.h, the border to xtensor, which costs compile time.
#include "chainrule/autograd.h"
#include "chainrule/data.h"
#include "chainrule/draw.h"
#include "chainrule/gradcheck.h"
#include "chainrule/graph.h"
#include "chainrule/io.h"
#include "chainrule/map.h"
#include "chainrule/memory.h"
#include "chainrule/nn.h"
#include "chainrule/ops.h"
#include "chainrule/optim.h"
#include "chainrule/random.h"
#include "chainrule/registry.h"
#include "chainrule/report.h"
#include "chainrule/threads.h"
#include "chainrule/walk.h"
