// Products of vectors and matrices that are compositions of others: dot, outer, kron, cross, powers.
// Derivatives follow from those.

#include <algorithm>
#include <cmath>
#include <functional>

#include "ops/linear_algebra/matrices.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

Entries product_operations() {
  static constexpr Entry table[] = {
      {.name = "dot",
       .parameters = "a|input, b|tensor|other",
       .call = call<chainrule::dot>,
       .formula = "Σ aᵢ bᵢ: ∂/∂aᵢ = bᵢ, ∂/∂bᵢ = aᵢ",
       .example = "dot([1, 2], [3, 4])",
       .note = "of two vectors, as in PyTorch; NumPy's takes matrices, too, for which there is matmul"},
      {.name = "vdot",
       .parameters = "a|input, b|other",
       .call = call<chainrule::vdot>,
       .formula = "as dot",
       .example = "vdot([1, 2], [3, 4])",
       .note = "as dot, for numbers are real"},
      {.name = "outer",
       .parameters = "a|input, b|vec2|other",
       .call = call<chainrule::outer>,
       .formula = "aᵢ bⱼ: to a: g @ b,  to b: gᵀ @ a",
       .aliases = "ger",
       .example = "outer([1, 2], [3, 4])"},
      {.name = "bilinear",
       .parameters = "x|input1, y|input2, weight, bias=None",
       .call = [](Arguments& a) -> Result {
         return bilinear(a[0], a[1], a[2], a.given(3) ? a.tensor(3) : Tensor());
       },
       .formula = "xᵀ Wₖ y + bₖ: ∂/∂x = Wₖ y,  ∂/∂y = Wₖᵀ x,  ∂/∂Wₖ = x yᵀ",
       .example = "bilinear([1, 2], [3, 4], [[[1, 0], [0, 1]]])"},
      {.name = "kron",
       .parameters = two_inputs,
       .call = call<chainrule::kron>,
       .formula = "blocks aᵢⱼ · b: the gradient of each product",
       .example = "kron([[1, 2]], [[1, 1], [0, 1]])"},
      {.name = "cross",
       .parameters = "a|x1|input, b|x2|other, axis|dim=-1",
       .call = call<chainrule::cross>,
       .formula = "a × b: to a: b × g,  to b: g × a",
       .example = "cross([1, 0, 0], [0, 1, 0])",
       .note = "axes of size 3 alone; NumPy once took 2 for it, too"},
      {.name = "matrix_power",
       .parameters = "a|A|input, n",
       .call = call<chainrule::matrix_power>,
       .formula = "Aⁿ by repeated squaring: the gradient of the products",
       .example = "matrix_power([[1, 1], [1, 0]], 10)"},
      {.name = "multi_dot",
       .parameters = "tensors|arrays",
       .call = [](Arguments& a) -> Result { return multi_dot(a.tensors(0)); },
       .formula = "as matmul, in the order of the fewest multiplications",
       .example = "multi_dot([[[1, 2]], [[3], [4]], [[5]]])",
       .weak = false},
  };
  return table;
}

namespace {

Tensor dot(std::string_view name, const Operand& a, const Operand& b) try {
  const Tensor x = a.as_tensor(), y = b.as_tensor();
  if (x.rank() != 1 || y.shape() != x.shape())
    throw ShapeError(std::string(name) + ": " + to_string(x.shape()) + " and " + to_string(y.shape()) +
                     " are not two vectors of one size; use matmul for matrices");
  return matmul(a, b);
} catch (...) {
  rethrow_in_call(name, a, b);
}

}  // namespace
}  // namespace ops

Tensor dot(const Operand& a, const Operand& b) { return ops::dot("dot", a, b); }
Tensor vdot(const Operand& a, const Operand& b) { return ops::dot("vdot", a, b); }

Tensor outer(const Operand& a, const Operand& b) try {
  const Tensor x = a.as_tensor(), y = b.as_tensor();
  if (x.rank() != 1 || y.rank() != 1)
    throw ShapeError("outer: " + to_string(x.shape()) + " and " + to_string(y.shape()) +
                     " are not two vectors; use reshape(x, {-1}), or kron or einsum");
  const DType dtype = ops::common_dtype(a, b);
  return mul({reshape({a.as(dtype), a.here()}, {x.size(), 1}), a.here()}, b);
} catch (...) {
  rethrow_in_call("outer", a, b);
}

Tensor bilinear(const Operand& x, const Operand& y, const Operand& weight, const Tensor& bias) try {
  const DType dtype = ops::real_dtype(ops::common_dtype(x, y, weight));
  const Tensor a = x.as(dtype), b = y.as(dtype), w = weight.as(dtype);
  if (w.rank() != 3 || a.rank() == 0 || b.rank() != a.rank() || a.shape().back() != w.shape()[1] ||
      b.shape().back() != w.shape()[2] ||
      !std::equal(a.shape().begin(), a.shape().end() - 1, b.shape().begin()))
    throw ShapeError("bilinear: " + to_string(a.shape()) + ", " + to_string(b.shape()) + " and weight " +
                     to_string(w.shape()) + "; they must be (..., n), (..., m) and (out, n, m)");
  const Tensor product = einsum("...i,oij,...j->...o", {{a, x.here()}, w, b});
  return bias.is_empty() ? product : add({product, x.here()}, bias);
} catch (...) {
  rethrow_in_call("bilinear", x, y, weight);
}

