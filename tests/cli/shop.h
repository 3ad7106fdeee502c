// A table of a shop of which the answers are known: which columns tell something and which do not. Relies on
// support.h for its numbers.

#pragma once

#include <string>

#include "support.h"

namespace chainrule::test {

/// 60 rows: the size of one sign means "yes", the other "no"; the city tells nothing, and has gaps. The price
/// is twice the size and a bit.
inline std::string shop() {
  std::string text = "id;city;size;price;sold\n";
  Engine engine(3);
  for (int i = 0; i < 60; ++i) {
    const double size = uniform(engine, 1, 3) * (i % 2 == 0 ? 1 : -1);
    text += std::to_string(i) + ";" +
            (i % 7 == 0   ? "?"
             : i % 3 == 0 ? "\"Bonn; Rhein\""
                          : "Ulm") +
            ";" + (i % 10 == 9 ? "" : std::to_string(size)) + ";" + std::to_string(2 * size + 0.25) + ";" +
            (i % 2 == 0 ? "yes" : "no") + "\n";
  }
  return text;
}

}  // namespace chainrule::test
