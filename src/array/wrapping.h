// Integers that wrap around where the result is too large, for kernels of int64.
// Relies on C++ defining that for unsigned numbers.

#pragma once

#include <compare>
#include <cstdint>

namespace chainrule {

/// An int64 whose arithmetic wraps around when the result is too large, as NumPy's. C++ leaves that undefined
/// for signed numbers, but not for unsigned ones, which have the same bits.
class Wrapping {
 public:
  constexpr Wrapping(std::int64_t number) : number_(number) {}  // NOLINT(google-explicit-constructor)
  explicit constexpr operator std::int64_t() const { return number_; }

  friend constexpr Wrapping operator+(Wrapping a, Wrapping b) { return of(a.bits() + b.bits()); }
  friend constexpr Wrapping operator-(Wrapping a, Wrapping b) { return of(a.bits() - b.bits()); }
  friend constexpr Wrapping operator*(Wrapping a, Wrapping b) { return of(a.bits() * b.bits()); }
  friend constexpr Wrapping operator-(Wrapping a) { return of(0 - a.bits()); }
  friend constexpr auto operator<=>(Wrapping a, Wrapping b) = default;  // NOLINT(modernize-use-nullptr)
  /// Without a branch, which no processor could foresee.
  friend constexpr Wrapping abs(Wrapping a) {
    const std::uint64_t signs = a.number_ < 0 ? ~std::uint64_t{0} : 0;
    return of((a.bits() ^ signs) - signs);
  }
  friend constexpr Wrapping sign(Wrapping a) { return (a > 0 ? 1 : 0) - (a < 0 ? 1 : 0); }
  friend constexpr Wrapping relu(Wrapping a) { return a > 0 ? a : 0; }
  friend constexpr Wrapping maximum(Wrapping a, Wrapping b) { return a > b ? a : b; }
  friend constexpr Wrapping minimum(Wrapping a, Wrapping b) { return a < b ? a : b; }

 private:
  static constexpr Wrapping of(std::uint64_t bits) { return static_cast<std::int64_t>(bits); }
  constexpr std::uint64_t bits() const { return static_cast<std::uint64_t>(number_); }
  std::int64_t number_;
};

/// F on int64.
template <class F>
struct WithWrapping {
  std::int64_t operator()(auto... x) const { return static_cast<std::int64_t>(F()(Wrapping(x)...)); }
};

}  // namespace chainrule
