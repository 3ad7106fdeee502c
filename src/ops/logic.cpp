// Comparisons, operations of bool, where and clamp.
// Only the last two have derivatives, which are masks.

#include <limits>

#include "chainrule/indexing.h"
#include "ops/elementwise.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

/// y = a relation b, as bool. Not differentiable, so it reads nothing and sends nothing. With another
/// relation of b and a as its Mirrored, it needs no loops.
template <class Op>
struct Comparison {
  static constexpr std::string_view formula = "piecewise constant: no gradient";
  static constexpr bool integers = true;
  Array forward(Values in) const {
    const Shape shape = broadcast(Op::name, in[0]->shape(), in[1]->shape());
    if constexpr (requires { typename Op::Mirrored; })
      return Op::Mirrored::compared(*in[1], *in[0], shape);
    else
      return compared(*in[0], *in[1], shape);
  }
  static Array compared(const Array& a, const Array& b, const Shape& shape) {
    return dispatch(a.dtype(), [&]<class T>() { return kernels::compare<Holds, T>(a, b, shape); });
  }
  Tensor batch(const Unwrapped& at) const { return elementwise_again<Op, 2>(at); }
  Reads reads(Wanted) const { return 0; }
  void vjp(Inputs, const Tensor&, const Tensor&, Cotangents&) const {}
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"0"};
  }

  struct Holds {
    auto operator()(auto a, auto b) const { return Op::holds(a, b); }
  };
};

struct Less : Comparison<Less> {
  static constexpr Notation notation = {"<", "<"};
  static constexpr std::string_view name = "less";
  static auto holds(auto a, auto b) { return a < b; }
};
struct LessEqual : Comparison<LessEqual> {
  static constexpr Notation notation = {"≤", "<="};
  static constexpr std::string_view name = "less_equal";
  static auto holds(auto a, auto b) { return a <= b; }
};
struct Greater : Comparison<Greater> {
  static constexpr Notation notation = {">", ">"};
  using Mirrored = Less;
  static constexpr std::string_view name = "greater";
};
struct GreaterEqual : Comparison<GreaterEqual> {
  static constexpr Notation notation = {"≥", ">="};
  using Mirrored = LessEqual;
  static constexpr std::string_view name = "greater_equal";
};
struct Equal : Comparison<Equal> {
  static constexpr Notation notation = {"=", "=="};
  static constexpr std::string_view name = "equal";
  static auto holds(auto a, auto b) { return a == b; }
};
struct NotEqual : Comparison<NotEqual> {
  static constexpr Notation notation = {"≠", "!="};
  static constexpr std::string_view name = "not_equal";
  static auto holds(auto a, auto b) { return a != b; }
};

/// Not differentiable either: of bool, so reads nothing and sends nothing. Holds where Same does.
template <class Op, class Same = Op>
struct Connective : Comparison<Op> {
  static constexpr std::string_view formula = "of bool: no gradient";
  Array forward(Values in) const {
    const Shape shape = broadcast(Op::name, in[0]->shape(), in[1]->shape());
    return kernels::compare<typename Comparison<Same>::Holds, bool>(*in[0], *in[1], shape);
  }
};
struct LogicalAnd : Connective<LogicalAnd> {
  static constexpr std::string_view name = "logical_and";
  static bool holds(bool a, bool b) { return a && b; }
};
struct LogicalOr : Connective<LogicalOr> {
  static constexpr std::string_view name = "logical_or";
  static bool holds(bool a, bool b) { return a || b; }
};
struct LogicalXor : Connective<LogicalXor, NotEqual> {
  static constexpr std::string_view name = "logical_xor";
};
struct LogicalNot {
  static constexpr std::string_view name = "logical_not", formula = "of bool: no gradient";
  Array forward(Values in) const {
    return kernels::compare<NotEqual::Holds, bool>(*in[0], Array(true), in[0]->shape());
  }
  Tensor batch(const Unwrapped& at) const { return logical_not(at.in[0]); }
  Reads reads(Wanted) const { return 0; }
  void vjp(Inputs, const Tensor&, const Tensor&, Cotangents&) const {}
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"0"};
  }
};

