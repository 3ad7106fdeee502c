// The value of every operation against its reference, for each row of the table; and that the table has all
// of them.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "chainrule/graph.h"
#include "chainrule/registry.h"
#include "graph/node.h"
#include "op_cases.h"
#include "paths.h"

namespace chainrule::test {
namespace {

TEST(OperationTable, has_a_row_for_every_operation) {
  std::set<std::string_view> rows, listed;
  for (const OpCase& row : op_cases())
    EXPECT_TRUE(rows.insert(row.operation).second) << row.operation << " twice";
  for (const registry::Entry& entry : registry::entries()) {
    EXPECT_TRUE(listed.insert(entry.name).second) << entry.name << " twice";
    // Casts, handles and permutations by another name need no row, nor does what has no derivative to test.
    std::set<std::string_view> trivial = {"array", "detach", "float", "t", "transpose", "swapaxes"};
    trivial.insert(std::begin(detail::dtype_names), std::end(detail::dtype_names));
    const bool needs_row = entry.differentiable && !trivial.contains(entry.name);
    EXPECT_TRUE(!needs_row || rows.contains(entry.name)) << entry.name << " has no row";
  }
  for (const std::string_view row : rows) EXPECT_TRUE(listed.contains(row)) << row << " is no operation";
}

TEST(OperationTable, has_names_that_nothing_else_has_and_examples) {
  std::set<std::string_view> names;
  for (const std::string_view name : registry::names()) {
    EXPECT_TRUE(names.insert(name).second) << name << " twice";
    EXPECT_NE(registry::find(name), nullptr) << name;
  }
  for (const registry::Entry& entry : registry::entries())
    EXPECT_TRUE(entry.call == nullptr || !entry.example.empty()) << entry.name;
  EXPECT_EQ(registry::find("no such operation"), nullptr);
}

TEST(OperationTable, lists_every_operation_that_the_sources_define) {
  // Derivatives are made of these, and people do not call them, or by another name.
  std::set<std::string> listed = {"strong_product",   "strong_quotient", "softmax_gradient", "tanh_slope",
                                  "tanh_curvature",   "centered",        "balanced",         "chosen",
                                  "add_chosen",       "numbers",         "hermite_gaussian", "gelu_tanh",
                                  "round_to_decimals"};
  for (const OperationInfo& info : operations()) listed.emplace(info.name);
  for (const OpCase& row : op_cases()) listed.insert(row.derivative);
  const std::regex definition("\\bname\\s*=\\s*\"(\\w+)\"");
  std::size_t found = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(tests_path("../src/ops"))) {
    if (!file.is_regular_file()) continue;
    std::ifstream in(file.path());
    const std::string text(std::istreambuf_iterator<char>(in), {});
    for (std::sregex_iterator match(text.begin(), text.end(), definition); match != std::sregex_iterator();
         ++match, ++found)
      EXPECT_TRUE(listed.contains((*match)[1]))
          << (*match)[1] << " of " << file.path().filename() << " is missing from operations()";
  }
  EXPECT_GE(found, operations().size());
}

TEST(OperationTable, has_every_operation_with_a_formula_in_alphabetic_order) {
  const auto all = operations();
  EXPECT_TRUE(
      std::is_sorted(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; }));
  for (const OperationInfo& info : all) EXPECT_FALSE(info.formula.empty()) << info.name;
}

TEST(OperationTable, is_about_as_long_as_the_readme_says) {
  const auto all = registry::entries();
  const auto count =
      std::count_if(all.begin(), all.end(), [](const auto& entry) { return entry.call != nullptr; });
  std::ifstream in(tests_path("../README.md"));
  const std::string text(std::istreambuf_iterator<char>(in), {});
  std::smatch said;
  ASSERT_TRUE(std::regex_search(text, said, std::regex("There are more than (\\d+) functions to call")));
  const int number = std::stoi(said[1]);
  EXPECT_GT(count, number);
  EXPECT_LE(count, number + 100) << "say more";
}

