#pragma once

#include "chainrule/simd.h"
#include "kernels/lines.h"
#include "kernels/windows.h"

/// Convolutions plane by plane (see kernels/convolution.h for what the three are).
namespace chainrule::kernels {

/// Convolutions of one channel with one filter in each group, for which columns would be more work than the
/// products: a plane at a time, one element of the kernel after another.
template <class T>
struct PlaneLoop {
  template <class P>
  static void add(std::int64_t n, T weight, const T* from, std::int64_t step, T* to, std::int64_t step_to) {
    std::int64_t i = 0;
    if (step == 1 && step_to == 1) {
      for (; i + P::lanes <= n; i += P::lanes)
        (P::load(to + i) + P(weight) * P::load(from + i)).store(to + i);
      if constexpr (P::lanes * sizeof(T) > 16)
        if (i < n) return add<simd::Pack<T, P::lanes / 2>>(n - i, weight, from + i, step, to + i, step_to);
    }
    for (; i < n; ++i) to[i * step_to] += weight * from[i * step];
  }
  /// y += weight * x, x += weight * y, or weight += x · y, as told by what is written.
  template <int Bytes>
  static void run(const Windows* windows, const T* x, T* to_x, const T* weight, T* to_weight, const T* y,
                  T* to_y) {
    const std::int64_t stride = windows->axes[2].stride, line = windows->axes[2].out,
                       line_of_x = windows->axes[1].stride * windows->axes[2].in;
    const bool forward = to_y != nullptr;
    for_each_run(
        *windows, 0, windows->out_size(),
        [&](std::int64_t k, std::int64_t at, std::int64_t n, std::int64_t from, std::int64_t lines) {
          if (to_weight != nullptr)
            to_weight[k] += dot<P<Bytes>>(lines, n, x + from, line_of_x, stride, y + at, line);
          else
            for (; lines-- > 0; at += line, from += line_of_x)
              add<P<Bytes>>(n, weight[k], forward ? x + from : y + at, forward ? stride : 1,
                            forward ? to_y + at : to_x + from, forward ? 1 : stride);
        },
        [](std::int64_t, std::int64_t, std::int64_t, std::int64_t) {});
  }

 private:
  template <int Bytes>
  using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;

  /// Of several lines, whose packs are added up before their lanes are.
  template <class P>
  static T dot(std::int64_t lines, std::int64_t n, const T* x, std::int64_t line_of_x, std::int64_t stride,
               const T* y, std::int64_t line) {
    T sum = 0;
    if (stride == 1 && n >= P::lanes) {
      const AlongLanes<P> along(n);
      const P zero(0);
      P even = zero, odd = zero;  // so that a line need not wait for the one before
      const auto add = [&](P& to, std::int64_t l) {
        along.template for_each<1>([&, from = x + l * line_of_x, by = y + l * line](auto pack, int) {
          to += pack.load(from, zero) * pack.load(by, zero);
        });
      };
      for (std::int64_t l = 0; l < lines; l += 2) {
        add(even, l);
        if (l + 1 < lines) add(odd, l + 1);
      }
      T lanes[std::size_t{P::lanes}];
      (even + odd).store(lanes);
      for (const T lane : lanes) sum += lane;
      return sum;
    }
    if constexpr (P::lanes * sizeof(T) > 16)
      if (stride == 1) return dot<simd::Pack<T, P::lanes / 2>>(lines, n, x, line_of_x, stride, y, line);
    for (; lines-- > 0; x += line_of_x, y += line)
      for (std::int64_t i = 0; i < n; ++i) sum += x[i * stride] * y[i];
    return sum;
  }
};

}  // namespace chainrule::kernels
