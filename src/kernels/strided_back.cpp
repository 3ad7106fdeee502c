// Sums of tiles as in direct_convolution.cpp, a phase after the other, of a block of filters at a time. (The
// channels are those of y, and the filters make channels of x.)

#include "kernels/strided_back.h"

#include <array>
#include <numeric>

#include "kernels/depthwise_loops.h"
#include "kernels/direct_tiling.h"
#include "kernels/parallel.h"
#include "kernels/phases.h"

namespace chainrule::kernels {
namespace {

/// Products that a window may sum up: their weights, for a block of filters, are to stay in the cache.
constexpr std::int64_t deepest = 4096;

std::int64_t phases_of(const Windows& windows) {
  return windows.axes[0].stride * windows.axes[1].stride * windows.axes[2].stride;
}
/// What a window sums up over in a phase that has any elements of the kernel, in the mean.
std::int64_t mean_depth(const Convolution& convolution) {
  std::int64_t phases = 1;
  for (const WindowAxis& axis : convolution.windows.axes)
    phases *= std::min(axis.kernel, axis.stride / std::gcd(axis.stride, axis.dilation));
  return convolution.out_channels * convolution.windows.kernel_size() / phases;
}
Tiling tiling_back(const Convolution& convolution, std::int64_t lanes) {
  const WindowAxis& wide = convolution.windows.axes[2];
  return tiling<float>((wide.in + wide.stride - 1) / wide.stride, convolution.in_channels,
                       mean_depth(convolution), lanes, deepest);
}

/// The elements of x in one phase along each axis.
struct Lattice {
  std::array<std::int64_t, 3> phase;
  std::vector<std::int64_t> taps;                 ///< of the kernel, that are of this phase,
  std::vector<std::array<std::int64_t, 3>> from;  ///< and the elements of a turned window that these meet
};

std::vector<Lattice> lattices_of(const std::array<Turned, 3>& turned) {
  std::vector<Lattice> all;
  const auto& [deep, high, wide] = turned;
  for (std::int64_t d = 0; d < deep.of.stride; ++d)
    for (std::int64_t h = 0; h < high.of.stride; ++h)
      for (std::int64_t w = 0; w < wide.of.stride; ++w) {
        Lattice lattice{{d, h, w}, {}, {}};
        for_each_tap(turned, lattice.phase, [&](std::int64_t tap, const auto& at) {
          lattice.taps.push_back(tap);
          lattice.from.push_back(at);
        });
        all.push_back(std::move(lattice));
      }
  return all;
}

/// A part of a lattice: the windows of a stripe that make it.
struct Piece {
  Padded padded;  ///< its windows over the copy of y that all of them share
  std::int64_t start = 0;
  std::array<std::int64_t, 3> first;  ///< elements of x
};
/// The pieces that a stripe consists of.
struct Pieces {
  Pieces(const std::array<Turned, 3>& turned, const std::vector<Lattice>& lattices, const Stripes& stripes,
         std::int64_t stripe, std::int64_t channels)
      : shared(stripes.stripe(stripe), 0, true) {
    const std::int64_t cut = stripes.all.axes[stripes.axis].out, begin = stripe * cut / stripes.count,
                       end = (stripe + 1) * cut / stripes.count;
    for (const Lattice& lattice : lattices) {
      Piece piece{shared, 0, {}};
      const std::int64_t steps[3] = {shared.plane, shared.line, 1};
      for (std::size_t axis = 0; axis < 3; ++axis) {
        const Turned& along = turned[axis];
        const std::int64_t phase = lattice.phase[axis], start = along.start(phase),
                           from = axis == stripes.axis ? begin : 0,
                           to = axis == stripes.axis ? end : along.windows.out,
                           i = std::max<std::int64_t>(0, from - start),
                           n = std::max<std::int64_t>(0, std::min(along.count(phase), to - start) - i);
        piece.padded.windows.axes[axis].out = n;
        piece.first[axis] = along.first(phase) + i * along.of.stride;
        piece.start += (start + i - from) * steps[axis];
      }
      for (std::int64_t c = 0; c < channels; ++c)
        for (const auto& [d, h, w] : lattice.from)
          piece.padded.offsets.push_back(c * shared.channel + d * shared.plane + h * shared.line + w);
      all.push_back(std::move(piece));
    }
  }
  Padded shared;
  std::vector<Piece> all;
};

struct StridedBack {
  const Convolution& convolution;
  const std::array<Turned, 3> turned{Turned(convolution.windows.axes[0]), Turned(convolution.windows.axes[1]),
                                     Turned(convolution.windows.axes[2])};
  const std::vector<Lattice> lattices = lattices_of(turned);
  const Tiling tiles = tiling_back(convolution, lanes_of<float>());
  const std::int64_t groups = convolution.groups, channels = convolution.out_channels,
                     filters = convolution.in_channels, taps = convolution.windows.kernel_size(),
                     plane = convolution.windows.in_size(), plane_of_y = convolution.windows.out_size(),
                     all_filters = round_up(filters, tiles.unit);

