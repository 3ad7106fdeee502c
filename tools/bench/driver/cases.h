// What a case of the benchmark is: its name, size, goals, and the programs that take part.
// The programs do the work.

#pragma once

#include <optional>
#include <string>
#include <vector>

namespace bench {

enum class Kind {
  time,            ///< nanoseconds of a step
  memory,          ///< bytes at the peak of a step, beyond what the program holds after its start
  startup_time,    ///< nanoseconds of the walkthrough as a process
  startup_memory,  ///< bytes at its peak
  compile_time,    ///< nanoseconds to compile it
  library_size,    ///< bytes of the stripped library, with what it needs
};

/// When LibTorch takes part: a chain of a million costs it half a minute.
enum class Libtorch { always, unless_quick, never };

/// What chainrule is to reach.
struct Goals {
  double faster =
      0;  ///< LibTorch's number, at its best, is at least this many times chainrule's; 0 is no goal
  double floor = 0;    ///< chainrule's number is at most this many times the floor's; 0 is no goal
  double at_most = 0;  ///< chainrule's number itself; 0 is no goal
};

/// One line of the results.
struct Case {
  std::string name;
  Kind kind = Kind::time;
  std::string step = {};  ///< what the programs call it
  double parts = 1;       ///< numbers are per part: so many make a step
  double tolerance = 0;   ///< how far apart two programs' results may be, relative to their size
  Libtorch libtorch = Libtorch::always;
  bool has_floor = true;  ///< are there hand-written loops that do the same?
  /// In place of the floor: another step of chainrule's program, as often.
  std::string passes = {};
  double pass_count = 1;
  Goals goals;              ///< with one thread
  Goals goals_of_two = {};  ///< with two threads
  bool is_memory() const {
    return kind == Kind::memory || kind == Kind::startup_memory || kind == Kind::library_size;
  }
  bool is_process() const { return kind == Kind::startup_time || kind == Kind::startup_memory; }
  bool is_step() const { return kind == Kind::time || kind == Kind::memory; }
};

/// All cases, in the order in which they are shown.
std::vector<Case> all_cases();

/// One line of results: medians, each for what is there.
struct Result {
  Case that;
  std::optional<double> chainrule, libtorch, libtorch_at_best, floor;
  /// LibTorch's number, at its best, by chainrule's; chainrule's by the floor's.
  std::optional<double> faster() const;
  std::optional<double> above_floor() const;
};

}  // namespace bench
