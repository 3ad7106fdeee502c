// Units of a layer that begin alike, and whether they ever become different: why weights are drawn at random.
// Relies on snapshots of the weights.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "draw/report/image.h"
#include "draw/report/line_chart.h"
#include "draw/report/sections.h"

namespace chainrule {
namespace {

/// The rows of W as columns of pixels, side by side.
Image side_by_side(const Tensor& weight) {
  constexpr std::int64_t most = 256;
  const std::int64_t units = std::min(weight.shape()[0], most), inputs = std::min(weight.shape()[1], most);
  const Tensor shown = cast(weight, DType::float64)[{Slice{0, units}, Slice{0, inputs}}];
  const double largest = max(abs(shown)).item();
  Image image{units, inputs, {}};
  for (std::int64_t input = 0; input < inputs; ++input)
    for (const double value : shown[{Slice{}, input}].to_vector<double>())
      image.pixels.push_back(sign_colour(value, largest > 0 ? largest : 1));
  return image;
}

}  // namespace

std::int64_t different_rows(const Tensor& weight) {
  constexpr double rounding = 1e-5;
  const Tensor rows = cast(weight, DType::float64);
  const std::int64_t count = rows.shape()[0], width = rows.shape()[1];
  const std::vector<double> all = rows.to_vector<double>();
  const double near = rounding * max(abs(rows)).item();
  std::vector<std::int64_t> kinds;  // a row of each kind
  for (std::int64_t row = 0; row < count; ++row) {
    const auto is_same = [&](std::int64_t other) {
      return std::equal(all.begin() + row * width, all.begin() + (row + 1) * width,
                        all.begin() + other * width,
                        [&](double a, double b) { return std::abs(a - b) <= near; });
    };
    if (std::none_of(kinds.begin(), kinds.end(), is_same)) kinds.push_back(row);
  }
  return std::ssize(kinds);
}

std::string symmetry(const TrainingRun& training) {
  if (training.epochs.front().different_units.empty()) return {};
  const std::vector<Tensor>& layers = training.network.weights();
  std::string html =
      "<section id=\"symmetry\"><h2>Symmetry</h2>\n<p>Units of a layer that begin with equal weights get "
      "equal "
      "gradients, and so stay equal: however many there are, they compute one number. Below is W of each "
      "hidden layer, the rows of its units side by side, and how many of them are different after each "
      "epoch. "
      "Random first weights (<code>--init he</code>) break the symmetry.</p>\n";
  for (std::size_t i = 0; i + 1 < layers.size(); ++i) {
    const Tensor& weight = layers[i];
    PlotCurve counts{"different rows of W", {}};
    for (const TrainingEpoch& epoch : training.epochs)
      counts.values.push_back(i < epoch.different_units.size() ? static_cast<double>(epoch.different_units[i])
                                                               : NAN);
    const LineChart chart{fmt::format("Layer {}: units that differ", i + 1),
                          fmt::format("of {}", weight.shape()[0]),
                          {std::move(counts)},
                          [](double value) { return fmt::format("{:.0f}", value); }};
    html += fmt::format(
        "<div class=\"charts\"><figure><figcaption>Layer {}: {} of {} units differ <span class=\"faint\">W, "
        "a "
        "column for each unit, a row for each input</span></figcaption>\n<img class=\"pixels rows\" "
        "src=\"{}\" "
        "alt=\"the weights of {} units side by side\"></figure>\n",
        i + 1, different_rows(weight), weight.shape()[0], data_address(side_by_side(weight)),
        weight.shape()[0]);
    html += line_chart(chart, {}) + "</div>\n";
  }
  return html + "</section>\n";
}

}  // namespace chainrule
