// What elementwise operations have in common: an operation gives its value and its rules as generic
// formulas, and gets the broadcasting, the fused loops, its reads and its description from here.

#pragma once

#include "array/wrapping.h"
#include "chainrule/ops.h"
#include "graph/apply.h"
#include "kernels/elementwise.h"
#include "ops/formula.h"
#include "ops/scalars.h"
#include "ops/shape_ops.h"

namespace chainrule {

// What rules on tensors are made of besides the public operations: see chainrule/detail/rules.h.
Tensor strong_product(const Operand& a, const Operand& b);
Tensor strong_quotient(const Operand& a, const Operand& b);
Tensor sigmoid_slope(const Operand& x);

namespace ops {

/// What comes from above on its way into a rule, and what the rule gives.
template <class T>
rules::Cotangent<T> into_rule(const T& g) {
  return {g};
}
constexpr Probe into_rule(Probe g) { return g; }
inline Symbol into_rule(const Symbol& g) { return g; }
template <class T>
T out_of_rule(const rules::Cotangent<T>& g) {
  return g.value;
}
constexpr Probe out_of_rule(Probe g) { return g; }
inline Symbol out_of_rule(const Symbol& g) { return g; }

/// May the gradient of an operation on this input be asked for?
inline bool will_differentiate(const Tensor& in) { return !recording_mode.off && in.requires_grad(); }

/// The value, or null for one that a rule does not read, as it may be gone.
inline const Array* value_if(bool read, const Tensor& tensor) { return read ? &value_of(tensor) : nullptr; }

/// The element of a scalar, 0 for one that a rule does not read.
template <class T>
T element_or_zero(const Array* value) {
  return value != nullptr ? value->item<T>() : T(0);
}

/// The number that a scalar is, 0 for one that a rule does not read. (Its value is never released.)
template <class T, bool is_read = true>
T element(const Tensor& scalar) {
  if constexpr (is_read) return scalar.node()->value().item<T>();
  return T(0);
}

/// The operation on what stands for its inputs under vmap, where it is elementwise.
template <class Op>
Tensor unary_again(const Unwrapped& at) {
  return apply(Op{}, {}, Argument(at.in[0]));
}
template <class Op>
Tensor binary_again(const Unwrapped& at) {
  (void)broadcast(Op::name, at.shape(0), at.shape(1));  // so that an error shows these
  const std::size_t rank = at.most_rank();
  const Tensor a = at.aligned(0, rank), b = at.aligned(1, rank);
  return apply(Op{}, {}, Argument(a), Argument(b));
}

/// The tangent of y = f(a, b), broadcast, from by_a(t) and by_b(t), which multiply one of y's shape by the
/// slopes.
template <class A, class B>
Tensor sum_of_tangents(const Tensor& out, Inputs tangents, const A& by_a, const B& by_b) {
  const auto stretched = [&](const Tensor& t) {
    return t.shape() == out.shape() ? t : broadcast_to(t, out.shape());
  };
  if (tangents[1].is_empty()) return by_a(stretched(tangents[0]));
  if (tangents[0].is_empty()) return by_b(stretched(tangents[1]));
  return by_a(stretched(tangents[0])) + by_b(stretched(tangents[1]));
}

/// Does computing a value take no longer than writing and reading it? Op says so.
template <class Op>
constexpr bool is_cheap = requires {
  Op::cheap;
};

/// Are graphs of scalars made of it? Op says so, and then takes the way of ops/scalars.h, which takes 1.5 kB
/// of library.
template <class Op>
constexpr bool is_for_scalars = requires {
  Op::for_scalars;
};

/// y = f(x). Op gives value(x) and vjp_x(x, y, g).
template <class Op>
struct Unary {
  static constexpr bool integers = false;  ///< also defined on int64
  static constexpr Probe probe() { return Op::vjp_x(probe_input(0), probe_output, probe_upstream); }

  Array forward(Values in) const {
    if constexpr (Op::integers)
      if (in[0]->dtype() == DType::int64)
        return kernels::map<WithWrapping<Forward>, std::int64_t, std::int64_t>(*in[0]);
    return dispatch_floating(in[0]->dtype(), [&]<class T>() {
      if (in[0]->shape().rank() == 0) return Array(static_cast<T>(Op::value(in[0]->template item<T>())));
      return kernels::elementwise<Forward, T, 1>(in[0]->shape(), {in[0]}, is_cheap<Op>);
    });
  }
  Reads reads(Wanted wanted) const { return wanted(0) ? probe().reads : 0; }
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    if constexpr (probe().is_upstream)
      to[0] = g;
    else
      to[0] = to.in_numbers() ? fused(in[0], out, g) : Rule()(in[0], out, g);
  }
  Tensor batch(const Unwrapped& at) const { return unary_again<Op>(at); }
  Tensor jvp(Inputs in, const Tensor& out, Inputs tangents) const {
    const Tensor& t = tangents[0];
    if constexpr (probe().is_upstream) return t;
    return may_be_in_numbers({&in[0], &out, &t}) ? fused(in[0], out, t) : Rule()(in[0], out, t);
  }
  void scalar_vjp(Inputs in, const Array& y, double g, Cotangents& to) const {
    constexpr Reads reads = probe().reads;
    dispatch_floating(y.dtype(), [&]<class T>() {
      const T x = element<T, (reads & reads_input(0)) != 0>(in[0]);
      if constexpr ((reads & reads_output) != 0)
        to[0] = double(Rule()(x, y.template item<T>(), static_cast<T>(g)));
      else
        to[0] = double(Rule()(x, T(0), static_cast<T>(g)));
    });
  }
  [[gnu::cold]] LocalFormula local_formula(std::size_t, std::span<const std::string> names,
                                           const std::string& result) const {
    return {Op::vjp_x(Symbol(names[0]), Symbol(result), Symbol("1")).text(), true};
  }

