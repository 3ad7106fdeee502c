// Operators that take less than the functions that they stand for: those of logic bool alone, those of order
// no bool beside numbers.

#include <string>

#include "chainrule/ops.h"
#include "graph/call_error.h"

namespace chainrule {
namespace {

void require_bool(const char* sign, const char* function, const Operand& operand) {
  if (operand.dtype() != DType::boolean)
    throw DTypeError(std::string(sign) + ": takes bool, not " + std::string(to_string(operand.dtype())) +
                     "; compare first, as x > 0, or use " + function);
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
  for (const Operand* operand : {&a, &b}) require_bool("&", "logical_and", *operand);
  return logical_and(a, b);
} catch (...) {
  rethrow_in_call("&", a, b);
}
Tensor operator|(const Operand& a, const Operand& b) try {
  for (const Operand* operand : {&a, &b}) require_bool("|", "logical_or", *operand);
  return logical_or(a, b);
} catch (...) {
  rethrow_in_call("|", a, b);
}
Tensor operator^(const Operand& a, const Operand& b) try {
  for (const Operand* operand : {&a, &b}) require_bool("^", "logical_xor", *operand);
  return logical_xor(a, b);
} catch (...) {
  rethrow_in_call("^", a, b);
}
Tensor operator~(const Operand& x) try {
  require_bool("~", "logical_not", x);
  return logical_not(x);
} catch (...) {
  rethrow_in_call("~", x);
}

}  // namespace chainrule
