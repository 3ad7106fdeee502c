// From a traced function to the description of a model. What one operation becomes is a function of a Step:
// see export_operators.cpp.

#pragma once

#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "onnx/graph.h"
#include "onnx/trace.h"

namespace chainrule::onnx {

/// A description, with what axes are called whose size is not known, "" for nothing.
struct WrittenModel {
  Description graph;
  std::vector<std::vector<std::string>> axis_names;  ///< of the inputs, then of the outputs
  std::int64_t opset = 0;
  std::map<std::string, std::string> metadata;
};

class Exporter {
 public:
  static constexpr const char* unnamed = "constant";
  Exporter(const Traced& traced, const NamedTensors& state, const SaveOptions& options);
  WrittenModel run();

  std::int64_t opset() const { return options_.opset; }
  /// The name of a value of its own for a constant; a parameter if it has a name.
  std::string constant(const Tensor& value, const std::string& called = unnamed);
  /// The name of whole numbers, one axis of them.
  std::string integers(const BatchSizes& sizes);
  /// Adds a node, and gives the name of its result.
  std::string add(const std::string& op, std::vector<std::string> inputs, std::vector<Attribute> attributes,
                  const std::string& place);
  /// A value that was not computed, from what it was in each call: an input, a constant, or nothing that can
  /// be written, which is "".
  std::string leaf(const OfCalls<Tensor>& values);

 private:
  std::string samples();
  std::string unused(const std::string& wanted);
  std::string repeated_number(const OfCalls<Tensor>& values);

  const Traced& traced_;
  const SaveOptions& options_;
  WrittenModel model_;
  std::unordered_map<const chainrule::Node*, std::string> state_names_;
  std::map<std::string, std::size_t> used_;
  std::vector<std::string> names_;  // of the traced nodes so far
  std::string samples_;
};

/// One recorded operation, on its way to ONNX.
class Step {
 public:
  Step(Exporter& exporter, const TracedNode& node, std::vector<const TracedNode*> inputs,
       std::vector<std::string> input_names)
      : exporter_(exporter), node_(node), inputs_(std::move(inputs)), input_names_(std::move(input_names)) {}

  const std::string& operation() const { return node_.operation; }
  std::size_t inputs() const { return inputs_.size(); }
  const std::string& in(std::size_t i) const { return input_names_[i]; }
  const std::vector<std::string>& all_in() const { return input_names_; }
  DType dtype() const { return node_.tensors[0].dtype(); }
  std::size_t rank() const { return node_.tensors[0].rank(); }
  std::size_t in_rank(std::size_t i) const { return inputs_[i]->tensors[0].rank(); }
  BatchSizes shape() const { return shape_of(node_); }
  BatchSizes in_shape(std::size_t i) const { return shape_of(*inputs_[i]); }
  std::int64_t opset() const { return exporter_.opset(); }

  /// A parameter that is the same for all batches.
  template <class T>
  T attribute(std::string_view name) const {
    const OfCalls<T> all = attributes<T>(name);
    for (const T& other : all)
      if (!(other == all[0])) depends_on_batch(name);
    return all[0];
  }
  BatchSize size(std::string_view name) const;
  BatchSizes sizes(std::string_view name) const;
  OfCalls<Tensor> tensors(std::string_view name) const { return attributes<Tensor>(name); }
  OfCalls<std::vector<std::int64_t>> lists(std::string_view name) const {
    return attributes<std::vector<std::int64_t>>(name);
  }

  std::string make(const std::string& op, std::vector<std::string> inputs,
                   std::vector<Attribute> attributes = {}) {
    return exporter_.add(op, std::move(inputs), std::move(attributes), node_.scope);
  }
  std::string constant(const Tensor& value) { return exporter_.constant(value); }
  /// A number of the result's dtype.
  std::string number(double value);
  std::string integers(const BatchSizes& values) { return exporter_.integers(values); }
  std::string fixed_integers(const std::vector<std::int64_t>& values);
  std::string reshaped(const std::string& value, const BatchSizes& shape);
  std::string permuted(const std::string& value, const std::vector<std::int64_t>& order);
  std::string leaf(const OfCalls<Tensor>& values) { return exporter_.leaf(values); }

  /// Unsupported, which names the operation, its scope and its line.
  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void depends_on_batch(std::string_view what) const;

 private:
  BatchSizes shape_of(const TracedNode& node) const;
  template <class T>
  OfCalls<T> attributes(std::string_view name) const {
    OfCalls<T> all;
    for (std::size_t call = 0; call < calls; ++call) {
      const Attributes list = node_.tensors[call].node()->attributes();
      const auto found = std::find_if(list.begin(), list.end(), [&](const auto& each) {
        return each.first == name && std::holds_alternative<T>(each.second);
      });
      if (found == list.end()) fail("it does not say its '" + std::string(name) + "'");
      all[call] = std::get<T>(found->second);
    }
    return all;
  }

  Exporter& exporter_;
  const TracedNode& node_;
  std::vector<const TracedNode*> inputs_;
  std::vector<std::string> input_names_;
};

/// What writes an operation: gives the name of its result.
using StepWriter = std::string (*)(Step&);
/// By the operation's name; null where ONNX has nothing for it.
StepWriter find_writer(std::string_view operation);

/// Bytes of a ModelProto.
std::string write_model(const WrittenModel& model);

inline Attribute attribute(const char* name, std::int64_t value) { return {name, value}; }
inline Attribute attribute(const char* name, double value) { return {name, value}; }
inline Attribute attribute(const char* name, std::vector<std::int64_t> value) {
  return {name, std::move(value)};
}

}  // namespace chainrule::onnx
