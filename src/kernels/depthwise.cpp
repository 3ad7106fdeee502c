// Planes side by side where that is faster, as it is but for long lines (depthwise_lanes.cpp). Of these,
// every one of the three is a sum of shifted lines: y of those of x, x of those of y, where of a strided one
// every stride-th line and column of x has the same elements of the kernel, and the weight of products of
// both.

#include "kernels/depthwise.h"

#include <algorithm>

#include "kernels/depthwise_lanes.h"
#include "kernels/depthwise_loops.h"
#include "kernels/direct_loops.h"
#include "kernels/parallel.h"
#include "kernels/phases.h"

namespace chainrule::kernels {
namespace {

/// For y: the lines of each plane, of so many elements.
std::vector<Sheet> sheets_of(const Padded& padded, std::int64_t width) {
  const auto& [deep, high, wide] = padded.windows.axes;
  std::vector<Sheet> sheets;
  for (std::int64_t d = 0; d < deep.out; ++d) {
    sheets.push_back({d * deep.stride * padded.plane,
                      high.stride * padded.line,
                      d * high.out * width,
                      width,
                      high.out,
                      wide.out,
                      padded.offsets,
                      {}});
  }
  return sheets;
}

/// For x: of each plane the lines of a phase, of each of the phases along a line.
std::vector<Sheet> sheets_back(const std::array<Turned, 3>& turned, const Padded& padded) {
  const auto& [deep, high, wide] = turned;
  std::vector<Sheet> sheets;
  const std::int64_t longest = wide.longest(), most_lines = high.longest();
  for (std::int64_t d = 0; d < deep.of.in; ++d)
    for (std::int64_t h = 0; h < high.of.stride; ++h)
      for (std::int64_t w = 0; w < wide.of.stride; ++w) {
        const std::int64_t plane = rounded_down(d + deep.of.before, deep.of.stride),
                           phase = d + deep.of.before - plane * deep.of.stride;
        const bool is_whole = wide.of.stride == 1;
        Sheet sheet{(plane - deep.lowest) * padded.plane + high.start(h) * padded.line + wide.start(w),
                    padded.line,
                    is_whole ? (d * high.of.in + high.first(h)) * wide.of.in : w * longest * most_lines,
                    is_whole ? high.of.stride * wide.of.in : longest,
                    high.count(h),
                    wide.count(w),
                    {},
                    {}};
        for_each_tap(turned, {phase, h, w}, [&](std::int64_t tap, const auto& at) {
          sheet.offsets.push_back(at[0] * padded.plane + at[1] * padded.line + at[2]);
          sheet.taps.push_back(tap);
        });
        sheets.push_back(std::move(sheet));
      }
  return sheets;
}

std::int64_t products_of(const Windows& windows) { return windows.kernel_size() * windows.out_size(); }

void lines_convolve(const Convolution& convolution, const float* x, const float* weight, const float* bias,
                    float* y) {
  const Windows& windows = convolution.windows;
  const Padded padded(windows, 1);
  const std::vector<Sheet> sheets = sheets_of(padded, windows.axes[2].out);
  const std::int64_t taps = windows.kernel_size(), in = windows.in_size(), out = windows.out_size();
  const auto part = [&](std::int64_t at, std::int64_t end) {
    const Scratch<float> copy(padded.scratch(1), Scratch<float>::Start::zero);
    for (; at < end; ++at) {
      const std::int64_t group = at % convolution.groups;
      const float* const from = padded_input(padded, 1, x + at * in, copy.data());
      for (const Sheet& sheet : sheets)
        sum_taps(sheet, from, weight + group * taps, bias == nullptr ? 0.0f : bias[group], y + at * out);
    }
  };
  parallel_products(convolution.samples * convolution.groups, products_of(windows), part);
}

void lines_convolve_back(const Convolution& convolution, const float* y, const float* weight,
                         const float* bias, float* x) {
  const Windows& windows = convolution.windows;
  const std::array turned{Turned(windows.axes[0]), Turned(windows.axes[1]), Turned(windows.axes[2])};
  const Turned &deep = turned[0], &high = turned[1], &wide = turned[2];
  // A phase may have a column less than the windows.
  const Padded padded({deep.windows, high.windows, wide.windows}, 1, wide.of.stride > 1);
  const std::vector<Sheet> sheets = sheets_back(turned, padded);
  const std::int64_t taps = windows.kernel_size(), in = windows.in_size(), out = windows.out_size(),
                     stride = wide.of.stride, apart = wide.longest() * high.longest();
  Turns turns{wide.of.in, high.of.stride * wide.of.in, {}};
  for (std::int64_t q = 0; q < stride; ++q) turns.all.push_back({wide.first(q), q * apart, wide.longest()});
  std::vector<std::int64_t> lines_of, first_of;
  for (std::int64_t h = 0; h < high.of.stride; ++h) {
    lines_of.push_back(high.count(h));
    first_of.push_back(high.first(h) * wide.of.in);
  }
  const auto part = [&](std::int64_t at, std::int64_t end) {
    const Scratch<float> copy(padded.scratch(1), Scratch<float>::Start::zero), picked(taps),
        lines(stride == 1 ? 0 : stride * apart + behind);
    for (; at < end; ++at) {
      const std::int64_t group = at % convolution.groups;
      const float start = bias == nullptr ? 0.0f : bias[group];
      const float* const from = padded_input(padded, 1, y + at * out, copy.data());
      float* const to = x + at * in;
      const Sheet* sheet = sheets.data();
      for (std::int64_t d = 0; d < deep.of.in; ++d)
        for (std::size_t h = 0; h < lines_of.size(); ++h) {
          for (std::int64_t w = 0; w < stride; ++w, ++sheet) {
            for (std::size_t k = 0; k < sheet->taps.size(); ++k)
              picked.data()[k] = weight[group * taps + sheet->taps[k]];
            sum_taps(*sheet, from, picked.data(), start, stride == 1 ? to : lines.data());
          }
          if (stride == 1) continue;
          take_turns(turns, lines_of[h], lines.data(), to + d * high.of.in * wide.of.in + first_of[h]);
        }
    }
  };
  parallel_products(convolution.samples * convolution.groups, products_of(windows), part);
}

void lines_convolution_weight(const Convolution& convolution, const float* x, const float* y, float* weight) {
  const Windows& windows = convolution.windows;
  const std::int64_t taps = windows.kernel_size(), in = windows.in_size(), out = windows.out_size(),
                     groups = convolution.groups;
  const Padded padded(windows, 1);
  const std::vector<Sheet> sheets = sheets_of(padded, windows.axes[2].out);
  parallel_products(groups, convolution.samples * products_of(windows),
                    [&](std::int64_t begin, std::int64_t end) {
                      const Scratch<float> copy(padded.scratch(1), Scratch<float>::Start::zero);
                      // In the order of memory, as planes are short.
                      for (std::int64_t sample = 0; sample < convolution.samples; ++sample)
                        for (std::int64_t group = begin; group < end; ++group) {
                          const std::int64_t at = sample * groups + group;
                          const float* const from = padded_input(padded, 1, x + at * in, copy.data());
                          for (const Sheet& sheet : sheets)
                            sum_products(sheet, from, y + at * out, weight + group * taps);
                        }
                    });
}

}  // namespace

bool is_depthwise(const Convolution& convolution) {
  return convolution.in_channels == 1 && convolution.out_channels == 1;
}

template <class T>
void depthwise_convolve(const Convolution& convolution, const T* x, const T* weight, const T* bias, T* y) {
  if constexpr (std::is_same_v<T, float>)
    if (!suits_lanes(convolution)) return lines_convolve(convolution, x, weight, bias, y);
  lanes_convolve(convolution, x, weight, bias, y);
}
template <class T>
void depthwise_convolve_back(const Convolution& convolution, const T* y, const T* weight, const T* bias,
                             T* x) {
  if constexpr (std::is_same_v<T, float>)
    if (!suits_lanes_back(convolution)) return lines_convolve_back(convolution, y, weight, bias, x);
  lanes_convolve_back(convolution, y, weight, bias, x);
}
template <class T>
void depthwise_convolution_weight(const Convolution& convolution, const T* x, const T* y, T* weight) {
  if constexpr (std::is_same_v<T, float>)
    if (!suits_lanes_for_weight(convolution)) return lines_convolution_weight(convolution, x, y, weight);
  lanes_convolution_weight(convolution, x, y, weight);
}

template void depthwise_convolve(const Convolution&, const float*, const float*, const float*, float*);
template void depthwise_convolve(const Convolution&, const double*, const double*, const double*, double*);
template void depthwise_convolve_back(const Convolution&, const float*, const float*, const float*, float*);
template void depthwise_convolve_back(const Convolution&, const double*, const double*, const double*,
                                      double*);
template void depthwise_convolution_weight(const Convolution&, const float*, const float*, float*);
template void depthwise_convolution_weight(const Convolution&, const double*, const double*, double*);

}  // namespace chainrule::kernels
