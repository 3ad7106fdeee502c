// Graphs in DOT, as Graphviz understands them: every label, colour and frame, and hostile names. Graphviz
// lays them out as SVG, whose text is read.

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "chainrule/checkpoint.h"
#include "chainrule/draw.h"
#include "chainrule/nn.h"
#include "chainrule/transforms.h"
#include "chainrule/vmap.h"
#include "paths.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

std::string dot_of(const Tensor& output, const DrawOptions& options = {}) {
  std::ostringstream out;
  write_dot(out, output, options);
  return out.str();
}

std::string read_file(const std::filesystem::path& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

/// The texts of the picture, one per line; Graphviz has then understood every label.
std::string texts_of(const std::string& dot) {
  const TemporaryFile file("", ".svg");
  render_dot(dot, "svg", file.path());
  const std::string svg = read_file(file.path());
  const std::regex text("<text[^>]*>([^<]*)</text>");
  std::string texts;
  for (std::sregex_iterator match(svg.begin(), svg.end(), text), end; match != end; ++match)
    texts += match->str(1) + "\n";
  return std::regex_replace(texts, std::regex("&#45;"), "-");
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t number = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++number;
  return number;
}

TEST(Dot, of_the_walkthrough_is_the_one_that_was_looked_at) {
  const KeepValues keep;
  const Tensor x = variable(-2.0, "x"), y = variable(5.0, "y"), z = variable(-4.0, "z");
  const Tensor q = (x + y).named("q"), loss = (q * z).named("L");
  const Gradients found = gradients(loss, {x, y, z}, {.all_nodes = true});
  const std::string expected = read_file(tests_path("draw/walkthrough.dot"));
  ASSERT_NE(expected, "");
  EXPECT_EQ(dot_of(loss, {.gradients = &found}), expected);
}

TEST(Dot, is_the_same_every_time) {
  const auto draw = [] {
    const KeepValues keep;
    const Tensor x = variable({{1.0, 2.0}, {3.0, 4.0}}, "x");
    return dot_of(sum(tanh(x) * x + exp(x)));
  };
  EXPECT_EQ(draw(), draw());
}

TEST(Dot, shows_values_gradients_and_local_derivatives_only_when_asked) {
  const KeepValues keep;
  const Tensor x = variable(3.0, "x");
  const Tensor y = (x * 7.0).named("y");
  const Gradients found = gradients(y, {x});
  const std::string bare = dot_of(y, {.values = false, .local_derivatives = false});
  EXPECT_FALSE(mentions(bare, {">21<"}));
  EXPECT_FALSE(mentions(bare, {"∂y/∂x"}));
  EXPECT_FALSE(mentions(bare, {"dy/dx"}));
  EXPECT_TRUE(mentions(dot_of(y, {.gradients = &found}), {">21<", "∂y/∂x = 7", "dy/dx = 7"}));
}

TEST(Dot, tells_variables_constants_operations_and_the_output_apart) {
  const KeepValues keep;
  const Tensor x = variable(3.0, "x");
  const Tensor y = exp(x * tensor(7.0).named("c")).named("y");
  const std::string dot = dot_of(y);
  EXPECT_EQ(count(dot, "fillcolor=\"#E3F1FA\""), 1U) << "the variable";
  EXPECT_EQ(count(dot, "fillcolor=\"#F2F2F2\""), 1U) << "the constant";
  EXPECT_EQ(count(dot, "fillcolor=\"#FFFFFF\""), 1U) << "the operation between";
  EXPECT_EQ(count(dot, "fillcolor=\"#FFF6D6\""), 1U) << "the output";
}

TEST(Dot, draws_one_edge_per_use_and_none_for_the_derivative_of_a_constant) {
  const KeepValues keep;
  const Tensor x = variable(3.0, "x");
  const std::string dot = dot_of((x * x + 1.0).named("y"));
  EXPECT_EQ(count(dot, "n0 -> n1 [label=<∂v1/∂x = x = 3>];"), 2U);
  EXPECT_EQ(count(dot, " -> "), 4U);
  EXPECT_EQ(count(dot, "∂"), 2U + 2U + 2U);
}

TEST(Dot, shows_the_elements_of_small_arrays_and_the_range_of_larger_ones) {
  const KeepValues keep;
  EXPECT_TRUE(mentions(dot_of(variable({{1.0, -2.5}}, "x")), {">1<", ">-2.5<", "(1, 2)"}));
  const Tensor large = variable(arange(0, 100, DType::float64), "x");
  EXPECT_TRUE(mentions(dot_of(large), {"min", ">0<", "mean", ">49.5<", "max", ">99<", "(100,)"}));
}

TEST(Dot, says_which_values_have_been_released) {
  const Tensor x = variable({1.0, 2.0}, "x");
  const Tensor y = sum(x + x);  // the sum reads no values, so x + x keeps none
  EXPECT_TRUE(mentions(dot_of(y), {"(released)"}));
}

TEST(Dot, escapes_names_of_every_kind) {
  const std::string names[] = {
      "a\"b",    "a\\b",     "<b>&amp;</b>",         "x]", "]]>", "[", "a\nb", "日本語θ₁",
      "\\N \\G", "\xff\xfe", std::string("a\0b", 3), "",   "}",   "]"};
  for (const std::string& name : names) {
    const Tensor x = variable(1.0, name);
    const std::string texts = texts_of(dot_of((x * x).named(name)));
    EXPECT_EQ(count("\n" + texts, "\n1\n"), 2U)
        << "the values of both nodes, beside the name " << name << ": " << texts;
  }
  EXPECT_EQ(texts_of(dot_of(variable(1.0, "a\"b<c>&\\N"))), "a&quot;b&lt;c&gt;&amp;\\N\n1\n");
  EXPECT_EQ(texts_of(dot_of(variable(1.0, "日本\\語]"))), "日本\\語]\n1\n");
  EXPECT_EQ(texts_of(dot_of(variable(1.0, "a\nb\xff\x1b"))), "a b\uFFFD\uFFFD\n1\n");
}

TEST(Dot, cuts_long_names_between_characters) {
  std::string name;
  for (int i = 0; i < 10000; ++i) name += "θ";
  const std::string dot = dot_of(variable(1.0, name));
  EXPECT_LT(dot.size(), 2000U);
  EXPECT_TRUE(mentions(texts_of(dot), {"θθθ…\n"}));
}

TEST(Dot, of_a_long_chain_needs_no_recursion) {
  Tensor y = variable(1.0, "x");
  for (int i = 0; i < 20000; ++i) y = y + 1.0;
  run_on_stack(1 << 20, [&] { EXPECT_EQ(count(dot_of(y), " -> "), 40000U); });
}

TEST(Dot, frames_scopes_as_clusters_with_the_parameters_that_they_use) {
  Generator random(1);
  const Mlp network({4, 3, 2}, random);
  Tensor loss;
  {
    const Scope scope("a \"<b>\\ model");
    loss = sum(network(ones({1, 4})));
  }
  const std::string dot = dot_of(loss);
  EXPECT_EQ(count(dot, "subgraph cluster_"), 3U) << "the model, and in it two layers";
  const std::string layer =
      dot.substr(dot.find("label=<layer1>"), dot.find("label=<layer2>") - dot.find("label=<layer1>"));
  EXPECT_TRUE(mentions(layer, {"layer1.weight", "layer1.bias", "relu"}));
  EXPECT_TRUE(mentions(texts_of(dot), {"a &quot;&lt;b&gt;\\ model\n", "layer2\n"}));
}

TEST(Dot, of_a_network_is_the_one_that_was_looked_at) {
  const KeepValues keep;
  const Linear one(Parameter(tensor({{0.5, -1.0}, {1.0, 0.25}}), "one.weight"),
                   Parameter(tensor({0.0, 0.5}), "one.bias"));
  const Linear two(Parameter(tensor({{1.0, -0.5}, {-0.25, 2.0}}), "two.weight"),
                   Parameter(tensor({0.0, 0.0}), "two.bias"));
  const Tensor x = tensor({{1.0, 2.0}, {-1.0, 0.5}}).named("x"), y = tensor({0, 1}).named("y");
  const Tensor loss = cross_entropy(Mlp({one, two})(x), y).named("loss");
  const Gradients found = gradients(loss, {}, {.all_nodes = true});
  const std::string expected = read_file(tests_path("draw/network.dot"));
  EXPECT_EQ(dot_of(loss, {.gradients = &found, .dtypes = true, .costs = true, .legend = true}), expected);
}

TEST(Dot, shows_types_costs_and_places_when_asked) {
  const Tensor a = variable(ones({2, 3}, DType::float32), "a"),
               b = variable(ones({3, 5}, DType::float32), "b");
  const Tensor product = matmul(a, b).named("c");
  const std::string plain = dot_of(product);
  const std::string full = dot_of(product, {.dtypes = true, .costs = true, .source = true, .legend = true});
  for (const char* shown : {"float32", "40 B, 60 flop", "dot_test.cpp:", "variable, wants a gradient"}) {
    EXPECT_TRUE(mentions(full, {shown}));
    EXPECT_FALSE(mentions(plain, {shown}));
  }
  EXPECT_FALSE(mentions(dot_of(product, {.shapes = false}), {"(2, 3)"}));
}

TEST(Dot, gives_what_is_not_finite_a_border_of_its_own_and_counts_it) {
  const KeepValues keep;
  const Tensor x = variable(linspace(-10, 9, 20, DType::float64), "x"), loss = sum(log(x));
  const Gradients found = gradients(loss, {}, {.all_nodes = true});
  const std::string dot = dot_of(loss, {.gradients = &found, .colour_by_gradient = true});
  EXPECT_TRUE(mentions(dot, {"10 of 20", "#B5179E"}));
  EXPECT_TRUE(mentions(dot, {">norm&nbsp;<"}));
  EXPECT_FALSE(mentions(dot_of(sum(exp(x))), {"#B5179E"}));
}

TEST(Dot, colours_by_the_time_that_a_profile_has_measured) {
  const Profile profile;
  const Tensor x = variable(ones({40, 40}), "x");
  const Tensor loss = sum(matmul(x, x).named("product")).named("loss");
  const Gradients found = gradients(loss, {}, {.all_nodes = true});
  const GraphRecord graph(loss, &found, &profile);
  EXPECT_FALSE(graph.nodes.front().time.has_value()) << "a leaf takes no time";
  EXPECT_GT(graph.nodes[1].time->forward, 0);
  EXPECT_GT(graph.nodes[1].time->backward, 0);
  std::ostringstream coloured, plain;
  write_dot(coloured, graph, {.legend = true, .times = true, .colour_by_time = true});
  EXPECT_TRUE(mentions(coloured.str(), {"s, backward ", "tooltip=\"product: ", "below 1 % of the time"}));
  write_dot(plain, graph);
  EXPECT_FALSE(mentions(plain.str(), {", backward "}));
  const TemporaryFile file("", ".graph.json");
  save_graph(graph, file.path());
  EXPECT_EQ(load_graph(file.path()).nodes[1].time->backward, graph.nodes[1].time->backward);
  std::ostringstream page;
  write_html(page, load_graph(file.path()), {.colour_by_time = true});
  EXPECT_TRUE(mentions(page.str(), {"\"hasTimes\":true", "\"byTime\":true", "25 % to 50 %"}));
}

TEST(Dot, frames_what_a_transform_runs_with_its_name) {
  const KeepValues keep;
  const Tensor w = variable({1.0, 2.0}, "w"), x = tensor({{1.0, 2.0}, {3.0, 4.0}});
  const auto f = [&](const Tensor& each) { return sum(tanh(each * w)); };
  EXPECT_TRUE(mentions(dot_of(sum(vmap(f)(x))), {"label=<vmap>"}));
  EXPECT_TRUE(mentions(dot_of(jvp(f, x[0], x[1]).tangent), {"label=<jvp>"}));
  EXPECT_TRUE(mentions(dot_of(checkpoint(f)(x)), {"label=<checkpoint>"}));
}

TEST(Svg, shows_names_that_are_markup_as_text) {
  std::ostringstream svg;
  write_svg(svg, variable(1.0, "<script>alert(1)</script>"));
  EXPECT_EQ(svg.str().find("<script"), std::string::npos);
  EXPECT_TRUE(mentions(svg.str(), {"&lt;script&gt;alert(1)&lt;/script&gt;"}));
}

TEST(Svg, of_what_is_too_large_or_entangled_is_refused_with_a_hint) {
  const auto refused = [](const Tensor& output) {
    std::ostringstream svg;
    return message_of<IoError>([&] { write_svg(svg, output, {.local_derivatives = false}); });
  };
  const Tensor x = variable(1.0, "x");
  Tensor entangled = x, lengthy = x;
  for (int i = 0; i < 400; ++i) entangled = tanh(entangled) * x;
  for (int i = 0; i < 20000; ++i) lengthy = tanh(lengthy);
  EXPECT_TRUE(mentions(refused(entangled), {"too entangled", ".html"}));
  EXPECT_TRUE(mentions(refused(lengthy), {"20001 nodes are too many", ".html"}));
}

TEST(Render, understands_edges_to_nodes_that_come_before) {
  EXPECT_TRUE(render_dot("digraph { a; b; c; c -> a; b -> a; a -> b; }", "svg").starts_with("<?xml"));
}

TEST(Render, writes_each_format) {
  const std::string dot = dot_of(variable(1.0, "x"));
  const std::pair<std::string, std::string> starts[] = {
      {"svg", "<?xml"}, {"png", "\x89PNG\r\n"}, {"pdf", "%PDF-"}};
  for (const auto& [format, start] : starts) {
    const TemporaryFile file("", "." + format);
    render_dot(dot, format, file.path());
    EXPECT_TRUE(read_file(file.path()).starts_with(start)) << format;
  }
}

TEST(Render, gives_the_picture_as_a_string_as_well) {
  const std::string dot = dot_of(variable(1.0, "x"));
  const TemporaryFile file("", ".svg");
  render_dot(dot, "svg", file.path());
  EXPECT_EQ(render_dot(dot, "svg"), read_file(file.path()));
  EXPECT_TRUE(
      mentions(message_of<IoError>([&] { render_dot(dot, "gif of my cat"); }), {"Graphviz cannot draw as"}));
}

TEST(Render, refuses_what_it_cannot_draw_or_write) {
  const std::string dot = dot_of(variable(1.0, "x"));
  const auto complaint = [](const std::string& text, const std::string& format, const std::string& path) {
    return message_of<IoError>([&] { render_dot(text, format, path); });
  };
  EXPECT_EQ(complaint(dot, "gif", "a.gif"), "a.gif: no format 'gif'; there are svg, png and pdf");
  EXPECT_EQ(complaint(dot, "svg", "/nowhere/a.svg"),
            "/nowhere/a.svg: it cannot be written: No such file or directory");
  EXPECT_TRUE(mentions(complaint("digraph { a -> ", "svg", "a.svg"),
                       {"Graphviz cannot read the graph", "syntax error"}));
  EXPECT_TRUE(
      mentions(complaint("digraph { a [label=<<B>>]; }", "svg", "a.svg"), {"Graphviz cannot draw as 'svg'"}));
  EXPECT_FALSE(std::filesystem::exists("a.svg"));
}

TEST(Render, notices_a_full_disk) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  EXPECT_EQ(message_of<IoError>([] { render_dot("digraph {}", "svg", "/dev/full"); }),
            "/dev/full: it cannot be written: No space left on device");
}

}  // namespace
}  // namespace chainrule::test
