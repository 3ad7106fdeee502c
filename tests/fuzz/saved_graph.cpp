// Fuzz target: bytes as a saved graph, which is read and drawn or refused.
// files.h has it in memory.

#include <sstream>

#include "chainrule/draw.h"
#include "files.h"

namespace chainrule::fuzz {
namespace {

std::string drawn(const GraphRecord& graph) {
  std::ostringstream out;
  write_dot(out, graph,
            {.dtypes = true, .costs = true, .source = true, .legend = true, .colour_by_gradient = true});
  write_dot(out, graph);
  return std::move(out).str();
}

}  // namespace

static void saved_graph(Bytes bytes) {
  GraphRecord graph;
  try {
    graph = load_graph(file_of(bytes));
  } catch (const ParseError&) {
    return;
  }
  const std::string before = drawn(graph);
  save_graph(graph, scratch_path());
  if (drawn(load_graph(scratch_path())) != before)
    throw Finding("another drawing when the graph is saved and loaded again, of\n" + before);
}
static const Registered registered("saved_graph", saved_graph);

}  // namespace chainrule::fuzz
