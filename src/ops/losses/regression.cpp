// Losses of each number and its target, made of other operations. loss_reduction.h combines the samples.
// Derivatives follow from the operations.

#include <cmath>
#include <numbers>

#include "array/number_text.h"
#include "autograd/engine.h"
#include "chainrule/losses.h"
#include "ops/functions/packed_loops.h"
#include "ops/loss_reduction.h"
#include "ops/registry.h"
#include "ops/samples.h"

namespace chainrule {
namespace ops {

/// c / scale · (d - c / 2) for a difference d = p - t and its part c within ±delta: d² / 2 where that is
/// near, and delta (|d| - delta / 2) beyond, in one pass. c is scaled first, as the product alone may be out
/// of range.
struct HuberOfPair {
  static constexpr bool integers = false;
  static constexpr std::string_view name = "huber_of_pair",
                                    formula = "∂/∂p = (p − t within ±δ, else δ sign(p − t)) / scale";
  double delta = 1, scale = 1;
  Attributes attributes() const { return {{"delta", delta}, {"scale", scale}}; }
  Array forward(Values in) const {
    return dispatch_floating(in[0]->dtype(), [&]<class T>() {
      const Array bound(static_cast<T>(delta)), factor(static_cast<T>(1 / scale));
      return kernels::elementwise<PackedValue<HuberPacks>, T, 4>(
          in[0]->shape(), {in[0], in[1], &bound, &factor}, {.is_cheap = true});
    });
  }
  Tensor composed(Inputs in) const {
    const Tensor d = in[0] - in[1], c = clamp(d, -delta, delta);
    return c / scale * (d - c * 0.5);
  }
  Reads reads(Wanted wanted) const { return wanted(0) || wanted(1) ? reads_input(0) | reads_input(1) : 0; }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (!to.in_numbers())
      return send_through(
          name, [this](Inputs own) { return composed(own); }, in, g, to);
    const Tensor scaled = scale == 1 ? g : g * (1 / scale);
    const Tensor slope = constant(dispatch_floating(g.dtype(), [&]<class T>() {
      const Array bound(static_cast<T>(delta));
      return kernels::elementwise<HuberRule, T, 4>(
          in[0].shape(), {&value_of(in[0]), &value_of(in[1]), &bound, &value_of(scaled)});
    }));
    if (to.wants(1)) to[1] = -sum_to(slope, in[1].shape());
    if (to.wants(0)) to[0] = slope;
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    return {(input == 1 ? "−" : "") + ("clamp(" + names[0] + " − " + names[1]) + ", ±δ) / scale", true};
  }
};

/// Of a prediction and its target.
static Tensor huber(const Pair& pair, double delta, double scale) {
  constexpr double most = 0x1p120;  // the reciprocal of a scale has all its digits in float32
  if (scale > 1 / most && scale < most)
    return apply(HuberOfPair{delta, scale}, Here::now(), Argument(pair.prediction), Argument(pair.target));
  const Tensor in[] = {pair.prediction, pair.target};
  return HuberOfPair{delta, scale}.composed(in);
}

/// t w log(1 + e⁻ˣ) + (1 − t) log(1 + eˣ) for a logit x, its target t and the weight w of those that are 1.
/// Both terms are positive, so that neither tail cancels; a target of 0 outweighs an infinite logit.
struct CrossEntropyOfLogit {
  static constexpr bool integers = false;
  static constexpr std::string_view name = "cross_entropy_of_logit",
                                    formula = "∂/∂x = (1 − t) σ(x) − t w σ(−x)";
  Array forward(Values in) const {
    return dispatch_floating(in[0]->dtype(), [&]<class T>() {
      return kernels::elementwise<PackedValue<LogitPacks>, T, 3>(in[0]->shape(), {in[0], in[1], in[2]});
    });
  }
  static Tensor composed(Inputs in) {
    const Tensor &x = in[0], &t = in[1], &w = in[2];
    return strong_product(t * w, softplus(-x)) + strong_product(1 - t, softplus(x));
  }
  Reads reads(Wanted wanted) const {
    return wanted(0) || wanted(1) || wanted(2) ? reads_input(0) | reads_input(1) | reads_input(2) : 0;
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (!to.in_numbers())
      return send_through(
          name, [](Inputs own) { return composed(own); }, in, g, to);
    const Tensor &x = in[0], &t = in[1], &w = in[2];
    if (to.wants(0))
      to[0] = constant(dispatch_floating(g.dtype(), [&]<class T>() {
        return kernels::elementwise<LogitRule, T, 4>(
            x.shape(), {&value_of(x), &value_of(t), &value_of(w), &value_of(g)});
      }));
    if (to.wants(1))
      to[1] = sum_to(strong_product(g, strong_product(w, softplus(-x)) - softplus(x)), t.shape());
    if (to.wants(2)) to[2] = sum_to(strong_product(strong_product(g, t), softplus(-x)), w.shape());
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    const std::string &x = names[0], &t = names[1], &w = names[2];
    if (input == 2) return {t + " softplus(−" + x + ")"};
    if (input == 1) return {w + " softplus(−" + x + ") − softplus(" + x + ")", true};
    return {"(1 − " + t + ") σ(" + x + ") − " + t + " " + w + " σ(−" + x + ")", true};
  }
};

/// The divergence of distributions: the sum over the number of samples, which only people who call by name
/// have a word for.
static Result kl_div_called(Arguments& a) {
  if (a.choice(3, {"mean", "sum", "none", "batchmean"}) != 3)
    return kl_div(a[0], a[1], a.flag(2), a.reduction(3));
  const Tensor& input = a.tensor(0);
  const double samples = input.rank() == 0 ? 1 : static_cast<double>(input.shape()[0]);
  return kl_div(a[0], a[1], a.flag(2), Reduction::sum) / samples;
}

/// Losses of this shape by their weights, if there are any.
static Tensor weighed(std::string_view name, const Tensor& losses, const Operand& weight) {
  const Tensor by = weight.as(losses.dtype());
  if (broadcast(name, losses.shape(), by.shape()) != losses.shape())
    throw ShapeError(std::string(name) + ": weight " + to_string(by.shape()) +
                     " does not broadcast to the prediction " + to_string(losses.shape()) +
                     "; give one weight, one per class, or one per element");
  return by.rank() == 0 && !by.requires_grad() && by.item() == 1 ? losses : strong_product(by, losses);
}

Entries regression_loss_operations() {
  static constexpr Entry table[] = {
      inner<HuberOfPair>(),
      inner<CrossEntropyOfLogit>(),
      {.name = "l1_loss",
       .parameters = "prediction|input, target, reduction='mean'",
       .call = call<l1_loss>,
       .formula = "∂|p − t|/∂p = sign(p − t)",
       .example = "l1_loss([1, 2], [1, 4])"},
      {.name = "smooth_l1_loss",
       .parameters = "prediction|input, target, beta=1, reduction='mean'",
       .call = call<smooth_l1_loss>,
       .formula = "∂/∂p = (p − t) / β if |p − t| < β else sign(p − t)",
       .example = "smooth_l1_loss([1, 2], [1.5, 4])"},
      {.name = "huber_loss",
       .parameters = "prediction|input, target, delta=1, reduction='mean'",
       .call = call<huber_loss>,
       .formula = "∂/∂p = p − t if |p − t| ≤ δ else δ sign(p − t)",
       .example = "huber_loss([1, 2], [1.5, 4])"},
      {.name = "binary_cross_entropy",
       .parameters = "prediction|input, target, reduction='mean', weight=1",
       .call = call<binary_cross_entropy>,
       .formula = "∂/∂p = (p − t) / (p (1 − p))",
       .example = "binary_cross_entropy([0.9, 0.2], [1, 0])",
       .note = "a logarithm below −100 counts as that, with the derivative 0; NaN outside 0 to 1"},
      {.name = "binary_cross_entropy_with_logits",
       .parameters = "logits|input, target, pos_weight=1, reduction='mean', weight=1",
       .call = call<binary_cross_entropy_with_logits>,
       .formula = "∂/∂x = σ(x) − t",
       .example = "binary_cross_entropy_with_logits([2, -1], [1, 0])"},
      {.name = "kl_div",
       .parameters = "input, target, log_target=False, reduction='mean'",
       .call = kl_div_called,
       .formula = "∂t (log(t) − x)/∂x = −t",
       .example = "kl_div(log([0.5, 0.5]), [0.1, 0.9])",
       .note = "the mean is over all elements, as in PyTorch; that over the samples is 'batchmean'"},
      {.name = "poisson_nll_loss",
       .parameters = "input, target, log_input=True, full=False, eps=1e-8, reduction='mean'",
       .call = call<poisson_nll_loss>,
       .formula = "∂(eˣ − t x)/∂x = eˣ − t",
       .example = "poisson_nll_loss([0, 1], [1, 3])"},
      {.name = "gaussian_nll_loss",
       .parameters = "prediction|input, target, variance|var, full=False, eps=1e-6, reduction='mean'",
       .call = call<gaussian_nll_loss>,
       .formula = "∂/∂p = (p − t) / v,  ∂/∂v = (1/v − (p − t)²/v²) / 2",
       .example = "gaussian_nll_loss([1, 2], [1.5, 4], [1, 2])"},
  };
  return table;
}

}  // namespace ops

