// Walks a traced function and writes the description of a model: names, constants, sizes that depend on the
// batch.

#include "onnx/exporter.h"

#include <algorithm>
#include <cmath>

#include "chainrule/functions.h"
#include "chainrule/ops.h"
#include "io/elements.h"

namespace chainrule::onnx {
namespace {

/// The same dtype, shape and elements?
bool equal(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape()) return false;
  return bytes_of(a) == bytes_of(b);
}

template <class F>
bool in_all_calls(const F& holds) {
  for (std::size_t call = 0; call < calls; ++call)
    if (!holds(call)) return false;
  return true;
}

std::optional<BatchSizes> sizes_of(const OfCalls<Shape>& shapes) {
  BatchSizes sizes;
  for (std::size_t axis = 0; axis < shapes[0].rank(); ++axis) {
    OfCalls<std::int64_t> along{};
    for (std::size_t call = 0; call < calls; ++call) along[call] = shapes[call][axis];
    const auto size = batch_size(along);
    if (!size) return {};
    sizes.push_back(*size);
  }
  return sizes;
}

std::optional<BatchSizes> sizes_of(const OfCalls<Tensor>& tensors) {
  OfCalls<Shape> shapes;
  for (std::size_t call = 0; call < calls; ++call) shapes[call] = tensors[call].shape();
  return sizes_of(shapes);
}

bool are_fixed(const BatchSizes& sizes) { return std::ranges::all_of(sizes, &BatchSize::is_fixed); }

std::string place_in_program(const TracedNode& node) {
  std::string file = node.here.file;
  file = file.substr(file.rfind('/') + 1);
  return node.operation + (node.scope.empty() ? "" : " in '" + node.scope + "'") +
         (file.empty() ? "" : " at " + file + ":" + std::to_string(node.here.line));
}

std::vector<std::string> names_of(const std::vector<std::string>& given, std::size_t count,
                                  const std::string& otherwise) {
  if (given.size() == count) return given;
  if (!given.empty())
    throw std::invalid_argument("onnx::save: " + std::to_string(given.size()) + " names are given for " +
                                std::to_string(count) + (otherwise == "x" ? " inputs" : " outputs") +
                                "; give one for each, or none");
  if (count == 1) return {otherwise};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(otherwise + std::to_string(i));
  return names;
}

}  // namespace

Exporter::Exporter(const Traced& traced, const NamedTensors& state, const SaveOptions& options)
    : traced_(traced), options_(options) {
  model_.opset = options.opset;
  model_.metadata = options.metadata;
  model_.graph.name = "chainrule";
  for (const auto& [name, tensor] : state) state_names_.try_emplace(tensor.node(), name);
}

std::string Exporter::unused(const std::string& wanted) {
  const std::size_t times = used_[wanted]++;
  return times == 0 ? wanted : unused(wanted + "_" + std::to_string(times));
}

std::string Exporter::constant(const Tensor& value, const std::string& called) {
  if (is_floating(value.dtype()) && called == unnamed)  // no initializer, which whoever reads it would train
    return add("Constant", {}, {{"value", Value(value.detach(), natural_type(value.dtype()))}}, "");
  std::string name = unused(called);
  model_.graph.initializers.push_back({name, Value(value.detach(), natural_type(value.dtype()))});
  return name;
}

std::string Exporter::add(const std::string& op, std::vector<std::string> inputs,
                          std::vector<Attribute> attributes, const std::string& place) {
  std::string name = op;
  std::ranges::transform(name, name.begin(), [](char c) { return 'A' <= c && c <= 'Z' ? c - 'A' + 'a' : c; });
  name = unused(place.empty() ? name : place + "/" + name);
  model_.graph.nodes.push_back({.name = name,
                                .op = op,
                                .domain = "",
                                .inputs = std::move(inputs),
                                .outputs = {name},
                                .attributes = std::move(attributes)});
  return name;
}

std::string Exporter::samples() {
  if (samples_.empty()) {
    const std::string shape = add("Shape", {model_.graph.inputs[0].name}, {}, "batch");
    samples_ = add("Gather", {shape, constant(tensor({options_.batch_axis}), "batch_axis")}, {}, "batch");
  }
  return samples_;
}

std::string Exporter::integers(const BatchSizes& sizes) {
  std::vector<std::int64_t> factors, fixed;
  for (const BatchSize& size : sizes) {
    factors.push_back(size.per_sample);
    fixed.push_back(size.fixed);
  }
  if (are_fixed(sizes)) return constant(tensor(fixed), "sizes");
  std::string product = add("Mul", {samples(), constant(tensor(factors), "sizes")}, {}, "batch");
  if (std::ranges::all_of(fixed, [](std::int64_t each) { return each == 0; })) return product;
  return add("Add", {product, constant(tensor(fixed), "sizes")}, {}, "batch");
}

