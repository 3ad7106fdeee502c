// Recorded graphs: what they keep of tensors, files of them, and complaints about broken ones. Relies on
// support.h, and on nothing that has a screen.

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "chainrule/draw.h"
#include "chainrule/nn.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

/// A network's step, with all that a file can hold: parameters, scopes, NaN.
GraphRecord network_step() {
  const KeepValues keep;
  Generator random(1);
  const Mlp network({20, 8, 3}, random);
  const Tensor x = rand({4, 20}, random).named("x"), y = tensor({0, 2, 1, 0}).named("y");
  const Tensor loss = cross_entropy(network(x), y).named("loss") + log(variable(-1.0, "broken"));
  const Gradients found = gradients(loss, {}, {.all_nodes = true});
  return GraphRecord(loss, &found);
}

std::string dot_of(const GraphRecord& graph) {
  std::ostringstream out;
  write_dot(out, graph, {.dtypes = true, .costs = true, .source = true, .legend = true});
  return out.str();
}

const RecordedNode& find(const GraphRecord& graph, const std::string& label) {
  for (const RecordedNode& node : graph.nodes)
    if (node.label == label) return node;
  ADD_FAILURE() << "no node " << label;
  return graph.nodes.front();
}

std::string complaint_about(const std::string& text) {
  const TemporaryFile file(text, ".json");
  std::string message = message_of<ParseError>([&] { load_graph(file.path()); });
  EXPECT_TRUE(message.starts_with(file.path() + ": ")) << message;
  return message.substr(std::min(message.size(), file.path().size() + 2));
}

/// A file with these nodes.
std::string graph_file(const std::string& nodes) {
  return R"({"chainrule_graph": 1, "scopes": [{"name": "", "parent": 0}], "nodes": [)" + nodes + "]}";
}
std::string node(const std::string& more) {
  return R"({"label": "x", "kind": "operation", "shape": [], "dtype": "float64")" + more + "}";
}

TEST(Summary, counts_what_is_not_finite_and_describes_the_rest) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const NumbersSummary numbers = summary(tensor({3.0, -4.0, std::nan(""), infinity, -infinity}));
  EXPECT_EQ(numbers.nans, 1);
  EXPECT_EQ(numbers.infinities, 2);
  EXPECT_EQ(numbers.min, -4);
  EXPECT_EQ(numbers.max, 3);
  EXPECT_EQ(numbers.mean, -0.5);
  EXPECT_EQ(numbers.norm, 5);
  EXPECT_EQ(numbers.elements.size(), 5U);
  EXPECT_FALSE(numbers.is_finite());
  EXPECT_TRUE(summary(arange(0, 13)).elements.empty()) << "of larger tensors there is only the summary";
}

TEST(GraphRecord, holds_parameters_in_the_scope_that_uses_them) {
  const GraphRecord graph = network_step();
  EXPECT_EQ(graph.scopes[find(graph, "layer1.weight").scope].name, "layer1");
  EXPECT_EQ(graph.scopes[find(graph, "layer2.bias").scope].name, "layer2");
  EXPECT_EQ(find(graph, "x").scope, 0U) << "data stands outside";
  EXPECT_EQ(find(graph, "layer1.weight").kind, NodeKind::parameter);
}

TEST(GraphRecord, knows_what_each_node_costs_and_where_it_was_made) {
  const Tensor a = variable(ones({2, 3}, DType::float32), "a"),
               b = variable(ones({3, 5}, DType::float32), "b");
  const GraphRecord graph(matmul(a, b).named("c"));
  EXPECT_EQ(find(graph, "c").bytes(), 2 * 5 * 4);
  EXPECT_EQ(find(graph, "c").flops, 2 * 2 * 3 * 5);
  EXPECT_TRUE(find(graph, "c").file.ends_with("record_test.cpp"));
  EXPECT_EQ(find(graph, "c").derivatives[0].text, "g @ bᵀ");
}

TEST(SavedGraph, is_drawn_as_the_living_one) {
  const GraphRecord graph = network_step();
  const TemporaryFile file("", ".graph.json");
  save_graph(graph, file.path());
  const GraphRecord loaded = load_graph(file.path());
  EXPECT_EQ(dot_of(loaded), dot_of(graph));
  const TemporaryFile again("", ".graph.json");
  save_graph(loaded, again.path());
  const auto read = [](const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  };
  EXPECT_EQ(read(again.path()), read(file.path()));
}

TEST(SavedGraph, has_the_gradients_of_every_node_without_being_told) {
  const Tensor x = variable(3.0, "x"), q = (x * x).named("q"), loss = (q * 2.0).named("L");
  const TemporaryFile file("", ".graph.json");
  save_graph(loss, file.path());
  const GraphRecord graph = load_graph(file.path());
  EXPECT_EQ(find(graph, "x").gradient->elements.front(), 12);
  EXPECT_EQ(find(graph, "q").gradient->elements.front(), 2);
  save_graph(tensor({1.0, 2.0}), file.path());  // which has none
  EXPECT_FALSE(load_graph(file.path()).nodes.front().gradient);
}

