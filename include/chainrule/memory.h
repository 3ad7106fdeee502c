#pragma once

#include <cstddef>

#include "chainrule/detail/api.h"

namespace CHAINRULE_API chainrule {

/// Memory of values that are gone is kept for the next ones, up to this many bytes (1 GiB at first).
void set_memory_cache_limit(std::size_t bytes);

/// Gives all memory that is kept for later, and that no other thread keeps, back to the system.
void release_cached_memory();

}  // namespace chainrule
