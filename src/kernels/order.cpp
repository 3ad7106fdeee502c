// Elements are compared by keys, whole numbers in the same order. What is to be sorted as a whole is so by
// the bytes of its keys, from the last to the first, or, if it is short, by counting what is before each; of
// which only a few are wanted, by keeping the best so far.

#include "kernels/order.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "chainrule/simd.h"
#include "kernels/extremum.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

/// Signed, as processors compare packs of these.
std::int32_t key_of(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x + 0.0F);  // -0 equals 0
  const std::int32_t key = bits < 0 ? bits ^ std::numeric_limits<std::int32_t>::max() : bits;
  return x != x ? std::numeric_limits<std::int32_t>::max() : key;
}
std::int64_t key_of(double x) {
  const auto bits = std::bit_cast<std::int64_t>(x + 0.0);
  const std::int64_t key = bits < 0 ? bits ^ std::numeric_limits<std::int64_t>::max() : bits;
  return x != x ? std::numeric_limits<std::int64_t>::max() : key;
}
std::int64_t key_of(std::int64_t x) { return x; }
std::int32_t key_of(bool x) { return x ? 1 : 0; }

/// Keys are compared in groups: of each chunk of a line, as many as there are lanes, each with every lanes-th
/// key.
constexpr std::int64_t lanes = 16, chunk = 16 * lanes;

/// The keys of a line, and the least one of each group. Plain loops, compiled for each instruction set.
template <class Key, class T>
struct KeysLoop {
  template <int>
  static void run(const T* from, std::int64_t n, Key flip, Key* keys) {
    for (std::int64_t i = 0; i < n; ++i) keys[i] = static_cast<Key>(key_of(from[i])) ^ flip;
  }
};
template <class Key>
struct LeastLoop {
  template <int>
  static void run(const Key* keys, std::int64_t n, Key* least) {
    for (; n > 0; keys += chunk, n -= chunk, least += lanes) {
      Key here[lanes];
      for (std::int64_t j = 0; j < lanes; ++j) here[j] = keys[j < n ? j : 0];
      std::int64_t i = lanes;
      for (; i + lanes <= std::min(n, chunk); i += lanes)
        for (std::int64_t j = 0; j < lanes; ++j) here[j] = std::min(here[j], keys[i + j]);
      for (std::int64_t j = 0; i + j < std::min(n, chunk); ++j) here[j] = std::min(here[j], keys[i + j]);
      for (std::int64_t j = 0; j < lanes; ++j) least[j] = here[j];
    }
  }
};
/// How many keys are before each, where equal ones come in the order of their places.
template <class Key>
struct RanksLoop {
  template <int>
  static void run(const Key* keys, std::int64_t n, Key* ranks) {
    std::fill_n(ranks, n, Key(0));
    for (std::int64_t j = 0; j < n; ++j) {
      const Key key = keys[j], place = static_cast<Key>(j);
      for (std::int64_t i = 0; i < n; ++i)
        ranks[i] += static_cast<Key>((key < keys[i]) | ((key == keys[i]) & (place < static_cast<Key>(i))));
    }
  }
};
/// The k-th smallest key, bit by bit, and how many are smaller: passes without a branch.
template <class Key>
struct SelectLoop {
  template <int>
  static void run(const Key* keys, std::int64_t n, std::int64_t k, Key* found, std::int64_t* smaller) {
    using Bits = std::make_unsigned_t<Key>;
    auto low = static_cast<Bits>(std::numeric_limits<Key>::min());
    *smaller = 0;
    for (int bit = 8 * sizeof(Key); bit-- > 0;) {
      const auto next = static_cast<Key>(low + (Bits{1} << bit));
      Key below = 0;
      for (std::int64_t i = 0; i < n; ++i) below += keys[i] < next ? 1 : 0;
      if (below > k) continue;
      low = static_cast<Bits>(next);
      *smaller = below;
    }
    *found = static_cast<Key>(low);
  }
};

/// A line of keys, and room to sort them with their places.
template <class Key>
class Sorter {
 public:
  explicit Sorter(std::int64_t n) : n_(n), keys_(new Key[size()]) {}