struct Where : ElementwiseOp<Where, 3, 1>, rules::Where {
  static constexpr bool cheap = true, integers = true;
  static constexpr std::string_view name = "where",
                                    formula = "∂where(c, a, b)/∂a = 1 if c else 0,  ∂/∂b = 0 if c else 1";
  Array forward(Values in) const {
    if (in[0]->dtype() != DType::boolean)
      throw DTypeError("where: the condition is " + std::string(to_string(in[0]->dtype())) +
                       ", not bool; compare it with something, as x > 0");
    if (is_floating(in[1]->dtype())) return ElementwiseOp::forward(in);
    return kernels::select(*in[0], *in[1], *in[2],
                           common_shape(name, in[0]->shape(), in[1]->shape(), in[2]->shape()));
  }
};

struct Clamp : ElementwiseOp<Clamp, 3>, rules::Clamp {
  static constexpr bool cheap = true;
  static constexpr std::string_view name = "clamp",
                                    formula = "∂clamp(x, low, high)/∂x = 1 if low ≤ x ≤ high else 0";
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    const std::string &x = names[0], &low = names[1], &high = names[2];
    if (input == 0) return {"1 if " + low + " ≤ " + x + " ≤ " + high + " else 0"};
    return {input == 1 ? "1 if " + x + " < " + low + " else 0" : "1 if " + x + " > " + high + " else 0"};
  }
};

/// A bound that is not given does not bind.
static Result clamped(Arguments& a) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return clamp(a[0], a.given(1) ? a[1] : Operand(-infinity), a.given(2) ? a[2] : Operand(infinity));
}

Entries logic_operations() {
  static constexpr Entry table[] = {
      {.name = Less::name,
       .parameters = two_inputs,
       .call = call<less>,
       .formula = Less::formula,
       .aliases = "lt",
       .example = "[1, 2, 3] < 2",
       .differentiable = false,
       .notation = Less::notation},
      {.name = LessEqual::name,
       .parameters = two_inputs,
       .call = call<less_equal>,
       .formula = LessEqual::formula,
       .aliases = "le",
       .example = "[1, 2, 3] <= 2",
       .differentiable = false,
       .notation = LessEqual::notation},
      {.name = Greater::name,
       .parameters = two_inputs,
       .call = call<greater>,
       .formula = Greater::formula,
       .aliases = "gt",
       .example = "[1, 2, 3] > 2",
       .differentiable = false,
       .notation = Greater::notation},
      {.name = GreaterEqual::name,
       .parameters = two_inputs,
       .call = call<greater_equal>,
       .formula = GreaterEqual::formula,
       .aliases = "ge",
       .example = "[1, 2, 3] >= 2",
       .differentiable = false,
       .notation = GreaterEqual::notation},
      {.name = Equal::name,
       .parameters = two_inputs,
       .call = call<equal>,
       .formula = Equal::formula,
       .aliases = "eq",
       .example = "[1, 2, 3] == 2",
       .differentiable = false,
       .notation = Equal::notation},
      {.name = NotEqual::name,
       .parameters = two_inputs,
       .call = call<not_equal>,
       .formula = NotEqual::formula,
       .aliases = "ne",
       .example = "[1, 2, 3] != 2",
       .differentiable = false,
       .notation = NotEqual::notation},
      {.name = LogicalAnd::name,
       .parameters = two_inputs,
       .call = call<logical_and>,
       .formula = LogicalAnd::formula,
       .example = "logical_and([1, 0], [1, 1])",
       .differentiable = false},
      {.name = LogicalOr::name,
       .parameters = two_inputs,
       .call = call<logical_or>,
       .formula = LogicalOr::formula,
       .example = "logical_or([1, 0], [1, 1])",
       .differentiable = false},
      {.name = LogicalXor::name,
       .parameters = two_inputs,
       .call = call<logical_xor>,
       .formula = LogicalXor::formula,
       .example = "logical_xor([1, 0], [1, 1])",
       .differentiable = false},
      {.name = LogicalNot::name,
       .parameters = one_input,
       .call = call<logical_not>,
       .formula = LogicalNot::formula,
       .example = "logical_not([1, 0])",
       .differentiable = false},
      {.name = Where::name,
       .parameters = "condition, a|x|input=None, b|y|other=None",
       .call = [](Arguments& a) -> Result {
         if (!a.given(1) && !a.given(2)) return where(a[0]);
         return where(a[0], a[1], a[2]);
       },
       .formula = Where::formula,
       .example = "where([1, -1] > [0, 0], 5, 6)",
       .note = "the branch not taken gets exactly 0; of a condition alone, the places where it holds, axis "
               "by axis"},
      {.name = Clamp::name,
       .parameters = "x|a|input, low|a_min|min=None, high|a_max|max=None",
       .call = clamped,
       .formula = Clamp::formula,
       .aliases = "clip",
       .example = "clamp([-3, 0.5, 2], -1, 1)",
       .note = "derivative 1 at the bounds"},
      {.name = "all",
       .parameters = over_axes,
       .call = [](Arguments& a) -> Result { return all(a[0], a.axes(1), a.flag(2)); },
       .formula = "of bool: no gradient",
       .example = "all([1, 2] > [0, 0])",
       .differentiable = false},
      {.name = "any",
       .parameters = over_axes,
       .call = [](Arguments& a) -> Result { return any(a[0], a.axes(1), a.flag(2)); },
       .formula = "of bool: no gradient",
       .example = "any([1, 2] > [1, 3])",
       .differentiable = false},
  };
  return table;
}

