// Integers that wrap around where the result is too large, for kernels of int64 and int32.
// Relies on C++ defining that for unsigned numbers.

#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace chainrule {

/// An integer whose arithmetic wraps around when the result is too large, as NumPy's. C++ leaves that
/// undefined for signed numbers, but not for unsigned ones, which have the same bits.
template <class Int>
class WrappingInteger {
  using Bits = std::make_unsigned_t<Int>;
  using Wrapping = WrappingInteger;

 public:
  constexpr WrappingInteger(Int number) : number_(number) {}  // NOLINT(google-explicit-constructor)
  explicit constexpr operator Int() const { return number_; }

  friend constexpr Wrapping operator+(Wrapping a, Wrapping b) { return of(a.bits() + b.bits()); }
  friend constexpr Wrapping operator-(Wrapping a, Wrapping b) { return of(a.bits() - b.bits()); }
  friend constexpr Wrapping operator*(Wrapping a, Wrapping b) { return of(a.bits() * b.bits()); }
  friend constexpr Wrapping operator-(Wrapping a) { return of(0 - a.bits()); }
  friend constexpr auto operator<=>(Wrapping a, Wrapping b) = default;  // NOLINT(modernize-use-nullptr)
  /// Without a branch, which no processor could foresee.
  friend constexpr Wrapping abs(Wrapping a) {
    const Bits signs = a.number_ < 0 ? ~Bits{0} : 0;
    return of((a.bits() ^ signs) - signs);
  }
  friend constexpr Wrapping sign(Wrapping a) { return (a > 0 ? 1 : 0) - (a < 0 ? 1 : 0); }
  friend constexpr Wrapping relu(Wrapping a) { return a > 0 ? a : 0; }
  friend constexpr Wrapping maximum(Wrapping a, Wrapping b) { return a > b ? a : b; }
  friend constexpr Wrapping minimum(Wrapping a, Wrapping b) { return a < b ? a : b; }

 private:
  static constexpr Wrapping of(Bits bits) { return static_cast<Int>(bits); }
  constexpr Bits bits() const { return static_cast<Bits>(number_); }
  Int number_;
};
using Wrapping = WrappingInteger<std::int64_t>;

/// F on integers.
template <class F>
struct WithWrapping {
  template <class Int>
  Int operator()(Int first, std::same_as<Int> auto... more) const {
    return static_cast<Int>(F()(WrappingInteger<Int>(first), WrappingInteger<Int>(more)...));
  }
};

}  // namespace chainrule
