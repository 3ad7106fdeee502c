// How many threads to use: what the processors, the limits of control groups and the environment say. Relies
// on Linux's files below /proc and /sys; where these are missing there is the number of processors.

#include "kernels/processors.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace chainrule::kernels {
namespace {

namespace fs = std::filesystem;

constexpr double no_limit = std::numeric_limits<double>::infinity();

/// Version 2: "50000 100000", of how much in which time, or "max 100000". Version 1 has two files; -1 is no
/// limit. What is not there does not limit anything.
double limit_in(const fs::path& group) {
  double quota = -1, period = -1;
  if (std::ifstream file(group / "cpu.max"); !(file >> quota >> period)) {
    std::ifstream(group / "cpu.cfs_quota_us") >> quota;
    std::ifstream(group / "cpu.cfs_period_us") >> period;
  }
  return quota > 0 && period > 0 ? quota / period : no_limit;
}

/// Of a group and all that it is part of. In a container its path may be that outside, where nothing of it is
/// to be seen but the mount point.
double limit_up_from(const fs::path& mount, const std::string& group) {
  double limit = limit_in(mount);
  for (fs::path path = fs::path(group).relative_path(); !path.empty(); path = path.parent_path())
    limit = std::min(limit, limit_in(mount / path));
  return limit;
}

}  // namespace

double processors_of_control_groups(const fs::path& root) {
  const fs::path mounts = root / "sys/fs/cgroup";
  double limit = no_limit;
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // "0::/path", or "4:cpu,cpuacct:/path"
    std::istringstream fields(line);
    std::string hierarchy, controllers, path;
    std::getline(fields, hierarchy, ':');
    std::getline(fields, controllers, ':');
    std::getline(fields, path);
    if (hierarchy == "0" && controllers.empty())
      limit = std::min({limit, limit_up_from(mounts, path), limit_up_from(mounts / "unified", path)});
    else if (("," + controllers + ",").find(",cpu,") != std::string::npos)
      limit =
          std::min({limit, limit_up_from(mounts / "cpu", path), limit_up_from(mounts / controllers, path)});
  }
  return limit;
}

std::optional<int> threads_from(const char* omp_num_threads) {
  if (omp_num_threads == nullptr) return std::nullopt;
  const char* begin = omp_num_threads + std::strspn(omp_num_threads, " \t");
  int count = 0;
  const auto [end, error] = std::from_chars(begin, begin + std::strlen(begin), count);
  const bool is_number = error == std::errc() && (*end == '\0' || std::strchr(" \t,", *end) != nullptr);
  return is_number && count > 0 ? std::optional(count) : std::nullopt;
}

int default_threads() {
  if (const auto asked = threads_from(std::getenv("OMP_NUM_THREADS"))) return *asked;
  int processors = static_cast<int>(std::thread::hardware_concurrency());
#if defined(__linux__)
  if (cpu_set_t set; sched_getaffinity(0, sizeof set, &set) == 0) processors = CPU_COUNT(&set);
#endif
  return std::max(1, static_cast<int>(std::min<double>(processors, processors_of_control_groups())));
}

}  // namespace chainrule::kernels
