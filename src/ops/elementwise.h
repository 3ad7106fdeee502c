// What elementwise operations have in common, of however many inputs: an operation gives its value and its
// rules as generic formulas, and gets the broadcasting, the fused loops, its reads and its description from
// here.

#pragma once

#include "array/wrapping.h"
#include "autograd/total.h"
#include "chainrule/ops.h"
#include "graph/apply.h"
#include "kernels/elementwise.h"
#include "kernels/repeated.h"
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

/// The number that a scalar is. (Its value is never released.)
template <class T>
T element(const Tensor& scalar) {
  return scalar.node()->value().item<T>();
}

/// Does computing a value take no longer than writing and reading it? Op says so.
template <class Op>
constexpr bool is_cheap = requires {
  Op::cheap;
};

/// Its pass, of which Op may say what arithmetic it is.
template <class Op>
constexpr kernels::PassKind pass_of = [] {
  kernels::PassKind kind{.is_cheap = is_cheap<Op>};
  if constexpr (requires { Op::arithmetic; }) kind.arithmetic = Op::arithmetic;
  return kind;
}();

/// Is the rule of input 1 that of input 0 with the two exchanged? Op says so, and both then share a loop.
template <class Op>
constexpr bool is_symmetric = requires {
  Op::symmetric;
};

/// Are graphs of scalars made of it? Op says so, and then takes the way of ops/scalars.h, which takes 1.5 kB
/// of library.
template <class Op>
constexpr bool is_for_scalars = requires {
  Op::for_scalars;
};

/// Rule k of an operation as a function object: of the inputs, the result and what comes from above.
template <class Op, std::size_t k>
struct RuleOf {
  constexpr auto operator()(auto x, auto y, auto g) const {
    return out_of_rule(Op::vjp_x(x, y, into_rule(g)));
  }
  constexpr auto operator()(auto a, auto b, auto y, auto g) const {
    if constexpr (k == 0)
      return out_of_rule(Op::vjp_a(a, b, y, into_rule(g)));
    else
      return out_of_rule(Op::vjp_b(a, b, y, into_rule(g)));
  }
  constexpr auto operator()(auto a, auto b, auto c, auto y, auto g) const {
    if constexpr (k == 0)
      return out_of_rule(Op::vjp_a(a, b, c, y, into_rule(g)));
    else if constexpr (k == 1)
      return out_of_rule(Op::vjp_b(a, b, c, y, into_rule(g)));
    else
      return out_of_rule(Op::vjp_c(a, b, c, y, into_rule(g)));
  }
};

/// The same of what it reads alone, in this order, and of what comes from above: a loop over elements then
/// has no more operands than it needs.
template <class Op, std::size_t N, std::size_t rule>
struct RuleOfReads {
  static constexpr Probe probe = [] {
    return [&]<std::size_t... k>(std::index_sequence<k...>) {
      return RuleOf<Op, rule>()(probe_input(k)..., probe_output, probe_upstream);
    }
    (std::make_index_sequence<N>());
  }();
  /// Is that of all its arguments read, where N is the result?
  static constexpr bool reads(std::size_t k) {
    return k > N || (probe.reads & (k < N ? reads_input(k) : reads_output)) != 0;
  }
  static constexpr std::size_t count_before(std::size_t end) {
    std::size_t before = 0;
    for (std::size_t k = 0; k < end; ++k) before += reads(k) ? 1 : 0;
    return before;
  }
  static constexpr std::size_t count = count_before(N + 2);
  /// Where argument k is among them; something else where it is not read.
  static constexpr std::size_t place(std::size_t k) { return reads(k) ? count_before(k) : count - 1; }

  auto operator()(auto... all) const {
    const auto read = std::tie(all...);
    return [&]<std::size_t... k>(std::index_sequence<k...>) {
      return RuleOf<Op, rule>()(std::get<place(k)>(read)...);
    }
    (std::make_index_sequence<N + 2>());
  }
};

/// What shapes have in common where they are broadcast.
inline const Shape& common_shape(std::string_view, const Shape& only) { return only; }
template <class... More>
Shape common_shape(std::string_view name, const Shape& first,
                   const More&... more) requires(sizeof...(More) > 0) {
  return broadcast(name, first, common_shape(name, more...));
}

/// Calls f.template operator()<i>() for each input from `first` to before `last`.
template <std::size_t first, std::size_t last, class F>
[[gnu::always_inline]] inline void for_each_input(const F& f) {
  [&]<std::size_t... i>(std::index_sequence<i...>) { (f.template operator()<first + i>(), ...); }
  (std::make_index_sequence<last - first>());
}

