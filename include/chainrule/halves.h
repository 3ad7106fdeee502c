/// \file
/// Floating-point numbers of two bytes, as tensors and files store them.
/// Arithmetic is that of float, to which they convert exactly.

#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "chainrule/detail/api.h"

namespace CHAINRULE_API chainrule {

namespace detail {

/// The bits of the number of so many bits of exponent and fraction that is nearest to x, of two the one whose
/// last bit is 0, as IEEE 754 rounds. Beyond the largest: infinity. NaN stays NaN.
template <int exponent_bits, int fraction_bits>
constexpr std::uint16_t nearest_half(double x) {
  constexpr int bias = (1 << (exponent_bits - 1)) - 1;
  constexpr std::uint16_t infinity = ((1 << exponent_bits) - 1) << fraction_bits;
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const auto sign = static_cast<std::uint16_t>(bits >> 63 << 15);
  const std::uint64_t size = bits & ~(std::uint64_t{1} << 63);
  constexpr std::uint64_t double_infinity = std::uint64_t{0x7ff} << 52;
  if (size > double_infinity) return sign | infinity | (1 << (fraction_bits - 1));
  // The exponent of the result; that of subnormal numbers is as of the smallest normal one.
  const int exponent = static_cast<int>(size >> 52) - 1023;
  const int shift = exponent < 1 - bias ? 1 - bias - exponent : 0;
  constexpr int dropped = 52 - fraction_bits;
  if (shift > fraction_bits + 1) return sign;  // below half of the smallest
  const std::uint64_t one = std::uint64_t{1} << 52;
  const std::uint64_t significand = (size & (one - 1)) | one, unit = one >> fraction_bits << shift;
  const std::uint64_t below = significand & (unit - 1);
  std::uint64_t result = significand >> (dropped + shift);
  if (below > unit / 2 || (below == unit / 2 && (result & 1) != 0)) ++result;
  // The leading bit of a normal number counts as one step of the exponent, as does what is carried over.
  const std::uint64_t steps = shift > 0 ? 0 : static_cast<std::uint64_t>(exponent + bias - 1);
  result += steps << fraction_bits;
  return sign | (exponent > bias || result > infinity ? infinity : static_cast<std::uint16_t>(result));
}

/// A normal one.
constexpr double power_of_two(int exponent) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
}

/// A number of so many bits of exponent and fraction, after one of sign, as IEEE 754 has them.
template <int exponent_bits, int fraction_bits>
class Half {
 public:
  constexpr Half() = default;
  /// The nearest; infinity where the largest is nearer to the next one that there would be.
  constexpr explicit Half(double x) : bits_(nearest_half<exponent_bits, fraction_bits>(x)) {}
  /// What these bits stand for.
  static constexpr Half from_bits(std::uint16_t bits) {
    Half half;
    half.bits_ = bits;
    return half;
  }
  /// As they are stored.
  constexpr std::uint16_t bits() const { return bits_; }
  /// Exactly.
  constexpr operator float() const {  // NOLINT(google-explicit-constructor)
    constexpr std::uint32_t most = (1U << exponent_bits) - 1, bias = most / 2;
    const std::uint32_t sign = (bits_ & 0x8000U) << 16, exponent = (bits_ >> fraction_bits) & most,
                        fraction = bits_ & ((1U << fraction_bits) - 1);
    if (exponent == 0) {  // fraction · 2^(1 - bias - fraction_bits), also where that is subnormal
      constexpr auto unit = static_cast<float>(power_of_two(1 - static_cast<int>(bias) - fraction_bits));
      return std::bit_cast<float>(std::bit_cast<std::uint32_t>(static_cast<float>(fraction) * unit) | sign);
    }
    const std::uint32_t wide = exponent == most ? 255 : exponent + (127 - bias);
    return std::bit_cast<float>(sign | (wide << 23) | (fraction << (23 - fraction_bits)));
  }

 private:
  std::uint16_t bits_ = 0;
};

}  // namespace detail

/// IEEE 754's binary16. The largest is 65504; 65520 and more become infinity.
using Float16 = detail::Half<5, 10>;
/// The upper half of a float.
using BFloat16 = detail::Half<8, 7>;

}  // namespace chainrule

#ifndef DOXYGEN  // which does not know the class that this is one of
// As of float and double, in so far as there is a meaning without arithmetic of its own.
template <int exponent_bits, int fraction_bits>
class std::numeric_limits<chainrule::detail::Half<exponent_bits, fraction_bits>> {
  using T = chainrule::detail::Half<exponent_bits, fraction_bits>;
  static constexpr int bias = (1 << (exponent_bits - 1)) - 1;
  static constexpr T power_of_two(int exponent) { return T(chainrule::detail::power_of_two(exponent)); }

 public:
  static constexpr bool is_specialized = true, is_signed = true, is_integer = false, is_exact = false,
                        has_infinity = true, has_quiet_NaN = true, is_iec559 = true, is_bounded = true,
                        is_modulo = false;
  static constexpr int radix = 2, digits = fraction_bits + 1, digits10 = fraction_bits * 30103 / 100000,
                       max_digits10 = digits * 30103 / 100000 + 2, max_exponent = bias + 1,
                       min_exponent = 2 - bias, max_exponent10 = max_exponent * 30103 / 100000,
                       min_exponent10 = (min_exponent - 1) * 30103 / 100000;
  static constexpr T max() {
    return T::from_bits(static_cast<std::uint16_t>((((1 << exponent_bits) - 1) << fraction_bits) - 1));
  }
  static constexpr T lowest() { return T(-max()); }
  static constexpr T min() { return power_of_two(1 - bias); }
  static constexpr T denorm_min() { return T::from_bits(1); }
  static constexpr T epsilon() { return power_of_two(-fraction_bits); }
  static constexpr T infinity() { return power_of_two(bias + 1); }
  static constexpr T quiet_NaN() {
    return T::from_bits(static_cast<std::uint16_t>(((1 << (exponent_bits + 1)) - 1) << (fraction_bits - 1)));
  }
};
#endif
