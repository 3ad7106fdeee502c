#pragma once

#include "graph/node.h"

namespace chainrule {

/// The matrix product aᵀ b, which is not multiplied out before somebody reads it. As the gradient of a weight
/// it need never be: an optimiser adds it to the weight as it is. To everyone else it is a constant like any
/// other.
class DeferredProduct final : public Node {
 public:
  /// Of a (k, m) and b (k, n).
  DeferredProduct(const Array& a, const Array& b);
  /// Do two matrices take less memory than their product? Larger inner sizes are summed in parts, which would
  /// make the bits of a step depend on whether somebody has read the gradient.
  static bool pays(const Shape& a, const Shape& b) {
    return a.size() + b.size() < a.back() * b.back() && a[0] <= 256;
  }

  NodeKind kind() const override { return NodeKind::constant; }
  bool provide_value() override;
  bool add_to(Array& sum, double scale) const override;

 private:
  void multiply(Array& out, bool accumulate, double scale) const;

  Array a_, b_;  // released with the value there
};

}  // namespace chainrule
