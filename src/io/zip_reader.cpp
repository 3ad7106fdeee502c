// Reading ZIP archives: the directory at the end, checked before anything is believed, and the members.
// Members are unpacked by inflate.h, within its limit.

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <set>

#include "io/file.h"
#include "io/inflate.h"
#include "io/zip.h"
#include "io/zip_format.h"

namespace chainrule::zip {
namespace {

template <class T>
T number_at(std::string_view bytes, std::size_t at) {
  T number = 0;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}
std::uint16_t get16(std::string_view bytes, std::size_t at) { return number_at<std::uint16_t>(bytes, at); }
std::uint32_t get32(std::string_view bytes, std::size_t at) { return number_at<std::uint32_t>(bytes, at); }
std::uint64_t get64(std::string_view bytes, std::size_t at) { return number_at<std::uint64_t>(bytes, at); }

/// Reads the directory from the end of the archive, as it must be: only that says where it begins.
class DirectoryReader {
 public:
  DirectoryReader(std::string_view archive, const std::string& path) : archive_(archive), path_(path) {}

  std::vector<Member> read() {
    find_directory();
    std::vector<Member> members;
    for (std::string_view rest = directory_; !rest.empty();) members.push_back(take_member(rest));
    if (members.size() != count_)
      damaged("its directory has " + std::to_string(members.size()) + " members, not " +
              std::to_string(count_));
    check_places();
    check_sizes(members);
    return members;
  }

 private:
  struct Place {
    std::uint64_t begin, end;
    std::string name;
  };

  [[noreturn]] void damaged(const std::string& what) const {
    fail_on(path_, "the archive is damaged or cut short: " + what);
  }

  void find_directory() {
    const std::optional<std::size_t> end = find_end();
    if (!end) {
      if (archive_.starts_with("PK")) damaged("it has no directory");
      fail_on(path_, "it is no ZIP archive");
    }
    const std::string_view record = archive_.substr(*end, end_bytes);
    std::uint64_t disk = get16(record, 4), size = get32(record, 12), begin = get32(record, 16);
    std::size_t directory_end = *end;
    count_ = get16(record, 10);
    if (*end >= locator_bytes && get32(archive_, *end - locator_bytes) == locator_signature) {
      const std::uint64_t at = get64(archive_, *end - locator_bytes + 8);
      if (*end < locator_bytes + end64_bytes || at > *end - locator_bytes - end64_bytes ||
          get32(archive_, at) != end64_signature)
        damaged("the end of its directory is not where it should be");
      const std::string_view record64 = archive_.substr(at, end64_bytes);
      disk = get32(record64, 16);
      count_ = get64(record64, 32);
      size = get64(record64, 40);
      begin = get64(record64, 48);
      directory_end = at;
    }
    if (disk != 0) fail_on(path_, "the archive consists of several files; make one of them");
    if (begin > directory_end || size != directory_end - begin)
      damaged("its directory is not where it should be");
    directory_ = archive_.substr(begin, size);
  }

  /// Where the last record begins, which ends with a comment.
  std::optional<std::size_t> find_end() const {
    if (archive_.size() < end_bytes) return std::nullopt;
    const std::size_t last = archive_.size() - end_bytes;
    for (std::size_t comment = 0; comment <= std::min<std::size_t>(last, most16); ++comment)
      if (get32(archive_, last - comment) == end_signature && get16(archive_, last - comment + 20) == comment)
        return last - comment;
    return std::nullopt;
  }

