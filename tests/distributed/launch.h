// Several ranks as child processes, for tests of how they end.
// Relies on mpirun, as CMake has found it.

#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace chainrule::distributed::test {

/// What has come of a command.
struct Ended {
  std::string said;  // on both outputs
  int status;
  double seconds;
};

/// Runs a command of the shell, and meanwhile something beside it.
Ended ended(const std::string& command, const std::function<void()>& meanwhile = {});
/// mpirun on so many ranks, for a command to begin with.
std::string on_ranks(int ranks);
/// What mpirun says once of a rank that a signal has ended. MPICH's names the process, not the rank.
std::string ended_by_signal(int rank);
std::size_t count(const std::string& in, const std::string& what);

}  // namespace chainrule::distributed::test
