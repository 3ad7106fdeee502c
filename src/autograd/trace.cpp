// Runs of functions under transforms: stand-ins for their arguments, and what is pulled back or pushed
// forward through them.

#include "chainrule/detail/trace.h"

#include <algorithm>

#include "autograd/engine.h"
#include "autograd/total.h"
#include "chainrule/autograd.h"
#include "chainrule/nn/parameter.h"
#include "chainrule/ops.h"
#include "graph/apply.h"
#include "graph/traced.h"
#include "graph/traversal.h"

namespace chainrule {
namespace {

/// An argument of a function under a transform, where somebody outside differentiates it as well.
struct Input {
  static constexpr std::string_view name = "input", formula = "the gradient as it is";
  Array forward(Values in) const {
    (void)in[0]->raw();  // else the two would put off the same computation
    return *in[0];
  }
  static std::int64_t flops(Inputs, const Shape&) { return 0; }
  Reads reads(Wanted) const { return 0; }
  static constexpr bool linear = true;
  Tensor batch(const Unwrapped& at) const { return at.in[0]; }
  void vjp(Inputs, const Tensor&, const Tensor& g, Cotangents& to) const { to[0] = g; }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"1"};
  }
};

/// Does the result depend on a variable that is none of these?
bool depends_on_others(const Tensor& result, const std::vector<Tensor>& inputs) {
  if (!result.requires_grad()) return false;
  const Traversal order(*result.node(), Traversal::Nodes::needing_gradient);
  InlineVector<bool, 64> ours;
  ours.assign_zeros(order.size());
  for (const Tensor& input : inputs)
    if (const auto position = order.position(*input.node()); position != Traversal::absent)
      ours[position] = true;
  for (std::size_t i = 0; i < order.size(); ++i)
    if (order[i].is_variable() && !ours[i]) return true;
  return false;
}

/// Does the result stand for a tensor under another transform that somebody outside differentiates?
bool stands_for_recorded(const Tensor& result) {
  const Traced* const of = traced(result);
  return of != nullptr && (needs_gradient_inside(of->inner) || needs_gradient_inside(of->tangent));
}

std::string shape_of(const Tensor& tensor) { return to_string(tensor.shape()); }

/// A name of a struct's members, which are written with commas between. Nothing between them stands for a
/// member whose place is that of the struct, as a list of parameters that have their own names.
std::string_view name_of(std::string_view names, std::size_t index) {
  for (; index > 0 && !names.empty(); --index)
    names.remove_prefix(std::min(names.find(',') + 1, names.size()));
  names = names.substr(0, names.find(','));
  while (!names.empty() && names.front() == ' ') names.remove_prefix(1);
  while (!names.empty() && names.back() == ' ') names.remove_suffix(1);
  return names;
}

}  // namespace

