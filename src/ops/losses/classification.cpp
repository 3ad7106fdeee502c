// Losses of classes and of sequences of them, made of other operations. Logits are (N, C, ...) as in PyTorch.
// They are shares of log_softmax, so that no digit is lost in the tails.

#include <algorithm>
#include <limits>

#include "array/number_text.h"
#include "chainrule/indexing.h"
#include "chainrule/losses.h"
#include "chainrule/shaping.h"
#include "kernels/places.h"
#include "ops/along_axis.h"
#include "ops/batching.h"
#include "ops/loss_reduction.h"
#include "ops/places/places.h"
#include "ops/registry.h"
#include "ops/samples.h"

namespace chainrule {
namespace ops {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// The axis of the classes in (N, C, ...) or (C,).
std::size_t class_axis(std::string_view name, const Tensor& input) {
  if (input.rank() == 0)
    throw ShapeError(std::string(name) + ": input () has no classes; give (N, C, ...) or (C,)");
  return input.rank() == 1 ? 0 : 1;
}

/// The weights of the classes, if there are any.
Tensor class_weights(std::string_view name, const Tensor& weight, std::int64_t classes, DType dtype) {
  if (weight.is_empty()) return {};
  if (weight.shape() != Shape{classes})
    throw ShapeError(std::string(name) + ": weight " + to_string(weight.shape()) + " must be (" +
                     std::to_string(classes) + ",), one for each class");
  return Operand(weight).as(dtype);
}

/// Which elements of an input (N, C, ...) the targets (N, ...) choose.
struct Choice {
  Tensor classes;  ///< of each sample, 0 of those that are ignored
  Tensor offsets;  ///< of its element in the input; empty where they are others in each sample of a vmap
  Tensor counts;   ///< bool: is it not ignored?

  Choice(std::string_view name, const Tensor& input, const Tensor& given, std::int64_t ignored) {
    const Tensor target = is_integer(given.dtype()) ? cast(given, DType::int64) : given;
    const std::size_t axis = class_axis(name, input);
    std::vector<std::int64_t> sizes(input.shape().begin(), input.shape().end());
    sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(axis));
    if (!is_integer(target.dtype()))
      throw DTypeError(std::string(name) + ": classes are " + std::string(to_string(target.dtype())) +
                       "; they must be int64");
    if (target.shape() != Shape(sizes))
      throw ShapeError(std::string(name) + ": target " + to_string(target.shape()) +
                       " does not fit the input " + to_string(input.shape()) +
                       "; classes must have its shape without the axis of classes");
    if (is_batched(target)) {
      counts = target != ignored;
      classes = where(counts, target, 0);
      class_axis_ = axis;
      return;
    }
    const AlongAxis along(input.shape(), axis);
    const auto* const given_classes = target.data<std::int64_t>().data();
    all_count_ =
        (ignored < 0 || ignored >= along.n) && kernels::are_places(given_classes, target.size(), along.n);
    classes = target;
    Array held(target.shape(), DType::boolean), at(target.shape(), DType::int64);
    bool* const counted = held.mutable_data<bool>();
    std::fill_n(counted, target.size(), true);
    if (!all_count_) {
      Array chosen(target.shape(), DType::int64);
      auto* const one = chosen.mutable_data<std::int64_t>();
      for (std::int64_t i = 0; i < target.size(); ++i) {
        counted[i] = given_classes[i] != ignored;
        one[i] = counted[i] ? given_classes[i] : 0;
        if (one[i] < 0 || one[i] >= along.n)
          throw ShapeError(std::string(name) + ": target " + std::to_string(one[i]) + " at sample " +
                           std::to_string(i) + " is no class: input " + to_string(input.shape()) +
                           " has classes 0 to " + std::to_string(along.n - 1));
      }
      classes = constant(std::move(chosen));
    }
    const auto* const one = value_of(classes).data<std::int64_t>();
    auto* const offset = at.mutable_data<std::int64_t>();
    for (std::int64_t o = 0, i = 0; o < along.outer; ++o)
      for (std::int64_t j = 0; j < along.inner; ++j, ++i)
        offset[i] = (o * along.n + one[i]) * along.inner + j;
    offsets = constant(std::move(at));
    counts = constant(std::move(held));
  }
  /// What is chosen of the input.
  Tensor of(const Tensor& input) const {
    if (!offsets.is_empty()) return gather_flat(input, value_of(offsets));
    Shape line = input.shape();
    line[class_axis_] = 1;
    return reshape(gather(input, static_cast<std::int64_t>(class_axis_), reshape(classes, line)),
                   classes.shape());
  }
  /// Is it known that none is ignored?
  bool all_count() const { return all_count_; }
  /// The weight of each sample, 0 of those that are ignored.
  Tensor weights(const Tensor& of_classes, DType dtype) const {
    if (of_classes.is_empty()) return cast(counts, dtype);
    return where(counts, take_rows(of_classes, classes), 0);
  }

