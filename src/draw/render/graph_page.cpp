// The page of a graph, laid out by Graphviz: joins what graph/graph_page.h says with where everything stands.
// Relies on layout.h for the places.

#include "draw/graph/graph_page.h"
#include "draw/markup.h"
#include "draw/page/page.h"

namespace chainrule {

void write_html(std::ostream& out, const GraphRecord& graph, const DrawOptions& options) {
  const Folding folding(graph);
  std::vector<BoxText> boxes;
  std::vector<Size> nodes, parts;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    boxes.push_back(box_text(graph, i, options));
    nodes.push_back(box_size(boxes.back()));
  }
  for (const Folding::Part& part : folding.parts) parts.push_back(box_size(part));
  const Pictures pictures = lay_out(folding, nodes, parts);
  write_page(out, {.title = graph.nodes.empty() ? "An empty graph"
                                                : "The graph of " + shortened(graph.nodes.back().label, 80),
                   .body = std::string(page_file("graph.html")),
                   .styles = {"graph.css"},
                   .scripts = {"graph_layout.js", "graph.js"},
                   .data = script_data(page_data(graph, folding, pictures, boxes, options))});
}

void write_html(std::ostream& out, const Tensor& output, const DrawOptions& options) {
  write_html(out, GraphRecord(output, options.gradients), options);
}

}  // namespace chainrule
