// Products of matrices and what is made of them.

#include "chainrule/linalg.h"
#include "chainrule/shaping.h"
#include "onnx/call.h"
#include "onnx/operators.h"

namespace chainrule::onnx {
namespace {

Values matrix_product(const Call& call) { return one(matmul(call[0], call[1])); }

/// alpha A' B' + beta C, where ' transposes if the node says so.
Values gemm(const Call& call) {
  const double alpha = call.number("alpha", 1), beta = call.number("beta", 1);
  const bool transpose_a = call.flag("transA"), transpose_b = call.flag("transB");
  const Tensor &a = call[0], &b = call[1];
  if (a.rank() != 2 || b.rank() != 2)
    Call::fail("it needs matrices, and has shapes " + to_string(a.shape()) + " and " + to_string(b.shape()));
  const Tensor left = transpose_a ? transpose(a) : a;
  // The usual case is one node.
  if (transpose_b && alpha == 1 && beta == 1 && call.has(2) && call[2].rank() == 1 &&
      call[2].size() == b.shape()[0])
    return one(linear(left, b, call[2]));
  Tensor result = matmul(left, transpose_b ? transpose(b) : b);
  if (alpha != 1) result = result * alpha;
  if (call.has(2)) result = result + (beta == 1 ? call[2] : call[2] * beta);
  return one(result);
}

Values einsum_of(const Call& call) {
  const std::string equation = call.text("equation", "");
  const std::vector<Tensor> operands = call.all();
  return one(einsum(equation, operands));
}

Values determinant(const Call& call) { return one(det(call[0])); }

constexpr Operator table[] = {
    {"Det", determinant},
    {"Einsum", einsum_of},
    {"Gemm", gemm},
    {"MatMul", matrix_product},
};

}  // namespace

std::span<const Operator> product_operators() { return table; }

}  // namespace chainrule::onnx
