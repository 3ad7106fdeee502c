// Snapshots of graphs: their order, labels and local derivatives.
// support.h reads and compares tensors.

#include "chainrule/graph.h"
#include "chainrule/nn.h"
#include "chainrule/optim.h"

#include <set>

#include "support.h"

namespace chainrule::test {
namespace {

std::string formula(const Tensor& node, std::size_t input, const std::vector<std::string>& names,
                    const std::string& name = "y") {
  return local_formula(node, input, names, name).text;
}

TEST(GraphSnapshot, lists_inputs_before_what_uses_them) {
  const Tensor x = variable(-2.0, "x");
  const Tensor y = variable(5.0, "y");
  const Tensor z = variable(-4.0, "z");
  const Tensor q = (x + y).named("q");
  const Tensor loss = q * z;
  const Graph graph(loss);

  ASSERT_EQ(graph.nodes().size(), 5U);
  for (std::size_t i = 0; i < graph.nodes().size(); ++i)
    for (const std::size_t input : graph.nodes()[i].inputs) EXPECT_LT(input, i);
  EXPECT_TRUE(same(graph.output().tensor, loss));
  EXPECT_EQ(graph.output().operation, "mul");
  EXPECT_EQ(graph.output().inputs, (std::vector{graph.position(q), graph.position(z)}));
  EXPECT_EQ(graph.nodes()[graph.position(q)].label, "q");
  EXPECT_EQ(graph.nodes()[graph.position(q)].kind, NodeKind::operation);
  EXPECT_EQ(graph.nodes()[graph.position(x)].kind, NodeKind::variable);
  EXPECT_EQ(graph.nodes()[graph.position(x)].operation, "");
}

TEST(GraphSnapshot, lists_a_shared_node_once_and_a_repeated_input_twice) {
  const Tensor x = variable(3.0);
  const Tensor square_of_x = x * x;
  const Graph graph(square_of_x + square_of_x);
  EXPECT_EQ(graph.nodes().size(), 3U);
  EXPECT_EQ(graph.nodes()[1].inputs, (std::vector<std::size_t>{0, 0}));
  EXPECT_EQ(graph.output().inputs, (std::vector<std::size_t>{1, 1}));
}

TEST(GraphSnapshot, generates_labels_that_nobody_has) {
  const Tensor x = variable(3.0, "v1");
  const Tensor y = sin(cos(x) * 2.5);
  const Graph graph(y);
  std::set<std::string> labels;
  for (const GraphNode& node : graph.nodes()) {
    EXPECT_FALSE(node.label.empty());
    EXPECT_TRUE(labels.insert(node.label).second) << node.label << " twice";
  }
  EXPECT_EQ(labels.count("2.5"), 1U) << "a scalar constant is its own label";
}

TEST(GraphSnapshot, of_a_leaf_is_that_leaf) {
  const Tensor x = variable(3.0);
  const Graph graph(x);
  ASSERT_EQ(graph.nodes().size(), 1U);
  EXPECT_EQ(graph.output().kind, NodeKind::variable);
  EXPECT_EQ(Graph(tensor(1.0)).output().kind, NodeKind::constant);
}

TEST(GraphSnapshot, is_the_same_each_time) {
  const Tensor x = variable(3.0);
  const Tensor y = exp(x * x) + sin(x) * x;
  const Graph first(y);
  const Graph second(y);
  ASSERT_EQ(first.nodes().size(), second.nodes().size());
  for (std::size_t i = 0; i < first.nodes().size(); ++i) {
    EXPECT_EQ(first.nodes()[i].label, second.nodes()[i].label);
    EXPECT_EQ(first.nodes()[i].inputs, second.nodes()[i].inputs);
  }
}

TEST(GraphSnapshot, knows_no_tensor_that_is_not_part_of_it) {
  const Tensor x = variable(3.0);
  const Tensor other = variable(3.0, "other");
  const Graph graph(square(x));
  EXPECT_TRUE(mentions(message_of<GradError>([&] { graph.position(other); }), {"other"}));
}

TEST(LocalFormula, of_products_and_quotients_names_the_other_factor) {
  const Tensor q = variable(3.0);
  const Tensor z = variable(-4.0);
  EXPECT_EQ(formula(q * z, 0, {"q", "z"}), "z");
  EXPECT_EQ(formula(q * z, 1, {"q", "z"}), "q");
  EXPECT_EQ(formula(q + z, 0, {"q", "z"}), "1");
  EXPECT_EQ(formula(q - z, 1, {"q", "z"}), "−1");
  EXPECT_EQ(formula(q / z, 0, {"q", "z"}), "1 / z");
  EXPECT_TRUE(local_formula(q * z, 0, std::vector<std::string>{"q", "z"}, "L").is_factor);
}

TEST(LocalFormula, of_functions_uses_their_own_result_where_that_is_shorter) {
  const Tensor x = variable(0.5);
  EXPECT_EQ(formula(tanh(x), 0, {"x"}, "t"), "1 − t²");
  EXPECT_EQ(formula(exp(x), 0, {"x"}, "e"), "e");
  EXPECT_EQ(formula(sin(x), 0, {"x"}), "cos(x)");
  EXPECT_EQ(formula(cos(x), 0, {"x"}), "−sin(x)");
  EXPECT_EQ(formula(square(x), 0, {"x"}), "2 · x");
  EXPECT_EQ(formula(log(x), 0, {"x"}), "1 / x");
}

TEST(LocalFormula, of_matrix_products_is_written_with_the_gradient) {
  const Tensor a = variable({{1.0, 2.0}});
  const Tensor b = variable({{1.0}, {2.0}});
  const Tensor product = matmul(a, b);
  EXPECT_EQ(formula(product, 0, {"a", "b"}), "g @ bᵀ");
  EXPECT_EQ(formula(product, 1, {"a", "b"}), "aᵀ @ g");
  EXPECT_FALSE(local_formula(product, 0, std::vector<std::string>{"a", "b"}, "p").is_factor);
}

TEST(Graph, tells_parameters_from_variables_even_after_a_step) {
  const Parameter weight(tensor({1.0, 2.0}), "weight");
  const Tensor x = variable({3.0, 4.0}, "x"), loss = sum(weight * x);
  const auto kind = [](const Tensor& output, const Tensor& of) {
    const Graph graph(output);
    return graph.nodes()[graph.position(of)].kind;
  };
  EXPECT_EQ(kind(loss, weight), NodeKind::parameter);
  EXPECT_EQ(kind(loss, x), NodeKind::variable);
  loss.backward();
  Sgd({weight}, {.learning_rate = 0.1}).step();
  EXPECT_EQ(kind(sum(weight), weight), NodeKind::parameter);
  weight.assign(x);
  EXPECT_EQ(kind(sum(weight), weight), NodeKind::parameter);
}

TEST(Graph, counts_the_work_of_each_operation) {
  const Tensor a = variable(ones({2, 3})), b = variable(ones({3, 5})), x = variable(ones({4, 3}));
  const auto flops = [](const Tensor& output) { return Graph(output).output().flops; };
  EXPECT_EQ(flops(matmul(a, b)), 2 * 2 * 3 * 5);
  EXPECT_EQ(flops(linear(x, a)), 2 * 4 * 3 * 2);
  EXPECT_EQ(flops(tanh(a)), 6);
  EXPECT_EQ(flops(sum(a)), 6);
  EXPECT_EQ(flops(reshape(a, {6})), 0);
  EXPECT_EQ(flops(a), 0);
}

TEST(LocalGradient, is_one_step_of_the_chain_rule) {
  const Tensor q = variable(3.0);
  const Tensor z = variable(-4.0);
  const Tensor loss = q * z;
  EXPECT_EQ(local_gradient(loss, 0, tensor(1.0)).item(), -4);
  EXPECT_EQ(local_gradient(loss, 1, tensor(2.0)).item(), 6);
}

TEST(LocalGradient, has_the_shape_of_the_input) {
  const Tensor x = variable({1.0, 2.0, 3.0});
  const Tensor y = x * tensor({{1.0}, {10.0}});
  EXPECT_TRUE(equals(local_gradient(y, 0, ones({2, 3}, DType::float64)), {3}, {11, 11, 11}));
}

TEST(LocalGradient, is_also_told_for_constants_that_were_kept) {
  const KeepValues keep;
  const Tensor x = variable(3.0);
  const Tensor y = x * 2.0;
  EXPECT_EQ(local_gradient(y, 1, tensor(1.0)).item(), 3);
}

TEST(LocalGradient, is_empty_where_no_gradient_flows) {
  const Tensor x = variable({1.0, 2.0});
  const Tensor y = where(x > 1.5, x, 0.0);
  EXPECT_TRUE(local_gradient(y, 0, tensor({1.0, 1.0})).is_empty());
}

}  // namespace
}  // namespace chainrule::test
