// Folders and files for tests, below the system's temporary folder, and limits of what may be written. Relies
// on POSIX and on GoogleTest for the folder.

#include "temporary_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace chainrule::test {

TemporaryFolder::TemporaryFolder() : path_(::testing::TempDir() + "chainrule_XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> TemporaryFolder::names() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TemporaryFile::TemporaryFile(const std::string& content, const std::string& extension)
    : path_(::testing::TempDir() + "chainrule_XXXXXX" + extension) {
  const int file = mkstemps(path_.data(), static_cast<int>(extension.size()));
  if (file < 0 || write(file, content.data(), content.size()) != static_cast<ssize_t>(content.size()))
    throw std::runtime_error("cannot write " + path_);
  close(file);
}

TemporaryFile::~TemporaryFile() { std::remove(path_.c_str()); }

FileSizeLimit::FileSizeLimit(std::size_t bytes) {
  std::fflush(nullptr);  // what the test has to say may go to a file, too
  getrlimit(RLIMIT_FSIZE, &before_);
  const rlimit limited = {.rlim_cur = bytes, .rlim_max = before_.rlim_max};
  if (setrlimit(RLIMIT_FSIZE, &limited) != 0) throw std::runtime_error("setrlimit failed");
}

FileSizeLimit::~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

}  // namespace chainrule::test
