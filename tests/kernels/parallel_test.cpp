// Loops in threads: cuts, exceptions, nesting, and how many threads limits and control groups allow. Kernels
// are called as they are, without tensors.

#include "kernels/parallel.h"

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chainrule/autograd.h"
#include "chainrule/map.h"
#include "chainrule/threads.h"
#include "kernels/processors.h"
#include "paths.h"
#include "support.h"
#include "temporary_files.h"
#include "thread_counts.h"

// Run under the thread sanitizer: preset tsan.
namespace chainrule::test {
namespace {

using kernels::parallel_for;
using Stretch = std::pair<std::int64_t, std::int64_t>;

std::vector<Stretch> stretches(std::int64_t n, std::int64_t grain) {
  std::mutex mutex;
  std::vector<Stretch> all;
  parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end) {
    const std::lock_guard lock(mutex);
    all.emplace_back(begin, end);
  });
  std::sort(all.begin(), all.end());
  return all;
}

TEST(ParallelFor, calls_for_the_same_stretches_with_any_number_of_threads) {
  for (const std::int64_t n : {0, 1, 7, 100, 128, 1000, 4097, 100003})
    for (const std::int64_t grain : {1, 3, 64, 1000}) {
      std::vector<Stretch> alone;
      with_each_thread_count([&](int threads) {
        const auto now = stretches(n, grain);
        if (threads == 1) alone = now;
        EXPECT_EQ(now, alone) << n << " by " << grain;
      });
      std::int64_t at = 0;
      for (const auto& [begin, end] : alone) {
        EXPECT_EQ(begin, at);
        EXPECT_TRUE(end - begin > grain - 64 || alone.size() == 1);  // at whole cache lines
        at = end;
      }
      EXPECT_EQ(at, n);
    }
}

TEST(ParallelFor, brings_what_the_first_of_several_failing_stretches_throws) {
  with_each_thread_count([](int) {
    for (int round = 0; round < 50; ++round) {
      const auto message = message_of<std::runtime_error>([] {
        parallel_for(100, 1, [](std::int64_t begin, std::int64_t) {
          if (begin >= 3) throw std::runtime_error(std::to_string(begin));
        });
      });
      EXPECT_EQ(message, "3");
    }
    EXPECT_EQ(stretches(10, 1).size(), 10U);  // goes on as before
  });
}

TEST(ParallelFor, runs_at_once_within_a_stretch) {
  with_each_thread_count([](int) {
    std::atomic<int> count = 0;
    parallel_for(8, 1, [&](std::int64_t, std::int64_t) {
      const auto me = std::this_thread::get_id();
      parallel_for(8, 1, [&](std::int64_t, std::int64_t) {
        EXPECT_EQ(std::this_thread::get_id(), me);
        ++count;
      });
    });
    EXPECT_EQ(count, 64);
  });
}

TEST(ParallelFor, may_be_called_from_several_threads_at_once) {
  with_each_thread_count([](int) {
    std::atomic<std::int64_t> sum = 0;
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 4; ++caller)
      callers.emplace_back([&] {
        for (int round = 0; round < 100; ++round)
          parallel_for(64, 1, [&](std::int64_t begin, std::int64_t end) { sum += end - begin; });
      });
    for (std::thread& caller : callers) caller.join();
    EXPECT_EQ(sum, 4 * 100 * 64);
  });
}

TEST(Threads, take_any_number_from_1_to_1024) {
  const ThreadCount guard(3);
  EXPECT_EQ(num_threads(), 3);
  set_num_threads(1024);
  EXPECT_EQ(num_threads(), 1024);
  for (const int wrong : {0, -1, 1025, std::numeric_limits<int>::min()})
    EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { set_num_threads(wrong); }),
                         {"set_num_threads", "1 to 1024", std::to_string(wrong)}));
  EXPECT_EQ(num_threads(), 1024);
}

TEST(Threads, begin_as_the_first_number_of_OMP_NUM_THREADS) {
  const auto threads_from = kernels::threads_from;
  EXPECT_EQ(threads_from("4"), 4);
  EXPECT_EQ(threads_from(" 6 "), 6);
  EXPECT_EQ(threads_from("3,2"), 3);
  for (const char* other : {"", "0", "-2", "many", "4x", "99999999999999"})
    EXPECT_EQ(threads_from(other), std::nullopt) << other;
  EXPECT_EQ(threads_from(nullptr), std::nullopt);
}