  /// For each group, block of filters and phase: each product, its filters.
  void pack_weight(const float* weight, float* to) const {
    for (std::int64_t g = 0; g < groups; ++g, weight += channels * filters * taps)
      for (std::int64_t f0 = 0; f0 < filters; f0 += tiles.block) {
        const std::int64_t n = std::min(tiles.block, filters - f0);
        for (const Lattice& lattice : lattices)
          to = FilterWeight<float>{weight, taps, filters * taps}.pack(f0, n, round_up(n, tiles.unit), 0,
                                                                      channels, lattice.taps, to);
      }
  }

  void run(const float* y, const float* weight, const float* bias, float* x) const {
    const std::int64_t tasks = convolution.samples * groups, block = std::min(tiles.block, all_filters),
                       width_of_start = round_up(filters, tiles.block);
    const Windows windows{{turned[0].windows, turned[1].windows, turned[2].windows}};
    const Stripes stripes(windows, std::max(channels, block * phases_of(convolution.windows)), 16 / tasks);
    const Scratch<float> packed(groups * all_filters * channels * taps),
        start(groups * width_of_start, Scratch<float>::Start::zero);
    pack_weight(weight, packed.data());
    if (bias != nullptr)
      for (std::int64_t g = 0; g < groups; ++g)
        std::copy_n(bias + g * filters, filters, start.data() + g * width_of_start);
    const Pieces first(turned, lattices, stripes, 0, channels);
    const float *const all_packed = packed.data(), *const all_start = start.data();
    const auto part = [&](std::int64_t task, std::int64_t end) {
      while (task < end) {
        const std::int64_t stripe = task % stripes.count;
        const Pieces further =
            stripe == 0 ? Pieces(first) : Pieces(turned, lattices, stripes, stripe, channels);
        const Scratch<float> copy(further.shared.scratch(channels), Scratch<float>::Start::zero),
            results(size_of_results(further, block));
        do {
          const std::int64_t at = task / stripes.count, g = at % groups;
          const float* const from =
              padded_input(further.shared, channels, y + at * channels * plane_of_y, copy.data());
          for (std::int64_t f0 = 0; f0 < filters; f0 += tiles.block)
            make_block(further, f0, from, all_packed + (g * all_filters + f0) * channels * taps,
                       all_start + g * width_of_start + f0, results.data(), x + (at * filters + f0) * plane);
        } while (++task < end && stripes.count == 1);
      }
    };
    const std::int64_t products = filters * channels * taps * plane_of_y / stripes.count;
    parallel_products(tasks * stripes.count, products, part);
  }

 private:
  /// Of the phases along a line, which take turns.
  std::int64_t size_of_results(const Pieces& pieces, std::int64_t block) const {
    std::int64_t most = 0;
    for (std::size_t i = 0; i < pieces.all.size(); i += lines_at_once()) {
      std::int64_t size = 0;
      for (std::size_t w = 0; w < lines_at_once(); ++w)
        size += block * pieces.all[i + w].padded.windows.out_size();
      most = std::max(most, size);
    }
    return most;
  }
  std::size_t lines_at_once() const { return static_cast<std::size_t>(turned[2].of.stride); }

