// Two more kinds of numbers that the rules of elementwise operations are written for: Probe, which learns at
// compile time what a rule reads, and Symbol, which shows it to people.

#pragma once

#include <concepts>
#include <optional>
#include <string>

#include "chainrule/detail/rules.h"
#include "graph/node.h"

/// Two more kinds of numbers that the rules of elementwise operations are written for.
///
/// A rule is a generic formula, as `g * cos(x)`, of the functions and operators that Probe has. It is written
/// once, in namespace rules, and evaluated on
///   float, double    and packs of them, in a fused loop over the elements, when only numbers are wanted;
///   Dual             where `map` asks for the derivatives of a whole formula;
///   Tensor           when the gradient is to be differentiated again;
///   Probe            at compile time, to learn which values it reads;
///   Symbol           to show it to people.
namespace chainrule::ops {

// ---- Which values a rule reads -----------------------------------------------------------------------

struct Probe {
  Reads reads = 0;
  bool is_upstream = false;  ///< exactly g, so that no computation is needed at all
  bool is_value = false;     ///< exactly the input or the result that it reads
  bool is_product = false;   ///< exactly g times that, so that none is needed where g is 1
  constexpr Probe() = default;
  constexpr Probe(double) {}  // NOLINT: a literal reads nothing
  constexpr Probe(Reads read, bool upstream) : reads(read), is_upstream(upstream) {}

  static constexpr Probe value(Reads read) {
    Probe probe(read, false);
    probe.is_value = true;
    return probe;
  }
  template <std::same_as<Probe>... P>
  static constexpr Probe of(P... parts) {
    return {(parts.reads | ...), false};
  }
  friend constexpr Probe operator+(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe operator-(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe operator*(Probe a, Probe b) {
    Probe product = of(a, b);
    product.is_product = (a.is_upstream && b.is_value) || (a.is_value && b.is_upstream);
    return product;
  }
  friend constexpr Probe operator/(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe operator-(Probe a) { return of(a); }
  friend constexpr Probe operator>(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe operator<(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe operator>=(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe operator<=(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe operator==(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe operator!=(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe where(Probe c, Probe a, Probe b) { return of(c, a, b); }
  friend constexpr Probe pow(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe maximum(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe minimum(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe logaddexp(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe exp(Probe x) { return of(x); }
  friend constexpr Probe expm1(Probe x) { return of(x); }
  friend constexpr Probe log(Probe x) { return of(x); }
  friend constexpr Probe log1p(Probe x) { return of(x); }
  friend constexpr Probe sqrt(Probe x) { return of(x); }
  friend constexpr Probe abs(Probe x) { return of(x); }
  friend constexpr Probe relu(Probe x) { return of(x); }
  friend constexpr Probe sigmoid(Probe x) { return of(x); }
  friend constexpr Probe softplus(Probe x) { return of(x); }
  friend constexpr Probe strong_quotient(Probe a, Probe b) { return of(a, b); }
  friend constexpr Probe sigmoid_slope(Probe x, Probe) { return of(x); }
  friend constexpr Probe tanh_slope(Probe x, Probe) { return of(x); }
  friend constexpr Probe tanh(Probe x) { return of(x); }
  friend constexpr Probe sin(Probe x) { return of(x); }
  friend constexpr Probe cos(Probe x) { return of(x); }
  friend constexpr Probe sign(Probe x) { return of(x); }
};

constexpr Probe probe_input(std::size_t i) { return Probe::value(reads_input(i)); }
constexpr Probe probe_output = Probe::value(reads_output);
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
  friend Symbol operator<=(const Symbol& a, const Symbol& b);
  friend Symbol operator==(const Symbol& a, const Symbol& b);
  friend Symbol operator!=(const Symbol& a, const Symbol& b);
  friend Symbol where(const Symbol& c, const Symbol& a, const Symbol& b);
  friend Symbol pow(const Symbol& a, const Symbol& b);
  friend Symbol maximum(const Symbol& a, const Symbol& b);
  friend Symbol minimum(const Symbol& a, const Symbol& b);
  friend Symbol logaddexp(const Symbol& a, const Symbol& b);
  friend Symbol exp(const Symbol& x);
  friend Symbol expm1(const Symbol& x);
  friend Symbol log(const Symbol& x);
  friend Symbol log1p(const Symbol& x);
  friend Symbol sqrt(const Symbol& x);
  friend Symbol abs(const Symbol& x);
  friend Symbol relu(const Symbol& x);
  friend Symbol sigmoid(const Symbol& x);
  friend Symbol softplus(const Symbol& x);
  friend Symbol strong_quotient(const Symbol& a, const Symbol& b);
  friend Symbol sigmoid_slope(const Symbol& x, const Symbol& y);
  friend Symbol tanh_slope(const Symbol& x, const Symbol& y);
  friend Symbol tanh(const Symbol& x);
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

/// Of an operation whose local derivative, by which the gradient is multiplied, is that.
LocalFormula written(const Symbol& derivative);

}  // namespace chainrule::ops
