/// \file
/// A hash of bytes: for comparing files, samples and calls of ranks, never for security. Inline, so that
/// libraries and tools of their own can use it, too.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace chainrule::detail {

/// A number that is the same for the same bytes, on all machines with this order of them, and hardly ever for
/// others, unless somebody looks for such. Inline, so that the libraries beside chainrule, and the tool, can
/// call it.
inline std::uint64_t hash_of(const void* data, std::size_t bytes, std::uint64_t start = 0) {
  const auto mixed = [](std::uint64_t hash, std::uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 29;
  };
  const auto* at = static_cast<const char*>(data);
  std::uint64_t hash = mixed(start, bytes), word = 0;
  for (; bytes >= sizeof word; bytes -= sizeof word, at += sizeof word) {
    std::memcpy(&word, at, sizeof word);
    hash = mixed(hash, word);
  }
  word = 0;
  if (bytes > 0) std::memcpy(&word, at, bytes);
  return mixed(hash, word);
}

}  // namespace chainrule::detail
