// Elements that are neighbours before and after they are moved: a few bytes, or many, in as few steps as the
// vectors of the machine allow. Relies on nothing; whoever calls it is compiled for the width.

#pragma once

#include <cstdint>
#include <cstring>

namespace chainrule::kernels {

/// The bytes of elements, whatever they are: `size` of them. The last step repeats some of what the one
/// before has moved.
template <int Width>
inline void copy_run(const std::byte* from, std::byte* to, std::int64_t size) {
  constexpr std::int64_t longest = 32 * Width;
  if (size > longest) {
    std::memcpy(to, from, static_cast<std::size_t>(size));
  } else if (size >= Width) {
    for (std::int64_t i = 0; i < size - Width; i += Width) std::memcpy(to + i, from + i, Width);
    std::memcpy(to + size - Width, from + size - Width, Width);
  } else if constexpr (Width > 4) {
    copy_run<Width / 2>(from, to, size);
  } else {
    for (std::int64_t i = 0; i < size; ++i) to[i] = from[i];
  }
}

/// The same bytes over and over; `pattern` has Width of them.
template <int Width>
inline void fill_run(const std::byte* pattern, std::byte* to, std::int64_t size) {
  if (size < Width) return copy_run<Width>(pattern, to, size);
  for (std::int64_t i = 0; i < size - Width; i += Width) std::memcpy(to + i, pattern, Width);
  std::memcpy(to + size - Width, pattern, Width);
}

}  // namespace chainrule::kernels
