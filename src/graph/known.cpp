// Looks for an operation among those that tangents were made of, a few steps back, and the values that have
// them. Two operations are the same if their inputs are the same nodes, or constants with the same elements,
// as numbers in rules are.

#include "graph/known.h"

#include <algorithm>
#include <cstring>

#include "graph/traced.h"
#include "kernels/repeated.h"

namespace chainrule {

constinit thread_local const KnownTangents* KnownTangents::newest_ = nullptr;

namespace {

/// Steps from a tangent to what a rule makes it of: a sum of products of slopes, which are products in turn.
constexpr int most_steps = 4;
/// Nodes that are looked at, of those of many inputs.
constexpr int most_nodes = 256;

bool are_same_elements(const Array& a, const Array& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  if (!a.is_deferred() && !b.is_deferred())
    return a.byte_count() == 0 || std::memcmp(a.raw(), b.raw(), a.byte_count()) == 0;
  const auto of_a = kernels::repeated_part(a), of_b = kernels::repeated_part(b);
  return of_a && of_b && are_same_elements(*of_a, *of_b);
}

/// Is it the same to everybody? What stands for others under a transform is not: it has a tangent, or
/// samples.
bool is_constant(const Node& node) {
  return node.is_leaf() && !node.requires_grad() && node.has_value() && node.value().traced() == nullptr;
}

bool is_same(const Tensor& a, const Tensor& b) {
  const Node &x = *a.node(), &y = *b.node();
  return &x == &y || (is_constant(x) && is_constant(y) && are_same_elements(x.value(), y.value()));
}

class Search {
 public:
  Search(const std::type_info& type, std::span<const Tensor* const> inputs,
         FunctionRef<bool(const Node&)> has_same_parameters)
      : type_(type), inputs_(inputs), has_same_parameters_(has_same_parameters) {}

  /// Among all tangents of a result, at any level, and its value, but not what that was made of.
  const Node* in_result(const Tensor& result) const {
    const Traced* const of = traced(result);
    if (of == nullptr) return matches(*result.node()) ? result.node() : nullptr;
    const Node* const found = in_result(of->inner);
    return found != nullptr ? found : in(of->tangent);
  }

 private:
  const Node* in(const Tensor& tensor) const {
    if (tensor.is_empty()) return nullptr;
    if (const Node* const found = behind(*tensor.node(), most_steps)) return found;
    const Traced* const of = traced(tensor);
    if (of == nullptr) return nullptr;
    const Node* const found = in(of->inner);
    return found != nullptr ? found : in(of->tangent);
  }
  const Node* behind(const Node& node, int steps) const {
    if (matches(node)) return &node;
    if (steps == 0 || ++seen_ > most_nodes) return nullptr;
    for (const Tensor& input : node.inputs())
      if (const Node* const found = behind(*input.node(), steps - 1)) return found;
    return nullptr;
  }
  bool matches(const Node& node) const {
    return typeid(node) == type_ && node.requires_grad() && node.has_value() &&
           std::ranges::equal(node.inputs(), inputs_,
                              [](const Tensor& a, const Tensor* b) { return is_same(a, *b); }) &&
           (!has_same_parameters_ || has_same_parameters_(node));
  }

  const std::type_info& type_;
  std::span<const Tensor* const> inputs_;
  FunctionRef<bool(const Node&)> has_same_parameters_;
  mutable int seen_ = 0;
};

}  // namespace

Node* KnownTangents::find(const std::type_info& node, std::span<const Tensor* const> inputs,
                          FunctionRef<bool(const Node&)> has_same_parameters) {
  if (newest_ == nullptr || recording_mode.off || recording_mode.keep_values ||  // which wants all nodes
      std::ranges::none_of(inputs, [](const Tensor* each) { return each->node()->requires_grad(); }))
    return nullptr;
  const Search search(node, inputs, has_same_parameters);
  for (const KnownTangents* each = newest_; each != nullptr; each = each->before_)
    if (const Node* const found = search.in_result(each->result_)) return const_cast<Node*>(found);
  return nullptr;
}

}  // namespace chainrule