Tensor l1_loss(const Operand& prediction, const Operand& target, Reduction reduction) try {
  const auto [p, t] = ops::Pair("l1_loss", prediction, target);
  return ops::combined("l1_loss", abs(p - t), reduction);
} catch (...) {
  rethrow_in_call("l1_loss", prediction, target);
}

Tensor smooth_l1_loss(const Operand& prediction, const Operand& target, double beta,
                      Reduction reduction) try {
  const ops::Pair pair("smooth_l1_loss", prediction, target);
  if (!(beta >= 0))
    throw ShapeError("smooth_l1_loss: beta is " + number_text(beta) + ", for shape " +
                     to_string(pair.prediction.shape()) + "; it must not be negative");
  const bool is_nothing = scalar(beta, pair.prediction.dtype()).item() == 0;
  return ops::combined("smooth_l1_loss",
                       is_nothing ? abs(pair.prediction - pair.target) : ops::huber(pair, beta, beta),
                       reduction);
} catch (...) {
  rethrow_in_call("smooth_l1_loss", prediction, target);
}

Tensor huber_loss(const Operand& prediction, const Operand& target, double delta, Reduction reduction) try {
  const ops::Pair pair("huber_loss", prediction, target);
  if (!(delta > 0))
    throw ShapeError("huber_loss: delta is " + number_text(delta) + ", for shape " +
                     to_string(pair.prediction.shape()) + "; it must be positive");
  return ops::combined("huber_loss", ops::huber(pair, delta, 1), reduction);
} catch (...) {
  rethrow_in_call("huber_loss", prediction, target);
}