namespace {

template <class Op>
Tensor compare(const Operand& a, const Operand& b) {
  const DType dtype = common_dtype(a, b);
  return apply(Op{}, a.here(), Argument(a, dtype), Argument(b, dtype));
}

/// Of bool; numbers are cast.
template <class Op>
Tensor connect(const Operand& a, const Operand& b) {
  (void)common_dtype(a, b);  // GradError for an empty handle
  return apply(Op{}, a.here(), Argument(a, DType::boolean), Argument(b, DType::boolean));
}

}  // namespace
}  // namespace ops

Tensor less(const Operand& a, const Operand& b) { return ops::compare<ops::Less>(a, b); }
Tensor less_equal(const Operand& a, const Operand& b) { return ops::compare<ops::LessEqual>(a, b); }
Tensor greater(const Operand& a, const Operand& b) { return ops::compare<ops::Greater>(a, b); }
Tensor greater_equal(const Operand& a, const Operand& b) { return ops::compare<ops::GreaterEqual>(a, b); }
Tensor equal(const Operand& a, const Operand& b) { return ops::compare<ops::Equal>(a, b); }
Tensor not_equal(const Operand& a, const Operand& b) { return ops::compare<ops::NotEqual>(a, b); }

Tensor logical_and(const Operand& a, const Operand& b) { return ops::connect<ops::LogicalAnd>(a, b); }
Tensor logical_or(const Operand& a, const Operand& b) { return ops::connect<ops::LogicalOr>(a, b); }
Tensor logical_xor(const Operand& a, const Operand& b) { return ops::connect<ops::LogicalXor>(a, b); }
Tensor logical_not(const Operand& x) {
  if (x.dtype() != DType::boolean) return equal(x, {0, x.here()});  // in one pass
  return apply(ops::LogicalNot{}, x.here(), Argument(x, DType::boolean));
}

Tensor all(const Operand& x, const Axes& axes, Flag keepdims) try {
  return sum(logical_not(x), axes, keepdims) == 0;
} catch (...) {
  rethrow_in_call("all", x);
}
Tensor any(const Operand& x, const Axes& axes, Flag keepdims) try {
  return sum(cast(x, DType::boolean), axes, keepdims) > 0;
} catch (...) {
  rethrow_in_call("any", x);
}

Tensor where(const Operand& condition, const Operand& a, const Operand& b) {
  const DType dtype = ops::common_dtype(a, b);
  return apply(ops::Where{}, condition.here(), Argument(condition, condition.dtype()), Argument(a, dtype),
               Argument(b, dtype));
}

Tensor clamp(const Operand& x, const Operand& low, const Operand& high) try {
  const DType dtype = ops::common_dtype(x, low, high);
  if (!is_floating(dtype)) return minimum(maximum(x, low), high);
  return apply(ops::Clamp{}, x.here(), Argument(x, dtype), Argument(low, dtype), Argument(high, dtype));
} catch (...) {
  rethrow_in_call("clamp", x, low, high);
}

}  // namespace chainrule
