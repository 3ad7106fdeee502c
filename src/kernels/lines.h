// Loops over the lines of an array (outer, n, inner) along its middle axis, as the rows that softmax makes
// distributions of. What is done with a line is written once, on packs, and sees it in one of two ways:
// AlongLanes or AcrossLanes.

#pragma once

#include <algorithm>
#include <array>

#include "array/array.h"
#include "chainrule/simd.h"
#include "kernels/parallel.h"
#include "kernels/tiles.h"

namespace chainrule::kernels {

/// A pack of a line that has something in every lane.
template <class P>
struct WholePack {
  std::int64_t at;
  P load(const typename P::Element* x, const P&) const { return P::load(x + at); }
  void store(typename P::Element* to, const P& pack) const { pack.store(to + at); }
};
/// The last pack of a line, where some lanes repeat elements of the pack before.
template <class P>
struct RestPack {
  std::int64_t at;
  typename P::Mask fresh;
  /// `otherwise` where elements are repeated.
  P load(const typename P::Element* x, const P& otherwise) const {
    return where(fresh, P::load(x + at), otherwise);
  }
  void store(typename P::Element* to, const P& pack) const {
    where(fresh, pack, P::load(to + at)).store(to + at);
  }
};

struct Nothing {
  void operator()() const {}
};

/// One line, whose elements fill the lanes one after another. It has at least as many elements as there are
/// lanes.
template <class P>
class AlongLanes {
 public:
  using Pack = P;
  explicit AlongLanes(std::int64_t n) : n_(n) {
    typename P::Element lanes[P::lanes];
    for (int lane = 0; lane < P::lanes; ++lane) lanes[lane] = static_cast<typename P::Element>(lane);
    lanes_ = P::load(lanes);
    fresh_ = lanes_ >= P(P::lanes - n % P::lanes);
  }
  /// Calls step(pack, k) for every pack, for the rest last. The constant k, 0 to 3, says which of four
  /// running results to use, so that none waits for another; Unroll = 1 makes it 0. Calls pause() after at
  /// most 16 packs of each k.
  template <int Unroll = 4, class Step, class Pause = Nothing>
  void for_each(const Step& step, const Pause& pause = {}) const {
    constexpr std::int64_t group = Unroll * P::lanes;
    std::int64_t i = 0;
    for (const std::int64_t end = n_ - n_ % group; i < end; pause())
      for (const std::int64_t stop = std::min(end, i + 16 * group); i < stop; i += group) {
        step(WholePack<P>{i}, 0);
        if constexpr (Unroll == 4) {
          step(WholePack<P>{i + P::lanes}, 1);
          step(WholePack<P>{i + 2 * P::lanes}, 2);
          step(WholePack<P>{i + 3 * P::lanes}, 3);
        }
      }
    if constexpr (Unroll == 4)
      for (; i + P::lanes <= n_; i += P::lanes) step(WholePack<P>{i}, 0);
    if (i < n_) step(RestPack<P>{n_ - P::lanes, fresh_}, 0);
  }
  /// Calls step(pack, index, k) with the index in the line of what is in each lane.
  template <class Step>
  void for_each_indexed(const Step& step) const {
    std::int64_t i = 0;
    P index = lanes_;
    const P next(P::lanes);
    for (; i + 4 * P::lanes <= n_; i += 4 * P::lanes, index += P(4 * P::lanes)) {
      step(WholePack<P>{i}, index, 0);
      step(WholePack<P>{i + P::lanes}, index + next, 1);
      step(WholePack<P>{i + 2 * P::lanes}, index + P(2 * P::lanes), 2);
      step(WholePack<P>{i + 3 * P::lanes}, index + P(3 * P::lanes), 3);
    }
    for (; i + P::lanes <= n_; i += P::lanes, index += next) step(WholePack<P>{i}, index, 0);
    if (i < n_) step(RestPack<P>{n_ - P::lanes, fresh_}, P(n_ - P::lanes) + lanes_, 0);
  }
  /// The result of the line from those of its lanes, in every lane.
  template <class F>
  P combined(const P& lanes, const F& f) const {
    return in_all(lanes, f);
  }
  template <class F>
  static P in_all(const P& lanes, const F& f) {
    return P(simd::detail::folded<P::lanes / 2>(lanes, f).v[0]);
  }
  /// Where element i is of the line in a lane.
  std::int64_t at(std::int64_t i, std::int64_t) const { return i; }