TEST(OperationTable, has_the_notation_that_drawings_show) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  const KeepValues kept;
  std::size_t symbols = 0, signs = 0;
  for (const OpCase& row : op_cases()) {
    const Case one{&row, &row.variants.front()};
    const Graph graph(one.variant->call(one.draw(one.variant->shapes.front(), engine)));
    const GraphNode& drawn = graph.output();
    if (drawn.operation != row.operation) continue;  // composed
    const auto entry = std::ranges::find(registry::entries(), row.operation, &registry::Entry::name);
    ASSERT_NE(entry, registry::entries().end()) << row.operation;
    const Notation& notation = entry->notation;
    EXPECT_EQ(drawn.notation.symbol, notation.symbol.empty() ? drawn.operation : notation.symbol)
        << row.operation;
    EXPECT_EQ(drawn.notation.sign, notation.sign) << row.operation;
    symbols += notation.symbol.empty() ? 0 : 1;
    signs += notation.sign.empty() ? 0 : 1;
  }
  EXPECT_GE(symbols, 16U);
  EXPECT_GE(signs, 13U);
  EXPECT_EQ(Graph(tanh(variable(0.5))).output().notation.symbol, "tanh");
}

/// What changes nothing may return its input.
bool is_one_of(const Inputs& inputs, const Tensor& result) {
  return std::any_of(inputs.begin(), inputs.end(), [&](const Tensor& input) { return same(input, result); });
}

class EveryOperation : public ::testing::TestWithParam<Case> {
 protected:
  /// Calls check(constants, expected) with random inputs of each of the case's shapes.
  template <class Check>
  void for_random_inputs(Check check) {
    PRINT_SEED_ON_FAILURE();
    Engine engine(seed());
    const Case& one = GetParam();
    for (const Shapes& shapes : one.variant->shapes) {
      const Inputs constants = one.draw(shapes, engine);
      std::string trace = "inputs of shape";
      reference::Arrays arrays;
      for (const Tensor& input : constants) {
        trace += " " + to_string(input.shape());
        arrays.push_back(reference::from_tensor(input));
      }
      SCOPED_TRACE(trace);
      // The values of compositions may be known elsewhere.
      check(constants, one.variant->expected ? one.variant->expected(arrays)
                                             : reference::from_tensor(one.variant->call(constants)));
    }
  }
};

TEST_P(EveryOperation, computes_what_the_reference_computes) {
  const Case& one = GetParam();
  for_random_inputs([&](const Inputs& constants, const reference::Array& expected) {
    const Tensor result = one.variant->call(constants);
    EXPECT_EQ(to_string(result.shape()), to_string(expected.shape));
    const std::vector<double> numbers(expected.values.begin(), expected.values.end());
    EXPECT_TRUE(close(result, numbers, one.row->tolerance));
  });
}

TEST_P(EveryOperation, gives_the_same_in_float32_as_in_float64) {
  const Case& one = GetParam();
  for_random_inputs([&](const Inputs& constants, const reference::Array&) {
    // Rounded to float32 first, so that both start from the same numbers.
    const Inputs single = converted(constants, DType::float32);
    const Tensor in_single = one.variant->call(single);
    const Tensor in_double = one.variant->call(converted(single, DType::float64));
    EXPECT_TRUE(close(in_single, in_double, one.row->float32_tolerance));
    if (one.row->operation != "cast" && in_double.dtype() == DType::float64) {
      EXPECT_EQ(in_single.dtype(), DType::float32);
    }
  });
}

TEST_P(EveryOperation, leaves_its_inputs_as_they_were) {
  const Case& one = GetParam();
  for_random_inputs([&](const Inputs& constants, const reference::Array&) {
    std::vector<std::vector<double>> before;
    for (const Tensor& input : constants) before.push_back(values(input));
    one.variant->call(constants);
    for (std::size_t i = 0; i < constants.size(); ++i) EXPECT_EQ(values(constants[i]), before[i]);
  });
}

TEST_P(EveryOperation, records_itself_only_where_a_gradient_flows) {
  const Case& one = GetParam();
  for_random_inputs([&](const Inputs& constants, const reference::Array&) {
    EXPECT_FALSE(one.variant->call(constants).requires_grad());
    const Inputs variables = as_variables(one, constants);
    const bool flows = one.row->differentiable && !differentiable_inputs(one, variables).empty() &&
                       is_floating(one.variant->call(constants).dtype());
    const Tensor result = one.variant->call(variables);
    EXPECT_EQ(result.requires_grad(), flows);
    EXPECT_EQ(result.is_leaf(), !flows || is_one_of(variables, result));
    if (flows && !result.is_leaf() && !one.row->composed) {
      const Graph graph(result);
      EXPECT_EQ(graph.output().operation, one.row->operation);
      EXPECT_EQ(graph.output().inputs.size(), constants.size());
    }
  });
}

