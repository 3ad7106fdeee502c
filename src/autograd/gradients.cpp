// What users ask of a graph: gradients(), backward(), jvp(), and the modes of recording. Each is the one
// engine with another observer: what is collected, added to leaves, or shown.

#include <algorithm>

#include "autograd/engine.h"
#include "autograd/total.h"
#include "chainrule/autograd.h"
#include "chainrule/backward.h"
#include "chainrule/detail/trace.h"
#include "chainrule/ops.h"
#include "graph/call_error.h"
#include "graph/traversal.h"

namespace chainrule {

/// Collects the gradients that gradients() was asked for.
struct GradientsBuilder final : Backpropagation {
  using Entry = Gradients::Entry;
  struct Asked {
    std::uint32_t position;
    std::uint32_t entry;
  };
  std::vector<Entry> entries;
  InlineVector<Asked, 16> asked;  // by position, as the nodes are delivered from the last one on
  bool all_nodes = false;
  bool only_on_the_way = false;  // compute nothing that does not lead to what is wanted

  void ask_for(const Tensor& tensor) {
    if (tensor.is_empty())
      throw GradError(std::string(called) +
                      ": an empty handle among the tensors to differentiate with respect to");
    if (!tensor.requires_grad())
      throw GradError(std::string(called) + ": " +
                      (tensor.name().empty() ? std::string("a tensor") : "'" + tensor.name() + "'") +
                      " of shape " + to_string(tensor.shape()) +
                      " needs no gradient; make it with variable(), or compute it outside no_grad");
    entries.push_back({tensor, {}});
  }
  void start(const Traversal& order) override {
    if (all_nodes) return entries.reserve(entries.size() + order.size());
    for (std::uint32_t i = 0; i < entries.size(); ++i)
      if (const auto position = order.position(*entries[i].tensor.node()); position != Traversal::absent)
        asked.push_back({position, i});
    std::sort(asked.begin(), asked.end(),
              [](const Asked& a, const Asked& b) { return a.position < b.position; });
    if (only_on_the_way) find_the_way(order);
  }
  void find_the_way(const Traversal& order) {
    InlineVector<bool, 64> leads;  // was asked for, or depends on what was
    leads.assign_zeros(order.size());
    goes_on.assign_zeros(order.size());
    for (const Asked& each : asked) leads[each.position] = true;
    for (std::size_t i = 0; i < order.size(); ++i) {
      for (const Tensor& input : order[i].inputs())
        if (const auto position = order.position(*input.node()); position != Traversal::absent)
          goes_on[i] = goes_on[i] || leads[position];
      leads[i] = leads[i] || goes_on[i];
    }
    for (const Asked& each : asked) goes_on[each.position] = false;
  }
  bool wants(std::size_t position, const Node&) override {
    while (!asked.empty() && asked.back().position > position) asked.pop_back();  // nothing reached it
    return all_nodes || (!asked.empty() && asked.back().position == position);
  }
  void receive(const Node& node, Cotangent&& cotangent) override {
    const Tensor gradient = std::move(cotangent).tensor(node.dtype());
    if (all_nodes) {
      entries.push_back({TensorAccess::share(const_cast<Node*>(&node)), gradient});
      return;
    }
    for (const auto position = asked.back().position; !asked.empty() && asked.back().position == position;
         asked.pop_back())
      entries[asked.back().entry].gradient = gradient;
  }
  /// What has been found for each tensor that was asked for, in that order.
  std::vector<Tensor> in_order() && {
    std::vector<Tensor> found;
    found.reserve(entries.size());
    for (Entry& entry : entries)
      found.push_back(entry.gradient.is_empty() ? zeros_like(entry.tensor) : std::move(entry.gradient));
    return found;
  }
  /// Once for each tensor. What the output does not depend on has the gradient zero.
  Gradients result() {
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::pair(a.tensor.node(), a.gradient.is_empty()) <
             std::pair(b.tensor.node(), b.gradient.is_empty());
    });
    const auto same = [](const Entry& a, const Entry& b) { return a.tensor.node() == b.tensor.node(); };
    entries.erase(std::unique(entries.begin(), entries.end(), same), entries.end());
    for (Entry& entry : entries)
      if (entry.gradient.is_empty()) entry.gradient = zeros_like(entry.tensor);
    Gradients gradients;
    gradients.entries_ = std::move(entries);
    return gradients;
  }
};

const Gradients::Entry* Gradients::find(const Tensor& tensor) const {
  const auto found =
      std::lower_bound(entries_.begin(), entries_.end(), tensor.node(),
                       [](const Entry& entry, const Node* node) { return entry.tensor.node() < node; });
  return found != entries_.end() && found->tensor.node() == tensor.node() ? &*found : nullptr;
}

const Tensor& Gradients::at(const Tensor& tensor, Here here) const& try {
  if (const Entry* entry = find(tensor)) return entry->gradient;
  const std::string name = tensor && !tensor.name().empty() ? "'" + tensor.name() + "'" : "the tensor";
  throw GradError("at: the gradient of " + name + " was not asked for; name it in gradients(loss, {...})");
} catch (...) {
  rethrow_in_call(here);
}

namespace {

Gradients gradients(std::string_view called, const Tensor& output, std::span<const Tensor> wrt,
                    const GradientOptions& options) {
  GradientsBuilder builder;
  builder.called = called;
  builder.all_nodes = options.all_nodes;
  builder.entries.reserve(wrt.size());
  for (const Tensor& tensor : wrt) builder.ask_for(tensor);
  if (output.requires_grad()) builder.run(output, options.seed, options.create_graph);
  return builder.result();
}

}  // namespace

