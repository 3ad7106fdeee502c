// Scopes: which nodes remember which, nesting, threads, and those that layers open.
// support.h reads and compares tensors.

#include <thread>

#include "chainrule/graph.h"
#include "chainrule/nn.h"
#include "chainrule/random.h"
#include "support.h"

namespace chainrule::test {
namespace {

/// "encoder/attention" for the node of a tensor.
std::string path(const Graph& graph, const Tensor& tensor) {
  std::string text;
  for (std::size_t scope = graph.nodes()[graph.position(tensor)].scope; scope != 0;
       scope = graph.scopes()[scope].parent)
    text = graph.scopes()[scope].name + (text.empty() ? "" : "/") + text;
  return text;
}

TEST(Scope, is_remembered_by_the_nodes_made_in_it) {
  const Tensor x = variable(1.0, "x");
  Tensor inner, middle, after;
  {
    const Scope encoder("encoder");
    const Tensor first = x * 2.0;
    {
      const Scope attention("attention");
      inner = tanh(first);
    }
    middle = exp(inner);
  }
  after = middle + 1.0;
  const Graph graph(after);
  EXPECT_EQ(path(graph, x), "");
  EXPECT_EQ(path(graph, inner), "encoder/attention");
  EXPECT_EQ(path(graph, middle), "encoder");
  EXPECT_EQ(path(graph, after), "");
  EXPECT_EQ(graph.scopes().size(), 3U) << "outside, encoder, attention";
}

TEST(Scope, of_the_same_name_in_the_same_place_is_the_same) {
  const auto step = [](const Tensor& x) {
    const Scope cell("cell");
    return tanh(x);
  };
  const Tensor first = step(variable(1.0)), second = step(first);
  Tensor third;
  {
    const Scope other("other");
    third = step(second);
  }
  const Graph graph(third);
  EXPECT_EQ(graph.nodes()[graph.position(first)].scope, graph.nodes()[graph.position(second)].scope);
  EXPECT_EQ(path(graph, third), "other/cell");
}

TEST(Scope, is_of_its_thread) {
  const Scope scope("outer");
  Tensor elsewhere;
  std::thread([&] { elsewhere = variable(1.0) + 1.0; }).join();
  const Graph graph(elsewhere);
  EXPECT_EQ(path(graph, elsewhere), "");
}

TEST(Scope, without_a_name_is_none) {
  const Scope scope("");
  const Tensor x = variable(1.0);
  EXPECT_EQ(Graph(x).scopes().size(), 1U);
}

TEST(Scope, is_opened_by_the_layers_of_an_mlp) {
  Generator generator(0);
  const Mlp mlp({3, 4, 2}, generator);
  const Tensor output = mlp(ones({5, 3}));
  const Graph graph(output);
  EXPECT_EQ(path(graph, output), "layer2");
  const Tensor relu = graph.nodes()[graph.output().inputs.front()].tensor;
  EXPECT_EQ(path(graph, relu), "layer1");
  EXPECT_EQ(graph.scopes().size(), 3U);
  const Linear unnamed(Parameter(ones({2, 3}), "W"), Parameter(ones({2}), "b"));
  EXPECT_EQ(Graph(unnamed(ones({3}))).scopes().size(), 1U);
}

}  // namespace
}  // namespace chainrule::test
