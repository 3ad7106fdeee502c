/// \file
/// Gradients of results as pure functions, derivatives along directions, and what a thread records. For
/// functions of functions see transforms.h; the engine below is in src/autograd.

#pragma once

#include <vector>

#include "chainrule/detail/api.h"
#include "chainrule/tensor.h"

namespace CHAINRULE_API chainrule {

/// The gradients that one call computed, by tensor.
class [[nodiscard]] Gradients {
 public:
  /// dL/d(tensor), of its shape and dtype. GradError for a tensor that was not asked for.
  [[nodiscard]] const Tensor& at(const Tensor& tensor, Here here = Here::now()) const&;
  Tensor at(const Tensor& tensor, Here here = Here::now()) const&& {
    return std::as_const(*this).at(tensor, here);
  }
  /// The gradient with respect to a tensor that was asked for; GradError for another.
  [[nodiscard]] const Tensor& operator[](const Tensor& tensor) const& { return at(tensor); }
  Tensor operator[](const Tensor& tensor) const&& { return std::as_const(*this).at(tensor); }
  /// Was this one asked for?
  [[nodiscard]] bool contains(const Tensor& tensor) const { return find(tensor) != nullptr; }
  /// Of how many tensors there are gradients.
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  friend struct GradientsBuilder;
  struct Entry {
    Tensor tensor, gradient;
  };
  const Entry* find(const Tensor& tensor) const;
  std::vector<Entry> entries_;  // in the order of their nodes' addresses
};

/// What gradients() does.
struct GradientOptions {
  /// dL/d(output) for outputs that are not scalars: of the output's shape.
  Tensor seed = {};
  /// Record the gradient computation itself, so that it can be differentiated again.
  bool create_graph = false;
  /// Also keep the gradients of every node between the output and the leaves.
  bool all_nodes = false;
};

/// The gradients of a scalar with respect to any tensors of its graph, leaves or not. Pure: changes no
/// node, and may run in several threads on graphs that share nodes. A tensor that the output does not
/// depend on has zeros, also where the output depends on no variable at all. GradError when the output is
/// not a scalar and no seed is given, or a tensor needs no gradient.
Gradients gradients(const Tensor& output, std::span<const Tensor> wrt, const GradientOptions& options = {},
                    Here here = Here::now());
Gradients gradients(const Tensor& output, std::initializer_list<Tensor> wrt,
                    const GradientOptions& options = {}, Here here = Here::now());
template <std::same_as<Tensor> T, class... More>
Gradients gradients(const Tensor&, const T&, const More&...) = delete;  // in braces: gradients(L, {x})

/// Directional derivative of `output` when `input` moves along `tangent` (of input's shape): J·tangent,
/// of output's shape, by differentiating the vector-Jacobian product with respect to its vector.
Tensor jvp(const Tensor& output, const Tensor& input, const Tensor& tangent, Here here = Here::now());

// The modes that follow are each thread's own: they change nothing for others, and a new thread begins
// without.

/// Until it goes out of scope, operations of this thread record nothing.
class [[nodiscard]] NoGrad {
 public:
  /// Records nothing; or again everything, with false.
  [[nodiscard]] explicit NoGrad(bool off = true);
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};
/// What the function gives, without a record of it.
template <class Function>
auto no_grad(Function&& function) {
  const NoGrad guard;
  return std::forward<Function>(function)();
}

/// Until it goes out of scope, graphs built in this thread keep every value and record every operation,
/// also where no gradient flows: for drawing and stepping through.
class [[nodiscard]] KeepValues {
 public:
  [[nodiscard]] KeepValues();
  ~KeepValues();
  KeepValues(const KeepValues&) = delete;
  KeepValues& operator=(const KeepValues&) = delete;

 private:
  bool before_;
};

}  // namespace chainrule