 private:
  // Function objects, not lambdas: their bodies wait until Op is complete.
  struct Forward {
    auto operator()(auto x) const { return Op::value(x); }
  };
  struct Rule {
    constexpr auto operator()(auto x, auto y, auto g) const {
      return out_of_rule(Op::vjp_x(x, y, into_rule(g)));
    }
  };

  static Tensor fused(const Tensor& x, const Tensor& y, const Tensor& g) {
    constexpr bool reads_x = (probe().reads & reads_input(0)) != 0,
                   reads_y = (probe().reads & reads_output) != 0;
    return constant(dispatch_floating(g.node()->dtype(), [&]<class T>() {
      const std::array<const Array*, 3> all = {value_if(reads_x, x), value_if(reads_y, y), &value_of(g)};
      const Shape& whole = y.node()->shape();
      if (whole.rank() == 0)
        return Array(
            Rule()(element_or_zero<T>(all[0]), element_or_zero<T>(all[1]), all[2]->template item<T>()));
      return kernels::elementwise<Rule, T, 3>(whole, all);
    }));
  }
};

/// What a rule of two inputs, rule(a, b, y, g), reads.
template <class Rule>
constexpr Probe probe(Rule rule) {
  return rule(probe_input(0), probe_input(1), probe_output, probe_upstream);
}

/// The values of such a rule in one pass, for an output of shape `from`.
template <class Rule>
Tensor fused(Rule rule, const Tensor& a, const Tensor& b, const Tensor& y, const Shape& from,
             const Tensor& g) {
  constexpr Reads reads = probe(Rule{}).reads;
  constexpr bool reads_a = (reads & reads_input(0)) != 0, reads_b = (reads & reads_input(1)) != 0,
                 reads_y = (reads & reads_output) != 0;
  return constant(dispatch_floating(g.node()->dtype(), [&]<class T>() {
    const std::array<const Array*, 4> all = {value_if(reads_a, a), value_if(reads_b, b), value_if(reads_y, y),
                                             &value_of(g)};
    if (from.rank() == 0)
      return Array(rule(element_or_zero<T>(all[0]), element_or_zero<T>(all[1]), element_or_zero<T>(all[2]),
                        all[3]->template item<T>()));
    return kernels::elementwise<Rule, T, 4>(from, all);
  }));
}

/// Sends input i what the rule gives, summed over the axes along which it was broadcast to `from`.
template <class Rule>
void send(Rule rule, std::size_t i, Inputs in, const Tensor& out, const Shape& from, const Tensor& g,
          Cotangents& to) {
  const Shape& shape = in[i].node()->shape();
  if constexpr (probe(Rule{}).is_upstream)
    to[i] = sum_to(g, shape);
  else
    to[i] =
        sum_to(to.in_numbers() ? fused(rule, in[0], in[1], out, from, g) : rule(in[0], in[1], out, g), shape);
}

/// y = f(a, b), broadcast. Op gives value(a, b), vjp_a(a, b, y, g) and vjp_b(a, b, y, g).
template <class Op>
struct Binary {
  static constexpr bool integers = false;

  struct Forward {
    auto operator()(auto a, auto b) const { return Op::value(a, b); }
  };
  struct RuleA {
    constexpr auto operator()(auto a, auto b, auto y, auto g) const {
      return out_of_rule(Op::vjp_a(a, b, y, into_rule(g)));
    }
  };
  struct RuleB {
    constexpr auto operator()(auto a, auto b, auto y, auto g) const {
      return out_of_rule(Op::vjp_b(a, b, y, into_rule(g)));
    }
  };

