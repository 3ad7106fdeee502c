// The weights of a network's first layer as pictures of what each neuron looks for. For inputs that are
// images; relies on image.h for the pixels.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "draw/report/image.h"
#include "draw/report/sections.h"

namespace chainrule {
namespace {

/// Which inputs differ between samples. The weights of the others never had anything to learn from.
std::vector<bool> varying(const TrainingRun& training) {
  const Tensor varies = max(training.train.x, 0) > min(training.train.x, 0);
  return varies.to_vector<bool>();
}

/// A size that only one weight in a hundred exceeds, so that a few large ones do not make all others pale.
double usual_limit(std::span<const double> weights) {
  std::vector<double> sizes;
  for (const double weight : weights)
    if (weight != 0) sizes.push_back(std::abs(weight));
  if (sizes.empty()) return 1;
  const auto limit = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() * 99 / 100);
  std::nth_element(sizes.begin(), limit, sizes.end());
  return *limit;
}

/// Neurons in their order: all, or those `most` with the largest weights.
std::vector<std::int64_t> strongest(std::span<const double> weights, std::int64_t neurons,
                                    std::int64_t inputs, std::int64_t most) {
  std::vector<double> norms;
  for (std::int64_t n = 0; n < neurons; ++n) {
    const auto row = weights.subspan(static_cast<std::size_t>(n * inputs), static_cast<std::size_t>(inputs));
    norms.push_back(std::inner_product(row.begin(), row.end(), row.begin(), 0.0));
  }
  std::vector<std::int64_t> order(static_cast<std::size_t>(neurons));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return norms[static_cast<std::size_t>(a)] > norms[static_cast<std::size_t>(b)];
  });
  order.resize(std::min(order.size(), static_cast<std::size_t>(most)));
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace

Pixel sign_colour(double value, double limit) {
  const auto opacity = static_cast<std::uint8_t>(std::lround(255 * std::min(1.0, std::abs(value) / limit)));
  return value > 0 ? Pixel{0x1f, 0x86, 0xc9, opacity} : Pixel{0xe0, 0x66, 0x1a, opacity};
}

std::string first_layer(const TrainingRun& training) {
  const std::int64_t side = image_side(training);
  if (side == 0 || training.network.weights().empty() || !training.network.first_sees_inputs()) return {};
  const Tensor& matrix = training.network.weights().front();
  const std::int64_t neurons = matrix.shape()[0], inputs = side * side;
  std::vector<double> weights = matrix.to_vector<double>();
  const std::vector<bool> varies = varying(training);
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (!varies[i % varies.size()]) weights[i] = 0;
  const double limit = usual_limit(weights);

  constexpr std::int64_t most_neurons = 100, most_pixels = 120'000;
  const std::int64_t most = std::clamp<std::int64_t>(most_pixels / inputs, 8, most_neurons);
  const std::vector<std::int64_t> shown = strongest(weights, neurons, inputs, most);
  std::string html = fmt::format(
      "<section id=\"first-layer\"><h2>First-layer weights</h2>\n"
      "<p>What each neuron of the first layer looks for: its weights for the {} × {} pixels. A larger value "
      "of a blue pixel raises the neuron's sum, of an orange pixel lowers it. Weights are per standard "
      "deviation of their pixel, as the network sees it; pixels that never vary are left empty.{}</p>\n"
      "<p class=\"scale\"><span>−{:.2g} or less</span><span class=\"bar\" role=\"img\" aria-label=\"orange "
      "is negative, blue is positive, and zero has no colour\"></span><span>{:.2g} or more</span></p>\n"
      "<ol class=\"tiles\">\n",
      side, side,
      neurons > most
          ? fmt::format(" Shown are the {} neurons with the largest weights, of {}.", most, neurons)
          : "",
      limit, limit);
  for (const std::int64_t neuron : shown) {
    const auto first = weights.begin() + neuron * inputs;
    const auto [low, high] = std::minmax_element(first, first + inputs);
    Image image{side, side, {}};
    for (auto weight = first; weight != first + inputs; ++weight)
      image.pixels.push_back(sign_colour(*weight, limit));
    html += fmt::format(
        "<li><img class=\"pixels\" src=\"{}\" alt=\"neuron {}: weights from {:.2f} to {:.2f}\">"
        "<span aria-hidden=\"true\">{}</span></li>\n",
        data_address(image), neuron + 1, *low, *high, neuron + 1);
  }
  return html + "</ol></section>\n";
}

}  // namespace chainrule
