// Random numbers that are the same on every machine: the Mersenne twister, and normal numbers by Box and
// Muller's method. Relies on integers and the C library's functions; where many are wanted at once, on packs.

#include "chainrule/random.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "chainrule/simd.h"
#include "kernels/box_muller.h"

namespace chainrule {
namespace {

constexpr std::size_t length = 312;
__extension__ using Wide = unsigned __int128;
constexpr std::size_t few = 512;  // numbers that are made at once, in the cache

/// The twister's next state: each number of those at i, i + 1 and half around. Loops without a condition, so
/// that the compiler makes packs of them.
struct RefillLoop {
  template <int>
  static void run(std::uint64_t* state) {
    constexpr std::size_t half = length / 2;
    constexpr std::uint64_t low = 0x7fffffff;  // the bits that come from the next number
    const auto twisted = [](std::uint64_t one, std::uint64_t next, std::uint64_t across) {
      const std::uint64_t mixed = (one & ~low) | (next & low);
      return across ^ mixed >> 1 ^ ((0 - (mixed & 1)) & 0xb5026f5aa96619e9);
    };
    for (std::size_t i = 0; i < half; ++i) state[i] = twisted(state[i], state[i + 1], state[i + half]);
    for (std::size_t i = half; i + 1 < length; ++i)
      state[i] = twisted(state[i], state[i + 1], state[i - half]);
    state[length - 1] = twisted(state[length - 1], state[0], state[half - 1]);
  }
};

struct TemperLoop {
  template <int>
  static void run(std::size_t count, const std::uint64_t* __restrict from, std::uint64_t* __restrict to) {
    for (std::size_t i = 0; i < count; ++i) to[i] = detail::MersenneTwister::tempered(from[i]);
  }
};

struct UniformLoop {
  template <int>
  static void run(std::size_t count, const std::uint64_t* __restrict from, double* __restrict to) {
    for (std::size_t i = 0; i < count; ++i)  // signed, which processors convert
      to[i] = static_cast<double>(static_cast<std::int64_t>(from[i] >> 11)) * 0x1p-53;
  }
};

/// The numbers in parts of `few`.
template <class T, class F>
void in_parts(std::span<T> numbers, const F& f) {
  while (!numbers.empty()) {
    const std::span<T> part = numbers.first(std::min(few, numbers.size()));
    f(part);
    numbers = numbers.subspan(part.size());
  }
}

}  // namespace

detail::MersenneTwister::MersenneTwister(std::uint64_t seed) {
  static_assert(std::tuple_size_v<decltype(state_)> == length);
  state_[0] = seed;
  for (std::size_t i = 1; i < state_.size(); ++i)
    state_[i] = 6364136223846793005 * (state_[i - 1] ^ state_[i - 1] >> 62) + i;
}

void detail::MersenneTwister::refill() {
  simd::vectorized<RefillLoop>(state_.data());
  next_ = 0;
}

void detail::MersenneTwister::fill(std::span<std::uint64_t> numbers) {
  while (!numbers.empty()) {
    if (next_ == state_.size()) refill();
    const std::size_t count = std::min(numbers.size(), state_.size() - next_);
    simd::vectorized<TemperLoop>(count, static_cast<const std::uint64_t*>(state_.data()) + next_,
                                 numbers.data());
    next_ += count;
    numbers = numbers.subspan(count);
  }
}

double Generator::normal() {
  if (spare_) return *std::exchange(spare_, std::nullopt);
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));  // 1 - u is never 0
  const double angle = 2 * std::numbers::pi * uniform();
  spare_ = radius * std::sin(angle);
  return radius * std::cos(angle);
}

static std::uint64_t checked_bound(std::int64_t bound) {
  if (bound <= 0)
    throw std::invalid_argument("below: the bound must be positive, not " + std::to_string(bound));
  return static_cast<std::uint64_t>(bound);
}

std::int64_t Generator::below(Integer bound) {
  const std::uint64_t range = checked_bound(bound);
  constexpr std::uint64_t largest = ~std::uint64_t{0};
  for (;;) {
    // Below a multiple of the range. Most numbers are, which is seen without a division.
    const std::uint64_t number = engine_();
    if (number <= largest - range || number < largest - largest % range)
      return static_cast<std::int64_t>(number % range);
  }
}

void Generator::uniform(std::span<double> numbers) {
  in_parts(numbers, [&](std::span<double> part) {
    std::uint64_t whole[few];
    engine_.fill({whole, part.size()});
    simd::vectorized<UniformLoop>(part.size(), static_cast<const std::uint64_t*>(whole), part.data());
  });
}

void Generator::normal(std::span<float> numbers) {
  if (spare_ && !numbers.empty()) {
    numbers.front() = static_cast<float>(normal());
    numbers = numbers.subspan(1);
  }
  in_parts(numbers.first(numbers.size() / 2 * 2), [&](std::span<float> part) {
    double pairs[few];
    uniform({pairs, part.size()});
    kernels::box_muller(static_cast<std::int64_t>(part.size() / 2), pairs, part.data());
  });
  if (numbers.size() % 2 != 0) numbers.back() = static_cast<float>(normal());
}

void Generator::below(std::int64_t bound, std::span<std::int64_t> numbers) {
  const std::uint64_t range = checked_bound(bound);
  constexpr std::uint64_t largest = ~std::uint64_t{0};
  const std::uint64_t limit = largest - largest % range, inverse = largest / range;
  std::uint64_t whole[few];
  while (!numbers.empty()) {
    const std::size_t count = std::min(few, numbers.size());
    engine_.fill({whole, count});
    std::size_t made = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (whole[i] >= limit) continue;
      // The quotient by a product instead of a division: it is right or one too small.
      const auto quotient = static_cast<std::uint64_t>(static_cast<Wide>(whole[i]) * inverse >> 64);
      const std::uint64_t rest = whole[i] - quotient * range;
      numbers[made++] = static_cast<std::int64_t>(rest < range ? rest : rest - range);
    }
    numbers = numbers.subspan(made);
  }
}

}  // namespace chainrule
