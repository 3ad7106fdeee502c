// Lines over steps or epochs, with axes, in SVG.
// Places are frame.h's; a guide for each moment is shown by page/report.js.

#include "draw/report/line_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "draw/markup.h"
#include "draw/report/frame.h"

namespace chainrule {
namespace {

constexpr double width = 560, height = 320;

class Drawing {
 public:
  Drawing(const LineChart& chart, std::span<const std::int64_t> moments)
      : chart_(chart),
        moments_(moments),
        last_(static_cast<std::int64_t>(chart.curves.front().values.size())),
        frame_{58, width - 16, 16, height - 48, Scale::counting(last_, 6), Scale::fitting(chart.curves, 6)},
        legend_y_(descends() ? frame_.top + 18 : frame_.bottom - 54) {}

  std::string figure() const {
    return fmt::format("<figure><figcaption>{} <span class=\"faint\">{}{}</span></figcaption>\n",
                       markup(chart_.title), markup(chart_.unit),
                       frame_.y.is_logarithmic() ? ", log scale" : "") +
           fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n", width, height,
                       markup(summary())) +
           grid() + frame_.axes("epoch", "") + lines() + legend() + guides() + "</svg></figure>\n";
  }

 private:
  double x(std::int64_t epoch) const { return frame_.across(static_cast<double>(epoch)); }
  /// The legend stands where such a curve leaves room.
  bool descends() const {
    const std::vector<double>& values = chart_.curves.front().values;
    return values.front() >= values.back();
  }

  std::string summary() const {
    std::string text = fmt::format("{} over {} epochs:", chart_.title, last_);
    const char* separator = " ";
    for (const PlotCurve& curve : chart_.curves) {
      text += fmt::format("{}{} from {} to {}", separator, curve.name, chart_.format(curve.values.front()),
                          chart_.format(curve.values.back()));
      separator = ", ";
    }
    return text;
  }

  std::string grid() const {
    std::string svg = "<g class=\"grid\">";
    for (const Scale::Tick& tick : frame_.y.ticks())
      svg += fmt::format("<path d=\"M{} {:.1f}H{}\"/>", frame_.left,
                         frame_.bottom - frame_.height() * tick.position, frame_.right);
    return svg + "</g>\n";
  }

  /// Of long curves, no more points than can be told apart.
  std::string lines() const {
    constexpr std::int64_t most_points = 1200;
    std::string svg;
    for (std::size_t c = 0; c < chart_.curves.size(); ++c) {
      std::string path;
      bool pen_down = false;
      for (const std::int64_t epoch : spread(last_, most_points)) {
        const double value = chart_.curves[c].values[static_cast<std::size_t>(epoch - 1)];
        if (std::isfinite(value))
          path += fmt::format("{}{:.1f} {:.1f}", pen_down ? 'L' : 'M', x(epoch), frame_.up(value));
        pen_down = std::isfinite(value);
      }
      svg += fmt::format("<path class=\"curve curve{}\" d=\"{}\"/>\n", c, path);
    }
    return svg;
  }

  double legend_line(std::size_t curve) const { return legend_y_ + 18 * static_cast<double>(curve + 1); }

  std::string legend() const {
    std::string svg = "<g class=\"legend\">";
    for (std::size_t c = 0; c < chart_.curves.size(); ++c)
      svg += fmt::format("<path class=\"curve curve{}\" d=\"M{} {}h26\"/><text x=\"{}\" y=\"{}\">{}</text>",
                         c, frame_.right - 188, legend_line(c) - 4, frame_.right - 154, legend_line(c),
                         markup(chart_.curves[c].name));
    return svg + "</g>\n";
  }

  std::string guides() const {
    const double half = frame_.width() / static_cast<double>(std::max<std::int64_t>(last_ - 1, 1)) / 2;
    std::string svg;
    for (std::size_t i = 0; i < moments_.size(); ++i) {
      const std::int64_t epoch = moments_[i];
      const double at = x(epoch);
      const double from = i == 0 ? at - half : (at + x(moments_[i - 1])) / 2;
      const double to = i + 1 == moments_.size() ? at + half : (at + x(moments_[i + 1])) / 2;
      svg += fmt::format(
          "<g class=\"moment{}\"><rect x=\"{:.1f}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\"/>"
          "<path d=\"M{:.1f} {}V{}\"/><text x=\"{}\" y=\"{}\">epoch {}</text>",
          i + 1 == moments_.size() ? " chosen" : "", from, frame_.top, to - from, frame_.height(), at,
          frame_.top, frame_.bottom, frame_.right - 154, legend_y_, epoch);
      for (std::size_t c = 0; c < chart_.curves.size(); ++c) {
        const double value = chart_.curves[c].values[static_cast<std::size_t>(epoch - 1)];
        if (std::isfinite(value))
          svg += fmt::format("<circle class=\"curve{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\"/>", c, at,
                             frame_.up(value));
        svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", frame_.right - 8,
                           legend_line(c), chart_.format(value));
      }
      svg += "</g>\n";
    }
    return svg;
  }

  const LineChart& chart_;
  std::span<const std::int64_t> moments_;
  std::int64_t last_;
  Frame frame_;
  double legend_y_;
};

}  // namespace

std::vector<std::int64_t> spread(std::int64_t last, std::int64_t most) {
  std::vector<std::int64_t> numbers;
  for (std::int64_t number = 1; number < last; number += (last + most - 1) / most) numbers.push_back(number);
  numbers.push_back(last);
  return numbers;
}

std::string line_chart(const LineChart& chart, std::span<const std::int64_t> moments) {
  if (!has_finite(chart.curves)) return "<p>There is no finite number to draw.</p>\n";
  const Drawing drawing(chart, moments);
  return drawing.figure();
}

}  // namespace chainrule
