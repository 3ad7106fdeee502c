// Text for HTML and SVG: escaped, cut, and in UTF-8 that XML allows.
// Whatever users call their tensors, a page stays whole.

#include "draw/markup.h"

#include <algorithm>

namespace chainrule {

std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return byte(0) < 0x20 || byte(0) == 0x7F ? 0 : 1;
  const std::size_t bytes = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  if (byte(0) < 0xC2 || byte(0) > 0xF4 || text.size() < bytes) return 0;
  char32_t code = byte(0) & (0x7F >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3F);
  }
  const bool too_long = bytes == 3 ? code < 0x800 : bytes == 4 && code < 0x10000;
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF, no_character = (code & 0xFFFE) == 0xFFFE;
  return too_long || surrogate || no_character || code < 0xA0 || code > 0x10FFFF ? 0 : bytes;
}

std::string shortened(std::string_view text, std::size_t longest) {
  std::size_t end = 0;
  for (std::size_t count = 0; end < text.size(); ++count) {
    if (count == longest) return std::string(text.substr(0, end)) + "…";
    end += std::max<std::size_t>(character_bytes(text.substr(end)), 1);
  }
  return std::string(text);
}

std::string markup(std::string_view text, std::size_t longest) {
  if (longest != std::string_view::npos) return markup(shortened(text, longest));
  std::string result;
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(bytes, 1));
    if (bytes == 0)
      result += character[0] == '\n' || character[0] == '\t' || character[0] == '\r' ? " " : "\uFFFD";
    else if (character == "&")
      result += "&amp;";
    else if (character == "<")
      result += "&lt;";
    else if (character == ">")
      result += "&gt;";
    else if (character == "\"")
      result += "&quot;";
    else
      result += character;
    text.remove_prefix(character.size());
  }
  return result;
}

}  // namespace chainrule
