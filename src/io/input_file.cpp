// A file that is read from its beginning to its end, unpacked by zlib where gzip has packed it. Relies on the
// first two bytes to tell.

#include "io/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "io/file.h"

namespace chainrule {
namespace {

gzFile file_of(void* file) { return static_cast<gzFile>(file); }

}  // namespace

void InputFile::Close::operator()(void* file) const noexcept { gzclose_r(file_of(file)); }

InputFile::InputFile(const std::string& path) : path_(path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail_on(path, "it cannot be read: " + last_system_error());
  if (struct stat status = {}; ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode))
    size_ = status.st_size;
  file_.reset(gzdopen(descriptor, "rb"));
  if (!file_) {
    ::close(descriptor);
    throw std::bad_alloc();
  }
  gzbuffer(file_of(file_.get()), 1 << 17);
  beginning_.resize(1 << 16);
  std::size_t size = 0;  // a pipe gives less at a time
  while (size < beginning_.size()) {
    const std::size_t count = read_on(std::span(beginning_).subspan(size));
    if (count == 0) break;
    size += count;
  }
  beginning_.resize(size);
}

std::size_t InputFile::read_on(std::span<char> bytes) {
  errno = 0;
  const int count = gzread(file_of(file_.get()), bytes.data(),
                           static_cast<unsigned>(std::min<std::size_t>(bytes.size(), 1 << 30)));
  int error = Z_OK;
  if (count <= 0 || static_cast<std::size_t>(count) < bytes.size()) gzerror(file_of(file_.get()), &error);
  if (error == Z_ERRNO) fail_on(path_, "it cannot be read: " + last_system_error());
  if (error == Z_MEM_ERROR) throw std::bad_alloc();
  if (error == Z_BUF_ERROR) fail_on(path_, "it is cut short: what gzip has compressed goes on");
  if (error != Z_OK) fail_on(path_, "what gzip has compressed is damaged");
  return static_cast<std::size_t>(std::max(count, 0));
}

std::size_t InputFile::read(std::span<char> bytes) {
  std::size_t count = 0;
  if (given_ == beginning_.size()) {
    count = read_on(bytes);
  } else {
    count = std::min(bytes.size(), beginning_.size() - given_);
    std::copy_n(beginning_.begin() + static_cast<std::ptrdiff_t>(given_), count, bytes.begin());
    given_ += count;
  }
  bytes_ += static_cast<std::int64_t>(count);
  return count;
}

double InputFile::share_read() const {
  if (size_ <= 0) return 0;
  gzFile const file = file_of(file_.get());
  const auto place = static_cast<double>(gzdirect(file) != 0 ? bytes_ : gzoffset(file));
  return std::clamp(place / static_cast<double>(size_), 0.0, 1.0);
}

}  // namespace chainrule
