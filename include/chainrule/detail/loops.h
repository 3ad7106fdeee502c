/// \file
/// Loops over memory in packs of any width, with a remainder at their end. They know operands by pointer and
/// stride alone; simd.h has the packs.

#pragma once

#include <array>

#include "chainrule/simd.h"

namespace chainrule::simd {

/// An operand of a loop: its elements follow one another (stride 1), or there is one for all (stride 0).
template <class T>
struct Strided {
  const T* elements;
  std::int64_t stride;
};

/// Fills a pack's buffer: `count` elements, then the first once more, on which any function is defined. Not
/// inlined, as its loop would be unrolled for every operand of every formula.
template <class T>
[[gnu::noinline]] void fill_buffer(T* buffer, int lanes, const T* from, std::int64_t count) {
  for (int lane = 0; lane < lanes; ++lane) buffer[lane] = from[lane < count ? lane : 0];
}

/// Calls step(load, store) for every pack of n elements: load(k) is operand k there, and store(k, pack)
/// sets output k. The outputs must not overlap the operands: the last pack may be computed in part twice.
///
/// There is only one call of `step`, as each one costs the code of the whole formula: what does not fill a
/// pack goes through buffers.
///
/// Ahead asks for elements so far before they are needed. It pays where a step is long and memory large, and
/// costs where either is not.
template <class T, int Bytes, int Ahead = 0, std::size_t In, std::size_t Out, class Step>
void for_each_pack(std::int64_t n, std::array<Strided<T>, In> in, std::array<T*, Out> out, Step step) {
  constexpr int lanes = Bytes / static_cast<int>(sizeof(T));
  using P = Pack<T, lanes>;
  if (n <= 0) return;
  const bool fills = n >= lanes;
  T in_buffer[In][std::size_t{lanes}];
  T out_buffer[Out][std::size_t{lanes}];
  for (std::size_t k = 0; k < In; ++k) {
    if (fills && in[k].stride != 0) continue;
    if (in[k].stride == 0)
      P(*in[k].elements).store(in_buffer[k]);  // in one go, so that loading it need not wait
    else
      fill_buffer(in_buffer[k], lanes, in[k].elements, n);
    in[k].elements = in_buffer[k];
  }
  const std::array<T*, Out> wanted = out;
  if (!fills)
    for (std::size_t k = 0; k < Out; ++k) out[k] = out_buffer[k];
  std::array<std::int64_t, In> moves;  // for operands that move along, all bits set
  for (std::size_t k = 0; k < In; ++k) moves[k] = -in[k].stride;
  // All whole packs, and a last one that ends at n where there are elements left.
  for (std::int64_t i = 0, end = fills ? n - n % lanes : 1;; i = n - lanes, end = n) {
    for (; i < end; i += lanes)
      step(
          [&](std::size_t k) {
            if constexpr (Ahead != 0) __builtin_prefetch(in[k].elements + (i & moves[k]) + Ahead);
            return P::load(in[k].elements + (i & moves[k]));
          },
          [&](std::size_t k, const P& pack) { pack.store(out[k] + i); });
    if (i >= n) break;
  }
  if (!fills)
    for (std::size_t k = 0; k < Out; ++k)
      for (std::int64_t i = 0; i < n; ++i) wanted[k][i] = out_buffer[k][i];
}

}  // namespace chainrule::simd
