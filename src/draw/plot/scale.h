// Axes: from numbers to places between 0 and 1, and which round numbers are marked. For plots in terminals
// and for charts in reports.

#pragma once

#include <span>
#include <string>
#include <vector>

#include "chainrule/report.h"

namespace chainrule {

/// An axis: where numbers stand between 0, its start, and 1, its end, and the round ones that are marked.
class Scale {
 public:
  struct Tick {
    double position;
    std::string label;
  };
  /// From low or a little less to high or a little more, so that both ends are round, with about `ticks`
  /// ticks.
  static Scale linear(double low, double high, int ticks);
  /// The same for positive numbers; equal ratios are equal distances.
  static Scale logarithmic(double low, double high, int ticks);
  /// Exactly from low to high.
  static Scale exact(double low, double high, int ticks);
  /// Exactly from 1 to `last`, with ticks at 1 and at round whole numbers.
  static Scale counting(std::int64_t last, int ticks);
  /// What suits the curves: logarithmic where they are positive and span much. They have a finite number.
  static Scale fitting(std::span<const PlotCurve> curves, int ticks);

  double operator()(double value) const;
  bool is_logarithmic() const { return logarithmic_; }
  const std::vector<Tick>& ticks() const { return ticks_; }

 private:
  void mark(double from, double step, double to);
  double low_ = 0, high_ = 1;
  bool logarithmic_ = false;
  std::vector<Tick> ticks_;
};

/// Whether any number of any curve is finite.
bool has_finite(std::span<const PlotCurve> curves);

}  // namespace chainrule
