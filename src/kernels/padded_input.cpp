// Copies of inputs with their padding, so that every window of a line is a run of neighbours.
#include "kernels/padded_input.h"

#include <algorithm>
#include <cstring>

#include "chainrule/simd.h"
#include "kernels/tiles.h"

namespace chainrule::kernels {
namespace {

/// Copies what is not padding: the rest of `to` is 0 already.
template <class T>
struct PadLoop {
  template <int Bytes>
  static void run(const Padded* padded, std::int64_t channels, const T* x, T* to) {
    const auto& [deep, high, wide] = padded->windows.axes;
    const std::int64_t first = std::max<std::int64_t>(0, -wide.before),
                       last = std::min(wide.in, padded->reach[2] - wide.before),
                       phase = (first + wide.before) % wide.stride,
                       place = phase * padded->part + (first + wide.before) / wide.stride;
    const std::int64_t count = last - first, line_of_x = wide.in, line_of_to = padded->line,
                       top = std::max<std::int64_t>(0, -high.before),
                       bottom = std::min(high.in, padded->reach[1] - high.before), stride = wide.stride;
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t d = std::max<std::int64_t>(0, -deep.before);
           d < std::min(deep.in, padded->reach[0] - deep.before); ++d) {
        const T* from = x + ((c * deep.in + d) * high.in + top) * line_of_x + first;
        T* line = to + c * padded->channel + (d + deep.before) * padded->plane +
                  (top + high.before) * line_of_to + place;
        for (std::int64_t h = top; h < bottom; ++h, from += line_of_x, line += line_of_to) {
          // A line is short: the processor does not see in time where they lead.
          constexpr std::int64_t ahead = 2048 / sizeof(T), cache_line = 64 / sizeof(T);
          for (std::int64_t i = 0; i < count; i += cache_line) __builtin_prefetch(from + ahead + i);
          if (stride == 1)
            copy<P>(from, line, count);
          else
            split<P>(*padded, from, count, stride - phase, line);
        }
      }
  }

 private:
  /// Every stride-th element after one another, then those beside them. The first element goes to `place`,
  /// the next ones a part further each, until those from `phases` on go to the beginning of the line.
  template <class P>
  static void split(const Padded& padded, const T* x, std::int64_t count, std::int64_t phases, T* place) {
    const std::int64_t stride = padded.windows.axes[2].stride, part = padded.part,
                       around = 1 - (stride - 1) * part;
    if (stride == 2) {
      T* const odds = place + (phases == 1 ? around : part);
      pairs<P>(x, count / 2, place, odds);
      if (count % 2 != 0) place[count / 2] = x[count - 1];
      return;
    }
    std::int64_t done = 0;
    if (stride == 3) {
      T* const second = place + (phases == 1 ? around : part);
      done = threes<P>(x, 0, count, place, second, second + (phases == 2 ? around : part));
    }
    if (stride > 3)
      done = squares(x, count / stride, stride,
                     [&](std::int64_t q) { return place + q * part + (q >= phases ? around - part : 0); });
    for (std::int64_t q = 0; q < std::min(stride, count); ++q) {
      for (std::int64_t i = q + done * stride, j = done; i < count; i += stride, ++j) place[j] = x[i];
      place += q + 1 == phases ? around : part;
    }
  }
  template <class P>
  static void pairs(const T* from, std::int64_t n, T* evens, T* odds) {
    if (n < P::lanes) {
      if constexpr (P::lanes * sizeof(T) > 16)
        return pairs<simd::Pack<T, P::lanes / 2>>(from, n, evens, odds);
      for (std::int64_t i = 0; i < n; ++i) evens[i] = from[2 * i], odds[i] = from[2 * i + 1];
      return;
    }
    for (std::int64_t i = 0; i < n; i += P::lanes) {
      const std::int64_t at = std::min(i, n - P::lanes);
      const P packs[2] = {P::load(from + 2 * at), P::load(from + 2 * at + P::lanes)};
      P::template every<2, 0>(packs).store(evens + at);
      P::template every<2, 1>(packs).store(odds + at);
    }
  }
  /// Three lines, as far as there are whole packs.
  template <class P>
  static std::int64_t threes(const T* from, std::int64_t done, std::int64_t count, T* a, T* b, T* c) {
    for (; 3 * (done + P::lanes) <= count; done += P::lanes) {
      const T* const at = from + 3 * done;
      const P packs[3] = {P::load(at), P::load(at + P::lanes), P::load(at + 2 * P::lanes)};
      P::template every<3, 0>(packs).store(a + done);
      P::template every<3, 1>(packs).store(b + done);
      P::template every<3, 2>(packs).store(c + done);
    }
    if constexpr (P::lanes * sizeof(T) > 16)
      return threes<simd::Pack<T, P::lanes / 2>>(from, done, count, a, b, c);
    return done;
  }
  /// More lines: squares of some neighbours in n rows become columns, which go on at to(q). The last squares
  /// begin earlier. How many elements of each line are there.
  static std::int64_t squares(const T* from, std::int64_t n, std::int64_t stride, const auto& to) {
    constexpr std::int64_t side = 16 / sizeof(T);
    using Row = simd::Pack<T, static_cast<int>(side)>;
    if (n < side) return 0;
    for (std::int64_t next = 0; next < stride; next += side) {
      const std::int64_t q = std::min(next, stride - side);
      T* lines[side];
      for (std::int64_t i = 0; i < side; ++i) lines[i] = to(q + i);
      for (std::int64_t begin = 0; begin < n; begin += side) {
        const std::int64_t at = std::min(begin, n - side);
        Row square[side];
#pragma GCC unroll 4
        for (std::int64_t i = 0; i < side; ++i) square[i] = Row::load(from + (at + i) * stride + q);
        transpose_packs(square);
#pragma GCC unroll 4
        for (std::int64_t i = 0; i < side; ++i) square[i].store(lines[i] + at);
      }
    }
    return n;
  }
  template <class P>
  static void copy(const T* from, T* to, std::int64_t n) {
    if (n < P::lanes) {
      if constexpr (P::lanes * sizeof(T) > 16) return copy<simd::Pack<T, P::lanes / 2>>(from, to, n);
      for (std::int64_t i = 0; i < n; ++i) to[i] = from[i];
      return;
    }
    for (std::int64_t i = 0; i < n - P::lanes; i += P::lanes) P::load(from + i).store(to + i);
    P::load(from + n - P::lanes).store(to + n - P::lanes);
  }
};

}  // namespace

template <class T>
Scratch<T>::Scratch(std::int64_t size, Start start)
    : array_({size}, dtype_of<T>), data_(array_.mutable_data<T>()) {
  if (start == Start::zero) std::memset(data_, 0, static_cast<std::size_t>(size) * sizeof(T));
}
template <class T>
Scratch<T>::~Scratch() = default;
template class Scratch<float>;
template class Scratch<double>;

template <class T>
const T* padded_input(const Padded& padded, std::int64_t channels, const T* x, T* copy) {
  if (padded.is_input) return x + padded.origin();
  simd::vectorized<PadLoop<T>>(&padded, channels, x, copy);
  return copy;
}
template const float* padded_input(const Padded&, std::int64_t, const float*, float*);
template const double* padded_input(const Padded&, std::int64_t, const double*, double*);

}  // namespace chainrule::kernels