 private:
  std::int64_t n_;
  P lanes_;  ///< 0, 1, 2, ...
  typename P::Mask fresh_;
};

/// A line in each lane: element i of all of them begins at i * stride.
template <class P>
class AcrossLanes {
 public:
  using Pack = P;
  AcrossLanes(std::int64_t n, std::int64_t stride) : n_(n), stride_(stride) {}
  template <int Unroll = 4, class Step, class Pause = Nothing>
  void for_each(const Step& step, const Pause& pause = {}) const {
    std::int64_t i = 0;
    for (const std::int64_t end = n_ - n_ % Unroll; i < end; pause())
      for (const std::int64_t stop = std::min(end, i + 16 * Unroll); i < stop; i += Unroll) {
        step(WholePack<P>{i * stride_}, 0);
        if constexpr (Unroll == 4) {
          step(WholePack<P>{(i + 1) * stride_}, 1);
          step(WholePack<P>{(i + 2) * stride_}, 2);
          step(WholePack<P>{(i + 3) * stride_}, 3);
        }
      }
    for (; i < n_; ++i) step(WholePack<P>{i * stride_}, 0);
  }
  template <class Step>
  void for_each_indexed(const Step& step) const {
    P index(0);
    for (std::int64_t i = 0; i < n_; ++i, index += P(1)) step(WholePack<P>{i * stride_}, index, 0);
  }
  template <class F>
  P combined(const P& lanes, F) const {
    return lanes;
  }
  std::int64_t at(std::int64_t i, std::int64_t lane) const { return i * stride_ + lane; }

 private:
  std::int64_t n_, stride_;
};

/// How two results become one, and what changes none.
struct Sum {
  template <class T>
  static constexpr T start = 0;
  static auto combine(const auto& a, const auto& b) { return a + b; }
};

/// LossReduction results lane by lane in pairs, then those of as many. So the error of a sum grows with the
/// logarithm of their number (Higham, Accuracy and Stability of Numerical Algorithms, section 4.2).
template <class Fold, class P>
class Pairwise {
 public:
  void add(P result) {  // as a binary number is counted up
    int level = 0;
    for (std::int64_t count = ++count_; count % 2 == 0; count /= 2)
      result = Fold::combine(result, partial_[level++]);
    partial_[level] = result;
  }
  /// With one more result.
  P total(P result) const {
    int level = 0;
    for (std::int64_t count = count_; count != 0; count /= 2, ++level)
      if (count % 2 != 0) result = Fold::combine(result, partial_[level]);
    return result;
  }

 private:
  std::int64_t count_ = 0;
  P partial_[48];
};

/// A line combined: what term(pack) gives for each of its packs. 16 of them one after another, in each of
/// Unroll running results, then in pairs.
template <class Fold, int Unroll, class Line, class Term>
typename Line::Pack folded_line(const Line& line, const Term& term) {
  using P = typename Line::Pack;
  constexpr typename P::Element start = Fold::template start<typename P::Element>;
  P running[4] = {start, start, start, start};  // apart from the others, so that they are in registers
  Pairwise<Fold, P> others;
  const auto all = [&] {
    if constexpr (Unroll == 1) return running[0];
    return P(
        Fold::combine(P(Fold::combine(running[0], running[1])), P(Fold::combine(running[2], running[3]))));
  };
  line.template for_each<Unroll>(
      [&](auto pack, int k) { running[k] = Fold::combine(running[k], term(pack)); },
      [&] {
        others.add(all());
        for (P& each : running) each = P(start);
      });
  return line.combined(others.total(all()), [](const P& a, const P& b) { return Fold::combine(a, b); });
}

/// The sum of a line. `term` is compiled once.
template <class Line, class Term>
typename Line::Pack sum_of_line(const Line& line, const Term& term) {
  return folded_line<Sum, 1>(line, term);
}

struct Lines {
  std::int64_t outer, n, inner;
};

namespace detail {

/// Lines shorter than this lie across the lanes even where they have to be gathered for that.
constexpr std::int64_t short_line = 64;

template <class Step, class T, std::size_t In, std::size_t Out>
struct AlongLoop {
  template <int Bytes>
  static void run(std::int64_t n, const Step* step, std::array<const T*, In> in, std::array<T*, Out> out,
                  std::int64_t begin, std::int64_t end) {
    const AlongLanes<simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>> line(n);
    const auto move = [](auto& pointers, std::int64_t by) {
      for (auto& pointer : pointers)
        if (pointer != nullptr) pointer += by;
    };
    move(in, begin * n);
    move(out, begin * n);
    for (std::int64_t i = begin; i < end; ++i, move(in, n), move(out, n)) (*step)(line, in, out, i, 1);
  }
};

/// Lines that lie across the lanes, in units of as many as the widest pack has room for. Where `inner` has
/// room for such a unit, those of a unit are neighbours.
struct AcrossLayout {
  std::int64_t n, inner, groups, lines, unit;
  std::int64_t together = 1;  ///< so many units are copied at once
  AcrossLayout(const Lines& of, std::size_t element_size, std::size_t arrays = 1)
      : n(of.n), inner(of.inner), unit(64 / static_cast<std::int64_t>(element_size)) {
    groups = are_neighbours() ? of.outer : 1;
    lines = of.outer * inner / groups;  // in each group
    // Of neighbours as lie within half a kilobyte, unless rows are no longer, and copies are better left in
    // the first cache; where all copies take half of the second one at most.
    if (!are_neighbours() || (are_crowded() && inner > 8 * unit))
      together = std::clamp<std::int64_t>(
          (1 << 13) / (std::max<std::int64_t>(n, 1) * static_cast<std::int64_t>(arrays)), 1, 8);
  }
  bool are_neighbours() const { return inner >= unit; }
  /// Are the elements of a line so far apart that they evict one another from the first cache? Then a copy of
  /// them is faster to go over several times.
  bool are_crowded() const { return are_neighbours() && inner * 64 / unit % 512 == 0 && n >= 32; }
  std::int64_t units() const { return (lines + unit - 1) / unit; }  ///< in each group
  std::int64_t size() const { return groups * lines * n; }
  std::int64_t room() const { return together * unit * n; }  ///< for the copies from an array
  /// Where a line begins.
  std::int64_t at(std::int64_t line) const { return line / inner * n * inner + line % inner; }