/// The nodes of library operations among those that a tensor was computed by.
std::vector<Tensor> operations_of(const Tensor& result) {
  std::vector<Tensor> found;
  for (const GraphNode& each : Graph(result).nodes())
    if (each.kind == NodeKind::operation) found.push_back(each.tensor);
  return found;
}

TEST_P(EveryOperation, can_be_run_again_from_its_parameters) {
  const Case& one = GetParam();
  for_random_inputs([&](const Inputs& constants, const reference::Array&) {
    const KeepValues kept;
    const std::vector<Tensor> all = operations_of(one.variant->call(as_variables(one, constants)));
    for (const Tensor& tensor : all) {
      const Node& node = *tensor.node();
      SCOPED_TRACE(std::string(node.operation()) + "(" + to_string(node.attributes()) + ")");
      const Attributes before = node.attributes();
      // Forward may have left something for the derivative; neither it nor what is run again changes that.
      const Tensor first = node.again(node.inputs()), second = first.node()->again(node.inputs());
      for (const Tensor* again : {&first, &second}) {
        EXPECT_TRUE(are_equal({{"value", *again}}, {{"value", tensor}}));
        EXPECT_TRUE(are_equal(again->node()->attributes(), before));
        EXPECT_EQ(to_string(again->node()->attributes()), to_string(before));
      }
      EXPECT_TRUE(are_equal(node.attributes(), before));
    }
  });
}

TEST(Attributes, tell_operations_apart) {
  const Tensor x = variable({{1, 2}, {3, 4}});
  const auto of = [](const Tensor& y) { return y.node()->attributes(); };
  EXPECT_TRUE(are_equal(of(sum(x, 1)), of(sum(x, 1))));
  EXPECT_FALSE(are_equal(of(sum(x, 1)), of(sum(x, 0))));
  EXPECT_FALSE(are_equal(of(sum(x, 1)), of(sum(x, 1, true))));
  EXPECT_FALSE(are_equal(of(max(x, 1)), of(softmax(x, 1))));
  EXPECT_EQ(to_string(of(sum(x, {0, 1}))), "axes=[0, 1], keepdims=false");
  EXPECT_EQ(to_string(of(exp(x))), "");
  EXPECT_EQ(to_string(of(cross_entropy(x, tensor({1, 0})))), "reduction=mean, by_class=true");
  EXPECT_THROW((void)x.node()->again({}), GradError);
}

INSTANTIATE_TEST_SUITE_P(Table, EveryOperation, ::testing::ValuesIn(all_cases()), case_name);

// ---- Broadcasting -----------------------------------------------------------------------------------

class EveryElementwiseOperation : public ::testing::TestWithParam<Case> {};

TEST_P(EveryElementwiseOperation, broadcasts_every_pair_of_shapes_as_numpy_does) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  const Case& one = GetParam();
  for (const Shapes& shapes : combinations_of_shapes(one.inputs().size())) {
    if (!reference::can_broadcast(shapes)) continue;
    const Inputs inputs = one.draw(shapes, engine);
    reference::Arrays arrays;
    for (const Tensor& input : inputs) arrays.push_back(reference::from_tensor(input));
    const reference::Array expected = one.variant->expected(arrays);
    const Tensor result = one.variant->call(inputs);
    const std::vector<double> numbers(expected.values.begin(), expected.values.end());
    EXPECT_EQ(to_string(result.shape()), to_string(expected.shape));
    EXPECT_TRUE(close(result, numbers, one.row->tolerance)) << ::testing::PrintToString(shapes);
  }
}

TEST_P(EveryElementwiseOperation, refuses_every_pair_of_shapes_that_numpy_refuses) {
  Engine engine(seed());
  const Case& one = GetParam();
  for (const Shapes& shapes : combinations_of_shapes(one.inputs().size())) {
    if (reference::can_broadcast(shapes)) continue;
    const Inputs inputs = one.draw(shapes, engine);
    std::vector<std::string> words = {one.row->operation};
    // Of three inputs, two may fit.
    if (shapes.size() == 2) words.insert(words.end(), {to_string(shapes[0]), to_string(shapes[1])});
    EXPECT_TRUE(mentions(message_of<ShapeError>([&] { one.variant->call(inputs); }), words));
  }
}

INSTANTIATE_TEST_SUITE_P(Table, EveryElementwiseOperation, ::testing::ValuesIn(elementwise_cases()),
                         case_name);

}  // namespace
}  // namespace chainrule::test
