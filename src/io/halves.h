#pragma once

#include <bit>
#include <cstdint>

namespace chainrule {

/// A float16 of IEEE 754, which is exact as float32: 1 bit of sign, 5 of exponent, 10 of fraction.
inline float from_float16(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000U) << 16, exponent = (bits >> 10) & 31U, fraction = bits & 1023U;
  if (exponent == 0) {  // fraction · 2^-24, also where that is subnormal
    const float size = static_cast<float>(fraction) * 0x1p-24F;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(size) | sign);
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + (127 - 15);
  return std::bit_cast<float>(sign | (wide << 23) | (fraction << 13));
}

/// A bfloat16, which is the upper half of a float32.
inline float from_bfloat16(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

}  // namespace chainrule
