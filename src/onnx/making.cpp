// Tensors made from numbers and sizes, and what is asked of shapes. Sizes that a model's numbers say are
// checked before anything is made.

#include <algorithm>
#include <cmath>

#include "chainrule/shaping.h"
#include "onnx/call.h"
#include "onnx/operators.h"

namespace chainrule::onnx {
namespace {

/// One of several attributes, by its kind.
Values constant(const Call& call) {
  call.ignore({"value_string", "value_strings", "sparse_value"});
  if (const Value* const value = call.tensor("value")) return {*value};
  if (call.has("value_float"))
    return one(tensor(static_cast<float>(call.number("value_float", 0))), ElementType::float32);
  if (call.has("value_int")) return one(tensor(call.integer("value_int", 0)), ElementType::int64);
  if (const auto numbers = call.numbers("value_floats"))
    return one(tensor(std::vector<float>(numbers->begin(), numbers->end())), ElementType::float32);
  if (auto numbers = call.integers("value_ints")) return one(tensor(std::move(*numbers)), ElementType::int64);
  if (call.has("sparse_value")) Call::refuse("it is a sparse tensor", "sparse tensors");
  if (call.has("value_string") || call.has("value_strings")) Call::refuse("it is text", "strings");
  Call::fail("it has no value");
}

Values constant_of_shape(const Call& call) {
  const std::vector<std::int64_t> sizes = call.list(0);
  call.require_size(sizes);
  const Value* const value = call.tensor("value");
  if (value == nullptr) return one(zeros(Shape(sizes), DType::float32), ElementType::float32);
  if (value->tensor.size() != 1) Call::fail("its value is not one number");
  return one(broadcast_to(value->tensor.reshape({}), Shape(sizes)), value->type);
}

/// From `start` on to `end`, both as in NumPy's slices.
Values shape_of(const Call& call) {
  const std::vector<std::int64_t> sizes(call[0].shape().begin(), call[0].shape().end());
  const auto rank = static_cast<std::int64_t>(sizes.size());
  const auto bound = [&](std::int64_t at) {
    return std::clamp(at < 0 ? at + rank : at, std::int64_t{0}, rank);
  };
  const std::int64_t start = bound(call.integer("start", 0)), end = bound(call.integer("end", rank));
  std::vector<std::int64_t> part(sizes.begin() + start, sizes.begin() + std::max(start, end));
  return one(tensor(std::move(part)), ElementType::int64);
}

Values size_of(const Call& call) { return one(tensor(call[0].size()), ElementType::int64); }

/// Ones on a diagonal, in the shape of the input.
Values eye_like(const Call& call) {
  const Tensor& x = call[0];
  if (x.rank() != 2) Call::fail("it needs a matrix, and has shape " + to_string(x.shape()));
  const ElementType type = call.element_type("dtype", call.type(0));
  const std::int64_t diagonal = call.integer("k", 0);
  const std::int64_t rows = x.shape()[0], columns = x.shape()[1];
  const Tensor row = arange(0, rows).reshape({rows, 1}), column = arange(0, columns);
  return one(cast(column - row == diagonal, *dtype_of(type)), type);
}

/// start, start + delta, ... before limit.
Values range(const Call& call) {
  const Tensor &start = call[0], &delta = call[2];
  const double first = call.real(0), limit = call.real(1), step = call.real(2);
  if (step == 0) Call::fail("a step of 0 leads nowhere");
  const double count = std::max(0.0, std::ceil((limit - first) / step));
  if (!(count <= static_cast<double>(call.most_elements())))
    Call::fail("its result would have more elements than LoadOptions allow, " +
               std::to_string(call.most_elements()));
  const Tensor steps = arange(0, static_cast<std::int64_t>(count), start.dtype());
  return one(start.reshape({}) + steps * delta.reshape({}));
}

constexpr Operator table[] = {
    {"Constant", constant}, {"ConstantOfShape", constant_of_shape},
    {"EyeLike", eye_like},  {"Range", range},
    {"Shape", shape_of},    {"Size", size_of},
};

}  // namespace

std::span<const Operator> making_operators() { return table; }

}  // namespace chainrule::onnx
