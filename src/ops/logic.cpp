#include "ops/elementwise.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

/// y = a relation b, as bool. Not differentiable, so it reads nothing and sends nothing.
template <class Op>
struct Comparison {
  static constexpr std::string_view formula = "piecewise constant: no gradient";
  static constexpr bool integers = true;
  Array forward(Values in) const {
    const Shape shape = broadcast(Op::name, in[0]->shape(), in[1]->shape());
    return dispatch(in[0]->dtype(),
                    [&]<class T>() { return kernels::zip<Holds, T, bool>(*in[0], *in[1], shape); });
  }
  Reads reads(Wanted) const { return 0; }
  void vjp(Inputs, const Tensor&, const Tensor&, Cotangents&) const {}
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"0"};
  }

 private:
  struct Holds {
    bool operator()(auto a, auto b) const { return Op::holds(a, b); }
  };
};

struct Less : Comparison<Less> {
  static constexpr std::string_view name = "less";
  static bool holds(auto a, auto b) { return a < b; }
};
struct LessEqual : Comparison<LessEqual> {
  static constexpr std::string_view name = "less_equal";
  static bool holds(auto a, auto b) { return a <= b; }
};
struct Greater : Comparison<Greater> {
  static constexpr std::string_view name = "greater";
  static bool holds(auto a, auto b) { return a > b; }
};
struct GreaterEqual : Comparison<GreaterEqual> {
  static constexpr std::string_view name = "greater_equal";
  static bool holds(auto a, auto b) { return a >= b; }
};
struct Equal : Comparison<Equal> {
  static constexpr std::string_view name = "equal";
  static bool holds(auto a, auto b) { return a == b; }
};
struct NotEqual : Comparison<NotEqual> {
  static constexpr std::string_view name = "not_equal";
  static bool holds(auto a, auto b) { return a != b; }
};

struct Where {
  static constexpr std::string_view name = "where",
                                    formula = "∂where(c, a, b)/∂a = 1 if c else 0,  ∂/∂b = 0 if c else 1";
  Array forward(Values in) const {
    if (in[0]->dtype() != DType::boolean)
      throw DTypeError("where: the condition is " + std::string(to_string(in[0]->dtype())) +
                       ", not bool; compare it with something, as x > 0");
    const Shape branches = broadcast(name, in[1]->shape(), in[2]->shape());
    const Shape shape = broadcast(name, in[0]->shape(), branches);
    return kernels::select(*in[0], *in[1], *in[2], shape);
  }
  Reads reads(Wanted wanted) const { return wanted(1) || wanted(2) ? reads_input(0) : 0; }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(1)) to[1] = sum_to(where(in[0], g, 0), in[1].shape());
    if (to.wants(2)) to[2] = sum_to(where(in[0], 0, g), in[2].shape());
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    return {input == 0 ? "0" : input == 1 ? "1 if " + names[0] + " else 0" : "0 if " + names[0] + " else 1"};
  }
};

/// min(max(x, low), high): where low > high, that is high.
struct Clamp {
  static constexpr std::string_view name = "clamp",
                                    formula = "∂clamp(x, low, high)/∂x = 1 if low ≤ x ≤ high else 0";
  Array forward(Values in) const {
    const Shape shape = broadcast(name, in[0]->shape(), broadcast(name, in[1]->shape(), in[2]->shape()));
    return dispatch_floating(in[0]->dtype(), [&]<class T>() {
      return kernels::elementwise<Bounded, T, 3>(shape, {in[0], in[1], in[2]});
    });
  }
  Reads reads(Wanted wanted) const {
    return wanted(0) || wanted(1) || wanted(2) ? reads_input(0) | reads_input(1) | reads_input(2) : 0;
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    const Tensor &x = in[0], &low = in[1], &high = in[2], below = x < low;
    if (to.wants(0)) to[0] = sum_to(where(below, 0, where(x > high, 0, g)), x.shape());
    if (to.wants(1)) to[1] = sum_to(where(below, where(low > high, 0, g), 0), low.shape());
    if (to.wants(2)) to[2] = sum_to(where(maximum(x, low) > high, g, 0), high.shape());
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    const std::string &x = names[0], &low = names[1], &high = names[2];
    if (input == 0) return {"1 if " + low + " ≤ " + x + " ≤ " + high + " else 0"};
    return {input == 1 ? "1 if " + x + " < " + low + " else 0" : "1 if " + x + " > " + high + " else 0"};
  }

 private:
  struct Bounded {
    auto operator()(auto x, auto low, auto high) const { return minimum(maximum(x, low), high); }
  };
};

struct Cast {
  static constexpr std::string_view name = "cast", formula = "∂cast(x)/∂x = 1, in x's dtype";
  DType dtype;
  Array forward(Values in) const {
    return dispatch(in[0]->dtype(), [&]<class From>() {
      return dispatch(dtype, [&]<class To>() {
        const auto f = [](From x) {
          if constexpr (std::is_same_v<To, bool>)
            return x != From(0);
          else
            return static_cast<To>(x);
        };
        return kernels::map<decltype(f), From, To>(*in[0]);
      });
    });
  }
  Reads reads(Wanted) const { return 0; }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = cast(g, in[0].dtype());
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"1"};
  }
};

const Registered<Less, LessEqual, Greater, GreaterEqual, Equal, NotEqual, Where, Clamp, Cast> registered;

namespace {

template <class Op>
Tensor compare(const Operand& a, const Operand& b) {
  const DType dtype = common_dtype(a, b);
  return apply(Op{}, a.here(), Argument(a, dtype), Argument(b, dtype));
}

}  // namespace
}  // namespace ops

Tensor less(const Operand& a, const Operand& b) { return ops::compare<ops::Less>(a, b); }
Tensor less_equal(const Operand& a, const Operand& b) { return ops::compare<ops::LessEqual>(a, b); }
Tensor greater(const Operand& a, const Operand& b) { return ops::compare<ops::Greater>(a, b); }
Tensor greater_equal(const Operand& a, const Operand& b) { return ops::compare<ops::GreaterEqual>(a, b); }
Tensor equal(const Operand& a, const Operand& b) { return ops::compare<ops::Equal>(a, b); }
Tensor not_equal(const Operand& a, const Operand& b) { return ops::compare<ops::NotEqual>(a, b); }

Tensor where(const Operand& condition, const Operand& a, const Operand& b) {
  const DType dtype = ops::common_dtype(a, b);
  return apply(ops::Where{}, condition.here(), Argument(condition, condition.dtype()), Argument(a, dtype),
               Argument(b, dtype));
}

Tensor clamp(const Operand& x, const Operand& low, const Operand& high) {
  const DType dtype = ops::common_dtype(x, low, high);
  if (!is_floating(dtype)) return minimum(maximum(x, low), high);
  return apply(ops::Clamp{}, x.here(), Argument(x, dtype), Argument(low, dtype), Argument(high, dtype));
}

Tensor cast(const Operand& x, DType dtype) {
  if (x.dtype() == dtype) return x.as_tensor();
  return apply(ops::Cast{dtype}, x.here(), Argument(x, x.dtype()));
}

}  // namespace chainrule
