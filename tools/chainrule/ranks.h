// The ranks of a training run as the tool sees them, so that training is written once for one process and for
// several. ranks_main.cpp has those of MPI.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "chainrule/detail/function_ref.h"
#include "chainrule/named_tensors.h"
#include "chainrule/nn/parameter.h"

namespace chainrule::cli {

/// Samples first, ..., end - 1 of several.
struct Rows {
  std::int64_t first, end;
  std::int64_t size() const { return end - first; }
};

/// The processes that train one network together, of which this is one: here, one alone. Where mpirun has
/// started several, chainrule_ranks has another of these. All call the same functions in the same order.
class Ranks {
 public:
  Ranks() = default;
  virtual ~Ranks() = default;
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  virtual int rank() const { return 0; }
  virtual int size() const { return 1; }
  /// Is this the one that prints and writes?
  bool is_first() const { return rank() == 0; }
  /// The part of so many samples that is this one's; parts may be empty.
  Rows share_of(std::int64_t count) const {
    return {share_begin(count, rank()), share_begin(count, rank() + 1)};
  }

  /// Does what may fail on one, as reading files. Where it does, all throw that error: a CommandError, or a
  /// std::runtime_error.
  virtual void alike(FunctionRef<void()> action) const { action(); }
  /// CommandError on all, which names a rank, unless all have the same.
  virtual void require_equal(std::string_view what, const std::string& value) const;
  /// What the first one has, on all.
  virtual std::string from_first(const std::string& text) const { return text; }
  virtual NamedTensors from_first(const NamedTensors& state) const { return state; }
  /// The sums over all.
  virtual std::vector<double> sum(const std::vector<double>& numbers) const { return numbers; }

  /// From now on backward() is about these, which have the values of the first.
  virtual void share(const std::vector<Parameter>& parameters);
  /// The gradients of the sum over all of weight * loss, where a rank without samples has an empty handle.
  /// The weights of all together are 1. Gives the sums over all of at most `most_numbers` numbers.
  virtual std::vector<double> backward(Tensor loss, double weight, const std::vector<double>& numbers);
  static constexpr std::size_t most_numbers = 4;

  /// Ends all others with a message, as this one cannot go on.
  virtual void end_others(const std::string& reason) const;

 private:
  std::int64_t share_begin(std::int64_t count, int of) const {
    return count / size() * of + count % size() * of / size();
  }
};

/// How many processes an MPI launcher has started together, this among them, and which one this is. 1 and 0
/// where none has.
struct Launched {
  int size = 1, rank = 0;
};
Launched launched();

/// Becomes chainrule_ranks, the program beside this one that is linked with MPI, with the same arguments:
/// this one starts in a few milliseconds, and where there is no MPI. Returns the exit code if there is no
/// such program, which the first rank says.
int become_ranks(char** arguments);

}  // namespace chainrule::cli
