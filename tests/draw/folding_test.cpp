// How graphs fold: every connection arrives, whatever is open.
// Relies on support.h, and on nothing that has a screen.

#include "draw/graph/folding.h"

#include <set>

#include "support.h"

namespace chainrule::test {
namespace {

using Kind = Folding::End::Kind;

/// Every connection of the graph arrives, however it is folded: from each input, links lead through ports up
/// and down to what reads it.
void check_connections(const GraphRecord& graph, const Folding& folding) {
  std::vector<std::size_t> item_of(graph.nodes.size());
  std::set<std::size_t> placed;
  for (const Folding::Part& part : folding.parts)
    for (std::size_t i = 0; i < part.items.size(); ++i)
      if (!part.items[i].is_part) {
        item_of[part.items[i].index] = i;
        EXPECT_TRUE(placed.insert(part.items[i].index).second) << "in one part only";
      }
  EXPECT_EQ(placed.size(), graph.nodes.size());

  std::size_t missing = 0;
  for (std::size_t to = 0; to < graph.nodes.size(); ++to)
    for (const std::size_t from : graph.nodes[to].inputs) {
      const Folding::Part& part = folding.parts[folding.part_of[to]];
      bool arrives = false;
      for (const Folding::Link& link : part.links)
        arrives = arrives || (link.to == Folding::End{Kind::item, item_of[to]} &&
                              std::binary_search(link.sources.begin(), link.sources.end(), from));
      missing += arrives ? 0 : 1;
    }
  EXPECT_EQ(missing, 0U);
  for (const Folding::Part& part : folding.parts) EXPECT_LE(part.items.size(), Folding::most_at_once);
}

TEST(Folding, has_a_part_for_each_scope_and_ports_where_connections_cross) {
  const KeepValues keep;
  const Tensor x = variable(2.0, "x");
  Tensor y, z;
  {
    const Scope scope("one");
    y = exp(x).named("y");
  }
  {
    const Scope scope("two");
    z = (y * x).named("z");
  }
  const GraphRecord graph((z + y).named("L"));
  const Folding folding(graph);
  ASSERT_EQ(folding.parts.size(), 3U);
  const Folding::Part &whole = folding.parts[0], &one = folding.parts[1], &two = folding.parts[2];
  EXPECT_EQ(one.name, "one");
  EXPECT_EQ(whole.items.size(), 4U);                       // x, one, two, L
  EXPECT_EQ(whole.links.size(), 5U);                       // x to both, one to two and L, two to L
  EXPECT_EQ(one.in_ports, std::vector<std::size_t>({0}));  // x
  EXPECT_EQ(one.out_ports.size(), 1U) << "y, read twice, leaves once";
  EXPECT_EQ(two.in_ports.size(), 2U);
  check_connections(graph, folding);
}

TEST(Folding, folds_what_is_too_much_into_runs_at_every_level) {
  Tensor x = variable(1.0, "x");
  for (int i = 0; i < 20000; ++i) x = tanh(x * 1.01);
  const GraphRecord graph(x);
  const Folding folding(graph);
  EXPECT_GT(folding.parts.size(), 1000U);
  EXPECT_LE(folding.parts[0].items.size(), 30U);
  EXPECT_EQ(folding.parts[1].name.substr(0, 7), "x … v");
  for (std::size_t i = 1; i < folding.parts.size(); ++i) EXPECT_LT(folding.parts[i].parent, i);
  check_connections(graph, folding);
}

TEST(Folding, folds_what_is_entangled_though_it_is_small) {
  const Tensor x = variable(1.0, "x");
  Tensor y = x;
  for (int i = 0; i < 200; ++i) y = tanh(y) * x;
  EXPECT_GT(Folding(GraphRecord(y)).parts.size(), 1U);
}

TEST(Folding, lets_scopes_nest_without_recursion_or_end) {
  Tensor x = variable(1.0, "x");
  std::vector<std::unique_ptr<Scope>> scopes;
  for (int i = 0; i < 300; ++i) {
    scopes.push_back(std::make_unique<Scope>("deeper"));
    x = x + 1.0;
  }
  while (!scopes.empty()) scopes.pop_back();
  const GraphRecord graph(x);
  check_connections(graph, Folding(graph));
}

}  // namespace
}  // namespace chainrule::test
