// Small numbers for threads, given again when a thread has ended.
// A table behind a lock; a thread asks once and remembers.

#include "graph/thread_id.h"

#include <mutex>
#include <vector>

namespace chainrule {

constinit thread_local ThreadId detail::current_thread = unknown_thread;

namespace {

/// The mutex makes what an ended thread did visible to the one that gets its number.
struct Numbers {
  std::mutex mutex;
  std::vector<ThreadId> free;
  ThreadId next = 1;
};
Numbers& numbers() {
  static auto* numbers = new Numbers;  // outlives every thread
  return *numbers;
}

struct AtThreadEnd {
  ~AtThreadEnd() {
    const ThreadId number = detail::current_thread;
    detail::current_thread = no_thread;
    if (number == no_thread) return;
    const std::lock_guard lock(numbers().mutex);
    numbers().free.push_back(number);
  }
};

}  // namespace

ThreadId detail::number_this_thread() {
  static thread_local const AtThreadEnd at_end;
  (void)at_end;
  const std::lock_guard lock(numbers().mutex);
  auto& [mutex, free, next] = numbers();
  if (!free.empty()) {
    current_thread = free.back();
    free.pop_back();
  } else {
    free.reserve(next);  // not when a thread ends, as it could not say that there is no memory
    current_thread = next == unknown_thread ? no_thread : next++;
  }
  return current_thread;
}

}  // namespace chainrule