 private:
  std::size_t class_axis_ = 0;
  bool all_count_ = false;
};

/// As the reduction has it; the mean is one weighted by `weights`.
Tensor weighted(std::string_view name, const Tensor& losses, const Tensor& weights, Reduction reduction) {
  if (reduction == Reduction::none) return losses;
  if (reduction == Reduction::mean) require_samples(name, losses.shape());
  if (reduction == Reduction::sum) return sum(losses);
  const DType dtype = losses.dtype(), wide = computed_in(dtype);  // many halves have a mean, but no sum
  return Operand(sum(Operand(losses).as(wide)) / sum(Operand(weights).as(wide))).as(dtype);
}

/// With target probabilities.
Tensor soft_cross_entropy(const Tensor& log_p, const Tensor& target, const Tensor& weight, std::size_t axis,
                          const CrossEntropyOptions& options) {
  if (target.shape() != log_p.shape())
    throw ShapeError("cross_entropy: probabilities " + to_string(target.shape()) +
                     " must have the shape of the logits " + to_string(log_p.shape()));
  const double smoothing = options.label_smoothing;
  const auto classes = static_cast<double>(log_p.shape()[axis]);
  Tensor truth = smoothing == 0 ? target : target * (1 - smoothing) + smoothing / classes;
  if (!weight.is_empty()) truth = truth * weight;
  const Tensor losses = -sum(strong_product(truth, log_p), static_cast<std::int64_t>(axis));
  return combined("cross_entropy", losses, options.reduction);
}

/// With target classes.
Tensor hard_cross_entropy(const Tensor& log_p, const Tensor& target, const Tensor& weight_in_place,
                          const Tensor& weight, std::size_t axis, const CrossEntropyOptions& options) {
  const Choice choice("cross_entropy", log_p, target, options.ignore_index);
  const Tensor weights = choice.weights(weight, log_p.dtype());
  Tensor losses = where(choice.counts, -choice.of(log_p) * weights, 0);
  if (const double smoothing = options.label_smoothing; smoothing != 0) {
    const Tensor all = weight.is_empty() ? log_p : log_p * weight_in_place;
    const Tensor spread = where(choice.counts, -sum(all, static_cast<std::int64_t>(axis)), 0);
    losses = losses * (1 - smoothing) + spread * (smoothing / static_cast<double>(log_p.shape()[axis]));
  }
  return weighted("cross_entropy", losses, weights, options.reduction);
}

/// The targets of a CTC loss with blanks between: (N, L), L = 2 S + 1.
struct Alignment {
  std::int64_t length;
  Tensor classes;           ///< offsets in (T, N · C) at time 0
  Tensor may_skip;          ///< bool (N, L): may a path come from two places before?
  Tensor last, one_before;  ///< offsets in (N, L) of where a path may end

