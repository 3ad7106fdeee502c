// Files for tests, gone when these are.
// For all tests that read or write some.

#pragma once

#include <sys/resource.h>

#include <string>
#include <vector>

namespace chainrule::test {

/// A folder, gone with all that is in it when this is.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  /// The names of what is in it, hidden files too, in order.
  std::vector<std::string> names() const;

 private:
  std::string path_;
};

/// What a file holds; "" when there is none.
std::string content_of(const std::string& path);

/// A file with this content, gone when this is.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content, const std::string& extension = ".csv");
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// No file may grow beyond so many bytes while this lives, neither here nor in the tool.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::size_t bytes);
  ~FileSizeLimit();
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_ = {};
};

}  // namespace chainrule::test
