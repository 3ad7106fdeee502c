// Central differences of a function of several tensors, which gradients are compared with: of a weighted sum
// of all its results, along directions in one of its inputs.

#pragma once

#include <vector>

#include "chainrule/gradcheck.h"

namespace chainrule {

/// A number that is compared: a weighted sum of all results, and how large its terms are, which says how much
/// of it rounding may change.
struct Projected {
  double value = 0, size = 0;
};

/// A direction has an element for each of the input's, in units of its steps.
class Differences {
 public:
  using Elements = std::vector<double>;
  Differences(detail::Checked function, const std::vector<Tensor>& inputs, const GradcheckOptions& options);

  /// How far each element of an input moves.
  const Elements& steps(std::size_t which) const { return steps_[which]; }
  /// The inputs.
  std::vector<Tensor> variables() const { return variables(at_); }
  std::vector<Tensor> called_with(const std::vector<Tensor>& leaves) const;
  Projected projected(const std::vector<Tensor>& results) const;
  /// Where input `which` has moved by `times` its steps along the direction.
  Projected moved(std::size_t which, const Elements& direction, double times) const;
  /// The derivative along the direction, and what rounding may have made of it.
  Projected difference(std::size_t which, const Elements& direction, double times = 1) const;
  /// The same for an expected slope. Where rounding could hide an error, by a longer step if that is sharper.
  Projected difference_from(double expected, std::size_t which, const Elements& direction, double size) const;

  std::vector<Tensor> weights;  ///< of the results; empty for those that do not count

 private:
  Elements steps_at(const Elements& at) const;
  std::vector<Tensor> variables(const std::vector<Elements>& at) const;

  detail::Checked function_;
  const std::vector<Tensor>& inputs_;
  const GradcheckOptions& options_;
  std::vector<Elements> at_, steps_;
};

}  // namespace chainrule