/// Files such as Linux shows below /proc and /sys.
class ControlGroups : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = root_.file(name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text << '\n';
  }
  double limit() const { return kernels::processors_of_control_groups(root_.path()); }

 private:
  TemporaryFolder root_;
};

TEST_F(ControlGroups, do_not_limit_where_there_are_none) {
  EXPECT_EQ(limit(), std::numeric_limits<double>::infinity());
}

TEST_F(ControlGroups, of_version_2_limit_with_all_that_they_are_part_of) {
  write("proc/self/cgroup", "0::/system.slice/job.scope");
  write("sys/fs/cgroup/system.slice/job.scope/cpu.max", "max 100000");
  EXPECT_EQ(limit(), std::numeric_limits<double>::infinity());
  write("sys/fs/cgroup/system.slice/cpu.max", "250000 100000");
  EXPECT_EQ(limit(), 2.5);
  write("sys/fs/cgroup/system.slice/job.scope/cpu.max", "50000 100000");
  EXPECT_EQ(limit(), 0.5);
}

TEST_F(ControlGroups, of_version_1_limit_by_quota_and_period) {
  write("proc/self/cgroup", "9:name=systemd:/\n4:cpu,cpuacct:/docker/abc\n2:cpuset:/");
  write("sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "-1");
  write("sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us", "100000");
  EXPECT_EQ(limit(), std::numeric_limits<double>::infinity());
  write("sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "300000");
  EXPECT_EQ(limit(), 3);
}

TEST_F(ControlGroups, limit_within_a_container_whose_path_is_that_outside) {
  write("proc/self/cgroup", "4:cpu:/docker/abc\n0::/docker/abc");
  write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "150000");
  write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
  EXPECT_EQ(limit(), 1.5);
}

TEST(Map, brings_what_its_function_throws_however_many_elements_there_are) {
  struct Refused {};
  const auto refuse = [](auto x) {
    if (simd::instruction_set() >= simd::InstructionSet::baseline) throw Refused();
    return x;
  };
  with_each_thread_count([&](int) {
    for (const std::int64_t n : {10, 1000000}) EXPECT_THROW(map(refuse, variable(ones({n}))), Refused);
  });
}

#if defined(__linux__)

int threads_of_process() {
  int count = 0;
  for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator("/proc/self/task")) ++count;
  return count;
}

/// In a child process: is what `function` says true? It has a minute.
bool holds_in_child(const std::function<bool()>& function) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(function() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(Threads, work_in_a_child_after_fork) {
  if (thread_sanitized) GTEST_SKIP() << "which starts no thread after a fork";
  const ThreadCount guard(3);
  const Tensor x = ones({1 << 20}), a = ones({300, 300});
  const auto large = [&] {
    return sum(x * 2.0).item() == 2 << 20 && sum(matmul(a, a)).item() == 300.0 * 300 * 300;
  };
  ASSERT_TRUE(large());
  for (int round = 0; round < 5; ++round) {
    EXPECT_TRUE(holds_in_child([&] { return large() && holds_in_child(large); }));
    EXPECT_TRUE(large());
  }
}

TEST(Threads, start_when_the_first_operation_is_large_enough) {
  if (thread_sanitized) GTEST_SKIP() << "which starts no thread after a fork";
  const ThreadCount guard(3);
  EXPECT_TRUE(holds_in_child([] {
    const Tensor x = variable(2.0);
    (x * x + tanh(matmul(ones({20, 20}), ones({20, 20})))).backward(ones({20, 20}));
    const int before = threads_of_process();
    sum(ones({1 << 20}) * 2.0).item();
    return before == 1 && threads_of_process() == 3;
  }));
}

TEST(Threads, let_a_program_end_that_has_little_address_space) {
  if (sanitized) GTEST_SKIP() << "sanitizers need terabytes";
  EXPECT_TRUE(holds_in_child([] {
    const rlimit limit{150 << 20, 150 << 20};
    if (setrlimit(RLIMIT_AS, &limit) != 0) return false;
    const int output = open("/dev/null", O_WRONLY);
    dup2(output, STDOUT_FILENO);
    unsetenv("OMP_NUM_THREADS");
    execl(tool_path().c_str(), "chainrule", "eval", "sum(a @ a) + sum(b * b)", "a=ones(500, 500)",
          "b=ones(1000, 1000)", static_cast<char*>(nullptr));
    return false;
  }));
}

#endif

}  // namespace
}  // namespace chainrule::test
