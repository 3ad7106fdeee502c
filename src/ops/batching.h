// What operations share that have rules under vmap: places that are tensors, and operations that only read
// numbers. graph/operation.h says when a rule is called.

#pragma once

#include <functional>

#include "graph/apply.h"

namespace chainrule::ops {

/// Does the tensor, or what it stands for under jvp, have a value for each sample of a vmap, so that its
/// elements cannot be read?
inline bool is_batched(const Tensor& tensor) {
  const Traced* of = traced(tensor);
  while (of != nullptr && of->kind != Traced::Kind::batched) of = traced(of->inner);
  return of != nullptr;
}
inline bool is_batched(const Operand& x) { return x.tensor() != nullptr && is_batched(*x.tensor()); }

/// What a function computes from elements that has no gradient, such as places, as an operation, which so has
/// a rule under transforms.
struct Numbers {
  static constexpr std::string_view name = "numbers", formula = "no gradient";
  struct Functions {
    std::function<Array(Values)> compute;
    /// The same of what stands for the inputs under vmap.
    std::function<Tensor(const Unwrapped&)> of_samples;
  };
  std::shared_ptr<const Functions> functions;

  Numbers(std::function<Array(Values)> compute, std::function<Tensor(const Unwrapped&)> of_samples)
      : functions(std::make_shared<const Functions>(Functions{std::move(compute), std::move(of_samples)})) {}
  Attributes attributes() const { return {{"functions", OpaqueAttribute(functions)}}; }
  Array forward(Values in) const { return functions->compute(in); }
  Tensor batch(const Unwrapped& at) const { return functions->of_samples(at); }
  static Tensor jvp(Inputs, const Tensor&, Inputs) { return {}; }
  Reads reads(Wanted) const { return 0; }
  void vjp(Inputs, const Tensor&, const Tensor&, Cotangents&) const {}
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"0"};
  }
};

/// That of one tensor: from its elements, and from a stack of all samples.
Tensor numbers_of(const Tensor& x, std::function<Array(const Array&)> of_one,
                  std::function<Tensor(const Tensor&)> of_stack);

/// find(x, axis): places along an axis, which are int64; those of each sample where x is batched.
using FindPlaces = std::function<Array(const Tensor& x, std::size_t axis)>;
Tensor places_along(const Tensor& x, std::size_t axis, const FindPlaces& find);

/// The elements of x, in row-major order, at places that may be others in each sample; of their shape. The
/// places are int64, from 0 to x.size() - 1. What comes for a place is added up.
Tensor gather_places(const Tensor& x, const Tensor& places);

}  // namespace chainrule::ops
