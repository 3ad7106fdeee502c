// Archives of files, stored as they are or deflated by zlib. The format is PKWARE's:
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT

#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "io/output_file.h"

namespace chainrule::zip {

/// A file in an archive.
struct Member {
  std::string name;
  std::string_view packed;  // as it lies in the archive
  bool is_deflated = false;
  std::uint64_t bytes = 0;  // once it is unpacked
  std::uint32_t checksum = 0;
};

/// The members of the archive that these bytes are, in the order of its directory. IoError that begins with
/// `path` for what is damaged or no archive, encrypted or packed in other ways, and for a small archive of
/// members that would take a lot of memory.
std::vector<Member> read_directory(std::string_view archive, const std::string& path);

/// What is in a member; in `room`, unless it lies in the archive as it is. IoError that begins with `source`.
/// Takes memory as there is something to put into it, whatever the directory says.
std::string_view unpack(const Member& member, std::string& room, const std::string& source);

/// Writes an archive. Which time it is, it does not say: the same members give the same bytes.
class Writer {
 public:
  explicit Writer(OutputFile& out) : out_(out) {}
  /// A member of these pieces, one after the other. Its name is UTF-8 of at most 65535 bytes.
  void add(const std::string& name, std::initializer_list<std::string_view> pieces, bool deflated);
  /// Writes the directory, without which there is no archive.
  void finish();

 private:
  void write(std::string_view bytes);
  OutputFile& out_;
  std::uint64_t position_ = 0, count_ = 0;
  std::string directory_;
};

}  // namespace chainrule::zip
