// The graph of a walk in TikZ.
// Places are the layout's, and what is known the scene's, as in SVG.

#pragma once

#include <string>
#include <vector>

#include "draw/layout.h"
#include "draw/walk/walk_scene.h"

namespace chainrule {

/// The graph of a walk in TikZ, with what is known after the last step.
class LatexGraph {
 public:
  LatexGraph(const Walk& walk, const WalkScene& scene);

  /// For Graphviz to lay out, in points: from the left to the right, as "LR", or down the page, as "TB".
  std::string dot(const char* direction) const;
  /// How much smaller than its text is meant to be the graph gets on a page of A4; 1 where it has room.
  static double scale(const Layout& layout);
  /// In a box that is made smaller where the page is; a sentence instead where nothing could be read any
  /// more.
  std::string picture(const Layout& layout) const;

 private:
  struct Node {
    std::string style, text;
    double width = 0, height = 0;
    void add_line(const std::string& line, double line_width, double line_height);
  };
  struct Edge {
    std::size_t from = 0, to = 0;
    std::string label{};
    double width = 0;
  };
  Node node(std::size_t position, const WalkScene& scene) const;
  void label_edges();

  const Walk& walk_;
  std::vector<Node> nodes_;
  std::vector<Edge> edges_;
};

}  // namespace chainrule
