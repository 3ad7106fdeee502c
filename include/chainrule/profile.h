/// \file
/// Where time and memory go: operations and their derivatives as they are computed, as a table and as a
/// trace. It is an observer of its thread (src/graph/observer.h), and costs nothing while there is none.

#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "chainrule/detail/api.h"

namespace CHAINRULE_API chainrule {

class Tensor;

/// What an operation came to in one direction.
struct ProfileCost {
  /// How often.
  std::int64_t calls = 0;
  /// How long, in all calls.
  double seconds = 0;
  std::int64_t bytes = 0;  ///< of the values made: in the backward pass, of the gradients sent to the inputs
};

/// The time that one node took, in seconds.
struct NodeTime {
  double forward = 0;   ///< to compute its value
  double backward = 0;  ///< of its derivative, in all backward passes
};

/// An operation in one scope.
struct ProfileRow {
  std::string operation, scope;  ///< the scope as "encoder/layer 2", empty outside all
  /// Of the values, and of the gradients.
  ProfileCost forward, backward;
};

/// Until it goes out of scope, measures the operations of this thread, and their derivatives.
///
///     const Profile profile;
///     for (int step = 0; step < 100; ++step) train();
///     std::cout << profile;                  // a table, the most time first
///     profile.write_trace("steps.json");     // for https://ui.perfetto.dev or chrome://tracing
///
/// Each operation is computed by itself, and graphs keep every value, as under KeepValues: what is put off
/// and computed together otherwise is measured one by one, and takes longer. A forward call counts from the
/// end of what was computed before it, so that what the program does between two operations counts with the
/// second. A derivative counts without the operations that are recorded within it, which have rows of their
/// own. Profiles may be nested, and end in reverse order, in the thread that made them; each takes some 50
/// bytes for each call. save_graph and drawings colour a graph by the times that a profile has measured, see
/// GraphRecord.
class [[nodiscard]] Profile {
 public:
  [[nodiscard]] Profile();
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  /// The one with the most time first.
  [[nodiscard]] std::vector<ProfileRow> rows() const;
  /// Of the nodes that have been measured, in the order of `nodes`; the others have zeros.
  [[nodiscard]] std::vector<NodeTime> times(std::span<const Tensor> nodes) const;
  /// Since the beginning, also what the program did elsewhere.
  [[nodiscard]] double seconds() const;
  /// Every call as an event in the JSON format of Chrome's traces, framed by its scopes. Written as save_file
  /// does: IoError where it cannot be.
  void write_trace(const std::string& path) const;

 private:
  class Recorder;
  std::unique_ptr<Recorder> recorder_;
};

/// As a table, with calls, time and bytes of both directions.
std::ostream& operator<<(std::ostream& out, const Profile& profile);

}  // namespace chainrule
