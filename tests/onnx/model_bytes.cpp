// Protobuf's encoding of the messages that a model consists of, as far as tests write them.
// See https://protobuf.dev/programming-guides/encoding.

#include "onnx/model_bytes.h"

#include <cstring>

namespace chainrule::test {

Message& Message::varint(std::uint64_t value) {
  for (; value >= 128; value >>= 7) bytes_ += static_cast<char>(value | 128);
  bytes_ += static_cast<char>(value);
  return *this;
}

Message& Message::single(int field, float value) {
  varint(static_cast<std::uint64_t>(field) << 3 | 5);
  char bytes[4];
  std::memcpy(bytes, &value, 4);
  bytes_.append(bytes, 4);
  return *this;
}

namespace onnx_bytes {
namespace {

template <class T>
std::string_view raw_bytes(const std::vector<T>& elements) {
  return {reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(T)};
}

}  // namespace

Message tensor(std::string_view name, std::int64_t type, const std::vector<std::int64_t>& sizes,
               std::string_view raw) {
  Message result;
  for (const std::int64_t size : sizes) result.number(1, size);
  return result.number(2, type).text(8, name).text(9, raw);
}
Message floats(std::string_view name, const std::vector<std::int64_t>& sizes,
               const std::vector<float>& elements) {
  return tensor(name, float32, sizes, raw_bytes(elements));
}
Message int64s(std::string_view name, const std::vector<std::int64_t>& elements) {
  return tensor(name, int64, {static_cast<std::int64_t>(elements.size())}, raw_bytes(elements));
}

Message integer(std::string_view name, std::int64_t value) {
  return Message().text(1, name).number(3, value).number(20, 2);
}
Message integers(std::string_view name, const std::vector<std::int64_t>& list) {
  Message result = Message().text(1, name).number(20, 7);
  for (const std::int64_t number : list) result.number(8, number);
  return result;
}
Message text(std::string_view name, std::string_view value) {
  return Message().text(1, name).text(4, value).number(20, 3);
}
Message graph_attribute(std::string_view name, const Message& graph) {
  return Message().text(1, name).message(6, graph).number(20, 5);
}

Message node(std::string_view op, const std::vector<std::string>& inputs,
             const std::vector<std::string>& outputs, const std::vector<Message>& attributes) {
  Message result;
  for (const std::string& input : inputs) result.text(1, input);
  for (const std::string& output : outputs) result.text(2, output);
  result.text(3, "node_" + (outputs.empty() ? std::string() : outputs[0])).text(4, op);
  for (const Message& attribute : attributes) result.message(5, attribute);
  return result;
}

Message port(std::string_view name, std::int64_t type, const std::vector<std::int64_t>& sizes) {
  Message shape;
  for (const std::int64_t size : sizes)
    shape.message(1, size < 0 ? Message().text(2, "any") : Message().number(1, size));
  return Message().text(1, name).message(2,
                                         Message().message(1, Message().number(1, type).message(2, shape)));
}

Message graph(const Parts& parts) {
  Message result;
  for (const Message& node : parts.nodes) result.message(1, node);
  result.text(2, "graph");
  for (const Message& initializer : parts.initializers) result.message(5, initializer);
  for (const Message& input : parts.inputs) result.message(11, input);
  for (const Message& output : parts.outputs) result.message(12, output);
  return result;
}

std::string model(const Message& graph, std::int64_t opset) {
  return Message().number(1, 8).message(7, graph).message(8, Message().text(1, "").number(2, opset)).bytes();
}
std::string model(const Parts& parts, std::int64_t opset) { return model(graph(parts), opset); }

}  // namespace onnx_bytes
}  // namespace chainrule::test
