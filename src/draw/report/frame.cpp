// The axes around a drawing of a report, in SVG: lines, ticks and their labels, placed by plot/scale.h.
// svg.h writes the text.

#include "draw/report/frame.h"

#include <fmt/format.h>

namespace chainrule {

std::string Frame::axes(std::string_view x_title, std::string_view y_title) const {
  std::string svg =
      fmt::format("<g class=\"ticks\"><path class=\"axis\" d=\"M{} {}V{}H{}\"/>", left, top, bottom, right);
  for (const Scale::Tick& tick : x.ticks())
    svg += fmt::format(
        "<path class=\"axis\" d=\"M{0:.1f} {1}v5\"/><text x=\"{0:.1f}\" y=\"{2}\" "
        "text-anchor=\"middle\">{3}</text>",
        left + width() * tick.position, bottom, bottom + 20, tick.label);
  for (const Scale::Tick& tick : y.ticks()) {
    const double at = bottom - height() * tick.position;
    svg += fmt::format(
        "<path class=\"axis\" d=\"M{} {:.1f}h5\"/><text x=\"{}\" y=\"{:.1f}\" "
        "text-anchor=\"end\">{}</text>",
        left - 5, at, left - 9, at + 4, tick.label);
  }
  if (!x_title.empty())
    svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>", (left + right) / 2,
                       bottom + 40, x_title);
  if (!y_title.empty())
    svg += fmt::format("<text transform=\"translate(14 {})rotate(-90)\" text-anchor=\"middle\">{}</text>",
                       (top + bottom) / 2, y_title);
  return svg + "</g>\n";
}

}  // namespace chainrule
