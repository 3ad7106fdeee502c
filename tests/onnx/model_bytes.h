// Models of ONNX as bytes, written field by field, so that they can be wrong in any way. Numbers of fields
// are those of onnx.proto; see https://protobuf.dev/programming-guides/encoding.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chainrule::test {

class Message {
 public:
  Message& number(int field, std::int64_t value) {
    return varint(static_cast<std::uint64_t>(field) << 3).varint(static_cast<std::uint64_t>(value));
  }
  Message& text(int field, std::string_view bytes) {
    varint(static_cast<std::uint64_t>(field) << 3 | 2).varint(bytes.size());
    bytes_ += bytes;
    return *this;
  }
  Message& single(int field, float value);
  Message& message(int field, const Message& inner) { return text(field, inner.bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  Message& varint(std::uint64_t value);
  std::string bytes_;
};

namespace onnx_bytes {

// Numbers of element types.
inline constexpr std::int64_t float32 = 1, int32 = 6, int64 = 7, string = 8, boolean = 9;

/// A TensorProto with raw data.
Message tensor(std::string_view name, std::int64_t type, const std::vector<std::int64_t>& sizes,
               std::string_view raw);
Message floats(std::string_view name, const std::vector<std::int64_t>& sizes,
               const std::vector<float>& elements);
Message int64s(std::string_view name, const std::vector<std::int64_t>& elements);

Message integer(std::string_view name, std::int64_t value);                      ///< an attribute
Message integers(std::string_view name, const std::vector<std::int64_t>& list);  ///< an attribute
Message text(std::string_view name, std::string_view value);                     ///< an attribute
Message graph_attribute(std::string_view name, const Message& graph);

/// A NodeProto called after its first output.
Message node(std::string_view op, const std::vector<std::string>& inputs,
             const std::vector<std::string>& outputs, const std::vector<Message>& attributes = {});
/// A ValueInfoProto; a size of -1 may be any.
Message port(std::string_view name, std::int64_t type, const std::vector<std::int64_t>& sizes);

struct Parts {
  std::vector<Message> nodes, inputs, outputs, initializers = {};
};
Message graph(const Parts& parts);
/// A ModelProto of version 8 of the format.
std::string model(const Message& graph, std::int64_t opset = 17);
std::string model(const Parts& parts, std::int64_t opset = 17);

}  // namespace onnx_bytes
}  // namespace chainrule::test
