// Memory for what grows while a file is read, by how much of the file has been read.
// For columns of millions of rows.

#pragma once

#include <algorithm>
#include <vector>

#include "io/input_file.h"

namespace chainrule {

/// Makes room for one more element of what grows row by row while a file is read. A vector that doubles holds
/// its elements twice while it moves; so the room is what the part read so far lets expect of the whole, and
/// a fourth more. What is never written to takes no memory.
template <class T>
void make_room(std::vector<T>& elements, const InputFile& file) {
  if (elements.size() < elements.capacity()) return;
  constexpr std::size_t too_few_to_tell = (std::size_t{1} << 20) / sizeof(T);
  const std::size_t size = elements.size();
  const double read = size < too_few_to_tell ? 0 : file.share_read();
  const double expected = read > 0 ? 1.25 * static_cast<double>(size) / read : 0;
  elements.reserve(
      read > 0 ? std::clamp(static_cast<std::size_t>(std::min(expected, 16.0 * static_cast<double>(size))),
                            size + size / 4, 16 * size)
               : std::max<std::size_t>(64, 2 * size));
}

}  // namespace chainrule
