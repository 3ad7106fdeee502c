// The code of the loops that packed_loops.h declares.

#include "ops/functions/packed_loops.h"

namespace chainrule::kernels::detail {
CHAINRULE_PACKED_LOOPS()
}  // namespace chainrule::kernels::detail
