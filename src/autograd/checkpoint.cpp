// Checkpoints: what a function has captured, and how it is computed again in the backward pass.

#include "chainrule/checkpoint.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "autograd/engine.h"
#include "chainrule/graph.h"
#include "graph/apply.h"
#include "graph/scope.h"
#include "graph/traversal.h"

namespace chainrule::detail {
namespace {

bool is_within(std::uint16_t scope, std::uint16_t around) {
  while (scope != around && scope != 0) scope = scope_entry(scope).parent;
  return scope == around;
}

/// A call of the function: its results, and what they depend on that is neither among its arguments nor made
/// in it.
struct Run {
  std::vector<Tensor> results, captured;

  Run(std::span<const Tensor> in, Recomputed::Call call) {
    const std::uint16_t around = recording_mode.scope;
    std::uint16_t scope = around;
    {
      const Recorded recorded;
      const Scope opened("checkpoint");
      scope = recording_mode.scope;
      results = call(in);
    }
    for (const Tensor& result : results) {
      if (result.is_empty())
        throw GradError("checkpoint: the function gives an empty handle; return a tensor");
      if (result.requires_grad()) find_captured(result, in, scope == around ? no_scope : scope);
    }
    std::ranges::sort(captured, {}, &Tensor::node);
    const auto same = [](const Tensor& a, const Tensor& b) { return a.node() == b.node(); };
    captured.erase(std::unique(captured.begin(), captured.end(), same), captured.end());
  }

 private:
  // When there are no more numbers for scopes, nothing tells what was made in the function but where it ends:
  // the leaves, all of them variables.
  static constexpr int no_scope = -1;
  void find_captured(const Tensor& result, std::span<const Tensor> in, int scope) {
    const Traversal order(*result.node(), Traversal::Nodes::needing_gradient);
    InlineVector<bool, 64> reached, given;
    reached.assign_zeros(order.size());
    given.assign_zeros(order.size());
    for (const Tensor& each : in)
      if (const auto position = order.position(*each.node()); position != Traversal::absent)
        given[position] = true;
    reached[order.size() - 1] = true;
    std::uint16_t last = 0;
    bool last_is_within = false;
    for (std::size_t i = order.size(); i-- > 0;) {
      if (!reached[i] || given[i]) continue;
      Node& node = order[i];
      if (i + 1 == order.size() || node.scope() != last) {
        last = node.scope();
        last_is_within = scope == no_scope ? true : is_within(last, static_cast<std::uint16_t>(scope));
      }
      if (!last_is_within || (scope == no_scope && node.is_leaf())) {
        captured.push_back(TensorAccess::share(&node));
        continue;
      }
      for (const Tensor& input : node.inputs())
        if (const auto position = order.position(*input.node()); position != Traversal::absent)
          reached[position] = true;
    }
  }
};

/// A number that is the same if all bits of the tensors are.
std::uint64_t bits_of(const std::vector<Tensor>& tensors) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const Tensor& tensor : tensors) {
    const Array& value = value_of(tensor);
    const auto* bytes = static_cast<const unsigned char*>(value.raw());
    std::size_t left = value.byte_count();
    for (; left >= 8; left -= 8, bytes += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes, 8);
      hash = std::rotl((hash ^ word) * 0x9e3779b97f4a7c15, 29);
    }
    for (; left > 0; --left, ++bytes) hash = (hash ^ *bytes) * 0x100000001b3;
  }
  return hash;
}

bool are_same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::ranges::equal(a, b, {}, &Tensor::node, &Tensor::node);
}

}  // namespace

bool is_recording() { return !recording_mode.off && !recording_mode.keep_values; }

const std::string& Recomputed::name() const {
  static const auto* const name = new std::string("checkpoint");
  return *name;
}

std::vector<Tensor> Recomputed::called_first(std::span<const Tensor> in, Call call) {
  std::vector<Tensor> stand_ins;
  for (const Tensor& each : in)
    stand_ins.push_back(!each.is_empty() && each.requires_grad() ? variable(each) : each);
  std::vector<Tensor> results;
  {
    Run run(stand_ins, call);
    captured_ = std::move(run.captured);
    for (const Tensor& result : run.results) results.push_back(result.detach());
  }
  bits_ = bits_of(results);
  return results;
}

std::vector<Tensor> Recomputed::pull_back(std::span<const Tensor> in, std::span<const Tensor>,
                                          std::span<const Tensor> g, bool recorded) const {
  std::vector<Tensor> stand_ins, wrt;
  const std::size_t arguments = in.size() - captured_.size();
  for (std::size_t i = 0; i < arguments; ++i) {
    stand_ins.push_back(in[i]);
    if (!in[i].requires_grad()) continue;
    stand_ins.back() = recorded ? stand_in(in[i]) : variable(in[i]);
    wrt.push_back(stand_ins.back());
  }
  wrt.insert(wrt.end(), captured_.begin(), captured_.end());
  const Run run(stand_ins, [this](std::span<const Tensor> tensors) { return called_again(tensors); });
  if (!are_same(run.captured, captured_))
    throw GradError(
        "checkpoint: computed again, the function uses other variables than before; do not assign to "
        "parameters before "
        "the backward pass");
  if (bits_of(run.results) != bits_)
    throw GradError(
        "checkpoint: computed again, the function gives other numbers than before; let it have its Generator "
        "as an "
        "argument, or captured by value, and leave what it refers to as it was until the backward pass");
  std::vector<Tensor> found = pulled_back("checkpoint", run.results, g, wrt, recorded), sent;
  std::size_t next = 0;
  for (const Tensor& each : in) sent.push_back(each.requires_grad() ? found[next++] : Tensor());
  return sent;
}

std::vector<std::size_t> segment_ends(std::size_t functions, std::size_t segments) {
  if (segments > functions)
    throw std::invalid_argument("checkpoint_sequential: " + std::to_string(segments) + " segments of " +
                                std::to_string(functions) + " functions; ask for at most as many");
  if (segments == 0)
    segments = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(functions))));
  std::vector<std::size_t> ends;
  for (std::size_t i = 1; i <= segments; ++i) ends.push_back(i * functions / segments);
  return ends;
}

}  // namespace chainrule::detail
