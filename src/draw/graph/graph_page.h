// What the page of a graph (page/graph.js) is given. It can be made without Graphviz; where boxes stand is
// added by render/graph_page.cpp.

#pragma once

#include <nlohmann/json.hpp>

#include "draw/graph/pictures.h"
#include "draw/look.h"

namespace chainrule {

/// The lines in a node's box. Empty ones take no room.
struct BoxText {
  std::string title{}, sign{}, shape{}, value{}, gradient{}, time{};
};
BoxText box_text(const GraphRecord& graph, std::size_t node, const DrawOptions& options);
Size box_size(const BoxText& text);
Size box_size(const Folding::Part& part);

/// Everything in the page: nodes, parts and pictures, as short as possible, since there may be 100,000 nodes.
nlohmann::ordered_json page_data(const GraphRecord& graph, const Folding& folding, const Pictures& pictures,
                                 std::span<const BoxText> boxes, const DrawOptions& options);

/// What strikes at first: where numbers stop being finite, which gradients vanish. A text, and the node
/// that it is about.
struct Finding {
  std::string text;
  std::size_t node;
};
std::vector<Finding> findings(const GraphRecord& graph);

}  // namespace chainrule