  /// Units that are gone over together: lines first to last.
  struct Part {
    std::int64_t units, first, last, at;
    bool direct;    ///< as they lie, and not copied
    bool by_packs;  ///< can be read in whole packs
  };
  [[gnu::noinline]] Part part(std::int64_t begin, std::int64_t end, std::int64_t lanes) const {
    const std::int64_t place = begin % units(), group = begin / units() * lines, first = group + place * unit,
                       count = std::min(std::min(together, units() - place), end - begin),
                       last = std::min(first + count * unit, group + lines),
                       excess = (first - last) & (lanes - 1);
    // What a pack reads behind the last lines is not looked at; but it must be there.
    return {count,
            first,
            last,
            at(first),
            are_neighbours() && !are_crowded() && excess == 0,
            are_neighbours() && at(first) + (n - 1) * inner + last - first + excess <= size()};
  }
};

/// Lanes without a line of their own get the last one once more. Neither this nor the next is compiled anew
/// for each step: most of their time goes to memory.
template <class T>
[[gnu::noinline]] void gather(const AcrossLayout& layout, const T* all, std::int64_t first,
                              std::int64_t count, std::int64_t lanes, T* __restrict tile) {
  if (layout.inner == 1 && count == lanes)
    return simd::vectorized<GatherLines<T>>(all + first * layout.n, layout.n,
                                            (layout.lines - first) * layout.n, tile);
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    const T* __restrict from = all + layout.at(first + std::min(lane, count - 1));
    for (std::int64_t i = 0; i < layout.n; ++i) tile[i * lanes + lane] = from[i * layout.inner];
  }
}
template <class T>
[[gnu::noinline]] void scatter(const AcrossLayout& layout, const T* __restrict tile, std::int64_t first,
                               std::int64_t count, std::int64_t lanes, T* all) {
  if (layout.inner == 1 && count == lanes)
    return simd::vectorized<ScatterLines<T>>(static_cast<const T*>(tile), layout.n, all + first * layout.n);
  for (std::int64_t lane = 0; lane < count; ++lane) {
    T* __restrict to = all + layout.at(first + lane);
    for (std::int64_t i = 0; i < layout.n; ++i) to[i * layout.inner] = tile[i * lanes + lane];
  }
}

/// Lines that are neighbours to a copy in which each pack of them lies by itself, and back. What lies side by
/// side is read and written in one go, as memory likes it.
template <class T, bool Back>
struct CopyNeighbours {
  template <int Bytes>
  static void run(std::int64_t n, std::int64_t inner, std::int64_t lines, const T* from, T* to) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t line = 0; line < lines; line += P::lanes) {
        const std::int64_t there = i * inner + line, here = line * n + i * P::lanes;
        __builtin_prefetch((Back ? to : from) + there + lines, Back);
        if constexpr (Back)
          P::load(from + here).store_part(to + there, std::min<std::int64_t>(P::lanes, lines - line));
        else
          P::load(from + there).store(to + here);
      }
  }
};

