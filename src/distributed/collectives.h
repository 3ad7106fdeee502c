// What collectives are made of and others need as well: parts of a row that ranks have, put together in one.
// Relies on world.h for who has which.

#pragma once

#include "chainrule/distributed/world.h"

namespace chainrule::distributed {

/// The parts of a row of `count` elements that the ranks have, as share_begin() says, put together in `row`,
/// which has this rank's part in its place.
void gather_shares(Transport& transport, DType dtype, void* row, std::int64_t count);

}  // namespace chainrule::distributed
