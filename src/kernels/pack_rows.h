// Rows of elements for loops over packs. A loop is compiled for each function, and only for rows whose
// operands can be read in whole packs; what makes rows so is compiled once for all. Relies on evaluation.h
// and simd.h.

#pragma once

#include <array>
#include <cstring>
#include <tuple>
#include <utility>

#include "chainrule/simd.h"
#include "kernels/evaluation.h"

namespace chainrule::kernels {

/// What a loop goes over: rows one after another. An operand moves by its stride, 0 or 1, along a row, and by
/// its step from one row to the next, in elements.
struct Stretch {
  using Numbers = std::array<std::int64_t, Elementwise::most_operands>;
  std::int64_t count, rows;
  std::array<const void*, Elementwise::most_operands> operands;
  Numbers strides, steps;
  void* out;
  const void* ahead;  // will be read soon, as many bytes as the result has: asked for on the way. Or `out`
};

/// Rows of at least one pack. An operand that does not move along a row fills the bytes of a pack.
struct PackRows {
  std::int64_t count, rows;
  std::array<const void*, Elementwise::most_operands> operands;
  Stretch::Numbers moves;  // all bits set where the operand moves along a row
  Stretch::Numbers steps;  // in elements, from row to row
  void* out;
  const void* ahead;
};

/// A loop over such rows, and how many bytes the elements of its operands and its result have.
struct PackLoop {
  simd::CompiledLoop<const PackRows*> run;
  /// Over rows as they lie in memory: run_rows.
  void (*run_any)(const Stretch& stretch, const PackLoop& loop);
  std::size_t operands;
  Stretch::Numbers items;
  std::int64_t out_item;

  void operator()(const Stretch& stretch) const { run_any(stretch, *this); }
};

/// What has as many lanes as elements of T are computed with at a time. Of truth values alone there may be
/// more.
template <class T>
using LanesOf = std::conditional_t<sizeof(T) == 8, double, float>;

/// T, float or double, decides how many lanes a pack has; elements are T or bool.
template <class T>
void run_rows(const Stretch& stretch, const PackLoop& loop);

/// The loop that sets elements of R to F() of those of In, each T or bool, in packs or masks of as many lanes
/// as packs of T have. Of integers and truth values the compiler makes the packs.
template <class F, class T, class R, class... In>
struct ElementwiseLoop {
  template <int Bytes>
  static void run(const PackRows* rows) {
    constexpr int lanes = Bytes / static_cast<int>(sizeof(LanesOf<T>));
    if constexpr (std::is_same_v<T, bool>)
      if (rows->count >= Bytes) return over<Bytes, Bytes>(*rows, std::index_sequence_for<In...>());
    over<Bytes, lanes>(*rows, std::index_sequence_for<In...>());
  }

 private:
  template <int Bytes, int lanes, std::size_t... K>
  static void over(const PackRows& all, std::index_sequence<K...>) {
    std::tuple<const In*...> from{static_cast<const In*>(all.operands[K])...};
    auto* out = static_cast<R*>(all.out);
    const auto* ahead = static_cast<const R*>(all.ahead);
    const std::int64_t end = all.count - all.count % lanes;
    for (std::int64_t left = all.rows;;) {
      over_row<Bytes, lanes>(all.count, end, out, ahead, Operand<In>{std::get<K>(from), all.moves[K]}...);
      if (--left == 0) return;
      out += all.count;
      ahead += all.count;
      ((std::get<K>(from) += all.steps[K]), ...);
    }
  }
  /// To be kept in registers. One that is not read costs nothing, as nothing else is done to it.
  template <class E>
  struct Operand {
    const E* elements;
    std::int64_t moves;
    const E* at(std::int64_t i) const { return elements + (i & moves); }
    template <class P>
    auto load(std::int64_t i) const {
      using Loaded = std::conditional_t<std::is_same_v<E, bool>, typename P::Mask, P>;
      return Loaded::load(at(i));
    }
  };
  /// All whole packs of a row, and a last one that ends at n where there are elements left.
  template <int Bytes, int lanes, class... Operands>
  static void over_row(std::int64_t n, std::int64_t end, R* out, const R* ahead, Operands... in) {
    for (std::int64_t i = 0;;) {
      do {
        if constexpr (std::is_floating_point_v<T>) {
          using P = simd::Pack<T, lanes>;
          const std::conditional_t<std::is_same_v<R, bool>, typename P::Mask, P> result =
              F()(in.template load<P>(i)...);
          result.store(out + i);
        } else if constexpr (std::is_same_v<R, T>) {
          each_lane<lanes>(out + i, in.at(i)...);
        } else {
          using Mask = simd::Integers<LanesOf<T>, lanes>;
          typename Mask::Bits held[std::size_t{lanes}];
          each_lane<lanes>(held, in.at(i)...);
          Mask result;
          std::memcpy(&result.v, held, sizeof held);
          result.store(out + i);
        }
        if constexpr (Bytes > 16 && (std::is_floating_point_v<T> || sizeof(R) == sizeof(T)))
          __builtin_prefetch(ahead + i, 0, 2);  // others take longer
        i += lanes;
      } while (i < end);
      if (i >= n) break;
      i = n - lanes;
      end = n;
    }
  }
  template <int lanes, class Out>
  static void each_lane(Out* __restrict out, const In* __restrict... in) {
#pragma GCC unroll 1  // or it is no loop any more when packs are made
    for (int lane = 0; lane < lanes; ++lane)
      if constexpr (std::is_same_v<Out, R>)
        out[lane] = F()(in[lane]...);
      else
        out[lane] = F()(in[lane]...) ? -1 : 0;  // truth values of a pack
  }
};

}  // namespace chainrule::kernels
