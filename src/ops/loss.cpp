// Cross-entropy, mean squared error and hinge loss, each with its reduction in one node: nothing of the size
// of the samples is kept but what the derivative reads. Further losses are in the folder losses.

#include "kernels/cross_entropy.h"

#include <cmath>
#include <optional>

#include "chainrule/losses.h"
#include "chainrule/shaping.h"
#include "kernels/reduce.h"
#include "ops/loss_reduction.h"
#include "ops/probability.h"
#include "ops/registry.h"

namespace chainrule {
namespace rules {
namespace {

/// Of a prediction and its target.
struct SquaredError {
  static auto value(auto p, auto t) { return (p - t) * (p - t); }
  static constexpr auto vjp_a(auto p, auto t, auto, auto g) { return g * (2 * (p - t)); }
  static constexpr auto vjp_b(auto p, auto t, auto, auto g) { return g * (2 * (t - p)); }
};

/// Of a score and its target, -1 or 1.
struct Hinge {
  static auto value(auto s, auto t) { return where(t * s >= 1, 0, 1 - t * s); }  // NaN stays NaN
  static constexpr auto vjp_a(auto s, auto t, auto, auto g) { return where(t * s < 1, -(g * t), 0); }
  static constexpr auto vjp_b(auto s, auto t, auto, auto g) { return where(t * s < 1, -(g * s), 0); }
};

}  // namespace
}  // namespace rules

namespace ops {

/// How a loss combines its elements, and passes the gradient back to each of them.
struct LossReduction {
  Reduction reduction = Reduction::mean;

  Attributes attributes() const { return {{"reduction", word_of(reduction)}}; }
  double scale(std::int64_t count) const {
    return reduction == Reduction::mean ? 1.0 / static_cast<double>(count) : 1;
  }
  Array combine(std::string_view name, const Array& losses) const {
    if (reduction == Reduction::none) return losses;
    if (reduction == Reduction::mean) require_samples(name, losses.shape());
    const double by = scale(losses.size());
    Array total = kernels::sum(losses, ~AxisMask()).reshaped({});
    dispatch_floating(total.dtype(), [&]<class T>() {
      T& number = *total.mutable_data<T>();
      number *= static_cast<T>(by);
      if (reduction != Reduction::mean || std::isfinite(number)) return;
      const NoGrad guard;  // a sum may overflow where the mean does not
      number = kernels::sum(value_of(constant(losses) * by), ~AxisMask()).template item<T>();
    });
    return total;
  }
};

/// Of logits (..., C) and classes (...) or probabilities (..., C).
struct CrossEntropy : LossReduction {
  static constexpr std::string_view name = "cross_entropy",
                                    formula = "∂(−log softmax(z)[y])/∂z = softmax(z) − onehot(y)";
  bool by_class = false;  ///< the target is classes, int64
  /// The gradient of the logits where 1 comes from above, which is found in the pass that gives the losses.
  struct Saved {
    std::optional<Array> gradient;
  };

  Attributes attributes() const { return {{"reduction", word_of(reduction)}, {"by_class", by_class}}; }
  Array forward(Values in, Saved& saved, Wanted wanted) const {
    const Array &logits = *in[0], &target = *in[1];
    check(logits.shape(), target);
    const Shape samples(logits.shape().sizes().first(logits.shape().rank() - 1));
    Array* const found = wanted(0) ? &saved.gradient.emplace() : nullptr;
    const Array losses =
        kernels::cross_entropy(rows(logits), rows(target, logits), found, scale(samples.size()));
    if (found != nullptr) *found = found->reshaped(logits.shape());
    return combine(name, losses.reshaped(samples));
  }
  Tensor composed(Inputs in) const {
    const Shape& shape = in[0].shape();
    check_shapes(shape, in[1].shape(), in[1].dtype());
    if (by_class) {  // those of all samples of a vmap are in what stands for them
      const Tensor* classes = &in[1];
      while (const Traced* of = traced(*classes)) classes = &of->inner;
      check_classes(shape, value_of(*classes));
    }
    const Tensor log_p = log_softmax(in[0]),
                 chosen = by_class ? where(one_hot_of(in[1], shape), log_p, 0) : strong_product(in[1], log_p);
    return combined(name, -sum(chosen, -1), reduction);
  }
  Reads reads(Wanted wanted) const { return wanted(0) || wanted(1) ? reads_input(0) | reads_input(1) : 0; }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to, const Saved& saved) const {
    const std::int64_t samples = in[0].size() / in[0].shape().back();
    if (to.wants(0))
      to[0] = saved.gradient && to.in_numbers() ? times_gradient(*saved.gradient, g) : rule(in, g, samples);
    if (to.wants(1))
      to[1] = -strong_product(per_sample(g * scale(samples), in[0].shape()), log_softmax(in[0]));
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    const std::string of = reduction == Reduction::mean ? " / samples" : "";
    if (input == 1) return {"−log_softmax(" + names[0] + ")" + of};
    const std::string truth = by_class ? "onehot(" + names[1] + ")" : names[1];
    return {"(softmax(" + names[0] + ") − " + truth + ")" + of};
  }

