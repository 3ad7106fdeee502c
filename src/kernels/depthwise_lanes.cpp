// Planes follow one another in memory, sample by sample. As many as a pack has lanes make a block, wherever a
// sample ends, and weights lie so that those of any such planes are neighbours. The first axis is cut into
// stripes that stay in the second-level cache.

#include "kernels/depthwise_lanes.h"

#include <algorithm>
#include <numeric>

#include "kernels/direct_loops.h"
#include "kernels/lane_loops.h"
#include "kernels/parallel.h"
#include "kernels/phases.h"

namespace chainrule::kernels {
namespace {

/// Packs that a stripe may read and write, about.
constexpr std::int64_t most_packs = 4096;

/// The elements that windows read, with their padding, in packs.
struct Tile {
  explicit Tile(const Windows& of) : windows(of) {
    std::int64_t reach[3], begin[3], end[3];
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const WindowAxis& along = windows.axes[axis];
      reach[axis] = (along.out - 1) * along.stride + (along.kernel - 1) * along.dilation + 1;
      begin[axis] = std::max<std::int64_t>(0, -along.before);
      end[axis] = std::min(along.in, reach[axis] - along.before);
    }
    const auto& [deep, high, wide] = windows.axes;
    line = reach[2];
    plane = reach[1] * line;
    packs = reach[0] * plane + 1;
    if (begin[0] >= end[0] || begin[1] >= end[1] || begin[2] >= end[2]) return;
    first = (begin[0] * high.in + begin[1]) * wide.in + begin[2];
    const std::int64_t last = ((end[0] - 1) * high.in + end[1] - 1) * wide.in + end[2] - 1;
    places.assign(static_cast<std::size_t>(last - first + 1), static_cast<std::int32_t>(packs - 1));
    for (std::int64_t d = begin[0]; d < end[0]; ++d)
      for (std::int64_t h = begin[1]; h < end[1]; ++h)
        for (std::int64_t w = begin[2]; w < end[2]; ++w)
          places[static_cast<std::size_t>((d * high.in + h) * wide.in + w - first)] =
              static_cast<std::int32_t>((d + deep.before) * plane + (h + high.before) * line + w +
                                        wide.before);
  }

  Windows windows;
  std::int64_t line, plane, packs;  ///< the last of which is for elements that no window reads
  std::int64_t first = 0;           ///< of the elements of a plane that have places here
  std::vector<std::int32_t> places;
};

/// A tile, and the elements of the result that are made of it.
struct Stripe {
  Stripe(const Windows& windows, std::int64_t first_of_result, std::int64_t size)
      : tile(windows), first(first_of_result), count(size), in_order(static_cast<std::size_t>(size)) {
    std::iota(in_order.begin(), in_order.end(), 0);
  }
  Tile tile;
  std::vector<Grid> grids;
  std::int64_t first, count;
  std::vector<std::int32_t> in_order;  ///< places of the elements of the result, where these are read
};

/// y, or what it is multiplied with, between two places of an axis.
Stripe stripe_of(Windows windows, std::size_t axis, std::int64_t begin, std::int64_t end) {
  const std::int64_t rest = windows.out_size() / windows.axes[axis].out;
  windows.axes[axis].before -= begin * windows.axes[axis].stride;
  windows.axes[axis].out = end - begin;
  Stripe stripe(windows, begin * rest, (end - begin) * rest);
  const auto& [deep, high, wide] = windows.axes;
  const Tile& tile = stripe.tile;
  Grid grid{{0, high.stride * tile.line, wide.stride},
            {0, wide.out, 1},
            high.out,
            wide.out,
            {},
            std::vector<std::int64_t>(static_cast<std::size_t>(windows.kernel_size()))};
  std::iota(grid.taps.begin(), grid.taps.end(), 0);
  for (std::int64_t i = 0; i < deep.kernel; ++i)
    for (std::int64_t j = 0; j < high.kernel; ++j)
      for (std::int64_t k = 0; k < wide.kernel; ++k)
        grid.offsets.push_back(i * deep.dilation * tile.plane + j * high.dilation * tile.line +
                               k * wide.dilation);
  for (std::int64_t d = 0; d < deep.out; ++d) {
    grid.from.first = d * deep.stride * tile.plane;
    grid.to.first = d * high.out * wide.out;
    stripe.grids.push_back(grid);
  }
  return stripe;
}

/// x between two places of an axis: of elements that are a stride apart, each meets the same taps.
Stripe stripe_back(Windows windows, std::size_t axis, std::int64_t begin, std::int64_t end) {
  const std::int64_t rest = windows.in_size() / windows.axes[axis].in;
  windows.axes[axis].before += begin;
  windows.axes[axis].in = end - begin;
  const std::array turned{Turned(windows.axes[0]), Turned(windows.axes[1]), Turned(windows.axes[2])};
  const auto& [deep, high, wide] = turned;
  Stripe stripe({deep.windows, high.windows, wide.windows}, begin * rest, (end - begin) * rest);
  const Tile& tile = stripe.tile;
  for (std::int64_t d = 0; d < deep.of.in; ++d)
    for (std::int64_t h = 0; h < high.of.stride; ++h)
      for (std::int64_t w = 0; w < wide.of.stride; ++w) {
        const std::int64_t plane = rounded_down(d + deep.of.before, deep.of.stride),
                           phase = d + deep.of.before - plane * deep.of.stride;
        Grid grid{
            {(plane - deep.lowest) * tile.plane + high.start(h) * tile.line + wide.start(w), tile.line, 1},
            {(d * high.of.in + high.first(h)) * wide.of.in + wide.first(w), high.of.stride * wide.of.in,
             wide.of.stride},
            high.count(h),
            wide.count(w),
            {},
            {}};
        for_each_tap(turned, {phase, h, w}, [&](std::int64_t tap, const auto& at) {
          grid.offsets.push_back(at[0] * tile.plane + at[1] * tile.line + at[2]);
          grid.taps.push_back(tap);
        });
        stripe.grids.push_back(std::move(grid));
      }
  return stripe;
}

/// How the planes are cut: into blocks of as many as there are lanes, and along their first axis.
struct Pieces {
  using Make = Stripe(Windows, std::size_t, std::int64_t, std::int64_t);
  Pieces(const Convolution& convolution, std::int64_t of_lanes, std::int64_t WindowAxis::*size, Make* make)
      : lanes(of_lanes), planes(convolution.samples * convolution.groups) {
    const Windows& windows = convolution.windows;
    std::size_t axis = 0;
    while (axis < 2 && windows.axes[axis].*size == 1) ++axis;
    const WindowAxis& cut = windows.axes[axis];
    const std::int64_t length = cut.*size, packs = windows.in_size() + windows.out_size(),
                       // Each reads as much as its kernel reaches over once more.
        least = std::max<std::int64_t>(4, 2 * (cut.kernel - 1) * cut.dilation);
    blocks = (planes + lanes - 1) / lanes;
    const std::int64_t count = std::clamp<std::int64_t>((packs + most_packs - 1) / most_packs, 1,
                                                        std::max<std::int64_t>(1, length / least));
    for (std::int64_t i = 0; i < count; ++i)
      stripes.push_back(make(windows, axis, i * length / count, (i + 1) * length / count));
    products = windows.kernel_size() * windows.out_size() * lanes / count;
  }
  std::int64_t first(std::int64_t block) const { return block * lanes; }
  std::int64_t count(std::int64_t block) const { return std::min(lanes, planes - block * lanes); }

