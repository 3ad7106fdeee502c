// Sums of several lines at a time stay in registers, and so do those of the weight for several of its
// elements.

#include "kernels/depthwise_loops.h"

#include <algorithm>
#include <array>

#include "chainrule/simd.h"
#include "kernels/runs.h"

namespace chainrule::kernels {
namespace {

template <class T>
struct SheetLoop {
  template <int Bytes>
  static void run(const Sheet* sheet, const T* x, const T* weight, T start, T* y) {
    sized<simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>, Bytes>(*sheet, x + sheet->from, weight, start,
                                                                     y + sheet->to);
  }

 private:
  template <class P, int Bytes>
  static void sized(const Sheet& sheet, const T* x, const T* weight, T start, T* y) {
    if constexpr (P::lanes * sizeof(T) == Bytes && Bytes > 16)
      if (2 * sheet.width <= P::lanes)
        return sized<simd::Pack<T, P::lanes / 2>, Bytes>(sheet, x, weight, start, y);
    constexpr int block = sizeof(T) == 4 ? 4 : 1;
    const std::int64_t last = sheet.lines - block;
    const bool is_three = sheet.is_three_by_three();
    if (last < 0) {
      for (std::int64_t l = 0; l < sheet.lines; ++l) lines<P, 1>(sheet, false, l, x, weight, start, y);
    } else {
      for (std::int64_t l = 0; l < last; l += block) lines<P, block>(sheet, is_three, l, x, weight, start, y);
      lines<P, block>(sheet, is_three, last, x, weight, start, y);
    }
  }
  template <class P, int Lines>
  static void lines(const Sheet& sheet, bool is_three, std::int64_t line, const T* x, const T* weight,
                    T start, T* y) {
    const std::int64_t width = sheet.width, step = sheet.line_from, step_to = sheet.line_to,
                       last = std::max<std::int64_t>(0, width - P::lanes);
    const std::size_t count = sheet.offsets.size();
    const std::int64_t* const offsets = sheet.offsets.data();
    x += line * step;
    y += line * step_to;
    for (std::int64_t done = 0; done < width; done += P::lanes) {
      const std::int64_t at = std::min(done, last);
      P sums[Lines];
#pragma GCC unroll 4
      for (int l = 0; l < Lines; ++l) sums[l] = P(start);
      if (Lines > 1 && sizeof(T) == 4 && is_three) {
        P numbers[9];
#pragma GCC unroll 9
        for (int t = 0; t < 9; ++t) numbers[t] = P(weight[t]);
#pragma GCC unroll 6
        for (int r = 0; r < Lines + 2; ++r)
#pragma GCC unroll 3
          for (int t = 0; t < 3; ++t) {
            const P read = P::load(x + offsets[t] + at + r * step).rounded();  // once, not for each sum
#pragma GCC unroll 4
            for (int l = 0; l < Lines; ++l)
              if (l <= r && r < l + 3) sums[l] = sums[l] + numbers[3 * (r - l) + t] * read;
          }
      } else {
        for (std::size_t t = 0; t < count; ++t) {
          const T* const from = x + offsets[t] + at;
          const P number(weight[t]);
#pragma GCC unroll 4
          for (int l = 0; l < Lines; ++l) sums[l] = sums[l] + number * P::load(from + l * step);
        }
      }
      // What is behind a line belongs to the next one, which comes later.
      if (width >= P::lanes || (line + Lines - 1) * step_to + P::lanes <= sheet.room) {
#pragma GCC unroll 4
        for (int l = 0; l < Lines; ++l) sums[l].store(y + l * step_to + at);
      } else {
        T kept[std::size_t{Lines * P::lanes}];
#pragma GCC unroll 4
        for (int l = 0; l < Lines; ++l) sums[l].store(kept + l * P::lanes);
        for (std::int64_t l = 0; l < Lines; ++l) std::copy_n(kept + l * P::lanes, width, y + l * step_to);
      }
    }
  }
};

template <class T>
struct TapsLoop {
  template <int Bytes>
  static void run(const Sheet* sheet, const T* x, const T* y, std::int64_t width, T* wide, T* to) {
    if constexpr (Bytes > 16)  // lines of half a pack
      if (sheet->width % (Bytes / static_cast<int>(sizeof(T))) != 0)
        return sized<simd::Pack<T, Bytes / 2 / static_cast<int>(sizeof(T))>, Bytes>(*sheet, x, y, width, wide,
                                                                                    to);
    sized<simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>, Bytes>(*sheet, x, y, width, wide, to);
  }

