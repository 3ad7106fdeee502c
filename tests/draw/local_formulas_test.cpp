// What formulas of local derivatives say of an operation holds for its derivative: in the graphs of all rows
// of the table of operations, as walks would write them.

#include <string>
#include <vector>

#include "chainrule/graph.h"
#include "chainrule/statistics.h"
#include "differences.h"
#include "graph/node.h"
#include "op_cases.h"

namespace chainrule::test {
namespace {

/// Compares one with what the node sends to its input, if it says one of both.
bool expect_holds(const Graph& graph, const GraphNode& node, std::size_t input, Engine& engine) {
  const Tensor& x = graph.nodes()[node.inputs[input]].tensor;
  const std::vector<std::string> names(node.inputs.size(), "x");
  const LocalFormula formula = local_formula(node.tensor, input, names, "y");
  if (!formula.is_linear && formula.text != "1") return false;
  SCOPED_TRACE(std::string(node.operation) + ", input " + std::to_string(input) + ": " + formula.text);
  const Tensor g = cast(random_tensor(node.tensor.shape(), engine), node.tensor.dtype());
  const Tensor sent = local_gradient(node.tensor, input, g);
  if (formula.is_linear) {  // <g, y(v)> = <sent, v>
    Inputs in(node.tensor.node()->inputs().begin(), node.tensor.node()->inputs().end());
    in[input] = cast(random_tensor(x.shape(), engine), x.dtype());
    EXPECT_NEAR(dot(node.tensor.node()->again(in), g), dot(sent, in[input]), 1e-5);
  } else if (sent.size() == g.size()) {
    EXPECT_TRUE(array_equal(reshape(sent, {-1}), reshape(cast(g, sent.dtype()), {-1})));
  }
  return true;
}

TEST(LocalFormulas, hold_where_they_are_1_or_linear) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  const KeepValues keep;
  int compared = 0;
  for (const Case& one : differentiable_cases()) {
    SCOPED_TRACE(one.name());
    const Tensor result = one.variant->call(as_variables(one, one.draw(one.variant->shapes.front(), engine)));
    const Graph graph(result);
    for (const GraphNode& node : graph.nodes())
      for (std::size_t input = 0; input < node.inputs.size(); ++input)
        if (node.kind == NodeKind::operation && node.tensor.requires_grad() &&
            graph.nodes()[node.inputs[input]].tensor.requires_grad())
          compared += expect_holds(graph, node, input, engine);
  }
  EXPECT_GT(compared, 300);
}

}  // namespace
}  // namespace chainrule::test
