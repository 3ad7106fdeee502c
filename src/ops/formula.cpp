// How a derivative that is written as a formula in C++ becomes text, with no more brackets than it needs.
// Operators know how strongly they bind, and 1 times something is that.

#include "ops/formula.h"

#include <charconv>

#include "array/number_text.h"

namespace chainrule::ops {

Symbol::Symbol(const std::string& text, Precedence precedence) : text_(text), precedence_(precedence) {}
Symbol::Symbol(const Symbol&) = default;
Symbol& Symbol::operator=(const Symbol&) = default;
Symbol::~Symbol() = default;

Symbol::Symbol(double number) : text_(number_text(number)), precedence_(number < 0 ? product : atom) {}

Symbol operator+(const Symbol& a, const Symbol& b) { return Symbol::infix(a, " + ", b, Symbol::sum); }
Symbol operator-(const Symbol& a) { return {"−" + a.inside(Symbol::product), Symbol::product}; }
Symbol operator>(const Symbol& a, const Symbol& b) { return Symbol::infix(a, " > ", b, Symbol::comparison); }
Symbol operator<(const Symbol& a, const Symbol& b) { return Symbol::infix(a, " < ", b, Symbol::comparison); }
Symbol operator>=(const Symbol& a, const Symbol& b) { return Symbol::infix(a, " ≥ ", b, Symbol::comparison); }
Symbol operator<=(const Symbol& a, const Symbol& b) { return Symbol::infix(a, " ≤ ", b, Symbol::comparison); }

// The upstream gradient stands for 1 where a local derivative is asked for, so 1 · z is written as z.
Symbol operator*(const Symbol& a, const Symbol& b) {
  if (a.text_ == "1") return b;
  if (b.text_ == "1") return a;
  if (a.text_ == b.text_ && a.precedence_ == Symbol::atom) return {a.text_ + "²", Symbol::power};
  return Symbol::infix(a, " · ", b, Symbol::product);
}

Symbol operator/(const Symbol& a, const Symbol& b) {
  return b.text_ == "1" ? a : Symbol::infix(a, " / ", b, Symbol::product);
}

Symbol operator-(const Symbol& a, const Symbol& b) {
  if (const auto x = a.number(), y = b.number(); x && y) return *x - *y;
  return Symbol::infix(a, " − ", b, Symbol::sum);
}

Symbol operator==(const Symbol& a, const Symbol& b) {
  if (const auto x = a.number(), y = b.number(); x && y) return *x == *y ? 1 : 0;
  return Symbol::infix(a, " = ", b, Symbol::comparison);
}

Symbol operator!=(const Symbol& a, const Symbol& b) {
  if (const auto x = a.number(), y = b.number(); x && y) return *x != *y ? 1 : 0;
  return Symbol::infix(a, " ≠ ", b, Symbol::comparison);
}

Symbol where(const Symbol& c, const Symbol& a, const Symbol& b) {
  if (const auto known = c.number()) return *known != 0 ? a : b;
  return {a.inside(Symbol::comparison) + " if " + c.text_ + " else " + b.inside(Symbol::choice),
          Symbol::choice};
}

Symbol pow(const Symbol& a, const Symbol& b) {
  if (b.text_ == "1") return a;
  const std::string base = a.inside(Symbol::atom);
  return {b.text_ == "2" ? base + "²" : base + "^" + b.inside(Symbol::atom), Symbol::power};
}

Symbol maximum(const Symbol& a, const Symbol& b) { return "max(" + a.text_ + ", " + b.text_ + ")"; }
Symbol minimum(const Symbol& a, const Symbol& b) { return "min(" + a.text_ + ", " + b.text_ + ")"; }
Symbol logaddexp(const Symbol& a, const Symbol& b) { return "logaddexp(" + a.text_ + ", " + b.text_ + ")"; }
Symbol exp(const Symbol& x) { return "exp(" + x.text_ + ")"; }
Symbol expm1(const Symbol& x) { return "expm1(" + x.text_ + ")"; }
Symbol log(const Symbol& x) { return "log(" + x.text_ + ")"; }
Symbol log1p(const Symbol& x) { return "log1p(" + x.text_ + ")"; }
Symbol sqrt(const Symbol& x) { return "√" + x.inside(Symbol::atom); }
Symbol abs(const Symbol& x) { return "|" + x.text_ + "|"; }
Symbol relu(const Symbol& x) { return "relu(" + x.text_ + ")"; }
Symbol sigmoid(const Symbol& x) { return "sigmoid(" + x.text_ + ")"; }
Symbol softplus(const Symbol& x) { return "softplus(" + x.text_ + ")"; }
Symbol strong_quotient(const Symbol& a, const Symbol& b) { return a / b; }
Symbol sigmoid_slope(const Symbol&, const Symbol& y) { return y * (1 - y); }
Symbol tanh_slope(const Symbol&, const Symbol& y) { return 1 - y * y; }
Symbol tanh(const Symbol& x) { return "tanh(" + x.text_ + ")"; }
Symbol sin(const Symbol& x) { return "sin(" + x.text_ + ")"; }
Symbol cos(const Symbol& x) { return "cos(" + x.text_ + ")"; }
Symbol sign(const Symbol& x) { return "sign(" + x.text_ + ")"; }

Symbol Symbol::infix(const Symbol& a, const char* sign, const Symbol& b, Precedence precedence) {
  return {a.inside(precedence) + sign + b.inside(Precedence(precedence + 1)), precedence};
}

std::string Symbol::inside(Precedence surroundings) const {
  return precedence_ < surroundings ? "(" + text_ + ")" : text_;
}

std::optional<double> Symbol::number() const {
  double number = 0;
  const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), number);
  if (error != std::errc() || end != text_.data() + text_.size()) return std::nullopt;
  return number;
}

LocalFormula written(const Symbol& derivative) { return {derivative.text(), true}; }

}  // namespace chainrule::ops