  std::int64_t lanes, planes, blocks, products;
  std::vector<Stripe> stripes;
};

/// A row for each tap, and one for the bias: those of the groups, and of the first ones once more, as planes
/// of the next sample follow. Several times, for parts to sum up.
template <class T>
struct Rows {
  using Start = typename Scratch<T>::Start;
  Rows(const Convolution& convolution, std::int64_t lanes, std::int64_t copies = 1)
      : groups(convolution.groups),
        taps(convolution.windows.kernel_size()),
        row(round_up(groups + lanes - 1, lanes)),
        numbers(copies * (taps + 1) * row, Start::zero) {}
  T* of(std::int64_t tap, std::int64_t plane, std::int64_t copy = 0) const {
    return numbers.data() + (copy * (taps + 1) + tap) * row + plane % groups;
  }
  void fill(const T* weight, const T* bias) const {
    for (std::int64_t t = 0; t <= taps; ++t)
      for (std::int64_t i = 0; i < row; ++i) {
        const std::int64_t group = i % groups;
        if (t < taps)
          of(t, 0)[i] = weight[group * taps + t];
        else if (bias != nullptr)
          of(t, 0)[i] = bias[group];
      }
  }
  std::int64_t groups, taps, row;
  Scratch<T> numbers;
};

/// y from x, or x from y, stripe by stripe.
template <class T>
void convolve_planes(const Convolution& convolution, const Pieces& pieces, const T* from,
                     std::int64_t plane_from, const T* weight, const T* bias, T* to, std::int64_t plane_to) {
  const Rows<T> rows(convolution, pieces.lanes);
  rows.fill(weight, bias);
  const auto part = [&](std::int64_t task, std::int64_t end) {
    while (task < end) {
      const std::int64_t number = task / pieces.blocks, stop = std::min(end, (number + 1) * pieces.blocks);
      const Stripe& stripe = pieces.stripes[static_cast<std::size_t>(number)];
      const Scratch<T> read(stripe.tile.packs * pieces.lanes, Scratch<T>::Start::zero),
          made(stripe.count * pieces.lanes);
      for (; task < stop; ++task) {
        const std::int64_t block = task % pieces.blocks, first = pieces.first(block),
                           count = pieces.count(block);
        gather_planes<T>({plane_from, count}, from + first * plane_from + stripe.tile.first,
                         stripe.tile.places, read.data());
        for (const Grid& grid : stripe.grids)
          sum_grid<T>(grid, read.data(), rows.of(0, first), rows.row, rows.of(rows.taps, first), made.data());
        scatter_planes<T>({plane_to, count}, made.data(), pieces.lanes, stripe.count,
                          to + first * plane_to + stripe.first);
      }
    }
  };
  parallel_products(static_cast<std::int64_t>(pieces.stripes.size()) * pieces.blocks, pieces.products, part);
}

/// Lines that are written in packs.
constexpr std::int64_t long_line = most_lanes<float>;

/// Whether nothing is gained where lines are long: there are few planes, or the kernel and the stride are
/// small, or planes are whole pages, which evict one another from the first-level cache.
bool suits_lines(const Convolution& convolution, std::int64_t longest_stride) {
  const Windows& windows = convolution.windows;
  const std::int64_t plane = windows.in_size();
  return convolution.samples * convolution.groups < 8 || (plane % 1024 == 0 && plane >= 4096) ||
         (windows.axes[2].stride <= longest_stride && windows.kernel_size() <= 9);
}

}  // namespace

