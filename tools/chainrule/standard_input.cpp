// Data that comes through standard input.

#include "standard_input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "chainrule/error.h"

namespace chainrule::cli {
namespace {

constexpr const char* standard_input = "/dev/stdin";

void require(bool holds) {
  if (!holds)
    throw IoError(fmt::format("{}: it cannot be read: {}", standard_input,
                              std::error_code(errno, std::generic_category()).message()));
}

/// Closes a file that the system has opened.
class Opened {
 public:
  explicit Opened(int file) : file_(file) { require(file >= 0); }
  ~Opened() { close(file_); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  operator int() const { return file_; }

 private:
  int file_;
};

mode_t kind() {
  struct stat status = {};
  require(fstat(STDIN_FILENO, &status) == 0);
  return status.st_mode;
}

/// What comes through the pipe first, and stays in it.
std::string beginning_of_pipe() {
  std::array<int, 2> ends = {};
  require(pipe2(ends.data(), O_CLOEXEC) == 0);
  const Opened out(ends[0]), in(ends[1]);
  std::array<char, 4> bytes = {};
  if (tee(STDIN_FILENO, in, bytes.size(), 0) <= 0) return "";
  const ssize_t count = read(out, bytes.data(), bytes.size());
  return {bytes.data(), static_cast<std::size_t>(count > 0 ? count : 0)};
}

/// NPZ, NPY, IDX, or what gzip has packed, which may be any of these.
bool begins_archive(std::string_view bytes) {
  using namespace std::string_view_literals;
  constexpr char first_type = 8, last_type = 14, most_axes = 8;  // of IDX
  return bytes == "PK\x03\x04"sv || bytes == "\x93NUM"sv || bytes.starts_with("\x1f\x8b"sv) ||
         (bytes.size() == 4 && bytes.starts_with("\0\0"sv) && bytes[2] >= first_type &&
          bytes[2] <= last_type && bytes[3] >= 1 && bytes[3] <= most_axes);
}

void keep() {
  rlimit limit = {};
  require(getrlimit(RLIMIT_DATA, &limit) == 0);
  const auto most = static_cast<std::size_t>(limit.rlim_cur / 2);
  const Opened kept(memfd_create("stdin", MFD_CLOEXEC));
  std::array<char, 1 << 16> bytes;
  std::size_t all = 0;
  while (true) {
    const ssize_t count = read(STDIN_FILENO, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    require(count >= 0);
    if (count == 0) break;
    all += static_cast<std::size_t>(count);
    if (all > most)
      throw IoError(fmt::format("{}: it has more than {} bytes, half of the memory; give a file",
                                standard_input, most));
    for (ssize_t written = 0; written < count;) {
      const ssize_t more = write(kept, bytes.data() + written, static_cast<std::size_t>(count - written));
      if (more < 0 && errno == EINTR) continue;
      require(more >= 0);
      written += more;
    }
  }
  require(dup2(kept, STDIN_FILENO) >= 0);
}

}  // namespace

bool is_standard_input(const std::string& path) { return path == "-" || path == standard_input; }

std::string file_of(const std::string& path) {
  if (!is_standard_input(path)) return path;
  if (S_ISFIFO(kind()) && begins_archive(beginning_of_pipe())) keep();
  return standard_input;
}

bool is_stream(const std::string& path) { return is_standard_input(path) && !S_ISREG(kind()); }

}  // namespace chainrule::cli
