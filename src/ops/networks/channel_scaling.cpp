// One operation over kernels/normalize.h, in place of three passes.

#include "ops/networks/channel_scaling.h"

#include "kernels/normalize.h"
#include "ops/elementwise.h"
#include "ops/registry.h"

namespace chainrule::ops {
namespace {

struct ScaleChannels {
  static constexpr std::string_view name = "scale_channels",
                                    formula =
                                        "∂((x − c) · s + b): to x: g · s,  to c: −s · Σ g,  to s: Σ g · (x − "
                                        "c),  to b: Σ g";
  static Array forward(Values in) { return kernels::normalize_by(*in[0], *in[1], *in[2], *in[3]); }
  static Tensor composed(Inputs in) {
    return (in[0] - of_channel(in[1])) * of_channel(in[2]) + of_channel(in[3]);
  }
  static std::int64_t flops(Inputs, const Shape& out) { return 3 * out.size(); }
  static Reads reads(Wanted wanted) {
    return (wanted(0) || wanted(1) ? reads_input(2) : 0) | (wanted(2) ? reads_input(0) | reads_input(1) : 0);
  }
  static void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) {
    if (to.wants(0)) to[0] = strong_product(g, of_channel(in[2]));
    const Axes others = {0, 2};
    const Tensor sums = to.wants(1) || to.wants(3) ? sum(g, others) : Tensor();
    if (to.wants(1)) to[1] = -strong_product(sums, in[2]);
    if (to.wants(2)) to[2] = sum(strong_product(g, in[0] - of_channel(in[1])), others);
    if (to.wants(3)) to[3] = sums;
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string>, const std::string&) const {
    constexpr const char* formulas[] = {"g s", "-s Σ g", "Σ g (x - c)", "Σ g"};
    return {formulas[input], false};
  }

 private:
  static Tensor of_channel(const Tensor& numbers) { return reshape(numbers, {numbers.size(), 1}); }
};

}  // namespace

Tensor scale_channels(const Tensor& x, const Tensor& centre, const Tensor& scale, const Tensor& shift,
                      Here here) {
  return apply(ScaleChannels{}, here, Argument(x), Argument(centre), Argument(scale), Argument(shift));
}

Entries channel_operations() {
  static constexpr Entry table[] = {inner<ScaleChannels>()};
  return table;
}

}  // namespace chainrule::ops
