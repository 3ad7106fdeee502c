// Convolutions that read their input where it lies, without columns in between. In the way of oneDNN's direct
// kernels: sums of a tile of neighbouring windows for some filters stay in registers.

#include "kernels/direct_convolution.h"

#include <algorithm>

#include "kernels/direct_tiling.h"
#include "kernels/lane_loops.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {

Stripes::Stripes(const Windows& of, std::int64_t channels, std::int64_t at_least) : all(of) {
  while (axis < 2 && all.axes[axis].out == 1) ++axis;
  constexpr std::int64_t most_elements = 1 << 16;
  std::int64_t elements = channels;
  for (const WindowAxis& along : all.axes)
    elements *= (along.out - 1) * along.stride + (along.kernel - 1) * along.dilation + 1;
  // Each reads as much as its kernel reaches over once more.
  const WindowAxis& cut = all.axes[axis];
  const std::int64_t reach = ((cut.kernel - 1) * cut.dilation + 1) / cut.stride,
                     least = axis == 2 ? 256 : std::max<std::int64_t>(4, 2 * reach);
  count = std::clamp<std::int64_t>(std::max((elements + most_elements - 1) / most_elements, at_least), 1,
                                   std::max<std::int64_t>(1, cut.out / least));
}

Padded::Padded(const Windows& of, std::int64_t channels, bool may_overrun) : windows(of) {
  const WindowAxis& wide = windows.axes[2];
  is_input = !may_overrun && wide.stride == 1 && wide.out >= behind;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const WindowAxis& along = windows.axes[axis];
    reach[axis] = (along.out - 1) * along.stride + (along.kernel - 1) * along.dilation + 1;
    is_input = is_input && along.before <= 0 && reach[axis] - along.before <= along.in;
  }
  part = (reach[2] + wide.stride - 1) / wide.stride;
  line = is_input ? wide.in : part * wide.stride;
  plane = line * (is_input ? windows.axes[1].in : reach[1]);
  channel = plane * (is_input ? windows.axes[0].in : reach[0]);
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t d = 0; d < windows.axes[0].kernel; ++d)
      for (std::int64_t h = 0; h < windows.axes[1].kernel; ++h)
        for (std::int64_t w = 0; w < wide.kernel; ++w) {
          const std::int64_t at = w * wide.dilation;
          offsets.push_back(c * channel + d * windows.axes[0].dilation * plane +
                            h * windows.axes[1].dilation * line + at % wide.stride * part + at / wide.stride);
        }
}
namespace {

/// Products that a window sums up at a time: their weights, for a block of filters, stay in the second-level
/// cache.
constexpr std::int64_t most_depth = 1152;

/// A convolution forward or back, as one of `windows` over channels, which is the same for both.
template <class T>
struct Direct {
  Windows windows;
  std::int64_t samples, groups, channels, filters;
  const T* weight;  ///< of a filter, a channel and a tap, at so many steps from the first of its group
  std::int64_t group, filter, channel, first_tap, tap;

  /// For each group, part of the channels, and block of filters: each product, its filters.
  void pack_weight(const Tiling& tiles, std::int64_t channels_per_part, T* to) const {
    std::vector<std::int64_t> taps;
    for (std::int64_t k = 0; k < windows.kernel_size(); ++k) taps.push_back(first_tap + k * tap);
    for (std::int64_t g = 0; g < groups; ++g)
      for (std::int64_t c0 = 0; c0 < channels; c0 += channels_per_part)
        for (std::int64_t f0 = 0; f0 < filters; f0 += tiles.block) {
          const std::int64_t n = std::min(tiles.block, filters - f0);
          to = FilterWeight<T>{weight + g * group, filter, channel}.pack(
              f0, n, round_up(n, tiles.unit), c0, std::min(channels, c0 + channels_per_part), taps, to);
        }
  }

