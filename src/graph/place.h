#pragma once

#include "chainrule/tensor.h"

namespace chainrule {

/// Is it a place where a user wrote something? What the library's layers and rules call says nothing to them.
bool is_of_user(Here here);

}  // namespace chainrule
