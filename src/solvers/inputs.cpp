// What a function has captured that is under a transform, of which its solver cannot know: an error that says
// to pass it as an argument.

#include "solvers/inputs.h"

#include "graph/node.h"

namespace chainrule::solvers {

Apart::Apart(std::span<const Tensor> given) {
  std::map<Level, std::int64_t> sizes;
  for (const Tensor& each : given)
    any_level(each, [&](const Traced& of) {
      if (of.kind == Traced::Kind::batched) sizes[of.level] = of.inner.shape()[0];
      return false;
    });
  for (const auto& [level, size] : sizes) {  // from the outermost on
    runs_.push_back(std::make_unique<RunningTransform>("vmap", size, Randomness::same));
    own_[level] = runs_.back()->level();
  }
  for (const Tensor& each : given) tensors_.push_back(moved(each));
}

Apart::~Apart() {
  while (!runs_.empty()) runs_.pop_back();  // the newest first
}

Tensor Apart::moved(const Tensor& tensor) const {
  const Traced* const of = traced(tensor);
  if (of == nullptr || of->kind == Traced::Kind::dual) return tensor;  // a tangent is captured
  const Tensor samples = constant(batched_value(own_.at(of->level), moved(of->inner)));
  return tensor.requires_grad() ? variable(samples) : samples;
}

void Apart::require_nothing_captured(std::string_view called, std::span<const Tensor> results) const {
  const auto is_captured = [&](const Traced& of) {
    for (const auto& [level, own] : own_)
      if (of.level == own) return false;
    return true;
  };
  for (const Tensor& each : results)
    if (any_level(each, is_captured))
      throw GradError(
          std::string(called) +
          ": the function has captured a tensor that is differentiated by jvp, or has a value for "
          "each sample of vmap; pass it as an argument");
}

}  // namespace chainrule::solvers
