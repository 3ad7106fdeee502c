// From protobuf's messages to plain structs: the only file that includes ONNX's generated headers, which are
// slow to compile. Checks what a message is made of; what it means is for others to check.

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/logging.h>
#include <onnx/onnx_pb.h>

#include <mutex>

#include "onnx/graph.h"

namespace chainrule::onnx {
namespace {

/// protobuf writes its complaints to stderr unless told: the error says all.
class Silence {
 public:
  Silence() {
    static std::once_flag once;
    std::call_once(once, [] { google::protobuf::SetLogHandler(nullptr); });
  }
};

[[noreturn]] void fail(const std::string& file, const std::string& what) {
  throw ModelError(file + ": " + what);
}

template <class Message>
Message parse_bytes(std::string_view bytes, const std::string& file, const char* kind) {
  const Silence silence;
  if (bytes.size() > std::size_t{INT32_MAX})
    fail(file, "it is larger than the 2 GiB that a model in one file can have");
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                            static_cast<int>(bytes.size()));
  Message message;
  if (!message.ParseFromCodedStream(&in) || !in.ConsumedEntireMessage())
    fail(file, std::string("it is not ") + kind + ", or it is damaged or cut short");
  return message;
}

template <class T, class Repeated>
std::vector<T> list(const Repeated& from) {
  return std::vector<T>(from.begin(), from.end());
}

RawTensor raw_tensor(const ::onnx::TensorProto& from) {
  RawTensor raw;
  raw.name = from.name();
  raw.type = static_cast<ElementType>(from.data_type());
  raw.sizes = list<std::int64_t>(from.dims());
  raw.is_external = from.data_location() == ::onnx::TensorProto::EXTERNAL || from.external_data_size() != 0;
  raw.is_segment = from.has_segment();
  raw.has_raw = from.has_raw_data();
  raw.raw = from.raw_data();
  raw.floats = list<float>(from.float_data());
  raw.doubles = list<double>(from.double_data());
  raw.int32s = list<std::int32_t>(from.int32_data());
  raw.int64s = list<std::int64_t>(from.int64_data());
  raw.uint64s = list<std::uint64_t>(from.uint64_data());
  return raw;
}

class Reader {
 public:
  Reader(const std::string& file, std::int64_t most_elements) : file_(file), most_elements_(most_elements) {}

  /// Graphs in graphs: protobuf reads at most 100 messages deep, and so no more than 33 graphs.
  Description graph(const ::onnx::GraphProto& from) const {
    Description graph;
    graph.name = from.name();
    if (from.sparse_initializer_size() != 0)
      throw Unsupported(
          file_ + ": graph '" + graph.name + "' has sparse tensors, which are not for this engine",
          "sparse tensors");
    for (const auto& input : from.input()) graph.inputs.push_back(port(input));
    for (const auto& output : from.output()) graph.outputs.push_back(port(output));
    for (const auto& initial : from.initializer())
      graph.initializers.push_back(
          {initial.name(),
           decode(raw_tensor(initial), file_ + ": initializer '" + initial.name() + "'", most_elements_)});
    for (const auto& node : from.node()) graph.nodes.push_back(described(node));
    return graph;
  }

 private:
  Port port(const ::onnx::ValueInfoProto& from) const {
    Port port;
    port.name = from.name();
    const ::onnx::TypeProto& type = from.type();
    switch (type.value_case()) {
      case ::onnx::TypeProto::kTensorType: break;
      case ::onnx::TypeProto::VALUE_NOT_SET: return port;  // allowed inside of graphs, where it is inferred
      case ::onnx::TypeProto::kSequenceType: refuse(port, "a sequence", "sequences");
      case ::onnx::TypeProto::kOptionalType: refuse(port, "an optional", "optionals");
      case ::onnx::TypeProto::kMapType: refuse(port, "a map", "maps");
      default: refuse(port, "a sparse tensor", "sparse tensors");
    }
    const auto element = static_cast<ElementType>(type.tensor_type().elem_type());
    port.type = to_string(element);
    if (element != ElementType::undefined && !dtype_of(element))
      throw Unsupported(
          file_ + ": '" + port.name + "': its element type, " + port.type + ", is not for this engine",
          reason_against(element));
    if (type.tensor_type().has_shape()) {
      port.sizes.emplace();
      for (const auto& axis : type.tensor_type().shape().dim()) {
        if (axis.value_case() == ::onnx::TensorShapeProto::Dimension::kDimValue)
          port.sizes->emplace_back(axis.dim_value());
        else
          port.sizes->emplace_back();
      }
    }
    return port;
  }
  [[noreturn]] void refuse(const Port& port, const std::string& what, const std::string& reason) const {
    throw Unsupported(file_ + ": '" + port.name + "' is " + what + ", which is not for this engine", reason);
  }

