// Unpacking by zlib, without trust.
// For members of archives and for files that gzip has packed.

#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace chainrule {

/// The numbers are zlib's.
enum class Packing : std::int8_t { deflate = -15, gzip = 15 + 16 };

/// Takes one packed stream off the front of `packed`, and appends to `room` what it unpacks to. Takes memory
/// as there is something to put into it. False when that are more than `most` bytes with what was there;
/// IoError that begins with `source` when it is damaged or cut short.
bool inflate(std::string_view& packed, Packing packing, std::uint64_t most, std::string& room,
             const std::string& source);

/// The most bytes that so many packed ones may become. A byte can become a thousand, so that a small file
/// could take all the memory that there is.
constexpr std::uint64_t most_unpacked(std::uint64_t packed_bytes) {
  constexpr std::uint64_t always_allowed = std::uint64_t{1} << 30, most_times = 100;
  return std::max(always_allowed, most_times * packed_bytes);
}
/// What to say of more.
[[noreturn]] void fail_on_bomb(const std::string& path, std::uint64_t packed_bytes);

constexpr std::string_view gzip_magic = "\x1f\x8b";

/// What gzip has packed, also in several parts. IoError that begins with `path`.
std::string gunzip(std::string_view packed, const std::string& path);

}  // namespace chainrule
