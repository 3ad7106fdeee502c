// Axes with round numbers, linear and logarithmic.
// Round steps are 1, 2 and 5 times powers of ten; logarithmic ones mark powers.

#include "draw/plot/scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace chainrule {
namespace {

/// 1, 2 or 5 times a power of ten, at least as large as `rough`.
double round_step(double rough) {
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double digit : {1.0, 2.0, 5.0})
    if (digit * power >= rough * (1 - 1e-9)) return digit * power;
  return 10 * power;
}

/// As many digits after the point as tell numbers apart that differ by `step`.
std::string label(double value, double step) {
  if (std::abs(value) >= 1e6 || step < 1e-4) return fmt::format("{:.3g}", value);
  const int digits = std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9)));
  return fmt::format("{:.{}f}", value == 0 ? 0.0 : value, digits);
}

/// A power of ten, or 2 or 5 times one: "0.02", "1e-5".
std::string short_label(double value) {
  if (value >= 0.001 && value < 1e6) return fmt::format("{:g}", value);
  std::string text = fmt::format("{:.0e}", value);
  for (const char sign : {'-', '+'})
    if (const std::size_t zero = text.find(std::string("e") + sign + '0'); zero != std::string::npos)
      text.erase(zero + 2, 1);
  return text;
}

/// A range with room in it, also for numbers that are all the same.
void widen(double& low, double& high) {
  const double smallest = std::max(1e-6 * std::max(std::abs(low), std::abs(high)), 1e-12);
  if (high - low >= smallest) return;
  const double room = low == 0 ? 0.5 : 0.1 * std::abs(low);
  low -= room;
  high += room;
}

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
};

Range range_of(std::span<const PlotCurve> curves) {
  Range range;
  for (const PlotCurve& curve : curves)
    for (const double value : curve.values)
      if (std::isfinite(value)) {
        range.low = std::min(range.low, value);
        range.high = std::max(range.high, value);
      }
  return range;
}

}  // namespace

bool has_finite(std::span<const PlotCurve> curves) { return range_of(curves).low <= range_of(curves).high; }

void Scale::mark(double from, double step, double to) {
  for (double i = std::ceil(from / step - 1e-9); i * step <= to + 1e-9 * step; ++i)
    ticks_.push_back({(*this)(i * step), label(i * step, step)});
}

Scale Scale::exact(double low, double high, int ticks) {
  widen(low, high);
  Scale scale;
  scale.low_ = low;
  scale.high_ = high;
  scale.mark(low, round_step((high - low) / ticks), high);
  return scale;
}

Scale Scale::counting(std::int64_t last, int ticks) {
  double low = 1, high = static_cast<double>(last);
  widen(low, high);
  Scale scale;
  scale.low_ = low;
  scale.high_ = high;
  scale.ticks_.push_back({scale(1), "1"});
  const double step = std::max(1.0, round_step(high / ticks));
  scale.mark(std::max(step, 2.0), step, high);
  return scale;
}

Scale Scale::linear(double low, double high, int ticks) {
  widen(low, high);
  const double step = round_step((high - low) / ticks);
  Scale scale;
  scale.low_ = std::floor(low / step + 1e-9) * step;
  scale.high_ = std::ceil(high / step - 1e-9) * step;
  scale.mark(scale.low_, step, scale.high_);
  return scale;
}

Scale Scale::logarithmic(double low, double high, int ticks) {
  // Over few powers of ten, 2 and 5 times each are marked, too; over many, only every so many of them.
  const double decades = std::log10(high / low);
  const bool within = 3 * decades <= 1.5 * ticks;
  const double stride = within ? 1 : std::max(1.0, std::round(decades / ticks));
  std::vector<double> marks;
  for (double power = std::floor(std::log10(low)); power <= std::ceil(std::log10(high)); power += stride)
    for (const double digit : {1.0, 2.0, 5.0})
      if (digit == 1 || within) marks.push_back(digit * std::pow(10, power));
  // From the last mark below all numbers, or not much below, to the first one above.
  const auto first = std::prev(std::upper_bound(marks.begin(), marks.end(), low * (1 + 1e-9)));
  const auto last = std::lower_bound(first, marks.end(), high * (1 - 1e-9));
  Scale scale;
  scale.logarithmic_ = true;
  scale.low_ = within ? *first : low;
  scale.high_ = within && last != marks.end() ? *last : high;
  for (const double value : marks)
    if (value >= scale.low_ * (1 - 1e-9) && value <= scale.high_ * (1 + 1e-9))
      scale.ticks_.push_back({scale(value), short_label(value)});
  return scale;
}

Scale Scale::fitting(std::span<const PlotCurve> curves, int ticks) {
  constexpr double much = 20;
  const Range range = range_of(curves);
  if (range.low > 0 && range.high / range.low >= much && std::isfinite(range.high / range.low))
    return logarithmic(range.low, range.high, ticks);
  const bool starts_near_zero = range.low > 0 && range.low < 0.4 * range.high;
  return linear(starts_near_zero ? 0 : range.low, range.high, ticks);
}

double Scale::operator()(double value) const {
  if (logarithmic_) return std::log(value / low_) / std::log(high_ / low_);
  return (value - low_) / (high_ - low_);
}

}  // namespace chainrule
