/// \file
/// Loops over packs as the library calls them: whatever is not a whole pack in memory is one by then.

#pragma once

#include <array>

#include "chainrule/simd.h"

namespace chainrule::simd {

/// What a loop goes over: operands that can be read, and results that can be written, in whole packs of the
/// width that it is compiled for. The results must not overlap the operands: what is left behind the last
/// whole pack is computed as a pack that ends where the elements do.
struct PackCall {
  const void* function;  ///< what the loop computes
  std::int64_t count;    ///< of elements, one pack or more
  const void* const* operands;
  const std::int64_t* moves;  ///< all bits set for an operand that moves along; another one fills a pack
  void* const* results;
};

/// Calls step(load, store, stored) for every pack of T: load(k) is operand k there, store(k, pack) sets
/// result k, and stored(k) is what it has been set to.
///
/// There is only one call of `step`, as each one costs the code of the whole formula.
///
/// Ahead asks for elements so far before they are needed. It pays where a step is long and memory large, and
/// costs where either is not.
template <class T, int Bytes, int Ahead, std::size_t In, std::size_t Out, class Step>
void for_each_pack(const PackCall& call, Step step) {
  constexpr int lanes = Bytes / static_cast<int>(sizeof(T));
  using P = Pack<T, lanes>;
  std::array<const T*, In> in;
  std::array<std::int64_t, In> moves;
  std::array<T*, Out> out;
  for (std::size_t k = 0; k < In; ++k) {
    in[k] = static_cast<const T*>(call.operands[k]);
    moves[k] = call.moves[k];
  }
  for (std::size_t k = 0; k < Out; ++k) out[k] = static_cast<T*>(call.results[k]);
  const std::int64_t n = call.count;
  for (std::int64_t i = 0, end = n - n % lanes;; i = n - lanes, end = n) {
    for (; i < end; i += lanes)
      step(
          [&](std::size_t k) {
            if constexpr (Ahead != 0) __builtin_prefetch(in[k] + (i & moves[k]) + Ahead);
            return P::load(in[k] + (i & moves[k]));
          },
          [&](std::size_t k, const P& pack) { pack.store(out[k] + i); },
          [&](std::size_t k) { return P::load(out[k] + i); });
    if (i >= n) break;
  }
}

}  // namespace chainrule::simd
