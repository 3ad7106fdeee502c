// The records of a ZIP archive: their signatures, and their lengths without what varies.
// For the reader and the writer.

#pragma once

#include <cstdint>

namespace chainrule::zip {

inline constexpr std::uint32_t member_signature = 0x04034b50, directory_signature = 0x02014b50,
                               end_signature = 0x06054b50, end64_signature = 0x06064b50,
                               locator_signature = 0x07064b50;
inline constexpr std::size_t member_bytes = 30, directory_bytes = 46, end_bytes = 22, end64_bytes = 56,
                             locator_bytes = 20;

/// Where a field says the most that it can, the number is in a longer field elsewhere: in an extra field of
/// this kind, or in the end of version 64.
inline constexpr std::uint16_t most16 = 0xffff, extra64 = 1;
inline constexpr std::uint32_t most32 = 0xffffffff;

inline constexpr std::uint16_t stored = 0, deflated = 8;       // methods
inline constexpr std::uint16_t encrypted = 1, utf8 = 1 << 11;  // flags

}  // namespace chainrule::zip
