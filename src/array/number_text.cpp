// std::to_string would write 1e-9 as 0.000000, and 1e300 in 300 digits.

#include "array/number_text.h"

#include <charconv>
#include <cmath>

namespace chainrule {

std::string number_text(double number) {
  if (std::isnan(number)) return "nan";  // else with its sign
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

}  // namespace chainrule