/// The tangent of a result: the sum of what along.template operator()<i>(t) makes of the tangent t of each of
/// these inputs, stretched to its shape.
template <std::size_t first, std::size_t last, class Along>
Tensor sum_of_tangents(const Tensor& out, Inputs tangents, const Along& along) {
  Tensor sum;
  for_each_input<first, last>([&]<std::size_t i>() {
    const Tensor& t = tangents[i];
    if (t.is_empty()) return;
    add_to(sum, along.template operator()<i>(stretched(t, out.shape())));
  });
  return sum;
}

/// The operation on what stands for its inputs under vmap, where it is elementwise.
template <class Op, std::size_t N>
Tensor elementwise_again(const Unwrapped& at) {
  return [&]<std::size_t... i>(std::index_sequence<i...>) {
    if constexpr (N > 1) (void)common_shape(Op::name, at.shape(i)...);  // so that an error shows these
    const std::array<Tensor, N> in = {at.aligned(i, at.most_rank())...};
    return apply(Op{}, {}, Argument(in[i])...);
  }
  (std::make_index_sequence<N>());
}

/// y = f(x...), broadcast, of N inputs, of which those from `first` to before `last` have derivatives; those
/// before are conditions, of bool. Op gives value(x...), and for each input with a derivative a rule of
/// (x..., y, g): vjp_x where there is one input, else vjp_a, vjp_b and vjp_c in their order.
template <class Op, std::size_t N, std::size_t first = 0, std::size_t last = N>
struct ElementwiseOp {
  static constexpr bool integers = false;  ///< also defined on int64
  /// int32 numbers, too, are computed with as they are: see graph/stored.h.
  static constexpr bool takes_int32() { return Op::integers && N <= 2; }

