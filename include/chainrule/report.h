#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

/// Training, seen: curves in a terminal.
namespace chainrule::draw {

/// Numbers that follow each other, as the loss of each epoch. Those that are not finite leave a gap.
struct Curve {
  std::string name;
  std::vector<double> values;
};

struct PlotOptions {
  std::int64_t width = 80;   ///< columns in all, at least 40; a legend may need more
  std::int64_t height = 20;  ///< lines in all, at least 8
  bool unicode = true;       ///< Braille dots and box-drawing characters; otherwise ASCII
  bool colours = false;      ///< ANSI escape sequences
};
/// Curves over 1, 2, 3, ... as text with axes and a legend, a line each ending in "\n". The vertical axis is
/// logarithmic where the numbers, all positive, span much. Empty without a finite number.
std::string plot(std::span<const Curve> curves, const std::string& title, const PlotOptions& options = {});

}  // namespace chainrule::draw
