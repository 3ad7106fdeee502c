// Files for fuzz targets, in memory, and what is written to read back. Relies on memfd and on a folder in
// memory, so that fuzzing wears no disk.

#include "files.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace chainrule::fuzz {
namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

struct MemoryFile {
  MemoryFile() : descriptor(::memfd_create("bytes", MFD_CLOEXEC)) {
    if (descriptor < 0) fail("memfd_create");
    path = "/proc/self/fd/" + std::to_string(descriptor);
  }
  ~MemoryFile() { ::close(descriptor); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int descriptor;
  std::string path;
};

/// save_file renames what it has written, so that it needs a folder.
struct Folder {
  Folder() {
    std::error_code no_such;
    const bool in_memory =
        std::filesystem::is_directory("/dev/shm", no_such) && ::access("/dev/shm", W_OK) == 0;
    path =
        (in_memory ? "/dev/shm" : std::filesystem::temp_directory_path().string()) + "/chainrule_fuzz_XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) fail("mkdtemp");
    file = path + "/saved";
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path, file;
};

/// Of the dtype that is one of T.
template <class... T>
bool same_elements(const Tensor& a, const Tensor& b, TypeList<T...>) {
  const auto as = [&]<Element E>(E) {
    const auto left = a.data<E>(), right = b.data<E>();
    return left.empty() || std::memcmp(left.data(), right.data(), left.size_bytes()) == 0;
  };
  return ((a.dtype() == dtype_of<T> && as(T())) || ...);
}

}  // namespace

const std::string& file_of(Bytes bytes) {
  static const MemoryFile file;
  if (::ftruncate(file.descriptor, 0) != 0) fail("ftruncate");
  const ssize_t written = ::pwrite(file.descriptor, bytes.data(), bytes.size(), 0);
  if (written != static_cast<ssize_t>(bytes.size())) fail("pwrite");
  return file.path;
}

const std::string& scratch_path() {
  static const Folder folder;
  return folder.file;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() && same_elements(a, b, Elements());
}

bool same_bits(const NamedTensors& a, const NamedTensors& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& left, const auto& right) {
    return left.first == right.first && same_bits(left.second, right.second);
  });
}

}  // namespace chainrule::fuzz
