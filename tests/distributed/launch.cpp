// Runs a command, as one on several ranks by mpirun, and collects how it ends and what it says.
// Relies on popen.

#include "distributed/launch.h"

#include <mpi.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <thread>

namespace chainrule::distributed::test {

Ended ended(const std::string& command, const std::function<void()>& meanwhile) {
  const auto begin = std::chrono::steady_clock::now();
  std::FILE* const pipe = popen(("{ " + command + "; } 2>&1").c_str(), "r");
  std::thread beside;
  if (meanwhile) beside = std::thread(meanwhile);
  std::string said;
  std::array<char, 4096> some;
  for (std::size_t n = 0; (n = std::fread(some.data(), 1, some.size(), pipe)) > 0;)
    said.append(some.data(), n);
  const int status = pclose(pipe);
  if (beside.joinable()) beside.join();
  return {said, status, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()};
}

std::string on_ranks(int ranks) { return CHAINRULE_MPIRUN " -np " + std::to_string(ranks) + " "; }

std::string ended_by_signal([[maybe_unused]] int rank) {
#ifdef OPEN_MPI
  return "process rank " + std::to_string(rank) + " with PID";
#else
  return "BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES";
#endif
}

std::size_t count(const std::string& in, const std::string& what) {
  std::size_t n = 0;
  for (auto at = in.find(what); at != std::string::npos; at = in.find(what, at + 1)) ++n;
  return n;
}

}  // namespace chainrule::distributed::test
