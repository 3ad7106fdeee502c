// The samples that a network is most certain and wrong about: images as tiles, other samples as rows of a
// table.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "draw/markup.h"
#include "draw/numbers.h"
#include "draw/report/image.h"
#include "draw/report/sections.h"

namespace chainrule {
namespace {

constexpr std::size_t longest_name = 40;

/// The positions of the samples predicted wrongly, the surest of them first.
std::vector<std::size_t> wrong(const Dataset& data, const Evaluation& evaluation) {
  const auto truth = data.y.to_vector<std::int64_t>();
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < truth.size(); ++i)
    if (evaluation.predicted[i] != truth[i]) positions.push_back(i);
  std::stable_sort(positions.begin(), positions.end(), [&](std::size_t a, std::size_t b) {
    return evaluation.confidence[a] > evaluation.confidence[b];
  });
  return positions;
}

/// A sample, and what is said about it.
struct Mistake {
  std::size_t position;
  std::string predicted, truth, confidence;
  std::span<const double> inputs;
};

std::string tiles(std::span<const Mistake> mistakes, std::int64_t side, double low, double high) {
  std::string html = "<ol class=\"tiles samples\">\n";
  for (const Mistake& mistake : mistakes) {
    Image image{side, side, {}};
    for (const double value : mistake.inputs) {
      const double share = high > low ? std::clamp((value - low) / (high - low), 0.0, 1.0) : 0;
      const auto light = static_cast<std::uint8_t>(std::lround(255 * (1 - share)));
      image.pixels.push_back({light, light, light, 255});
    }
    html += fmt::format(
        "<li><img class=\"pixels ink\" src=\"{}\" alt=\"test sample {}\"><span><b>{}</b> {}<br>is "
        "{}</span></li>\n",
        data_address(image), mistake.position + 1, mistake.predicted, mistake.confidence, mistake.truth);
  }
  return html + "</ol>\n";
}

std::string table(std::span<const Mistake> mistakes, std::span<const std::string> inputs) {
  constexpr std::size_t most_columns = 12;
  const std::size_t shown = std::min(inputs.size(), most_columns);
  std::string html =
      "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Wrong test samples\"><table "
      "class=\"plain\"><thead><tr><th scope=\"col\">sample</th><th scope=\"col\">predicted</th><th "
      "scope=\"col\">confidence</th><th scope=\"col\">true</th>";
  for (std::size_t column = 0; column < shown; ++column)
    html += "<th scope=\"col\" class=\"number\">" + markup(inputs[column], longest_name) + "</th>";
  if (shown < inputs.size()) html += fmt::format("<th scope=\"col\">… of {}</th>", inputs.size());
  html += "</tr></thead>\n<tbody>\n";
  for (const Mistake& mistake : mistakes) {
    html += fmt::format("<tr><td>{}</td><td><b>{}</b></td><td>{}</td><td>{}</td>", mistake.position + 1,
                        mistake.predicted, mistake.confidence, mistake.truth);
    for (const double value : mistake.inputs.first(shown))
      html += "<td class=\"number\">" + number(value, 4) + "</td>";
    html += shown < inputs.size() ? "<td></td></tr>\n" : "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

}  // namespace

std::string mistakes(const TrainingRun& training, const Evaluation& test) {
  const std::vector<std::size_t> positions = wrong(training.test, test);
  constexpr std::size_t most = 60;
  const std::size_t shown = std::min(positions.size(), most);
  const auto truth = training.test.y.to_vector<std::int64_t>();
  const Tensor x = unscaled(training, training.test.x);
  const std::span<const double> values = x.data<double>();
  const auto width = static_cast<std::size_t>(x.shape()[1]);
  const auto name = [&](std::int64_t c) {
    return markup(training.classes[static_cast<std::size_t>(c)], longest_name);
  };
  std::vector<Mistake> list;
  for (const std::size_t i : std::span(positions).first(shown))
    list.push_back({i, name(test.predicted[i]), name(truth[i]),
                    fmt::format("{:.1f} %", without_nan_sign(100 * test.confidence[i])),
                    values.subspan(i * width, width)});

  std::string html = "<section id=\"mistakes\"><h2>Misclassified samples</h2>\n";
  if (positions.empty()) return html + "<p>None: every test sample is classified correctly.</p></section>\n";
  html += fmt::format(
      "<p>{} of {} test samples{}. In bold what the network answers, and the probability that it "
      "gives to that; its most confident mistakes come first.</p>\n",
      positions.size(), truth.size(),
      shown < positions.size() ? fmt::format(", of which {} are shown", shown) : "");
  const std::int64_t side = image_side(training);
  if (side == 0) return html + table(list, training.inputs) + "</section>\n";
  return html + tiles(list, side, min(x).item(), max(x).item()) + "</section>\n";
}

}  // namespace chainrule
