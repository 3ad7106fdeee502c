// A run of the benchmark: how long to measure, and what came of each case.
// Relies on cases.h for what there is.

#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "cases.h"
#include "child.h"

namespace bench {

/// How long to measure.
struct Effort {
  int rounds;                ///< of each case; every round asks every program once
  double milliseconds;       ///< of each program in each round
  double most_milliseconds;  ///< of all rounds of a case, after which no other begins
  int processes;             ///< how many times programs are started to time that
  int compilations;
  bool is_quick;
  bool is_cpu_time = false;  ///< of steps the processor's time, which others on the machine disturb less
};
constexpr Effort thorough = {11, 60, 30000, 40, 3, false}, quick = {5, 12, 3000, 8, 1, true};

/// Two programs computed different numbers.
struct Disagreement : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The three programs, and what is measured with them. LibTorch goes by several names: with several
/// environments it is several programs.
class Bench {
 public:
  /// `build` says where everything was built, see CMakeLists.txt.
  Bench(const nlohmann::json& build, int threads, const Effort& effort);

  /// How far apart the programs' results are, relative to their size: nothing to compare gives 0.
  /// Disagreement when that is more than the case tolerates.
  double check(const Case& that);
  /// The medians. Each case has fresh processes: what earlier cases left behind in malloc makes LibTorch up
  /// to four times faster.
  Result measure(const Case& that);

  bool has_libtorch() const { return build_["programs"].contains("libtorch"); }
  /// What was measured, on what.
  std::string machine();

 private:
  using Numbers = std::map<std::string, std::vector<double>>;  // by program
  std::vector<std::string> names(const Case& that) const;
  bool has_openmp_blas() const { return build_["openmp_blas"] != ""; }
  Environment environment(const std::string& name) const;
  std::unique_ptr<Child> start(const std::string& name) const;
  Child& child(const std::string& program);
  Numbers in_turns(const std::vector<std::string>& programs, int rounds,
                   const std::function<double(const std::string&)>& ask) const;
  Numbers numbers(const Case& that);
  double peak(const std::string& program, const Case& that) const;
  double process(const std::string& program, bool memory) const;
  double library_size(const std::string& program) const;

  nlohmann::json build_;
  int threads_;
  Effort effort_;
  std::map<std::string, std::unique_ptr<Child>> children_;
};

}  // namespace bench
