// Files that are written whole or not at all: beside the old one, to disk, then in its place. Relies on
// rename being atomic within a folder.

#include "io/output_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): <csignal> need not have sigset_t
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <climits>
#include <ctime>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "chainrule/io.h"
#include "io/file.h"

namespace chainrule {
namespace {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

/// The number in "/dev/fd/3", which is what /dev/stdout and a shell's >(command) lead to.
std::optional<int> open_descriptor(const std::string& path) {
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(folder)) continue;
    int number = 0;
    const char *begin = path.data() + folder.size(), *end = path.data() + path.size();
    if (const auto [stop, error] = std::from_chars(begin, end, number); error == std::errc() && stop == end)
      return number;
  }
  return std::nullopt;
}

/// Where the links that `path` is lead to, whether or not there is a file yet; or a name for an open
/// descriptor.
std::string followed(std::string path) {
  constexpr int most_links = 40;  // as Linux
  for (int links = 0; links < most_links && !open_descriptor(path); ++links) {
    char target[PATH_MAX];
    const ssize_t length = ::readlink(path.c_str(), target, sizeof target);
    if (length < 0) break;
    const std::string_view text(target, static_cast<std::size_t>(length));
    path = text.starts_with('/') ? std::string(text) : folder_of(path) + '/' + std::string(text);
  }
  return path;
}

/// What is at `path`, if anything is.
std::optional<struct stat> look_at(const std::string& path) {
  struct stat found = {};
  return ::stat(path.c_str(), &found) == 0 ? std::optional(found) : std::nullopt;
}

bool is_stream(const std::string& path) {
  const auto found = look_at(path);
  return open_descriptor(followed(path)) || (found && (S_ISFIFO(found->st_mode) || S_ISCHR(found->st_mode)));
}

constexpr std::string_view name_begins = ".chainrule-";

