/// \file
/// The functions of numbers that work element by element, each with its value and its derivative, written
/// here and nowhere else. They rely on nothing but arithmetic, so they hold for numbers, packs, duals,
/// tensors and text.

#pragma once

#include <cmath>
#include <concepts>
#include <type_traits>

#include "chainrule/dtype.h"

/// The functions of numbers that work element by element, each with its value and its derivative. This is the
/// only place where they are written: `map` differentiates by them on packs of numbers and on dual numbers,
/// the operations on tensors in one loop, or as tensors where the gradient is to be differentiated again, and
/// `chainrule walk` shows them.
///
/// A derivative is vjp_x(x, y, g) for y = f(x): what comes from above, g, times the slope. It is linear in g,
/// so the same rule takes a tangent forward. Two things hold for all of them:
///
/// 0 times infinity is 0 (see Cotangent): where nothing comes from above nothing is passed on, however steep
/// the function is there, and a slope of 0 passes nothing on, whatever comes from above.
///
/// No slope is made of a result that has lost its digits: that of tanh, 1 - y², is 0 as soon as y has been
/// rounded to 1, so it comes from x.
namespace chainrule::rules {

// ---- The functions for float and double. Those of other kinds of numbers are found by their types. ------

auto exp(Number auto x) { return std::exp(x); }
auto log(Number auto x) { return std::log(x); }
auto expm1(Number auto x) { return std::expm1(x); }
auto log1p(Number auto x) { return std::log1p(x); }
auto sin(Number auto x) { return std::sin(x); }
auto cos(Number auto x) { return std::cos(x); }
auto tanh(Number auto x) { return std::tanh(x); }
auto sqrt(Number auto x) { return std::sqrt(x); }
auto abs(Number auto x) { return x < 0 ? -x : x == 0 ? decltype(x){0} : x; }
auto sign(Number auto x) { return x > 0 ? decltype(x){1} : x < 0 ? decltype(x){-1} : x; }
auto relu(Number auto x) { return x <= 0 ? decltype(x){0} : x; }  // NaN stays NaN
/// Stable at both ends: e never overflows.
auto sigmoid(Number auto x) {
  const auto e = std::exp(-std::abs(x));
  return (x >= 0 ? 1 : e) / (1 + e);
}
/// sigmoid(x) · sigmoid(-x), the slope of sigmoid, with all its digits at both ends.
auto sigmoid_slope(Number auto x) {
  const auto e = std::exp(-std::abs(x));
  return e / ((1 + e) * (1 + e));
}
auto maximum(Number auto a, Number auto b) {
  return a > static_cast<decltype(a)>(b) || a != a ? a : static_cast<decltype(a)>(b);
}
auto minimum(Number auto a, Number auto b) {
  return a < static_cast<decltype(a)>(b) || a != a ? a : static_cast<decltype(a)>(b);
}
template <Number A, Number B>
auto where(bool condition, A a, B b) {
  using T = std::common_type_t<A, B>;
  return condition ? static_cast<T>(a) : static_cast<T>(b);
}
/// The exponents that people write most cost a multiplication, not a logarithm.
auto pow(Number auto a, Number auto b) {
  return b == 2 ? a * a : b == 1 ? a : b == 3 ? a * a * a : std::pow(a, b);
}
/// log(1 + eˣ) and log(eᵃ + eᵇ) of numbers or packs, without overflow.
auto stable_softplus(auto x) { return maximum(x, 0) + log1p(exp(-abs(x))); }
auto stable_logaddexp(auto a, auto b) {
  const auto distance = a - b, larger = maximum(a, b);  // equal infinities have no distance
  return where(distance == distance, larger + log1p(exp(-abs(distance))), larger);
}
auto softplus(Number auto x) { return stable_softplus(x); }
auto logaddexp(Number auto a, Number auto b) { return stable_logaddexp(a, b); }
template <Number T>
T strong_product(T a, std::type_identity_t<T> b) {
  const T product = a * b;
  if (std::islessgreater(product, T(0))) [[likely]]  // neither 0 nor NaN: nothing to look after
    return product;
  return a == 0 || b == 0 ? T(0) : product;
}
template <Number T>
T strong_quotient(T a, std::type_identity_t<T> b) {
  return a == 0 ? T(0) : a / b;
}

/// What comes from above in a rule, for numbers of type T. 0 times anything is 0 (see strong_product), unless
/// it is not Strong: then it may also be NaN.
template <class T, bool Strong = true>
struct Cotangent {
  T value;

