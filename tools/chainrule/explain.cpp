// `chainrule explain`: what each column of a row contributes to what a model says of it, by gradients along
// the way from a typical row.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
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
  std::vector<std::string> dropped;
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
  std::string whose, beginning;       ///< "the score", "where every column is at its mean"
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

/// A row as a function sees it, and what that gives for it.
struct Question {
  Tensor row;                                    ///< (1, inputs), float64
  std::function<Tensor(const Tensor&)> outputs;  ///< of rows (n, inputs): (n,), as people read it
  std::vector<std::int64_t> widths;              ///< of each column: how many inputs it is
};

/// Gradient times input at the row, and gradients along the way from the baseline to it, both times the way.
/// The baseline is 0 for all inputs. `explanation` has its texts already.
/// Source: Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", 2017.
Explanation answer(const Question& question, Explanation explanation, std::int64_t steps) {
  const Tensor& row = question.row;
  const auto slopes = [&](const Tensor& at) {
    const Tensor x = variable(at);
    return gradients(sum(question.outputs(x)), {x})[x];
  };
  explanation.here = no_grad([&] { return question.outputs(row); }).item();
  explanation.baseline = no_grad([&] { return question.outputs(zeros_like(row)); }).item();
  const Tensor along = reshape((arange(0, steps) + 0.5) / static_cast<double>(steps), {steps, 1});
  const auto at_row = (slopes(row) * row).to_vector<double>(),
             on_the_way = (mean(slopes(along * row), 0, true) * row).to_vector<double>();
  std::size_t input = 0;
  for (std::size_t i = 0; i < question.widths.size(); ++i)
    for (std::int64_t k = 0; k < question.widths[i]; ++k, ++input) {
      explanation.columns[i].gradient_times_input += at_row[input];
      explanation.columns[i].integrated += on_the_way[input];
    }
  return explanation;
}

Tensor row_of(const Tensor& all, const Table& table, std::int64_t number) {
  if (number > table.rows())
    throw ParseError(fmt::format("{}: there is no row {}; it has {} rows", table.path, number, table.rows()));
  return cast(all[{Slice{number - 1, number}}], DType::float64);
}

Explanation explain_row(const Model& model, const Table& table, const ExplainOptions& options) {
  if (!options.dropped.empty())
    throw CommandError("--drop is for models of ONNX that say nothing of columns; " + options.model +
                       " does");
  const Tensor row = row_of(model.encoder.inputs(table), table, options.row);
  const TableNetwork network = to(model.network, DType::float64);
  const std::int64_t output = explained_output(model, network(row), options.class_name, options.target);
  const bool is_number = model.encoder.target().task() == Task::regression;
  const TargetColumn& target = model.encoder.all_targets()[is_number ? static_cast<std::size_t>(output) : 0];
  const double scale = is_number ? target.deviation : 1, shift = is_number ? target.mean : 0;
  Question question{row, [=](const Tensor& x) { return network(x)[{Slice{}, output}] * scale + shift; }, {}};
  Explanation texts;
  texts.output =
      is_number ? target.name : target.name + "=" + target.classes[static_cast<std::size_t>(output)];
  texts.whose = is_number ? "the prediction" : "the score";
  texts.beginning = "where every column is at its mean and has no category";
  const auto inputs = row.to_vector<double>();
  std::size_t first = 0;
  for (const InputColumn& column : model.encoder.columns()) {
    texts.columns.push_back({column.title(), cell_of(column, &inputs[first])});
    question.widths.push_back(column.width());
    first += static_cast<std::size_t>(column.width());
  }
  return answer(question, std::move(texts), options.steps);
}