/// Removes what programs have left in the folder that were killed between naming a file and renaming it.
/// Whoever still writes one holds a lock on it.
void remove_left_overs(const std::string& folder) {
  DIR* const names = ::opendir(folder.c_str());
  if (names == nullptr) return;
  while (const dirent* entry = ::readdir(names)) {
    if (!std::string_view(entry->d_name).starts_with(name_begins)) continue;
    const int file =
        ::openat(::dirfd(names), entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (file < 0) continue;
    struct stat found = {};
    constexpr std::time_t while_nobody_locks = 60;  // from making a file to locking it, on a slow machine
    if (::fstat(file, &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == ::geteuid() &&
        found.st_mtime + while_nobody_locks < std::time(nullptr) && ::flock(file, LOCK_EX | LOCK_NB) == 0)
      ::unlinkat(::dirfd(names), entry->d_name, 0);
    ::close(file);
  }
  ::closedir(names);
}

/// The same, once for each folder: a run may write very often, and a folder may be large.
void remove_left_overs_once(const std::string& folder) {
  static std::mutex mutex;
  static std::set<std::string> done;
  {
    const std::lock_guard lock(mutex);
    if (!done.insert(folder).second) return;
  }
  remove_left_overs(folder);
}

/// A name that no other file in the folder is likely to have.
std::string unlikely_name(const std::string& folder) {
  static std::atomic<unsigned> count = 0;
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  return folder + "/" + std::string(name_begins) + std::to_string(::getpid()) + "-" +
         std::to_string(count++) + "-" + std::to_string(now);
}

/// Keeps the signals of a write that fails from ending the program, in this thread and as long as this lives:
/// a file that may not grow, a pipe that nobody reads. The error that write() returns then says the same.
class QuietWrites {
 public:
  QuietWrites() {
    sigemptyset(&quiet_);
    sigaddset(&quiet_, SIGXFSZ);
    sigaddset(&quiet_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &quiet_, &before_);
    sigset_t pending;
    sigpending(&pending);
    for (const int signal : {SIGXFSZ, SIGPIPE})
      if (sigismember(&pending, signal) == 1) sigdelset(&quiet_, signal);  // sent before: not ours to drop
  }
  ~QuietWrites() {
    constexpr timespec at_once = {};
    while (sigtimedwait(&quiet_, nullptr, &at_once) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  QuietWrites(const QuietWrites&) = delete;
  QuietWrites& operator=(const QuietWrites&) = delete;

 private:
  sigset_t quiet_ = {}, before_ = {};
};

}  // namespace

OutputFile::OutputFile(const std::string& path) : path_(path) {
  if (is_stream(path)) {
    open_stream();
  } else {
    target_ = followed(path);
    open_temporary();
  }
}
OutputFile::~OutputFile() = default;

OutputFile::Open::~Open() {
  if (descriptor >= 0) ::close(descriptor);
  if (!name.empty()) ::unlink(name.c_str());
}

void OutputFile::fail(const std::string& what) const { fail_on(path_, "it cannot be written: " + what); }
void OutputFile::check(bool done) const {
  if (!done) fail(last_system_error());
}

void OutputFile::open_stream() {
  if (const auto descriptor = open_descriptor(followed(path_))) {
    out_.descriptor = ::fcntl(*descriptor, F_DUPFD_CLOEXEC, 0);  // goes on where others have written
    return check(out_.descriptor >= 0);
  }
  // A pipe that nobody reads would keep the program waiting for somebody who does.
  out_.descriptor = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (out_.descriptor < 0 && errno == ENXIO) fail("it is a pipe that nobody reads");
  check(out_.descriptor >= 0 && ::fcntl(out_.descriptor, F_SETFL, O_WRONLY) == 0);
}

void OutputFile::open_temporary() {
  const auto found = look_at(path_);
  check(found || errno == ENOENT);
  if (target_.ends_with('/') || (found && S_ISDIR(found->st_mode))) fail(std::strerror(EISDIR));
  if (found && !S_ISREG(found->st_mode)) fail("it is neither a file nor a stream");
  // Replacing a file needs no permission to write to it; but whoever took that away meant it.
  check(!found || ::faccessat(AT_FDCWD, target_.c_str(), W_OK, AT_EACCESS) == 0);

  // A file without a name is gone by itself, even when the program is killed. Not all file systems have them.
  const std::string folder = folder_of(target_);
  remove_left_overs_once(folder);
  constexpr mode_t by_umask = 0666;
  if (::access("/proc/self/fd", X_OK) == 0)
    out_.descriptor = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, by_umask);
  if (out_.descriptor < 0) {
    const std::string name = unlikely_name(folder);
    out_.descriptor = ::open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, by_umask);
    check(out_.descriptor >= 0);
    out_.name = name;
  }
  ::flock(out_.descriptor, LOCK_EX | LOCK_NB);  // where that is not possible, nobody else can, either
  if (!found) return;
  // The new file is to be as the old one, as far as this user can make it so.
  if (::fchown(out_.descriptor, found->st_uid, found->st_gid) != 0) errno = 0;
  check(::fchmod(out_.descriptor, found->st_mode & 0777) == 0);
}

void OutputFile::write(std::string_view bytes) {
  constexpr std::size_t most_buffered = 1 << 16;
  if (buffer_.size() + bytes.size() > most_buffered) {
    write_through(buffer_);
    buffer_.clear();
  }
  if (bytes.size() > most_buffered)
    write_through(bytes);
  else
    buffer_ += bytes;
}

void OutputFile::write_through(std::string_view bytes) {
  const QuietWrites quiet;
  while (!bytes.empty()) {
    const ssize_t written = ::write(out_.descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    check(written >= 0);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void OutputFile::name_temporary() {
  const std::string self = "/proc/self/fd/" + std::to_string(out_.descriptor);
  const std::string name = unlikely_name(folder_of(target_));
  check(::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0);
  out_.name = name;
}

void OutputFile::finish() {
  write_through(buffer_);
  buffer_.clear();
  const bool is_file = !target_.empty();
  if (is_file) {
    // The name must not reach the disk before what it names. Some file systems cannot tell.
    check(::fsync(out_.descriptor) == 0 || errno == EINVAL);
    if (out_.name.empty()) name_temporary();
  }
  Open lock;  // of the file that has a name now, until that is the right one
  if (is_file) lock.descriptor = ::fcntl(out_.descriptor, F_DUPFD_CLOEXEC, 0);
  const bool closed = ::close(std::exchange(out_.descriptor, -1)) == 0;
  check(closed);  // a network file system reports a full disk as late as this
  if (!is_file) return;
  check(::rename(out_.name.c_str(), target_.c_str()) == 0);
  out_.name.clear();
  // The file is there; this is for a machine that loses power now, as far as the file system goes along.
  const int folder = ::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
}

void save_file(const std::string& path, std::string_view content) {
  OutputFile file(path);
  file.write(content);
  file.finish();
}

void require_writable(const std::string& path) {
  if (!is_stream(path)) OutputFile file(path);  // a stream is not opened: its reader would see it end
}

}  // namespace chainrule