  friend Cotangent operator*(const Cotangent& g, const T& slope) { return {product(g.value, slope)}; }
  friend Cotangent operator*(const Cotangent& g, int slope) { return {product(g.value, number(slope))}; }
  friend Cotangent operator/(const Cotangent& g, const T& b) {
    if constexpr (Strong)
      return {strong_quotient(g.value, b)};
    else
      return {g.value / b};
  }
  friend Cotangent operator/(const Cotangent& g, int b) { return {g.value / number(b)}; }
  friend Cotangent operator-(const Cotangent& g) { return {-g.value}; }
  template <class Mask>
  friend Cotangent where(const Mask& mask, const Cotangent& a, const Cotangent& b) {
    return {where(mask, a.value, b.value)};
  }
  template <class Mask>
  friend Cotangent where(const Mask& mask, const Cotangent& a, int b) {
    return {where(mask, a.value, number(b))};
  }
  template <class Mask>
  friend Cotangent where(const Mask& mask, int a, const Cotangent& b) {
    return {where(mask, number(a), b.value)};
  }

 private:
  static T product(const T& a, const auto& b) {
    if constexpr (Strong)
      return strong_product(a, b);
    else
      return a * b;
  }
  /// A literal, of which every kind of number knows how to become one of its own.
  static auto number(int literal) {
    if constexpr (Number<T>)
      return static_cast<T>(literal);
    else
      return literal;
  }
};

/// 1 - y² for y = tanh(x), and y (1 - y) for y = sigmoid(x), as drawings say it. Packs have a tanh_slope of
/// their own.
auto tanh_slope(const auto& x) { return 4 * sigmoid_slope(2 * x); }
auto tanh_slope(const auto& x, const auto&) { return tanh_slope(x); }
auto sigmoid_slope(const auto& x, const auto&) { return sigmoid_slope(x); }

// ---- Arithmetic ------------------------------------------------------------------------------------------

struct Add {
  static auto value(auto a, auto b) { return a + b; }
  static constexpr auto vjp_a(auto, auto, auto, auto g) { return g; }
  static constexpr auto vjp_b(auto, auto, auto, auto g) { return g; }
};

struct Sub {
  static auto value(auto a, auto b) { return a - b; }
  static constexpr auto vjp_a(auto, auto, auto, auto g) { return g; }
  static constexpr auto vjp_b(auto, auto, auto, auto g) { return -g; }
};

struct Mul {
  static auto value(auto a, auto b) { return a * b; }
  static constexpr auto vjp_a(auto, auto b, auto, auto g) { return g * b; }
  static constexpr auto vjp_b(auto a, auto, auto, auto g) { return g * a; }
};

struct Div {
  static auto value(auto a, auto b) { return a / b; }
  static constexpr auto vjp_a(auto, auto b, auto, auto g) { return g / b; }
  static constexpr auto vjp_b(auto, auto b, auto y, auto g) { return -(g * (y / b)); }
};

/// a · b, but 0 where either is 0, also where the other is infinite or NaN: how cotangents are multiplied.
struct StrongProduct : Mul {
  static auto value(auto a, auto b) { return strong_product(a, b); }
};
/// a / b, but 0 where a is.
struct StrongQuotient {
  static auto value(auto a, auto b) { return strong_quotient(a, b); }
  static constexpr auto vjp_a(auto, auto b, auto, auto g) { return g / b; }
  static constexpr auto vjp_b(auto, auto b, auto y, auto g) { return -(g * strong_quotient(y, b)); }
};

struct Pow {
  static auto value(auto a, auto b) { return pow(a, b); }
  /// From left to right, so that at b = 0 it is 0, whatever the power is.
  static constexpr auto vjp_a(auto a, auto b, auto, auto g) { return g * b * pow(a, b - 1); }
  static constexpr auto vjp_b(auto a, auto b, auto y, auto g) {
    return g * y * log(where(a == 0, where(b >= 0, 1, 0), a));
  }
};

struct Neg {
  static auto value(auto x) { return -x; }
  static constexpr auto vjp_x(auto, auto, auto g) { return -g; }
};

struct Square {
  static auto value(auto x) { return x * x; }
  static constexpr auto vjp_x(auto x, auto, auto g) { return g * (2 * x); }
};

// ---- With kinks ------------------------------------------------------------------------------------------

struct Abs {
  static auto value(auto x) { return abs(x); }
  static constexpr auto vjp_x(auto x, auto, auto g) { return g * sign(x); }
};

struct Sign {
  static auto value(auto x) { return sign(x); }
  static constexpr auto vjp_x(auto, auto, auto g) { return g * 0; }
};

struct Relu {
  static auto value(auto x) { return relu(x); }
  static constexpr auto vjp_x(auto, auto y, auto g) { return where(y > 0, g, 0); }
};

struct Maximum {
  static auto value(auto a, auto b) { return maximum(a, b); }
  static constexpr auto vjp_a(auto a, auto b, auto, auto g) {
    return where(a > b, g, where(a == b, g / 2, 0));
  }
  static constexpr auto vjp_b(auto a, auto b, auto, auto g) {
    return where(b > a, g, where(a == b, g / 2, 0));
  }
};

struct Minimum {
  static auto value(auto a, auto b) { return minimum(a, b); }
  static constexpr auto vjp_a(auto a, auto b, auto, auto g) {
    return where(a < b, g, where(a == b, g / 2, 0));
  }
  static constexpr auto vjp_b(auto a, auto b, auto, auto g) {
    return where(b < a, g, where(a == b, g / 2, 0));
  }
};

// ---- Of three inputs -------------------------------------------------------------------------------------

/// a where the condition holds, else b. The condition has no derivative.
struct Where {
  static auto value(auto condition, auto a, auto b) { return where(condition, a, b); }
  static constexpr auto vjp_a(auto condition, auto, auto, auto, auto g) { return where(condition, g, 0); }
  static constexpr auto vjp_b(auto condition, auto, auto, auto, auto g) { return where(condition, 0, g); }
};

/// min(max(x, low), high): where low > high, that is high.
struct Clamp {
  static auto value(auto x, auto low, auto high) { return minimum(maximum(x, low), high); }
  static constexpr auto vjp_a(auto x, auto low, auto high, auto, auto g) {
    return where(x < low, 0, where(x > high, 0, g));
  }
  static constexpr auto vjp_b(auto x, auto low, auto high, auto, auto g) {
    return where(x < low, where(low > high, 0, g), 0);
  }
  static constexpr auto vjp_c(auto x, auto low, auto high, auto, auto g) {
    return where(maximum(x, low) > high, g, 0);
  }
};

// ---- Transcendental --------------------------------------------------------------------------------------

struct Sqrt {
  static auto value(auto x) { return sqrt(x); }
  static constexpr auto vjp_x(auto, auto y, auto g) { return g / (2 * y); }
};

struct Exp {
  static auto value(auto x) { return exp(x); }
  static constexpr auto vjp_x(auto, auto y, auto g) { return g * y; }
};

struct Log {
  static auto value(auto x) { return log(x); }
  static constexpr auto vjp_x(auto x, auto, auto g) { return g / x; }
};

struct Expm1 {
  static auto value(auto x) { return expm1(x); }
  // Not y + 1, which has no digits left where x is far below 0.
  static constexpr auto vjp_x(auto x, auto, auto g) { return g * exp(x); }
};

struct Log1p {
  static auto value(auto x) { return log1p(x); }
  static constexpr auto vjp_x(auto x, auto, auto g) { return g / (1 + x); }
};

struct Sin {
  static auto value(auto x) { return sin(x); }
  static constexpr auto vjp_x(auto x, auto, auto g) { return g * cos(x); }
};

struct Cos {
  static auto value(auto x) { return cos(x); }
  static constexpr auto vjp_x(auto x, auto, auto g) { return -(g * sin(x)); }
};

struct Tanh {
  static auto value(auto x) { return tanh(x); }
  static constexpr auto vjp_x(auto x, auto y, auto g) { return g * tanh_slope(x, y); }
};

struct Sigmoid {
  static auto value(auto x) { return sigmoid(x); }
  static constexpr auto vjp_x(auto x, auto y, auto g) { return g * sigmoid_slope(x, y); }
};

/// y = sigmoid(x) · sigmoid(-x), of which the slopes of sigmoid and tanh are made.
struct SigmoidSlope {
  static auto value(auto x) { return sigmoid_slope(x); }
  static constexpr auto vjp_x(auto x, auto y, auto g) { return -(g * (y * tanh(x / 2))); }
};

struct Softplus {
  static auto value(auto x) { return softplus(x); }
  static constexpr auto vjp_x(auto x, auto, auto g) { return g * sigmoid(x); }
};

struct Logaddexp {
  static auto value(auto a, auto b) { return logaddexp(a, b); }
  static constexpr auto vjp_a(auto a, auto b, auto, auto g) { return g * share(a, b); }
  static constexpr auto vjp_b(auto a, auto b, auto, auto g) { return g * share(b, a); }

 private:
  /// ½ at equal infinities.
  static constexpr auto share(auto a, auto b) {
    return where(a - b == a - b, sigmoid(a - b), where(a == b, 1, a - b) / 2);
  }
};

}  // namespace chainrule::rules
