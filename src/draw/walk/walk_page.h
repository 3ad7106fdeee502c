// The page that steps through a walk, and single frames of it.
// Relies on a scene for the graph.

#pragma once

#include "draw/walk/latex_graph.h"
#include "draw/walk/walk_scene.h"

namespace chainrule {

/// The page that steps through a walk.
std::string walk_page(const Walk& walk, const WalkScene& scene);

/// The steps as a document of LaTeX, with the graph in TikZ in this layout of it.
std::string walk_latex(const Walk& walk, const LatexGraph& graph, const Layout& layout);

/// One frame as a picture by itself, in SVG: what happens, its equation, and the graph. All are of one size.
class WalkPicture {
 public:
  WalkPicture(const Walk& walk, const WalkScene& scene);
  double width() const { return width_; }
  double height() const { return height_; }
  std::string svg(std::size_t frame) const;

 private:
  const Walk& walk_;
  const WalkScene& scene_;
  double width_ = 0, height_ = 0, header_ = 0;
};

/// "Forward 2 of 3", "Backward 1 of 4: from q to x".
std::string heading(const Walk& walk, const WalkScene& scene, std::size_t frame);

}  // namespace chainrule
