// Graphs inside of graphs: choosing one, and repeating one. Each step's operations are recorded like any
// other, so that gradients flow through the loops that were made.

#include "chainrule/indexing.h"
#include "chainrule/shaping.h"
#include "onnx/call.h"
#include "onnx/operators.h"

namespace chainrule::onnx {
namespace {

/// A loop is cut off here: it would keep every step's values for the derivative.
constexpr std::int64_t most_steps = std::int64_t{1} << 24;

Values choose(const Call& call) {
  if (call[0].size() != 1) Call::fail("its condition must be one truth value");
  const Graph &yes = call.graph("then_branch"), &no = call.graph("else_branch");
  return call.run(call[0].item<bool>() ? yes : no, {});
}

/// Results of all steps along a new axis; an error where there has been no step, as their shape is not known.
Tensor stacked(const std::vector<Tensor>& steps, std::int64_t axis = 0) {
  if (steps.empty()) Call::fail("it made no step, so that the shape of what it collects is not known");
  return stack(steps, axis);
}

/// While the condition that the body gives holds, and for at most so many steps. The body takes the number of
/// the step, the condition and the states, and gives the condition, the states, and what is collected.
Values loop(const Call& call) {
  const Graph& body = call.graph("body");
  // Who allows small arrays only has little patience, too.
  const std::int64_t most = std::min(most_steps, call.most_elements());
  const std::int64_t steps = call.has(0) ? call.whole(0) : std::numeric_limits<std::int64_t>::max();
  bool goes_on = !call.has(1) || call[1].item<bool>();
  Values states;
  for (std::size_t i = 2; i < call.inputs(); ++i) states.push_back(call.value(i));
  const std::size_t count = states.size();
  if (body.outputs.size() < count + 1) Call::fail("its body does not give a condition and its states");
  std::vector<std::vector<Tensor>> collected(body.outputs.size() - count - 1);
  std::vector<ElementType> types(collected.size());
  for (std::int64_t step = 0; step < steps && goes_on; ++step) {
    if (step == most) Call::fail("it has made " + std::to_string(most) + " steps, and still goes on");
    Values inputs = {Value(tensor(step), ElementType::int64), Value(tensor(true), ElementType::boolean)};
    inputs.insert(inputs.end(), states.begin(), states.end());
    Values results = call.run(body, std::move(inputs));
    if (results[0].tensor.size() != 1) Call::fail("its condition must be one truth value");
    goes_on = results[0].tensor.item<bool>();
    for (std::size_t i = 0; i < count; ++i) states[i] = results[i + 1];
    for (std::size_t i = 0; i < collected.size(); ++i) {
      collected[i].push_back(results[count + 1 + i].tensor);
      // Before it is too much, not after the last step.
      const std::int64_t sizes[] = {step + 1, collected[i].back().size()};
      call.require_size(sizes);
      types[i] = results[count + 1 + i].type;
    }
  }
  for (std::size_t i = 0; i < collected.size(); ++i) states.emplace_back(stacked(collected[i]), types[i]);
  return states;
}

/// Over the positions along an axis of each of the last inputs; the first ones are states. The body takes
/// states and slices, and gives states and what is collected. In opset 8 there is an axis of batches in front
/// of all.
Values scan(const Call& call) {
  const Graph& body = call.graph("body");
  const auto scanned = static_cast<std::size_t>(call.integer("num_scan_inputs", 0));
  const bool batched = call.opset() == 8;
  const std::size_t first = batched ? 1 : 0;
  if (batched && call.has(0)) Call::refuse("sequences of different lengths are of opset 8 alone", "opset 8");
  if (scanned < 1 || scanned > call.inputs() || first + scanned > call.inputs())
    Call::fail("its attribute 'num_scan_inputs' does not fit its inputs");
  const std::size_t count = call.inputs() - first - scanned;
  if (body.outputs.size() < count) Call::fail("its body does not give its states");
  const std::size_t results = body.outputs.size() - count;
  const auto list = [&](const char* name, std::size_t size) {
    auto given = call.integers(name).value_or(std::vector<std::int64_t>(size, 0));
    if (given.size() != size)
      Call::fail("its attribute '" + std::string(name) + "' is not of " + std::to_string(size) + " numbers");
    return given;
  };
  const auto input_axes = list("scan_input_axes", scanned),
             input_directions = list(batched ? "directions" : "scan_input_directions", scanned);
  const auto output_axes = list("scan_output_axes", results),
             output_directions = list("scan_output_directions", results);

  if (batched && call[first].rank() == 0) Call::fail("its inputs have no axis of batches");
  const std::int64_t batches = batched ? call[first].shape()[0] : 1;
  std::vector<std::vector<Tensor>> of_batches(count + results);
  std::vector<ElementType> types(count + results);
  for (std::int64_t batch = 0; batch < batches; ++batch) {
    const auto input = [&](std::size_t i) {
      const Value& value = call.value(first + i);
      return batched ? Value(select(value.tensor, 0, batch), value.type) : value;
    };
    Values states, sources;
    for (std::size_t i = 0; i < count; ++i) states.push_back(input(i));
    for (std::size_t i = 0; i < scanned; ++i) sources.push_back(input(count + i));
    const auto axis = [&](std::size_t i) { return Call::axis(input_axes[i], sources[i].tensor.rank()); };
    const std::int64_t steps = sources[0].tensor.shape()[static_cast<std::size_t>(axis(0))];
    std::vector<std::vector<Tensor>> collected(results);
    for (std::int64_t step = 0; step < steps; ++step) {
      Values inputs = states;
      for (std::size_t i = 0; i < scanned; ++i)
        inputs.emplace_back(
            select(sources[i].tensor, axis(i), input_directions[i] == 0 ? step : steps - 1 - step),
            sources[i].type);
      Values given = call.run(body, std::move(inputs));
      for (std::size_t i = 0; i < count; ++i) states[i] = given[i];
      for (std::size_t i = 0; i < results; ++i) {
        types[count + i] = given[count + i].type;
        auto& list_of_steps = collected[i];
        list_of_steps.insert(output_directions[i] == 0 ? list_of_steps.end() : list_of_steps.begin(),
                             given[count + i].tensor);
      }
    }
    for (std::size_t i = 0; i < count; ++i) {
      of_batches[i].push_back(states[i].tensor);
      types[i] = states[i].type;
    }
    for (std::size_t i = 0; i < results; ++i)
      of_batches[count + i].push_back(stacked(collected[i], output_axes[i]));
  }
  Values values;
  for (std::size_t i = 0; i < of_batches.size(); ++i)
    values.emplace_back(batched ? stacked(of_batches[i]) : of_batches[i][0], types[i]);
  return values;
}

constexpr Operator table[] = {{"If", choose}, {"Loop", loop}, {"Scan", scan}};

}  // namespace

std::span<const Operator> control_operators() { return table; }

}  // namespace chainrule::onnx
