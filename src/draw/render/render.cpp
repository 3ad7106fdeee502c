// DOT as SVG, PNG and PDF, by the library of Graphviz. It is called by one thread at a time, and what it
// complains of becomes an error.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <unordered_map>

#include "chainrule/draw.h"
#include "chainrule/io.h"
#include "draw/render/graphviz.h"

namespace chainrule {
namespace {

/// What Graphviz said last. It reports to a function, and the function has no argument for a place to put it.
std::string& complaint() {
  static std::string text;
  return text;
}
int note_complaint(char* text) {
  complaint() += text;
  return 0;
}

[[noreturn]] void fail(const std::string& what) {
  std::string said = complaint();
  while (said.ends_with('\n')) said.pop_back();
  throw IoError("Graphviz " + what + (said.empty() ? "" : ": " + said));
}

/// How many ranks the edges cross in all. Laying out takes time with the third power of it: one variable
/// that 60 operations in a row use, with texts on the edges, is 5 s, 300 are hours.
std::size_t total_span(const Graphviz& graphviz, graph_t* graph) {
  // Nodes come before those that use them. In somebody else's DOT they may not, and this is an estimate.
  std::unordered_map<node_t*, std::size_t> ranks;
  for (node_t* node = graphviz.agfstnode(graph); node != nullptr; node = graphviz.agnxtnode(graph, node))
    for (edge_t* edge = graphviz.agfstin(graph, node); edge != nullptr; edge = graphviz.agnxtin(graph, edge))
      ranks[node] = std::max(ranks[node], ranks[agtail(edge)] + 1);

  std::size_t span = 0;
  for (node_t* node = graphviz.agfstnode(graph); node != nullptr; node = graphviz.agnxtnode(graph, node)) {
    std::size_t nearest = SIZE_MAX;
    for (edge_t* edge = graphviz.agfstout(graph, node); edge != nullptr;
         edge = graphviz.agnxtout(graph, edge))
      nearest = std::min(nearest, ranks[aghead(edge)]);
    // A leaf stands right before its first use.
    const std::size_t next = graphviz.agfstin(graph, node) != nullptr ? ranks[node] + 1 : nearest;
    for (edge_t* edge = graphviz.agfstout(graph, node); edge != nullptr;
         edge = graphviz.agnxtout(graph, edge))
      span += std::max(ranks[aghead(edge)], next) - next;
  }
  return span;
}

/// Sets an attribute of the graph, or of its edges. Graphviz is C from before const.
void set(void* graph_or_edge, std::string name, std::string value, std::string otherwise = "") {
  Graphviz::get().agsafeset(graph_or_edge, name.data(), value.data(), otherwise.data());
}

/// Makes a layout that would take very long take less, at the price of the texts on the edges, which nobody
/// reads in so large a picture; or gives up.
void keep_layout_quick(const Graphviz& graphviz, graph_t* graph) {
  constexpr std::size_t comfortable = 500, feasible = 25000, most_nodes = 3000, many_nodes = 500;
  constexpr const char* remedy =
      "; write an .html page, which shows it in parts, or a .dot file for sfdp -Tsvg";
  const auto nodes = static_cast<std::size_t>(graphviz.agnnodes(graph));
  if (nodes > most_nodes)
    throw IoError(std::to_string(nodes) + " nodes are too many to be drawn at once" + remedy);
  const std::size_t span = total_span(graphviz, graph);
  if (span > feasible)
    throw IoError("the graph is too entangled to be drawn at once, as its edges pass by " +
                  std::to_string(span) + " nodes" + remedy);
  if (span <= comfortable && nodes <= many_nodes) return;
  set(graph, "nslimit", "0.1");
  set(graph, "nslimit1", "1");
  set(graph, "mclimit", "0.1");
  for (node_t* node = graphviz.agfstnode(graph); node != nullptr; node = graphviz.agnxtnode(graph, node))
    for (edge_t* edge = graphviz.agfstout(graph, node); edge != nullptr;
         edge = graphviz.agnxtout(graph, edge))
      set(edge, "label", "");
}

std::string draw(const Graphviz& graphviz, const std::string& dot, const std::string& format) {
  // One for the life of the program: Graphviz 2.42 goes on comparing with the fonts of the drawing before,
  // which would be gone with its context.
  static GVC_t* const context = graphviz.gvContext();
  if (context == nullptr) fail("cannot start");
  const std::unique_ptr<graph_t, decltype(graphviz.agclose)> graph(graphviz.agmemread(dot.c_str()),
                                                                   graphviz.agclose);
  if (!graph) fail("cannot read the graph");
  keep_layout_quick(graphviz, graph.get());
  if (format == "png") set(graph.get(), "dpi", "144");  // sharp on a projector
  if (graphviz.gvLayout(context, graph.get(), "dot") != 0) fail("cannot lay the graph out");
  const auto take_down = [&](graph_t* laid_out) { graphviz.gvFreeLayout(context, laid_out); };
  const std::unique_ptr<graph_t, decltype(take_down)> layout(graph.get(), take_down);

  char* data = nullptr;
  unsigned int size = 0;
  const int status = graphviz.gvRenderData(context, graph.get(), format.c_str(), &data, &size);
  const std::unique_ptr<char, decltype(graphviz.gvFreeRenderData)> owner(data, graphviz.gvFreeRenderData);
  // A label with a mistake in it is reported, but replaced by the node's number, and drawn without it.
  if (status != 0 || !data || complaint().find("rror") != std::string::npos)
    fail("cannot draw as '" + format + "'");
  return {data, size};
}

}  // namespace

std::string render_dot(const std::string& dot, const std::string& format) {
  static std::mutex one_at_a_time;  // Graphviz keeps global state
  const std::lock_guard lock(one_at_a_time);
  const Graphviz& graphviz = Graphviz::get();
  complaint().clear();
  graphviz.agseterrf(note_complaint);
  return draw(graphviz, dot, format);
}

void render_dot(const std::string& dot, const std::string& format, const std::string& path) {
  if (format != "svg" && format != "png" && format != "pdf")
    throw IoError(path + ": no format '" + format + "'; there are svg, png and pdf");
  save_file(path, render_dot(dot, format));
}

void write_svg(std::ostream& out, const GraphRecord& graph, const DrawOptions& options) {
  std::ostringstream dot;
  write_dot(dot, graph, options);
  out << render_dot(dot.str(), "svg");
}

void write_svg(std::ostream& out, const Tensor& output, const DrawOptions& options) {
  write_svg(out, GraphRecord(output, options.gradients), options);
}

}  // namespace chainrule