 private:
  void check_shapes(const Shape& logits, const Shape& target, DType dtype) const {
    const auto fail = [&](const std::string& remedy) {
      throw ShapeError("cross_entropy: logits " + to_string(logits) + " and target " + to_string(target) +
                       " (" + std::string(to_string(dtype)) + ") do not fit: " + remedy);
    };
    if (logits.rank() == 0 || logits.back() == 0)
      fail("logits must be (..., classes), of one class at least");
    if (!by_class) {
      if (target != logits) fail("probabilities must have the shape of the logits; classes must be int64");
      return;
    }
    if (target != Shape(logits.sizes().first(logits.rank() - 1)))
      fail("classes must have the shape of the logits without the last axis");
  }
  void check(const Shape& logits, const Array& target) const {
    check_shapes(logits, target.shape(), target.dtype());
    if (by_class) check_classes(logits, target);
  }
  static void check_classes(const Shape& logits, const Array& target) {
    const auto* classes = target.data<std::int64_t>();
    for (std::int64_t i = 0, n = target.size(); i < n; ++i)
      if (classes[i] < 0 || classes[i] >= logits.back())
        throw ShapeError("cross_entropy: target " + std::to_string(classes[i]) + " at sample " +
                         std::to_string(i) + " is no class: logits " + to_string(logits) +
                         " have classes 0 to " + std::to_string(logits.back() - 1));
  }
  static Array rows(const Array& logits) {
    return logits.reshaped({logits.size() / logits.shape().back(), logits.shape().back()});
  }
  Array rows(const Array& target, const Array& logits) const {
    return by_class ? target.reshaped({target.size()}) : rows(target.reshaped(logits.shape()));
  }
  /// g, scalar or one per sample, ready to multiply (..., C).
  static Tensor per_sample(const Tensor& g, const Shape& logits) {
    if (g.rank() == 0 && logits.rank() > 1) return g;
    return reshape(g, with_last(logits, 1));
  }
  static Tensor times_gradient(const Array& gradient, const Tensor& g) {
    const Tensor upstream = per_sample(g, gradient.shape());
    const Array& by = value_of(upstream);
    return dispatch_floating(gradient.dtype(), [&]<class T>() {
      if (by.size() == 1 && *by.data<T>() == 1) return constant(gradient);
      return constant(kernels::elementwise<Product, T, 2>(gradient.shape(), {&gradient, &by}));
    });
  }
  Tensor rule(Inputs in, const Tensor& g, std::int64_t samples) const {
    const Shape& shape = in[0].shape();
    Tensor truth = in[1];
    if (by_class) truth = cast(one_hot_of(truth, shape), in[0].dtype());
    return balanced(softmax(in[0]), strong_product(truth, -per_sample(g * scale(samples), shape)),
                    shape.rank() - 1);
  }
  static Tensor one_hot_of(const Tensor& classes, const Shape& logits) {
    return reshape(classes, with_last(logits, 1)) == arange(0, logits.back());
  }
  struct Product {
    auto operator()(auto a, auto b) const {
      using rules::strong_product;
      return strong_product(a, b);
    }
  };
  static Shape with_last(Shape shape, std::int64_t size) {
    shape[shape.rank() - 1] = size;
    return shape;
  }
};

/// A loss of each prediction and its target, which Op gives as an elementwise operation, and their reduction.
template <class Op>
struct PairLoss : LossReduction {
  using Each = ElementwiseOp<Op, 2>;
  static constexpr bool integers = false;

  Tensor composed(Inputs in) const {
    require_same_shape(Op::name, in[0].shape(), in[1].shape());
    return combined(Op::name, Tensor(Op::value(in[0], in[1])), reduction);
  }
  Array forward(Values in) const {
    require_same_shape(Op::name, in[0]->shape(), in[1]->shape());
    return combine(Op::name, Each().forward(in));
  }
  Reads reads(Wanted wanted) const { return Each().reads(wanted); }
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to) const {
    const Shape& shape = in[0].shape();
    Each::send(in, out, shape, reduction == Reduction::mean ? g * scale(shape.size()) : g, to);
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string& result) const {
    return written(Each::rule(input, names, result, reduction == Reduction::mean ? Symbol("1/n") : 1));
  }
};

