// The graph of a walk as it looks while the walk goes on, in SVG.
// Relies on a layout for places and on heat_map.h for arrays.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "chainrule/walk.h"
#include "draw/layout.h"
#include "draw/walk/heat_map.h"

namespace chainrule {

/// The graph of a walk as it looks while the walk goes on, in SVG. A frame is what is on the screen at a
/// time: first the expression with what is given, then each further step, and one that says so when there are
/// no gradients. The same layout serves all frames, so that nothing moves.
class WalkScene {
 public:
  explicit WalkScene(const Walk& walk);

  /// The frame to draw, or none: all of them in one.
  using Only = std::optional<std::size_t>;

  std::size_t frames() const { return steps_.size(); }
  /// What happens in a frame; null in the first, and in one that says that there are no gradients.
  const WalkStep* step(std::size_t frame) const { return steps_[frame]; }

  /// The graph for Graphviz to lay out, with boxes of the sizes that are needed; and what it made of it.
  std::string dot() const;
  void set_layout(Layout layout) { layout_ = std::move(layout); }
  const Layout& layout() const { return layout_; }
  double width() const { return layout_.width; }
  double height() const { return layout_.height; }

  /// Elements of SVG: as one frame looks; or, without a number, all frames in one, in which everything has
  /// the attributes data-from and data-to, the first frame that shows it and the first that does not any
  /// more, and the class hidden unless the last frame shows it.
  std::string svg(Only only = std::nullopt) const;
  /// The start tag's attributes that make an element appear in these frames only.
  std::string in_frames(std::string_view classes, std::size_t from, std::size_t to = never) const;
  static constexpr std::size_t never = SIZE_MAX;

  /// The frames from which on a node has its value, and each of the sums that its gradient grows through, or
  /// its tangent.
  struct Known {
    std::size_t from = never;
    Tensor tensor;
    std::string added{};  ///< "+= 3", for a scalar sum that has grown
  };
  const Known& value(std::size_t node) const { return boxes_[node].value; }
  const std::vector<Known>& gradients(std::size_t node) const { return boxes_[node].gradients; }

 private:
  struct Box {
    Known value;
    std::vector<Known> gradients;
    double width = 0, height = 0, cell_width = 0;
  };
  struct Edge {
    std::size_t from = 0, to = 0;
    std::size_t backward = never;  // the frame in which a gradient comes back along it,
    std::size_t tangent = never;   // or a tangent goes along it
    std::string label{};
  };

  void read_steps();
  void measure(std::size_t node);
  HeatMap heat_map(const Box& box, const Tensor& tensor) const;
  std::string derivative(std::size_t node) const;
  std::string title(std::size_t node) const;
  std::string group(Only only, std::string_view classes, std::size_t from, std::size_t to,
                    const std::string& content) const;
  std::string node(Only only, std::size_t position) const;
  std::string numbers(Only only, const Box& box, const Known& known, std::size_t to, Point top,
                      std::string_view classes, const std::string& caption) const;
  std::string edge(Only only, std::size_t number) const;
  std::string edge_in_use(Only only, std::size_t number) const;

  const Walk& walk_;
  std::vector<const WalkStep*> steps_;
  std::vector<Box> boxes_;
  std::vector<Edge> edges_;
  Layout layout_;
};

}  // namespace chainrule
