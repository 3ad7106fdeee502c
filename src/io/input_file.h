// A file from its beginning to its end, a part at a time: for formats that are read in a row, and for pipes.
// Relies on zlib for those in gzip.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace chainrule {

/// The bytes of a file from its beginning to its end, of one in gzip those that were compressed. Needs little
/// memory, however large they are. Reads pipes, too. All functions throw an IoError that names the file.
class InputFile {
 public:
  explicit InputFile(const std::string& path);

  /// The first bytes, at most 64 KiB of them. read() gives them again.
  [[nodiscard]] std::string_view beginning() const { return beginning_; }
  /// How many of the next bytes there are now: 0 at the end alone.
  std::size_t read(std::span<char> bytes);
  /// How much of the file read() has given, from 0 to 1; 0 where nobody knows, as of pipes.
  [[nodiscard]] double share_read() const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  struct Close {
    void operator()(void* file) const noexcept;
  };
  std::size_t read_on(std::span<char> bytes);

  std::string path_;
  std::unique_ptr<void, Close> file_;  // a gzFile
  std::string beginning_;
  std::size_t given_ = 0;   // of the beginning
  std::int64_t size_ = 0;   // of the file as it lies there; 0: unknown
  std::int64_t bytes_ = 0;  // that read() has given
};

}  // namespace chainrule