/// Copies of a part, in which each pack of lines lies by itself.
template <class T>
[[gnu::noinline]] void copy_part(const AcrossLayout& layout, const AcrossLayout::Part& part,
                                 std::int64_t lanes, const T* all, T* copies) {
  if (part.by_packs)
    return simd::vectorized<CopyNeighbours<T, false>>(layout.n, layout.inner, part.last - part.first,
                                                      all + part.at, copies);
  for (std::int64_t line = part.first; line < part.last; line += lanes, copies += layout.n * lanes)
    gather(layout, all, line, std::min(lanes, part.last - line), lanes, copies);
}
template <class T>
[[gnu::noinline]] void copy_back(const AcrossLayout& layout, const AcrossLayout::Part& part,
                                 std::int64_t lanes, const T* copies, T* all) {
  if (layout.are_neighbours())
    return simd::vectorized<CopyNeighbours<T, true>>(layout.n, layout.inner, part.last - part.first, copies,
                                                     all + part.at);
  for (std::int64_t line = part.first; line < part.last; line += lanes, copies += layout.n * lanes)
    scatter(layout, copies, line, std::min(lanes, part.last - line), lanes, all);
}

template <class Step, class T, std::size_t In, std::size_t Out>
struct AcrossLoop {
  template <int Bytes>
  static void run(AcrossLayout layout, const Step* step, std::array<const T*, In> all_in,
                  std::array<T*, Out> all_out, std::int64_t begin, std::int64_t end, T* scratch) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    const std::int64_t room = layout.room();
    while (begin < end) {
      const AcrossLayout::Part part = layout.part(begin, end, P::lanes);
      begin += part.units;
      std::array<const T*, In> in;
      std::array<T*, Out> out;
      for (std::size_t k = 0; k < In; ++k) {
        in[k] = part.direct ? all_in[k] + part.at : scratch + k * room;
        if (!part.direct) copy_part(layout, part, P::lanes, all_in[k], scratch + k * room);
      }
      for (std::size_t k = 0; k < Out; ++k)
        out[k] = all_out[k] == nullptr ? nullptr
                 : part.direct         ? all_out[k] + part.at
                                       : scratch + (In + k) * room;
      const std::int64_t stride = part.direct ? layout.inner : P::lanes,
                         move = part.direct ? P::lanes : layout.n * P::lanes;
      for (std::int64_t line = part.first; line < part.last; line += P::lanes) {
        (*step)(AcrossLanes<P>(layout.n, stride), in, out, line,
                std::min<std::int64_t>(P::lanes, part.last - line));
        for (const T*& each : in) each += move;
        for (T*& each : out)
          if (each != nullptr) each += move;
      }
      for (std::size_t k = 0; k < Out; ++k)
        if (all_out[k] != nullptr && !part.direct)
          copy_back<T>(layout, part, P::lanes, scratch + (In + k) * room, all_out[k]);
    }
  }
};

}  // namespace detail

/// Calls step(line, in, out, i, count) for all lines: of lines i to i + count of the arrays, one in each lane
/// that has one. `in` and `out` are pointers to their first elements; an output may be null where step knows
/// what that means. The lines are shared among threads, the result does not depend on how.
template <class T, std::size_t In, std::size_t Out, class Step>
void for_each_line(const Lines& lines, std::array<const T*, In> in, std::array<T*, Out> out,
                   const Step& step) {
  if (lines.outer * lines.n * lines.inner == 0) return;
  const auto grain = [&](std::int64_t elements) { return (parallel_grain + elements - 1) / elements; };
  if (lines.inner == 1 && lines.n >= detail::short_line)
    return parallel_for(lines.outer, grain(lines.n), [&](std::int64_t begin, std::int64_t end) {
      simd::vectorized<detail::AlongLoop<Step, T, In, Out>>(lines.n, &step, in, out, begin, end);
    });
  const detail::AcrossLayout layout(lines, sizeof(T), In + Out);
  const std::int64_t tile = lines.n * layout.unit;
  parallel_for(layout.groups * layout.units(), grain(tile), [&](std::int64_t begin, std::int64_t end) {
    Array scratch({static_cast<std::int64_t>(In + Out) * layout.room()}, dtype_of<T>);
    simd::vectorized<detail::AcrossLoop<Step, T, In, Out>>(layout, &step, in, out, begin, end,
                                                           scratch.mutable_data<T>());
  });
}

}  // namespace chainrule::kernels