  void run(const T* x, const T* bias, T* y) const {
    const std::int64_t positions = windows.out_size(), taps = windows.kernel_size();
    const Tiling tiles = tiling<T>(windows.axes[2].out, filters, channels * taps, lanes_of<T>(), most_depth);
    const std::int64_t rows = round_up(filters, tiles.unit), all_rows = round_up(filters, tiles.block),
                       parts = tiles.by_windows ? 1
                                                : std::max<std::int64_t>(
                                                      1, (channels * taps + most_depth - 1) / most_depth),
                       channels_per_part = (channels + parts - 1) / parts;
    const Stripes stripes(windows, channels_per_part, 16 / (samples * groups));
    const Scratch<T> packed(groups * rows * channels * taps),
        start(groups * all_rows, Scratch<T>::Start::zero);
    pack_weight(tiles, channels_per_part, packed.data());
    if (bias != nullptr)
      for (std::int64_t g = 0; g < groups; ++g)
        std::copy_n(bias + g * filters, filters, start.data() + g * all_rows);
    const T *const all_packed = packed.data(), *const all_start = start.data();
    const Padded first(stripes.stripe(0), channels_per_part);
    const auto part = [&](std::int64_t task, std::int64_t end) {
      const WindowAxis& cut = windows.axes[stripes.axis];
      const std::int64_t most_sums =
          channels_per_part == channels
              ? 0
              : all_rows * positions / cut.out * ((cut.out + stripes.count - 1) / stripes.count) +
                    behind * 2 * lanes_of<T>();
      Scratch<T> before(most_sums), after(most_sums);
      T *sums_before = before.data(), *sums_after = after.data();
      while (task < end) {
        // One copy for as long as its padding stays where it is.
        const std::int64_t stripe = task % stripes.count;
        const Padded padded = stripe == 0 ? first : Padded(stripes.stripe(stripe), channels_per_part);
        const Scratch<T> copy(padded.scratch(channels_per_part), Scratch<T>::Start::zero);
        do {
          const std::int64_t at = task / stripes.count, g = at % groups;
          for (std::int64_t c = 0; c < channels; c += channels_per_part) {
            const std::int64_t n = std::min(channels - c, channels_per_part);
            const DirectPart<T> sum{
                &padded,
                n * taps,
                filters,
                tiles.block,
                padded_input(padded, n, x + (at * channels + c) * windows.in_size(), copy.data()),
                all_packed + (g * channels + c) * taps * rows,
                all_start + g * all_rows,
                y + at * filters * positions + stripes.first(stripe),
                positions,
                c == 0,
                c + n == channels,
                sums_before,
                sums_after};
            if constexpr (sizeof(T) == 4)
              if (!tiles.by_windows) sum_filters(sum);
            if (tiles.by_windows) sum_windows(sum);
            std::swap(sums_before, sums_after);
          }
        } while (++task < end && stripes.count == 1);
      }
    };
    const std::int64_t products = filters * channels * taps * positions / stripes.count;
    parallel_products(samples * groups * stripes.count, products, part);
  }
};

/// The windows over y that make x where the stride is 1.
Windows turned_back(const Windows& windows) {
  Windows back = windows;
  for (WindowAxis& axis : back.axes) {
    std::swap(axis.in, axis.out);
    axis.before = (axis.kernel - 1) * axis.dilation - axis.before;
  }
  return back;
}

/// Lines so short that columns of them are slow. (Planes of one channel each have kernels of their own.)
bool has_short_lines(const Windows& windows, std::int64_t channels, std::int64_t filters) {
  return windows.axes[2].out <= 8 && channels * filters > 1;
}

/// Whether tiles compute little that nobody asks for, or columns would be worse, and the weight is used often
/// enough to be packed: up to `worth` eighths of the products. It does not depend on the instruction set.
template <class T>
bool suits(const Windows& windows, std::int64_t samples, std::int64_t channels, std::int64_t filters,
           std::int64_t worth = 16) {
  constexpr std::int64_t lanes = most_lanes<T>;
  const std::int64_t depth = channels * windows.kernel_size(), line = windows.axes[2].out;
  // An element of columns of short lines takes as long as so many multiply-adds of packs.
  constexpr std::int64_t of_columns = 2;
  const bool is_short = has_short_lines(windows, channels, filters);
  // A single filter has too few sums to wait for each other's products, unless these are few.
  return windows.kernel_size() > 1 && depth >= 8 && (filters > 1 || channels == 1 || is_short) &&
         samples * windows.out_size() >= 96 &&
         tiling<T>(line, filters, depth, lanes, most_depth).cost * lanes <=
             (filters * worth / 8 + (is_short ? of_columns * lanes : 0)) * line * depth;
}

}  // namespace

