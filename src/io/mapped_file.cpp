// A file in memory, page by page as it is read, by mmap; what cannot be mapped, as a pipe, is read whole.
// Errors are those of file.h.

#include "io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"

namespace chainrule {
namespace {

/// An open file, closed at the end: what has been mapped stays.
struct Descriptor {
  explicit Descriptor(const std::string& path)
      : number(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number;
};

}  // namespace

MappedFile::MappedFile(const std::string& path) {
  const auto check = [&](bool done) {
    if (!done) fail_on(path, "it cannot be read: " + last_system_error());
  };
  const Descriptor file(path);  // does not wait for the writer of a pipe
  struct stat found = {};
  check(file.number >= 0 && ::fstat(file.number, &found) == 0);
  if (S_ISDIR(found.st_mode)) fail_on(path, std::string("it cannot be read: ") + std::strerror(EISDIR));
  if (!S_ISREG(found.st_mode)) fail_on(path, "it is not a regular file");
  if (found.st_size == 0) return;  // of which there is no map

  const auto size = static_cast<std::size_t>(found.st_size);
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
  check(memory != MAP_FAILED);
  size_ = size;
  memory_ = {static_cast<const char*>(memory), [memory, size](const char*) { ::munmap(memory, size); }};
}

}  // namespace chainrule