Tensor binary_cross_entropy(const Operand& prediction, const Operand& target, Reduction reduction,
                            const Operand& weight) try {
  const auto [p, t] = ops::Pair("binary_cross_entropy", prediction, target);
  const Tensor losses = t * maximum(log(p), -100) + (1 - t) * maximum(log1p(-p), -100);
  return ops::combined("binary_cross_entropy", ops::weighed("binary_cross_entropy", -losses, weight),
                       reduction);
} catch (...) {
  rethrow_in_call("binary_cross_entropy", prediction, target, weight);
}

Tensor binary_cross_entropy_with_logits(const Operand& logits, const Operand& target,
                                        const Operand& pos_weight, Reduction reduction,
                                        const Operand& weight) try {
  const auto [x, t] = ops::Pair("binary_cross_entropy_with_logits", logits, target);
  const Tensor of_ones = pos_weight.as(x.dtype());
  if (broadcast("binary_cross_entropy_with_logits", x.shape(), of_ones.shape()) != x.shape())
    throw ShapeError("binary_cross_entropy_with_logits: pos_weight " + to_string(of_ones.shape()) +
                     " does not broadcast to the logits " + to_string(x.shape()) +
                     "; give one weight, or one per class");
  const Tensor losses =
      apply(ops::CrossEntropyOfLogit(), Here::now(), Argument(x), Argument(t), Argument(of_ones));
  return ops::combined("binary_cross_entropy_with_logits",
                       ops::weighed("binary_cross_entropy_with_logits", losses, weight), reduction);
} catch (...) {
  rethrow_in_call("binary_cross_entropy_with_logits", logits, target, pos_weight);
}

