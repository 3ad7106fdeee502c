/// \file
/// Limits of memory: what is kept of values that are gone, and how large a tensor may be.
/// The pool itself is in src/array/pool.h.

#pragma once

#include <cstddef>

#include "chainrule/detail/api.h"

namespace CHAINRULE_API chainrule {

/// Memory of values that are gone is kept for the next ones, up to this many bytes (1 GiB at first).
void set_memory_cache_limit(std::size_t bytes);

/// Gives all memory that is kept for later, and that no other thread keeps, back to the system.
void release_cached_memory();

/// Until it goes out of scope, a tensor of this thread whose elements would take more than this many bytes is
/// refused with a MemoryError, before any memory is asked for. Of several the smallest holds. For programs
/// that compute what others ask of them.
class [[nodiscard]] TensorLimit {
 public:
  /// So many bytes for the elements of a tensor.
  [[nodiscard]] explicit TensorLimit(std::size_t bytes);
  ~TensorLimit();
  TensorLimit(const TensorLimit&) = delete;
  TensorLimit& operator=(const TensorLimit&) = delete;

 private:
  std::size_t before_;
};

}  // namespace chainrule