bool suits_lanes(const Convolution& convolution) {
  return convolution.windows.axes[2].out < long_line || !suits_lines(convolution, 2);
}
bool suits_lanes_back(const Convolution& convolution) {
  const WindowAxis& wide = convolution.windows.axes[2];
  return wide.in / wide.stride < long_line || !suits_lines(convolution, 1);
}
bool suits_lanes_for_weight(const Convolution& convolution) {
  return convolution.windows.axes[2].out < long_line || convolution.samples * convolution.groups >= 8;
}

template <class T>
void lanes_convolve(const Convolution& convolution, const T* x, const T* weight, const T* bias, T* y) {
  convolve_planes<T>(convolution, {convolution, lanes_of<T>(), &WindowAxis::out, stripe_of}, x,
                     convolution.windows.in_size(), weight, bias, y, convolution.windows.out_size());
}

template <class T>
void lanes_convolve_back(const Convolution& convolution, const T* y, const T* weight, const T* bias, T* x) {
  convolve_planes<T>(convolution, {convolution, lanes_of<T>(), &WindowAxis::in, stripe_back}, y,
                     convolution.windows.out_size(), weight, bias, x, convolution.windows.in_size());
}

template <class T>
void lanes_convolution_weight(const Convolution& convolution, const T* x, const T* y, T* weight) {
  const Windows& windows = convolution.windows;
  const Pieces pieces(convolution, lanes_of<T>(), &WindowAxis::out, stripe_of);
  const std::int64_t taps = windows.kernel_size(), in = windows.in_size(), out = windows.out_size();
  // Parts of the planes are summed up at the same time, and then added up.
  const std::int64_t stretches =
      pieces.planes * taps * out < 8 * products_per_part ? 1 : std::min<std::int64_t>(pieces.blocks, 8);
  const Rows<T> sums(convolution, pieces.lanes, stretches);
  const auto part = [&](std::int64_t stretch, std::int64_t end) {
    for (; stretch < end; ++stretch)
      for (const Stripe& stripe : pieces.stripes) {
        const Scratch<T> read(stripe.tile.packs * pieces.lanes, Scratch<T>::Start::zero),
            met(stripe.count * pieces.lanes);
        for (std::int64_t block = stretch * pieces.blocks / stretches;
             block < (stretch + 1) * pieces.blocks / stretches; ++block) {
          const std::int64_t first = pieces.first(block), count = pieces.count(block);
          gather_planes<T>({in, count}, x + first * in + stripe.tile.first, stripe.tile.places, read.data());
          gather_planes<T>({out, count}, y + first * out + stripe.first, stripe.in_order, met.data());
          for (const Grid& grid : stripe.grids)
            sum_grid_products<T>(grid, read.data(), met.data(), sums.row, count, sums.of(0, first, stretch));
        }
      }
  };
  parallel_for(stretches, 1, part);
  for (std::int64_t stretch = 0; stretch < stretches; ++stretch)
    for (std::int64_t t = 0; t < taps; ++t)
      for (std::int64_t i = 0; i < sums.row; ++i)
        weight[i % sums.groups * taps + t] += sums.of(t, 0, stretch)[i];
}

template void lanes_convolve(const Convolution&, const float*, const float*, const float*, float*);
template void lanes_convolve(const Convolution&, const double*, const double*, const double*, double*);
template void lanes_convolve_back(const Convolution&, const float*, const float*, const float*, float*);
template void lanes_convolve_back(const Convolution&, const double*, const double*, const double*, double*);
template void lanes_convolution_weight(const Convolution&, const float*, const float*, float*);
template void lanes_convolution_weight(const Convolution&, const double*, const double*, double*);

}  // namespace chainrule::kernels
