/// \file
/// What modules are made of: parameters, which are learned, and buffers, which are kept beside them. A layer
/// holds them as members; an optimiser assigns to a parameter, and graphs that were made before keep the old
/// leaf.

#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "chainrule/detail/api.h"
#include "chainrule/named_tensors.h"
#include "chainrule/tensor.h"

namespace CHAINRULE_API chainrule {

/// A named slot that holds the current leaf of something that is learned. Copies share the slot.
///
/// Nodes never change, so learning puts a new leaf into the slot: graphs built before keep the old one, and
/// the new one has no gradient yet. Gradients of several backward() calls add up until then.
///
/// Wherever a tensor is wanted, a parameter stands for its current leaf: `square(W)`, `x * W`, `gradients(L,
/// {W})`. `Tensor w = W` is that leaf for good, so write it inside the training loop, if at all.
class Parameter {
 public:
  /// Starts with a leaf of this value (not copied). DTypeError unless floating.
  Parameter(const Tensor& value, std::string name);

  /// A slot that holds this very tensor, variable or computed: what a transform calls a module with in place
  /// of its parameters, and returns gradients in.
  [[nodiscard]] static Parameter holding(Tensor tensor, std::string name);

  /// The current leaf. When nothing else holds it at the next step, neither a graph nor a handle, it is
  /// updated in place; otherwise the step copies its value.
  [[nodiscard]] const Tensor& leaf() const& { return slot_->leaf; }
  Tensor leaf() && { return slot_->leaf; }
  /// The current leaf.
  operator const Tensor&() const& { return leaf(); }  // NOLINT(google-explicit-constructor)
  /// The current leaf.
  operator Tensor() && { return slot_->leaf; }  // NOLINT(google-explicit-constructor)
  /// Of the current leaf.
  [[nodiscard]] Shape shape() const { return leaf().shape(); }
  /// Of the current leaf.
  [[nodiscard]] DType dtype() const { return leaf().dtype(); }
  /// What drawings, errors and states call it.
  [[nodiscard]] const std::string& name() const& { return slot_->name; }
  std::string name() && { return slot_->name; }
  /// The same for all copies, which share the slot.
  [[nodiscard]] const void* slot() const { return slot_.get(); }
  /// What backward() has accumulated in the current leaf: of its shape, zeros where nothing has reached it.
  Tensor grad() const { return leaf().grad(); }
  /// Forgets what backward() has accumulated.
  void zero_grad() const { leaf().zero_grad(); }
  /// Puts a new leaf of this value into the slot, for everyone who shares it. ShapeError or DTypeError when
  /// the value is not of the current leaf's shape and dtype.
  void assign(const Tensor& value) const;
  /// Gives the slot and its leaf another name, for everyone who shares it. See name_parameters().
  void rename(std::string name) const;
  /// A parameter of its own with this one's name and present value: a copy of the handle would share the
  /// slot.
  [[nodiscard]] Parameter clone() const { return {leaf(), name()}; }

 private:
  struct Slot {
    Tensor leaf;
    std::string name;
  };
  explicit Parameter(std::shared_ptr<Slot> slot) : slot_(std::move(slot)) {}
  std::shared_ptr<Slot> slot_;
};

/// A slot for a tensor that belongs to a module and is not learned, as a running mean. Copies share the slot.
/// Transforms do not differentiate it. (A member that is a plain Tensor is differentiated by them, and is a
/// constant to everyone else.)
class Buffer {
 public:
  /// Holds the value, cut off from its history. One that is not persistent is in no state_dict().
  explicit Buffer(const Tensor& value, bool persistent = true);

  /// The present value.
  [[nodiscard]] const Tensor& value() const& { return slot_->value; }
  Tensor value() && { return slot_->value; }
  /// Is it part of a state_dict()?
  [[nodiscard]] bool is_persistent() const { return slot_->persistent; }
  /// The same for all copies, which share the slot.
  [[nodiscard]] const void* slot() const { return slot_.get(); }
  /// Puts another value into the slot, for everyone who shares it. ShapeError or DTypeError when it is not of
  /// the present one's shape and dtype.
  void assign(const Tensor& value) const;

 private:
  struct Slot {
    Tensor value;
    bool persistent;
  };
  std::shared_ptr<Slot> slot_;
};

/// Parameters by name, in an order.
using NamedParameters = std::vector<std::pair<std::string, Parameter>>;
/// Buffers by name, in an order.
using NamedBuffers = std::vector<std::pair<std::string, Buffer>>;

}  // namespace chainrule
