#pragma once

#include <cmath>
#include <concepts>
#include <optional>
#include <string>

#include "graph/node.h"

/// The kinds of numbers that the rules of elementwise operations are written for.
///
/// A rule is a generic formula, as `g * (1 - y * y)`. It is written once and evaluated on
///   float, double    and packs of them, in a fused loop over the elements, when only numbers are wanted;
///   Tensor           when the gradient is to be differentiated again;
///   Probe            at compile time, to learn which values it reads;
///   Symbol           to show it to people.
namespace chainrule::ops {

// ---- float and double ------------------------------------------------------------------------------

// Hides chainrule::exp(const Operand&) and the like, which a double would also convert to.
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
/// Stable at both ends: e never overflows.
auto sigmoid(Number auto x) {
  const auto e = std::exp(-std::abs(x));
  return (x >= 0 ? 1 : e) / (1 + e);
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

// ---- Which values a rule reads -----------------------------------------------------------------------

struct Probe {
  Reads reads = 0;
  bool is_upstream = false;  ///< exactly g, so that no computation is needed at all
  constexpr Probe() = default;
  constexpr Probe(double) {}  // NOLINT: a literal reads nothing
  constexpr Probe(Reads read, bool upstream) : reads(read), is_upstream(upstream) {}

  template <std::same_as<Probe>... P>
  static constexpr Probe of(P... parts) {
    return {(parts.reads | ...), false};
  }
  friend constexpr Probe operator+(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe operator-(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe operator*(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe operator/(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe operator-(Probe a) { return of(a); }
  friend constexpr Probe operator>(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe operator<(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe operator>=(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe operator==(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe where(Probe c, Probe a, Probe b) { return of(c, a, b); }
  friend constexpr Probe pow(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe exp(Probe x) { return of(x); }
  friend constexpr Probe log(Probe x) { return of(x); }
  friend constexpr Probe sigmoid(Probe x) { return of(x); }
  friend constexpr Probe sin(Probe x) { return of(x); }
  friend constexpr Probe cos(Probe x) { return of(x); }
  friend constexpr Probe sign(Probe x) { return of(x); }
};

constexpr Probe probe_input(std::size_t i) { return {reads_input(i), false}; }
constexpr Probe probe_output{reads_output, false};
constexpr Probe probe_upstream{0, true};

// ---- A rule as text ------------------------------------------------------------------------------------

/// An expression in writing, with the precedence of its outermost operator. Of numbers it is the result where
/// people would write that, as 3 · x² for the derivative of x³. Nothing is inlined, as there are many rules,
/// and writing one is never urgent.
class Symbol {
 public:
  enum Precedence { choice, comparison, sum, product, power, atom };
  Symbol(const std::string& text, Precedence precedence = atom);  // NOLINT
  Symbol(double number);                                          // NOLINT
  Symbol(const Symbol&);
  Symbol& operator=(const Symbol&);
  ~Symbol();
  const std::string& text() const { return text_; }

  friend Symbol operator+(const Symbol& a, const Symbol& b);
  friend Symbol operator-(const Symbol& a, const Symbol& b);
  friend Symbol operator*(const Symbol& a, const Symbol& b);
  friend Symbol operator/(const Symbol& a, const Symbol& b);
  friend Symbol operator-(const Symbol& a);
  friend Symbol operator>(const Symbol& a, const Symbol& b);
  friend Symbol operator<(const Symbol& a, const Symbol& b);
  friend Symbol operator>=(const Symbol& a, const Symbol& b);
  friend Symbol operator==(const Symbol& a, const Symbol& b);
  friend Symbol where(const Symbol& c, const Symbol& a, const Symbol& b);
  friend Symbol pow(const Symbol& a, const Symbol& b);
  friend Symbol exp(const Symbol& x);
  friend Symbol log(const Symbol& x);
  friend Symbol sigmoid(const Symbol& x);
  friend Symbol sin(const Symbol& x);
  friend Symbol cos(const Symbol& x);
  friend Symbol sign(const Symbol& x);

 private:
  static Symbol infix(const Symbol& a, const char* sign, const Symbol& b, Precedence precedence);
  /// The number that it is, unless it has names in it.
  std::optional<double> number() const;
  /// In parentheses where it binds less tightly than its surroundings.
  std::string inside(Precedence surroundings) const;

  std::string text_;
  Precedence precedence_;
};

}  // namespace chainrule::ops
