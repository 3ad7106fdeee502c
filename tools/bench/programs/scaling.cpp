// Fits the model in scaling.h to what bench_data_parallel has measured, says how far it is from runs that it
// was not fitted to, and draws what it predicts for many ranks: bench_scaling scaling.jsonl -o scaling.svg

#include "scaling.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "chainrule/optim.h"
#include "draw/markup.h"
#include "draw/report/frame.h"

using namespace chainrule;

namespace {

/// The layers of the benchmark's network, the last one first.
const std::vector<double> layers = {10 * 513, 512 * 513, 512 * 785};
constexpr double batch = 1024, aim = 0.9;
constexpr int most_ranks = 1024;

/// A line of bench_data_parallel.
struct Run {
  int ranks;
  bool plain;
  double batch, wait, megabits, bucket_bytes, step, processor;
  double compute = 0;  ///< the step of as many ranks that do not communicate
  /// Those of few ranks are fitted, without one rate; the others are checked.
  bool is_fitted() const { return ranks <= 4 && megabits != 200; }
  std::vector<scaling::Bucket> buckets() const { return scaling::buckets(layers, bucket_bytes); }
};

std::vector<Run> read(const std::string& path) {
  std::ifstream in(path);
  std::vector<Run> runs;
  for (std::string line; std::getline(in, line);) {
    const auto json = nlohmann::json::parse(line);
    runs.push_back({.ranks = json.at("ranks"),
                    .plain = json.at("plain"),
                    .batch = json.at("batch"),
                    .wait = json.at("wait_ms"),
                    .megabits = json.at("megabits"),
                    .bucket_bytes = json.at("bucket_bytes"),
                    .step = json.at("step_ms").get<double>() / 1e3,
                    .processor = json.at("processor_ms").get<double>() / 1e3});
  }
  for (Run& run : runs)
    for (const Run& other : runs)
      if (other.plain && other.ranks == run.ranks && other.wait == run.wait) run.compute = other.step;
  return runs;
}

std::vector<Run> communicating(const std::vector<Run>& runs) {
  std::vector<Run> those;
  for (const Run& run : runs)
    if (!run.plain && run.ranks > 1 && run.wait > 0) those.push_back(run);
  if (those.empty()) throw std::invalid_argument("there are no runs of several ranks with --wait-ms to fit");
  return those;
}

double bytes_per_second(double megabits) { return megabits * 1e6 / 8; }

/// What is fitted: the seconds of a step and of a message, the share of the bandwidth that bytes of gradients
/// get, and what is hidden, which are positive, and the last two less than 1.
struct Fitted {
  Parameter latency{tensor(std::log(1e-3)), "latency"}, message{tensor(std::log(1e-4)), "message"},
      share{tensor(2.0), "share"}, hidden{tensor(0.0), "hidden"};

