// Operators that take less than the functions that they stand for: those of logic and bits, and those of
// order, no bool beside numbers.

#include <string>

#include "chainrule/functions.h"
#include "graph/call_error.h"

namespace chainrule {
namespace {

/// One of bool with a function of whole numbers would be what a & b < c is in C++: a & (b < c).
void require_one_kind(const char* sign, const char* function, const Operand& a, const Operand& b) {
  const bool mixed = (a.dtype() == DType::boolean) != (b.dtype() == DType::boolean);
  for (const Operand* operand : {&a, &b})
    if (is_floating(operand->dtype()) || (mixed && operand->dtype() != DType::boolean))
      throw DTypeError(std::string(sign) + ": takes bool, or whole numbers, not " +
                       std::string(to_string(operand->dtype())) + (mixed ? " beside bool" : "") +
                       "; compare first, as (x > 0), or use " + function);
}

/// What a < b < c would be in C++: the answer to a < b, 0 or 1, compared with c.
void require_no_chain(const char* sign, const char* function, const Operand& a, const Operand& b) try {
  const auto is_empty = [](const Operand& of) { return of.tensor() != nullptr && of.tensor()->is_empty(); };
  if (is_empty(a) || is_empty(b)) return;  // which the comparison reports
  if ((a.dtype() == DType::boolean) == (b.dtype() == DType::boolean)) return;
  throw DTypeError(std::string(sign) + ": orders bool and " +
                   std::string(to_string(a.dtype() == DType::boolean ? b.dtype() : a.dtype())) +
                   "; comparisons cannot be chained: write (a < b) & (b < c), or " + function +
                   "(a, b) where 0 and 1 are meant");
} catch (...) {
  rethrow_in_call(sign, a, b);
}

}  // namespace

Tensor operator<(const Operand& a, const Operand& b) {
  require_no_chain("<", "less", a, b);
  return less(a, b);
}
Tensor operator<=(const Operand& a, const Operand& b) {
  require_no_chain("<=", "less_equal", a, b);
  return less_equal(a, b);
}
Tensor operator>(const Operand& a, const Operand& b) {
  require_no_chain(">", "greater", a, b);
  return greater(a, b);
}
Tensor operator>=(const Operand& a, const Operand& b) {
  require_no_chain(">=", "greater_equal", a, b);
  return greater_equal(a, b);
}

Tensor operator&(const Operand& a, const Operand& b) try {
  require_one_kind("&", "logical_and", a, b);
  return bitwise_and(a, b);
} catch (...) {
  rethrow_in_call("&", a, b);
}
Tensor operator|(const Operand& a, const Operand& b) try {
  require_one_kind("|", "logical_or", a, b);
  return bitwise_or(a, b);
} catch (...) {
  rethrow_in_call("|", a, b);
}
Tensor operator^(const Operand& a, const Operand& b) try {
  require_one_kind("^", "logical_xor", a, b);
  return bitwise_xor(a, b);
} catch (...) {
  rethrow_in_call("^", a, b);
}
Tensor operator~(const Operand& x) try {
  require_one_kind("~", "logical_not", x, x);
  return bitwise_not(x);
} catch (...) {
  rethrow_in_call("~", x);
}

}  // namespace chainrule
