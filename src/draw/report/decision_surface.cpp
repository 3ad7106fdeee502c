// What a network of two inputs answers everywhere between its samples. The network is a function that is
// asked on a grid; the picture is pixels, with samples over it in SVG.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "draw/markup.h"
#include "draw/report/frame.h"
#include "draw/report/image.h"
#include "draw/report/sections.h"

namespace chainrule {
namespace {

constexpr std::int64_t columns = 256, rows = 192;

/// Colours of classes that stay apart for the colour-blind, on light and on dark pages. More classes use them
/// again, with another shape.
constexpr std::array<Pixel, 8> colours = {{{0x1f, 0x86, 0xc9},
                                           {0xe0, 0x66, 0x1a},
                                           {0x12, 0x9a, 0x74},
                                           {0xc4, 0x6a, 0xa3},
                                           {0xb8, 0x92, 0x00},
                                           {0x59, 0xb9, 0xea},
                                           {0x8c, 0x6b, 0xd1},
                                           {0x7d, 0x85, 0x90}}};
constexpr std::array<const char*, 4> shapes = {"M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
                                               "M-3.6-3.6h7.2v7.2h-7.2z", "M0-4.8L4.6 3.4H-4.6z",
                                               "M0-5L5 0L0 5L-5 0z"};

const Pixel& colour_of(std::int64_t c) { return colours[static_cast<std::size_t>(c) % colours.size()]; }

struct Range {
  double low, high;
};

/// What an input spans in the samples, with some room around.
Range range_of(const Tensor& x, std::int64_t column) {
  const Tensor values = x[{Slice{}, column}];
  const double low = min(values).item(), high = max(values).item();
  const double room = high > low ? 0.08 * (high - low) : 1;
  return {low - room, high + room};
}

/// Asks the network at every point of a grid. Each point has the colour of its class, the stronger the more
/// certain the network is; where it cannot decide, there is none.
Image ask_everywhere(const TrainingRun& training, Range x, Range y) {
  std::vector<double> points;
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t column = 0; column < columns; ++column) {
      points.push_back(x.low + (x.high - x.low) * (static_cast<double>(column) + 0.5) / columns);
      points.push_back(y.high - (y.high - y.low) * (static_cast<double>(row) + 0.5) / rows);
    }
  const Tensor grid = cast(tensor(points, {rows * columns, 2}), training.scale.mean().dtype());
  const Dataset samples{cast(training.scale(grid), training.test.x.dtype()),
                        zeros({rows * columns}, DType::int64), training.test.classes};
  const Evaluation answers = evaluate(training.network, samples);

  Image image{columns, rows, {}};
  const double chance = 1 / static_cast<double>(training.test.classes);
  for (std::size_t i = 0; i < answers.predicted.size(); ++i) {
    Pixel pixel = colour_of(answers.predicted[i]);
    const double certainty = std::clamp((answers.confidence[i] - chance) / (1 - chance), 0.0, 1.0);
    pixel.opacity = static_cast<std::uint8_t>(std::lround(110 * certainty));
    image.pixels.push_back(pixel);
  }
  return image;
}

/// How samples of a class are drawn. From the 33rd on, classes look as others do.
constexpr std::int64_t looks = static_cast<std::int64_t>(colours.size() * shapes.size());

std::string definitions(std::int64_t classes) {
  std::string svg = "<defs><path id=\"ring\" d=\"M-8 0a8 8 0 1 0 16 0a8 8 0 1 0-16 0z\"/>";
  for (std::int64_t c = 0; c < std::min(classes, looks); ++c) {
    const Pixel& p = colour_of(c);
    const auto shape = static_cast<std::size_t>(c) + static_cast<std::size_t>(c) / colours.size();
    svg += fmt::format("<path id=\"class{}\" d=\"{}\" fill=\"#{:02x}{:02x}{:02x}\"/>", c,
                       shapes[shape % shapes.size()], p.red, p.green, p.blue);
  }
  return svg + "</defs>\n";
}

std::string legend(std::span<const std::string> classes) {
  const std::size_t named = std::min(classes.size(), static_cast<std::size_t>(looks));
  std::string html = "<figcaption class=\"key-list\">";
  for (std::size_t c = 0; c < named; ++c)
    html += fmt::format(
        "<span><svg viewBox=\"-6 -6 12 12\" aria-hidden=\"true\"><use href=\"#class{}\"/></svg>{}</span>\n",
        c, markup(classes[c], 40));
  if (named < classes.size())
    html += fmt::format("<span>and {} more, which look like these</span>", classes.size() - named);
  return html + "</figcaption>";
}

}  // namespace

std::string decision_surface(const TrainingRun& training, const Evaluation& test) {
  if (training.inputs.size() != 2) return {};
  const Tensor samples = unscaled(training, training.test.x);
  const Tensor all = concatenate({samples, unscaled(training, training.train.x)});
  const Range horizontal = range_of(all, 0), vertical = range_of(all, 1);
  constexpr double width = 760, left = 62, right = 744, top = 16;
  const Frame frame{left,
                    right,
                    top,
                    top + (right - left) * rows / columns,
                    Scale::exact(horizontal.low, horizontal.high, 8),
                    Scale::exact(vertical.low, vertical.high, 6)};
  const std::string x = markup(training.inputs[0], 60), y = markup(training.inputs[1], 60);

  constexpr std::int64_t most_points = 1000;
  const std::int64_t total = training.test.size(), shown = std::min(total, most_points);
  const auto position = samples.data<double>();
  const auto truth = training.test.y.to_vector<std::int64_t>();
  std::string points, rings;
  for (std::size_t i = 0; i < static_cast<std::size_t>(shown); ++i) {
    const std::string at = fmt::format("x=\"{:.1f}\" y=\"{:.1f}\"", frame.across(position[2 * i]),
                                       frame.up(position[2 * i + 1]));
    points += fmt::format("<use href=\"#class{}\" {}/>\n", truth[i] % looks, at);
    if (test.predicted[i] != truth[i]) rings += fmt::format("<use href=\"#ring\" {}/>\n", at);
  }
  return fmt::format(
      "<section id=\"surface\"><h2>Decision surface</h2>\n"
      "<p>The class that the network gives to every point, the stronger the colour the more certain; the "
      "points are {} test samples, in the colour of their true class{}.</p>\n"
      "<figure class=\"surface\"><svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"The plane of {} and "
      "{}, coloured by the predicted class, with the test samples\">\n"
      "{}<image href=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\"/>\n"
      "{}<g class=\"points\">\n{}</g><g class=\"rings\">\n{}</g></svg>\n{}</figure></section>\n",
      shown < total ? fmt::format("the first {} of {}", shown, total) : fmt::format("the {}", total),
      rings.empty() ? "" : ", with a ring around those it gets wrong", width, frame.bottom + 52, x, y,
      definitions(training.test.classes), data_address(ask_everywhere(training, horizontal, vertical)), left,
      top, frame.width(), frame.height(), frame.axes(x, y), points, rings, legend(training.classes));
}

}  // namespace chainrule
