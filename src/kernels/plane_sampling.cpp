// Some points at a time: where they are along each axis, what follows for the pixels around them, and then
// one channel after the other. All loops are over the points, of a number that the compiler knows.

#include "kernels/plane_sampling.h"

#include <algorithm>
#include <cmath>

#include "chainrule/simd.h"
#include "kernels/keys.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

/// So many points at a time.
constexpr int some = 64;
template <class T>
using Lanes = T[std::size_t{some}];
/// A place where nothing is read.
constexpr std::int32_t nowhere = -1;

/// Along one axis: the pixels that points read, what these weigh, and how that changes with the coordinate.
/// Nothing weighs 0.
template <class T>
struct AlongAxis {
  Lanes<std::int32_t> pixel[4];
  Lanes<T> weight[4], slope[4];
};

/// What is read, and what comes of it.
template <class T>
struct SamplingTask {
  PlaneSampling of;
  const T *planes, *grid, *g;  ///< g is null in the forward direction
  T *samples, *to_planes, *to_grid;
};

/// The nearest whole number (0), or the one below (1).
template <int Direction, class P>
P whole_number(const P& x) {
  if constexpr (P::has_whole) return x.template whole<Direction>();
  return P::lane_by_lane([](auto each) { return Direction == 0 ? std::nearbyint(each) : std::floor(each); },
                         x);
}

/// Where a coordinate is read: within the image. And its derivative.
template <class P>
struct Within {
  P at, slope;
  Within(const P& given, double size, const PlaneSampling& of) : at(given), slope(1) {
    const double low = of.align_corners ? 0 : -0.5, span = of.align_corners ? size - 1 : size;
    if (of.beyond == BeyondEdges::reflection && span > 0) {
      const P from_low = at - low, distance = abs(from_low), turns = whole_number<1>(distance / span),
              beside = distance - turns * span;
      const auto even = turns == 2 * whole_number<1>(turns * 0.5);
      at = where(even, low + beside, low + span - beside);
      slope = sign(from_low);
      slope = where(even, slope, -slope);
    }
    const P last(size - 1);
    slope = where((at >= P(0)) & (at <= last), slope, P(0));
    at = where(at < P(0), P(0), where(at > last, last, at));
  }
};

