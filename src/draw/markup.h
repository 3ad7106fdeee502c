// Text that is safe in HTML, SVG and other XML.
// Everything that a page shows of a user's goes through here.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace chainrule {

/// `text` for HTML, SVG and other XML, in elements as in quoted attributes: markup characters escaped,
/// control characters and bytes that are not UTF-8 replaced, cut with "…" after `longest` characters.
std::string markup(std::string_view text, std::size_t longest = std::string_view::npos);

/// The text, cut with "…" after `longest` characters.
std::string shortened(std::string_view text, std::size_t longest);

/// The bytes of the UTF-8 character at the start of `text`; 0 when they are none that XML allows.
std::size_t character_bytes(std::string_view text);

}  // namespace chainrule
