/// \file
/// Seeds for places of a run, as epochs and batches. Relies on nothing, so that tools and tests draw the
/// numbers that the library does.

#pragma once

#include <cstdint>

namespace chainrule::detail {

/// A seed for one place of a run, as an epoch or a batch: random numbers of seeds or places that differ in
/// few bits have nothing in common. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014.
inline std::uint64_t seed_at(std::uint64_t seed, std::int64_t place) {
  std::uint64_t z = seed + 0x9e3779b97f4a7c15 * (static_cast<std::uint64_t>(place) + 1);
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

}  // namespace chainrule::detail