  Array forward(Values in) const {
    if constexpr (Op::integers)
      if (in[0]->dtype() == DType::int64)
        return kernels::zip<WithWrapping<Forward>, std::int64_t, std::int64_t>(
            *in[0], *in[1], broadcast(Op::name, in[0]->shape(), in[1]->shape()));
    return dispatch_floating(in[0]->dtype(), [&]<class T>() {
      if (in[0]->shape().rank() + in[1]->shape().rank() == 0)
        return Array(static_cast<T>(Op::value(in[0]->template item<T>(), in[1]->template item<T>())));
      const Shape shape = broadcast(Op::name, in[0]->shape(), in[1]->shape());
      return kernels::elementwise<Forward, T, 2>(shape, {in[0], in[1]}, is_cheap<Op>);
    });
  }
  Reads reads(Wanted wanted) const {
    return (wanted(0) ? probe(RuleA()).reads : 0) | (wanted(1) ? probe(RuleB()).reads : 0);
  }
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to) const {
    const Shape& shape = out.node()->shape();
    if (to.wants(0)) send(RuleA(), 0, in, out, shape, g, to);
    if (to.wants(1)) send(RuleB(), 1, in, out, shape, g, to);
  }
  Tensor batch(const Unwrapped& at) const { return binary_again<Op>(at); }
  Tensor jvp(Inputs in, const Tensor& out, Inputs tangents) const {
    const auto by = [&](auto rule) {
      return [&, rule](const Tensor& t) {
        if constexpr (probe(decltype(rule)()).is_upstream) return t;
        return may_be_in_numbers({&in[0], &in[1], &out, &t})
                   ? ops::fused(rule, in[0], in[1], out, out.shape(), t)
                   : Tensor(rule(in[0], in[1], out, t));
      };
    };
    return sum_of_tangents(out, tangents, by(RuleA()), by(RuleB()));
  }
  void scalar_vjp(Inputs in, const Array& y, double g, Cotangents& to) const {
    dispatch_floating(y.dtype(), [&]<class T>() {
      const auto gradient = [&](auto rule) -> double {
        constexpr Reads reads = probe(decltype(rule)()).reads;
        const T a = element<T, (reads & reads_input(0)) != 0>(in[0]),
                b = element<T, (reads & reads_input(1)) != 0>(in[1]);
        if constexpr ((reads & reads_output) != 0) return rule(a, b, y.template item<T>(), static_cast<T>(g));
        return rule(a, b, T(0), static_cast<T>(g));
      };
      if (to.wants(0)) to[0] = gradient(RuleA());
      if (to.wants(1)) to[1] = gradient(RuleB());
    });
  }
  [[gnu::cold]] LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                                           const std::string& result) const {
    const auto text = [&](auto rule) {
      return rule(Symbol(names[0]), Symbol(names[1]), Symbol(result), Symbol("1")).text();
    };
    return {input == 0 ? text(RuleA()) : text(RuleB()), true};
  }
};

/// The dtype of an operation on real numbers: integers become the default.
inline DType real_dtype(DType dtype) { return is_floating(dtype) ? dtype : default_dtype(); }

/// The dtype of an operation on numbers: bool counts as int64.
inline DType number_dtype(DType dtype) { return dtype == DType::boolean ? DType::int64 : dtype; }

/// The dtype of an operation: integers become the default where it is one of real numbers.
template <class Op>
DType working_dtype(DType dtype) {
  return Op::integers ? number_dtype(dtype) : real_dtype(dtype);
}

/// Of an operand, without a call for a tensor.
inline DType dtype_of(const Operand& operand) {
  const Node* node = operand.tensor() != nullptr ? operand.tensor()->node() : nullptr;
  return node != nullptr ? node->dtype() : operand.dtype();
}

/// The dtype in which operands meet: that of the tensors among them, unless it cannot hold a number. (One
/// with a fraction makes whole numbers floating, and -1 makes uint8 int32.)
class CommonDType {
 public:
  void meet(const Operand& operand) {
    DType& kind = operand.tensor() != nullptr ? tensors_ : numbers_;
    kind = promote(kind, dtype_of(operand));
    if (operand.tensor() == nullptr) least_ = promote(least_, operand.least_dtype());
  }
  DType result() const {
    return is_floating(tensors_) ? tensors_ : promote(tensors_, is_integer(tensors_) ? least_ : numbers_);
  }

 private:
  DType tensors_ = DType::boolean, numbers_ = DType::boolean, least_ = DType::boolean;
};
template <std::same_as<Operand>... Operands>
DType common_dtype(const Operand& first, const Operands&... others) {
  const DType dtype = dtype_of(first);
  if (((dtype_of(others) == dtype) && ...)) return dtype;
  CommonDType common;
  common.meet(first);
  (common.meet(others), ...);
  return common.result();
}

template <class Op, std::same_as<Operand>... In>
Tensor apply_to_any(const Operand& first, const In&... others) {
  const DType dtype = working_dtype<Op>(common_dtype(first, others...));
  return apply(Op{}, first.here(), Argument(first, dtype), Argument(others, dtype)...);
}
template <class Op, std::same_as<Operand>... In>
[[gnu::noinline]] Tensor apply_to_others(const In&... in) {
  return apply_to_any<Op>(in...);
}
template <class Op, std::same_as<Operand>... In>
Tensor apply_elementwise(const In&... in) {
  if constexpr (is_for_scalars<Op>)
    return are_recorded_scalars(in...) ? apply_to_scalars<Op>(in...) : apply_to_others<Op>(in...);
  else
    return apply_to_any<Op>(in...);
}

template <class Op>
Tensor unary(const Operand& x) {
  return apply_elementwise<Op>(x);
}
template <class Op>
Tensor binary(const Operand& a, const Operand& b) {
  return apply_elementwise<Op>(a, b);
}

}  // namespace ops
}  // namespace chainrule
