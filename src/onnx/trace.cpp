// Calls a function with batches of three sizes and other numbers, and lines up the graphs of the calls: what
// differs between them depends on the batch, or is an error.

#include "onnx/trace.h"

#include <algorithm>
#include <unordered_map>

#include "chainrule/graph.h"
#include "chainrule/walk.h"

namespace chainrule::onnx {
namespace {

[[noreturn]] void fail(const std::string& what) { throw std::invalid_argument("onnx::save: " + what); }

/// The example's samples over and over, begun with another one in each call, and larger numbers: what was
/// computed from them outside of the graph differs then.
Tensor batch_of(const Tensor& example, std::size_t axis, std::size_t call) {
  const std::int64_t given = example.shape()[axis], wanted = batches[call];
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < wanted; ++i) rows.push_back((i + static_cast<std::int64_t>(call)) % given);
  const auto at = static_cast<std::int64_t>(axis);
  const Tensor taken = take_rows(axis == 0 ? example : swapaxes(example, 0, at), rows);
  const Tensor batch = axis == 0 ? taken : swapaxes(taken, 0, at);
  return (is_floating(batch.dtype()) ? batch * (1 + 0.125 * static_cast<double>(call)) : batch).detach();
}

struct Call {
  std::vector<Tensor> inputs, outputs;
  std::vector<GraphNode> nodes;
  std::vector<std::string> scopes;  // of each node
  std::vector<std::size_t> output_places;
};

std::string path_of(const std::vector<GraphScope>& scopes, std::size_t scope) {
  std::string path;
  for (; scope != 0; scope = scopes[scope].parent)
    path = scopes[scope].name + (path.empty() ? "" : "/" + path);
  return path;
}

/// The graphs of all outputs as one.
void join_graphs(Call& call) {
  std::unordered_map<const Node*, std::size_t> places;
  for (const Tensor& output : call.outputs) {
    const Graph graph(output);
    std::vector<std::size_t> moved;
    for (const GraphNode& node : graph.nodes()) {
      const auto [found, is_new] = places.try_emplace(node.tensor.node(), call.nodes.size());
      moved.push_back(found->second);
      if (!is_new) continue;
      call.nodes.push_back(node);
      for (std::size_t& input : call.nodes.back().inputs) input = moved[input];
      call.scopes.push_back(path_of(graph.scopes(), node.scope));
    }
    call.output_places.push_back(moved.back());
  }
}

Call call_with(const TracedFunction& function, const std::vector<Tensor>& examples, std::size_t axis,
               std::size_t number) {
  Call call;
  for (const Tensor& example : examples) call.inputs.push_back(batch_of(example, axis, number));
  const KeepValues keep;
  call.outputs = function(call.inputs);
  if (call.outputs.empty()) fail("the function gives nothing");
  for (const Tensor& output : call.outputs)
    if (output.is_empty()) fail("the function gives an empty handle");
  join_graphs(call);
  return call;
}

std::string describe(const GraphNode& node) {
  return (node.operation.empty() ? "a leaf" : std::string(node.operation)) + " of shape " +
         to_string(node.tensor.shape());
}

}  // namespace

std::optional<BatchSize> batch_size(const OfCalls<std::int64_t>& sizes) {
  const std::int64_t more = sizes[1] - sizes[0], samples = batches[1] - batches[0];
  if (more % samples != 0) return {};
  const BatchSize size{more / samples, sizes[0] - more / samples * batches[0]};
  for (std::size_t call = 0; call < calls; ++call)
    if (sizes[call] != size.per_sample * batches[call] + size.fixed) return {};
  return size;
}

Traced trace(const TracedFunction& function, const std::vector<Tensor>& examples, std::int64_t batch_axis) {
  if (examples.empty()) fail("there is no example; give an input of one sample at least");
  for (const Tensor& example : examples) {
    if (example.is_empty()) fail("an example is an empty handle");
    if (batch_axis < 0 || static_cast<std::size_t>(batch_axis) >= example.rank() ||
        example.shape()[static_cast<std::size_t>(batch_axis)] == 0)
      fail("an example of shape " + to_string(example.shape()) + " has no samples along axis " +
           std::to_string(batch_axis) +
           "; give one sample at least, and its axis as SaveOptions::batch_axis");
  }
  std::vector<Call> made;
  for (std::size_t call = 0; call < calls; ++call)
    made.push_back(call_with(function, examples, static_cast<std::size_t>(batch_axis), call));

  Traced traced;
  traced.outputs = made[0].output_places;
  for (std::size_t call = 0; call < calls; ++call) {
    if (made[call].nodes.size() != made[0].nodes.size() || made[call].output_places != traced.outputs)
      fail("the function computes in " + std::to_string(made[0].nodes.size()) + " steps for " +
           std::to_string(batches[0]) + " samples, and in " + std::to_string(made[call].nodes.size()) +
           " for " + std::to_string(batches[call]) + "; a model must do the same for any number of them");
    traced.inputs[call] = made[call].inputs;
  }
  for (std::size_t i = 0; i < made[0].nodes.size(); ++i) {
    const GraphNode& first = made[0].nodes[i];
    TracedNode node{{}, std::string(first.operation), first.inputs, made[0].scopes[i], first.here};
    for (std::size_t call = 0; call < calls; ++call) {
      const GraphNode& other = made[call].nodes[i];
      if (other.operation != first.operation || other.inputs != first.inputs ||
          other.tensor.rank() != first.tensor.rank() || other.tensor.dtype() != first.tensor.dtype())
        fail("the function computes " + describe(first) + " for " + std::to_string(batches[0]) +
             " samples where it computes " + describe(other) + " for " + std::to_string(batches[call]) +
             "; a model must do the same for any number of them");
      node.tensors[call] = other.tensor;
    }
    traced.nodes.push_back(std::move(node));
  }
  return traced;
}

}  // namespace chainrule::onnx
