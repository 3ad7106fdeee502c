// Where cotangents meet: a node that is used several times has the sum of what its users send. The engine has
// one for each node of a traversal, by its position there.

#pragma once

#include <array>
#include <vector>

#include "array/inline_vector.h"
#include "graph/cotangent.h"
#include "graph/traversal.h"

namespace chainrule {

/// sum + more, in place where nobody else knows the sum. Should memory run out, the sum stays where it was.
/// What is only stored is summed up in the dtype in which operations compute.
Tensor add_up(Tensor&& sum, const Tensor& more);

/// A sum in the dtype of its node.
Cotangent rounded(Cotangent sum, DType dtype);

/// The cotangents that have arrived so far at each node. Unless they are to be differentiated again, those of
/// scalars are kept as bare numbers, without a node.
class CotangentAccumulator {
 public:
  CotangentAccumulator(const Traversal& order, bool as_nodes)
      : order_(order), left_(order.size()), as_nodes_(as_nodes) {
    sums_.resize(left_);
    kinds_.assign_zeros(left_);
  }
  ~CotangentAccumulator() {
    while (left_ > 0) (void)take_sum(left_ - 1);
  }
  CotangentAccumulator(const CotangentAccumulator&) = delete;
  CotangentAccumulator& operator=(const CotangentAccumulator&) = delete;

  /// Room for what one node sends to that many inputs: nothing yet, and nothing again once it is added.
  std::span<Cotangent> shares(std::size_t inputs) {
    if (inputs <= few_.size()) return std::span(few_).first(inputs);
    if (many_.size() < inputs) many_ = std::vector<Cotangent>(inputs);
    return std::span(many_).first(inputs);
  }
  bool any(const Node& node) const { return kinds_[order_.position(node)] != Kind::nothing; }
  void add(const Node& node, double more) {
    if (!as_nodes_) [[likely]]
      return add(order_.position(node), more);
    add(order_.position(node), scalar(more, node.dtype()));
  }
  void add(const Node& node, Cotangent more) {
    if (more.is_number()) return add(node, more.number());
    const std::uint32_t position = order_.position(node);
    Tensor tensor = std::move(more).tensor(node.dtype());
    if (as_nodes_ || node.shape().rank() != 0) return add(position, std::move(tensor));
    const Array& value = value_of(tensor);
    add(position,
        dispatch_stored(value.dtype(), [&]<class T>() { return convert<double>(value.item<T>()); }));
  }
  /// Nothing where nothing has arrived. From the last position to the first.
  Cotangent take(std::size_t position) {
    Cotangent sum = take_sum(position);
    if (sum.node() == nullptr) return sum;
    const DType dtype = order_[position].dtype();
    if (is_only_stored(dtype)) [[unlikely]]
      return rounded(std::move(sum), dtype);
    return sum;
  }

 private:
  Cotangent take_sum(std::size_t position) {
    left_ = position;
    switch (std::exchange(kinds_[position], Kind::nothing)) {
      case Kind::nothing: break;
      case Kind::number: return sums_[position].number;
      case Kind::tensor: return TensorAccess::adopt(sums_[position].tensor);
    }
    return {};
  }

  // Apart from their kinds, so that a million of them take nine megabytes.
  enum class Kind : std::uint8_t { nothing, number, tensor };
  union Sum {
    double number;
    Node* tensor;
  };

  void add(std::uint32_t position, double more) {
    Sum& sum = sums_[position];
    sum.number = kinds_[position] == Kind::number ? sum.number + more : more;
    kinds_[position] = Kind::number;
  }
  void add(std::uint32_t position, Tensor&& more) {
    Tensor total = std::exchange(kinds_[position], Kind::nothing) == Kind::tensor
                       ? add_up(TensorAccess::adopt(sums_[position].tensor), more)
                       : std::move(more);
    sums_[position].tensor = TensorAccess::give_up(total);
    kinds_[position] = Kind::tensor;
  }

  const Traversal& order_;
  std::size_t left_;  // positions from here on are taken
  InlineVector<Sum, 64> sums_;
  InlineVector<Kind, 64> kinds_;
  std::array<Cotangent, 4> few_;
  std::vector<Cotangent> many_;
  bool as_nodes_;
};

}  // namespace chainrule
