// What the three programs have in common: each holds its version of the cases, and computes, times or weighs
// the one that the driver names. Plain C++, as it is compiled into all of them.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <time.h>

namespace bench {

/// The numbers that a case computed, boiled down so that two programs can be compared.
class Report {
 public:
  template <class T>
  void add(const char* name, const T* numbers, std::int64_t count) {
    double sum = 0, absolute = 0, squares = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const auto x = static_cast<double>(numbers[i]);
      sum += x;
      absolute += std::abs(x);
      squares += x * x;
    }
    const auto n = static_cast<double>(count);
    std::printf("%s %lld %.17g %.17g %.17g", name, static_cast<long long>(count), sum, absolute / n,
                std::sqrt(squares / n));
    for (std::int64_t i = 0; i < picked; ++i)
      std::printf(" %.17g", static_cast<double>(numbers[i * 7919 * 131 % count]));
    std::printf("\n");
  }
  void add(const char* name, double number) { add(name, &number, 1); }
  static constexpr std::int64_t picked = 8;
};

/// A case is a class with step(), which does the work once, and report(Report&), which tells what it
/// computed.
class Case {
 public:
  virtual ~Case() = default;
  virtual void repeat(std::int64_t times) = 0;
  virtual void report(Report& report) = 0;
  /// Each step starts where the last one ended.
  virtual bool learns() const = 0;
};

template <class Work>
class CaseOf final : public Case {
 public:
  template <class... Arguments>
  explicit CaseOf(const Arguments&... arguments) : work_(arguments...) {}
  void repeat(std::int64_t times) override {
    for (std::int64_t i = 0; i < times; ++i) {
      work_.step();
      asm volatile("" : : : "memory");
    }
  }
  void report(Report& report) override { work_.report(report); }
  bool learns() const override {
    return requires { Work::learns; };
  }

 private:
  Work work_;
};

/// Bytes that /proc/self/status says after `name`, or 0.
inline std::int64_t memory(const char* name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.compare(0, std::strlen(name), name) == 0)
      return std::atoll(line.c_str() + std::strlen(name) + 1) * 1024;
  return 0;
}

class Program {
 public:
  /// `about` names the versions of what the program is built on.
  explicit Program(std::string about) : about_(std::move(about)) {}

  template <class Work, class... Arguments>
  void add(const char* name, Arguments... arguments) {
    make_[name] = [=] { return std::make_unique<CaseOf<Work>>(arguments...); };
  }

  /// Answers the driver, a line of words at a time; each answer ends with a line of ".":
  ///   about           versions, and the kernels that OpenBLAS has chosen
  ///   check CASE      what the case computes in one step, or in three when it learns
  ///   time CASE MS    nanoseconds per step, over as many steps as fit into about MS milliseconds
  ///   cpu CASE MS     the same in the processor's time, of all threads
  ///   memory CASE     bytes at the peak of a step (two when it learns), inputs included, beyond those
  ///   before;
  ///                   once per process
  int serve() {
    std::string verb, name;
    while (std::cin >> verb) try {
        if (verb != "about") std::cin >> name;
        if (verb == "about") {
          std::printf("%s (OpenBLAS kernels: %s)\n", about_.c_str(), kernels_of_openblas());
        } else if (verb == "check") {
          check(name);
        } else if (verb == "memory") {
          std::printf("%lld\n", static_cast<long long>(peak(name)));
        } else if (verb == "time" || verb == "cpu") {
          double milliseconds = 0;
          std::cin >> milliseconds;
          const clockid_t clock = verb == "cpu" ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
          std::printf("%.17g\n", time(name, milliseconds * 1e6, clock));
        } else {
          throw std::invalid_argument("what?");
        }
        std::printf(".\n");
        std::fflush(stdout);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "%s %s: %s\n", verb.c_str(), name.c_str(), error.what());
        return 1;
      }
    return 0;
  }

 private:
  static const char* kernels_of_openblas() {
    using Name = const char*();
    void* const library = dlopen("libopenblas.so.0", RTLD_LAZY);  // not every program has loaded it by now
    const auto name = library == nullptr ? nullptr : dlsym(library, "openblas_get_corename");
    return name == nullptr ? "unknown" : reinterpret_cast<Name*>(name)();
  }

  void make(const std::string& name) {
    current_ = nullptr;  // first, so that two never take memory at once
    current_ = make_.at(name)();
    name_ = name;
    times_ = 1;
  }

  void check(const std::string& name) {
    make(name);
    current_->repeat(current_->learns() ? 3 : 1);
    Report report;
    current_->report(report);
  }

  std::int64_t peak(const std::string& name) {
    make("walkthrough");  // what only starts with the first graph belongs to the start-up
    current_->repeat(1);
    const std::int64_t before = memory("VmRSS:");
    make(name);
    std::ofstream("/proc/self/clear_refs") << 5;  // forgets the peak so far, of making the inputs
    current_->repeat(current_->learns() ? 2 : 1);
    return memory("VmHWM:") - before;
  }

  /// The median of batches of steps, so that a pause that the system makes does not count. A batch is long
  /// enough when it takes a sixteenth of the budget.
  double time(const std::string& name, double budget, clockid_t clock) {
    const auto nanoseconds = [=] {
      timespec now;
      clock_gettime(clock, &now);
      return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
    };
    if (name_ != name) make(name);
    std::vector<double> batches;
    for (double total = 0; total < budget || (batches.size() < 5 && total < 8 * budget);) {
      const double start = nanoseconds();
      current_->repeat(times_);
      const double taken = nanoseconds() - start;
      if (taken < budget / 16) {
        times_ *= 2;
        continue;
      }
      total += taken;
      batches.push_back(taken / static_cast<double>(times_));
    }
    const auto middle = batches.begin() + static_cast<std::ptrdiff_t>(batches.size() / 2);
    std::nth_element(batches.begin(), middle, batches.end());
    return *middle;
  }

  std::string about_;
  std::map<std::string, std::function<std::unique_ptr<Case>()>> make_;
  std::unique_ptr<Case> current_;
  std::string name_;
  std::int64_t times_ = 1;
};

}  // namespace bench
