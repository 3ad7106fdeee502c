// `chainrule explain`: what each column of a row contributes to what a model says of it, by gradients.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "any_model.h"
#include "chainrule/autograd.h"
#include "chainrule/data.h"
#include "chainrule/io.h"
#include "chainrule/report.h"
#include "command.h"
#include "options.h"
#include "print.h"
#include "text.h"
#include "train.h"
#include "train_data.h"

namespace chainrule::cli {
namespace {

struct ExplainOptions {
  std::string model, data, class_name, target, picture, image;
  std::int64_t row = 1, steps = 256;
  ReadOptions reading;
  bool csv = false, json = false;
};

/// What one column contributes.
struct Contribution {
  std::string column, value;
  double gradient_times_input = 0, integrated = 0;
};
struct Explanation {
  std::string output;                 ///< "Survived=1"
  double here = 0, baseline = 0;      ///< what the network gives for the row, and for the baseline
  std::vector<Contribution> columns;  ///< in the table's order
  double integrated() const {
    double sum = 0;
    for (const Contribution& each : columns) sum += each.integrated;
    return sum;
  }
};

/// The place of the target that is asked for, or else the first.
std::int64_t explained_target(const TableEncoder& encoder, const std::string& name) {
  const std::vector<TargetColumn>& all = encoder.all_targets();
  if (name.empty()) return 0;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const TargetColumn& each) { return each.name == name; });
  if (found == all.end())
    throw CommandError(fmt::format("--target '{}': the model predicts {}", printable(name),
                                   printable(encoder.target_names(), 200)));
  return found - all.begin();
}

/// The class that is asked for, or else the most probable one; 0 for a number.
std::int64_t explained_output(const Model& model, const Tensor& outputs, const std::string& name,
                              const std::string& target_name) {
  const TargetColumn& target = model.encoder.target();
  if (target.task() == Task::regression) {
    if (!name.empty())
      throw CommandError("--class: the model predicts a number, " + printable(target.name) +
                         ", so there are no classes");
    return explained_target(model.encoder, target_name);
  }
  if (!target_name.empty() && target_name != target.name)
    throw CommandError("--target '" + printable(target_name) + "': the model predicts " +
                       printable(target.name));
  if (name.empty()) return predicted_classes(outputs)[0].item<std::int64_t>();
  const auto found = std::find(target.classes.begin(), target.classes.end(), name);
  if (found == target.classes.end())
    throw CommandError(fmt::format("--class '{}': there is no such class; there are {}", printable(name),
                                   printable(fmt::format("{}", fmt::join(target.classes, ", ")), 200)));
  return found - target.classes.begin();
}

/// The cell that these inputs of a column were made from.
std::string cell_of(const InputColumn& column, const double* inputs) {
  if (column.is_number()) return fmt::format("{:.5g}", inputs[0] * column.deviation + column.mean);
  for (std::size_t i = 0; i < column.categories.size(); ++i)
    if (inputs[i] == 1) return column.categories[i];
  return "(unknown)";
}

/// Gradient times input at the row, and gradients along the way from the baseline to it, both times the way.
/// The baseline is 0 for all inputs: numbers are at their means, and no category is there.
/// Source: Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", 2017.
Explanation explain_row(const Model& model, const Table& table, const ExplainOptions& options) {
  if (options.row > table.rows())
    throw ParseError(
        fmt::format("{}: there is no row {}; it has {} rows", table.path, options.row, table.rows()));
  const Tensor all = cast(model.encoder.inputs(table), DType::float64);
  const Tensor row = all[{Slice{options.row - 1, options.row}}];
  const TableNetwork network = to(model.network, DType::float64);
  const std::int64_t output = explained_output(model, network(row), options.class_name, options.target);
  const bool is_number = model.encoder.target().task() == Task::regression;
  const TargetColumn& target = model.encoder.all_targets()[is_number ? static_cast<std::size_t>(output) : 0];
  const double scale = is_number ? target.deviation : 1, shift = is_number ? target.mean : 0;
  const auto value_of = [&](const Tensor& x) { return network(x)[{Slice{}, output}] * scale + shift; };
  const auto slopes = [&](const Tensor& at) {
    const Tensor x = variable(at);
    return gradients(sum(value_of(x)), {x})[x];
  };

  Explanation explanation;
  explanation.output =
      is_number ? target.name : target.name + "=" + target.classes[static_cast<std::size_t>(output)];
  explanation.here = no_grad([&] { return value_of(row); }).item();
  explanation.baseline = no_grad([&] { return value_of(zeros_like(row)); }).item();
  const Tensor along =
      reshape((arange(0, options.steps) + 0.5) / static_cast<double>(options.steps), {options.steps, 1});
  const auto at_row = (slopes(row) * row).to_vector<double>(),
             on_the_way = (mean(slopes(along * row), 0, true) * row).to_vector<double>(),
             inputs = row.to_vector<double>();
  std::size_t first = 0;
  for (const InputColumn& column : model.encoder.columns()) {
    Contribution each{column.name, cell_of(column, &inputs[first])};
    for (const auto end = first + static_cast<std::size_t>(column.width()); first < end; ++first) {
      each.gradient_times_input += at_row[first];
      each.integrated += on_the_way[first];
    }
    explanation.columns.push_back(std::move(each));
  }
  return explanation;
}