TEST(SavedGraph, keeps_names_of_every_kind) {
  std::string lengthy;
  for (int i = 0; i < 10000; ++i) lengthy += "θ";
  for (const std::string& name :
       {std::string("a\"b\\c\n\t"), std::string("</script><script>alert(1)</script>"),
        std::string("日本語 \u2028"), std::string("a\0b", 3), lengthy}) {
    const TemporaryFile file("", ".graph.json");
    save_graph(variable(1.0, name), file.path());
    EXPECT_EQ(load_graph(file.path()).nodes.back().label, name);
  }
  const TemporaryFile file("", ".graph.json");
  save_graph(variable(1.0, "\xff\xfe"), file.path());
  EXPECT_EQ(load_graph(file.path()).nodes.back().label, "\uFFFD\uFFFD") << "bytes that are no text";
}

TEST(SavedGraph, that_is_none_is_refused_with_the_place_in_the_file) {
  EXPECT_TRUE(mentions(complaint_about(""), {"it is no JSON: line 1, column 1"}));
  EXPECT_TRUE(mentions(complaint_about("{\n \"a\": oops}"), {"it is no JSON: line 2, column 7"}));
  EXPECT_EQ(complaint_about("{}"), "it is no saved graph: it has no \"chainrule_graph\"");
  EXPECT_EQ(complaint_about("[1, 2]"), "it is no saved graph: it has no \"chainrule_graph\"");
  EXPECT_EQ(complaint_about(R"({"chainrule_graph": 7})"),
            "it is a graph in format 7; this version reads format 1");
  EXPECT_EQ(complaint_about(R"({"chainrule_graph": 1})"), "it has no \"scopes\"");
  EXPECT_EQ(complaint_about(graph_file("3")), "nodes[0]: it must be an object");
  EXPECT_EQ(complaint_about(graph_file(R"({"label": 3})")), "nodes[0].label: it must be text");
  EXPECT_TRUE(mentions(complaint_about(graph_file(node("") + "," + node(R"(, "inputs": [1])"))),
                       {"nodes[1].inputs[0]: 1 is no node before this one", "no cycle"}));
  EXPECT_TRUE(
      mentions(complaint_about(graph_file(node(R"(, "inputs": [-1])"))), {"must be an integer from 0"}));
  EXPECT_EQ(complaint_about(graph_file(node(R"(, "scope": 1)"))), "nodes[0].scope: 1 is no scope");
  EXPECT_TRUE(mentions(complaint_about(graph_file(R"({"label": "x", "kind": "thing"})")),
                       {"nodes[0].kind: it must be one of constant, variable, parameter, operation"}));
  const std::string numbers = R"(, "value": {"min": 0, "mean": 0, "max": 0, "norm": 0)";
  EXPECT_EQ(complaint_about(graph_file(node(numbers + "}"))), "nodes[0].value: a scalar has one element");
  EXPECT_EQ(complaint_about(graph_file(node(numbers + R"(, "elements": [1, 2]})"))),
            "nodes[0].value: a tensor of shape () does not have 2 elements");
  EXPECT_TRUE(mentions(complaint_about(graph_file(node(R"(, "value": {"min": "many"})"))),
                       {"nodes[0].value.min: it must be a number"}));
}

TEST(SavedGraph, with_numbers_that_nothing_can_have_is_refused_with_the_place) {
  EXPECT_EQ(complaint_about("{\n \"chainrule_graph\": 1e400}"), "line 2, column 25: the number is too large");
  EXPECT_TRUE(mentions(complaint_about(graph_file(node(R"(, "flops": -1e999)"))), {"line 1", "too large"}));
  EXPECT_TRUE(mentions(complaint_about(graph_file(node(R"(, "flops": 9223372036854775808)"))),
                       {"nodes[0].flops: it must be at most 9223372036854775807"}));
  EXPECT_TRUE(mentions(complaint_about(graph_file(node(R"(, "flops": 99999999999999999999)"))),
                       {"nodes[0].flops: it must be an integer"}));
  EXPECT_EQ(complaint_about(graph_file(node(R"(, "line": 4294967296)"))),
            "nodes[0].line: it must be at most 4294967295");
  const auto with_shape = [](const std::string& shape) {
    return complaint_about(
        graph_file(R"({"label": "x", "kind": "constant", "dtype": "float64", "shape": )" + shape + "}"));
  };
  EXPECT_TRUE(mentions(with_shape("[4294967296, 4294967296]"), {"nodes[0].shape: ", "too many elements"}));
  EXPECT_TRUE(mentions(with_shape("[4611686018427387904]"), {"nodes[0].shape: ", "too many elements"}));
  EXPECT_TRUE(mentions(with_shape("[-1]"), {"nodes[0].shape[0]: it must be an integer from 0"}));
  EXPECT_TRUE(mentions(with_shape("[1" +
                                  [] {
                                    std::string more;
                                    for (int i = 0; i < 64; ++i) more += ",1";
                                    return more;
                                  }() +
                                  "]"),
                       {"nodes[0].shape: ", "65 axes"}));
  const std::string numbers = R"(, "value": {"min": 0, "mean": 0, "max": 0, "norm": 0, "elements": [1])";
  EXPECT_EQ(complaint_about(graph_file(node(numbers + R"(, "nans": 9223372036854775807})"))),
            "nodes[0].value.nans: it must be at most 1");
  EXPECT_EQ(complaint_about(graph_file(node(numbers + R"(, "nans": 1, "infinities": 1})"))),
            "nodes[0].value.infinities: it must be at most 0");
}

