// The network of a training run, and what the options leave open: layers by the kind of data, the loss by the
// task.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "chainrule/io.h"
#include "chainrule/nn.h"
#include "command.h"
#include "text.h"
#include "train_fit.h"

namespace chainrule::cli {
namespace {

void require(bool holds, const std::string& message) {
  if (!holds) throw CommandError(message);
}

/// Puts the weights that --init asks for into the network, which has He's.
void initialise(const TableNetwork& network, const std::string& init, Generator& generator) {
  if (init == "he") return;
  const std::string constant = "constant=";
  const bool is_constant = init.starts_with(constant);
  const double value = is_constant ? parse_number(init.substr(constant.size())).value_or(NAN) : 0;
  require(init == "xavier" || init == "zeros" || (is_constant && std::isfinite(value)),
          fmt::format("--init '{}': give he, xavier, zeros, or a number as constant=0.1", printable(init)));
  for (const Parameter& parameter : network.parameters()) {
    const Shape shape = parameter.shape();
    if (shape.rank() < 2) continue;  // biases
    parameter.assign(init == "xavier" ? xavier_normal(shape, generator) : full(shape, value));
  }
}

}  // namespace

std::vector<std::int64_t> parse_sizes(const char* option, const std::string& text) {
  constexpr std::int64_t largest = 1'000'000;
  std::vector<std::int64_t> sizes;
  const char *position = text.data(), *end = position + text.size();
  while (true) {
    std::int64_t size = 0;
    const auto [stop, error] = std::from_chars(position, end, size);
    require(error == std::errc() && size >= 1 && size <= largest && (stop == end || *stop == ','),
            fmt::format("{} '{}': give the sizes of the layers, each from 1 to {}, as 64,64", option,
                        printable(text), largest));
    sizes.push_back(size);
    if (stop == end) return sizes;
    position = stop + 1;
  }
}

TableNetwork make_network(const TrainingData& data, const TrainOptions& options, Generator& generator) {
  std::vector<std::int64_t> units;
  if (options.arch != "linear") units = parse_sizes("--hidden", options.hidden);
  units.push_back(data.encoder.outputs());
  const bool is_cnn = options.arch.starts_with("cnn");
  double parameters = 0;
  for (std::size_t i = is_cnn ? 1 : 0; i < units.size(); ++i)
    parameters += static_cast<double>((i == 0 ? data.encoder.width() : units[i - 1]) + 1) *
                  static_cast<double>(units[i]);
  require(parameters <= 1e9, fmt::format("--hidden: this network would have {:.1g} parameters", parameters));
  TableNetwork network = [&]() -> TableNetwork {
    if (!is_cnn) {
      units.insert(units.begin(), data.encoder.width());
      return Mlp(units, generator);
    }
    const std::string channels = options.arch.substr(options.arch.find(':') + 1);
    try {
      return TableNetwork::convolutional(data.image, parse_sizes("--arch cnn:", channels), units, generator);
    } catch (const ShapeError& error) {
      throw CommandError("--arch " + printable(options.arch) + ": " + error.what());
    }
  }();
  initialise(network, options.init, generator);
  return network;
}

void complete_network(TrainOptions& options, const ImageShape& image) {
  const std::string arch = options.arch.substr(0, options.arch.find(':'));
  require(arch == "mlp" || arch == "cnn" || options.arch == "linear",
          fmt::format("--arch '{}': give linear, mlp, cnn, or sizes of layers or channels, as mlp:256,128 or "
                      "cnn:16,32",
                      printable(options.arch)));
  require(arch != "cnn" || !image.is_empty(),
          "--arch cnn: what is the shape of the images? Give --image, as --image 28x28; files in IDX say it");
  const bool has_sizes = arch != options.arch;
  if (arch == "mlp" && has_sizes) {
    require(options.hidden.empty(), "--arch mlp:... and --hidden: give one of them");
    options.hidden = options.arch.substr(4);
    (void)parse_sizes("--arch mlp:", options.hidden);
    options.arch = arch;
  }
  require(arch != "linear" || options.hidden.empty(),
          "--arch linear: there is no hidden layer; leave --hidden out");
  if (arch == "cnn" && !has_sizes) options.arch = "cnn:16,32";
  if (options.hidden.empty() && arch != "linear")
    options.hidden = arch == "cnn" ? "128" : image.is_empty() ? "64,64" : "256,128";
}

void complete(TrainOptions& options, const TrainingData& data) {
  complete_network(options, data.image);
  if (options.shift < 0)
    options.shift = data.image.is_empty()
                        ? 0
                        : std::max<std::int64_t>(1, std::min(data.image.height, data.image.width) / 28);
  const bool sgd = options.optimizer == "sgd", numbers = data.task() == Task::regression;
  if (options.learning_rate == 0) options.learning_rate = !sgd ? 0.003 : numbers ? 0.01 : 0.03;
  // A prior on the weights counts as much as so many samples, whatever their number; as few as there are
  // pairs of inputs, where these leave little to be mistaken about. Found by --cv on twelve tables and
  // half-moons, whose border a stronger one makes too smooth.
  if (options.weight_decay < 0) {
    constexpr double most_samples = 6;
    const auto inputs = static_cast<double>(data.encoder.width());
    options.weight_decay = std::min(
        0.01, std::min(most_samples, inputs * (inputs - 1) / 2) / static_cast<double>(data.train.size()));
  }
  // A squared difference grows without bound where a number lies far out, and its gradient with it.
  if (options.clip < 0) options.clip = numbers ? 1 : 0;
  if (options.batch == 0) options.batch = data.train.size() < 1000 ? 16 : 32;
  constexpr std::int64_t steps = 6000, fewest = 10, most = 300;
  if (options.epochs == 0)
    options.epochs = std::clamp(steps * options.batch / data.train.size(), fewest, most);
}

}  // namespace chainrule::cli
