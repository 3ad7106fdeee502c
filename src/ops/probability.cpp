// softmax and log_softmax, with derivatives of any order that do not lose what is small beside 1.
// kernels/softmax.h computes them.

#include "ops/probability.h"

#include <limits>

#include "kernels/softmax.h"
#include "ops/along_axis.h"
#include "ops/elementwise.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

// Gradients that are to be differentiated again are made of the operations below, whose values and
// derivatives keep the digits that a y near 1 has lost. As y comes from softmax, what its cotangent has in
// common to all elements is without effect, and may be left out.

/// The element of u where y is largest, from which others are counted; 0 where y is NaN. A constant.
static Tensor at_largest(const Tensor& y, const Tensor& u, std::size_t axis) {
  if (y.size() == 0) return u;
  const NoGrad guard;
  const auto along = static_cast<std::int64_t>(axis);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Tensor found = max(where(y == max(y, along, true), u, -infinity), along, true);
  return where(found == -infinity, 0, found);
}

/// y · (u - Σ y·u), the Jacobian of softmax, which is symmetric, times u.
struct SoftmaxGradient {
  static constexpr std::string_view name = "softmax_gradient",
                                    formula = "∂(y · (u − Σ y·u)): to u: y · (g − Σ y·g)";
  std::size_t axis = 0;
  Attributes attributes() const { return {{"axis", as_attribute(axis)}}; }
  Tensor batch(const Unwrapped& at) const {
    const Tensor a = at.batched(0), b = at.batched(1);
    return apply(SoftmaxGradient{axis + 1}, {}, Argument(a), Argument(b));
  }
  Array forward(Values in) const { return kernels::softmax_gradient(*in[0], *in[1], axis); }
  Reads reads(Wanted) const { return reads_input(0) | reads_input(1); }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) {
      const auto over = Axes(axis);
      const Tensor &y = in[0], u = in[1] - at_largest(y, in[1], axis), w = g - at_largest(y, g, axis);
      to[0] = strong_product(w, u - sum(strong_product(y, u), over, true)) -
              strong_product(u, sum(strong_product(y, w), over, true));
    }
    if (to.wants(1)) to[1] = apply(SoftmaxGradient{axis}, Here::now(), Argument(in[0]), Argument(g));
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    const std::string &y = names[0], &u = names[1];
    if (input == 0) return {"g · (" + u + " − Σ " + y + "·" + u + ") − " + u + " · Σ " + y + "·g", false};
    return {y + " · (g − Σ " + y + "·g)", false};
  }
};

/// The cotangent of y in the two that follow: -u Σ w, with u counted from where y is largest.
static Tensor to_probabilities(const Tensor& y, const Tensor& u, const Tensor& w, std::size_t axis) {
  return strong_product(at_largest(y, u, axis) - u, sum(w, Axes(axis), true));
}

/// u - Σ y·u, the Jacobian of log_softmax times u.
struct Centered {
  static constexpr std::string_view name = "centered", formula = "∂(u − Σ y·u): to u: g − y · Σ g";
  std::size_t axis = 0;
  Attributes attributes() const { return {{"axis", as_attribute(axis)}}; }
  Tensor batch(const Unwrapped& at) const {
    const Tensor a = at.batched(0), b = at.batched(1);
    return apply(Centered{axis + 1}, {}, Argument(a), Argument(b));
  }
  Array forward(Values in) const {
    const NoGrad guard;
    const Tensor y = constant(*in[0]), u = constant(*in[1]), counted = u - at_largest(y, u, axis);
    return value_of(counted - sum(strong_product(y, counted), Axes(axis), true));
  }
  Reads reads(Wanted) const { return reads_input(0) | reads_input(1); }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = to_probabilities(in[0], in[1], g, axis);
    if (to.wants(1)) to[1] = balanced(in[0], g, axis);
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    return {input == 0 ? "−" + names[1] + " · Σ g" : "g − " + names[0] + " · Σ g", false};
  }
};

/// w - y · Σ w, the transpose of that Jacobian times w.
struct Balanced {
  static constexpr std::string_view name = "balanced", formula = "∂(w − y · Σ w): to w: g − Σ y·g";
  std::size_t axis = 0;
  Attributes attributes() const { return {{"axis", as_attribute(axis)}}; }
  Tensor batch(const Unwrapped& at) const {
    const Tensor a = at.batched(0), b = at.batched(1);
    return apply(Balanced{axis + 1}, {}, Argument(a), Argument(b));
  }
  Array forward(Values in) const { return kernels::balanced(*in[0], *in[1], axis); }
  Reads reads(Wanted) const { return reads_input(0) | reads_input(1); }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = to_probabilities(in[0], g, in[1], axis);
    if (to.wants(1)) to[1] = apply(Centered{axis}, Here::now(), Argument(in[0]), Argument(g));
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    return {input == 0 ? "−g · Σ " + names[1] : "g − Σ " + names[0] + "·g", false};
  }
};

