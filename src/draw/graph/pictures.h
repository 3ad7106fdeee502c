// Where everything in each part of a folded graph stands.
// The inner parts come first, as their sizes are what the outer ones hold.

#pragma once

#include <span>

#include "draw/graph/folding.h"
#include "draw/layout.h"

namespace chainrule {

struct Size {
  double width = 0, height = 0;
};

/// Where everything in each part stands. Parts that look the same but for names share a picture, so a loop's
/// thousand equal layers cost the layout of one.
struct Pictures {
  /// Inner parts are boxes. The nodes are the items, the ports on the left, then those on the right; the
  /// edges are the links.
  std::vector<Layout> layouts;
  static constexpr std::size_t none = ~std::size_t{0};
  std::vector<std::size_t> of_part;  ///< position in layouts; none for a part too entangled to be laid out
};

/// What Graphviz gets to see of a part: boxes and lines, no text.
std::string picture_dot(const Folding::Part& part, std::span<const Size> nodes, std::span<const Size> parts);

/// `nodes` and `parts` are the sizes of the boxes. Needs chainrule::render.
Pictures lay_out(const Folding& folding, std::span<const Size> nodes, std::span<const Size> parts);

}  // namespace chainrule
