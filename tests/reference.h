// What every operation must compute, written as slow plain loops over long double and without any of
// the library's operations.

#pragma once

#include <functional>
#include <vector>

#include "chainrule/ops.h"
#include "chainrule/shape.h"
#include "chainrule/tensor.h"

namespace chainrule::reference {

using Number = long double;
using Numbers = std::vector<Number>;
using Position = std::vector<std::int64_t>;

struct Array {
  Shape shape;
  Numbers values;
};
using Arrays = std::vector<Array>;

Array from_tensor(const Tensor& tensor);

/// The array of this shape with element(position) at each position.
Array generate(const Shape& shape, const std::function<Number(const Position&)>& element);
/// The element at a position; leading positions are dropped and axes of size 1 are repeated, as in
/// broadcasting.
Number at(const Array& x, const Position& position);

/// The shape that all broadcast to.
Shape broadcast(const std::vector<Shape>& shapes);
bool can_broadcast(const std::vector<Shape>& shapes);

using Scalar = std::function<Number(const Numbers&)>;
Array elementwise(const Scalar& function, const Arrays& inputs);

/// Every group of elements along `axes` folded to one; no axes means all. Negative axes count from the end.
Array reduce(const Array& x, std::vector<std::int64_t> axes, bool keepdims, const Scalar& fold);
Number sum(const Numbers& x);
Number prod(const Numbers& x);
Number norm(const Numbers& x);
Number mean(const Numbers& x);
Number max(const Numbers& x);
Number min(const Numbers& x);
Number logsumexp(const Numbers& x);

Array matmul(Array a, Array b);
Array permute(const Array& x, const std::vector<std::int64_t>& order);
Array reshape(const Array& x, const Shape& shape);
Array broadcast_to(const Array& x, const Shape& shape);
Array index(const Array& x, const std::vector<Index>& where);
Array concatenate(const Arrays& parts, std::int64_t axis);
Array stack(const Arrays& parts, std::int64_t axis);

Array log_softmax(const Array& x, std::int64_t axis);
/// Per sample: -sum(target · log_softmax(logits)), where an integer target stands for a 1 at its class.
Array cross_entropy(const Array& logits, const Array& target);

}  // namespace chainrule::reference