TEST(SavedGraph, may_be_nested_or_cut_off_anywhere) {
  EXPECT_TRUE(mentions(complaint_about(std::string(100000, '[')), {"it is no JSON"}));
  EXPECT_EQ(complaint_about(std::string(100000, '[') + std::string(100000, ']')),
            "it is no saved graph: it has no \"chainrule_graph\"");
  const TemporaryFile file("", ".graph.json");
  save_graph(variable(2.0, "x") * 3.0, file.path());
  std::ostringstream text;
  text << std::ifstream(file.path()).rdbuf();
  const std::string whole = text.str();
  for (std::size_t length = 0; length + 2 < whole.size(); ++length) complaint_about(whole.substr(0, length));
}

TEST(SavedGraph, without_labels_is_drawn) {
  const TemporaryFile file(
      graph_file(R"({"label": "", "kind": "variable", "shape": [], "dtype": "float64"}, )"
                 R"({"label": "", "kind": "operation", "shape": [2], "dtype": "float64", )"
                 R"("inputs": [0], "derivatives": [{"factor": "1"}]})"),
      ".json");
  const GraphRecord graph = load_graph(file.path());
  std::ostringstream svg, html;
  write_svg(svg, graph, {.legend = true});
  write_html(html, graph);
  EXPECT_TRUE(mentions(svg.str(), {"</svg>"}));
  EXPECT_TRUE(mentions(html.str(), {"</html>"}));
}

TEST(SavedGraph, of_scopes_within_scopes_is_drawn_to_the_depth_that_graphviz_knows) {
  GraphRecord graph(variable(1.0, "x") * 2.0);
  for (std::size_t i = 0; i < 3000; ++i) graph.scopes.push_back({"deeper" + std::to_string(i), i});
  graph.nodes.back().scope = 3000;
  const TemporaryFile file("", ".graph.json");
  save_graph(graph, file.path());
  const GraphRecord loaded = load_graph(file.path());
  EXPECT_EQ(loaded.scopes.size(), 3001U);
  std::ostringstream svg, html;
  write_svg(svg, loaded);
  write_html(html, loaded);
  EXPECT_TRUE(mentions(svg.str(), {"deeper39", "</svg>"}));
  EXPECT_EQ(svg.str().find("deeper40"), std::string::npos);
  EXPECT_TRUE(mentions(html.str(), {"</html>"}));
}

TEST(SavedGraph, of_more_work_than_can_be_counted_is_drawn) {
  GraphRecord graph(variable(1.0, "x") * 2.0);
  for (RecordedNode& node : graph.nodes) {
    node.flops = std::numeric_limits<std::int64_t>::max();
    node.shape = Shape{std::int64_t{1} << 60};
    node.dtype = DType::float32;
    node.value.reset();
  }
  std::ostringstream html;
  write_html(html, graph, {.costs = true});
  EXPECT_TRUE(mentions(html.str(), {"9.22 EB", "9.22 Eflop"}));
}

TEST(GraphRecord, of_nothing_is_drawn) {
  const GraphRecord nothing;
  std::ostringstream dot, svg, html;
  write_dot(dot, nothing, {.legend = true});
  write_svg(svg, nothing);
  write_html(html, nothing);
  EXPECT_TRUE(dot.str().starts_with("digraph"));
  EXPECT_TRUE(mentions(svg.str(), {"</svg>"}));
  EXPECT_TRUE(mentions(html.str(), {"An empty graph", "</html>"}));
  const TemporaryFile file("", ".graph.json");
  save_graph(nothing, file.path());
  EXPECT_TRUE(load_graph(file.path()).nodes.empty());
}

TEST(SavedGraph, that_cannot_be_read_or_written_says_why) {
  EXPECT_EQ(message_of<IoError>([] { load_graph("/nowhere/a.json"); }),
            "/nowhere/a.json: it cannot be read: No such file or directory");
  EXPECT_EQ(message_of<IoError>([] { save_graph(tensor(1.0), "/nowhere/a.json"); }),
            "/nowhere/a.json: it cannot be written: No such file or directory");
}

}  // namespace
}  // namespace chainrule::test