std::vector<Contribution> by_size(std::vector<Contribution> columns) {
  std::stable_sort(columns.begin(), columns.end(), [](const Contribution& a, const Contribution& b) {
    return std::abs(a.integrated) > std::abs(b.integrated);
  });
  return columns;
}

std::string as_text(const Explanation& explanation, const ExplainOptions& options) {
  const double change = explanation.here - explanation.baseline;
  std::string text = fmt::format(
      "row {} of {}: {} of {} is {:.4f}, and {:.4f} where every column is at its mean and has no category\n",
      options.row, printable(options.data, 1000),
      explanation.output.find('=') == std::string::npos ? "the prediction" : "the score",
      printable(explanation.output), explanation.here, explanation.baseline);
  text += fmt::format("integrated gradients add up to {:.4f} of {:.4f}, completeness error {:.1e}\n\n",
                      explanation.integrated(), change, std::abs(explanation.integrated() - change));
  std::vector<std::vector<std::string>> rows = {
      {"column", "value", "integrated gradient", "gradient × input"}};
  for (const Contribution& each : by_size(explanation.columns))
    rows.push_back({printable(each.column, 40), printable(each.value, 30),
                    fmt::format("{:+.4f}", each.integrated),
                    fmt::format("{:+.4f}", each.gradient_times_input)});
  return text + aligned(rows);
}

std::string as_csv(const Explanation& explanation) {
  std::string text = "column,value,integrated_gradient,gradient_times_input\n";
  for (const Contribution& each : by_size(explanation.columns))
    text += fmt::format("{},{},{},{}\n", field(each.column), field(each.value), each.integrated,
                        each.gradient_times_input);
  return text;
}

std::string as_json(const Explanation& explanation, const ExplainOptions& options) {
  nlohmann::ordered_json json = {
      {"row", options.row},
      {"output", explanation.output},
      {"value", explanation.here},
      {"baseline", explanation.baseline},
      {"completeness_error", std::abs(explanation.integrated() - explanation.here + explanation.baseline)}};
  for (const Contribution& each : by_size(explanation.columns))
    json["columns"].push_back({{"column", each.column},
                               {"value", each.value},
                               {"integrated_gradient", each.integrated},
                               {"gradient_times_input", each.gradient_times_input}});
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

/// "8x8", or for as many columns as a square has the square.
ImageShape image_shape(const ExplainOptions& options, std::int64_t columns) {
  if (options.image.empty()) {
    const std::int64_t side = std::lround(std::sqrt(static_cast<double>(columns)));
    if (side * side == columns) return {1, side, side};
    throw CommandError(fmt::format("--picture: {} columns are no square; say --image HEIGHTxWIDTH", columns));
  }
  const ImageShape shape = parse_image_shape(options.image);
  if (shape.channels != 1 || shape.pixels() != columns)
    throw CommandError(fmt::format("--image {}: give HEIGHTxWIDTH that make the {} columns of the model",
                                   printable(options.image), columns));
  return shape;
}

/// Red speaks for the output, blue against it, and white for neither.
std::vector<std::array<std::uint8_t, 3>> colours_of(const Explanation& explanation) {
  double most = 0;
  for (const Contribution& each : explanation.columns) most = std::max(most, std::abs(each.integrated));
  std::vector<std::array<std::uint8_t, 3>> colours;
  for (const Contribution& each : explanation.columns) {
    const double part = most == 0 ? 0 : each.integrated / most;
    const auto pale = static_cast<std::uint8_t>(std::lround(255 * (1 - std::abs(part))));
    const auto strong = std::uint8_t{255};
    colours.push_back({part >= 0 ? strong : pale, pale, part <= 0 ? strong : pale});
  }
  return colours;
}

constexpr std::size_t cell_side = 16;  // pixels for each column of the table

std::string as_png(const Explanation& explanation, const ImageShape& shape) {
  const auto colours = colours_of(explanation);
  const auto width = static_cast<std::size_t>(shape.width), height = static_cast<std::size_t>(shape.height);
  std::vector<std::uint8_t> pixels;
  for (std::size_t y = 0; y < height * cell_side; ++y)
    for (std::size_t x = 0; x < width * cell_side; ++x) {
      const auto& colour = colours[y / cell_side * width + x / cell_side];
      pixels.insert(pixels.end(), colour.begin(), colour.end());
    }
  return png(shape.width * std::int64_t{cell_side}, shape.height * std::int64_t{cell_side}, pixels);
}

/// One square for each column: red speaks for the output, blue against it.
std::string as_svg(const Explanation& explanation, const ImageShape& shape) {
  const auto width = static_cast<std::size_t>(shape.width), height = static_cast<std::size_t>(shape.height);
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "shape-rendering=\"crispEdges\">\n",
      width * cell_side, height * cell_side);
  std::size_t i = 0;
  for (const auto& [red, green, blue] : colours_of(explanation)) {
    svg += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"#{:02x}{:02x}{:02x}\"/>\n",
                       i % width * cell_side, i / width * cell_side, cell_side, cell_side, red, green, blue);
    ++i;
  }
  return svg + "</svg>\n";
}