Tensor kron(const Operand& a, const Operand& b) try {
  const DType dtype = ops::common_dtype(a, b);
  const Tensor x = a.as(dtype), y = b.as(dtype);
  const std::size_t rank = std::max(x.rank(), y.rank());
  std::vector<std::int64_t> of_x(2 * rank, 1), of_y(2 * rank, 1), sizes(rank, 1);
  for (std::size_t i = 0; i < x.rank(); ++i) of_x[2 * (rank - x.rank() + i)] = x.shape()[i];
  for (std::size_t i = 0; i < y.rank(); ++i) of_y[2 * (rank - y.rank() + i) + 1] = y.shape()[i];
  const Tensor blocks =
      mul({reshape({x, a.here()}, Shape(of_x)), a.here()}, reshape({y, a.here()}, Shape(of_y)));
  for (std::size_t i = 0; i < rank; ++i) sizes[i] = of_x[2 * i] * of_y[2 * i + 1];
  return reshape({blocks, a.here()}, Shape(sizes));
} catch (...) {
  rethrow_in_call("kron", a, b);
}

Tensor cross(const Operand& a, const Operand& b, Integer axis) try {
  const DType dtype = ops::number_dtype(ops::common_dtype(a, b));
  const Here here = a.here();
  const Tensor left = a.as(dtype), right = b.as(dtype);
  const Shape shape = broadcast("cross", left.shape(), right.shape());
  const std::size_t along = normalize_axis("cross", axis, shape);
  const Tensor x = broadcast_to({left, here}, shape), y = broadcast_to({right, here}, shape);
  if (shape[along] != 3)
    throw ShapeError("cross: axis " + std::to_string(axis) + " of " + to_string(left.shape()) + " and " +
                     to_string(right.shape()) + " has not size 3; choose another");
  const auto part = [&](const Tensor& of, std::int64_t position) {
    std::vector<Index> where(along + 1, Slice{});
    where[along] = Slice{position, position + 1};
    return index({of, here}, where);
  };
  std::vector<Tensor> parts;
  for (const std::int64_t i : {0, 1, 2}) {
    const std::int64_t j = (i + 1) % 3, k = (i + 2) % 3;
    parts.push_back(sub({mul({part(x, j), here}, part(y, k)), here}, mul({part(x, k), here}, part(y, j))));
  }
  return concatenate(parts, static_cast<std::int64_t>(along), here);
} catch (...) {
  rethrow_in_call("cross", a, b);
}

Tensor matrix_power(const Operand& a, Integer n) try {
  const Here here = a.here();
  const DType dtype = n < 0 ? ops::real_dtype(a.dtype()) : ops::number_dtype(a.dtype());
  Tensor square = a.as(dtype);
  const Shape shape = square.shape();
  ops::require_square("matrix_power", shape);
  if (n == 0) return where({false, here}, square, ops::identity(shape.back(), dtype));  // with derivative 0
  if (n < 0) square = inverse({square, here});
  std::optional<Tensor> result;
  for (std::uint64_t left = n < 0 ? -static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n);;) {
    if ((left & 1) != 0) result = result ? matmul({*result, here}, square) : square;
    if ((left >>= 1) == 0) return *result;
    square = matmul({square, here}, square);
  }
} catch (...) {
  rethrow_in_call("matrix_power", a);
}

Tensor multi_dot(std::span<const Tensor> operands, Here here) try {
  if (operands.empty()) throw ShapeError("multi_dot: nothing to multiply; give at least one matrix");
  const std::size_t count = operands.size();
  // Of a chain of matrices, sizes[i] by sizes[i + 1].
  std::vector<double> sizes = {1};
  for (std::size_t i = 0; i < count; ++i) {
    const Shape& shape = operands[i].shape();
    const bool is_end = i == 0 || i + 1 == count;
    if (shape.rank() != 2 && !(shape.rank() == 1 && is_end))
      throw ShapeError("multi_dot: " + to_string(shape) + " is operand " + std::to_string(i) +
                       "; give matrices, or a vector as the first or the last one");
    if (shape.rank() == 2 && i == 0) sizes[0] = static_cast<double>(shape[0]);
    sizes.push_back(shape.rank() == 1 && i != 0 ? 1 : static_cast<double>(shape.back()));
  }
  // The least cost of the products of `length` operands from each one on, and where the last one is cut.
  std::vector<std::vector<double>> cost(count, std::vector<double>(count + 1, 0));
  std::vector<std::vector<std::size_t>> cut(count, std::vector<std::size_t>(count + 1, 0));
  for (std::size_t length = 2; length <= count; ++length)
    for (std::size_t i = 0; i + length <= count; ++i) {
      cost[i][length] = HUGE_VAL;
      for (std::size_t left = 1; left < length; ++left) {
        const double total =
            cost[i][left] + cost[i + left][length - left] + sizes[i] * sizes[i + left] * sizes[i + length];
        if (total < cost[i][length]) cost[i][length] = total, cut[i][length] = left;
      }
    }
  const std::function<Tensor(std::size_t, std::size_t)> product = [&](std::size_t i, std::size_t length) {
    if (length == 1) return operands[i];
    const std::size_t left = cut[i][length];
    return matmul({product(i, left), here}, product(i + left, length - left));
  };
  return product(0, count);
} catch (...) {
  rethrow_in_call("multi_dot", here, std::vector<const Tensor*>());
}

}  // namespace chainrule
