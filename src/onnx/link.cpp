// Numbers for names: what each name of a graph stands for, which must have been made before it is read, and
// which function computes each node.

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "onnx/graph.h"

namespace chainrule::onnx {
namespace {

constexpr std::int64_t oldest_opset = 7, newest_opset = 28;

/// Operators that mean in older opsets, from one on, what they mean in that one: by the history of ONNX's own
/// schemas.
struct Unchanged {
  std::int64_t since;
  std::string_view names;
};
constexpr Unchanged unchanged[] = {
    {1,
     " ArgMax ArgMin Constant Conv ConvTranspose DepthToSpace Flatten Gather GlobalAveragePool GlobalMaxPool "
     "Hardmax Identity If LRN LogSoftmax Loop LpNormalization MatMul MaxPool Not ReduceL1 ReduceL2 "
     "ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Shape "
     "Size Slice Softmax Softplus Softsign SpaceToDepth Squeeze TopK Transpose Unsqueeze "},
    {2, " GlobalLpPool LpPool Pad Split "},
    {4, " Concat "},
    {5, " Reshape "},
    {6,
     " Abs Cast Ceil Clip Elu Exp Floor HardSigmoid InstanceNormalization LeakyRelu Log Max Mean Min Neg "
     "Reciprocal Relu Selu Sigmoid Sqrt Sum Tanh Tile "},
};

bool means_the_same(std::string_view op, std::int64_t opset) {
  const std::string name = " " + std::string(op) + " ";
  return std::ranges::any_of(unchanged, [&](const Unchanged& group) {
    return group.since <= opset && group.names.find(name) != std::string_view::npos;
  });
}

class Linker {
 public:
  Linker(const std::string& file, const std::vector<Opset>& opsets, Description& from, Linker* around)
      : file_(file), opsets_(opsets), from_(from), around_(around) {}

