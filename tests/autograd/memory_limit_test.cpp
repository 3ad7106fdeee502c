// What happens to a graph when memory runs out. Each test works in a child process, whose address space is
// limited to what it has in use.

#include <fstream>
#include <new>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chainrule/autograd.h"
#include "chainrule/memory.h"
#include "support.h"

namespace chainrule::test {
namespace {

/// Lets the process have no more memory than it has now and `more` bytes.
class LimitedMemory {
 public:
  explicit LimitedMemory(rlim_t more) {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    getrlimit(RLIMIT_AS, &before_);
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(pages) * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + more;
    setrlimit(RLIMIT_AS, &limit);
  }
  LimitedMemory(const LimitedMemory&) = delete;
  LimitedMemory& operator=(const LimitedMemory&) = delete;
  ~LimitedMemory() { setrlimit(RLIMIT_AS, &before_); }

 private:
  rlimit before_;
};

/// Does `holds` in a child process?
template <class Function>
bool holds_in_child(const Function& holds) {
  const pid_t child = fork();
  if (child == 0) _exit(holds() ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// x + 1 + 1 + ..., where each step keeps its value.
Tensor chain(const Tensor& x, int steps) {
  Tensor y = x;
  for (int i = 0; i < steps; ++i) y = y * 1.0;
  return y;
}

/// What fits into what the allocator still has is not refused, so this asks for all of it first.
bool runs_out(const std::function<void()>& call) {
  std::vector<std::unique_ptr<std::byte[]>> taken;
  release_cached_memory();  // what earlier tests have left
  try {
    for (std::size_t bytes = std::size_t{1} << 26; bytes >= 64;) {
      try {
        taken.push_back(std::make_unique<std::byte[]>(bytes));
      } catch (const std::bad_alloc&) {
        bytes /= 2;
        taken.reserve(taken.capacity());
      }
    }
  } catch (const std::bad_alloc&) {
  }
  try {
    call();
  } catch (const std::bad_alloc&) {
    return true;
  }
  return false;
}

TEST(OutOfMemory, does_not_keep_a_graph_of_a_million_nodes_from_being_dropped) {
  if (sanitized) GTEST_SKIP() << "sanitizers need address space of their own";
  EXPECT_TRUE(holds_in_child([] {
    const Tensor x = variable(1.0);
    Tensor y = chain(x, 1000000);
    const LimitedMemory limit(0);
    (void)runs_out([&] { y = Tensor(); });
    return y.is_empty();
  }));
}

TEST(OutOfMemory, in_a_backward_pass_is_an_error_after_which_graph_and_gradients_are_as_before) {
  if (sanitized) GTEST_SKIP() << "sanitizers need address space of their own";
  for (const bool consuming : {false, true}) {
    SCOPED_TRACE(consuming ? "consuming" : "keeping the graph");
    EXPECT_TRUE(holds_in_child([&] {
      const Tensor x = variable(1.0);
      chain(x, 10).backward();
      Tensor y = chain(x, 1000000);
      {
        const LimitedMemory limit(0);
        if (!runs_out([&] { consuming ? std::move(y).backward() : y.backward(); })) return false;
      }
      if (x.grad().item() != 1) return false;
      y.backward();
      return x.grad().item() == 2;
    }));
  }
}

}  // namespace
}  // namespace chainrule::test
