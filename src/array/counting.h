// Reference counts that are plain until the process has a second thread, and atomic from then on. Most
// programs have one, and atomic counts made an operation on scalars take twice as long.

#pragma once

#include <atomic>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define CHAINRULE_KNOWS_SINGLE_THREAD 1
#else
#define CHAINRULE_KNOWS_SINGLE_THREAD 0
#endif

namespace chainrule {

/// Whether the process certainly has no other thread. Then nothing needs an atomic read-modify-write, which
/// costs as much as all else that an operation on a scalar does.
inline bool is_single_threaded() {
#if CHAINRULE_KNOWS_SINGLE_THREAD
  return __libc_single_threaded != 0;
#else
  return false;
#endif
}

/// counter += change; returns what it was before.
template <class T>
T fetch_add(std::atomic<T>& counter, T change, std::memory_order order) {
  if (!is_single_threaded()) return counter.fetch_add(change, order);
  const T before = counter.load(std::memory_order_relaxed);
  counter.store(before + change, std::memory_order_relaxed);
  return before;
}

}  // namespace chainrule
