#include "kernels/products.h"

#include <type_traits>
#include <vector>

#include "kernels/lines.h"

namespace chainrule::kernels {
namespace {

/// The pairs, then what is outside of each, on every level, of numbers or packs that lie `step` apart. `room`
/// is for twice as many as there are, and some.
template <class T>
void products_of_others(std::int64_t n, const T* x, std::int64_t step, T* to, T* room, const auto& load,
                        const auto& store) {
  struct Level {
    const T* from;
    T* outside;
    std::int64_t count;
  } levels[64] = {{x, to, n}};
  std::size_t last = 0;
  for (T* at = room; levels[last].count > 1; ++last) {
    const T* const from = levels[last].from;
    const std::int64_t half = levels[last].count / 2, rest = levels[last].count - half;
    for (std::int64_t i = 0; i < half; ++i)
      store(load(from + i * step) * load(from + (half + i) * step), at + i * step);
    if (rest != half) store(load(from + 2 * half * step), at + half * step);
    levels[last + 1] = {at, at, rest};
    at += rest * step;
  }
  store(decltype(load(x))(T(1)), levels[last].outside);
  while (last-- > 0) {
    const auto [from, to_here, count] = levels[last];
    const T* const outside = levels[last + 1].outside;
    const std::int64_t half = count / 2;
    for (std::int64_t i = 0; i < half; ++i) {
      const auto a = load(from + i * step), b = load(from + (half + i) * step),
                 others = load(outside + i * step);
      store(others * b, to_here + i * step);
      store(others * a, to_here + (half + i) * step);
    }
    if (count % 2 != 0) store(load(outside + half * step), to_here + 2 * half * step);
  }
}

struct OthersOfLine {
  void operator()(const auto& line, const auto& in, const auto& out, std::int64_t, std::int64_t) const {
    using Line = std::decay_t<decltype(line)>;
    using P = typename Line::Pack;
    using T = typename P::Element;
    if constexpr (std::is_same_v<Line, AlongLanes<P>>) {
      std::vector<T> room(static_cast<std::size_t>(2 * n + 64));
      products_of_others(
          n, in[0], 1, out[0], room.data(), [](const T* from) { return *from; },
          [](T value, T* at) { *at = value; });
    } else {
      T room[3 * detail::short_line * P::lanes];
      products_of_others(
          n, in[0], line.at(1, 0), out[0], &room[0], [](const T* from) { return P::load(from); },
          [](const P& value, T* at) { value.store(at); });
    }
  }
  std::int64_t n;
};

}  // namespace

Array products_of_others(const Array& rows) {
  Array out(rows.shape(), rows.dtype());
  const std::int64_t n = rows.shape()[1];
  if (out.size() == 0) return out;
  dispatch_floating(rows.dtype(), [&]<class T>() {
    for_each_line<T, 1, 1>({rows.shape()[0], n, 1}, {rows.data<T>()}, {out.mutable_data<T>()},
                           OthersOfLine{n});
  });
  return out;
}

}  // namespace chainrule::kernels
