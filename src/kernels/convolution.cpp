// The three products that convolutions and all their derivatives are made of. Direct loops where tiles fill
// registers, products of matrices of windows elsewhere, planes where there is one channel each.

#include "kernels/convolution.h"

#include "chainrule/simd.h"
#include "kernels/convolution_planes.h"
#include "kernels/direct_convolution.h"
#include "kernels/gemm.h"
#include "kernels/padded_input.h"
#include "kernels/parallel.h"

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
  if (!gemm.transpose_b && (gemm.m == 1 || (gemm.k <= 2 && gemm.n >= 16)))
    sums_of_rows(gemm);
  else if (gemm.transpose_b && !gemm.transpose_a && (gemm.m == 1 || (gemm.m <= 4 && gemm.k >= 64)))
    dot_products(gemm);
  else
    tiled_gemm(gemm);
}

/// Row c · kernel + k of the columns has element k in channel c of the windows from begin to end - 1. Written
/// where x is given, from that; else read, and added to the elements of `to_x` that they are.
template <class T>
struct ColumnsLoop {
  template <int Bytes>
  static void run(const Windows* windows, const T* x, T* to_x, std::int64_t channels, std::int64_t begin,
                  std::int64_t end, T* columns) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    const std::int64_t stride = windows->axes[2].stride, n = end - begin, plane = windows->in_size(),
                       rows = windows->kernel_size(), line = windows->axes[2].out,
                       line_of_x = windows->axes[1].stride * windows->axes[2].in;
    for (std::int64_t c = 0; c < channels; ++c, columns += rows * n)
      for_each_run(
          *windows, begin, end,
          [&](std::int64_t k, std::int64_t at, std::int64_t count, std::int64_t from, std::int64_t lines) {
            T* const part = columns + k * n + at;
            if (x != nullptr)
              copy<P>(lines, x + c * plane + from, line_of_x, stride, part, line, count);
            else
              add<P>(lines, part, line, to_x + c * plane + from, line_of_x, stride, count);
          },
          [&](std::int64_t k, std::int64_t at, std::int64_t count, std::int64_t lines) {
            if (x == nullptr) return;
            for (T* to = columns + k * n + at; lines-- > 0; to += line)
              for (std::int64_t i = 0; i < count; ++i) to[i] = 0;
          });
  }

 private:
  // The last pack of a run ends with it, and repeats some of what the one before has done. Runs that are
  // shorter than a pack take shorter ones: lines of small images have few elements.
  template <class P>
  using Half = simd::Pack<T, P::lanes / 2>;
  template <class P>
  static constexpr bool is_shortest = P::lanes * sizeof(T) == 16;

  template <class P>
  static void copy(std::int64_t lines, const T* from, std::int64_t line_of_from, std::int64_t stride, T* to,
                   std::int64_t line, std::int64_t n) {
    if (stride != 1 || n < P::lanes) {
      if constexpr (!is_shortest<P>)
        if (stride == 1) return copy<Half<P>>(lines, from, line_of_from, stride, to, line, n);
      for (; lines-- > 0; from += line_of_from, to += line)
        if (stride == 2)
          copy_evens<P>(from, to, n);
        else
          for (std::int64_t i = 0; i < n; ++i) to[i] = from[i * stride];
      return;
    }
    const std::int64_t last = n - P::lanes;
    for (; lines-- > 0; from += line_of_from, to += line) {
      for (std::int64_t i = 0; i < last; i += P::lanes) P::load(from + i).store(to + i);
      P::load(from + last).store(to + last);
    }
  }
  // Of every second element. What lies behind the last one is not to be touched.
  template <class P>
  static void copy_evens(const T* from, T* to, std::int64_t n) {
    std::int64_t i = 0;
    for (; i + P::lanes < n; i += P::lanes) {
      const P packs[2] = {P::load(from + 2 * i), P::load(from + 2 * i + P::lanes)};
      P::template every<2, 0>(packs).store(to + i);
    }
    if constexpr (!is_shortest<P>) return copy_evens<Half<P>>(from + 2 * i, to + i, n - i);
    for (; i < n; ++i) to[i] = from[2 * i];
  }
  template <class P>
  static void add_to_evens(const T* from, T* to, std::int64_t n) {
    std::int64_t i = 0;
    for (; i + P::lanes < n; i += P::lanes) {
      const P packs[2] = {P::load(to + 2 * i), P::load(to + 2 * i + P::lanes)};
      const P both[2] = {P::template every<2, 0>(packs) + P::load(from + i), P::template every<2, 1>(packs)};
      P::template in_turns<2, 0>(both).store(to + 2 * i);
      P::template in_turns<2, 1>(both).store(to + 2 * i + P::lanes);
    }
    if constexpr (!is_shortest<P>) return add_to_evens<Half<P>>(from + i, to + 2 * i, n - i);
    for (; i < n; ++i) to[2 * i] += from[i];
  }
  template <class P>
  static void add(std::int64_t lines, const T* from, std::int64_t line, T* to, std::int64_t line_of_to,
                  std::int64_t stride, std::int64_t n) {
    if (stride != 1 || n < P::lanes) {
      if constexpr (!is_shortest<P>)
        if (stride == 1) return add<Half<P>>(lines, from, line, to, line_of_to, stride, n);
      for (; lines-- > 0; from += line, to += line_of_to)
        if (stride == 2)
          add_to_evens<P>(from, to, n);
        else
          for (std::int64_t i = 0; i < n; ++i) to[i * stride] += from[i];
      return;
    }
    const std::int64_t last = n - P::lanes;
    for (; lines-- > 0; from += line, to += line_of_to) {
      // Added before the others are written, as the two may overlap.
      const P sum = P::load(to + last) + P::load(from + last);
      for (std::int64_t i = 0; i < last; i += P::lanes) (P::load(to + i) + P::load(from + i)).store(to + i);
      sum.store(to + last);
    }
  }
};
template <class T>
void columns_of(const Windows& windows, const T* x, std::int64_t channels, std::int64_t begin,
                std::int64_t end, T* columns) {
  simd::vectorized<ColumnsLoop<T>>(&windows, x, static_cast<T*>(nullptr), channels, begin, end, columns);
}
template <class T>
void add_columns(const Windows& windows, T* columns, std::int64_t channels, std::int64_t begin,
                 std::int64_t end, T* x) {
  simd::vectorized<ColumnsLoop<T>>(&windows, static_cast<const T*>(nullptr), x, channels, begin, end,
                                   columns);
}

