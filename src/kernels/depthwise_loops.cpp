// Sums of several lines at a time stay in registers, and so do those of the weight for several of its
// elements.

#include "kernels/depthwise_loops.h"

#include <algorithm>
#include <array>

#include "chainrule/simd.h"

namespace chainrule::kernels {
namespace {

struct SheetLoop {
  template <int Bytes>
  static void run(const Sheet* sheet, const float* x, const float* weight, float start, float* y) {
    using P = simd::Pack<float, Bytes / 4>;
    x += sheet->from;
    y += sheet->to;
    constexpr int block = 4;
    const std::int64_t last = sheet->lines - block;
    const bool is_three = sheet->is_three_by_three();
    if (last < 0) {
      for (std::int64_t l = 0; l < sheet->lines; ++l) lines<P, 1>(*sheet, false, l, x, weight, start, y);
    } else {
      for (std::int64_t l = 0; l < last; l += block)
        lines<P, block>(*sheet, is_three, l, x, weight, start, y);
      lines<P, block>(*sheet, is_three, last, x, weight, start, y);
    }
  }

 private:
  template <class P, int Lines>
  static void lines(const Sheet& sheet, bool is_three, std::int64_t line, const float* x, const float* weight,
                    float start, float* y) {
    const std::int64_t width = sheet.width, step = sheet.line_from, step_to = sheet.line_to,
                       last = width - P::lanes;
    const std::size_t count = sheet.offsets.size();
    const std::int64_t* const offsets = sheet.offsets.data();
    x += line * step;
    y += line * step_to;
    for (std::int64_t done = 0; done < width; done += P::lanes) {
      const std::int64_t at = std::min(done, last);
      P sums[Lines];
#pragma GCC unroll 4
      for (int l = 0; l < Lines; ++l) sums[l] = P(start);
      if (Lines > 1 && is_three) {
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
          const float* const from = x + offsets[t] + at;
          const P number(weight[t]);
#pragma GCC unroll 4
          for (int l = 0; l < Lines; ++l) sums[l] = sums[l] + number * P::load(from + l * step);
        }
      }
#pragma GCC unroll 4
      for (int l = 0; l < Lines; ++l) sums[l].store(y + l * step_to + at);
    }
  }
};

struct TapsLoop {
  template <int Bytes>
  static void run(const Sheet* sheet, const float* x, const float* y, float* to) {
    using P = simd::Pack<float, Bytes / 4>;
    x += sheet->from;
    y += sheet->to;
    constexpr int block = 5;
    const std::int64_t width = sheet->width, count = static_cast<std::int64_t>(sheet->offsets.size());
    for (std::int64_t t = 0; t < count; t += block) {
      const float* from[block];
      for (int i = 0; i < block; ++i)
        from[i] = x + sheet->offsets[static_cast<std::size_t>(std::min(t + i, count - 1))];
      for (std::int64_t done = 0; done < width; done += P::lanes) {
        // The last pack of a line repeats elements of the one before, which are not counted once more.
        const std::int64_t at = std::min(done, width - P::lanes);
        P sums[block];
#pragma GCC unroll 5
        for (int i = 0; i < block; ++i) sums[i] = P(0);
        for (std::int64_t l = 0; l < sheet->lines; ++l) {
          const P by = P::load(y + l * sheet->line_to + at);
#pragma GCC unroll 5
          for (int i = 0; i < block; ++i)
            sums[i] = sums[i] + by * P::load(from[i] + l * sheet->line_from + at);
        }
        float lanes[block][std::size_t{P::lanes}];
#pragma GCC unroll 5
        for (int i = 0; i < block; ++i) sums[i].store(lanes[i]);
        for (std::int64_t i = 0; i < std::min<std::int64_t>(block, count - t); ++i) {
          std::fill_n(lanes[i], done - at, 0.0f);
          for (std::int64_t half = P::lanes / 2; half > 0; half /= 2)
            for (std::int64_t k = 0; k < half; ++k) lanes[i][k] += lanes[i][k + half];
          to[t + i] += lanes[i][0];
        }
      }
    }
  }
};

struct MergeLoop {
  template <int Bytes>
  static void run(const Turns* turns, std::int64_t lines, const float* from, float* to) {
    using P = simd::Pack<float, Bytes / 4>;
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
        const float* const elements = line(q);
        for (std::int64_t i = turns->all[q].first + done * stride, j = done; i < turns->width;
             i += stride, ++j)
          to[i] = elements[j];
      }
    }
  }

 private:
  /// All pairs, the last of which may be written twice. Returns how many there are.
  template <class P>
  static std::int64_t pairs(const float* even, const float* odd, std::int64_t width, float* to) {
    const std::int64_t count = width / 2;
    if (count < P::lanes) {
      if constexpr (P::lanes * 4 > 16) return pairs<simd::Pack<float, P::lanes / 2>>(even, odd, width, to);
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
  static std::int64_t threes(const Turns& turns, const std::array<const float*, 3>& lines, std::int64_t done,
                             float* to) {
    const float* from[3];
    for (std::size_t q = 0; q < 3; ++q) from[turns.all[q].first] = lines[q];
    for (; 3 * (done + P::lanes) <= turns.width; done += P::lanes) {
      const P all[3] = {P::load(from[0] + done), P::load(from[1] + done), P::load(from[2] + done)};
      P::template in_turns<3, 0>(all).store(to + 3 * done);
      P::template in_turns<3, 1>(all).store(to + 3 * done + P::lanes);
      P::template in_turns<3, 2>(all).store(to + 3 * done + 2 * P::lanes);
    }
    if constexpr (P::lanes * 4 > 16) return threes<simd::Pack<float, P::lanes / 2>>(turns, lines, done, to);
    return done;
  }
};

}  // namespace

void sum_taps(const Sheet& sheet, const float* x, const float* weight, float start, float* y) {
  simd::vectorized<SheetLoop>(&sheet, x, weight, start, y);
}
void sum_products(const Sheet& sheet, const float* x, const float* y, float* weight) {
  simd::vectorized<TapsLoop>(&sheet, x, y, weight);
}
void take_turns(const Turns& turns, std::int64_t lines, const float* from, float* to) {
  simd::vectorized<MergeLoop>(&turns, lines, from, to);
}

}  // namespace chainrule::kernels