  Alignment(const Tensor& targets, std::span<const std::int64_t> lengths, std::int64_t labels,
            std::int64_t blank) {
    const std::int64_t samples = targets.shape()[0];
    length = 2 * targets.shape()[1] + 1;
    std::vector<std::int64_t> ends, before;
    std::vector<bool> labelled;
    for (std::int64_t n = 0; n < samples; ++n) {
      const std::int64_t count = lengths[static_cast<std::size_t>(n)];
      for (std::int64_t s = 0; s < length; ++s)
        labelled.push_back(s % 2 == 1 && s / 2 < count);  // what is beyond does not matter
      ends.push_back(n * length + 2 * count);
      before.push_back(n * length + std::max<std::int64_t>(2 * count - 1, 0));
    }
    // In operations, as the targets may be others in each sample of a vmap.
    const Tensor is_label = tensor(labelled, {samples, length});
    const Tensor each = where(is_label, pad(repeat_interleave(targets, 2, 1), {0, 1}), blank);
    classes = each + reshape(arange(samples), {samples, 1}) * labels;
    may_skip = is_label & (each != roll(each, 2, 1));  // the first label has nothing two places before
    last = tensor(ends);
    one_before = tensor(before);
  }
};

void check_ctc(const Tensor& log_probs, const Tensor& targets, std::span<const std::int64_t> inputs,
               std::span<const std::int64_t> lengths, std::int64_t blank) {
  const auto fail = [&](const std::string& what) {
    throw ShapeError("ctc_loss: log_probs " + to_string(log_probs.shape()) + " and targets " +
                     to_string(targets.shape()) + ": " + what);
  };
  if (!is_integer(targets.dtype()))
    throw DTypeError("ctc_loss: targets are " + std::string(to_string(targets.dtype())) +
                     "; they must be int64");
  if (log_probs.rank() != 3 || targets.rank() != 2 || targets.shape()[0] != log_probs.shape()[1])
    fail("must be (T, N, C) and (N, S), or (T, C) and (S,)");
  const std::int64_t times = log_probs.shape()[0], classes = log_probs.shape()[2], most = targets.shape()[1];
  if (times == 0) fail("there must be at least one time step");
  if (blank < 0 || blank >= classes) fail("the blank " + std::to_string(blank) + " is no class");
  const auto samples = static_cast<std::size_t>(targets.shape()[0]);
  if (inputs.size() != samples || lengths.size() != samples) fail("give two lengths for each sample");
  for (std::size_t n = 0; n < samples; ++n) {
    if (inputs[n] < 1 || inputs[n] > times) fail("input lengths must be from 1 to T");
    if (lengths[n] < 0 || lengths[n] > most) fail("target lengths must be from 0 to S");
  }
  const Tensor all = elements_of_all_samples(targets);
  const auto size = static_cast<std::size_t>(most);
  for (std::size_t i = 0; const std::int64_t one : all.data<std::int64_t>()) {
    const std::size_t n = i / size % samples;
    if (static_cast<std::int64_t>(i++ % size) < lengths[n] && (one < 0 || one >= classes || one == blank))
      fail("target " + std::to_string(one) + " of sample " + std::to_string(n) +
           " is no class beside the blank");
  }
}

/// For each sample -log of the probability of all alignments.
Tensor ctc_of_samples(const Tensor& log_probs, const Alignment& to, std::span<const std::int64_t> inputs) {
  const std::int64_t times = log_probs.shape()[0], samples = log_probs.shape()[1], length = to.length;
  // (T, N, L): of the class of each place
  const Tensor by_class = swapaxes(reshape(log_probs, {times, log_probs.size() / times}), 0, 1);
  const Tensor log_p = permute(take_rows(by_class, to.classes), {2, 0, 1});
  const Tensor before = full({samples, 2}, -infinity, log_p.dtype());
  Tensor alpha = where(arange(0, length) < 2, log_p[0], -infinity);  // of all paths that end at a place
  for (std::int64_t t = 1; t < times; ++t) {
    const Tensor all = concatenate({before, alpha}, 1);  // from two places before
    const auto moved = [&](std::int64_t by) { return all[{Slice{}, Slice{2 - by, length + 2 - by}}]; };
    const Tensor skipped = where(to.may_skip, moved(2), -infinity);
    const Tensor next = logaddexp(logaddexp(alpha, moved(1)), skipped) + log_p[t];
    if (std::all_of(inputs.begin(), inputs.end(), [=](std::int64_t count) { return t < count; })) {
      alpha = next;
      continue;
    }
    std::vector<bool> goes_on;
    for (const std::int64_t count : inputs) goes_on.push_back(t < count);
    alpha = where(tensor(goes_on, {samples, 1}), next, alpha);
  }
  const Tensor in_last = gather_flat(alpha, value_of(to.last)),
               in_label = gather_flat(alpha, value_of(to.one_before));
  return -where(to.last == to.one_before, in_last, logaddexp(in_last, in_label));
}

}  // namespace

