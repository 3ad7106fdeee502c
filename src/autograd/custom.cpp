// Nodes with derivatives of the user's own, and the operations that change only the gradient. The node is an
// operation of its own, whose results are taken out of it by several.h; under vmap and jvp the user's rule is
// traced.

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "array/number_text.h"
#include "autograd/engine.h"
#include "autograd/several.h"
#include "autograd/total.h"
#include "chainrule/custom_gradient.h"
#include "chainrule/shaping.h"
#include "graph/apply.h"
#include "graph/reading.h"
#include "graph/traced.h"

namespace chainrule {
namespace {

using detail::CustomRule;

class CustomNode final : public Node {
 public:
  /// Without `several` the value is the one result.
  CustomNode(Array&& value, bool requires_grad, Here here, std::shared_ptr<const CustomRule> rule,
             std::shared_ptr<const Several> several, std::span<const Tensor> in)
      : Node(std::move(value), requires_grad), rule_(std::move(rule)), several_(std::move(several)) {
    Tensor* inputs = few_.data();
    if (in.size() > few_.size()) {
      many_.resize(in.size());
      inputs = many_.data();
    }
    for (std::size_t i = 0; i < in.size(); ++i) inputs[i] = Argument(in[i]).enter(true);
    set_inputs(inputs, in.size(), rule_->reads_value() ? reads_everything : reads_everything & ~reads_output,
               here);
  }
  NodeKind kind() const override { return NodeKind::operation; }
  std::string_view operation() const override { return rule_->name(); }
  void vjp(const Cotangent& from, Cotangents& to) const override {
    const bool recorded = !recording_mode.off;
    const Borrowed this_node(this);
    const Tensor& out = this_node;
    const Tensor g = from.tensor(dtype());
    std::vector<Tensor> results, upstream;
    if (several_ != nullptr) {
      if (rule_->reads_value()) results = several_->results(out);
      upstream = several_->gradients(g);
    }
    const auto one_or = [&](const std::vector<Tensor>& all, const Tensor& one) {
      return several_ != nullptr ? std::span<const Tensor>(all) : std::span(&one, 1);
    };
    const std::span<const Tensor> value =
        rule_->reads_value() ? one_or(results, out) : std::span<const Tensor>();
    std::vector<Tensor> sent = rule_->pull_back(inputs(), value, one_or(upstream, g), recorded);
    for (std::size_t i = 0; i < sent.size(); ++i)
      if (to.wants(i) && is_floating(inputs()[i].dtype())) to[i] = std::move(sent[i]);
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const override {
    return {"the rule of " + rule_->name() + " for g", false};
  }
  std::int64_t flops() const override { return shape().size(); }

 private:
  std::shared_ptr<const CustomRule> rule_;
  std::shared_ptr<const Several> several_;
  std::array<Tensor, 2> few_;  // so many need no list
  std::vector<Tensor> many_;
};

/// What a user's function saved, in a derivative that is differentiated in turn.
struct SavedValue {
  static constexpr std::string_view name = "saved", formula = "none";
  std::string of;
  Array value;
  Attributes attributes() const { return {{"value", constant(value)}}; }
  Array forward(Values) const { return value; }
  Tensor batch(const Unwrapped& at) const {
    const Tensor saved = constant(value);
    const Traced* const its = traced(saved);
    const bool is_batched = its != nullptr && its->level == at.level;
    const Tensor all = is_batched ? its->inner : broadcast_to(saved, with_first(at.size, saved.shape()));
    return apply(SavedValue{of, value_of(all)}, {}, at.in);
  }
  Reads reads(Wanted) const { return 0; }
  void vjp(Inputs, const Tensor&, const Tensor&, Cotangents&) const {
    throw GradError(
        of +
        ": the derivative reads a saved tensor, whose own derivative is not known, so it cannot be "
        "differentiated again; let the rule compute it from the arguments or the value");
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {std::string(formula), false};
  }
};

struct ReverseGradient {
  static constexpr std::string_view name = "reverse_gradient", formula = "the gradient times a factor";
  double factor;
  Attributes attributes() const { return {{"factor", factor}}; }
  Tensor batch(const Unwrapped& at) const { return reverse_gradient(at.in[0], factor); }
  Tensor jvp(Inputs, const Tensor&, Inputs tangents) const { return tangents[0] * factor; }
  Array forward(Values in) const {
    (void)in[0]->raw();  // else the two would put off the same computation
    return *in[0];
  }
  static std::int64_t flops(Inputs, const Shape&) { return 0; }
  Reads reads(Wanted) const { return 0; }
  void vjp(Inputs, const Tensor&, const Tensor& g, Cotangents& to) const { to[0] = g * factor; }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {to_string(tensor(factor))};
  }
};

}  // namespace

Tensor reverse_gradient(const Operand& x, double factor) {
  if (!std::isfinite(factor))
    throw std::invalid_argument("reverse_gradient: the factor is " + number_text(factor) +
                                ", not a finite number");
  if (!is_floating(x.dtype()))
    throw DTypeError("reverse_gradient: x is " + std::string(to_string(x.dtype())) +
                     ", which no gradient flows through; cast it to float32 or float64");
  return apply(ReverseGradient{factor}, x.here(), Argument(x, x.dtype()));
}

namespace detail {

std::shared_ptr<const CustomRule> CustomRule::with_saved(const std::vector<Tensor>&) const {
  throw std::logic_error(name() + ": nothing was saved");
}

bool is_to_be_recorded(std::span<const Tensor> in) {
  return recording_mode.keep_values ||
         std::ranges::any_of(in, [](const Tensor& each) { return traced(each); }) ||
         (!recording_mode.off && std::ranges::any_of(in, [](const Tensor& each) {
           return !each.is_empty() && each.requires_grad();
         }));
}

namespace {

Tensor as_node(Here here, std::shared_ptr<const CustomRule> rule, Array value,
               std::shared_ptr<const Several> several, std::span<const Tensor> in);
std::vector<Tensor> as_nodes(Here here, std::shared_ptr<const CustomRule> rule, const std::vector<Tensor>& in,
                             const std::vector<Tensor>& out);
std::vector<Tensor> traced_results(Here here, const std::shared_ptr<const CustomRule>& rule,
                                   const std::vector<Tensor>& in, const std::vector<Tensor>& out);

}  // namespace

std::vector<Tensor> with_rule(Here here, std::shared_ptr<const CustomRule> rule,
                              const std::vector<Tensor>& in, const std::vector<Tensor>& out) {
  for (const auto* list : {&in, &out})
    for (const Tensor& each : *list)
      if (each.is_empty())
        throw GradError(rule->name() + ": an empty handle among the " +
                        (list == &in ? "arguments" : "results") + "; assign a tensor to it first");
  if (std::ranges::none_of(out, [](const Tensor& each) { return is_floating(each.dtype()); })) return out;
  if (std::ranges::any_of(in, [](const Tensor& each) { return traced(each); }))
    return as_nodes(here, rule, in, traced_results(here, rule, in, out));
  return as_nodes(here, std::move(rule), in, out);
}

Tensor with_rule_of_one(Here here, std::shared_ptr<const CustomRule> rule, std::span<const Tensor> in,
                        const Tensor& out) {
  const auto is_plain = [](const Tensor& each) { return !each.is_empty() && !traced(each); };
  if (!std::ranges::all_of(in, is_plain) || !is_plain(out) || !is_floating(out.dtype()))
    return with_rule(here, std::move(rule), std::vector<Tensor>(in.begin(), in.end()), {out}).front();
  return as_node(here, std::move(rule), value_of(out), nullptr, in);
}

namespace {

Tensor as_node(Here here, std::shared_ptr<const CustomRule> rule, Array value,
               std::shared_ptr<const Several> several, std::span<const Tensor> in) {
  const bool requires_grad = !recording_mode.off && std::ranges::any_of(in, &Tensor::requires_grad);
  Tensor node = TensorAccess::adopt(
      new CustomNode(std::move(value), requires_grad, here, std::move(rule), std::move(several), in));
  Observer::show_made(*node.node());
  return node;
}

std::vector<Tensor> as_nodes(Here here, std::shared_ptr<const CustomRule> rule, const std::vector<Tensor>& in,
                             const std::vector<Tensor>& out) {
  if (out.size() == 1) return {as_node(here, std::move(rule), value_of(out.front()), nullptr, in)};
  const auto several = std::make_shared<const Several>(out);
  return several->results(as_node(here, std::move(rule), several->row(out), several, in));
}

/// Of each tensor, whether it is of the level, in whose place then is what stands for it.
std::vector<bool> take_off(Level level, std::vector<Tensor>& tensors) {
  std::vector<bool> were;
  for (Tensor& each : tensors) {
    const Traced* const of = traced(each);
    were.push_back(of != nullptr && of->level == level);
    if (were.back()) each = Tensor(of->inner);
  }
  return were;
}

/// The rule of each sample as one of all of them, of tensors that have the samples along axis 0. So have
/// those that were saved, as the vmap may be over when they are needed.
class RuleOfSamples final : public CustomRule {
 public:
  RuleOfSamples(std::shared_ptr<const CustomRule> rule, std::vector<bool> has, std::int64_t size,
                std::vector<Tensor> saved, std::vector<bool> saved_has)
      : rule_(std::move(rule)),
        has_(std::move(has)),
        size_(size),
        saved_(std::move(saved)),
        saved_has_(std::move(saved_has)) {}
  std::vector<Tensor> saved() const override { return saved_; }
  std::shared_ptr<const CustomRule> with_saved(const std::vector<Tensor>& saved) const override {
    return std::make_shared<RuleOfSamples>(rule_, has_, size_, saved, saved_has_);
  }
  const std::string& name() const override { return rule_->name(); }
  bool reads_value() const override { return rule_->reads_value(); }
  std::vector<Tensor> pull_back(std::span<const Tensor> in, std::span<const Tensor> out,
                                std::span<const Tensor> g, bool recorded) const override {
    const RunningTransform run("vmap", size_, Randomness::same);
    // Rules send nothing to what needs no gradient.
    const auto inside = [&](const Tensor& stack) {
      if (stack.is_empty()) return stack;
      const Tensor samples = constant(batched_value(run.level(), stack));
      return stack.requires_grad() ? variable(samples) : samples;
    };
    std::vector<Tensor> x, y, upstream;
    x.reserve(in.size());
    for (std::size_t i = 0; i < in.size(); ++i) x.push_back(has_[i] ? inside(in[i]) : in[i]);
    std::ranges::transform(out, std::back_inserter(y), inside);
    std::ranges::transform(g, std::back_inserter(upstream), inside);
    std::vector<Tensor> saved = saved_;
    for (std::size_t i = 0; i < saved.size(); ++i)
      if (saved_has_[i]) saved[i] = inside(saved[i]);
    const auto rule = saved.empty() ? rule_ : rule_->with_saved(saved);
    std::vector<Tensor> sent = rule->pull_back(x, y, upstream, recorded);
    for (std::size_t i = 0; i < sent.size(); ++i) {
      if (sent[i].is_empty()) continue;
      const Traced* const of = traced(sent[i]);
      const bool is_ours = of != nullptr && of->level == run.level();
      if (has_[i])
        sent[i] = is_ours ? of->inner : broadcast_to(sent[i], in[i].shape());
      else  // one for all samples gets the sum of theirs
        sent[i] = is_ours ? sum(of->inner, 0) : sent[i] * static_cast<double>(size_);
    }
    return sent;
  }

