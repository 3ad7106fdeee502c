// A pool of threads that sleep while there is nothing to do, and work cut into parts that do not depend on
// how many there are.

#include "kernels/parallel.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>

#include <pthread.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): <csignal> need not have pthread_sigmask

#include "chainrule/threads.h"
#include "kernels/processors.h"

namespace chainrule {
namespace kernels {
namespace {

using detail::Cut;
using detail::Part;

/// How long a thread that waits looks again and again before it sleeps. A training step has something new
/// sooner than that; on a busy machine more would be taken from others.
constexpr std::chrono::microseconds patience(20);

/// On a busy machine a helper loses its processor, and its part waits for milliseconds. Who has waited so
/// goes on alone for so many times as long, so that this costs an eighth of the time at most.
constexpr int resentment = 8;

using Clock = std::chrono::steady_clock;

#ifndef CHAINRULE_MOST_THREADS  // 1 where CMake's CHAINRULE_THREADS is off
#define CHAINRULE_MOST_THREADS 1024
#endif
constexpr int most_threads = CHAINRULE_MOST_THREADS;
std::atomic<int> wanted_threads = 0;  // 0 is not known yet

/// In a part, where further parts are run at once.
thread_local bool is_within = false;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}
/// Waits until the condition holds, but not for long. Whether it does.
template <class Condition>
bool look_for(const Condition& holds) {
  const auto end = Clock::now() + patience;
  do
    for (int i = 0; i < 16; ++i) {
      if (holds()) return true;
      pause();
    }
  while (Clock::now() < end);
  return holds();
}

/// Parts that threads take one after another. It lives in the thread that waits for them.
struct Job {
  const Cut& cut;
  Part* run;
  const void* part;
  int room;  ///< helpers that may still join
  Job* older = nullptr;
  std::atomic<int> helpers = 0;  ///< that have joined and not left
  std::atomic<std::int64_t> next = 0;
  std::mutex mutex = {};
  std::exception_ptr error = {};
  std::int64_t place_of_error = 0;

  bool has_parts() const { return next.load(std::memory_order_relaxed) < cut.parts; }
  /// How many there were.
  std::int64_t take_parts() {
    std::int64_t taken = 0;
    for (std::int64_t k; has_parts() && (k = next.fetch_add(1, std::memory_order_relaxed)) < cut.parts;
         ++taken)
      try {
        run(part, cut.begin(k), cut.begin(k + 1));
      } catch (...) {
        next = cut.parts;
        const std::lock_guard lock(mutex);  // parts before this one have all been taken, and may throw yet
        if (error == nullptr || k < place_of_error) {
          error = std::current_exception();
          place_of_error = k;
        }
      }
    return taken;
  }
};

class Pool {
 public:
  void run(Job& job) {
    const auto start = Clock::now();
    if (start.time_since_epoch().count() < alone_until_.load(std::memory_order_relaxed)) {
      job.take_parts();
      return;
    }
    const int wished = job.room;
    {
      const std::lock_guard lock(mutex_);
      job.older = jobs_;
      jobs_ = &job;
      published_.fetch_add(1, std::memory_order_release);
      while (workers_ < wished && start_worker()) ++workers_;
    }
    for (int sleeping = sleeping_.load(std::memory_order_relaxed), i = 0; i < std::min(wished, sleeping); ++i)
      work_.notify_one();
    const std::int64_t taken = job.take_parts();
    const auto end = Clock::now();
    {
      const std::lock_guard lock(mutex_);
      Job** link = &jobs_;
      while (*link != &job) link = &(*link)->older;
      *link = job.older;
    }
    // Who has not joined by now never will. Who has is at its last part.
    const auto is_done = [&] { return job.helpers == 0; };
    if (look_for(is_done)) return;
    {
      std::unique_lock lock(mutex_);
      ++waiting_;
      done_.wait(lock, is_done);
      --waiting_;
    }
    const auto now = Clock::now();
    if (taken > 0 && now - end > patience + 2 * (end - start) / taken)
      alone_until_ = (now + resentment * (now - end)).time_since_epoch().count();
  }

