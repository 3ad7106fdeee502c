// From plain structs to protobuf's messages, the reverse of read.cpp.
// One of the few files that see protobuf.

#include <onnx/onnx_pb.h>

#include <cstring>

#include "io/elements.h"
#include "onnx/exporter.h"

namespace chainrule::onnx {
namespace {

void write(const Value& value, ::onnx::TensorProto& to) {
  const Tensor& tensor = value.tensor;
  to.set_data_type(static_cast<std::int32_t>(value.type));
  for (const std::int64_t size : tensor.shape()) to.add_dims(size);
  to.set_raw_data(std::string(bytes_of(tensor)));
}

void write(const Attribute& attribute, ::onnx::AttributeProto& to) {
  to.set_name(attribute.name);
  if (const auto* number = std::get_if<double>(&attribute.value)) {
    to.set_type(::onnx::AttributeProto::FLOAT);
    to.set_f(static_cast<float>(*number));
  } else if (const auto* whole = std::get_if<std::int64_t>(&attribute.value)) {
    to.set_type(::onnx::AttributeProto::INT);
    to.set_i(*whole);
  } else if (const auto* text = std::get_if<std::string>(&attribute.value)) {
    to.set_type(::onnx::AttributeProto::STRING);
    to.set_s(*text);
  } else if (const auto* tensor = std::get_if<Value>(&attribute.value)) {
    to.set_type(::onnx::AttributeProto::TENSOR);
    write(*tensor, *to.mutable_t());
  } else {
    to.set_type(::onnx::AttributeProto::INTS);
    for (const std::int64_t each : std::get<std::vector<std::int64_t>>(attribute.value)) to.add_ints(each);
  }
}

void write(const Port& port, const std::vector<std::string>& axis_names, ::onnx::ValueInfoProto& to) {
  to.set_name(port.name);
  auto& type = *to.mutable_type()->mutable_tensor_type();
  type.set_elem_type(static_cast<std::int32_t>(element_type_named(port.type)));
  auto& shape = *type.mutable_shape();
  for (std::size_t axis = 0; axis < port.sizes->size(); ++axis) {
    auto& size = *shape.add_dim();
    if ((*port.sizes)[axis])
      size.set_dim_value(*(*port.sizes)[axis]);
    else if (!axis_names[axis].empty())
      size.set_dim_param(axis_names[axis]);
  }
}

}  // namespace

std::string write_model(const WrittenModel& model) {
  ::onnx::ModelProto message;
  message.set_ir_version(model.opset < 15 ? 7 : 8);
  message.set_producer_name("chainrule");
  auto& opset = *message.add_opset_import();
  opset.set_domain("");
  opset.set_version(model.opset);
  for (const auto& [key, value] : model.metadata) {
    auto& entry = *message.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  auto& graph = *message.mutable_graph();
  graph.set_name(model.graph.name);
  std::size_t port = 0;
  for (const Port& input : model.graph.inputs) write(input, model.axis_names[port++], *graph.add_input());
  for (const Port& output : model.graph.outputs) write(output, model.axis_names[port++], *graph.add_output());
  for (const Initializer& initial : model.graph.initializers) {
    auto& tensor = *graph.add_initializer();
    tensor.set_name(initial.name);
    write(initial.value, tensor);
  }
  for (const DescribedNode& node : model.graph.nodes) {
    auto& to = *graph.add_node();
    to.set_name(node.name);
    to.set_op_type(node.op);
    for (const std::string& input : node.inputs) to.add_input(input);
    for (const std::string& output : node.outputs) to.add_output(output);
    for (const Attribute& attribute : node.attributes) write(attribute, *to.add_attribute());
  }
  std::string bytes;
  if (!message.SerializeToString(&bytes))
    throw std::invalid_argument("onnx::save: the model is larger than the 2 GiB that one file can have");
  return bytes;
}

}  // namespace chainrule::onnx
