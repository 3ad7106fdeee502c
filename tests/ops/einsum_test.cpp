// einsum where NumPy and PyTorch are particular about it: its notation, broadcasting, scalars, dtypes, and
// errors.

#include "chainrule/autograd.h"
#include "chainrule/graph.h"
#include "chainrule/linalg.h"
#include "support.h"

namespace chainrule::test {
namespace {

const Tensor m = tensor({{1, 2, 3}, {4, 5, 6}}), square = tensor({{1, 2}, {3, 4}}), v = tensor({1, 10});

TEST(Einsum, without_an_output_has_the_labels_that_occur_once_in_alphabetic_order) {
  EXPECT_TRUE(equals(einsum("ba", m), {3, 2}, {1, 4, 2, 5, 3, 6}));
  EXPECT_TRUE(equals(einsum("aB", m), {3, 2}, {1, 4, 2, 5, 3, 6})) << "capitals come first";
  EXPECT_TRUE(equals(einsum("ij,jk", square, m), {2, 3}, {9, 12, 15, 19, 26, 33}));
  EXPECT_TRUE(equals(einsum("ii", square), {}, {5}));
  EXPECT_TRUE(equals(einsum("i,i", v, v), {}, {101}));
  EXPECT_TRUE(equals(einsum("b...", m), {3, 2}, {1, 4, 2, 5, 3, 6})) << "the ellipsis before the letters";
}

TEST(Einsum, ignores_spaces_and_knows_empty_terms) {
  EXPECT_TRUE(equals(einsum(" i j , j -> i ", square, v), {2}, {21, 43}));
  EXPECT_TRUE(equals(einsum(",ij->ij", 2, square), {2, 2}, {2, 4, 6, 8}));
  EXPECT_TRUE(equals(einsum(",", 2, 3), {}, {6}));
  EXPECT_TRUE(equals(einsum("ij->", m), {}, {21}));
  EXPECT_TRUE(equals(einsum("", tensor(7)), {}, {7}));
}

TEST(Einsum, takes_diagonals_of_repeated_labels) {
  EXPECT_TRUE(equals(einsum("ii->i", square), {2}, {1, 4}));
  EXPECT_TRUE(equals(einsum("ii,jj", square, square), {}, {25}));
  EXPECT_TRUE(equals(einsum("iii->i", reshape(arange(0, 8), {2, 2, 2})), {2}, {0, 7}));
  EXPECT_TRUE(equals(einsum("...ii->...i", reshape(arange(0, 8), {2, 2, 2})), {2, 2}, {0, 3, 4, 7}));
  EXPECT_TRUE(equals(einsum("ii->i", zeros({0, 0})), {0}, {}));
}

TEST(Einsum, broadcasts_axes_of_size_1) {
  const Tensor x = reshape(arange(0, 6), {3, 1, 2}), y = reshape(arange(0, 4), {2, 2});
  EXPECT_TRUE(equals(einsum("...i,...i->...", x, y), {3, 2}, {1, 3, 3, 13, 5, 23}));
  EXPECT_TRUE(equals(einsum("...,...", v, tensor({{2}, {3}})), {2, 2}, {2, 20, 3, 30}));
  EXPECT_TRUE(equals(einsum("ij,jk->ik", tensor({{2}}), square), {1, 2}, {8, 12})) << "as in PyTorch";
  EXPECT_TRUE(equals(einsum("...i->i", m), {3}, {5, 7, 9})) << "sums over the ellipsis, as in PyTorch";
  EXPECT_TRUE(equals(einsum("...,...", v, 3), {2}, {3, 30}));
}

TEST(Einsum, computes_in_the_dtype_in_which_its_operands_meet) {
  EXPECT_EQ(einsum("i,i", v, v).dtype(), DType::int64);
  EXPECT_EQ(einsum("i,i", v, tensor({1.0F, 2.0F})).dtype(), DType::float32);
  EXPECT_EQ(einsum(",i", 0.5, tensor({1.0F, 2.0F})).dtype(), DType::float32);
  EXPECT_TRUE(equals(einsum("i->", tensor({true, true})), {}, {2}));
}

TEST(Einsum, of_empty_axes_sums_to_zero) {
  EXPECT_TRUE(equals(einsum("ij,jk->ik", zeros({2, 0}), zeros({0, 1})), {2, 1}, {0, 0}));
  EXPECT_TRUE(equals(einsum("ij,jk->ik", zeros({0, 2}), zeros({2, 1})), {0, 1}, {}));
}

TEST(Einsum, contracts_in_the_order_of_the_fewest_products) {
  // From the right all are products with a vector; from the left two are of large matrices.
  const Tensor a = variable(ones({40, 40})), x = ones({40});
  std::int64_t products = 0;
  const Tensor y = einsum("ij,jk,kl,l->i", {a, a, a, x});
  EXPECT_EQ(y[0].item(), 64000);
  for (const GraphNode& node : Graph(y).nodes())
    if (node.operation == "matmul") products += node.tensor.size();
  EXPECT_EQ(products, 3 * 40);
}

TEST(Einsum, names_itself_and_the_line_of_the_call) {
  const auto line = std::to_string(__LINE__ + 1);
  const std::string message = message_of<ShapeError>([] { einsum("ij,jk->iz", m.named("m"), square); });
  EXPECT_TRUE(mentions(message, {"einsum: 'ij,jk->iz': ", "'m'", "einsum_test.cpp:" + line}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { einsum("i", std::vector<Tensor>{}); }), {"no operands"}));
  EXPECT_THROW(einsum("i", Tensor()), GradError);
}

TEST(Tensordot, of_empty_lists_of_axes_is_an_outer_product_and_refuses_lists_that_differ) {
  EXPECT_TRUE(equals(tensordot(v, v, 0), {2, 2}, {1, 10, 10, 100}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] {
                         tensordot(m, m, {0}, {0, 1});
                       }),
                       {"tensordot: ", "pairs"}));
  EXPECT_TRUE(equals(inner(2, v), {2}, {2, 20}));
}

TEST(MatrixPower, of_0_is_the_identity_and_of_negative_exponents_one_of_the_inverse) {
  EXPECT_TRUE(equals(matrix_power(square, 0), {2, 2}, {1, 0, 0, 1}));
  EXPECT_TRUE(close(matrix_power(square, -2), std::vector<double>{5.5, -2.5, -3.75, 1.75}));
  EXPECT_TRUE(equals(matrix_power(tensor({{1, 1}, {1, 0}}), 60)[0], {2}, {2504730781961, 1548008755920}));
}

}  // namespace
}  // namespace chainrule::test