/// One number for all elements, which may depend on the batch, as may the shape.
std::string Exporter::repeated_number(const OfCalls<Tensor>& values) {
  OfCalls<double> numbers{};
  for (std::size_t call = 0; call < calls; ++call) {
    const std::vector<double> elements = values[call].to_vector<double>();
    if (elements.empty() || std::ranges::any_of(elements, [&](double each) { return each != elements[0]; }))
      return "";
    numbers[call] = elements[0];
  }
  const auto shape = sizes_of(values);
  if (!shape) return "";
  const DType dtype = values[0].dtype();
  if (in_all_calls([&](std::size_t call) { return numbers[call] == numbers[0]; })) {
    const Tensor number = cast(tensor({numbers[0]}), dtype);
    return add("ConstantOfShape", {integers(*shape)}, {{"value", Value(number, natural_type(dtype))}},
               "batch");
  }
  OfCalls<std::int64_t> whole{};
  for (std::size_t call = 0; call < calls; ++call) {
    if (std::abs(numbers[call]) > 1e15 || numbers[call] != std::floor(numbers[call])) return "";
    whole[call] = static_cast<std::int64_t>(numbers[call]);
  }
  const auto size = batch_size(whole);
  if (!size) return "";
  const auto type = static_cast<std::int64_t>(natural_type(dtype));
  const std::string number = add("Cast", {integers({*size})}, {attribute("to", type)}, "batch");
  return add(shape->empty() ? "Reshape" : "Expand", {number, integers(*shape)}, {}, "batch");
}

std::string Exporter::leaf(const OfCalls<Tensor>& values) {
  const bool is_same_node =
      in_all_calls([&](std::size_t call) { return values[call].node() == values[0].node(); });
  if (const auto found = state_names_.find(values[0].node()); is_same_node && found != state_names_.end()) {
    std::string name = found->second;
    if (used_[name]++ == 0)
      model_.graph.initializers.push_back({name, Value(values[0].detach(), natural_type(values[0].dtype()))});
    return name;
  }
  for (std::size_t i = 0; i < model_.graph.inputs.size(); ++i)
    if (in_all_calls([&](std::size_t call) { return values[call].node() == traced_.inputs[call][i].node(); }))
      return model_.graph.inputs[i].name;
  if (in_all_calls([&](std::size_t call) { return equal(values[call], values[0]); })) {
    const std::string name = values[0].name();
    std::string written = constant(values[0], name.empty() ? unnamed : name);
    if (is_same_node) {
      state_names_.emplace(values[0].node(), written);
      ++used_[written];
    }
    return written;
  }
  // A copy of an input, as positions that were checked, or of what was computed, but is to be a constant.
  const auto shape = sizes_of(values);
  for (std::size_t i = 0; i < model_.graph.inputs.size(); ++i) {
    const auto is_copy = [&](std::size_t call) {
      const Tensor& input = traced_.inputs[call][i];
      return input.size() == values[call].size() && equal(reshape(input, values[call].shape()), values[call]);
    };
    if (!shape || !in_all_calls(is_copy)) continue;
    const std::string& name = model_.graph.inputs[i].name;
    return values[0].shape() == traced_.inputs[0][i].shape()
               ? name
               : add("Reshape", {name, integers(*shape)}, {}, "");
  }
  for (std::size_t i = 0; i < names_.size(); ++i)
    if (!names_[i].empty() && in_all_calls([&](std::size_t call) {
          return values[call].size() > 1 && equal(values[call], traced_.nodes[i].tensors[call]);
        }))
      return names_[i];
  if (std::string number = repeated_number(values); !number.empty()) return number;
  // The same for each sample.
  if (shape && std::ranges::count_if(*shape, [](const BatchSize& size) { return !size.is_fixed(); }) == 1) {
    const auto axis = static_cast<std::size_t>(
        std::ranges::find_if(*shape, [](const BatchSize& size) { return !size.is_fixed(); }) -
        shape->begin());
    std::vector<Index> where(axis + 1, Slice{});
    where[axis] = Slice{0, 1};
    const Tensor one = index(values[0], where).detach();
    if (in_all_calls(
            [&](std::size_t call) { return equal(values[call], broadcast_to(one, values[call].shape())); }))
      return add("Expand", {constant(one), integers(*shape)}, {}, "");
  }
  return "";
}

