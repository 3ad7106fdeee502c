// Points and text of drawings in SVG.
// Everything that draws without Graphviz writes through here.

#pragma once

#include <string>
#include <string_view>

namespace chainrule {

struct Point {
  double x = 0, y = 0;
};

/// A coordinate, to a tenth of a pixel.
std::string at(double coordinate);

/// About how wide a text is at a font size of 1. Whoever shows the picture may have other fonts, so that it
/// is an estimate in any case; it errs on the wide side.
double text_width(std::string_view text);

/// <text> in the middle of x, standing on the line at y. `content` is markup.
std::string svg_text(Point middle, double size, std::string_view classes, const std::string& content);

}  // namespace chainrule
