// What a function is called with while its solver looks for the solution: numbers, apart from the transforms
// around; and how the solution is given.

#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "chainrule/detail/vector_function.h"
#include "chainrule/error.h"
#include "chainrule/ops.h"
#include "graph/traced.h"

namespace chainrule::solvers {

/// Without histories and tangents: the derivative of the solution is no derivative of the way there.
inline std::vector<Tensor> detached(std::span<const Tensor> in) {
  std::vector<Tensor> plain;
  for (const Tensor& each : in) plain.push_back(each.detach());
  return plain;
}

/// The solution as the tensors that the solver has begun with, in their dtype.
inline std::vector<Tensor> restored(const detail::VectorFunction& f, const Tensor& vector,
                                    const std::vector<Tensor>& start) {
  return f.layout().split(cast(vector, start.front().dtype()));
}

/// Of what the tensor stands for under transforms: f(each) holds for some.
template <class F>
bool any_level(const Tensor& tensor, const F& f) {
  for (const Traced* of = traced(tensor); of != nullptr; of = traced(of->inner))
    if (f(*of)) return true;
  return false;
}
inline bool has_samples(const Tensor& tensor) {
  return any_level(tensor, [](const Traced& of) { return of.kind == Traced::Kind::batched; });
}

/// Tensors that detached() gives, with their samples at levels of their own: what a function that is called
/// with them has of other levels, it has captured, and nothing says which tensor that is.
class Apart {
 public:
  explicit Apart(std::span<const Tensor> given);
  ~Apart();
  Apart(const Apart&) = delete;
  Apart& operator=(const Apart&) = delete;
  const std::vector<Tensor>& tensors() const { return tensors_; }
  /// GradError if results of the function have tangents, or values for each sample, that are not given.
  void require_nothing_captured(std::string_view called, std::span<const Tensor> results) const;

 private:
  Tensor moved(const Tensor& tensor) const;

  std::map<Level, Level> own_;
  std::vector<std::unique_ptr<RunningTransform>> runs_;
  std::vector<Tensor> tensors_;
};

}  // namespace chainrule::solvers
