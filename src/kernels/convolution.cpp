// The three products that convolutions and all their derivatives are made of. Direct loops where tiles fill
// registers, products of matrices of windows elsewhere, planes where there is one channel each.

#include "kernels/convolution.h"

#include "kernels/columns.h"
#include "kernels/depthwise.h"
#include "kernels/direct_convolution.h"
#include "kernels/gemm.h"
#include "kernels/matmul.h"
#include "kernels/padded_input.h"
#include "kernels/parallel.h"
#include "kernels/strided_back.h"

namespace chainrule::kernels {
namespace {

/// Elements of the columns that are held at a time, and at most so many windows: rows of a page and more make
/// products slow.
constexpr std::int64_t most_elements = 1 << 17, most_windows = 768, least_windows = 96;

/// The windows of a sample, cut into blocks.
struct Blocks {
  Blocks(std::int64_t all, std::int64_t depth)
      : windows(all), size(std::clamp(most_elements / depth / 32 * 32, least_windows, most_windows)) {
    count = (windows + size - 1) / size;
    size = ((windows + count - 1) / count + 31) / 32 * 32;  // evenly
    count = (windows + size - 1) / size;
  }
  std::int64_t windows, size, count = 1;
};

/// Which kernel makes a product depends on its sizes alone.
template <class T>
void multiply(const Gemm<T>& gemm) {
  if (takes_dot_products(gemm))
    dot_products(gemm);
  else if (takes_sums_of_rows(gemm))
    sums_of_rows(gemm);
  else
    tiled_gemm(gemm);
}

/// The same, where a row starts from the bias of its channel. `starts` is for start_columns of each.
template <class T>
void multiply(Gemm<T> gemm, const T* bias, T* starts) {
  if (bias != nullptr) {
    const bool by_rows = takes_dot_products(gemm) || (takes_sums_of_rows(gemm) && !takes_packs_of_rows(gemm));
    gemm.start = by_rows ? gemm.c : starts;
    gemm.row_of_start = by_rows ? gemm.row_of_c : start_columns<T>;
    gemm.start_by_row = !by_rows;
    T* const rows = by_rows ? gemm.c : starts;
    for (std::int64_t i = 0; i < gemm.m; ++i)
      std::fill_n(rows + i * gemm.row_of_start, by_rows ? gemm.n : start_columns<T>, bias[i]);
  }
  multiply(gemm);
}

/// Is there one window, which is all that there is? Then samples are the rows of matrices.
bool is_one_window(const Windows& windows) {
  return std::all_of(windows.axes.begin(), windows.axes.end(), [](const WindowAxis& axis) {
    return axis.out == 1 && axis.before == 0 && axis.kernel == axis.in &&
           (axis.in == 1 || axis.dilation == 1);
  });
}

/// Each channel's plane filled with its bias, or with 0.
template <class T>
void fill_planes(std::int64_t samples, std::int64_t channels, std::int64_t plane, const T* bias, T* to) {
  for (std::int64_t i = 0; i < samples * channels; ++i, to += plane)
    std::fill_n(to, plane, bias != nullptr ? bias[i % channels] : T(0));
}

}  // namespace

template <class T>
void convolve(const Convolution& convolution, const T* x, const T* weight, const T* bias, T* y) {
  const Windows& windows = convolution.windows;
  const std::int64_t samples = convolution.samples, groups = convolution.groups,
                     channels = convolution.in_channels, filters = convolution.out_channels;
  const std::int64_t positions = windows.out_size(), depth = channels * windows.kernel_size();
  if (samples * groups * filters * positions == 0) return;
  if (depth == 0) return fill_planes(samples, groups * filters, positions, bias, y);
  if (groups == 1 && is_one_window(windows)) {
    const Product product{.m = samples, .n = filters, .k = depth, .transpose_b = true};
    return bias != nullptr ? matmul_plus_row(product, x, weight, bias, y) : matmul(product, x, weight, y);
  }
  // Parts of a single plane are computed at the same time.
  const bool is_by_planes = is_depthwise(convolution) && samples * groups >= 8;
  if (!is_by_planes && is_direct<T>(convolution)) return direct_convolve(convolution, x, weight, bias, y);
  if (is_depthwise(convolution)) return depthwise_convolve(convolution, x, weight, bias, y);
  const Blocks blocks(positions, depth);
  const bool direct = windows.are_elements();
  parallel_products(samples * groups * blocks.count, filters * depth * blocks.size,
                    [&](std::int64_t task, std::int64_t end) {
                      Scratch<T> scratch(direct ? 0 : depth * blocks.size),
                          starts(bias != nullptr ? filters * start_columns<T> : 0);
                      for (; task < end; ++task) {
                        const std::int64_t at = task / blocks.count, group = at % groups,
                                           first = task % blocks.count * blocks.size,
                                           n = std::min(blocks.size, positions - first);
                        const T* from = x + at * channels * windows.in_size();
                        T* to = y + at * filters * positions + first;
                        if (!direct) columns_of(windows, from, channels, first, first + n, scratch.data());
                        multiply(Gemm<T>{filters, n, depth, weight + group * filters * depth,
                                         direct ? from + first : scratch.data(), to, false, false, depth,
                                         direct ? positions : n, positions},
                                 bias != nullptr ? bias + group * filters : nullptr, starts.data());
                      }
                    });
}

template <class T>
void convolve_back(const Convolution& convolution, const T* y, const T* weight, const T* bias, T* x) {
  const Windows& windows = convolution.windows;
  const std::int64_t samples = convolution.samples, groups = convolution.groups,
                     channels = convolution.in_channels, filters = convolution.out_channels;
  const std::int64_t positions = windows.out_size(), kernel = windows.kernel_size(),
                     depth = channels * kernel, plane = windows.in_size();
  const bool is_empty = samples * groups * filters * positions * depth == 0;
  if (!is_empty && groups == 1 && is_one_window(windows)) {
    const Product product{.m = samples, .n = depth, .k = filters};
    if (bias == nullptr) return matmul(product, y, weight, x);
    Scratch<T> row(depth);
    fill_planes(1, channels, plane, bias, row.data());
    return matmul_plus_row(product, y, weight, row.data(), x);
  }
  if (!is_empty && is_depthwise(convolution)) return depthwise_convolve_back(convolution, y, weight, bias, x);
  if (!is_empty && is_direct_back<T>(convolution))
    return direct_convolve_back(convolution, y, weight, bias, x);
  if constexpr (std::is_same_v<T, float>)
    if (!is_empty && is_strided_back(convolution))
      return strided_convolve_back(convolution, y, weight, bias, x);
  const bool direct = windows.are_elements();
  if (is_empty || !direct) fill_planes(samples, groups * channels, plane, bias, x);
  if (is_empty) return;
  // Of few samples, parts of the channels are computed at the same time.
  const std::int64_t parts = samples * groups >= 16 ? 1 : std::min<std::int64_t>(channels, 8);
  const std::int64_t most = (channels + parts - 1) / parts;
  const Blocks blocks(positions, most * kernel);
  parallel_products(samples * groups * parts, filters * most * kernel * positions,
                    [&](std::int64_t task, std::int64_t end) {
                      Scratch<T> scratch(direct ? 0 : most * kernel * blocks.size),
                          starts(direct && bias != nullptr ? most * start_columns<T> : 0);
                      for (; task < end; ++task) {
                        const std::int64_t at = task / parts, group = at % groups,
                                           channel = task % parts * channels / parts,
                                           count = (task % parts + 1) * channels / parts - channel;
                        T* to = x + (at * channels + channel) * plane;
                        for (std::int64_t first = 0; first < positions; first += blocks.size) {
                          const std::int64_t n = std::min(blocks.size, positions - first);
                          const Gemm<T> gemm{count * kernel,
                                             n,
                                             filters,
                                             weight + group * filters * depth + channel * kernel,
                                             y + at * filters * positions + first,
                                             direct ? to + first : scratch.data(),
                                             true,
                                             false,
                                             depth,
                                             positions,
                                             direct ? positions : n};
                          const bool has_bias = direct && bias != nullptr;
                          multiply(gemm, has_bias ? bias + group * channels + channel : nullptr,
                                   starts.data());
                          if (!direct) add_columns(windows, scratch.data(), count, first, first + n, to);
                        }
                      }
                    });
}

template <class T>
void convolution_weight(const Convolution& convolution, const T* x, const T* y, T* weight) {
  const Windows& windows = convolution.windows;
  const std::int64_t samples = convolution.samples, groups = convolution.groups,
                     channels = convolution.in_channels, filters = convolution.out_channels;
  const std::int64_t positions = windows.out_size(), kernel = windows.kernel_size(),
                     depth = channels * kernel, size = groups * filters * depth;
  if (groups == 1 && samples * size != 0 && is_one_window(windows))
    return matmul({.m = filters, .n = depth, .k = samples, .transpose_a = true}, y, x, weight);
  std::fill_n(weight, size, T(0));
  if (samples * positions * size == 0) return;
  if (is_depthwise(convolution)) return depthwise_convolution_weight(convolution, x, y, weight);
  if (is_direct_weight<T>(convolution)) return direct_convolution_weight(convolution, x, y, weight);
  // Parts of the channels are computed at the same time; where they are few, so are parts of the samples,
  // into weights of their own, which are then added up.
  const std::int64_t parts = std::clamp<std::int64_t>(depth / 256, 1, std::min<std::int64_t>(channels, 16));
  const std::int64_t most = (channels + parts - 1) / parts;
  const bool is_large = size / groups * samples * positions >= 8 * products_per_part;
  const std::int64_t stretches =
      parts * groups >= 8 || size > (1 << 20) || !is_large ? 1 : std::min<std::int64_t>(samples, 8);
  Scratch<T> further((stretches - 1) * size);
  T* const others = further.data();
  std::fill_n(others, (stretches - 1) * size, T(0));
  const Blocks blocks(positions, most * kernel);
  const bool direct = windows.are_elements();
  parallel_products(stretches * groups * parts, samples / stretches * filters * most * kernel * positions,
                    [&](std::int64_t task, std::int64_t end) {
                      Scratch<T> scratch(direct ? 0 : most * kernel * blocks.size);
                      for (; task < end; ++task) {
                        const std::int64_t part = task % parts, group = task / parts % groups,
                                           stretch = task / parts / groups, channel = part * channels / parts,
                                           count = (part + 1) * channels / parts - channel;
                        T* const to = (stretch == 0 ? weight : others + (stretch - 1) * size) +
                                      group * filters * depth + channel * kernel;
                        for (std::int64_t sample = stretch * samples / stretches;
                             sample < (stretch + 1) * samples / stretches; ++sample)
                          for (std::int64_t first = 0; first < positions; first += blocks.size) {
                            const std::int64_t at = sample * groups + group,
                                               n = std::min(blocks.size, positions - first);
                            const T* from = x + (at * channels + channel) * windows.in_size();
                            if (!direct) columns_of(windows, from, count, first, first + n, scratch.data());
                            Gemm<T> gemm{filters,
                                         count * kernel,
                                         n,
                                         y + at * filters * positions + first,
                                         direct ? from + first : scratch.data(),
                                         to,
                                         false,
                                         true,
                                         positions,
                                         direct ? positions : n,
                                         depth};
                            gemm.start = to;
                            gemm.row_of_start = depth;
                            multiply(gemm);
                          }
                      }
                    });
  for (std::int64_t i = 1; i < stretches; ++i) {
    const T* const from = others + (i - 1) * size;
    for (std::int64_t at = 0; at < size; ++at) weight[at] += from[at];
  }
}

template void convolve(const Convolution&, const float*, const float*, const float*, float*);
template void convolve(const Convolution&, const double*, const double*, const double*, double*);
template void convolve_back(const Convolution&, const float*, const float*, const float*, float*);
template void convolve_back(const Convolution&, const double*, const double*, const double*, double*);
template void convolution_weight(const Convolution&, const float*, const float*, float*);
template void convolution_weight(const Convolution&, const double*, const double*, double*);

}  // namespace chainrule::kernels
