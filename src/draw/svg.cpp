// Text in SVG, and about how wide it is: by the widths of characters in a common font, as nothing here knows
// which is used.

#include "draw/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "draw/markup.h"

namespace chainrule {

std::string at(double coordinate) { return fmt::format("{:g}", std::round(coordinate * 10) / 10 + 0.0); }

double text_width(std::string_view text) {
  constexpr std::string_view narrow = " .,:;'|!()[]iljtfr-·", wide = "mwMW@%";
  double width = 0;
  while (!text.empty()) {
    const std::size_t bytes = std::max<std::size_t>(character_bytes(text), 1);
    if (bytes >= 3 && text.substr(0, 3) >= "\xE2\xBA\x80")
      width += 1;  // Chinese, Japanese and Korean, and pictures
    else if (bytes == 1 && narrow.find(text[0]) != std::string_view::npos)
      width += 0.36;
    else if (bytes == 1 && (wide.find(text[0]) != std::string_view::npos))
      width += 0.92;
    else
      width += bytes == 1 && std::isupper(static_cast<unsigned char>(text[0])) != 0 ? 0.72 : 0.58;
    text.remove_prefix(bytes);
  }
  return width;
}

std::string svg_text(Point middle, double size, std::string_view classes, const std::string& content) {
  return fmt::format(
      "<text x=\"{}\" y=\"{}\" font-size=\"{}\" text-anchor=\"middle\" xml:space=\"preserve\" "
      "class=\"{}\">{}</text>",
      at(middle.x), at(middle.y), at(size), classes, content);
}

}  // namespace chainrule