  Graph link() {
    graph_.name = from_.name;
    for (const DescribedNode& node : from_.nodes)
      for (const std::string& output : node.outputs) made_by_nodes_.insert(output);

    std::unordered_set<std::string> initial;
    for (const Initializer& initializer : from_.initializers) initial.insert(initializer.name);
    for (Port& input : from_.inputs) {
      if (initial.contains(input.name))
        continue;  // before version 4 of the format, these were inputs as well
      graph_.input_slots.push_back(define(input.name, "the inputs"));
      graph_.inputs.push_back(std::move(input));
    }
    for (Initializer& initializer : from_.initializers) {
      const Slot slot = define(initializer.name, "the initializers");
      graph_.initializers.push_back({slot, std::move(initializer)});
    }
    graph_.nodes.reserve(from_.nodes.size());
    for (DescribedNode& node : from_.nodes) graph_.nodes.push_back(linked(node));
    for (Port& output : from_.outputs) {
      const Slot slot = find(output.name);
      if (slot == no_slot) fail("its output '" + output.name + "' is made by no node");
      graph_.output_slots.push_back(slot);
      graph_.outputs.push_back(std::move(output));
    }
    find_last_uses();
    graph_.slots = slots_;
    return std::move(graph_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ModelError(file_ + ": graph '" + from_.name + "': " + what);
  }

  Slot define(const std::string& name, const std::string& where) {
    if (name.empty()) fail("something among " + where + " has no name");
    if (!names_.emplace(name, slots_).second)
      fail("'" + name + "' among " + where + " is made twice; every name must be made once");
    return slots_++;
  }

  /// What a name stands for here, or in the graphs around; no_slot where it stands for nothing yet.
  Slot find(const std::string& name) {
    if (const auto found = names_.find(name); found != names_.end()) return found->second;
    // What a later node makes is not yet there, and hides nothing around.
    if (around_ == nullptr || made_by_nodes_.contains(name)) return no_slot;
    const Slot outside = around_->find(name);
    if (outside == no_slot) return no_slot;
    graph_.captures.push_back({outside, slots_});
    names_.emplace(name, slots_);
    return slots_++;
  }

  std::int64_t opset_of(const std::string& op, const std::string& domain, const std::string& place) const {
    const auto found = std::ranges::find(opsets_, domain, &Opset::domain);
    if (found == opsets_.end())
      throw ModelError(place + "the model imports no opset of the domain '" +
                       (domain.empty() ? "ai.onnx" : domain) + "'");
    const bool is_supported =
        found->version >= oldest_opset ? found->version <= newest_opset : means_the_same(op, found->version);
    if (domain.empty() && !is_supported)
      throw Unsupported(place + "the model is of opset " + std::to_string(found->version) + "; opsets " +
                            std::to_string(oldest_opset) + " to " + std::to_string(newest_opset) +
                            " are supported; convert it with onnx.version_converter",
                        "opset " + std::to_string(found->version));
    return found->version;
  }

  [[noreturn]] void fail_on_input(const std::string& place, const std::string& input) const {
    const char* const why = made_by_nodes_.contains(input)
                                ? "itself or a later node: nodes must stand in the order of computation, and "
                                  "there may be no cycle"
                                : "no node, and is no input or initializer";
    throw ModelError(place + "its input '" + input + "' is made by " + why);
  }

  Node linked(DescribedNode& from) {
    const std::string place = place_of(file_, from.name, from.op);
    Node node;
    const Operator* const op = find_operator(from.op, from.domain, place);
    if (op == nullptr)
      throw ModelError(place + "there is no operator '" + from.op + "'" +
                       (from.domain.empty() ? "" : " of the domain '" + from.domain + "'") +
                       "; onnx::operators() has the names of all");
    node.opset = opset_of(from.op, from.domain, place);
    node.function = op->function;
    node.name = std::move(from.name);
    node.op = std::move(from.op);
    for (const std::string& input : from.inputs) {
      const Slot slot = input.empty() ? no_slot : find(input);
      if (slot == no_slot && !input.empty()) fail_on_input(place, input);
      node.inputs.push_back(slot);
    }
    for (Attribute& attribute : from.attributes) {
      if (std::ranges::count(from.attributes, attribute.name, &Attribute::name) != 1)
        throw ModelError(place + "it has several attributes '" + attribute.name + "'");
      if (attribute.description == nullptr) continue;
      auto inner = std::make_shared<Graph>(Linker(file_, opsets_, *attribute.description, this).link());
      for (const Graph::Capture& capture : inner->captures) node.captured.push_back(capture.outside);
      attribute.value = std::shared_ptr<const Graph>(std::move(inner));
      attribute.description = nullptr;
    }
    node.attributes = std::move(from.attributes);
    for (const std::string& output : from.outputs)
      node.outputs.push_back(output.empty() ? no_slot : define(output, "the results of " + node.op));
    return node;
  }

  void find_last_uses() {
    constexpr std::size_t never = ~std::size_t{0};
    std::vector<std::size_t> last(slots_, never);
    const auto use = [&](const std::vector<Slot>& slots, std::size_t at) {
      for (const Slot slot : slots)
        if (slot != no_slot) last[slot] = at;
    };
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      use(graph_.nodes[i].outputs, i);
      use(graph_.nodes[i].inputs, i);
      use(graph_.nodes[i].captured, i);
    }
    use(graph_.output_slots, never);
    for (Slot slot = 0; slot < slots_; ++slot)
      if (last[slot] != never) graph_.nodes[last[slot]].last_uses.push_back(slot);
  }

  const std::string& file_;
  const std::vector<Opset>& opsets_;
  Description& from_;
  Linker* around_;
  Graph graph_;
  std::size_t slots_ = 0;
  std::unordered_map<std::string, Slot> names_;
  std::unordered_set<std::string> made_by_nodes_;
};

}  // namespace

std::string place_of(const std::string& file, std::string_view node, std::string_view op) {
  std::string place = file.empty() ? "" : file + ": ";
  place += "node";
  if (!node.empty()) place += " '" + std::string(node) + "'";
  return place + " (" + std::string(op) + "): ";
}

std::shared_ptr<const Model::Plan> link(DescribedModel&& model, std::int64_t most_elements) {
  auto plan = std::make_shared<Model::Plan>();
  plan->graph = Linker(model.file, model.opsets, model.graph, nullptr).link();
  plan->file = std::move(model.file);
  plan->most_elements = most_elements;
  plan->metadata = std::move(model.metadata);
  for (const Opset& opset : model.opsets)
    if (opset.domain.empty()) plan->opset = opset.version;
  return plan;
}

}  // namespace chainrule::onnx
