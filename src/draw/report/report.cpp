// The page that shows how a network has learned. It puts the sections together; each is in a file of its own
// and is left out where it does not apply.

#include "chainrule/report.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "chainrule/autograd.h"
#include "chainrule/io.h"
#include "draw/markup.h"
#include "draw/numbers.h"
#include "draw/page/page.h"
#include "draw/report/confusion.h"
#include "draw/report/line_chart.h"
#include "draw/report/regression.h"
#include "draw/report/sections.h"

namespace chainrule {
namespace {

bool predicts_numbers(const TrainingRun& training) { return !training.targets.empty(); }

void check(const TrainingRun& training) {
  const auto require = [](bool fits, const std::string& what) {
    if (!fits) throw ShapeError("save_report: " + what);
  };
  const auto inputs = static_cast<std::int64_t>(training.inputs.size());
  const auto classes = static_cast<std::int64_t>(training.classes.size());
  for (const Dataset* data : {&training.train, &training.test}) {
    require(data->size() > 0, "there are no samples");
    require(data->x.shape() == Shape{data->size(), inputs},
            fmt::format("x is {} for {} samples with {} named inputs", to_string(data->x.shape()),
                        data->size(), inputs));
    require(data->classes == classes,
            fmt::format("{} classes have {} names", data->classes, training.classes.size()));
  }
  const Tensor answer = training.network(training.test.x[{Slice{0, 1}}]);
  require(answer.rank() == 2 || answer.rank() == 1,
          "the network gives " + to_string(answer.shape()) + " for one sample; it must be (1, outputs)");
  const std::int64_t outputs = answer.rank() == 2 ? answer.shape()[1] : 1;
  if (predicts_numbers(training)) {
    const auto targets = static_cast<std::int64_t>(training.targets.size());
    require(
        outputs == targets && classes == 0,
        fmt::format("the network has {} outputs for {} numbers and {} classes", outputs, targets, classes));
    require(training.test.y.size() == training.test.size() * targets,
            fmt::format("y is {} for {} samples and {} numbers", to_string(training.test.y.shape()),
                        training.test.size(), targets));
  } else {
    require(outputs == classes, fmt::format("the network has {} outputs for {} classes", outputs, classes));
  }
  require(!training.epochs.empty(), "there are no epochs");
}

std::string loss(double value) {
  return value > 0 && value < 0.001 ? fmt::format("{:.1e}", value)
                                    : fmt::format("{:.4f}", without_nan_sign(value));
}
std::string percent(double value) { return fmt::format("{:.2f} %", without_nan_sign(value)); }

template <class Read>
PlotCurve curve(const std::string& name, const std::vector<TrainingEpoch>& epochs, const Read& read) {
  PlotCurve result{name, {}};
  for (const TrainingEpoch& epoch : epochs) result.values.push_back(read(epoch));
  return result;
}

std::string facts(const TrainingRun& training) {
  std::string html = "<dl>\n";
  for (const auto& [name, value] : training.facts)
    html += "<div><dt>" + markup(name) + "</dt><dd>" + markup(value, 200) + "</dd></div>\n";
  return html + "</dl></section>\n";
}

std::string summary(const TrainingRun& training, const Evaluation& test) {
  return fmt::format(
             "<section class=\"summary\"><p class=\"result\"><strong>{}</strong> of the test samples "
             "classified "
             "correctly<br><span class=\"faint\">{} of {}</span></p>\n",
             percent(100 * static_cast<double>(test.correct) / static_cast<double>(training.test.size())),
             test.correct, training.test.size()) +
         facts(training);
}

/// Without accuracies where numbers are predicted.
std::string epoch_table(const TrainingRun& training, std::span<const std::int64_t> moments) {
  const bool numbers = predicts_numbers(training);
  std::string html = fmt::format(
      "<details><summary>The numbers</summary><table class=\"plain\"><thead><tr>"
      "<th scope=\"col\">epoch</th><th scope=\"col\">training loss</th><th scope=\"col\">test loss</th>"
      "{}</tr></thead>\n<tbody>\n",
      numbers ? "" : "<th scope=\"col\">training accuracy</th><th scope=\"col\">test accuracy</th>");
  for (const std::int64_t moment : moments) {
    const TrainingEpoch& epoch = training.epochs[static_cast<std::size_t>(moment - 1)];
    html +=
        fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td>", moment, loss(epoch.loss), loss(epoch.test_loss));
    if (!numbers)
      html += fmt::format("<td>{}</td><td>{}</td>", percent(100 * epoch.accuracy),
                          percent(100 * epoch.test_accuracy));
    html += "</tr>\n";
  }
  return html + "</tbody></table></details>\n";
}

std::string learning(const TrainingRun& training, std::span<const std::int64_t> moments) {
  const std::vector<TrainingEpoch>& epochs = training.epochs;
  const LineChart losses{"Loss",
                         predicts_numbers(training) ? "squared difference, in deviations of the target"
                                                    : "cross-entropy per sample",
                         {curve("training", epochs, [](const TrainingEpoch& e) { return e.loss; }),
                          curve("test", epochs, [](const TrainingEpoch& e) { return e.test_loss; })},
                         loss};
  const LineChart accuracies{
      "Accuracy",
      "% of samples",
      {curve("training", epochs, [](const TrainingEpoch& e) { return 100 * e.accuracy; }),
       curve("test", epochs, [](const TrainingEpoch& e) { return 100 * e.test_accuracy; })},
      percent};
  return "<section id=\"learning\"><h2>Learning curves</h2>\n<div class=\"charts\">\n" +
         line_chart(losses, moments) + (predicts_numbers(training) ? "" : line_chart(accuracies, moments)) +
         "</div>\n" +
         fmt::format(
             "<p class=\"chooser screen-only\"><label for=\"moment\">Epoch</label><input type=\"range\" "
             "id=\"moment\" min=\"0\" max=\"{0}\" value=\"{0}\"></p>\n",
             moments.size() - 1) +
         "<p class=\"faint\">Training numbers are means over the epoch, of each sample before the step that "
         "it took part in; test numbers are measured after it.</p>\n" +
         epoch_table(training, moments) + "</section>\n";
}

/// What is read out about each moment.
nlohmann::ordered_json spoken(const TrainingRun& training, std::span<const std::int64_t> moments) {
  auto texts = nlohmann::ordered_json::array();
  for (const std::int64_t moment : moments) {
    const TrainingEpoch& epoch = training.epochs[static_cast<std::size_t>(moment - 1)];
    std::string text = fmt::format("epoch {}: loss {} in training, {} on test", moment, loss(epoch.loss),
                                   loss(epoch.test_loss));
    if (!predicts_numbers(training))
      text += fmt::format("; accuracy {} in training, {} on test", percent(100 * epoch.accuracy),
                          percent(100 * epoch.test_accuracy));
    texts.push_back(std::move(text));
  }
  return texts;
}

/// How good a classifier is, and where it is wrong.
std::string of_classes(const TrainingRun& training, std::span<const std::int64_t> moments) {
  const Evaluation test = evaluate(training.network, training.test);
  const Confusion confusion(training.test.y.to_vector<std::int64_t>(), test.predicted, training.test.classes);
  return summary(training, test) + learning(training, moments) + decision_surface(training, test) +
         "<section id=\"confusion\"><h2>Confusion matrix</h2>\n" +
         confusion_table(confusion, training.classes) + "</section>\n" + symmetry(training) +
         first_layer(training) + mistakes(training, test);
}

std::string of_numbers(const TrainingRun& training, std::span<const std::int64_t> moments) {
  return regression_summary(training) + facts(training) + learning(training, moments) +
         regression_plots(training) + symmetry(training) + first_layer(training);
}

}  // namespace

ReportedNetwork::ReportedNetwork(TableNetwork network, int /*of tables*/)
    : first_sees_inputs_(network.image().is_empty()) {
  for (const Linear& layer : network.layers()) weights_.push_back(layer.weight().leaf().detach());
  function_ = [network = std::move(network)](const Tensor& x) { return network.predict(x); };
}

std::int64_t image_side(const TrainingRun& training) {
  constexpr std::int64_t smallest = 7;
  const auto inputs = static_cast<std::int64_t>(training.inputs.size());
  const std::int64_t side = std::llround(std::sqrt(static_cast<double>(inputs)));
  return side * side == inputs && side >= smallest ? side : 0;
}

Tensor unscaled(const TrainingRun& training, const Tensor& x) {
  const auto wide = [](const Tensor& tensor) { return cast(tensor, DType::float64); };
  const Tensor deviation = wide(training.scale.deviation());
  const Tensor values = wide(x) * deviation + wide(training.scale.mean());
  return where(abs(values) < 1e-6 * deviation, 0.0, values);  // a zero that was rounded to float32 on the way
}

void save_report(const std::string& path, const TrainingRun& training) {
  check(training);
  const NoGrad guard;
  constexpr std::int64_t most_moments = 200;
  const std::vector<std::int64_t> moments =
      spread(static_cast<std::int64_t>(training.epochs.size()), most_moments);

  Page page{.title = training.title, .body = "<main class=\"report\">\n"};
  page.body += predicts_numbers(training) ? of_numbers(training, moments) : of_classes(training, moments);
  page.body += "</main>";
  page.styles = {"report.css"};
  page.scripts = {"report.js"};
  page.data = script_data(spoken(training, moments));

  std::ostringstream out;
  write_page(out, page);
  save_file(path, out.str());
}

}  // namespace chainrule
