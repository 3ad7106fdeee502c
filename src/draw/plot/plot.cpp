// Curves in a terminal, drawn in braille or in ASCII.
// Axes are scale.h's.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "chainrule/report.h"
#include "draw/plot/scale.h"

namespace chainrule {
namespace {

/// A character's worth of the plot: Braille has two columns and four rows of dots.
constexpr std::int64_t dots_across = 2, dots_down = 4;

struct Cell {
  unsigned dots = 0;      ///< a bit for each, as Braille's characters from U+2800 on have them
  std::size_t curve = 0;  ///< the last one through it
};

struct Theme {
  const char *tick, *axis, *corner, *below, *tick_below;
  std::array<const char*, 3> samples;  ///< how curves look, for the legend
};
constexpr Theme unicode = {"┤", "│", "└", "─", "┬", {"━━", "╌╌", "··"}};
constexpr Theme ascii = {"+", "|", "+", "-", "+", {"**", "oo", "xx"}};
/// Blue, orange and purple that can be read on light terminals as on dark ones.
constexpr std::array<const char*, 3> colours = {"\x1b[38;5;32m", "\x1b[38;5;166m", "\x1b[38;5;133m"};

std::string utf8(char32_t braille) {
  return {static_cast<char>(0xE0 | braille >> 12), static_cast<char>(0x80 | (braille >> 6 & 0x3F)),
          static_cast<char>(0x80 | (braille & 0x3F))};
}

class Plot {
 public:
  Plot(std::span<const PlotCurve> curves, const std::string& title, const PlotOptions& options)
      : curves_(curves),
        title_(title),
        options_(options),
        theme_(options.unicode ? unicode : ascii),
        rows_(std::max<std::int64_t>(options.height, 8) - 3),
        y_(Scale::fitting(curves, static_cast<int>(std::max<std::int64_t>(2, rows_ / 3)))) {
    for (const Scale::Tick& tick : y_.ticks()) margin_ = std::max(margin_, tick.label.size() + 1);
    columns_ = std::max<std::int64_t>(options.width, 40) - static_cast<std::int64_t>(margin_) - 1;
    for (const PlotCurve& curve : curves) last_ = std::max(last_, curve.values.size());
    cells_.resize(static_cast<std::size_t>(rows_ * columns_));
    // The first curve is the one to see where others cross it.
    for (std::size_t c = curves.size(); c-- > 0;) draw(c);
  }

  std::string text() const {
    std::string text = std::string(margin_ + 1, ' ') + legend() + "\n";
    for (std::int64_t row = 0; row < rows_; ++row) text += line(row);
    return text + axis();
  }

 private:
  void draw(std::size_t c) {
    const std::vector<double>& values = curves_[c].values;
    const std::int64_t width = columns_ * dots_across;
    std::int64_t before = -1;
    for (std::int64_t x = 0; x < width; ++x) {
      const double value = interpolated(values, x, width);
      if (!std::isfinite(value)) {
        before = -1;
        continue;
      }
      const std::int64_t height = rows_ * dots_down;
      const std::int64_t y = std::clamp<std::int64_t>(
          std::llround((1 - y_(value)) * static_cast<double>(height - 1)), 0, height - 1);
      // A steep curve is drawn from where it was, or it would fall apart. Every other curve is dashed.
      const bool pen_down = c % 2 == 0 || x % 6 < 4;
      const std::int64_t from = before < 0 ? y : before < y ? before + 1 : before > y ? before - 1 : y;
      for (std::int64_t dot = std::min(from, y); dot <= std::max(from, y); ++dot)
        if (pen_down) set(x, dot, c);
      before = y;
    }
  }

  /// The curve's height at a column of dots, between the two numbers nearest to it.
  double interpolated(const std::vector<double>& values, std::int64_t x, std::int64_t width) const {
    const double at =
        static_cast<double>(x) * static_cast<double>(last_ - 1) / static_cast<double>(width - 1);
    const auto left = static_cast<std::size_t>(at);
    if (left >= values.size()) return NAN;
    const double share = at - static_cast<double>(left);
    if (share < 1e-9 || left + 1 >= values.size()) return values[left];
    return values[left] + share * (values[left + 1] - values[left]);
  }

