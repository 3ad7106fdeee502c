// Keeps this process within the memory that is free when it starts, as limits of the system and of control
// groups say.

#include "memory.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace chainrule::cli {
namespace {

/// What a small file of the system begins with; "" when there is none.
std::string start_of(const char* path) {
  std::array<char, 512> text{};
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return "";
  const ssize_t length = ::read(file, text.data(), text.size());
  ::close(file);
  return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))};
}

/// In bytes. 0 when the system does not say.
std::uint64_t free_memory() {
  const std::string text = start_of("/proc/meminfo"), key = "MemAvailable:";
  const std::size_t found = text.find(key);
  if (found == std::string::npos) return 0;
  std::uint64_t free = std::strtoull(text.c_str() + found + key.size(), nullptr, 10) * 1024;
  // That of a container may be less, under both versions of control groups; "max" reads as 0.
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"})
    if (const std::uint64_t allowed = std::strtoull(start_of(path).c_str(), nullptr, 10); allowed > 0)
      free = std::min(free, allowed);
  return free;
}

/// What counts against the limit already, in bytes.
std::uint64_t data_so_far() {
  unsigned long pages = 0;
  if (std::sscanf(start_of("/proc/self/statm").c_str(), "%*u %*u %*u %*u %*u %lu", &pages) != 1) return 0;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

void limit_memory() {
  const std::uint64_t free = free_memory();
  rlimit limit = {};
  if (free == 0 || ::getrlimit(RLIMIT_DATA, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_cur, data_so_far() + free);
  ::setrlimit(RLIMIT_DATA, &limit);
}

}  // namespace chainrule::cli