Tensor balanced(const Tensor& y, const Tensor& w, std::size_t axis) {
  return apply(Balanced{axis}, Here::now(), Argument(y), Argument(w));
}

struct Softmax {
  static constexpr std::string_view name = "softmax",
                                    formula = "∂yᵢ/∂xⱼ = yᵢ (δᵢⱼ − yⱼ): to x: y · (g − Σ g·y)";
  std::size_t axis = 0;
  Attributes attributes() const { return {{"axis", as_attribute(axis)}}; }
  Tensor batch(const Unwrapped& at) const { return apply(Softmax{axis + 1}, {}, Argument(at.in[0])); }
  Tensor jvp(Inputs, const Tensor& out, Inputs tangents) const {
    return apply(SoftmaxGradient{axis}, {}, Argument(out), Argument(tangents[0]));
  }
  Array forward(Values in) const { return kernels::softmax(*in[0], axis); }
  Reads reads(Wanted wanted) const { return wanted(0) ? reads_output : 0; }
  void vjp(Inputs, const Tensor& out, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    to[0] = to.in_numbers() ? constant(kernels::softmax_gradient(value_of(out), value_of(g), axis))
                            : apply(SoftmaxGradient{axis}, Here::now(), Argument(out), Argument(g));
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string& result) const {
    return {result + " · (g − Σ g·" + result + ")", false};
  }
};

struct LogSoftmax {
  static constexpr std::string_view name = "log_softmax",
                                    formula = "∂yᵢ/∂xⱼ = δᵢⱼ − exp(yⱼ): to x: g − softmax(x) · Σ g";
  std::size_t axis = 0;
  Attributes attributes() const { return {{"axis", as_attribute(axis)}}; }
  Tensor batch(const Unwrapped& at) const { return apply(LogSoftmax{axis + 1}, {}, Argument(at.in[0])); }
  Tensor jvp(Inputs, const Tensor& out, Inputs tangents) const {
    return apply(Centered{axis}, {}, Argument(exp(out)), Argument(tangents[0]));
  }
  Array forward(Values in) const { return kernels::log_softmax(*in[0], axis); }
  Reads reads(Wanted wanted) const { return wanted(0) ? reads_output : 0; }
  void vjp(Inputs, const Tensor& out, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    to[0] = to.in_numbers() ? constant(kernels::log_softmax_gradient(value_of(out), value_of(g), axis))
                            : balanced(exp(out), g, axis);
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string> names, const std::string&) const {
    return {"g − softmax(" + names[0] + ") · Σ g", false};
  }
};

Entries probability_operations() {
  static constexpr Entry table[] = {
      {.name = Softmax::name,
       .parameters = "x|input, axis|dim=-1, dtype=None",
       .call = [](Arguments& a) -> Result { return softmax(a.in_dtype(2), a.integer(1)); },
       .formula = Softmax::formula,
       .example = "softmax([1, 2, 3])",
       .note = "zeros where every x is -inf; equal shares to those that are +inf"},
      {.name = LogSoftmax::name,
       .parameters = "x|input, axis|dim=-1, dtype=None",
       .call = [](Arguments& a) -> Result { return log_softmax(a.in_dtype(2), a.integer(1)); },
       .formula = LogSoftmax::formula,
       .example = "log_softmax([1, 2, 3])"},
      {.name = "softmin",
       .parameters = "x|input, axis|dim=-1",
       .call = call<softmin>,
       .formula = "∂softmax(−x)ᵢ/∂xⱼ = yᵢ (yⱼ − δᵢⱼ)",
       .example = "softmin([1, 2, 3])"},
  };
  return table;
}

namespace {

template <class Op>
Tensor along(const Operand& x, std::int64_t axis) try {
  const Argument in(x, real_dtype(x.dtype()));
  if (in->rank() == 0) {  // a distribution over one outcome, as in PyTorch
    const OfAxis of(Op::name, *in, axis);
    return of.result(apply(Op{of.axis}, x.here(), Argument(of.x)));
  }
  return apply(Op{normalize_axis(Op::name, axis, in->shape())}, x.here(), in);
} catch (...) {
  rethrow_in_call(x);
}

}  // namespace
}  // namespace ops

Tensor softmax(const Operand& x, Integer axis) { return ops::along<ops::Softmax>(x, axis); }
Tensor softmin(const Operand& x, Integer axis) try {
  const Tensor in = neg(x);
  if (in.rank() > 0) (void)normalize_axis("softmin", axis, in.shape());
  return softmax({in, x.here()}, axis);
} catch (...) {
  rethrow_in_call("softmin", x);
}
Tensor log_softmax(const Operand& x, Integer axis) { return ops::along<ops::LogSoftmax>(x, axis); }

}  // namespace chainrule