  // None of these is compiled anew for each that calls it.
  template <class T>
  [[gnu::noinline]] void read(const T* from, std::int64_t step, bool descending) {
    const Key flip = descending ? Key(-1) : Key(0);  // ~key has the reverse order
    Key* const keys = keys_.get();
    if (step == 1)
      simd::vectorized<KeysLoop<Key, T>>(from, n_, flip, keys);
    else
      for (std::int64_t i = 0; i < n_; ++i) keys[i] = static_cast<Key>(key_of(from[i * step])) ^ flip;
  }
  [[gnu::noinline]] void write(std::int64_t count, std::int64_t* to, std::int64_t step) {
    const Item* const found = (count <= few || count <= n_ / much) && count < n_ ? best(count) : sorted();
    for (std::int64_t i = 0; i < count; ++i) to[i * step] = static_cast<std::int64_t>(found[i].place);
  }
  /// The place of the k-th smallest.
  [[gnu::noinline]] std::int64_t kth(std::int64_t k, bool prefer_nan) {
    const Key *const begin = keys_.get(), *const end = begin + n_;
    if (prefer_nan)
      if (const Key* nan = std::find(begin, end, std::numeric_limits<Key>::max()); nan != end)
        return nan - begin;
    Key key = 0;
    std::int64_t smaller = 0;
    simd::vectorized<SelectLoop<Key>>(begin, n_, k, &key, &smaller);
    const Key* at = std::find(begin, end, key);
    for (; smaller < k; ++smaller) at = std::find(at + 1, end, key);
    return at - begin;
  }

 private:
  using Unsigned = std::make_unsigned_t<Key>;
  struct Item {
    Unsigned key;
    Unsigned place;
    friend bool operator<(const Item& a, const Item& b) {
      return a.key != b.key ? a.key < b.key : a.place < b.place;
    }
  };
  static constexpr std::int64_t few = 32, much = 256, short_line = 64;
  static constexpr int bytes = sizeof(Key), values = 256;
  static constexpr Unsigned sign = Unsigned{1} << (8 * bytes - 1);

  std::size_t size() const { return static_cast<std::size_t>(n_); }

  /// The first `count` in order. As many groups have a least key up to `bound`, so that nothing beyond it is
  /// wanted, and other groups need not be gone through.
  const Item* best(std::int64_t count) {
    if (!items_) items_.reset(new Item[size()]);
    if (count == 0) return items_.get();
    const Key* const keys = keys_.get();
    least_.resize(static_cast<std::size_t>((n_ + chunk - 1) / chunk * lanes));
    simd::vectorized<LeastLoop<Key>>(keys, n_, least_.data());
    const Key bound = bound_of(count);
    Item* last = items_.get();
    for (std::size_t k = 0; k < least_.size(); ++k) {
      if (least_[k] > bound) continue;
      const std::int64_t first = static_cast<std::int64_t>(k) / lanes * chunk,
                         end = std::min(first + chunk, n_);
      for (std::int64_t i = first + static_cast<std::int64_t>(k) % lanes; i < end; i += lanes)
        if (keys[i] <= bound) *last++ = {static_cast<Unsigned>(keys[i]) ^ sign, static_cast<Unsigned>(i)};
    }
    constexpr std::int64_t so_few = 64;
    if (last - items_.get() <= so_few)
      std::sort(items_.get(), last);
    else
      std::partial_sort(items_.get(), items_.get() + count, last);
    return items_.get();
  }
  /// A key that at least `count` are not beyond, of which there are enough groups; not many more, if they are
  /// in no order.
  Key bound_of(std::int64_t count) {
    if (n_ < chunk) return std::numeric_limits<Key>::max();
    // Of a chunk that is not whole, groups may be empty: they repeat the first key.
    auto groups = n_ / chunk * lanes;
    ordered_.assign(least_.begin(), least_.begin() + groups);
    for (; groups % 2 == 0 && groups >= 4 * count; groups /= 2)
      for (std::int64_t i = 0; i < groups / 2; ++i)
        ordered_[static_cast<std::size_t>(i)] = std::min(ordered_[static_cast<std::size_t>(i)],
                                                         ordered_[static_cast<std::size_t>(i + groups / 2)]);
    if (groups < count) return std::numeric_limits<Key>::max();
    std::nth_element(ordered_.begin(), ordered_.begin() + (count - 1), ordered_.begin() + groups);
    return ordered_[static_cast<std::size_t>(count - 1)];
  }

