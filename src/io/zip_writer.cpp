// Writing ZIP archives: members one after the other, and the directory at the end. Sizes and places have 64
// bits where they need them. Relies on zlib for packing and checksums.

#include <zlib.h>

#include <algorithm>
#include <new>

#include "io/zip.h"
#include "io/zip_format.h"

namespace chainrule::zip {
namespace {

/// Appends numbers, little-endian.
void put(std::string& record, std::uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) record += static_cast<char>(number >> (8 * i) & 0xff);
}
void put16(std::string& record, std::uint64_t number) { put(record, number, 2); }
void put32(std::string& record, std::uint64_t number) { put(record, number, 4); }
void put64(std::string& record, std::uint64_t number) { put(record, number, 8); }
/// As much of it as fits.
void put32_or_most(std::string& record, std::uint64_t number) {
  put32(record, std::min<std::uint64_t>(number, most32));
}

std::string deflate_all(std::initializer_list<std::string_view> pieces) {
  struct Stream : z_stream {
    Stream() : z_stream() {}
    ~Stream() { ::deflateEnd(this); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
  } stream;
  constexpr int memory_level = 8;  // zlib's default
  if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, memory_level,
                     Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();

  std::string packed;
  char room[1 << 16];
  const auto run = [&](int flush) {
    do {
      stream.next_out = reinterpret_cast<Bytef*>(room);
      stream.avail_out = sizeof room;
      ::deflate(&stream, flush);  // cannot fail: there always is room
      packed.append(room, sizeof room - stream.avail_out);
    } while (stream.avail_out == 0);
  };
  for (std::string_view piece : pieces) {
    while (!piece.empty()) {
      const std::string_view part = piece.substr(0, std::size_t{1} << 30);  // zlib counts in 32 bits
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
      stream.avail_in = static_cast<uInt>(part.size());
      run(Z_NO_FLUSH);
      piece.remove_prefix(part.size());
    }
  }
  run(Z_FINISH);
  return packed;
}

/// What the record of a member and that in the directory have in common, from the version on that a reader
/// must know.
std::string description(const std::string& name, bool is_deflated, bool needs64, std::uint64_t checksum,
                        std::uint64_t packed_bytes, std::uint64_t bytes) {
  constexpr std::uint16_t version_2_0 = 20, version_4_5 = 45, january_1980 = 1 << 5 | 1;
  const bool is_ascii = std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) < 128; });
  std::string record;
  put16(record, needs64 ? version_4_5 : version_2_0);
  put16(record, is_ascii ? 0 : utf8);
  put16(record, is_deflated ? deflated : stored);
  put16(record, 0);
  put16(record, january_1980);
  put32(record, checksum);
  put32_or_most(record, packed_bytes);
  put32_or_most(record, bytes);
  put16(record, name.size());
  return record;
}

}  // namespace

void Writer::write(std::string_view bytes) {
  out_.write(bytes);
  position_ += bytes.size();
}

void Writer::add(const std::string& name, std::initializer_list<std::string_view> pieces, bool is_deflated) {
  std::uint64_t bytes = 0;
  uLong checksum = 0;
  for (const std::string_view piece : pieces) {
    bytes += piece.size();
    checksum = ::crc32_z(checksum, reinterpret_cast<const Bytef*>(piece.data()), piece.size());
  }
  const std::string packed = is_deflated ? deflate_all(pieces) : std::string();
  const std::uint64_t packed_bytes = is_deflated ? packed.size() : bytes, begin = position_;

  // In the archive both sizes go to the extra field together; in the directory each number that does not fit.
  const bool large = std::max(bytes, packed_bytes) >= most32;
  std::string extra;
  if (large) {
    put64(extra, bytes);
    put64(extra, packed_bytes);
  }
  const auto with_head = [](const std::string& field) {
    std::string result;
    if (!field.empty()) {
      put16(result, extra64);
      put16(result, field.size());
    }
    return result + field;
  };
  const auto describe = [&](bool needs64) {
    // Both or none, so that a reader finds the same in both places.
    return description(name, is_deflated, needs64, checksum, large ? most32 : packed_bytes,
                       large ? most32 : bytes);
  };
  std::string record;
  put32(record, member_signature);
  record += describe(large);
  std::string field = with_head(extra);
  put16(record, field.size());
  write(record + name + field);
  if (is_deflated)
    write(packed);
  else
    for (const std::string_view piece : pieces) write(piece);

  if (begin >= most32) put64(extra, begin);
  field = with_head(extra);
  put32(directory_, directory_signature);
  put16(directory_, 20);  // made as version 2.0 says, for MS-DOS, which has no permissions
  directory_ += describe(!extra.empty());
  put16(directory_, field.size());
  for (int i = 0; i < 3; ++i) put16(directory_, 0);  // no comment, the first disk, no attributes
  put32(directory_, 0);
  put32_or_most(directory_, begin);
  directory_ += name + field;
  ++count_;
}

void Writer::finish() {
  const std::uint64_t begin = position_, size = directory_.size();
  write(directory_);
  std::string end;
  if (count_ >= most16 || begin >= most32 || size >= most32) {
    put32(end, end64_signature);
    put64(end, end64_bytes - 12);  // of what follows
    put16(end, 45);
    put16(end, 45);
    put32(end, 0);  // this disk and that of the directory
    put32(end, 0);
    put64(end, count_);
    put64(end, count_);
    put64(end, size);
    put64(end, begin);
    put32(end, locator_signature);
    put32(end, 0);
    put64(end, begin + size);
    put32(end, 1);  // disk in all
  }
  put32(end, end_signature);
  put32(end, 0);  // both disks
  put16(end, std::min<std::uint64_t>(count_, most16));
  put16(end, std::min<std::uint64_t>(count_, most16));
  put32_or_most(end, size);
  put32_or_most(end, begin);
  put16(end, 0);  // no comment
  write(end);
}

}  // namespace chainrule::zip