  DescribedNode described(const ::onnx::NodeProto& from) const {
    DescribedNode node{from.name(),
                       from.op_type(),
                       from.domain() == "ai.onnx" ? "" : from.domain(),
                       list<std::string>(from.input()),
                       list<std::string>(from.output()),
                       {}};
    const std::string place = place_of(file_, node.name, node.op);
    for (const auto& attribute : from.attribute()) node.attributes.push_back(described(attribute, place));
    return node;
  }

  Attribute described(const ::onnx::AttributeProto& from, const std::string& place) const {
    Attribute attribute;
    attribute.name = from.name();
    if (from.has_ref_attr_name())
      throw ModelError(place + "attribute '" + from.name() +
                       "' refers to one of a function that there is not");
    switch (from.type()) {
      case ::onnx::AttributeProto::FLOAT: attribute.value = static_cast<double>(from.f()); break;
      case ::onnx::AttributeProto::INT: attribute.value = std::int64_t{from.i()}; break;
      case ::onnx::AttributeProto::STRING: attribute.value = from.s(); break;
      case ::onnx::AttributeProto::FLOATS: attribute.value = list<double>(from.floats()); break;
      case ::onnx::AttributeProto::INTS: attribute.value = list<std::int64_t>(from.ints()); break;
      case ::onnx::AttributeProto::STRINGS: attribute.value = list<std::string>(from.strings()); break;
      case ::onnx::AttributeProto::TENSOR:
        attribute.value =
            decode(raw_tensor(from.t()), place + "attribute '" + from.name() + "'", most_elements_);
        break;
      case ::onnx::AttributeProto::GRAPH:
        attribute.description = std::make_shared<Description>(graph(from.g()));
        break;
      default: break;  // an operator that asks for it says that it is of the wrong type
    }
    return attribute;
  }

  const std::string& file_;
  std::int64_t most_elements_;
};

}  // namespace

DescribedModel read_model(std::string_view bytes, const std::string& file, std::int64_t most_elements) {
  const auto message = parse_bytes<::onnx::ModelProto>(bytes, file, "an ONNX model");
  // Any bytes of fields that a model has not are a model without a graph, for protobuf.
  if (!message.has_graph())
    fail(file, "it has no graph: it is not an ONNX model, or it is damaged or cut short");
  DescribedModel model;
  model.file = file;
  for (const auto& opset : message.opset_import())
    model.opsets.push_back({opset.domain() == "ai.onnx" ? "" : opset.domain(), opset.version()});
  if (!message.producer_name().empty()) model.metadata.emplace("producer", message.producer_name());
  for (const auto& entry : message.metadata_props())
    model.metadata.insert_or_assign(entry.key(), entry.value());
  if (message.functions_size() != 0)
    throw Unsupported(file + ": it has functions of its own, as '" + message.functions(0).name() +
                          "'; write them out with onnx.inliner.inline_local_functions",
                      "functions of a model");
  model.graph = Reader(file, most_elements).graph(message.graph());
  return model;
}

Value read_tensor(std::string_view bytes, const std::string& file, std::int64_t most_elements) {
  const auto message = parse_bytes<::onnx::TensorProto>(bytes, file, "a tensor as ONNX writes it");
  return decode(raw_tensor(message), file + ": tensor '" + message.name() + "'", most_elements);
}

}  // namespace chainrule::onnx