void explain(const ExplainOptions& options) {
  if (options.csv && options.json) throw CommandError("--csv and --json exclude each other");
  if (!options.picture.empty()) require_writable(options.picture);
  if (options.picture.empty() && !options.image.empty()) throw CommandError("--image is for --picture FILE");
  const Model model = load_any_model(options.model);
  ImageShape shape;
  if (!options.picture.empty()) shape = image_shape(options, std::ssize(model.encoder.columns()));
  const Table table = read_table(options.data, options.reading);
  const Explanation explanation = explain_row(model, table, options);
  if (!options.picture.empty())
    save_file(options.picture,
              options.picture.ends_with(".png") ? as_png(explanation, shape) : as_svg(explanation, shape));
  write_output(options.csv    ? as_csv(explanation)
               : options.json ? as_json(explanation, options)
                              : as_text(explanation, options));
}

}  // namespace

void add_explain(CLI::App& app) {
  const auto options = std::make_shared<ExplainOptions>();
  CLI::App* command =
      app.add_subcommand("explain", "Show which columns made a model say what it says of a row");
  command->add_option("MODEL", options->model, "What `chainrule train --save` or `export` wrote")
      ->required()
      ->check(file_name());
  command->add_option("DATA", options->data, "Table with the columns that the model has learned from")
      ->required()
      ->check(file_name());
  add_reading(*command, options->reading);
  constexpr std::int64_t most = std::int64_t{1} << 40;
  add_whole_number<std::int64_t>(*command, "--row", options->row, 1, most, "The row to explain, from 1");
  command
      ->add_option("--class", options->class_name,
                   "The class whose score is explained; else the predicted one")
      ->type_name("NAME");
  command
      ->add_option("--target", options->target,
                   "Which of several numbers that the model predicts is explained; else the first")
      ->type_name("NAME");
  add_whole_number<std::int64_t>(*command, "--steps", options->steps, 1, 100'000,
                                 "Points between the baseline and the row");
  command->add_flag("--csv", options->csv, "Print the table as CSV");
  command->add_flag("--json", options->json, "Print everything as JSON");
  command
      ->add_option(
          "-o,--picture", options->picture,
          "Draw the columns as an image (PNG or SVG, by its name): red speaks for it, blue\nagainst it")
      ->check(file_name())
      ->type_name("FILE");
  command->add_option("--image", options->image, "The image's size; a square where not given")
      ->type_name("HxW");
  command->footer(
      "Gradient times input looks at the row alone. Integrated gradients go from a baseline, where every\n"
      "number is at its mean and there are no categories, to the row, and add up to the difference between\n"
      "what the network gives for both, but for the completeness error, which --steps lessens. A class is\n"
      "explained by its score, before the softmax.\n\n"
      "  chainrule explain titanic.safetensors people.csv --row 2\n"
      "  chainrule explain digits.safetensors digits.csv --row 7 -o seven.png");
  command->callback([options] { explain(*options); });
}

}  // namespace chainrule::cli
