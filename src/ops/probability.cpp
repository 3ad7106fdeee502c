#include "kernels/softmax.h"
#include "ops/elementwise.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

struct Softmax {
  static constexpr std::string_view name = "softmax",
                                    formula = "∂yᵢ/∂xⱼ = yᵢ (δᵢⱼ − yⱼ): to x: y · (g − Σ g·y)";
  std::size_t axis = 0;
  Array forward(Values in) const { return kernels::softmax(*in[0], axis); }
  Reads reads(Wanted wanted) const { return wanted(0) ? reads_output : 0; }
  void vjp(Inputs, const Tensor& out, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    to[0] = numbers_only() ? constant(kernels::softmax_gradient(value_of(out), value_of(g), axis))
                           : out * (g - sum(g * out, Axes(axis), true));
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string& result) const {
    return {result + " · (g − Σ g·" + result + ")", false};
  }
};

struct LogSoftmax {
  static constexpr std::string_view name = "log_softmax",
                                    formula = "∂yᵢ/∂xⱼ = δᵢⱼ − eʸʲ: to x: g − softmax(x) · Σ g";
  std::size_t axis = 0;
  Array forward(Values in) const { return kernels::log_softmax(*in[0], axis); }
  Reads reads(Wanted wanted) const { return wanted(0) ? reads_output : 0; }
  void vjp(Inputs, const Tensor& out, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    to[0] = numbers_only() ? constant(kernels::log_softmax_gradient(value_of(out), value_of(g), axis))
                           : g - exp(out) * sum(g, Axes(axis), true);
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string> names, const std::string&) const {
    return {"g − softmax(" + names[0] + ") · Σ g", false};
  }
};

Entries probability_operations() { return entries<Softmax, LogSoftmax>; }

namespace {

template <class Op>
Tensor along(const Operand& x, std::int64_t axis) try {
  const Argument in(x, real_dtype(x.dtype()));
  // A scalar is a distribution over one outcome, as in PyTorch.
  if (in->rank() == 0) return reshape(along<Op>({reshape(*in, {1}), x.here()}, axis), {});
  return apply(Op{normalize_axis(Op::name, axis, in->shape())}, x.here(), in);
} catch (...) {
  rethrow_in_call(x);
}

}  // namespace
}  // namespace ops

Tensor softmax(const Operand& x, std::int64_t axis) { return ops::along<ops::Softmax>(x, axis); }
Tensor log_softmax(const Operand& x, std::int64_t axis) { return ops::along<ops::LogSoftmax>(x, axis); }

}  // namespace chainrule
