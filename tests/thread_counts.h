// Tests with several numbers of threads, which are set back afterwards.
// Relies on chainrule/threads.h.

#pragma once

#include "chainrule/threads.h"

namespace chainrule::test {

/// So many threads until the end of the scope.
class ThreadCount {
 public:
  explicit ThreadCount(int count) { set_num_threads(count); }
  ~ThreadCount() { set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_ = num_threads();
};

/// Calls function(count) for one thread, and then for more.
template <class Function>
void with_each_thread_count(Function function) {
  for (const int count : {1, 2, 3, 8}) {
    const ThreadCount guard(count);
    function(count);
  }
}

}  // namespace chainrule::test
