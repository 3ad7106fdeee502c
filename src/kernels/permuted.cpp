// Permuted axes that wait until somebody reads them. A Deferred over permute; who can do with the order that
// there was asks for that instead.

#include "kernels/permuted.h"

#include <algorithm>

#include "kernels/copy.h"
#include "kernels/repeated.h"

namespace chainrule::kernels {
namespace {

/// Fewer are moved at once: that takes no longer than noting what there is to move.
constexpr std::int64_t few = 1024;

Shape shape_of(const Permutation& permutation) {
  Shape shape = permutation.x.shape();
  for (std::size_t axis = 0; axis < shape.rank(); ++axis)
    shape[axis] = permutation.x.shape()[permutation.order[axis]];
  return shape;
}

class Permuted final : public Deferred {
 public:
  explicit Permuted(Permutation permutation)
      : permutation_(std::move(permutation)), shape_(shape_of(permutation_)) {
    kept = {{permutation_.x.raw(), permutation_.x.byte_count()}};
  }
  void compute(void* elements) const override { permute(permutation_.x, permutation_.order, elements); }
  const Permutation* permutes(const Shape& shape) const override {
    return shape == shape_ ? &permutation_ : nullptr;
  }
  bool stays() const override { return !permutation_.x.is_sole_owner(); }

 private:
  Permutation permutation_;
  Shape shape_;
};

}  // namespace

Shape Permutation::shape_before(const Shape& shape) const {
  Shape before = shape;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) before[order[axis]] = shape[axis];
  return before;
}

Array Permutation::undone(const Array& beside) const {
  std::vector<std::size_t> back(order.size());
  for (std::size_t axis = 0; axis < order.size(); ++axis) back[order[axis]] = axis;
  return permute(beside, back);
}

bool Permutation::is_transpose() const {
  const std::size_t rank = order.size();
  if (rank < 2 || order[rank - 1] != rank - 2 || order[rank - 2] != rank - 1) return false;
  for (std::size_t axis = 0; axis + 2 < rank; ++axis)
    if (order[axis] != axis) return false;
  return true;
}

Array permuted(const Array& x, std::span<const std::size_t> order) {
  if (const std::optional<Array> part = repeated_part(x)) {
    Shape shape = x.shape();
    for (std::size_t axis = 0; axis < order.size(); ++axis) shape[axis] = x.shape()[order[axis]];
    return repeated(part->shape().rank() == 0 ? *part : permute(*part, order), shape);
  }
  Permutation permutation{x, {order.begin(), order.end()}};
  if (const std::optional<Permutation> before = unpermuted(x)) {
    permutation.x = before->x;
    for (std::size_t& axis : permutation.order) axis = before->order[axis];
  }
  std::vector<std::size_t> moved = permutation.order;
  std::erase_if(moved, [&](std::size_t axis) { return permutation.x.shape()[axis] == 1; });
  if (x.size() < few || std::ranges::is_sorted(moved)) return permute(permutation.x, permutation.order);
  (void)permutation.x.raw();  // which may wait for values of the graph
  const Shape shape = shape_of(permutation);
  return {shape, x.dtype(), std::make_unique<Permuted>(std::move(permutation))};
}

}  // namespace chainrule::kernels