Entries classification_loss_operations() {
  static constexpr Entry table[] = {
      {.name = "nll_loss",
       .parameters = "input, target, weight=None, ignore_index=-100, reduction='mean'",
       .call = [](Arguments& a) -> Result {
         return nll_loss(a[0], a.places(1),
                         {.weight = a.given(2) ? a.tensor(2) : Tensor(),
                          .ignore_index = a.integer(3),
                          .reduction = a.reduction(4)});
       },
       .formula = "∂(−w x[t])/∂x = −w at the class of each sample",
       .example = "nll_loss(log([[0.5, 0.5]]), [1])",
       .note = "the mean divides by the sum of the weights"},
      {.name = "soft_margin_loss",
       .parameters = "x|input, target, reduction='mean'",
       .call = call<soft_margin_loss>,
       .formula = "∂log(1 + exp(−t x))/∂x = −t σ(−t x)",
       .example = "soft_margin_loss([0.5, -2], [1, -1])"},
      {.name = "multi_margin_loss",
       .parameters = "x|input, target, p=1, margin=1, weight=None, reduction='mean'",
       .call = [](Arguments& a) -> Result {
         return multi_margin_loss(a[0], a.places(1), a.number(2), a.number(3), a.reduction(5),
                                  a.given(4) ? a.tensor(4) : Tensor());
       },
       .formula = "∂Σ max(0, margin − x[t] + xᵢ)ᵖ / C over i ≠ t",
       .example = "multi_margin_loss([[0.1, 0.2, 0.9]], [2])"},
      {.name = "multilabel_soft_margin_loss",
       .parameters = "x|input, target, weight=1, reduction='mean'",
       .call = call<multilabel_soft_margin_loss>,
       .formula = "∂mean(−t log σ(x) − (1 − t) log σ(−x))/∂x = (σ(x) − t) / C",
       .example = "multilabel_soft_margin_loss([[0.5, -2]], [[1, 0]])"},
      {.name = "ctc_loss",
       .parameters = "log_probs, targets, input_lengths, target_lengths, blank=0, reduction='mean', "
                     "zero_infinity=False",
       .call = [](Arguments& a) -> Result {
         return ctc_loss(a[0], a.places(1), a.integers(2), a.integers(3),
                         {.blank = a.integer(4), .reduction = a.reduction(5), .zero_infinity = a.flag(6)});
       },
       .formula = "∂(−log Σ over alignments Π p)/∂ log p = −the probability of being there",
       .example = "ctc_loss(log_softmax([[1, 2], [2, 1]]), [1], [2], [1])"},
  };
  return table;
}

}  // namespace ops

Tensor nll_loss(const Operand& input, const Operand& target, const NllLossOptions& options) try {
  const Tensor in = input.as(ops::real_dtype(input.dtype()));
  const std::int64_t classes = in.shape()[ops::class_axis("nll_loss", in)];
  const Tensor weight = ops::class_weights("nll_loss", options.weight, classes, in.dtype());
  const ops::Choice choice("nll_loss", in, target.as_tensor(), options.ignore_index);
  if (choice.all_count() && weight.is_empty())
    return ops::combined("nll_loss", -choice.of(in), options.reduction);
  const Tensor weights = choice.weights(weight, in.dtype());
  return ops::weighted("nll_loss", where(choice.counts, -choice.of(in) * weights, 0), weights,
                       options.reduction);
} catch (...) {
  rethrow_in_call("nll_loss", input, target);
}

Tensor cross_entropy(const Operand& logits, const Operand& target, const CrossEntropyOptions& options) try {
  const DType dtype =
      ops::real_dtype(is_floating(target.dtype()) ? ops::common_dtype(logits, target) : logits.dtype());
  Tensor in = logits.as(dtype);
  const std::size_t axis = ops::class_axis("cross_entropy", in);
  if (const Shape classes = target.as_tensor().shape(); !is_floating(target.dtype()) && in.rank() > 2)
    if (!ops::are_classes_of(classes, in.shape(), axis) &&
        ops::are_classes_of(classes, in.shape(), in.rank() - 1))
      in = movedim(in, -1, static_cast<std::int64_t>(axis));
  if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1))
    throw ShapeError("cross_entropy: label_smoothing " + number_text(options.label_smoothing) +
                     " is no share, for logits " + to_string(in.shape()) + "; give a number from 0 to 1");
  const Tensor weight = ops::class_weights("cross_entropy", options.weight, in.shape()[axis], dtype);
  Tensor in_place = weight;
  if (!weight.is_empty()) {
    Shape aligned = Shape::filled(in.rank(), 1);
    aligned[axis] = weight.size();
    in_place = reshape(weight, aligned);
  }
  const Tensor log_p = log_softmax(in, static_cast<std::int64_t>(axis));
  if (is_floating(target.dtype()))
    return ops::soft_cross_entropy(log_p, target.as(dtype), in_place, axis, options);
  return ops::hard_cross_entropy(log_p, target.as(DType::int64), in_place, weight, axis, options);
} catch (...) {
  rethrow_in_call("cross_entropy", logits, target);
}

