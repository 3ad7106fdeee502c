// What a file says, in plain structs: first with the names that it has (Description), then with a number for
// each value instead of a name (Graph), which is what runs. Only read.cpp knows protobuf.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "chainrule/onnx.h"
#include "onnx/element_type.h"

namespace chainrule::onnx {

/// A tensor, and the type that it has in the file.
struct Value {
  Tensor tensor;
  ElementType type = ElementType::undefined;

  Value() = default;
  /// Of the type of the operator's first input if that has the same dtype, else of that which the dtype has.
  Value(Tensor of) : tensor(std::move(of)) {}  // NOLINT
  Value(Tensor of, ElementType as) : tensor(std::move(of)), type(as) {}
};
using Values = std::vector<Value>;

/// A tensor's bytes as they are in the file. The lists are those of TensorProto.
struct RawTensor {
  std::string name;
  ElementType type = ElementType::undefined;
  std::vector<std::int64_t> sizes;
  bool is_external = false, has_raw = false, is_segment = false;
  std::string raw;
  std::vector<float> floats;
  std::vector<double> doubles;
  std::vector<std::int32_t> int32s;
  std::vector<std::int64_t> int64s;
  std::vector<std::uint64_t> uint64s;
};

/// The tensor itself. ModelError, which begins with `place`, unless the bytes are exactly those that its
/// sizes ask for; Unsupported for types that are not for this engine. Nothing is allocated before that is
/// known.
Value decode(RawTensor&& raw, const std::string& place, std::int64_t most_elements);

struct Description;
struct Graph;

struct Attribute {
  std::string name;
  /// A float, an integer, text, a tensor, lists of these, or a graph; nothing for what is not supported.
  std::variant<std::monostate, double, std::int64_t, std::string, Value, std::vector<double>,
               std::vector<std::int64_t>, std::vector<std::string>, std::shared_ptr<const Graph>>
      value;
  std::shared_ptr<Description> description = {};  ///< of a graph, until it is linked
};

struct DescribedNode {
  std::string name, op, domain;
  std::vector<std::string> inputs, outputs;  ///< "" for one that is left out
  std::vector<Attribute> attributes;
};
struct Initializer {
  std::string name;
  Value value;
};
struct Description {
  std::string name;
  std::vector<Port> inputs, outputs;
  std::vector<Initializer> initializers;
  std::vector<DescribedNode> nodes;
};
struct Opset {
  std::string domain;
  std::int64_t version = 0;
};
struct DescribedModel {
  std::string file;  ///< for messages
  std::vector<Opset> opsets;
  std::map<std::string, std::string> metadata = {};
  Description graph;
};

class Call;
struct Operator {
  std::string_view name;
  Values (*function)(const Call&);
  std::string_view domain = "";
};

/// A value of a graph by its number. A graph's values are its inputs, what it takes from the graph around it,
/// its initializers, and what its nodes give.
using Slot = std::size_t;
inline constexpr Slot no_slot = ~Slot{0};

struct Node {
  std::string name, op;
  std::int64_t opset = 0;
  Values (*function)(const Call&) = nullptr;
  std::vector<Slot> inputs, outputs;  ///< no_slot for one that is left out
  std::vector<Slot> last_uses;        ///< what no later node reads
  std::vector<Attribute> attributes;
  /// What the graphs among the attributes take from around them is read by this node, too.
  std::vector<Slot> captured;
};

struct Graph {
  struct Capture {
    Slot outside, inside;
  };
  struct Initial {
    Slot slot;
    Initializer initializer;
  };
  std::string name;
  std::vector<Port> inputs, outputs;
  std::vector<Slot> input_slots, output_slots;
  std::vector<Capture> captures;
  std::vector<Initial> initializers;
  std::vector<Node> nodes;
  std::size_t slots = 0;
};

struct Model::Plan {
  std::string file;
  Graph graph;
  std::int64_t most_elements = 0;
  std::int64_t opset = 0;  ///< of ONNX's own operators
  std::map<std::string, std::string> metadata = {};
};

/// Bytes of a ModelProto. ModelError where they are none.
DescribedModel read_model(std::string_view bytes, const std::string& file, std::int64_t most_elements);
/// Bytes of a TensorProto.
Value read_tensor(std::string_view bytes, const std::string& file, std::int64_t most_elements);

/// Numbers for names, and functions for operators. ModelError for names that nothing stands for, or several
/// things do, for nodes that are not in the order of computation, and operators that there are not.
std::shared_ptr<const Model::Plan> link(DescribedModel&& model, std::int64_t most_elements);

/// By name and domain ("" is ONNX's own). Throws Unsupported for those that ONNX has, but this engine has
/// not, and gives nothing for those that ONNX has not.
const Operator* find_operator(std::string_view name, std::string_view domain, const std::string& place);

/// Computes a graph. `captured` are the values of the graph's captures, in their order. `parameters`, one for
/// each floating initializer, take the place of these.
Values evaluate(const Graph& graph, const Model::Plan& plan, Values inputs, Values captured,
                const std::vector<Parameter>& parameters);

/// "model.onnx: node 'conv1' (Conv): "
std::string place_of(const std::string& file, std::string_view node, std::string_view op);

}  // namespace chainrule::onnx
