// What losses that are made of other operations share: how samples are combined, and checks of shapes. Relies
// on elementwise.h and operations.

#pragma once

#include "ops/elementwise.h"

namespace chainrule::ops {

/// As it is called by its users.
inline std::string_view word_of(Reduction reduction) {
  switch (reduction) {
    case Reduction::none: return "none";
    case Reduction::mean: return "mean";
    case Reduction::sum: return "sum";
  }
  return {};
}

/// ShapeError where there are no losses to average.
inline void require_samples(std::string_view name, const Shape& losses) {
  if (losses.size() == 0)
    throw ShapeError(std::string(name) + ": nothing to average: shape " + to_string(losses) +
                     " has no elements; check that the batch is not empty, or take the sum");
}

/// The losses of the samples as the reduction has it.
inline Tensor combined(std::string_view name, const Tensor& losses, Reduction reduction) {
  if (reduction == Reduction::none) return losses;
  if (reduction == Reduction::sum) return sum(losses);
  require_samples(name, losses.shape());
  return mean(losses);
}

/// ShapeError unless the target has the shape of the prediction, or is a scalar.
inline void require_same_shape(std::string_view name, const Shape& prediction, const Shape& target) {
  if (target != prediction && target.rank() != 0)
    throw ShapeError(
        std::string(name) + ": " + to_string(prediction) + " and target " + to_string(target) +
        " differ in shape; reshape one, or broadcast_to if that is meant (a scalar target is for all)");
}

/// Is it the shape of the classes of samples, whose logits have one for each class along this axis?
inline bool are_classes_of(const Shape& target, const Shape& logits, std::size_t axis) {
  return target == reduced(logits, AxisMask().set(axis), false);
}

/// A prediction and its target, as real numbers of one dtype, whose shapes fit.
struct Pair {
  Tensor prediction, target;

  Pair(std::string_view name, const Operand& p, const Operand& t) {
    const DType dtype = real_dtype(common_dtype(p, t));
    prediction = p.as(dtype);
    target = t.as(dtype);
    require_same_shape(name, prediction.shape(), target.shape());
  }
};

}  // namespace chainrule::ops