template <class T>
bool is_direct(const Convolution& convolution) {
  // Columns are made for all filters: of few, they take longer than the products; of many doubles, for which
  // there are no tiles whose lanes are filters, hardly any time.
  const std::int64_t filters = convolution.out_channels,
                     depth = convolution.in_channels * convolution.windows.kernel_size();
  const std::int64_t worth = sizeof(T) == 8 && filters >= 32 && depth >= 64 ? 10
                             : filters == 1 || filters > 8                  ? 16
                             : filters > 3                                  ? 21
                                                                            : 30;
  return suits<T>(convolution.windows, convolution.samples, convolution.in_channels, filters, worth);
}
template <class T>
bool is_direct_back(const Convolution& convolution) {
  const Windows& windows = convolution.windows;
  const std::int64_t filters = convolution.out_channels, products = windows.out_size();
  // The sums over y meet zeros around it, columns only what there is: from so many filters on, these are
  // faster if they spare more than an element of columns takes, in multiply-adds.
  constexpr std::int64_t many = 32, of_columns = 11, of_short_columns = 43;
  if (filters >= many && (windows.in_size() - products) * filters >
                             (windows.axes[2].out < 8 ? of_short_columns : of_columns) * products)
    return false;
  return std::all_of(windows.axes.begin(), windows.axes.end(),
                     [](const WindowAxis& axis) { return axis.stride == 1; }) &&
         suits<T>(turned_back(windows), convolution.samples, filters, convolution.in_channels);
}

template <class T>
void direct_convolve(const Convolution& convolution, const T* x, const T* weight, const T* bias, T* y) {
  const std::int64_t taps = convolution.windows.kernel_size(), depth = convolution.in_channels * taps;
  Direct<T>{convolution.windows,
            convolution.samples,
            convolution.groups,
            convolution.in_channels,
            convolution.out_channels,
            weight,
            convolution.out_channels * depth,
            depth,
            taps,
            0,
            1}
      .run(x, bias, y);
}

template <class T>
void direct_convolve_back(const Convolution& convolution, const T* y, const T* weight, const T* bias, T* x) {
  const std::int64_t taps = convolution.windows.kernel_size(), depth = convolution.in_channels * taps;
  Direct<T>{turned_back(convolution.windows),
            convolution.samples,
            convolution.groups,
            convolution.out_channels,
            convolution.in_channels,
            weight,
            convolution.out_channels * depth,
            taps,
            depth,
            taps - 1,
            -1}
      .run(y, bias, x);
}

template <class T>
bool is_direct_weight(const Convolution& convolution) {
  const Windows& windows = convolution.windows;
  const std::int64_t filters = convolution.out_channels;
  constexpr std::int64_t lanes = most_lanes<T>;
  return windows.kernel_size() > 1 && convolution.in_channels * windows.kernel_size() >= 8 &&
         windows.axes[2].out >= 2 &&
         (filters * 3 >= round_up(filters, lanes) ||
          has_short_lines(windows, convolution.in_channels, filters));
}