  Member take_member(std::string_view& rest) {
    if (rest.size() < directory_bytes || get32(rest, 0) != directory_signature)
      damaged("its directory holds something that is no member");
    const std::size_t name_bytes = get16(rest, 28), extra_bytes = get16(rest, 30),
                      comment_bytes = get16(rest, 32);
    const std::size_t bytes = directory_bytes + name_bytes + extra_bytes + comment_bytes;
    if (rest.size() < bytes) damaged("its directory ends within a member");

    Member member;
    member.name = rest.substr(directory_bytes, name_bytes);
    const std::string name = "member " + in_quotes(member.name);
    if (!names_.insert(member.name).second) fail_on(path_, "it has " + name + " twice");
    if ((get16(rest, 8) & encrypted) != 0) fail_on(path_, name + " is encrypted; save it without a password");
    const std::uint16_t method = get16(rest, 10);
    if (method != stored && method != deflated)
      fail_on(path_, name + " is packed by method " + std::to_string(method) +
                         "; supported are 0, stored, and 8, deflated");
    member.is_deflated = method == deflated;
    member.checksum = get32(rest, 16);

    std::uint64_t packed_bytes = get32(rest, 20), begin = get32(rest, 42);
    member.bytes = get32(rest, 24);
    std::string_view extra = extra_field64(rest.substr(directory_bytes + name_bytes, extra_bytes));
    for (std::uint64_t* number : {&member.bytes, &packed_bytes, &begin}) {
      if (*number != most32 || extra.size() < sizeof *number) continue;
      *number = get64(extra, 0);
      extra.remove_prefix(sizeof *number);
    }
    if (!member.is_deflated && packed_bytes != member.bytes) damaged(name + " has two sizes");
    member.packed = find(member, begin, packed_bytes, method);
    rest.remove_prefix(bytes);
    return member;
  }

  /// The extra field with numbers that do not fit their places; empty without one.
  static std::string_view extra_field64(std::string_view extra) {
    while (extra.size() >= 4) {
      const std::size_t size = get16(extra, 2);
      if (get16(extra, 0) == extra64) return extra.substr(4, size);
      extra.remove_prefix(std::min(extra.size(), 4 + size));
    }
    return {};
  }

  std::string_view find(const Member& member, std::uint64_t begin, std::uint64_t bytes,
                        std::uint16_t method) {
    const std::string name = "member " + in_quotes(member.name);
    const std::uint64_t end = directory_.data() - archive_.data();
    const std::size_t header_bytes = member_bytes + member.name.size();
    if (begin > end || end - begin < header_bytes || get32(archive_, begin) != member_signature ||
        get16(archive_, begin + 8) != method || get16(archive_, begin + 26) != member.name.size() ||
        archive_.substr(begin + member_bytes, member.name.size()) != member.name)
      damaged(name + " is not where its directory says");
    const std::uint64_t data = begin + header_bytes + get16(archive_, begin + 28);
    if (data > end || end - data < bytes)
      damaged(name + " of " + std::to_string(bytes) + " bytes would go beyond the directory");
    places_.push_back({begin, data + bytes, member.name});
    return archive_.substr(data, bytes);
  }

  /// Members that share bytes are how a small archive becomes an endless one.
  void check_places() {
    std::ranges::sort(places_, {}, &Place::begin);
    for (std::size_t i = 1; i < places_.size(); ++i)
      if (places_[i].begin < places_[i - 1].end)
        damaged("members " + in_quotes(places_[i - 1].name) + " and " + in_quotes(places_[i].name) +
                " share bytes");
  }
  void check_sizes(const std::vector<Member>& members) const {
    std::uint64_t left = most_unpacked(archive_.size());
    for (const Member& member : members) {
      if (member.bytes > left) fail_on_bomb(path_, archive_.size());
      left -= member.bytes;
    }
  }

  std::string_view archive_, directory_;
  const std::string& path_;
  std::uint64_t count_ = 0;
  std::set<std::string> names_;
  std::vector<Place> places_;
};

}  // namespace

std::vector<Member> read_directory(std::string_view archive, const std::string& path) {
  return DirectoryReader(archive, path).read();
}

std::string_view unpack(const Member& member, std::string& room, const std::string& source) {
  std::string_view content = member.packed;
  if (member.is_deflated) {
    room.clear();
    std::string_view packed = member.packed;
    if (!inflate(packed, Packing::deflate, member.bytes, room, source))
      fail_on(source,
              "it unpacks to more than the " + std::to_string(member.bytes) + " bytes that it should");
    if (room.size() != member.bytes)
      fail_on(source,
              "it unpacks to " + std::to_string(room.size()) + " bytes, not " + std::to_string(member.bytes));
    content = room;
  }
  const auto checksum = ::crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
  if (checksum != member.checksum) fail_on(source, "it is damaged: its checksum is another one");
  return content;
}

}  // namespace chainrule::zip