WrittenModel Exporter::run() {
  const auto port = [&](const std::string& name, const OfCalls<Tensor>& tensors) {
    Port result{.name = name, .type = to_string(natural_type(tensors[0].dtype())), .sizes = {}};
    result.sizes.emplace();
    model_.axis_names.emplace_back();
    for (std::size_t axis = 0; axis < tensors[0].rank(); ++axis) {
      OfCalls<std::int64_t> along{};
      for (std::size_t call = 0; call < calls; ++call) along[call] = tensors[call].shape()[axis];
      const auto size = batch_size(along);
      result.sizes->push_back(size && size->is_fixed() ? std::optional(size->fixed) : std::nullopt);
      model_.axis_names.back().push_back(size == BatchSize{1, 0} ? "batch" : "");
    }
    ++used_[name];
    return result;
  };
  const auto of_calls = [&](std::size_t i) {
    OfCalls<Tensor> tensors;
    for (std::size_t call = 0; call < calls; ++call) tensors[call] = traced_.inputs[call][i];
    return tensors;
  };
  const std::vector<std::string> input_names = names_of(options_.inputs, traced_.inputs[0].size(), "x");
  const std::vector<std::string> output_names = names_of(options_.outputs, traced_.outputs.size(), "y");
  for (std::size_t i = 0; i < input_names.size(); ++i)
    model_.graph.inputs.push_back(port(input_names[i], of_calls(i)));
  for (std::size_t i = 0; i < output_names.size(); ++i)
    model_.graph.outputs.push_back(port(output_names[i], traced_.nodes[traced_.outputs[i]].tensors));

  const auto name_of = [&](std::size_t at, const TracedNode& user) {
    std::string& name = names_[at];
    if (name.empty()) name = leaf(traced_.nodes[at].tensors);
    if (name.empty())
      throw Unsupported("onnx::save: " + place_in_program(user) + ": a constant of shape " +
                            to_string(traced_.nodes[at].tensors[0].shape()) +
                            " is not the same in every call: it is random, or was computed from the input "
                            "outside of the graph; call eval() on what has dropout, and compute with tensors",
                        "constants that depend on the input");
    return name;
  };
  for (const TracedNode& node : traced_.nodes) {
    names_.emplace_back();
    if (node.operation.empty()) continue;
    const StepWriter write = find_writer(node.operation);
    if (write == nullptr)
      throw Unsupported("onnx::save: " + place_in_program(node) +
                            ": ONNX has no operator for it that onnx::save knows; write it with others",
                        "an operation without an operator");
    std::vector<const TracedNode*> inputs;
    std::vector<std::string> names;
    for (const std::size_t input : node.inputs) {
      inputs.push_back(&traced_.nodes[input]);
      names.push_back(name_of(input, node));
    }
    Step step(*this, node, std::move(inputs), std::move(names));
    names_.back() = write(step);
  }
  for (std::size_t i = 0; i < output_names.size(); ++i) {
    const std::size_t at = traced_.outputs[i];
    model_.graph.nodes.push_back({.name = "output_" + output_names[i],
                                  .op = "Identity",
                                  .domain = "",
                                  .inputs = {name_of(at, traced_.nodes[at])},
                                  .outputs = {output_names[i]},
                                  .attributes = {}});
  }
  return std::move(model_);
}

BatchSizes Step::shape_of(const TracedNode& node) const {
  const auto sizes = sizes_of(node.tensors);
  if (!sizes)
    fail("the shape " + to_string(node.tensors[0].shape()) + " is not a multiple of the number of samples");
  return *sizes;
}

BatchSize Step::size(std::string_view name) const {
  const auto size = batch_size(attributes<std::int64_t>(name));
  if (!size) depends_on_batch(name);
  return *size;
}

BatchSizes Step::sizes(std::string_view name) const {
  const auto lists = attributes<std::vector<std::int64_t>>(name);
  OfCalls<Shape> shapes;
  for (std::size_t call = 0; call < calls; ++call) {
    if (lists[call].size() != lists[0].size()) depends_on_batch(name);
    shapes[call] = Shape(lists[call]);
  }
  const auto sizes = sizes_of(shapes);
  if (!sizes) depends_on_batch(name);
  return *sizes;
}

std::string Step::number(double value) { return constant(cast(tensor(value), dtype())); }

std::string Step::fixed_integers(const std::vector<std::int64_t>& values) {
  BatchSizes sizes;
  for (const std::int64_t value : values) sizes.push_back({0, value});
  return integers(sizes);
}

std::string Step::reshaped(const std::string& value, const BatchSizes& shape) {
  BatchSizes wanted = shape;
  const auto open = [](const BatchSize& size) { return !size.is_fixed(); };
  const bool has_zero = std::ranges::find(shape, BatchSize{}) != shape.end();
  if (!has_zero && std::ranges::count_if(wanted, open) == 1)
    *std::ranges::find_if(wanted, open) = {0, -1};  // no need to compute it
  return make("Reshape", {value, integers(wanted)});
}

std::string Step::permuted(const std::string& value, const std::vector<std::int64_t>& order) {
  return make("Transpose", {value}, {onnx::attribute("perm", order)});
}

void Step::fail(const std::string& what) const {
  throw Unsupported("onnx::save: " + place_in_program(node_) + ": " + what, "an operation of this kind");
}

void Step::depends_on_batch(std::string_view what) const {
  fail("its '" + std::string(what) +
       "' depends on the number or the values of the samples, and ONNX's operator " +
       "takes it as a constant");
}

}  // namespace chainrule::onnx
