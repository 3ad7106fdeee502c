// The public face of a model: reading a file, checking what it is called with, and its parameters, which
// stand in for the floating initializers.

#include <algorithm>
#include <cstdint>

#include "chainrule/memory.h"
#include "io/file.h"
#include "onnx/graph.h"

namespace chainrule::onnx {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream in = open_to_read(path, std::ios::binary);
  std::string content;
  std::vector<char> block(1 << 20);
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() > 0) {
    content.append(block.data(), static_cast<std::size_t>(in.gcount()));
    // What protobuf takes at most. Devices as /dev/zero never end.
    if (content.size() > std::size_t{INT32_MAX}) fail_on(path, "it has more than 2 GB, which no model has");
  }
  if (in.bad()) fail_on(path, "it cannot be read");
  return content;
}

/// The input as a value of the type that the model declares.
Value checked(const Port& port, const Tensor& given, const std::string& file) {
  const auto fail = [&](const std::string& what) {
    throw ModelError(file + ": input '" + port.name + "': " + what);
  };
  if (given.is_empty()) fail("an empty handle was given");
  const Tensor tensor = cast(given, computed_in(given.dtype()));
  if (port.sizes) {
    bool fits = port.sizes->size() == tensor.rank();
    for (std::size_t axis = 0; fits && axis < tensor.rank(); ++axis)
      fits = !(*port.sizes)[axis] || *(*port.sizes)[axis] == tensor.shape()[axis];
    if (!fits) {
      std::string wanted;
      for (const auto& size : *port.sizes)
        wanted += (wanted.empty() ? "" : ", ") + (size ? std::to_string(*size) : "any");
      fail("the model takes (" + wanted + "), and was given " + to_string(tensor.shape()));
    }
  }
  if (port.type.empty() || port.type == "undefined") return tensor;
  const ElementType type = element_type_named(port.type);
  const DType wanted = *dtype_of(type);
  if (is_floating(wanted) && is_floating(tensor.dtype()))
    return {tensor, tensor.dtype() == wanted ? type : natural_type(tensor.dtype())};
  if (tensor.dtype() != wanted)
    fail("the model takes " + port.type + ", which is " + std::string(to_string(wanted)) +
         " here, and was given " + std::string(to_string(tensor.dtype())));
  if (const auto format = integer_format(type); format && !same(wrapped(tensor, *format), tensor))
    fail("an element does not fit " + port.type);
  return {tensor, type};
}

NamedParameters parameters_of(const Graph& graph) {
  NamedParameters parameters;
  for (const Graph::Initial& initial : graph.initializers)
    if (is_floating(initial.initializer.value.tensor.dtype()))
      parameters.emplace_back(initial.initializer.name,
                              Parameter(initial.initializer.value.tensor, initial.initializer.name));
  return parameters;
}

}  // namespace

Model::Model(std::shared_ptr<const Plan> plan)
    : plan_(std::move(plan)), parameters_(parameters_of(plan_->graph)) {}

const std::vector<Port>& Model::inputs() const& { return plan_->graph.inputs; }
const std::vector<Port>& Model::outputs() const& { return plan_->graph.outputs; }

const std::map<std::string, std::string>& Model::metadata() const& { return plan_->metadata; }
const std::string& Model::file() const& { return plan_->file; }
std::int64_t Model::opset() const { return plan_->opset; }

std::map<std::string, std::size_t> Model::operator_counts() const {
  std::map<std::string, std::size_t> counts;
  for (const Node& node : plan_->graph.nodes) ++counts[node.op];
  return counts;
}

std::vector<Parameter> Model::parameters() const {
  std::vector<Parameter> all;
  for (const auto& [name, parameter] : parameters_) all.push_back(parameter);
  return all;
}

const Parameter& Model::parameter(std::string_view name) const& {
  const auto found = std::ranges::find(parameters_, name, &NamedParameters::value_type::first);
  if (found != parameters_.end()) return found->second;
  std::string names;
  for (const auto& [each, parameter] : parameters_) names += (names.empty() ? "" : ", ") + each;
  throw std::invalid_argument(plan_->file + ": there is no parameter '" + std::string(name) + "'" +
                              (names.empty() ? "" : "; there are " + names));
}

Model Model::clone() const {
  Model copy = *this;
  for (auto& [name, parameter] : copy.parameters_) parameter = parameter.clone();
  return copy;
}

std::vector<Tensor> Model::operator()(std::span<const Tensor> inputs) const {
  const std::vector<Port>& ports = plan_->graph.inputs;
  if (inputs.size() != ports.size())
    throw ModelError(plan_->file + ": the model takes " + std::to_string(ports.size()) +
                     " inputs, and was given " + std::to_string(inputs.size()));
  Values values;
  for (std::size_t i = 0; i < inputs.size(); ++i) values.push_back(checked(ports[i], inputs[i], plan_->file));
  constexpr std::int64_t most = std::int64_t{1} << 59;
  const TensorLimit limit(sizeof(double) * static_cast<std::size_t>(std::min(plan_->most_elements, most)));
  std::vector<Tensor> results;
  for (Value& output : evaluate(plan_->graph, *plan_, std::move(values), {}, parameters()))
    results.push_back(std::move(output.tensor));
  return results;
}

std::map<std::string, Tensor> Model::operator()(const std::map<std::string, Tensor>& inputs) const {
  std::vector<Tensor> in_order;
  for (const Port& port : plan_->graph.inputs) {
    const auto found = inputs.find(port.name);
    if (found == inputs.end()) throw ModelError(plan_->file + ": no input '" + port.name + "' was given");
    in_order.push_back(found->second);
  }
  for (const auto& [name, tensor] : inputs)
    if (std::ranges::find(plan_->graph.inputs, name, &Port::name) == plan_->graph.inputs.end())
      throw ModelError(plan_->file + ": the model has no input '" + name + "'");
  const std::vector<Tensor> results = (*this)(in_order);
  std::map<std::string, Tensor> by_name;
  for (std::size_t i = 0; i < results.size(); ++i) by_name.emplace(plan_->graph.outputs[i].name, results[i]);
  return by_name;
}

Model load(const std::string& path, const LoadOptions& options) {
  return parse(read_file(path), path, options);
}

Model parse(std::string_view bytes, const std::string& name, const LoadOptions& options) {
  return Model(link(read_model(bytes, name, options.most_elements), options.most_elements));
}

Tensor load_tensor(const std::string& path, const LoadOptions& options) {
  return read_tensor(read_file(path), path, options.most_elements).tensor;
}

}  // namespace chainrule::onnx
