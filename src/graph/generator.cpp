// Random numbers that are the same on every machine: the Mersenne twister, and normal numbers by Box and
// Muller's method. Relies on nothing but integers and the C library's functions.

#include "chainrule/random.h"

#include <cmath>
#include <numbers>

namespace chainrule {

detail::MersenneTwister::MersenneTwister(std::uint64_t seed) {
  state_[0] = seed;
  for (std::size_t i = 1; i < state_.size(); ++i)
    state_[i] = 6364136223846793005 * (state_[i - 1] ^ state_[i - 1] >> 62) + i;
}

void detail::MersenneTwister::refill() {
  constexpr std::size_t n = 312, half = n / 2;
  constexpr std::uint64_t low = 0x7fffffff;  // the bits that come from the next number
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t mixed = (state_[i] & ~low) | (state_[(i + 1) % n] & low);
    state_[i] = state_[(i + half) % n] ^ mixed >> 1 ^ ((mixed & 1) != 0 ? 0xb5026f5aa96619e9 : 0);
  }
  next_ = 0;
}

double Generator::normal() {
  if (spare_) return *std::exchange(spare_, std::nullopt);
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));  // 1 - u is never 0
  const double angle = 2 * std::numbers::pi * uniform();
  spare_ = radius * std::sin(angle);
  return radius * std::cos(angle);
}

std::int64_t Generator::below(std::int64_t bound) {
  if (bound <= 0)
    throw std::invalid_argument("below: the bound must be positive, not " + std::to_string(bound));
  const auto range = static_cast<std::uint64_t>(bound);
  const std::uint64_t limit = ~std::uint64_t{0} - ~std::uint64_t{0} % range;  // a multiple of range
  for (;;)
    if (const std::uint64_t number = engine_(); number < limit)
      return static_cast<std::int64_t>(number % range);
}

}  // namespace chainrule
