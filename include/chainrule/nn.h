#pragma once

/// Neural networks: layers, and what their weights start from.
#include "chainrule/nn/initializers.h"
#include "chainrule/nn/linear.h"
#include "chainrule/nn/parameter.h"
