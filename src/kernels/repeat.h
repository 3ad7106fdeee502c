// The elements of a broadcast, written out part by part, for loops that want them in a row. Relies on
// broadcast.h for where they lie.

#pragma once

#include "kernels/broadcast.h"

namespace chainrule::kernels {

/// to = elements begin to end of an array that is repeated along stretched axes. `in` is its first element,
/// `size` their number.
template <class T>
void repeat(const BroadcastBlocks<1>& blocks, std::int64_t begin, std::int64_t end, const T* in,
            std::int64_t size, T* to);

/// The same for elements of 1, 4 or 8 bytes, whatever they are.
void repeat(const BroadcastBlocks<1>& blocks, std::int64_t begin, std::int64_t end, const void* in,
            std::int64_t size, std::size_t item, void* to);

}  // namespace chainrule::kernels