  // Around fork(). The child has one thread, and jobs of others that nobody will go on with.
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  /// Helpers take no signals: a handler runs in a thread that the program has made.
  bool start_worker() {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = true;
    try {
      std::thread([this] { work(); }).detach();
    } catch (const std::exception&) {  // there may be a limit; fewer do the same
      started = false;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return started;
  }

  [[noreturn]] void work() {
    is_within = true;
    std::unique_lock lock(mutex_);
    for (;;) {
      if (Job* job = joinable()) {
        --job->room;
        ++job->helpers;
        lock.unlock();
        job->take_parts();
        if (--job->helpers == 0 && waiting_ > 0) {  // from here on the job may be gone
          { const std::lock_guard wait_for_the_check(mutex_); }
          done_.notify_all();
        }
        lock.lock();
        continue;
      }
      const auto seen = published_.load(std::memory_order_relaxed);
      const auto is_new = [&] { return published_.load(std::memory_order_acquire) != seen; };
      lock.unlock();
      const bool found = look_for(is_new);
      lock.lock();
      if (found) continue;
      ++sleeping_;
      work_.wait(lock, is_new);
      --sleeping_;
    }
  }
  /// The newest one: who waits for it is often within a part of an older one.
  Job* joinable() const {
    Job* job = jobs_;
    while (job != nullptr && (job->room == 0 || !job->has_parts())) job = job->older;
    return job;
  }

  std::mutex mutex_;
  std::condition_variable work_, done_;
  Job* jobs_ = nullptr;
  int workers_ = 0;
  std::atomic<int> sleeping_ = 0, waiting_ = 0;
  std::atomic<std::uint64_t> published_ = 0;
  std::atomic<Clock::rep> alone_until_ = 0;
};

/// There as long as the process, as helpers are.
Pool& pool() {
  alignas(Pool) static std::byte memory[sizeof(Pool)];
  static Pool* const pool = [] {
    Pool* made = new (memory) Pool;
    pthread_atfork([] { std::launder(reinterpret_cast<Pool*>(memory))->lock(); },
                   [] { std::launder(reinterpret_cast<Pool*>(memory))->unlock(); },
                   [] { new (memory) Pool; });
    return made;
  }();
  return *pool;
}

}  // namespace

bool runs_alone() { return is_within || num_threads() == 1; }

void detail::run_parts(const Cut& cut, Part* run, const void* part) {
  const auto threads = static_cast<int>(std::min<std::int64_t>(num_threads(), cut.parts));
  if (most_threads == 1 || is_within || threads == 1) {
    for (std::int64_t k = 0; k < cut.parts; ++k) run(part, cut.begin(k), cut.begin(k + 1));
    return;
  }
  Job job{cut, run, part, threads - 1};
  is_within = true;
  pool().run(job);
  is_within = false;
  if (job.error != nullptr) std::rethrow_exception(job.error);
}

}  // namespace kernels

int num_threads() {
  int count = kernels::wanted_threads.load(std::memory_order_relaxed);
  if (count == 0) {
    count = std::min(kernels::default_threads(), kernels::most_threads);
    int unknown = 0;
    if (!kernels::wanted_threads.compare_exchange_strong(unknown, count)) count = unknown;
  }
  return count;
}

void set_num_threads(int count) {
  if (count < 1 || count > kernels::most_threads)
    throw std::invalid_argument("set_num_threads: the number of threads must be 1" +
                                (kernels::most_threads > 1
                                     ? " to " + std::to_string(kernels::most_threads)
                                     : ", as the library was built without CHAINRULE_THREADS") +
                                ", not " + std::to_string(count));
  kernels::wanted_threads = count;
}

}  // namespace chainrule