  const Item* sorted() {
    if (!items_) items_.reset(new Item[2 * size()]);
    Item *from = items_.get(), *to = from + n_;
    if (n_ <= short_line) {
      Key ranks[short_line];
      simd::vectorized<RanksLoop<Key>>(static_cast<const Key*>(keys_.get()), n_, &ranks[0]);
      for (std::int64_t i = 0; i < n_; ++i) from[ranks[i]].place = static_cast<Unsigned>(i);
      return from;
    }
    Unsigned differing = 0;
    for (std::int64_t i = 0; i < n_; ++i) {
      from[i] = {static_cast<Unsigned>(keys_[i]) ^ sign, static_cast<Unsigned>(i)};
      differing |= static_cast<Unsigned>(keys_[i] ^ keys_[0]);
    }
    for (int byte = 0; byte < bytes; ++byte) {
      if (digit(differing, byte) == 0) continue;  // all the same
      std::int64_t count[values] = {};
      for (std::int64_t i = 0; i < n_; ++i) ++count[digit(from[i].key, byte)];
      std::int64_t before = 0;
      for (std::int64_t& each : count) before += std::exchange(each, before);
      for (std::int64_t i = 0; i < n_; ++i) to[count[digit(from[i].key, byte)]++] = from[i];
      std::swap(from, to);
    }
    return from;
  }
  static std::size_t digit(Unsigned key, int byte) { return key >> (8 * byte) & (values - 1); }

  std::int64_t n_;
  std::unique_ptr<Key[]> keys_;
  std::unique_ptr<Item[]> items_;
  std::vector<Key> least_, ordered_;  // of the groups
};

/// What is wanted of each line: the first `count` places in order, or one.
struct Wanted {
  std::int64_t count;
  bool descending;
  std::optional<std::int64_t> kth = {};
  bool prefer_nan = false;
};
template <class Key, class T>
void find(const Array& x, const Lines& lines, const Wanted& wanted, std::int64_t* to) {
  const T* const from = x.data<T>();
  const std::int64_t inner = lines.inner, grain = std::max<std::int64_t>(1, parallel_grain / 8 / lines.n);
  parallel_for(lines.outer * inner, grain, [&](std::int64_t begin, std::int64_t end) {
    Sorter<Key> sorter(lines.n);
    for (std::int64_t line = begin; line < end; ++line) {
      const std::int64_t i = line / inner, j = line % inner;
      sorter.read(from + i * lines.n * inner + j, inner, wanted.descending);
      if (wanted.kth)
        to[line] = sorter.kth(*wanted.kth, wanted.prefer_nan);
      else
        sorter.write(wanted.count, to + i * wanted.count * inner + j, inner);
    }
  });
}
Array found(const Array& x, const Lines& lines, const Wanted& wanted) {
  Array out({lines.outer, wanted.count, lines.inner}, DType::int64);
  if (out.size() == 0) return out;
  dispatch(x.dtype(), [&]<class T>() {
    using Key = decltype(key_of(T()));
    auto* const to = out.mutable_data<std::int64_t>();
    if (lines.n <= std::numeric_limits<std::int32_t>::max())  // a place has as many bits as a key
      find<Key, T>(x, lines, wanted, to);
    else
      find<std::int64_t, T>(x, lines, wanted, to);
  });
  return out;
}

/// The first extreme of whole numbers, as the largest where ~x has the reverse order. Without branches, which
/// no processor could foresee: of short lines four go on together, of a long one each block's largest is
/// found first, and in the best block its place. Plain loops, compiled for each instruction set.
template <class T>
struct ExtremesOfLines {
  template <int>
  static void run(const T* x, std::int64_t n, std::int64_t flip, std::int64_t begin, std::int64_t end,
                  std::int64_t* to) {
    constexpr std::int64_t together = 4, short_line = 32;
    std::int64_t line = begin;
    for (; n <= short_line && line + together <= end; line += together)
      short_lines<together>(x + line * n, n, flip, to + line);
    for (; line < end; ++line) to[line] = place(x + line * n, n, flip);
  }

