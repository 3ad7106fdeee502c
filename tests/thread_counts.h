// Tests with several numbers of threads, which are set back afterwards.
// Relies on chainrule/threads.h.

#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <vector>

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

/// The same numbers, to the bit.
inline void expect_same_for_all_thread_counts(const std::function<std::vector<double>()>& function) {
  std::vector<double> alone;
  with_each_thread_count([&](int count) {
    const std::vector<double> numbers = function();
    if (count == 1) alone = numbers;
    EXPECT_TRUE(numbers == alone) << count << " threads";
  });
}

}  // namespace chainrule::test
