/// \file
/// Neural networks: modules, the layers that there are, and what their weights start from. Each layer is in a
/// header of its own in nn/, and computes by a function of ops.h, functions.h or networks.h.

#pragma once

#include "chainrule/nn/attention.h"
#include "chainrule/nn/convolution.h"
#include "chainrule/nn/dropout.h"
#include "chainrule/nn/embedding.h"
#include "chainrule/nn/initializers.h"
#include "chainrule/nn/linear.h"
#include "chainrule/nn/module.h"
#include "chainrule/nn/normalization.h"
#include "chainrule/nn/parameter.h"
#include "chainrule/nn/recurrent.h"
#include "chainrule/nn/sequential.h"