Gradients gradients(const Tensor& output, std::span<const Tensor> wrt, const GradientOptions& options,
                    Here here) try {
  return gradients("gradients", output, wrt, options);
} catch (...) {
  rethrow_in_pass(here, {&output});
}
Gradients gradients(const Tensor& output, std::initializer_list<Tensor> wrt, const GradientOptions& options,
                    Here here) {
  return gradients(output, std::span(wrt.begin(), wrt.size()), options, here);
}

std::vector<Tensor> gradients_at(std::string_view called, const Tensor& root, const Tensor& seed,
                                 std::span<const Tensor> wrt, bool create_graph) {
  GradientsBuilder builder;
  builder.called = called;
  builder.only_on_the_way = true;
  builder.entries.reserve(wrt.size());
  for (const Tensor& tensor : wrt) builder.ask_for(tensor);
  if (!root.is_empty() && root.requires_grad()) builder.run(root, seed, create_graph);
  return std::move(builder).in_order();
}

// Several results are one number, Σ⟨seed, result⟩, whose gradient has the seeds for its parts. What the seeds
// themselves depend on is no part of it, so they are asked for, too: what is asked for ends a way.
std::vector<Tensor> pulled_back(std::string_view called, std::span<const Tensor> results,
                                std::span<const Tensor> seeds, std::span<const Tensor> wrt,
                                bool create_graph) {
  Tensor root, seed;
  std::vector<Tensor> asked(wrt.begin(), wrt.end());
  {
    const NoGrad recording(false);
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (seeds[i].is_empty() || !results[i].requires_grad()) continue;
      if (results.size() == 1) {
        root = results[i];
        seed = seeds[i];
      } else {
        Tensor factor = seeds[i];
        if (factor.requires_grad()) {
          // Not detach(), which would cut off tangents as well.
          factor = create_graph ? detail::stand_in(factor) : constant(value_of(factor));
          if (create_graph) asked.push_back(factor);
        }
        add_to(root, sum(results[i] * factor));
      }
    }
  }
  std::vector<Tensor> found = gradients_at(called, root, seed, asked, create_graph);
  found.resize(wrt.size());
  return found;
}

void send_through(std::string_view called, FunctionRef<Tensor(std::span<const Tensor>)> composed,
                  std::span<const Tensor> in, const Tensor& g, Cotangents& to) {
  const NoGrad recording(false);
  std::vector<Tensor> own;
  for (const Tensor& each : in) own.push_back(each.requires_grad() ? detail::stand_in(each) : variable(each));
  const std::vector<Tensor> found = gradients_at(called, composed(own), g, own, !to.in_numbers());
  for (std::size_t i = 0; i < found.size(); ++i)
    if (to.wants(i)) to[i] = found[i];
}

namespace {

/// backward(): adds each leaf's gradient to what it has.
// Made without braces: to zero all of it first takes a tenth of a small graph's pass.
struct LeafAccumulation : Backpropagation {
  LeafAccumulation() { only_of_variables = true; }
  void receive(const Node& node, Cotangent&& gradient) override {
    static_cast<const Variable&>(node).accumulate(std::move(gradient));
  }
};

/// And shows it.
struct ShownAccumulation final : LeafAccumulation {
  explicit ShownAccumulation(FunctionRef<void(const Tensor&)> to) : ready(to) {}
  void receive(const Node& node, Cotangent&& gradient) override {
    LeafAccumulation::receive(node, std::move(gradient));
    if (ready) ready(Borrowed(&node));
  }
  FunctionRef<void(const Tensor&)> ready;
};

}  // namespace

void Tensor::backward(Here here) const& { backward(Tensor(), here); }
void Tensor::backward(Here here) && try {
  LeafAccumulation pass;
  pass.run_and_consume(std::move(*this), {});
} catch (...) {
  rethrow_in_pass(here, {this});
}
void Tensor::backward(const Tensor& seed, Here here) const& try {
  LeafAccumulation pass;
  pass.run(*this, seed, false);
} catch (...) {
  rethrow_in_pass(here, {this});
}
void Tensor::backward(const Tensor& seed, Here here) && try {
  LeafAccumulation pass;
  pass.run_and_consume(std::move(*this), seed);
} catch (...) {
  rethrow_in_pass(here, {this});
}

void backward(Tensor output, FunctionRef<void(const Tensor&)> ready, const Tensor& seed, Here here) try {
  ShownAccumulation pass(ready);
  pass.run_and_consume(std::move(output), seed);
} catch (...) {
  rethrow_in_pass(here, {});
}

Tensor jvp(const Tensor& output, const Tensor& input, const Tensor& tangent, Here here) try {
  if (tangent.shape() != input.shape())
    throw ShapeError("jvp: the tangent has shape " + to_string(tangent.shape()) + ", the input " +
                     to_string(input.shape()) + "; they must be equal");
  // vᵀJ is linear in v, so its derivative along the tangent is J·tangent whatever v is. Not zero, as some
  // rules look whether anything comes from above.
  const Tensor v = variable(ones_like(output));
  const Tensor product = gradients_at("jvp", output, v, std::span(&input, 1), true).front();
  if (!product.requires_grad()) return zeros_like(output);  // does not depend on the input
  return gradients_at("jvp", sum(product * tangent), {}, std::span(&v, 1), false).front();
} catch (...) {
  rethrow_in_pass(here, {&output, &input, &tangent});
}

NoGrad::NoGrad(bool off) : before_(recording_mode.off) { recording_mode.off = off; }
NoGrad::~NoGrad() { recording_mode.off = before_; }
KeepValues::KeepValues() : before_(recording_mode.keep_values) { recording_mode.keep_values = true; }
KeepValues::~KeepValues() { recording_mode.keep_values = before_; }

}  // namespace chainrule