/// Of its first output that has gradients: --class is the place of a number there, from 0.
Explanation explain_row(const ForeignModel& model, const Table& table, const ExplainOptions& options) {
  if (!model.is_differentiable())
    throw ParseError(model.path() + ": it takes whole numbers, which have no gradients to explain it by");
  const ForeignModel::Columns columns = model.choose(table, {options.target, options.dropped});
  const Tensor row = row_of(model.numbers(table, columns.inputs), table, options.row);
  const std::vector<ForeignModel::Output> given = no_grad([&] { return model(row, true); });
  const auto found = std::find_if(given.begin(), given.end(), [](const ForeignModel::Output& each) {
    return is_floating(each.values.dtype());
  });
  if (found == given.end()) throw ParseError(model.path() + ": it gives no numbers that have gradients");
  const std::optional<double> asked = chainrule::parse_number(options.class_name);
  const auto last = static_cast<double>(found->width() - 1);
  if (!options.class_name.empty() &&
      !(asked && *asked >= 0 && *asked <= last && std::trunc(*asked) == *asked))
    throw CommandError(fmt::format("--class '{}': {} of {} has numbers 0 to {}",
                                   printable(options.class_name), printable(found->name), model.path(),
                                   last));
  const std::int64_t place =
      asked ? static_cast<std::int64_t>(*asked) : predicted_classes(found->values)[0].item<std::int64_t>();
  const auto output = static_cast<std::size_t>(found - given.begin());
  Explanation texts;
  texts.output = found->width() == 1 ? found->name : fmt::format("{}[{}]", found->name, place);
  texts.whose = "the value";
  texts.beginning = "where every column is 0";
  for (const std::size_t column : columns.inputs)
    texts.columns.push_back(
        {table.columns[column].name, table.columns[column].cell(static_cast<std::size_t>(options.row - 1))});
  return answer({row,
                 [&](const Tensor& x) {
                   return model(x, true)[output].values[{Slice{}, place}];
                 },
                 std::vector<std::int64_t>(columns.inputs.size(), 1)},
                std::move(texts), options.steps);
}

std::vector<Contribution> by_size(std::vector<Contribution> columns) {
  std::stable_sort(columns.begin(), columns.end(), [](const Contribution& a, const Contribution& b) {
    return std::abs(a.integrated) > std::abs(b.integrated);
  });
  return columns;
}

std::string as_text(const Explanation& explanation, const ExplainOptions& options) {
  const double change = explanation.here - explanation.baseline;
  std::string text =
      fmt::format("row {} of {}: {} of {} is {:.4f}, and {:.4f} {}\n", options.row,
                  printable(options.data, 1000), explanation.whose, printable(explanation.output),
                  explanation.here, explanation.baseline, explanation.beginning);
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
  const AnyModel model = load_any_model(options.model, options.data);
  const Table table = read_data("explain", options.data, reading_for(model, options.reading));
  const Explanation explanation = with_reading_hint(table, [&] {
    return std::visit([&](const auto& any) { return explain_row(any, table, options); }, model);
  });
  ImageShape shape;
  if (!options.picture.empty()) shape = image_shape(options, std::ssize(explanation.columns));
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
  command
      ->add_option("MODEL", options->model,
                   "What `chainrule train --save` or `export` wrote, or any model of ONNX")
      ->required()
      ->check(file_name());
  command->add_option("DATA", options->data, "Table with the columns that the model has learned from")
      ->required()
      ->check(file_name());
  add_reading(*command, options->reading);
  constexpr std::int64_t most = std::int64_t{1} << 40;
  add_whole_number<std::int64_t>(*command, "--row", options->row, 1, most, "The row to explain, from 1");
  command
      ->add_option(
          "--class", options->class_name,
          "The class whose score is explained; else the predicted one. Of a model of ONNX that\nothers "
          "wrote: the place of a number that it gives, from 0")
      ->type_name("NAME");
  command
      ->add_option(
          "--target", options->target,
          "Which of several numbers that the model predicts is explained; else the first. Of a\nmodel "
          "that others wrote: the columns that are no inputs, as for predict")
      ->type_name("NAME");
  command->add_option("--drop", options->dropped, "Of such a model: the columns that it does not take")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("COLUMN,...");
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