  void make_block(const Pieces& pieces, std::int64_t f0, const float* y, const float* weight,
                  const float* start, float* results, float* x) const {
    const auto& axes = convolution.windows.axes;
    const WindowAxis &deep = axes[0], &high = axes[1], &wide = axes[2];
    const std::int64_t n = std::min(tiles.block, filters - f0), row = round_up(n, tiles.unit) * channels;
    Turns turns{0, high.stride * wide.in, {}};
    std::vector<std::int64_t> planes;
    for (std::size_t i = 0; i < pieces.all.size(); i += lines_at_once()) {
      const Piece& one = pieces.all[i];
      const std::int64_t planes_of_one = one.padded.windows.axes[0].out,
                         lines = one.padded.windows.axes[1].out;
      // Where stripes are parts of lines: what is theirs.
      std::int64_t begin = wide.in, end = 0;
      for (std::size_t w = 0; w < lines_at_once(); ++w) {
        const std::int64_t first = pieces.all[i + w].first[2],
                           count = pieces.all[i + w].padded.windows.axes[2].out;
        begin = std::min(begin, first);
        end = std::max(end, first + (count - 1) * wide.stride + 1);
      }
      turns.width = end - begin;
      const auto x_of = [&](std::int64_t f, std::int64_t d) {
        return x + f * plane + ((one.first[0] + d * deep.stride) * high.in + one.first[1]) * wide.in + begin;
      };
      if (std::all_of(lattices.begin() + static_cast<std::ptrdiff_t>(i),
                      lattices.begin() + static_cast<std::ptrdiff_t>(i + lines_at_once()),
                      [](const Lattice& lattice) { return lattice.taps.empty(); })) {
        for (std::int64_t f = 0; f < n; ++f)
          for (std::int64_t d = 0; d < planes_of_one; ++d)
            for (std::int64_t h = 0; h < lines; ++h)
              std::fill_n(x_of(f, d) + h * turns.line_to, turns.width, start[f]);
        continue;
      }
      turns.all.clear();
      planes.clear();
      float* to = results;
      for (std::size_t w = 0; w < lines_at_once(); ++w) {
        const Piece& piece = pieces.all[i + w];
        const auto depth = static_cast<std::int64_t>(piece.padded.offsets.size());
        const Windows& windows = piece.padded.windows;
        const std::int64_t size = windows.out_size();
        if (depth == 0) {
          for (std::int64_t f = 0; f < n; ++f) std::fill_n(to + f * size, size, start[f]);
        } else if (size > 0) {
          const DirectPart<float> sum{&piece.padded, depth, n,  tiles.block, y + piece.start,
                                      weight,        start, to, size};
          tiles.by_windows ? sum_windows(sum) : sum_filters(sum);
        }
        turns.all.push_back({piece.first[2] - begin, to - results, windows.axes[2].out});
        planes.push_back(size);
        to += n * size;
        weight += row * static_cast<std::int64_t>(lattices[i + w].taps.size());
      }
      Turns these = turns;
      for (std::int64_t f = 0; f < n; ++f)
        for (std::int64_t d = 0; d < planes_of_one; ++d) {
          for (std::size_t w = 0; w < lines_at_once(); ++w)
            these.all[w].from = turns.all[w].from + f * planes[w] + d * lines * turns.all[w].line_from;
          take_turns(these, lines, results, x_of(f, d));
        }
    }
  }
};

}  // namespace

bool is_strided_back(const Convolution& convolution) {
  const Windows& windows = convolution.windows;
  const std::int64_t phases = phases_of(windows), depth = mean_depth(convolution),
                     filters = convolution.in_channels, line = windows.axes[2].in / windows.axes[2].stride;
  constexpr std::int64_t lanes = most_lanes<float>;
  return phases > 1 && phases <= 64 && depth >= 4 && depth <= deepest / 2 && filters > 1 && line >= 3 &&
         convolution.samples * windows.out_size() >= 96 &&
         tiling_back(convolution, lanes).cost * lanes <= 2 * line * filters * depth;
}
void strided_convolve_back(const Convolution& convolution, const float* y, const float* weight,
                           const float* bias, float* x) {
  StridedBack{convolution}.run(y, weight, bias, x);
}

}  // namespace chainrule::kernels