 private:
  template <class P, int Bytes>
  static void sized(const Sheet& sheet, const T* x, const T* y, std::int64_t width, T* wide, T* to) {
    constexpr int block = 5;
    const auto count = static_cast<std::int64_t>(sheet.offsets.size());
    y += sheet.to;
    if (width != sheet.width) {
      for (std::int64_t l = 0; l < sheet.lines; ++l)
        copy_run<Bytes>(reinterpret_cast<const std::byte*>(y + l * width),
                        reinterpret_cast<std::byte*>(wide + l * sheet.width),
                        width * static_cast<std::int64_t>(sizeof(T)));
      y = wide;
    }
    if constexpr (sizeof(T) == 4)
      if (sheet.lines >= 2 && sheet.is_three_by_three())
        return three_by_three<P>(sheet, x + sheet.from, y, to);
    for (std::int64_t t = 0; t < count; t += block) {
      const T* from[block];
      for (int i = 0; i < block; ++i)
        from[i] = x + sheet.from + sheet.offsets[static_cast<std::size_t>(std::min(t + i, count - 1))];
      P sums[block];
#pragma GCC unroll 5
      for (int i = 0; i < block; ++i) sums[i] = P(T(0));
      const T* row = y;
      for (std::int64_t l = 0; l < sheet.lines; ++l)
        for (std::int64_t j = 0; j < sheet.width; j += P::lanes, row += P::lanes) {
          const P by = P::load(row);
#pragma GCC unroll 5
          for (int i = 0; i < block; ++i) sums[i] = sums[i] + by * P::load(from[i] + l * sheet.line_from + j);
        }
      for (std::int64_t i = 0; i < std::min<std::int64_t>(block, count - t); ++i) to[t + i] += total(sums[i]);
    }
  }

  template <class P>
  static T total(const P& sum) {
    T lanes[std::size_t{P::lanes}];
    sum.store(lanes);
#pragma GCC unroll 4
    for (int half = P::lanes / 2; half > 0; half /= 2)
      for (int k = 0; k < half; ++k) lanes[k] += lanes[k + half];
    return lanes[0];
  }
  /// A line that is read meets those of y for which it is the first, the second and the third of three.
  template <class P>
  static void three_by_three(const Sheet& sheet, const T* x, const T* y, T* to) {
    P sums[9];
#pragma GCC unroll 9
    for (int t = 0; t < 9; ++t) sums[t] = P(T(0));
    for (std::int64_t j = 0; j < sheet.width; j += P::lanes) {
      const T* row = y + j;
      const T *a = x + sheet.offsets[0] + j, *b = x + sheet.offsets[1] + j, *c = x + sheet.offsets[2] + j;
      P last = P::load(row), before = last;
      const auto meet = [&]<int... Kernel>(const P& by, std::integer_sequence<int, Kernel...>) {
        const P read[3] = {P::load(a), P::load(b), P::load(c)};
        const P lines[3] = {by, last, before};
        const auto add = [&](int k) {
          for (int t = 0; t < 3; ++t) sums[3 * k + t] = sums[3 * k + t] + lines[k] * read[t];
        };
        (add(Kernel), ...);
        before = last;
        last = by;
        a += sheet.line_from;
        b += sheet.line_from;
        c += sheet.line_from;
      };
      meet(last, std::integer_sequence<int, 0>());
      meet(P::load(row += sheet.width), std::integer_sequence<int, 0, 1>());
      for (std::int64_t l = 2; l < sheet.lines; ++l)
        meet(P::load(row += sheet.width), std::integer_sequence<int, 0, 1, 2>());
      meet(last, std::integer_sequence<int, 1, 2>());
      meet(last, std::integer_sequence<int, 2>());
    }
    for (int t = 0; t < 9; ++t) to[t] += total(sums[t]);
  }
};

template <class T>
struct MergeLoop {
  template <int Bytes>
  static void run(const Turns* turns, std::int64_t lines, const T* from, T* to) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    const auto stride = static_cast<std::int64_t>(turns->all.size());
    for (std::int64_t l = 0; l < lines; ++l, to += turns->line_to) {
      const auto line = [&](std::size_t q) {
        return from + turns->all[q].from + l * turns->all[q].line_from;
      };
      const bool is_even = turns->all[0].first == 0;
      const std::int64_t done = stride == 2
                                    ? pairs<P>(line(is_even ? 0 : 1), line(is_even ? 1 : 0), turns->width, to)
                                : stride == 3 ? threes<P>(*turns, {line(0), line(1), line(2)}, 0, to)
                                              : 0;
      for (std::size_t q = 0; q < turns->all.size(); ++q) {
        const T* const elements = line(q);
        for (std::int64_t i = turns->all[q].first + done * stride, j = done; i < turns->width;
             i += stride, ++j)
          to[i] = elements[j];
      }
    }
  }