 private:
  std::shared_ptr<const CustomRule> rule_;
  std::vector<bool> has_;
  std::int64_t size_;
  std::vector<Tensor> saved_;
  std::vector<bool> saved_has_;
};

/// The tangents of results, by the rule for their cotangents.
std::vector<Tensor> pushed_by_rule(const CustomRule& rule, const Unwrapped& at,
                                   const std::vector<Tensor>& out) {
  return pushed_through(rule.name(), out, at.in, at.tangents, [&](std::span<const Tensor> v) {
    // Rules send nothing to what needs no gradient.
    std::vector<Tensor> in = at.in;
    for (std::size_t i = 0; i < in.size(); ++i)
      if (!at.tangents[i].is_empty() && !in[i].requires_grad()) in[i] = variable(in[i]);
    return rule.pull_back(in, out, v, true);
  });
}

/// Results under vmap or jvp: what they stand for has the rule, as well.
std::vector<Tensor> traced_results(Here here, const std::shared_ptr<const CustomRule>& rule,
                                   const std::vector<Tensor>& in, const std::vector<Tensor>& out) {
  std::vector<const Tensor*> tensors;
  tensors.reserve(in.size());
  for (const Tensor& each : in) tensors.push_back(&each);
  const Unwrapped at(tensors);
  const bool is_batched = at.kind == Traced::Kind::batched;
  std::vector<Tensor> inner;
  for (const Tensor& each : out) {
    const Traced* const of = traced(each);
    if (of != nullptr && of->level == at.level) {
      inner.push_back(of->inner);
    } else {
      inner.push_back(is_batched ? broadcast_to(each, with_first(at.size, each.shape())) : each);
    }
  }
  std::vector<Tensor> results, saved = rule->saved();
  std::vector<bool> saved_has = take_off(at.level, saved);
  if (is_batched) {
    std::vector<bool> has;
    for (std::size_t i = 0; i < in.size(); ++i) has.push_back(at.has(i));
    const auto of_samples = std::make_shared<RuleOfSamples>(rule, std::move(has), at.size, std::move(saved),
                                                            std::move(saved_has));
    for (const Tensor& each : with_rule(here, of_samples, at.in, inner))
      results.push_back(constant(batched_value(at.level, each)));
    return results;
  }
  // What the function has saved has a tangent of its own, which is no part of this one.
  const auto of_primals = saved.empty() ? rule : rule->with_saved(saved);
  const std::vector<Tensor> primals = with_rule(here, of_primals, at.in, inner),
                            tangents = pushed_by_rule(*of_primals, at, primals);
  for (std::size_t k = 0; k < primals.size(); ++k)
    results.push_back(constant(dual_value(at.level, primals[k], tangents[k])));
  return results;
}

/// What a rule gives, checked: see called_rule. Where it reads elements of what needs a gradient, `refusal`
/// is the error, unless that is empty.
std::vector<Tensor> checked_rule(const std::string& name, const std::string& refusal,
                                 std::span<const Tensor> of, FunctionRef<std::vector<std::string>()> places,
                                 FunctionRef<std::vector<Tensor>()> rule) {
  std::optional<NumbersRefused> refused;
  if (!refusal.empty()) refused.emplace(name + refusal);
  std::vector<Tensor> given = rule();
  refused.reset();
  if (given.size() != of.size())
    throw ShapeError(name + ": the rule gives " + std::to_string(given.size()) + " tensors, not " +
                     std::to_string(of.size()) + "; give one for each, and an empty one for zeros");
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i].is_empty() || !is_floating(of[i].dtype())) continue;
    if (given[i].shape() != of[i].shape())
      throw ShapeError(name + ": the rule gives " + to_string(given[i].shape()) + " for " + places()[i] +
                       " of shape " + to_string(of[i].shape()) + "; they must be equal");
    if (given[i].dtype() != of[i].dtype()) given[i] = cast(given[i], of[i].dtype());
  }
  return given;
}