template <class T>
struct SamplingLoop {
  template <int Bytes>
  static void run(const SamplingTask<T>* task, std::int64_t image, std::int64_t first, std::int64_t last) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    const PlaneSampling& of = task->of;
    int neighbours = 1;
    for (int axis = 0; axis < of.axes; ++axis) neighbours *= of.each;
    const std::int64_t pixels = of.pixels();
    AlongAxis<T> along[3];
    for (; first < last; first += some) {
      const int count = static_cast<int>(std::min<std::int64_t>(some, last - first));
      const T* const grid = task->grid + (image * of.points + first) * of.axes;
      for (int axis = 0; axis < of.axes; ++axis) find<P>(of, grid, count, axis, along[axis]);
      Lanes<T> values[most_sampled_channels], steepness[3] = {};
      const auto plane = [&](std::int64_t channel) { return image * of.channels + channel; };
      for (std::int64_t c = 0; c < of.channels; ++c) {
        std::fill_n(values[c], some, T(0));
        if (task->g != nullptr) std::copy_n(task->g + plane(c) * of.points + first, count, values[c]);
      }
      for (int k = 0; k < neighbours; ++k) {
        int which[3] = {};
        for (int axis = 0, rest = k; axis < of.axes; ++axis, rest /= of.each) which[axis] = rest % of.each;
        Lanes<std::int32_t> place;
        Lanes<T> weight;
        std::copy_n(along[0].pixel[which[0]], some, place);
        std::copy_n(along[0].weight[which[0]], some, weight);
        for (int axis = 1; axis < of.axes; ++axis) {
          const auto size = static_cast<std::int32_t>(of.sizes[static_cast<std::size_t>(axis)]);
          const auto& pixel = along[axis].pixel[which[axis]];
          for (int p = 0; p < some; ++p)
            place[p] = (place[p] | pixel[p]) < 0 ? nowhere : place[p] * size + pixel[p];
          multiply<P>(weight, along[axis].weight[which[axis]]);
        }
        Lanes<T> products = {};
        for (std::int64_t c = 0; c < of.channels; ++c) {
          Lanes<T> read;
          if (task->planes != nullptr) {
            const T* const from = task->planes + plane(c) * pixels;
            for (int p = 0; p < some; ++p) {
              const T pixel = from[place[p] < 0 ? 0 : place[p]];
              read[p] = place[p] < 0 ? T(0) : pixel;
            }
          }
          if (task->g == nullptr) {
            add_products<P>(values[c], weight, read);
            continue;
          }
          if (task->to_grid != nullptr) add_products<P>(products, values[c], read);
          if (task->to_planes == nullptr) continue;
          T* const to = task->to_planes + plane(c) * pixels;
          for (int p = 0; p < count; ++p)
            if (place[p] >= 0) to[place[p]] += weight[p] * values[c][p];
        }
        if (task->to_grid == nullptr) continue;
        for (int axis = 0; axis < of.axes; ++axis) {
          Lanes<T> change;
          std::copy_n(along[axis].slope[which[axis]], some, change);
          for (int other = 0; other < of.axes; ++other)
            if (other != axis) multiply<P>(change, along[other].weight[which[other]]);
          add_strong_products<P>(steepness[axis], products, change);
        }
      }
      if (task->g == nullptr)
        for (std::int64_t c = 0; c < of.channels; ++c)
          std::copy_n(values[c], count, task->samples + plane(c) * of.points + first);
      if (task->to_grid == nullptr) continue;
      T* const to = task->to_grid + (grid - task->grid);
      for (int axis = 0; axis < of.axes; ++axis)
        for (int p = 0; p < count; ++p) to[p * of.axes + of.axes - 1 - axis] = steepness[axis][p];
    }
  }

 private:
  template <class P>
  static void multiply(T* x, const T* by) {
    for (int p = 0; p < some; p += P::lanes) (P::load(x + p) * P::load(by + p)).store(x + p);
  }
  template <class P>
  static void add_products(T* to, const T* a, const T* b) {
    for (int p = 0; p < some; p += P::lanes)
      (P::load(to + p) + P::load(a + p) * P::load(b + p)).store(to + p);
  }

  /// The same where 0 times anything is 0.
  template <class P>
  static void add_strong_products(T* to, const T* a, const T* b) {
    for (int p = 0; p < some; p += P::lanes) {
      const P x = P::load(a + p), y = P::load(b + p);
      (P::load(to + p) + where((x == P(0)) | (y == P(0)), P(0), x * y)).store(to + p);
    }
  }

  /// Along one axis, of points whose coordinates begin at `grid`; those beyond `count` read what they may.
  template <class P>
  static void find(const PlaneSampling& of, const T* grid, int count, int axis, AlongAxis<T>& along) {
    const auto size = static_cast<double>(of.sizes[static_cast<std::size_t>(axis)]);
    const bool moves = of.beyond != BeyondEdges::zeros;
    Lanes<T> at, bases, rests, steepness;
    for (int p = 0; p < count; ++p) at[p] = grid[p * of.axes + of.axes - 1 - axis];
    std::fill(at + count, at + some, T(0));
    for (int p = 0; p < some; p += P::lanes) {
      P point = P::load(at + p) + 1, slope = (of.align_corners ? size - 1 : size) / 2;
      point = of.align_corners ? point * ((size - 1) / 2) : (point * size - 1) * 0.5;
      // Cubic interpolation moves the pixels one by one, linear interpolation the point.
      if (moves && of.each == 2) {
        const Within<P> within(point, size, of);
        point = within.at;
        slope = slope * within.slope;
      }
      const P base = of.each == 1 ? whole_number<0>(point) : whole_number<1>(point);
      base.store(bases + p);
      (point - base).store(rests + p);
      slope.store(steepness + p);
    }
    for (int i = 0; i < of.each; ++i) {
      const double beside = of.each == 4 ? i - 1 : i;
      const bool is_near = i == 1 || i == 2;
      Lanes<T> reals;
      for (int p = 0; p < some; p += P::lanes) {
        P real = P::load(bases + p) + beside;
        if (moves) real = Within<P>(real, size, of).at;
        const auto is_inside = (real >= P(0)) & (real <= P(size - 1));
        where(is_inside, real, P(nowhere)).store(reals + p);
        P weight = 1, slope = 0;
        if (of.each > 1) {
          const P t = P::load(rests + p), distance = abs(t - beside), sign = i < of.each / 2 ? T(1) : T(-1);
          weight = of.each == 2 ? (i == 0 ? 1 - t : t) : is_near ? keys_near(distance) : keys_far(distance);
          slope = of.each == 2 ? -sign
                  : is_near    ? sign * keys_near_slope(distance)
                               : sign * keys_far_slope(distance);
        }
        where(is_inside, weight, P(0)).store(along.weight[i] + p);
        const P steep = P::load(steepness + p);
        where(is_inside & (steep != P(0)), slope * steep, P(0)).store(along.slope[i] + p);
      }
      for (int p = 0; p < some; ++p) along.pixel[i][p] = static_cast<std::int32_t>(reals[p]);
    }
  }
};

template <class T>
void run(const SamplingTask<T>& task) {
  const PlaneSampling& of = task.of;
  const auto part = [&](std::int64_t image, std::int64_t begin, std::int64_t end) {
    // Images are float32: loops for float64 would take as much of the library again.
    if constexpr (std::is_same_v<T, float>)
      simd::vectorized<SamplingLoop<T>>(&task, image, begin, end);
    else
      SamplingLoop<T>::template run<16>(&task, image, begin, end);
  };
  const std::int64_t of_point = 16 * of.channels;
  if (task.to_planes != nullptr)  // where points of an image meet
    return parallel_for(of.count, parallel_grain / std::max<std::int64_t>(1, of.points * of_point) + 1,
                        [&](std::int64_t begin, std::int64_t end) {
                          for (; begin < end; ++begin) part(begin, 0, of.points);
                        });
  for (std::int64_t image = 0; image < of.count; ++image)
    parallel_for(of.points, parallel_grain / of_point + 1,
                 [&](std::int64_t begin, std::int64_t end) { part(image, begin, end); });
}

}  // namespace

template <class T>
void sample_planes(const PlaneSampling& of, const T* planes, const T* grid, T* samples) {
  run<T>({of, planes, grid, nullptr, samples, nullptr, nullptr});
}

template <class T>
void sample_planes_gradient(const PlaneSampling& of, const T* planes, const T* grid, const T* g, T* to_planes,
                            T* to_grid) {
  run<T>({of, planes, grid, g, nullptr, to_planes, to_grid});
}

template void sample_planes(const PlaneSampling&, const float*, const float*, float*);
template void sample_planes(const PlaneSampling&, const double*, const double*, double*);
template void sample_planes_gradient(const PlaneSampling&, const float*, const float*, const float*, float*,
                                     float*);
template void sample_planes_gradient(const PlaneSampling&, const double*, const double*, const double*,
                                     double*, double*);

}  // namespace chainrule::kernels
