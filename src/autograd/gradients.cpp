#include "autograd/engine.h"
#include "chainrule/autograd.h"
#include "chainrule/ops.h"

namespace chainrule {

/// Collects the gradients that gradients() was asked for.
struct GradientsBuilder final : Backpropagation {
  Gradients result;
  bool all_nodes = false;

  void deliver(const Node& node, Tensor gradient) override {
    if (all_nodes)
      result.by_node_[&node] = {TensorAccess::share(const_cast<Node*>(&node)), std::move(gradient)};
    else if (const auto wanted = result.by_node_.find(&node); wanted != result.by_node_.end())
      wanted->second.gradient = std::move(gradient);
  }
  void ask_for(const Tensor& tensor) {
    if (!tensor)
      throw GradError("gradients: an empty handle among the tensors to differentiate with respect to");
    if (!tensor.requires_grad())
      throw GradError(
          "gradients: " + (tensor.name().empty() ? std::string("a tensor") : "'" + tensor.name() + "'") +
          " of shape " + to_string(tensor.shape()) +
          " needs no gradient; make it with variable(), or compute it outside no_grad");
    result.by_node_[tensor.node()] = {tensor, {}};
  }
  /// What the output does not depend on has the gradient zero.
  void fill_in_zeros() {
    for (auto& [node, entry] : result.by_node_)
      if (!entry.gradient) entry.gradient = zeros_like(entry.tensor);
  }
};

const Tensor& Gradients::at(const Tensor& tensor) const {
  const auto found = by_node_.find(tensor.node());
  if (found != by_node_.end()) return found->second.gradient;
  const std::string name = tensor && !tensor.name().empty() ? "'" + tensor.name() + "'" : "the tensor";
  throw GradError("at: the gradient of " + name + " was not asked for; name it in gradients(loss, {...})");
}

Gradients gradients(const Tensor& output, std::span<const Tensor> wrt, const GradientOptions& options) {
  GradientsBuilder builder;
  builder.all_nodes = options.all_nodes;
  for (const Tensor& tensor : wrt) builder.ask_for(tensor);
  if (output.requires_grad()) builder.run(output, options.seed, options.create_graph, false);
  builder.fill_in_zeros();
  return std::move(builder.result);
}
Gradients gradients(const Tensor& output, std::initializer_list<Tensor> wrt, const GradientOptions& options) {
  return gradients(output, std::span(wrt.begin(), wrt.size()), options);
}

namespace {

/// backward(): adds each leaf's gradient to what it has.
struct LeafAccumulation final : Backpropagation {
  void deliver(const Node& node, Tensor gradient) override {
    if (node.kind() == NodeKind::variable) static_cast<const Variable&>(node).accumulate(std::move(gradient));
  }
};

}  // namespace

void Tensor::backward() const& { backward(Tensor()); }
void Tensor::backward() && { std::move(*this).backward(Tensor()); }
void Tensor::backward(const Tensor& seed) const& { LeafAccumulation().run(*this, seed, false, false); }
void Tensor::backward(const Tensor& seed) && { LeafAccumulation().run(std::move(*this), seed, false, true); }

Tensor jvp(const Tensor& output, const Tensor& input, const Tensor& tangent) {
  if (tangent.shape() != input.shape())
    throw ShapeError("jvp: the tangent has shape " + to_string(tangent.shape()) + ", the input " +
                     to_string(input.shape()) + "; they must be equal");
  // vᵀJ is linear in v, so its derivative along the tangent is J·tangent whatever v is. Not zero, as some
  // rules look whether anything comes from above.
  const Tensor v = variable(ones_like(output));
  const Tensor product = gradients(output, {input}, {.seed = v, .create_graph = true}).at(input);
  if (!product.requires_grad()) return zeros_like(output);  // does not depend on the input
  return gradients(sum(product * tangent), {v}).at(v);
}

NoGrad::NoGrad(bool off) : before_(recording_mode.off) { recording_mode.off = off; }
NoGrad::~NoGrad() { recording_mode.off = before_; }
KeepValues::KeepValues() : before_(recording_mode.keep_values) { recording_mode.keep_values = true; }
KeepValues::~KeepValues() { recording_mode.keep_values = before_; }

}  // namespace chainrule