  scaling::Network<Tensor> network(double megabits) const {
    return {exp(latency), exp(message), sigmoid(share) * bytes_per_second(megabits), sigmoid(hidden)};
  }
  scaling::Network<double> numbers(double megabits) const {
    const auto all = network(megabits);
    return {all.latency.item(), all.message_seconds.item(), all.bytes_per_second.item(), all.hidden.item()};
  }
};

Fitted fit(const std::vector<Run>& runs) {
  Fitted fitted;
  LevenbergMarquardt search({fitted.latency, fitted.message, fitted.share, fitted.hidden});
  const auto residuals = [&] {
    std::vector<Tensor> all;
    for (const Run& run : runs)
      if (run.is_fitted())
        all.push_back(log(step_seconds(fitted.network(run.megabits), run.buckets(), run.compute, run.ranks) /
                          run.step));
    return stack(all);
  };
  for (int i = 0; i < 100 && search.step(residuals).moved; ++i) {
  }
  return fitted;
}

void print(const Fitted& fitted, const std::vector<Run>& runs) {
  const auto network = fitted.numbers(8);
  fmt::print(
      "latency {:.3g} ms, {:.3g} µs a message, {:.3g} of the bandwidth, {:.3g} of the rest of the pass "
      "hides\n",
      1e3 * network.latency, 1e6 * network.message_seconds, network.bytes_per_second / 1e6, network.hidden);
  fmt::print("{:>7} {:>5} {:>8} {:>10} {:>12} {:>12} {:>7}\n", "", "ranks", "Mbit/s", "bucket", "measured ms",
             "predicted ms", "error");
  double worst = 0, sum = 0;
  int checked = 0;
  for (const Run& run : runs) {
    const double predicted =
        step_seconds(fitted.numbers(run.megabits), run.buckets(), run.compute, run.ranks);
    const double error = predicted / run.step - 1;
    fmt::print("{:>7} {:>5} {:>8} {:>10} {:>12.1f} {:>12.1f} {:>6.1f}%\n",
               run.is_fitted() ? "fitted" : "checked", run.ranks, run.megabits, run.bucket_bytes,
               1e3 * run.step, 1e3 * predicted, 100 * error);
    if (run.is_fitted()) continue;
    worst = std::max(worst, std::abs(error));
    sum += std::abs(error);
    ++checked;
  }
  if (checked > 0)
    fmt::print("checked runs are off by {:.1f} % on average, by {:.1f} % at worst\n", 100 * sum / checked,
               100 * worst);
}

/// Seconds of a step with no communication, by the samples of a rank: a line through what was measured, of
/// the processor's time, which depends less on what else the machine does.
struct Compute {
  double fixed = 0, sample = 0;
  explicit Compute(const std::vector<Run>& runs) {
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (const Run& run : runs) {
      if (!run.plain || run.ranks != 1 || run.wait > 0) continue;
      const double w = 1 / (run.processor * run.processor);  // relative errors count
      n += w;
      x += w * run.batch;
      y += w * run.processor;
      xx += w * run.batch * run.batch;
      xy += w * run.batch * run.processor;
    }
    sample = (n * xy - x * y) / (n * xx - x * x);
    fixed = (y - sample * x) / n;
  }
  double operator()(double samples) const { return fixed + sample * samples; }
};

struct Line {
  std::string name, colour;
  scaling::Network<double> network;
};

/// Efficiency with so many ranks.
double weak(const Line& line, const Compute& compute, int ranks) {
  const double alone = compute(batch);
  return alone / step_seconds(line.network, scaling::buckets(layers, 1 << 20), alone, ranks);
}
double strong(const Line& line, const Compute& compute, int ranks) {
  const double step =
      step_seconds(line.network, scaling::buckets(layers, 1 << 20), compute(batch * 8 / ranks), ranks);
  return compute(batch * 8) / (step * ranks);
}

using Efficiency = double (*)(const Line&, const Compute&, int);

/// One of the two drawings.
std::string panel(double left, const std::string& title, Efficiency efficiency,
                  const std::vector<Line>& lines, const Compute& compute) {
  const Frame frame{left, left + 350, 64, 300, Scale::logarithmic(1, most_ranks, 4), Scale::exact(0, 1, 6)};
  std::string svg = fmt::format("<text x=\"{}\" y=\"50\" class=\"title\">{}</text>\n", left, title);
  svg +=
      fmt::format("<path class=\"aim\" d=\"M{} {:.1f}H{}\"/><text x=\"{}\" y=\"{:.1f}\">aim: 90 %</text>\n",
                  frame.left, frame.up(aim), frame.right, frame.left + 64, frame.up(aim) + 15);
  for (const Line& line : lines) {
    std::string path;
    for (int ranks = 1; ranks <= most_ranks; ranks *= 2)
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? 'M' : 'L', frame.across(ranks),
                          frame.up(efficiency(line, compute, ranks)));
    svg += fmt::format("<path class=\"curve\" stroke=\"{}\" d=\"{}\"/>\n", line.colour, path);
  }
  return svg + frame.axes("ranks", left < 100 ? "efficiency" : "");
}