Tensor kl_div(const Operand& input, const Operand& target, Flag log_target, Reduction reduction) try {
  const auto [x, t] = ops::Pair("kl_div", input, target);
  if (log_target) return ops::combined("kl_div", strong_product(exp(t), t - x), reduction);
  const Tensor some = t > 0;
  return ops::combined("kl_div", where(t == 0, 0, t * (log(where(some, t, 1)) - where(t == 0, 0, x))),
                       reduction);
} catch (...) {
  rethrow_in_call("kl_div", input, target);
}

Tensor poisson_nll_loss(const Operand& input, const Operand& target, Flag log_input, Flag full, double eps,
                        Reduction reduction) try {
  const ops::Pair pair("poisson_nll_loss", input, target);
  const DType dtype = pair.prediction.dtype(), wide = computed_in(dtype);  // eps may be 0 in a half
  const Tensor x = Operand(pair.prediction).as(wide), t = Operand(pair.target).as(wide);
  Tensor shifted = log_input ? x : log(x + eps), rest = log_input ? exp(x) : x;
  if (full) {  // log(target!), of which the largest part meets the logarithm first: both may be large
    const Tensor many = t > 1, logarithm = log(where(many, t, 1));
    shifted = shifted - where(many, logarithm - 1, 0);
    rest = rest + where(many, (logarithm + std::log(2 * std::numbers::pi)) * 0.5, 0);
  }
  return Operand(ops::combined("poisson_nll_loss", rest - t * shifted, reduction)).as(dtype);
} catch (...) {
  rethrow_in_call("poisson_nll_loss", input, target);
}

Tensor gaussian_nll_loss(const Operand& prediction, const Operand& target, const Operand& variance, Flag full,
                         double eps, Reduction reduction) try {
  const ops::Pair pair("gaussian_nll_loss", prediction, target);
  const DType dtype = pair.prediction.dtype(), wide = computed_in(dtype);
  const Tensor p = Operand(pair.prediction).as(wide), t = Operand(pair.target).as(wide),
               v = variance.as(wide);
  Shape with_one = p.shape();
  if (with_one.rank() != 0) with_one[with_one.rank() - 1] = 1;
  if (v.rank() != 0 && v.shape() != p.shape() && v.shape() != with_one)
    throw ShapeError("gaussian_nll_loss: variance " + to_string(v.shape()) + " does not fit the prediction " +
                     to_string(p.shape()) + "; give that shape, size 1 in the last axis, or a scalar");
  if (any(elements_of_all_samples(v.detach()) < 0).item<bool>())
    throw ShapeError("gaussian_nll_loss: variance " + to_string(v.shape()) +
                     " has negative elements; give variances, as exp of their logarithms");
  const Tensor held = maximum(v, eps);
  // Of this, unlike of p - t, the square overflows only where the loss does.
  const Tensor deviation = (p - t) / sqrt(held);
  Tensor losses = (log(held) + square(deviation)) * 0.5;
  if (full) losses = losses + 0.5 * std::log(2 * std::numbers::pi);
  return Operand(ops::combined("gaussian_nll_loss", losses, reduction)).as(dtype);
} catch (...) {
  rethrow_in_call("gaussian_nll_loss", prediction, target, variance);
}

}  // namespace chainrule