Tensor soft_margin_loss(const Operand& x, const Operand& target, Reduction reduction) try {
  const ops::Pair in("soft_margin_loss", x, target);
  return ops::combined("soft_margin_loss", softplus(-in.target * in.prediction), reduction);
} catch (...) {
  rethrow_in_call("soft_margin_loss", x, target);
}

Tensor multi_margin_loss(const Operand& x, const Operand& target, double p, double margin,
                         Reduction reduction, const Tensor& weight) try {
  const Tensor in = x.as(ops::real_dtype(x.dtype())), classes = target.as_tensor();
  if (p != 1 && p != 2)
    throw ShapeError("multi_margin_loss: p is " + number_text(p) + " for x " + to_string(in.shape()) +
                     "; it must be 1 or 2");
  if (in.rank() > 2)
    throw ShapeError("multi_margin_loss: x has shape " + to_string(in.shape()) + "; give (N, C) or (C,)");
  const ops::Choice choice("multi_margin_loss", in, classes, -1);
  const auto axis = static_cast<std::int64_t>(in.rank()) - 1;
  const Tensor beyond = relu(margin - expand_dims(choice.of(in), axis) + in);
  const Tensor others = one_hot(choice.classes, in.shape().back(), DType::boolean);
  const Tensor losses = mean(where(others, 0, p == 1 ? beyond : square(beyond)), axis);
  if (weight.is_empty()) return ops::combined("multi_margin_loss", losses, reduction);
  if (weight.shape() != Shape{in.shape().back()})
    throw ShapeError("multi_margin_loss: a weight of shape " + to_string(weight.shape()) + " for x " +
                     to_string(in.shape()) + "; give one for each class");
  const Tensor each = reshape(index_select(weight, 0, reshape(choice.classes, {-1})), losses.shape());
  return ops::combined("multi_margin_loss", losses * cast(each, in.dtype()), reduction);
} catch (...) {
  rethrow_in_call("multi_margin_loss", x, target);
}

Tensor multilabel_soft_margin_loss(const Operand& x, const Operand& target, const Operand& weight,
                                   Reduction reduction) try {
  const Tensor losses = binary_cross_entropy_with_logits(x, target, 1, Reduction::none) * weight;
  if (losses.rank() == 0)
    throw ShapeError("multilabel_soft_margin_loss: x of shape () has no classes; give (..., C)");
  return ops::combined("multilabel_soft_margin_loss", mean(losses, -1), reduction);
} catch (...) {
  rethrow_in_call("multilabel_soft_margin_loss", x, target);
}

Tensor ctc_loss(const Operand& log_probs, const Operand& targets, std::span<const std::int64_t> input_lengths,
                std::span<const std::int64_t> target_lengths, const CtcOptions& options) try {
  Tensor in = log_probs.as(ops::real_dtype(log_probs.dtype())), labels = targets.as_tensor();
  const bool is_one = in.rank() == 2 && labels.rank() == 1;
  if (is_one) {
    in = reshape(in, {in.shape()[0], 1, in.shape()[1]});
    labels = reshape(labels, {1, labels.size()});
  }
  if (is_integer(labels.dtype())) labels = cast(labels, DType::int64);
  ops::check_ctc(in, labels, input_lengths, target_lengths, options.blank);
  const ops::Alignment alignment(labels, target_lengths, in.shape()[2], options.blank);
  Tensor losses = ops::ctc_of_samples(in, alignment, input_lengths);
  if (options.zero_infinity) losses = where(losses == ops::infinity, 0, losses);
  if (options.reduction == Reduction::mean) {
    std::vector<double> lengths;
    for (const std::int64_t each : target_lengths)
      lengths.push_back(std::max(static_cast<double>(each), 1.0));
    losses = losses / cast(tensor(lengths), in.dtype());
  }
  if (is_one && options.reduction == Reduction::none) return reshape(losses, {});
  return ops::combined("ctc_loss", losses, options.reduction);
} catch (...) {
  rethrow_in_call("ctc_loss", log_probs, targets);
}

}  // namespace chainrule
