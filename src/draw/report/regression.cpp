// What a network makes of numbers: predicted against true ones, and what is left over. Drawn as scatters in
// SVG; the measures are those of data/metrics.h.

#include "draw/report/regression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "chainrule/data/metrics.h"
#include "draw/markup.h"
#include "draw/report/frame.h"
#include "draw/report/line_chart.h"

namespace chainrule {
namespace {

constexpr double width = 560, height = 400;
constexpr std::int64_t most_points = 1000;

/// The numbers of one target, as the table has them.
struct Numbers {
  std::string name;
  std::vector<double> truth, predicted;
};

std::vector<Numbers> numbers_of(const TrainingRun& training) {
  const auto count = static_cast<std::int64_t>(training.targets.size());
  const Shape shape{training.test.size(), count};
  const Tensor outputs = cast(reshape(training.network(training.test.x), shape), DType::float64),
               y = cast(reshape(training.test.y, shape), DType::float64);
  std::vector<Numbers> all;
  for (std::int64_t i = 0; i < count; ++i) {
    const ReportedTarget& target = training.targets[static_cast<std::size_t>(i)];
    const auto as_given = [&](const Tensor& x) {
      return (x[{Slice{}, i}] * target.deviation + target.mean).to_vector<double>();
    };
    all.push_back({target.name, as_given(y), as_given(outputs)});
  }
  return all;
}

Scale scale_of(std::vector<double> values, int ticks) {
  std::erase_if(values, [](double x) { return !std::isfinite(x); });
  if (values.empty()) values = {0, 1};
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double room = *high > *low ? 0 : std::max(1.0, std::abs(*low));
  return Scale::linear(*low - room, *high + room, ticks);
}

/// Points, and the line on which they would all be if the network were never wrong.
std::string scatter(const std::string& title, const std::string& x_title, const std::string& y_title,
                    const std::vector<double>& x, const std::vector<double>& y, bool along_diagonal) {
  std::vector<double> all = y;
  if (along_diagonal)
    all.insert(all.end(), x.begin(), x.end());
  else
    all.push_back(0);
  const Scale vertical = scale_of(all, 6), horizontal = along_diagonal ? scale_of(all, 6) : scale_of(x, 6);
  const Frame frame{74, width - 16, 16, height - 52, horizontal, vertical};
  std::string svg = fmt::format(
      "<figure class=\"scatter\"><figcaption>{}</figcaption>\n<svg viewBox=\"0 0 {} {}\" role=\"img\" "
      "aria-label=\"{}\">\n{}",
      markup(title), width, height, markup(title), frame.axes(markup(x_title, 60), markup(y_title, 60)));
  svg += along_diagonal ? fmt::format("<path class=\"ideal\" d=\"M{} {}L{} {}\"/>\n", frame.left,
                                      frame.bottom, frame.right, frame.top)
                        : fmt::format("<path class=\"ideal\" d=\"M{} {:.1f}H{}\"/>\n", frame.left,
                                      frame.up(0), frame.right);
  svg += "<g class=\"dots\">\n";
  for (const std::int64_t number : spread(std::ssize(x), most_points)) {
    const auto i = static_cast<std::size_t>(number - 1);
    if (std::isfinite(x[i]) && std::isfinite(y[i]))
      svg +=
          fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>\n", frame.across(x[i]), frame.up(y[i]));
  }
  return svg + "</g></svg></figure>\n";
}

}  // namespace

std::string regression_summary(const TrainingRun& training) {
  std::string html = "<section class=\"summary\">";
  for (const Numbers& each : numbers_of(training)) {
    const RegressionMetrics metrics = regression_metrics(tensor(each.predicted), tensor(each.truth));
    html += fmt::format(
        "<p class=\"result\"><strong>R² {}</strong> of {} on the test samples<br><span "
        "class=\"faint\">RMSE {:.4g}, mean absolute error {:.4g}</span></p>\n",
        std::isnan(metrics.r2) ? "not defined for one sample" : fmt::format("{:.4f}", metrics.r2),
        markup(each.name, 60), metrics.rmse, metrics.mae);
  }
  return html;
}

std::string regression_plots(const TrainingRun& training) {
  const std::int64_t total = training.test.size();
  const auto shown = std::ssize(spread(total, most_points));
  std::string html = fmt::format(
      "<section id=\"predictions\"><h2>Predictions</h2>\n<p>Each point is a test sample{}; on the dashed "
      "line "
      "the network is right. A residual is the true number less the predicted one: a bend or a funnel in "
      "them "
      "is something that the network has not learned.</p>\n",
      shown < total ? fmt::format(", shown are {} of {}", shown, total) : "");
  for (const Numbers& each : numbers_of(training)) {
    std::vector<double> residuals(each.truth.size());
    std::transform(each.truth.begin(), each.truth.end(), each.predicted.begin(), residuals.begin(),
                   [](double truth, double predicted) { return truth - predicted; });
    html += "<div class=\"charts\">\n" +
            scatter(each.name + ": predicted against true", "true", "predicted", each.truth, each.predicted,
                    true) +
            scatter(each.name + ": residuals", "predicted", "true − predicted", each.predicted, residuals,
                    false) +
            "</div>\n";
  }
  return html + "</section>\n";
}

}  // namespace chainrule
