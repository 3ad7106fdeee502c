// Keys' kernel of cubic interpolation, for numbers and tensors.
// Source: Keys, Cubic convolution interpolation for digital image processing, 1981.

#pragma once

#include <type_traits>

namespace chainrule::kernels {

/// Its parameter, as PyTorch has it, to be multiplied with a Number.
template <class Number>
constexpr std::conditional_t<std::is_floating_point_v<Number>, Number, double> keys_parameter = -0.75;

/// The weight of an element by its distance, up to 1 and from 1 to 2; and the derivatives.
template <class Number>
Number keys_near(const Number& d) {
  constexpr auto a = keys_parameter<Number>;
  return ((a + 2) * d - (a + 3)) * d * d + 1;
}
template <class Number>
Number keys_far(const Number& d) {
  constexpr auto a = keys_parameter<Number>;
  return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
}
template <class Number>
Number keys_near_slope(const Number& d) {
  constexpr auto a = keys_parameter<Number>;
  return (3 * (a + 2) * d - 2 * (a + 3)) * d;
}
template <class Number>
Number keys_far_slope(const Number& d) {
  constexpr auto a = keys_parameter<Number>;
  return (3 * a * d - 10 * a) * d + 8 * a;
}

}  // namespace chainrule::kernels
