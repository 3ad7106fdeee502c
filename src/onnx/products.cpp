// Products of matrices and what is made of them. The size of a product is asked before it is made, as it may
// be far larger than what goes in.

#include "chainrule/linalg.h"

#include <algorithm>
#include <map>

#include "chainrule/shaping.h"
#include "onnx/call.h"
#include "onnx/operators.h"

namespace chainrule::onnx {
namespace {

/// Before it is made: the product of matrices in batches may be far larger than both.
void require_product(const Call& call, const Tensor& a, const Tensor& b) {
  if (a.rank() < 2 || b.rank() < 2) return;  // a vector makes nothing larger
  std::vector<std::int64_t> sizes(a.shape().begin(), a.shape().end() - 1);
  for (std::size_t i = 0; i + 2 < b.rank(); ++i) {
    const std::size_t from_last =
        b.rank() - i;  // counted as in a, the batch axes of both may be different in number
    if (from_last <= a.rank()) {
      std::int64_t& size = sizes[a.rank() - from_last];
      if (size == 1) size = b.shape()[i];
    } else {
      sizes.push_back(b.shape()[i]);
    }
  }
  sizes.push_back(b.shape().back());
  call.require_size(sizes);
}

Values matrix_product(const Call& call) {
  require_product(call, call[0], call[1]);
  return one(matmul(call[0], call[1]));
}

/// alpha A' B' + beta C, where ' transposes if the node says so.
Values gemm(const Call& call) {
  const double alpha = call.number("alpha", 1), beta = call.number("beta", 1);
  const bool transpose_a = call.flag("transA"), transpose_b = call.flag("transB");
  const Tensor &a = call[0], &b = call[1];
  if (a.rank() != 2 || b.rank() != 2)
    Call::fail("it needs matrices, and has shapes " + to_string(a.shape()) + " and " + to_string(b.shape()));
  const Tensor left = transpose_a ? transpose(a) : a;
  require_product(call, left, transpose_b ? transpose(b) : b);
  // The usual case is one node.
  if (transpose_b && alpha == 1 && beta == 1 && call.has(2) && call[2].rank() == 1 &&
      call[2].size() == b.shape()[0])
    return one(linear(left, b, call[2]));
  Tensor result = matmul(left, transpose_b ? transpose(b) : b);
  if (alpha != 1) result = result * alpha;
  if (call.has(2)) result = result + (beta == 1 ? call[2] : call[2] * beta);
  return one(result);
}

/// The sizes of the letters of a result that is written out; einsum() itself checks that all of it fits.
void require_einsum(const Call& call, std::string equation, const std::vector<Tensor>& operands) {
  std::erase(equation, ' ');
  const std::size_t arrow = equation.find("->");
  std::vector<std::int64_t> sizes;
  const std::string_view inputs = std::string_view(equation).substr(0, arrow);
  std::map<char, std::int64_t> size_of;
  std::size_t begin = 0;
  for (const Tensor& operand : operands) {
    if (begin > inputs.size()) break;
    const std::string_view term = inputs.substr(begin, inputs.find(',', begin) - begin);
    begin += term.size() + 1;
    // Letters before `...` count from the first axis, those behind it from the last.
    bool behind = false;
    for (std::size_t i = 0; i < term.size(); ++i) {
      behind |= term[i] == '.';
      const std::size_t axis = behind ? operand.rank() - (term.size() - i) : i;
      if (term[i] != '.' && axis < operand.rank())
        size_of[term[i]] = std::max(size_of[term[i]], operand.shape()[axis]);
    }
  }
  const std::string_view result =
      arrow == std::string::npos ? inputs : std::string_view(equation).substr(arrow + 2);
  for (const auto& [letter, size] : size_of)
    if (result.find(letter) != std::string_view::npos) sizes.push_back(size);
  call.require_size(sizes);
}

Values einsum_of(const Call& call) {
  const std::string equation = call.text("equation", "");
  const std::vector<Tensor> operands = call.all();
  require_einsum(call, equation, operands);
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
