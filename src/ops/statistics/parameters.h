// Parameters of distributions: what they must be, with errors that say what they must be. Under vmap they are
// of all samples at once: ops/samples.h.

#pragma once

#include <string_view>

#include "chainrule/detail/function_ref.h"
#include "ops/elementwise.h"
#include "ops/registry.h"

namespace chainrule::ops {

/// ShapeError, "name: what, of shape (3,), must be rule", unless it holds for every element of all samples.
void require(std::string_view name, std::string_view what, const Tensor& x, FunctionRef<bool(double)> holds,
             std::string_view rule);
void require_not_negative(std::string_view name, std::string_view what, const Tensor& x);

/// ShapeError unless parameters of a shape are as many as asked for, or repeat.
void require_fit(std::string_view name, const Shape& shape, const Shape& asked);

/// Two parameters as real numbers, and the shape of what is drawn.
struct Parameters {
  Tensor a, b;
  Shape shape;

  Parameters(std::string_view name, const Operand& first, const Operand& second, const Shape* asked);
};

/// Calls by name: of one parameter or two, which are tensors of the dtype of the command line, and a shape.
using OfOne = Tensor(const Operand&, const Shape*, Generator&);
using OfTwo = Tensor(const Operand&, const Operand&, const Shape*, Generator&);
Result call_with_shape(OfOne* f, Arguments& a);
Result call_with_shape(OfTwo* f, Arguments& a);
template <auto* f>
Result with_shape(Arguments& a) {
  return call_with_shape(f, a);
}

}  // namespace chainrule::ops

/// The public functions of a distribution of one parameter or two, in the shape of these or in another, by
/// that of this name in ops.
#define CHAINRULE_DRAWN_BY_ONE(name)                                                               \
  Tensor name(const Operand& a, Generator& generator) { return ops::name(a, nullptr, generator); } \
  Tensor name(const Operand& a, const Shape& shape, Generator& generator) {                        \
    return ops::name(a, &shape, generator);                                                        \
  }
#define CHAINRULE_DRAWN_BY_TWO(name)                                                          \
  Tensor name(const Operand& a, const Operand& b, Generator& generator) {                     \
    return ops::name(a, b, nullptr, generator);                                               \
  }                                                                                           \
  Tensor name(const Operand& a, const Operand& b, const Shape& shape, Generator& generator) { \
    return ops::name(a, b, &shape, generator);                                                \
  }