 private:
  template <int Count>
  static void short_lines(const T* x, std::int64_t n, std::int64_t flip, std::int64_t* to) {
    std::int64_t best[Count], at[Count] = {};
    for (int line = 0; line < Count; ++line) best[line] = x[line * n] ^ flip;
    for (std::int64_t k = 1; k < n; ++k)
#pragma GCC unroll 4
      for (int line = 0; line < Count; ++line) {
        const std::int64_t element = x[line * n + k] ^ flip;
        const std::int64_t is_new = -static_cast<std::int64_t>(element > best[line]);  // all bits, or none
        at[line] ^= (at[line] ^ k) & is_new;
        best[line] ^= (best[line] ^ element) & is_new;
      }
    std::copy_n(at, Count, to);
  }
  static std::int64_t place(const T* x, std::int64_t n, std::int64_t flip) {
    constexpr std::int64_t block = 256;
    std::int64_t best = x[0] ^ flip, at = 0;
    for (std::int64_t first = 0; first < n; first += block) {
      std::int64_t here = best;
      for (std::int64_t k = first, end = std::min(n, first + block); k < end; ++k)
        here = std::max<std::int64_t>(here, x[k] ^ flip);
      at = here > best ? first : at;
      best = here;
    }
    while ((x[at] ^ flip) != best) ++at;
    return at;
  }
};
/// The same of lines that lie side by side.
template <class T>
struct ExtremesSideBySide {
  template <int>
  static void run(const T* x, std::int64_t n, std::int64_t inner, std::int64_t flip,
                  std::int64_t* __restrict to) {
    constexpr std::int64_t most = 256;
    for (std::int64_t first = 0; first < inner; first += most, to += most) {
      const std::int64_t width = std::min(most, inner - first);
      std::int64_t best[most];
      for (std::int64_t j = 0; j < width; ++j) best[j] = x[first + j] ^ flip;
      std::fill_n(to, width, 0);
      for (std::int64_t k = 1; k < n; ++k) {
        const T* __restrict const row = x + k * inner + first;
        for (std::int64_t j = 0; j < width; ++j) {
          const std::int64_t element = row[j] ^ flip;
          to[j] = element > best[j] ? k : to[j];
          best[j] = std::max(best[j], element);
        }
      }
    }
  }
};
template <class T>
void places_of_whole(const T* x, const Lines& lines, bool largest, std::int64_t* to) {
  const std::int64_t flip = largest ? 0 : -1, matrix = lines.n * lines.inner;
  parallel_for(lines.outer, (parallel_grain + matrix - 1) / matrix,
               [&](std::int64_t begin, std::int64_t end) {
                 if (lines.inner == 1)
                   return simd::vectorized<ExtremesOfLines<T>>(x, std::int64_t{lines.n}, std::int64_t{flip},
                                                               begin, end, to);
                 for (std::int64_t i = begin; i < end; ++i)
                   simd::vectorized<ExtremesSideBySide<T>>(x + i * matrix, std::int64_t{lines.n},
                                                           std::int64_t{lines.inner}, std::int64_t{flip},
                                                           to + i * lines.inner);
               });
}

}  // namespace

Array places_in_order(const Array& x, const Lines& lines, std::int64_t count, bool descending) {
  return found(x, lines, {count, descending});
}
Array places_of_kth(const Array& x, const Lines& lines, std::int64_t k, bool prefer_nan) {
  return found(x, lines, {1, false, k, prefer_nan && is_floating(x.dtype())});
}
Array places_of_extremes(const Array& x, const Lines& lines, bool largest) {
  Array places({lines.outer, 1, lines.inner}, DType::int64);
  if (places.size() == 0) return places;
  if (!is_floating(x.dtype())) {
    dispatch_among(TypeList<bool, std::int64_t>{}, x.dtype(), [&]<class T>() {
      places_of_whole(x.data<T>(), lines, largest, places.mutable_data<std::int64_t>());
    });
    return places;
  }
  Array values(places.shape(), x.dtype());
  (largest ? max : min)(x, lines, values, places);
  dispatch_floating(x.dtype(), [&]<class T>() {  // of several equal ones, and of NaN, the first
    const T *const elements = x.data<T>(), *const value = values.data<T>();
    auto* const to = places.mutable_data<std::int64_t>();
    for (std::int64_t line = 0; line < places.size(); ++line) {
      if (to[line] >= 0) continue;
      const T* const from = elements + line / lines.inner * lines.n * lines.inner + line % lines.inner;
      const auto is_first = [extreme = value[line]](T element) {
        return element == extreme || (element != element && extreme != extreme);
      };
      std::int64_t k = 0;
      while (!is_first(from[k * lines.inner])) ++k;
      to[line] = k;
    }
  });
  return places;
}

}  // namespace chainrule::kernels