namespace detail {

const Tensor& leaf_value(const Parameter& parameter) { return parameter.leaf(); }
void replace_leaf(Parameter& parameter, Tensor value) {
  parameter = Parameter::holding(std::move(value), parameter.name());
}

std::string Place::text() const {
  if (within == nullptr)
    return numbered ? std::string(root) + " " + std::to_string(index) : std::string(root);
  const std::string_view name = name_of(names, index);
  if (name.empty() && !names.empty()) return within->text();
  if (name.empty()) return within->text() + "[" + std::to_string(index) + "]";
  return within->text() + "." + std::string(name);
}

std::string Place::path() const {
  if (within == nullptr) return {};
  const std::string before = within->path();
  const std::string_view name = name_of(names, index);
  if (name.empty() && !names.empty()) return before;
  return before + (before.empty() ? "" : ".") + (name.empty() ? std::to_string(index) : std::string(name));
}

std::vector<Tensor> checked_count(std::string_view called, std::string_view what, std::vector<Tensor> tensors,
                                  std::size_t expected) {
  if (tensors.size() != expected)
    throw ShapeError(std::string(called) + ": " + std::to_string(tensors.size()) + " " + std::string(what) +
                     " for " + std::to_string(expected) +
                     " tensors; give one for each, in the same structure");
  return tensors;
}

Recorded::Recorded(bool on) : before_(recording_mode.off) { recording_mode.off = !on; }
Recorded::~Recorded() { recording_mode.off = before_; }

Trace::Trace(std::string_view called) : called_(called), recording_(!recording_mode.off) {}

Tensor stand_in(const Tensor& given) { return apply(Input{}, {}, Argument(given)); }

void Trace::require_differentiable(std::string_view called, const Tensor& given, const Place& place) {
  if (given.is_empty())
    throw GradError(std::string(called) + ": " + place.text() +
                    " is an empty handle; assign a tensor to it first");
  if (!is_floating(given.dtype()))
    throw DTypeError(std::string(called) + ": " + place.text() + " is " +
                     std::string(to_string(given.dtype())) +
                     ", but only floating numbers carry gradients; cast it, or do not differentiate it");
}

Tensor Trace::input(const Tensor& given, const Place& place) {
  require_differentiable(called_, given, place);
  const bool outside = recording_ && given.requires_grad();
  differentiated_ = differentiated_ || (recording_ && needs_gradient_inside(given));
  Tensor inside = outside ? stand_in(given) : variable(given);
  if (std::string name = given.name(); !name.empty()) inside = std::move(inside).named(std::move(name));
  inputs_.push_back(inside);
  return inside;
}

void Trace::output(const Tensor& result, const Place& place) {
  if (result.is_empty())
    throw GradError(std::string(called_) + ": " + place.text() +
                    " of the function is an empty handle; return a tensor");
  outputs_.push_back(result);
}

void Trace::finish() {
  differentiated_ =
      differentiated_ || (recording_ && std::ranges::any_of(outputs_, [&](const Tensor& result) {
                            return depends_on_others(result, inputs_) || stands_for_recorded(result);
                          }));
}

Tensor Trace::outside(const Tensor& result) const {
  return differentiated_ || result.is_empty() || !result.requires_grad() ? result
                                                                         : constant(value_of(result));
}

bool Trace::is_recorded(std::span<const Tensor> further) const {
  return !recording_mode.off && (differentiated_ || std::ranges::any_of(further, [](const Tensor& tensor) {
                                   return needs_gradient_inside(tensor);
                                 }));
}

void Trace::require_scalar() const {
  const Tensor& value = outputs_.front();
  if (value.size() != 1)
    throw ShapeError(std::string(called_) + ": the result of the function has shape " + shape_of(value) +
                     ", not one element; reduce it, as sum(y), or ask for vjp() or jacobian()");
  if (!is_floating(value.dtype()))
    throw DTypeError(std::string(called_) + ": the result of the function is " +
                     std::string(to_string(value.dtype())) +
                     ", which no gradient flows through; return a float32 or float64");
}

void Trace::check_tangent(const Tensor& given, std::size_t input, const Place& place) const {
  const Tensor& primal = inputs_[input];
  if (!given.is_empty() && given.shape() != primal.shape())
    throw ShapeError(std::string(called_) + ": the tangent of " + place.text() + " has shape " +
                     shape_of(given) + ", the argument " + shape_of(primal) + "; they must be equal");
}

void Trace::check_cotangent(const Tensor& given, std::size_t output, const Place& place) const {
  const Tensor& value = outputs_[output];
  if (!given.is_empty() && is_floating(value.dtype()) && given.shape() != value.shape())
    throw ShapeError(std::string(called_) + ": the cotangent of " + place.text() + " has shape " +
                     shape_of(given) + ", the result " + shape_of(value) + "; they must be equal");
}

std::vector<Tensor> Trace::pull_back(std::span<const Tensor> cotangents) const {
  return pull_back(cotangents, is_recorded(cotangents));
}
std::vector<Tensor> Trace::recorded_pull_back(std::span<const Tensor> cotangents) const {
  const Recorded recorded;
  return pull_back(cotangents, true);
}

std::vector<Tensor> Trace::gradient() const {
  return gradients_at(called_, outputs_.front(), {}, inputs_, is_recorded({}));
}
std::vector<Tensor> Trace::recorded_gradient() const {
  const Recorded recorded;
  return gradients_at(called_, outputs_.front(), {}, inputs_, true);
}

std::vector<Tensor> Trace::pull_back(std::span<const Tensor> cotangents, bool record) const {
  return pulled_back(called_, outputs_, cotangents, inputs_, record);
}

Linearization::Linearization(std::shared_ptr<const Trace> trace) : trace_(std::move(trace)) {
  // Not zeros, as some rules look whether anything comes from above.
  for (const Tensor& value : trace_->outputs())
    cotangents_.push_back(value.requires_grad() ? variable(ones_like(value)) : Tensor());
  pulled_back_ = trace_->recorded_pull_back(cotangents_);
}

std::vector<Tensor> Linearization::push_forward(std::span<const Tensor> tangents) const {
  Tensor root;
  {
    const Recorded recorded;
    for (std::size_t i = 0; i < tangents.size(); ++i) {
      if (tangents[i].is_empty() || !pulled_back_[i].requires_grad()) continue;
      add_to(root, sum(pulled_back_[i] * tangents[i]));
    }
  }
  std::vector<Tensor> wrt;
  for (const Tensor& cotangent : cotangents_)
    if (!cotangent.is_empty()) wrt.push_back(cotangent);
  std::vector<Tensor> found = gradients_at(trace_->called(), root, {}, wrt, trace_->is_recorded(tangents));
  std::vector<Tensor> pushed;
  for (std::size_t i = 0, next = 0; i < cotangents_.size(); ++i)
    pushed.push_back(cotangents_[i].is_empty() ? zeros_like(trace_->outputs()[i]) : found[next++]);
  return pushed;
}

}  // namespace detail
}  // namespace chainrule
