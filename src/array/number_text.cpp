// std::to_string would write 1e-9 as 0.000000, and 1e300 in 300 digits.

#include "array/number_text.h"

#include <charconv>
#include <cmath>

namespace chainrule {

namespace {

template <class... Format>
std::string text_of(double number, Format... format) {
  if (std::isnan(number)) return "nan";  // else with its sign
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number, format...).ptr};
}

}  // namespace

std::string number_text(double number) { return text_of(number); }
std::string short_number_text(double number) { return text_of(number, std::chars_format::general, 6); }

}  // namespace chainrule