 private:
  /// All pairs, the last of which may be written twice. Returns how many there are.
  template <class P>
  static std::int64_t pairs(const T* even, const T* odd, std::int64_t width, T* to) {
    const std::int64_t count = width / 2;
    if (count < P::lanes) {
      if constexpr (P::lanes * sizeof(T) > 16)
        return pairs<simd::Pack<T, P::lanes / 2>>(even, odd, width, to);
      return 0;
    }
    for (std::int64_t done = 0; done < count; done += P::lanes) {
      const std::int64_t at = std::min(done, count - P::lanes);
      const P both[2] = {P::load(even + at), P::load(odd + at)};
      P::template in_turns<2, 0>(both).store(to + 2 * at);
      P::template in_turns<2, 1>(both).store(to + 2 * at + P::lanes);
    }
    return count;
  }
  template <class P>
  static std::int64_t threes(const Turns& turns, const std::array<const T*, 3>& lines, std::int64_t done,
                             T* to) {
    const T* from[3];
    for (std::size_t q = 0; q < 3; ++q) from[turns.all[q].first] = lines[q];
    for (; 3 * (done + P::lanes) <= turns.width; done += P::lanes) {
      const P all[3] = {P::load(from[0] + done), P::load(from[1] + done), P::load(from[2] + done)};
      P::template in_turns<3, 0>(all).store(to + 3 * done);
      P::template in_turns<3, 1>(all).store(to + 3 * done + P::lanes);
      P::template in_turns<3, 2>(all).store(to + 3 * done + 2 * P::lanes);
    }
    if constexpr (P::lanes * sizeof(T) > 16)
      return threes<simd::Pack<T, P::lanes / 2>>(turns, lines, done, to);
    return done;
  }
};

}  // namespace

template <class T>
void sum_taps(const Sheet& sheet, const T* x, const T* weight, T start, T* y) {
  simd::vectorized<SheetLoop<T>>(&sheet, x, weight, start, y);
}
template <class T>
void sum_products(const Sheet& sheet, const T* x, const T* y, std::int64_t width, T* wide, T* weight) {
  simd::vectorized<TapsLoop<T>>(&sheet, x, y, width, wide, weight);
}
template <class T>
void take_turns(const Turns& turns, std::int64_t lines, const T* from, T* to) {
  simd::vectorized<MergeLoop<T>>(&turns, lines, from, to);
}

template void sum_taps(const Sheet&, const float*, const float*, float, float*);
template void sum_taps(const Sheet&, const double*, const double*, double, double*);
template void sum_products(const Sheet&, const float*, const float*, std::int64_t, float*, float*);
template void sum_products(const Sheet&, const double*, const double*, std::int64_t, double*, double*);
template void take_turns(const Turns&, std::int64_t, const float*, float*);
template void take_turns(const Turns&, std::int64_t, const double*, double*);

}  // namespace chainrule::kernels