  void set(std::int64_t x, std::int64_t y, std::size_t curve) {
    static constexpr std::array<std::array<unsigned, 2>, 4> bits = {
        {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}};
    Cell& cell = cells_[static_cast<std::size_t>(y / dots_down * columns_ + x / dots_across)];
    cell.dots |= bits[static_cast<std::size_t>(y % dots_down)][static_cast<std::size_t>(x % dots_across)];
    cell.curve = curve;
  }

  std::string coloured(const std::string& text, std::size_t curve) const {
    return options_.colours ? colours[curve % colours.size()] + text + "\x1b[0m" : text;
  }

  std::string legend() const {
    std::string text = title_ + (y_.is_logarithmic() ? " (log scale)" : "");
    for (std::size_t c = 0; c < curves_.size(); ++c)
      text += "  " + coloured(theme_.samples[c % theme_.samples.size()], c) + " " + curves_[c].name;
    return text;
  }

  std::string line(std::int64_t row) const {
    std::string label;
    for (const Scale::Tick& tick : y_.ticks())
      if (std::llround((1 - tick.position) * static_cast<double>(rows_ - 1)) == row) label = tick.label;
    std::string text =
        fmt::format("{:>{}} {}", label, margin_ - 1, label.empty() ? theme_.axis : theme_.tick);
    std::int64_t end = columns_;  // no spaces at the end of the line
    while (end > 0 && cell(row, end - 1).dots == 0) --end;
    for (std::int64_t column = 0; column < end; ++column) {
      const Cell& here = cell(row, column);
      text += here.dots == 0 ? " " : coloured(character(here), here.curve);
    }
    return text + "\n";
  }

  const Cell& cell(std::int64_t row, std::int64_t column) const {
    return cells_[static_cast<std::size_t>(row * columns_ + column)];
  }
  std::string character(const Cell& cell) const {
    return options_.unicode ? utf8(0x2800 + cell.dots)
                            : std::string(1, theme_.samples[cell.curve % theme_.samples.size()][0]);
  }

  /// The horizontal axis: the line, and the numbers below it.
  std::string axis() const {
    std::vector<bool> marked(static_cast<std::size_t>(columns_));
    std::string numbers(static_cast<std::size_t>(columns_), ' ');
    std::size_t free_from = 0;
    const Scale x = Scale::counting(static_cast<std::int64_t>(last_), static_cast<int>(columns_ / 12));
    for (const auto& [position, label] : x.ticks()) {
      const auto column =
          static_cast<std::size_t>(std::llround(position * static_cast<double>(columns_ - 1)));
      const std::size_t start =
          std::min(column - std::min(column, label.size() / 2), numbers.size() - label.size());
      if (start < free_from) continue;
      marked[column] = true;
      numbers.replace(start, label.size(), label);
      free_from = start + label.size() + 1;
    }
    std::string text = std::string(margin_, ' ') + theme_.corner;
    for (const bool here : marked) text += here ? theme_.tick_below : theme_.below;
    numbers.erase(numbers.find_last_not_of(' ') + 1);
    return text + "\n" + std::string(margin_ + 1, ' ') + numbers + "\n";
  }

  std::span<const PlotCurve> curves_;
  const std::string& title_;
  const PlotOptions& options_;
  const Theme& theme_;
  std::int64_t rows_, columns_ = 0;
  Scale y_;
  std::size_t margin_ = 0, last_ = 1;
  std::vector<Cell> cells_;
};

}  // namespace

std::string plot(std::span<const PlotCurve> curves, const std::string& title, const PlotOptions& options) {
  return has_finite(curves) ? Plot(curves, title, options).text() : "";
}

}  // namespace chainrule