struct MseLoss : PairLoss<MseLoss>, rules::SquaredError {
  static constexpr bool symmetric = true;
  static constexpr std::string_view name = "mse_loss", formula = "∂(p − t)²/∂p = 2 (p − t)";
};

struct HingeLoss : PairLoss<HingeLoss>, rules::Hinge {
  static constexpr bool symmetric = true;
  static constexpr std::string_view name = "hinge_loss",
                                    formula = "∂max(0, 1 − t s)/∂s = −t if t s < 1 else 0";
};

/// Does the shape of the classes say that those of the logits are in axis 1, as PyTorch's, and not in the
/// last one?
static bool has_classes_in_axis_1(const Operand& logits, const Operand& target) {
  for (const Tensor* each : {logits.tensor(), target.tensor()})
    if (each == nullptr || each->is_empty()) return false;
  const Shape &all = logits.tensor()->node()->shape(), &classes = target.tensor()->node()->shape();
  return all.rank() > 2 && !are_classes_of(classes, all, all.rank() - 1) && are_classes_of(classes, all, 1);
}

/// Classes may come as floats, as every value given on the command line does: whole numbers, one for each
/// row of logits.
static Result cross_entropy_called(Arguments& a) {
  const Tensor& target = a.tensor(1);
  const bool classes = !is_floating(target.dtype()) || target.rank() + 1 == a.tensor(0).rank();
  const Tensor truth = classes ? a.places(1) : target;
  if (!a.given(3) && !a.given(4) && a.number(5) == 0) return cross_entropy(a[0], truth, a.reduction(2));
  return cross_entropy(a[0], truth,
                       {.weight = a.given(3) ? a.tensor(3) : Tensor(),
                        .ignore_index = a.given(4) ? a.integer(4) : -100,
                        .label_smoothing = a.number(5),
                        .reduction = a.reduction(2)});
}

Entries loss_operations() {
  static constexpr Entry table[] = {
      {.name = CrossEntropy::name,
       .parameters =
           "logits|input, target, reduction='mean', weight=None, ignore_index=None, label_smoothing=0",
       .call = cross_entropy_called,
       .formula = CrossEntropy::formula,
       .example = "cross_entropy([[1, 2, 3]], [2])",
       .note =
           "classes in the last axis, with weight, ignore_index or label_smoothing in axis 1; in the other "
           "one where the shape of the target says so"},
      {.name = MseLoss::name,
       .parameters = "prediction|input, target, reduction='mean'",
       .call = call<mse_loss>,
       .formula = MseLoss::formula,
       .example = "mse_loss([1, 2], [1, 4])",
       .note = "a target of another shape is an error"},
      {.name = HingeLoss::name,
       .parameters = "score|input, target, reduction='mean'",
       .call = call<hinge_loss>,
       .formula = HingeLoss::formula,
       .example = "hinge_loss([0.5, 2], [1, -1])"},
  };
  return table;
}

namespace {

template <class Op>
Tensor pair_loss(const Operand& prediction, const Operand& target, Reduction reduction) {
  const DType dtype = real_dtype(common_dtype(prediction, target));
  Op loss;
  loss.reduction = reduction;
  return apply(loss, prediction.here(), Argument(prediction, dtype), Argument(target, dtype));
}

}  // namespace
}  // namespace ops

Tensor cross_entropy(const Operand& logits, const Operand& target, Reduction reduction) {
  if (!is_floating(target.dtype()) && ops::has_classes_in_axis_1(logits, target))
    return cross_entropy({movedim(logits, 1, -1), logits.here()}, target, reduction);
  const DType dtype =
      ops::real_dtype(is_floating(target.dtype()) ? ops::common_dtype(logits, target) : logits.dtype());
  const Argument in(logits, dtype);
  return apply(ops::CrossEntropy{{reduction}, !is_floating(target.dtype())}, logits.here(), in,
               Argument(target, is_floating(target.dtype()) ? dtype : DType::int64));
}
Tensor mse_loss(const Operand& prediction, const Operand& target, Reduction reduction) {
  return ops::pair_loss<ops::MseLoss>(prediction, target, reduction);
}
Tensor hinge_loss(const Operand& score, const Operand& target, Reduction reduction) {
  return ops::pair_loss<ops::HingeLoss>(score, target, reduction);
}

}  // namespace chainrule