/// Is it 0 everywhere, and stays so wherever transforms around lead?
bool is_all_zero(const Tensor& x) {
  if (x.is_empty()) return true;
  if (const Traced* const of = traced(x)) return is_all_zero(of->inner) && is_all_zero(of->tangent);
  return all(x.detach() == 0).item<bool>();
}

constexpr std::string_view not_again =
    ": the derivative reads elements as numbers, so it cannot be differentiated again; write it in "
    "operations on "
    "tensors";
constexpr std::string_view not_linear =
    ": the rule reads elements of a tangent as numbers; write it in operations on tensors, from which the "
    "gradient "
    "follows";

}  // namespace

std::vector<Tensor> called_rule(const std::string& name, bool recorded, std::span<const Tensor> of,
                                FunctionRef<std::vector<std::string>()> places,
                                FunctionRef<std::vector<Tensor>()> rule) {
  return checked_rule(name, std::string(recorded ? not_again : ""), of, places, rule);
}

std::vector<Tensor> transposed(
    const std::string& name, bool recorded, std::span<const Tensor> in, std::span<const Tensor> out,
    std::span<const Tensor> g, FunctionRef<std::vector<std::string>()> places,
    FunctionRef<std::vector<Tensor>(const std::vector<Tensor>& at, const std::vector<Tensor>& tangents)>
        rule) {
  std::vector<Tensor> at(in.begin(), in.end()), tangents, wrt;
  for (Tensor& each : at) {
    // Not zeros, as some rules look whether anything comes from above.
    tangents.push_back(is_floating(each.dtype()) ? variable(ones_like(each)) : Tensor());
    if (!tangents.back().is_empty()) wrt.push_back(tangents.back());
    if (!recorded) each = constant(value_of(each));  // not detach(), which would cut off tangents as well
  }
  Tensor root;
  bool is_zero = true;
  {
    const Recorded everything;
    const std::vector<Tensor> pushed = checked_rule(name, std::string(recorded ? not_again : not_linear), out,
                                                    places, [&] { return rule(at, tangents); });
    for (std::size_t k = 0; k < pushed.size(); ++k) {
      if (pushed[k].is_empty() || g[k].is_empty()) continue;
      add_to(root, sum(pushed[k] * g[k]));
    }
    if (!root.is_empty() && !root.requires_grad()) is_zero = std::ranges::all_of(pushed, is_all_zero);
  }
  if (!is_zero)
    throw GradError(
        name +
        ": what the rule gives does not depend on the tangents; write it in operations on them, and "
        "give an empty handle for a tangent of zeros");
  std::vector<Tensor> found = gradients_at(name, root, {}, wrt, recorded), all;
  for (std::size_t i = 0, next = 0; i < at.size(); ++i)
    all.push_back(tangents[i].is_empty() ? Tensor() : found[next++]);
  return all;
}

Tensor saved_value(const std::string& name, bool recorded, const Tensor& saved, std::span<const Tensor> in) {
  if (!recorded || saved.is_empty() || !is_floating(saved.dtype())) return saved;
  return apply(SavedValue{name, value_of(saved)}, {}, std::vector<Tensor>(in.begin(), in.end()));
}

}  // namespace detail
}  // namespace chainrule
