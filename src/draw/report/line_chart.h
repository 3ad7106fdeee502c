// Curves over epochs as a figure in a report.
// Knows numbers and names only.

#pragma once

#include <string>

#include "chainrule/report.h"

namespace chainrule {

/// Curves over the epochs as a figure, drawn in SVG. At each of the `moments`, which are epochs from 1, a
/// guide with the values can be shown: the element of class "moment", the n-th of them for the n-th.
struct LineChart {
  std::string title, unit;        ///< "Loss", "cross-entropy per sample"
  std::vector<PlotCurve> curves;  ///< two at most
  std::string (*format)(double value);
};
/// 1, `last`, and others between them at equal distances: all when they are at most `most`, or about that
/// many.
std::vector<std::int64_t> spread(std::int64_t last, std::int64_t most);

std::string line_chart(const LineChart& chart, std::span<const std::int64_t> moments);

}  // namespace chainrule