  Array forward(Values in) const {
    if constexpr (takes_int32()) {
      if (in[0]->dtype() == DType::int64) return on_integers<std::int64_t>(in, Indices());
      if (in[0]->dtype() == DType::int32) return on_integers<std::int32_t>(in, Indices());
    }
    return dispatch_floating(in[N - 1]->dtype(), [&]<class T>() { return on_floats<T>(in, Indices()); });
  }
  Reads reads(Wanted wanted) const {
    Reads reads = 0;
    for_each_input<first, last>([&]<std::size_t i>() { reads |= wanted(i) ? Rule<i>::probe.reads : 0; });
    return reads;
  }
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to) const {
    send(in, out, out.node()->shape(), g, to);
  }
  Tensor batch(const Unwrapped& at) const { return elementwise_again<Op, N>(at); }
  Tensor jvp(Inputs in, const Tensor& out, Inputs tangents) const {
    return sum_of_tangents<first, last>(out, tangents,
                                        [&]<std::size_t i>(const Tensor& t) { return along<i>(in, out, t); });
  }
  void scalar_vjp(Inputs in, const Array& y, double g, Cotangents& to) const {
    dispatch_floating(y.dtype(), [&]<class T>() {
      for_each_input<first, last>([&]<std::size_t i>() {
        if (N == 1 || to.wants(i)) to[i] = double(of_scalars<i, T>(in, y, static_cast<T>(g), Indices()));
      });
    });
  }
  [[gnu::cold]] LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                                           const std::string& result) const {
    return written(rule(input, names, result, 1));
  }

  // For operations that are made of one.

  /// Sends each input what its rule gives of an output of shape `whole`, summed over the axes along which the
  /// input was broadcast.
  static void send(Inputs in, const Tensor& out, const Shape& whole, const Tensor& g, Cotangents& to) {
    for_each_input<first, last>([&]<std::size_t i>() {
      if (!to.wants(i)) return;
      const auto summed = [&](const Tensor& each) {
        if constexpr (N == 1)
          return each;
        else
          return sum_to(each, in[i].node()->shape());
      };
      if constexpr (Rule<i>::probe.is_upstream)
        to[i] = summed(g);
      else
        to[i] = summed(to.in_numbers() ? fused<i>(in, out, whole, g) : recorded<i>(in, out, g, Indices()));
    });
  }
  /// The values of the rule of input i in one pass, for an output of shape `whole`. (Gradients and tangents
  /// share it, which takes a tenth less of the library.)
  template <std::size_t i>
  [[gnu::noinline]] static Tensor fused(Inputs in, const Tensor& out, const Shape& whole, const Tensor& g) {
    constexpr bool exchanged = N == 2 && i == 1 && is_symmetric<Op>;
    constexpr std::size_t rule = exchanged ? 0 : i;
    using By = Rule<rule>;
    std::array<const Array*, By::count> read;
    for (std::size_t k = 0; k < N; ++k)
      if (By::reads(k)) read[By::place(k)] = &value_of(in[exchanged ? 1 - k : k]);
    if (By::reads(N)) read[By::place(N)] = &value_of(out);
    read.back() = &value_of(g);
    // Of a sum's gradient, say.
    if constexpr (By::probe.is_product)
      if (const Array& value = *read.front();
          value.shape() == whole && kernels::is_product_with(value, *read.back()))
        return constant(value);
    return constant(dispatch_floating(g.node()->dtype(), [&]<class T>() {
      return of_read<rule, T>(whole, read, std::make_index_sequence<By::count>());
    }));
  }
  /// The rule of an input for people.
  [[gnu::cold]] static Symbol rule(std::size_t input, std::span<const std::string> names,
                                   const std::string& result, const Symbol& g) {
    Symbol found(0);
    for_each_input<first, last>([&]<std::size_t i>() {
      if (i == input) found = symbol<i>(names, result, g, Indices());
    });
    return found;
  }

 private:
  using Indices = std::make_index_sequence<N>;
  template <std::size_t i>
  using Rule = RuleOfReads<Op, N, i - first>;
  template <class T, std::size_t input>
  using Element = std::conditional_t<(input < first), bool, T>;
  /// Of operand k of the loop of rule i. (It reads conditions that come first, or none.)
  template <class T, std::size_t i, std::size_t k>
  using ReadElement = std::conditional_t<(k < Rule<i>::count_before(first)), bool, T>;
  // A function object, not a lambda: its body waits until Op is complete.
  struct Forward {
    auto operator()(auto... x) const { return Op::value(x...); }
  };

  /// The rule of input i, in one pass where that may be.
  template <std::size_t i>
  static Tensor along(Inputs in, const Tensor& out, const Tensor& g) {
    if constexpr (Rule<i>::probe.is_upstream) {
      return g;
    } else {
      return may_be_in_numbers(in, out, g) ? fused<i>(in, out, out.shape(), g)
                                           : recorded<i>(in, out, g, Indices());
    }
  }
  template <class Int, std::size_t... k>
  static Array on_integers(Values in, std::index_sequence<k...>) {
    return kernels::elementwise<WithWrapping<Forward>, Int, N>(common_shape(Op::name, in[k]->shape()...),
                                                               {in[k]...});
  }
  template <class T, std::size_t... k>
  static Array on_floats(Values in, std::index_sequence<k...>) {
    if ((in[k]->shape().rank() + ...) == 0)
      return Array(static_cast<T>(Op::value(in[k]->template item<Element<T, k>>()...)));
    return kernels::elementwise<Forward, T, Element<T, k>...>(common_shape(Op::name, in[k]->shape()...),
                                                              {in[k]...}, pass_of<Op>);
  }
  template <std::size_t i, std::size_t... k>
  [[gnu::noinline]] static Tensor recorded(Inputs in, const Tensor& out, const Tensor& g,
                                           std::index_sequence<k...>) {
    return RuleOf<Op, i - first>()(in[k]..., out, g);
  }
  template <std::size_t i, class T, std::size_t... k>
  static Array of_read(const Shape& whole, const std::array<const Array*, sizeof...(k)>& read,
                       std::index_sequence<k...>) {
    if (whole.rank() == 0) return Array(Rule<i>()(read[k]->template item<ReadElement<T, i, k>>()...));
    constexpr auto arithmetic =
        Rule<i>::probe.is_product ? kernels::Arithmetic::strong_product : kernels::Arithmetic::other;
    return kernels::elementwise<Rule<i>, T, ReadElement<T, i, k>...>(whole, read, {.arithmetic = arithmetic});
  }
  /// Of scalars.
  template <std::size_t i, class T, std::size_t... k>
  static T of_scalars(Inputs in, const Array& y, T g, std::index_sequence<k...>) {
    const auto element = [&]<std::size_t at>() -> Element<T, at> {
      if constexpr (Rule<i>::reads(at)) return ops::element<Element<T, at>>(in[at]);
      return {};
    };
    T result = 0;
    if constexpr (Rule<i>::reads(N)) result = y.template item<T>();
    return static_cast<T>(RuleOf<Op, i - first>()(element.template operator()<k>()..., result, g));
  }
  template <std::size_t i, std::size_t... k>
  static Symbol symbol(std::span<const std::string> names, const Symbol& result, const Symbol& g,
                       std::index_sequence<k...>) {
    return RuleOf<Op, i - first>()(Symbol(names[k])..., result, g);
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
