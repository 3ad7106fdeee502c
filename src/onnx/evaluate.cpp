// Runs a graph, node by node in the order of the file; what no later node reads is let go at once. Only
// graphs inside of graphs recurse, which protobuf lets be 33 deep at most.

#include "chainrule/autograd.h"
#include "onnx/call.h"

namespace chainrule::onnx {
namespace {

/// The type that an operator's function has not said, and what follows from it for whole numbers.
void complete(Value& value, const std::vector<const Value*>& inputs) {
  const DType dtype = value.tensor.dtype();
  if (value.type == ElementType::undefined) {
    const Value* const first = inputs.empty() ? nullptr : inputs[0];
    value.type = first != nullptr && first->tensor.dtype() == dtype ? first->type : natural_type(dtype);
  }
  const std::optional<IntegerFormat> format = integer_format(value.type);
  if (!format || dtype != DType::int64) return;
  value.tensor = wrapped(value.tensor, *format);
  if (value.type != ElementType::uint64) return;
  for (const std::int64_t number : value.tensor.data<std::int64_t>())
    if (number < 0) Call::fail("an element of its result is beyond int64, which carries uint64 here");
}

}  // namespace

Values evaluate(const Graph& graph, const Model::Plan& plan, Values inputs, Values captured,
                const std::vector<Parameter>& parameters) {
  Values values(graph.slots);
  for (std::size_t i = 0; i < inputs.size(); ++i) values[graph.input_slots[i]] = std::move(inputs[i]);
  for (std::size_t i = 0; i < captured.size(); ++i) values[graph.captures[i].inside] = std::move(captured[i]);
  auto parameter = parameters.begin();
  for (const Graph::Initial& initial : graph.initializers) {
    values[initial.slot] = initial.initializer.value;
    if (parameter != parameters.end() && is_floating(initial.initializer.value.tensor.dtype()))
      values[initial.slot].tensor = (parameter++)->leaf();
  }

  const Call::Run run = [&](const Graph& inner, Values given) {
    if (given.size() != inner.input_slots.size())
      throw ModelError("its graph '" + inner.name + "' takes " + std::to_string(inner.input_slots.size()) +
                       " inputs, not " + std::to_string(given.size()));
    Values around;
    for (const Graph::Capture& capture : inner.captures) around.push_back(values[capture.outside]);
    return evaluate(inner, plan, std::move(given), std::move(around), {});
  };
  for (const Node& node : graph.nodes) {
    std::vector<const Value*> in;
    in.reserve(node.inputs.size());
    for (const Slot slot : node.inputs) in.push_back(slot == no_slot ? nullptr : &values[slot]);
    const auto fail = [&](const std::string& what) {
      throw ModelError(place_of(plan.file, node.name, node.op) + what);
    };
    Values results;
    try {
      const Call call(node, in, plan.most_elements, run);
      results = node.function(call);
      call.require_all_read();
    } catch (const Unsupported& error) {
      throw Unsupported(place_of(plan.file, node.name, node.op) + error.what(), error.reason());
    } catch (const MemoryError& error) {  // what it makes on the way is too large
      fail(error.what());
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      fail(std::string(without_place(error)));
    }
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == no_slot) continue;
      if (i >= results.size() || results[i].tensor.is_empty())
        fail("it has no result " + std::to_string(i) + ", counted from 0");
      try {
        complete(results[i], in);
      } catch (const ModelError& error) {
        fail(error.what());
      }
      if (results[i].tensor.size() > plan.most_elements)
        fail("its result of shape " + to_string(results[i].tensor.shape()) +
             " has more elements than LoadOptions allow, " + std::to_string(plan.most_elements));
      values[node.outputs[i]] = std::move(results[i]);
    }
    for (const Slot slot : node.last_uses) values[slot] = {};
  }

  Values outputs;
  for (const Slot slot : graph.output_slots) outputs.push_back(values[slot]);
  return outputs;
}

}  // namespace chainrule::onnx