/// Calls part for stretches of `tasks`, each of which takes so many multiply-adds.
template <class Part>
void in_parallel(std::int64_t tasks, std::int64_t products, const Part& part) {
  parallel_for(tasks, std::max<std::int64_t>(1, products_per_part / std::max<std::int64_t>(1, products)),
               part);
}

/// Each channel's plane filled with its bias, or with 0.
template <class T>
void fill_planes(std::int64_t samples, std::int64_t channels, std::int64_t plane, const T* bias, T* to) {
  for (std::int64_t i = 0; i < samples * channels; ++i, to += plane)
    std::fill_n(to, plane, bias != nullptr ? bias[i % channels] : T(0));
}

bool is_by_planes(const Convolution& convolution) {
  return convolution.in_channels == 1 && convolution.out_channels == 1;
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
  if (is_direct<T>(convolution)) return direct_convolve(convolution, x, weight, bias, y);
  if (is_by_planes(convolution))
    return in_parallel(samples * groups, depth * positions, [&](std::int64_t at, std::int64_t end) {
      for (; at < end; ++at) {
        T* const to = y + at * positions;
        std::fill_n(to, positions, bias != nullptr ? bias[at % groups] : T(0));
        simd::vectorized<PlaneLoop<T>>(&windows, x + at * windows.in_size(), static_cast<T*>(nullptr),
                                       weight + at % groups * depth, static_cast<T*>(nullptr),
                                       static_cast<const T*>(nullptr), to);
      }
    });
  const Blocks blocks(positions, depth);
  const bool direct = windows.are_elements();
  in_parallel(samples * groups * blocks.count, filters * depth * blocks.size,
              [&](std::int64_t task, std::int64_t end) {
                Scratch<T> scratch(direct ? 0 : depth * blocks.size);
                for (; task < end; ++task) {
                  const std::int64_t at = task / blocks.count, group = at % groups,
                                     first = task % blocks.count * blocks.size,
                                     n = std::min(blocks.size, positions - first);
                  const T* from = x + at * channels * windows.in_size();
                  T* to = y + at * filters * positions + first;
                  if (!direct) columns_of(windows, from, channels, first, first + n, scratch.data());
                  Gemm<T> gemm{filters,
                               n,
                               depth,
                               weight + group * filters * depth,
                               direct ? from + first : scratch.data(),
                               to,
                               false,
                               false,
                               depth,
                               direct ? positions : n,
                               positions};
                  if (bias != nullptr) {
                    for (std::int64_t i = 0; i < filters; ++i)
                      std::fill_n(to + i * positions, n, bias[group * filters + i]);
                    gemm.start = to;
                    gemm.row_of_start = positions;
                  }
                  multiply(gemm);
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
  if (!is_empty && is_direct_back<T>(convolution))
    return direct_convolve_back(convolution, y, weight, bias, x);
  fill_planes(samples, groups * channels, plane, bias, x);
  if (is_empty) return;
  if (is_by_planes(convolution))
    return in_parallel(samples * groups, depth * positions, [&](std::int64_t at, std::int64_t end) {
      for (; at < end; ++at)
        simd::vectorized<PlaneLoop<T>>(&windows, static_cast<const T*>(nullptr), x + at * plane,
                                       weight + at % groups * depth, static_cast<T*>(nullptr),
                                       y + at * positions, static_cast<T*>(nullptr));
    });
  // Of few samples, parts of the channels are computed at the same time.
  const std::int64_t parts = samples * groups >= 16 ? 1 : std::min<std::int64_t>(channels, 8);
  const std::int64_t most = (channels + parts - 1) / parts;
  const Blocks blocks(positions, most * kernel);
  const bool direct = windows.are_elements();
  in_parallel(samples * groups * parts, filters * most * kernel * positions,
              [&](std::int64_t task, std::int64_t end) {
                Scratch<T> scratch(direct ? 0 : most * kernel * blocks.size);
                for (; task < end; ++task) {
                  const std::int64_t at = task / parts, group = at % groups,
                                     channel = task % parts * channels / parts,
                                     count = (task % parts + 1) * channels / parts - channel;
                  T* to = x + (at * channels + channel) * plane;
                  for (std::int64_t first = 0; first < positions; first += blocks.size) {
                    const std::int64_t n = std::min(blocks.size, positions - first);
                    Gemm<T> gemm{count * kernel,
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
                    if (direct) gemm.start = gemm.c, gemm.row_of_start = positions;
                    multiply(gemm);
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
  std::fill_n(weight, size, T(0));
  if (samples * positions * size == 0) return;
  if (is_by_planes(convolution))
    return in_parallel(groups, samples * depth * positions, [&](std::int64_t group, std::int64_t end) {
      for (; group < end; ++group)
        for (std::int64_t at = group; at < samples * groups; at += groups)
          simd::vectorized<PlaneLoop<T>>(&windows, x + at * windows.in_size(), static_cast<T*>(nullptr),
                                         static_cast<const T*>(nullptr), weight + group * depth,
                                         y + at * positions, static_cast<T*>(nullptr));
    });
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
  in_parallel(stretches * groups * parts, samples / stretches * filters * most * kernel * positions,
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
  for (std::int64_t i = 0; i < (stretches - 1) * size; ++i) weight[i % size] += others[i];
}

template void convolve(const Convolution&, const float*, const float*, const float*, float*);
template void convolve(const Convolution&, const double*, const double*, const double*, double*);
template void convolve_back(const Convolution&, const float*, const float*, const float*, float*);
template void convolve_back(const Convolution&, const double*, const double*, const double*, double*);
template void convolution_weight(const Convolution&, const float*, const float*, float*);
template void convolution_weight(const Convolution&, const double*, const double*, double*);

}  // namespace chainrule::kernels
