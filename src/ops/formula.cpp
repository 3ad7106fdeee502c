#include "ops/formula.h"

#include <charconv>

namespace chainrule::ops {

Symbol::Symbol(double number) : precedence_(number < 0 ? product : atom) {
  char text[32];
  text_ = std::string(text, std::to_chars(text, text + sizeof text, number).ptr);
}

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

}  // namespace chainrule::ops
