#pragma once

#include <cstddef>

/// Recycled memory for nodes and values. Fresh pages from the system cost more than most operations, so
/// blocks go round: small ones (nodes, small values) through lists of each thread's own, large ones
/// through one list behind a mutex. Thread-safe; a block may be given back by any thread.
namespace chainrule::pool {

/// At least `bytes` bytes, aligned to 64. Throws std::bad_alloc.
void* allocate(std::size_t bytes);
/// `bytes` as in the call that allocated.
void deallocate(void* block, std::size_t bytes) noexcept;

struct Statistics {
  std::size_t system_allocations = 0;  ///< how often the system was asked for memory
  std::size_t cached_bytes = 0;        ///< large blocks that wait to be used again
};
Statistics statistics();

}  // namespace chainrule::pool
