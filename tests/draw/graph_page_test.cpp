// The page of a graph: its data, what it opens with, and names that must not harm it. The page is read as
// JSON and markup; tests/browser opens it.

#include "draw/graph/graph_page.h"

#include <cmath>
#include <sstream>

#include "chainrule/nn.h"
#include "support.h"

namespace chainrule::test {
namespace {

std::string page_of(const Tensor& output, const DrawOptions& options = {}) {
  std::ostringstream out;
  write_html(out, output, options);
  return out.str();
}

nlohmann::json data_of(const std::string& page) {
  const std::string start = "<script type=\"application/json\" id=\"data\">";
  const std::size_t begin = page.find(start) + start.size();
  return nlohmann::json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

TEST(GraphPage, holds_nodes_parts_and_pictures) {
  const KeepValues keep;
  const Tensor x = variable(-2.0, "x"), y = variable(5.0, "y"), z = variable(-4.0, "z");
  const Tensor loss = ((x + y).named("q") * z).named("L");
  const Gradients found = gradients(loss, {}, {.all_nodes = true});
  const std::string page = page_of(loss, {.gradients = &found});
  EXPECT_LT(page.size(), 100000U);
  const nlohmann::json data = data_of(page);
  EXPECT_EQ(data["open"], true);
  ASSERT_EQ(data["nodes"].size(), 5U);
  EXPECT_EQ(data["nodes"][2][0], "q");
  EXPECT_EQ(data["nodes"][2][7][3], "3");
  EXPECT_EQ(data["nodes"][2][7][4], "grad -4");
  EXPECT_EQ(data["parts"].size(), 1U);
  EXPECT_EQ(data["pictures"][0][3].size(), 4U) << "a curve for each edge";
}

TEST(GraphPage, is_the_same_every_time) {
  const auto draw = [] {
    Generator random(1);
    const Mlp network({4, 3, 2}, random);
    return page_of(sum(network(ones({2, 4}))));
  };
  EXPECT_EQ(draw(), draw());
}

TEST(GraphPage, is_harmed_by_no_name) {
  std::string lengthy(10000, 'x');
  for (const std::string& name :
       {std::string("</script><script>alert(1)</script>"), std::string("<!-- <script>"),
        std::string("a\"b\\c\n"), std::string("\xff\x01"), std::string("日本"), lengthy}) {
    const Scope scope(name);
    const std::string page = page_of(exp(variable(1.0, name)).named(name));
    EXPECT_EQ(page.find("<script>alert"), std::string::npos);
    EXPECT_EQ(data_of(page)["nodes"].size(), 2U);
    EXPECT_LT(page.size(), 100000U) << "long names are cut";
  }
}

TEST(GraphPage, opens_folded_when_there_are_many_nodes_and_lays_equal_parts_out_once) {
  Tensor x = variable(1.0, "x");
  for (int i = 0; i < 200; ++i) {
    const Scope scope("layer" + std::to_string(i));
    x = tanh(x * 0.5);
  }
  const nlohmann::json data = data_of(page_of(x));
  EXPECT_EQ(data["open"], false);
  EXPECT_EQ(data["parts"].size(), 201U);
  EXPECT_LT(data["pictures"].size(), 10U);
}

TEST(Findings, point_at_the_first_broken_value_and_gradient) {
  const KeepValues keep;
  const Tensor x = variable(-1.0, "x"), y = log(x).named("y"), loss = (y * 2.0).named("L");
  const Gradients found = gradients(loss, {}, {.all_nodes = true});
  const GraphRecord graph(loss, &found);
  const auto found_out = findings(graph);
  ASSERT_GE(found_out.size(), 1U);
  EXPECT_TRUE(mentions(found_out[0].text, {"2 values are NaN or infinite"}));
  EXPECT_EQ(graph.nodes[found_out[0].node].label, "y");
}

TEST(GradientClasses, tell_vanishing_from_exploding_and_broken) {
  const auto class_of = [](double gradient) {
    RecordedNode node;
    node.gradient = summary(tensor(gradient));
    return gradient_classes[gradient_class(node)].meaning;
  };
  EXPECT_EQ(class_of(0), "exactly 0");
  EXPECT_EQ(class_of(-1e-12), "below 1e-8");
  EXPECT_EQ(class_of(1e-8), "1e-8 to 1e-6");
  EXPECT_EQ(class_of(-1), "1e-4 to 1e2");
  EXPECT_EQ(class_of(1e200), "1e6 and more");
  EXPECT_EQ(class_of(std::nan("")), "NaN or infinite");
  EXPECT_EQ(gradient_class(RecordedNode()), 0U);
}

}  // namespace
}  // namespace chainrule::test