std::string picture(const std::vector<Line>& lines, const Compute& compute) {
  std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 410\" width=\"860\" height=\"410\" "
      "role=\"img\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\">\n"
      "<style>.axis { stroke: #555; fill: none } .aim { stroke: #555; stroke-dasharray: 4 4 } "
      ".curve { fill: none; stroke-width: 2 } .title { font-weight: bold } text { fill: #333 }</style>\n"
      "<rect width=\"860\" height=\"410\" fill=\"#fff\"/>\n"
      "<text x=\"430\" y=\"24\" text-anchor=\"middle\" font-size=\"15\">Prediction, not a measurement: "
      "efficiency of data-parallel training on up to 1,024 ranks</text>\n";
  svg += panel(64, "weak scaling: 1,024 samples on each rank", weak, lines, compute);
  svg += panel(484, "strong scaling: 8,192 samples in all", strong, lines, compute);
  double x = 64;
  for (const Line& line : lines) {
    svg += fmt::format(
        "<path class=\"curve\" stroke=\"{}\" d=\"M{} 380h26\"/><text x=\"{}\" y=\"384\">{}</text>\n",
        line.colour, x, x + 32, markup(line.name));
    x += 265;
  }
  return svg + "</svg>\n";
}

void predict(const std::vector<Line>& lines, const Compute& compute) {
  fmt::print("a step of {} samples on one rank: {:.1f} ms\n", batch, 1e3 * compute(batch));
  for (const Line& line : lines) {
    int most = 1;
    while (most < most_ranks && weak(line, compute, 2 * most) >= aim) most *= 2;
    fmt::print(
        "{}: weak {:.0f} % on 64, {:.0f} % on 1,024 ranks, {:.0f} % or more up to {}; strong {:.0f} % on 16, "
        "{:.0f} % on 64, {:.0f} % on 1,024\n",
        line.name, 100 * weak(line, compute, 64), 100 * weak(line, compute, 1024), 100 * aim, most,
        100 * strong(line, compute, 16), 100 * strong(line, compute, 64), 100 * strong(line, compute, 1024));
  }
}

void work(const std::string& data, const std::string& file) {
  const std::vector<Run> runs = read(data), those = communicating(runs);
  const Fitted fitted = fit(those);
  print(fitted, those);
  // What a message costs is too little to be seen on 8 ranks, and counts on a thousand.
  constexpr double ethernet = 20e-6;
  scaling::Network<double> slow = fitted.numbers(1000);
  slow.message_seconds = std::max(slow.message_seconds, ethernet);
  const auto assumed = [](double latency, double message, double megabits) {
    return scaling::Network<double>{latency, message, 0.9 * bytes_per_second(megabits), 0.5};
  };
  const std::vector<Line> lines = {
      {"1 Gbit/s, latency as measured", "#d55e00", slow},
      {"10 Gbit/s Ethernet (assumed)", "#0072b2", assumed(100e-6, ethernet, 10'000)},
      {"100 Gbit/s InfiniBand (assumed)", "#009e73", assumed(10e-6, 1e-6, 100'000)}};
  const Compute compute(runs);
  predict(lines, compute);
  if (!file.empty() && !(std::ofstream(file) << picture(lines, compute)))
    throw std::runtime_error(file + " cannot be written");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Predicts how data-parallel training scales, from what bench_data_parallel has measured.");
  std::string data, file;
  app.add_option("DATA", data, "lines of bench_data_parallel")->required()->check(CLI::ExistingFile);
  app.add_option("-o", file, "the picture, in SVG");
  CLI11_PARSE(app, argc, argv);
  try {
    work(data, file);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_scaling: {}\n", error.what());
    return 1;
  }
  return 0;
}
