// What a function computes, found out by calling it with batches of several sizes: what differs between the
// calls depends on the batch, and is written as a multiple of its size plus a constant.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "chainrule/onnx.h"
#include "graph/node.h"

namespace chainrule::onnx {

/// per_sample · N + fixed, for N samples.
struct BatchSize {
  std::int64_t per_sample = 0, fixed = 0;
  bool is_fixed() const { return per_sample == 0; }
  bool operator==(const BatchSize&) const = default;
};
using BatchSizes = std::vector<BatchSize>;

/// How often the function is called, and with how many samples. Numbers that layers seldom have as sizes.
inline constexpr std::array<std::int64_t, 3> batches = {5, 7, 11};
inline constexpr std::size_t calls = batches.size();
template <class T>
using OfCalls = std::array<T, calls>;

/// The multiple and the constant, if one of each explains all calls.
std::optional<BatchSize> batch_size(const OfCalls<std::int64_t>& sizes);

/// One node as it was in each of the calls.
struct TracedNode {
  OfCalls<Tensor> tensors;
  std::string operation;            ///< empty for what was not computed
  std::vector<std::size_t> inputs;  ///< places in Traced::nodes
  std::string scope;                ///< "encoder.0"
  Here here;
};
struct Traced {
  std::vector<TracedNode> nodes;  ///< inputs before what uses them
  OfCalls<std::vector<Tensor>> inputs;
  std::vector<std::size_t> outputs;  ///< places in nodes
};

using TracedFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

/// std::invalid_argument where the calls do not compute the same.
Traced trace(const TracedFunction& function, const std::vector<Tensor>& examples, std::int64_t batch_axis);

}  // namespace chainrule::onnx