template <class T>
void direct_convolution_weight(const Convolution& convolution, const T* x, const T* y, T* weight) {
  const Windows& windows = convolution.windows;
  const std::int64_t samples = convolution.samples, groups = convolution.groups,
                     channels = convolution.in_channels, filters = convolution.out_channels,
                     positions = windows.out_size(), depth = channels * windows.kernel_size(),
                     lanes = lanes_of<T>(), size = groups * round_up(filters, lanes) * depth;
  const Stripes stripes(windows, channels, 1);
  // Of few groups, parts of the samples are summed up at the same time, and then added up; of a large weight,
  // which would take much memory, parts of the filters.
  const bool is_large = groups * filters * depth > (1 << 18),
             is_alone =
                 is_large || groups >= 8 || samples * positions * filters * depth < 8 * products_per_part;
  const std::int64_t stretches = is_alone ? 1
                                          : std::clamp<std::int64_t>(samples * positions / 192, 1,
                                                                     std::min<std::int64_t>(samples, 8)),
                     block = is_large ? 2 * lanes : filters, parts = (filters + block - 1) / block;
  const Scratch<T> sums(stretches * size, Scratch<T>::Start::zero);
  T* const all_sums = sums.data();
  const auto part = [&](std::int64_t task, std::int64_t end) {
    for (; task < end; ++task)
      for (std::int64_t stripe = 0; stripe < stripes.count; ++stripe) {
        const Padded padded(stripes.stripe(stripe), channels);
        // Of samples with few windows, several at a time: else adding up takes long.
        const std::int64_t windows_of_one = padded.windows.out_size(), copied = padded.scratch(channels),
                           most = std::clamp<std::int64_t>(256 / windows_of_one, 1, 8);
        const Scratch<T> copy(most * copied, Scratch<T>::Start::zero),
            turned(most * windows_of_one * 2 * lanes);
        std::vector<std::int64_t> starts;
        for (std::int64_t i = 0; i < most; ++i)
          for (std::int64_t line = 0; line < padded.lines(); ++line)
            starts.push_back(i * (padded.is_input ? groups * channels * windows.in_size() : copied) +
                             padded.start(line));
        const std::int64_t first = task % parts * block, group = task / parts % groups,
                           stretch = task / parts / groups,
                           end_of_samples = (stretch + 1) * samples / stretches,
                           next = groups * channels * windows.in_size();
        for (std::int64_t sample = stretch * samples / stretches; sample < end_of_samples; sample += most) {
          const std::int64_t at = sample * groups + group, n = std::min(most, end_of_samples - sample);
          const T *const own = x + at * channels * windows.in_size(), *from = nullptr;
          for (std::int64_t i = n; i-- > 0;)
            from = padded_input(padded, channels, own + i * next, copy.data() + i * copied);
          const WeightPart<T> sum{&padded,
                                  depth,
                                  std::min(block, filters - first),
                                  positions,
                                  from,
                                  y + (at * filters + first) * positions + stripes.first(stripe),
                                  turned.data(),
                                  all_sums + (stretch * groups + group) * (size / groups) + first * depth,
                                  n,
                                  groups * filters * positions,
                                  starts.data()};
          sum_weight(sum);
        }
      }
  };
  parallel_products(stretches * groups * parts, samples / stretches * block * depth * positions, part);
  for (std::int64_t stretch = 1; stretch < stretches; ++stretch)
    add_sums(size, all_sums + stretch * size, all_sums);
  for (std::int64_t group = 0; group < groups; ++group)
    for (std::int64_t done = 0; done < filters; done += 2 * lanes) {
      const std::int64_t width = round_up(std::min(2 * lanes, filters - done), lanes);
      const T* const from = all_sums + group * (size / groups) + done * depth;
      for (std::int64_t f = 0; f < width; f += lanes) {
        const std::int64_t n = std::min(lanes, filters - done - f);
        scatter_planes<T>({depth, n}, from + f, width, depth, weight);
        weight += n * depth;
      }
    }
}

template bool is_direct<float>(const Convolution&);
template bool is_direct<double>(const Convolution&);
template bool is_direct_back<float>(const Convolution&);
template bool is_direct_back<double>(const Convolution&);
template void direct_convolve(const Convolution&, const float*, const float*, const float*, float*);
template void direct_convolve(const Convolution&, const double*, const double*, const double*, double*);
template void direct_convolve_back(const Convolution&, const float*, const float*, const float*, float*);
template void direct_convolve_back(const Convolution&, const double*, const double*, const double*, double*);

template bool is_direct_weight<float>(const Convolution&);
template bool is_direct_weight<double>(const Convolution&);
template void direct_convolution_weight(const Convolution&, const float*, const float*, float*);
template void direct_convolution_weight(const Convolution&, const double*, const double*, double*);

}  // namespace chainrule::kernels
