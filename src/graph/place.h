// Whether a place in a source is the user's or the library's own: errors, profiles and anomalies name those
// of the user.

#pragma once

#include "chainrule/tensor.h"

namespace chainrule {

/// Is it a place where a user wrote something? What the library's layers and rules call says nothing to them.
bool is_of_user(Here here);

}  // namespace chainrule
