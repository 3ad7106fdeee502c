// How the inputs of an operation become those of its node. What a temporary refers to is taken over rather
// than counted once more, so that its value goes as early as it can.

#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "graph/node.h"

namespace chainrule {

/// An input on its way into an operation.
class Argument {
 public:
  Argument(const Tensor& tensor) : tensor_(&tensor) {}  // NOLINT(google-explicit-constructor)
  /// Cast if need be; a number becomes a constant. A temporary is taken over, not counted once more.
  Argument(const Operand& operand, DType dtype) : tensor_(operand.tensor()) {
    if (tensor_ != nullptr && tensor_->node()->dtype() == dtype) {
      movable_ = operand.is_movable();
    } else {
      own_ = operand.as(dtype);
      tensor_ = &own_;
      movable_ = true;
    }
  }
  /// Of the right dtype.
  Argument(const Tensor& tensor, bool movable) : tensor_(&tensor), movable_(movable) {}
  Argument(const Argument&) = delete;
  Argument& operator=(const Argument&) = delete;
  const Tensor& operator*() const { return *tensor_; }
  const Tensor* operator->() const { return tensor_; }

  /// Is it the only handle of any kind?
  bool is_last() const { return movable_ && tensor_->node()->is_unique(); }

  /// The input of a node: it counts as a reference to the value only if the derivative reads it. `later` are
  /// the arguments still to enter: what one of them refers to as well, as in std::move(y) * y, stays for
  /// that.
  [[gnu::always_inline]] Tensor enter(bool reads,
                                      std::span<const Argument* const> later = {}) const noexcept {
    if (movable_ && !is_among(later)) {
      Tensor moved = std::move(const_cast<Tensor&>(*tensor_));
      if (!reads) moved.node()->keep_without_value();
      return moved;
    }
    tensor_->node()->acquire(reads ? Node::handle : Node::node_reference);
    return TensorAccess::adopt(tensor_->node());
  }
  /// Where no node is made, a temporary goes all the same, so that nobody thinks that its value is wanted.
  void drop(std::span<const Argument* const> later) const noexcept {
    if (movable_ && !is_among(later)) const Tensor gone = std::move(const_cast<Tensor&>(*tensor_));
  }

 private:
  bool is_among(std::span<const Argument* const> others) const {
    return std::ranges::any_of(others, [this](const Argument* other) { return other->tensor_ == tensor_; });
  }
  Tensor own_;
  const Tensor* tensor_;
  bool movable_ = false;
};

/// Arguments as inputs of a node.
template <std::size_t N, std::size_t... I>
[[gnu::always_inline]] inline std::array<Tensor, N> enter_all(const std::array<const Argument*, N>& in,
                                                              Reads reads,
                                                              std::index_sequence<I...>) noexcept {
  return {in[I]->enter((reads & reads_input(I)) != 0, std::span(in).template subspan<I + 1>())...};
}
/// The same, once for all operations.
template <std::size_t N>
[[gnu::noinline]] std::array<Tensor, N> entered(const std::array<const Argument*, N>& in,
                                                Reads reads) noexcept {
  return enter_all(in, reads, std::make_index_sequence<N>());
}

/// As Argument::drop, of all.
void drop_all(std::span<const Argument* const> in);

}  // namespace chainrule
