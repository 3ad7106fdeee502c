// Rows of the table for matmul and linear, with references in plain loops.
// op_inputs.h draws the inputs.

#include "chainrule/linalg.h"
#include "op_inputs.h"

namespace chainrule::test {
namespace {

using reference::Array;
using reference::Arrays;
using reference::Numbers;

OpCase matmul_row() {
  const auto of = [](const std::string& name, std::vector<Shapes> shapes) {
    return Variant{name, [](const Arguments& in) { return matmul(in[0], in[1]); },
                   [](const Arrays& in) { return reference::matmul(in[0], in[1]); }, std::move(shapes)};
  };
  const auto refused = [](const std::string& name, const Shape& a, const Shape& b) {
    return Misuse{name, [=] { matmul(blank(a), blank(b)); }, {to_string(a), to_string(b)}};
  };
  return {.operation = "matmul",
          .inputs = {between(-1, 1), between(-1, 1)},
          .variants = {of("of matrices",
                          {{{2, 3}, {3, 4}}, {{1, 1}, {1, 1}}, {{1, 5}, {5, 1}}, {{65, 33}, {33, 70}}}),
                       of("of vectors", {{{3}, {3}}, {{101}, {101}}}),
                       of("of a vector and a matrix", {{{3}, {3, 4}}, {{41}, {41, 37}}}),
                       of("of a matrix and a vector", {{{2, 3}, {3}}, {{37, 41}, {41}}}),
                       of("of batches", {{{5, 2, 3}, {5, 3, 4}}, {{2, 3, 4, 5}, {2, 3, 5, 2}}}),
                       of("of batches that broadcast", {{{5, 1, 2, 3}, {4, 3, 2}}, {{5, 2, 3}, {1, 3, 4}}}),
                       of("of a batch and a matrix", {{{5, 2, 3}, {3, 4}}, {{7, 9, 11}, {11, 5}}}),
                       of("of a matrix and a batch", {{{2, 3}, {5, 3, 4}}, {{4, 3}, {2, 5, 3, 1}}}),
                       of("of a batch and a vector", {{{5, 2, 3}, {3}}}),
                       of("of a vector and a batch", {{{3}, {5, 3, 4}}}),
                       of("of nothing", {{{0, 3}, {3, 4}}, {{2, 0}, {0, 4}}, {{2, 3}, {3, 0}}, {{0}, {0}}})},
          .misuses = {refused("inner sizes that differ", {3, 2}, {3, 5}),
                      refused("vectors that differ", {3}, {4}),
                      refused("a matrix and a wrong vector", {3, 2}, {3}), refused("a scalar", {}, {3}),
                      refused("batches that do not broadcast", {2, 2, 3}, {5, 3, 4})},
          .tolerance = 1e-13,
          .float32_tolerance = 2e-5};
}

OpCase linear_row() {
  // x Wᵀ + b, row by row of x.
  const auto expected = [](const Arrays& in) {
    const Array product = reference::matmul(in[0], reference::permute(in[1], {1, 0}));
    if (in.size() == 2) return product;
    return reference::elementwise([](const Numbers& x) { return x[0] + x[1]; }, {product, in[2]});
  };
  const auto refused = [](const std::string& name, const Shape& x, const Shape& weight, const Shape& bias,
                          const std::vector<std::string>& words) {
    return Misuse{name, [=] { linear(blank(x), blank(weight), blank(bias)); }, words};
  };
  return {.operation = "linear",
          .inputs = {between(-1, 1), between(-1, 1), between(-1, 1)},
          .variants = {{"with bias",
                        [](const Arguments& in) { return linear(in[0], in[1], in[2]); },
                        expected,
                        {{{4, 3}, {2, 3}, {2}},
                         {{3}, {2, 3}, {2}},
                         {{1, 3}, {2, 3}, {2}},
                         {{5, 4, 3}, {2, 3}, {2}},
                         {{0, 3}, {2, 3}, {2}},
                         {{2, 5, 0}, {3, 0}, {3}},
                         {{2, 5, 3}, {0, 3}, {0}},
                         {{65, 33}, {17, 33}, {17}}}},
                       {"without bias",
                        [](const Arguments& in) { return linear(in[0], in[1]); },
                        expected,
                        {{{4, 3}, {2, 3}}, {{3}, {2, 3}}, {{5, 4, 3}, {2, 3}}}}},
          .misuses = {refused("inner sizes that differ", {4, 3}, {2, 5}, {2}, {"(4, 3)", "(2, 5)"}),
                      refused("a wrong bias", {4, 3}, {2, 3}, {3}, {"(2, 3)", "(3,)"}),
                      refused("a vector as weight", {4, 3}, {3}, {1}, {"(4, 3)", "(3,)"}),
                      refused("a scalar", {}, {2, 3}, {2}, {"()", "(2, 3)"})},
          .tolerance = 1e-13,
          .float32_tolerance = 2e-5};
}

OpCase multi_dot_row() {
  return {.operation = "multi_dot",
          .inputs = {between(-1, 1)},
          .variants = {{"",
                        [](const Arguments& in) { return multi_dot(in.tensors()); },
                        [](const Arrays& in) {
                          Array product = in[0];
                          for (std::size_t i = 1; i < in.size(); ++i)
                            product = reference::matmul(product, in[i]);
                          return product;
                        },
                        {{{2, 3}, {3, 4}, {4, 1}},
                         {{5, 1}, {1, 5}, {5, 1}, {1, 5}},
                         {{3}, {3, 2}, {2}},
                         {{2, 3}, {3, 2}, {2}},
                         {{2, 3}, {3, 0}}}}},
          .misuses = {{"sizes that differ",
                       [] {
                         multi_dot({blank({2, 3}), blank({2, 3})});
                       },
                       {"(2, 3)"}},
                      {"a vector between",
                       [] {
                         multi_dot({blank({3}), blank({3}), blank({3})});
                       },
                       {"(3,)", "operand 1"}}},
          .composed = true,
          .tolerance = 1e-13,
          .float32_tolerance = 2e-5};
}

OpCase matrix_norm_row() {
  std::vector<Variant> variants;
  for (const auto order :
       {MatrixNorm::frobenius, MatrixNorm::nuclear, MatrixNorm::one, MatrixNorm::minus_one, MatrixNorm::two,
        MatrixNorm::minus_two, MatrixNorm::infinity, MatrixNorm::minus_infinity}) {
    const bool keep = order == MatrixNorm::minus_one || order == MatrixNorm::nuclear;
    variants.push_back({"of kind " + std::to_string(static_cast<int>(order)),
                        [=](const Arguments& in) { return matrix_norm(in[0], order, keep); },
                        {},
                        {{{3, 2}}, {{2, 2, 3}}}});
  }
  return {.operation = "matrix_norm",
          .inputs = {between(-1, 1, {0})},
          .variants = std::move(variants),
          .misuses = {{"a vector", [] { matrix_norm(blank({3})); }, {"(3,)"}}},
          .composed = true,
          .float32_tolerance = 2e-5,
          .gradient_tolerance = 1e-7};
}

}  // namespace

std::vector<OpCase> linear_algebra_rows() {
  return {matmul_row(), linear_row(), multi_dot_row(), matrix_norm_row()};
}

}  // namespace chainrule::test
