// Where Graphviz puts nodes and edges, as plain numbers: what pictures that are not drawn by it, walks and
// pages, need of it.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "draw/svg.h"

namespace chainrule {

/// Where Graphviz puts the nodes n0, n1, ... and the edges with the ids e0, e1, ... of a graph, in points
/// from its upper left corner.
struct Layout {
  struct Line {
    std::vector<Point> curve;  ///< where it starts, and three points for each cubic Bézier curve
    Point tip;                 ///< of the arrow that it ends in
    std::optional<Point> label;
  };
  double width = 0, height = 0;
  std::vector<Point> nodes;  ///< their middles
  std::vector<Line> edges;
};

/// Needs chainrule::render. IoError when Graphviz cannot lay the graph out.
Layout layout_of(const std::string& dot);

}  // namespace chainrule
