#pragma once

#include "array/inline_vector.h"
#include "graph/cotangent.h"
#include "graph/traversal.h"

/// Where cotangents meet: a node that is used several times has the sum of what its users send.
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
  CotangentAccumulator(const Traversal& order, bool as_nodes) : order_(order), as_nodes_(as_nodes) {
    sums_.resize(order.size());
    kinds_.assign_zeros(order.size());
  }
  ~CotangentAccumulator() {
    for (std::size_t i = 0; i < sums_.size(); ++i) (void)take_sum(i);
  }
  CotangentAccumulator(const CotangentAccumulator&) = delete;
  CotangentAccumulator& operator=(const CotangentAccumulator&) = delete;

  bool any(const Node& node) const { return kinds_[order_.position(node)] != Kind::nothing; }
  void add(const Node& node, Cotangent more) {
    const std::uint32_t position = order_.position(node);
    if (more.is_number() && !as_nodes_) return add(position, more.number());
    Tensor tensor = std::move(more).tensor(node.dtype());
    if (as_nodes_ || node.shape().rank() != 0) return add(position, std::move(tensor));
    const Array& value = value_of(tensor);
    add(position,
        dispatch_stored(value.dtype(), [&]<class T>() { return convert<double>(value.item<T>()); }));
  }
  /// Nothing where nothing has arrived.
  Cotangent take(std::size_t position) {
    Cotangent sum = take_sum(position);
    const DType dtype = order_[position].dtype();
    if (is_only_stored(dtype)) [[unlikely]]
      return rounded(std::move(sum), dtype);
    return sum;
  }

 private:
  Cotangent take_sum(std::size_t position) {
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
    Tensor total = kinds_[position] != Kind::tensor
                       ? std::move(more)
                       : add_up(take_sum(position).tensor(more.node()->dtype()), more);
    sums_[position].tensor = TensorAccess::give_up(total);
    kinds_[position] = Kind::tensor;
  }

  const Traversal& order_;
  InlineVector<Sum, 64> sums_;
  InlineVector<Kind, 64> kinds_;
  bool as_nodes_;
};

}  // namespace chainrule
