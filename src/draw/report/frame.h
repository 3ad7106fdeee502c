// The rectangle of a drawing in which numbers have their place.
// Charts, scatters and surfaces share it.

#pragma once

#include <string>
#include <string_view>

#include "draw/plot/scale.h"

namespace chainrule {

/// The rectangle of an SVG drawing in which numbers have their place, and the axes at its edges.
struct Frame {
  double left, right, top, bottom;
  Scale x, y;

  double width() const { return right - left; }
  double height() const { return bottom - top; }
  double across(double value) const { return left + width() * x(value); }
  double up(double value) const { return bottom - height() * y(value); }

  /// With ticks, their labels, and titles, which are markup. An empty title is left out.
  std::string axes(std::string_view x_title, std::string_view y_title) const;
};

}  // namespace chainrule
