// One loop for places that follow each other, one for single elements, one for slices, and one for places of
// each element's own.

#include "kernels/places.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "chainrule/simd.h"
#include "kernels/runs.h"

namespace chainrule::kernels {
namespace {

/// Calls body(at, list) for each of the outer ones, which begins with element `at`.
template <class Body>
void for_each_outer(const PlacesAlong& places, const Body& body) {
  for (std::int64_t i = 0; i < places.outer; ++i)
    body(i * places.size * places.inner, places.list + (places.each ? i * places.count : 0));
}

/// Do most of the first places come several times in a row? Then a sum in memory would be waited for each
/// time.
bool repeats(const std::int64_t* list, std::int64_t count) {
  std::int64_t same = 0;
  const std::int64_t few = std::min<std::int64_t>(count, 8);
  for (std::int64_t k = 1; k < few; ++k) same += list[k] == list[k - 1] ? 1 : 0;
  return 2 * same > few;
}

/// Places that follow each other: so many from `place` on.
struct Run {
  std::int64_t place, count;
};
/// All places of a list, or none where there are not much fewer runs than places.
std::vector<Run> runs_of(const PlacesAlong& places) {
  constexpr std::int64_t few = 16;
  std::vector<Run> runs;
  if (places.each || places.count < few) return runs;
  const std::int64_t* const middle = places.list + (places.count - few) / 2;  // as padding is at the ends
  std::int64_t follow = 0;
  for (std::int64_t k = 1; k < few; ++k) follow += middle[k] == middle[k - 1] + 1 ? 1 : 0;
  if (2 * follow < few) return runs;
  for (std::int64_t k = 0; k < places.count;) {
    if (4 * static_cast<std::int64_t>(runs.size()) > few + k) return {};
    const std::int64_t begin = k, place = places.list[k];
    do ++k;
    while (k < places.count && places.list[k] == place + (k - begin));
    runs.push_back({place, k - begin});
  }
  return runs;
}

/// Of each line of so many bytes the runs, one behind the other, in elements of `item` bytes.
struct TakeRuns {
  template <int Width>
  static void run(const std::vector<Run>* runs, std::int64_t item, std::int64_t lines, std::int64_t line,
                  const std::byte* from, std::byte* to) {
    for (std::int64_t i = 0; i < lines; ++i, from += line)
      for (const auto& [place, count] : *runs) {
        copy_run<Width>(from + place * item, to, count * item);
        to += count * item;
      }
  }
};

/// T is unsigned for integers, which wrap around.
template <class T, class E>
void add(const PlacesAlong& places, const E* from, E* to) {
  const std::int64_t count = places.count, inner = places.inner, size = places.size * inner,
                     near = std::max<std::int64_t>(1, 32768 / size) * size, all = places.outer * size;
  const std::vector<Run> runs = runs_of(places);
  std::int64_t cleared = 0;
  for_each_outer(places, [&](std::int64_t at, const std::int64_t* __restrict list) {
    E* __restrict const sums = to + at;
    const E* __restrict const line = from;
    if (at == cleared) {  // some of it at a time, which is then near the processor
      std::memset(sums, 0, static_cast<std::size_t>(std::min(near, all - at)) * sizeof(E));
      cleared += near;
    }
    const auto add_to = [=](std::int64_t place, std::int64_t k) {
      sums[place] = static_cast<E>(static_cast<T>(sums[place]) + static_cast<T>(line[k]));
    };
    if (!runs.empty()) {
      std::int64_t k = 0;
      for (const Run& run : runs)
        for (std::int64_t place = run.place * inner, end = place + run.count * inner; place < end;
             ++place, ++k)
          add_to(place, k);
    } else if (inner == 1 && repeats(list, count)) {
      std::int64_t last = list[0];
      T sum = static_cast<T>(sums[last]);
      for (std::int64_t k = 0; k < count; ++k) {
        if (const std::int64_t place = list[k]; place != last) {
          sums[last] = static_cast<E>(sum);
          sum = static_cast<T>(sums[last = place]);
        }
        sum = sum + static_cast<T>(line[k]);
      }
      sums[last] = static_cast<E>(sum);
    } else if (inner == 1) {
      for (std::int64_t k = 0; k < count; ++k) add_to(list[k], k);
    } else if (places.each)
      for (std::int64_t k = 0; k < count; k += inner)
        for (std::int64_t j = 0; j < inner; ++j) add_to(list[k + j] * inner + j, k + j);
    else
      for (std::int64_t k = 0; k < count; ++k)
        for (std::int64_t j = 0; j < inner; ++j) add_to(list[k] * inner + j, k * inner + j);
    from += places.each ? count : count * inner;
  });
}

/// The signs of each place, and of what lies behind it, for all together.
struct SignsLoop {
  template <int>
  static void run(const std::int64_t* given, std::int64_t count, std::int64_t size, std::uint64_t* out) {
    std::uint64_t signs = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const auto place = static_cast<std::uint64_t>(given[i]);
      signs |= place | (static_cast<std::uint64_t>(size) - 1 - place);
    }
    *out = signs;
  }
};

}  // namespace

void take_places(const PlacesAlong& places, const Array& x, Array& out) {
  if (const std::vector<Run> runs = runs_of(places); !runs.empty()) {
    const std::int64_t item = places.inner * static_cast<std::int64_t>(item_size(x.dtype()));
    return simd::vectorized<TakeRuns>(&runs, item, places.outer, places.size * item,
                                      static_cast<const std::byte*>(x.raw()),
                                      static_cast<std::byte*>(out.mutable_raw()));
  }
  dispatch_by_size(out.dtype(), [&]<class T>() {
    const auto* from = static_cast<const T*>(x.raw());
    auto* to = static_cast<T*>(out.mutable_raw());
    const std::int64_t count = places.count, inner = places.inner;
    for_each_outer(places, [&](std::int64_t at, const std::int64_t* __restrict list) {
      const T* __restrict const slices = from + at;
      T* __restrict const line = to;
      if (inner == 1)
#pragma GCC unroll 4
        for (std::int64_t k = 0; k < count; ++k) line[k] = slices[list[k]];
      else if (places.each)
        for (std::int64_t k = 0; k < count; k += inner)
          for (std::int64_t j = 0; j < inner; ++j) line[k + j] = slices[list[k + j] * inner + j];
      else
        for (std::int64_t k = 0; k < count; ++k)
          std::copy_n(slices + list[k] * inner, inner, line + k * inner);
      to += places.each ? count : count * inner;
    });
  });
}

void add_at_places(const PlacesAlong& places, const Array& values, Array& out) {
  if (out.dtype() == DType::int64)
    return add<std::uint64_t>(places, values.data<std::int64_t>(), out.mutable_data<std::int64_t>());
  dispatch_floating(out.dtype(), [&]<class T>() { add<T>(places, values.data<T>(), out.mutable_data<T>()); });
}

bool are_places(const std::int64_t* list, std::int64_t count, std::int64_t size) {
  std::uint64_t signs = 0;
  simd::vectorized<SignsLoop>(list, count, size, &signs);
  return static_cast<std::int64_t>(signs) >= 0;
}

}  // namespace chainrule::kernels
