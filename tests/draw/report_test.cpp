// Reports on networks: which sections there are, what they say, and their pictures. The page is read as text;
// tests/browser opens it.

#include "chainrule/report.h"

#include <png.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "draw/report/confusion.h"
#include "draw/report/image.h"
#include "draw/report/line_chart.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t times = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++times;
  return times;
}

/// A network for so many inputs that has learned nothing, after two epochs that somebody made up.
TrainingRun untrained(std::int64_t inputs, std::int64_t samples,
                      std::vector<std::string> classes = {"a", "b", "c"}) {
  Generator generator(1);
  const auto outputs = static_cast<std::int64_t>(classes.size());
  std::vector<std::int64_t> y;
  for (std::int64_t i = 0; i < samples; ++i) y.push_back(outputs == 0 ? 0 : i % outputs);
  const Tensor x = randn({samples, inputs}, generator);
  const Standardizer scale(x);
  const Dataset data{scale(x), tensor(y), outputs};
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < inputs; ++i) names.push_back("input " + std::to_string(i + 1));
  return {.title = "A title",
          .facts = {{"seed", "17"}},
          .epochs = {{0.75, 0.5, 0.625, 0.5625}, {0.25, 0.875, 0.375, 0.8125}},
          .network = Mlp({inputs, 5, std::max<std::int64_t>(1, outputs)}, generator),
          .train = data,
          .test = data,
          .scale = scale,
          .classes = std::move(classes),
          .inputs = names};
}

std::string page_of(const TrainingRun& training) {
  const TemporaryFile file("", ".html");
  save_report(file.path(), training);
  std::ifstream in(file.path());
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(Confusions, add_up) {
  const std::vector<std::int64_t> truth = {0, 0, 0, 1, 1, 2}, predicted = {0, 0, 1, 1, 1, 0};
  const Confusion confusion(truth, predicted, 4);
  EXPECT_EQ(confusion.classes(), 4);
  EXPECT_EQ(confusion.count(0, 0), 2);
  EXPECT_EQ(confusion.count(0, 1), 1);
  EXPECT_EQ(confusion.count(2, 0), 1);
  EXPECT_EQ(confusion.count(2, 2), 0);
  EXPECT_EQ(confusion.of_class(0), 3);
  EXPECT_EQ(confusion.predicted_as(0), 3);
  EXPECT_EQ(confusion.predicted_as(1), 3);
  EXPECT_EQ(confusion.of_class(3), 0);
  std::int64_t samples = 0;
  for (const auto& [pair, times] : confusion.counts()) samples += times;
  EXPECT_EQ(samples, 6);
}

TEST(Confusions, are_a_table_with_recall_and_precision) {
  const std::vector<std::int64_t> truth = {0, 0, 0, 1}, predicted = {0, 0, 1, 1};
  const std::vector<std::string> names = {"yes", "no"};
  const std::string html = confusion_table(Confusion(truth, predicted, 2), names);
  EXPECT_TRUE(
      mentions(html, {"<th scope=\"row\">yes</th><td class=\"right full\" style=\"--shade:82%\">2</td><td "
                      "class=\"wrong\" style=\"--shade:58%\">1</td><td class=\"sum\">66.7 %</td>",
                      "precision</th><td class=\"sum\">100.0 %</td><td class=\"sum\">50.0 %</td>"}))
      << html;
}

TEST(Confusions, of_very_many_classes_are_a_list) {
  const std::vector<std::int64_t> truth = {0, 0, 0, 99999}, predicted = {7, 7, 1, 99999};
  std::vector<std::string> names(100000);
  names[0] = "zero";
  names[7] = "seven";
  const std::string html = confusion_table(Confusion(truth, predicted, 100000), names);
  EXPECT_TRUE(mentions(html, {"<td>zero</td><td>seven</td><td>2</td><td>66.7 %</td>"})) << html;
  EXPECT_LT(html.size(), 2000);
}

TEST(ReportImages, are_png_files_in_an_address) {
  Image image{3, 2, {}};
  for (std::uint8_t i = 0; i < 6; ++i)
    image.pixels.push_back({i, 100, 200, static_cast<std::uint8_t>(250 + i % 2)});
  std::string address = data_address(image);
  const std::string start = "data:image/png;base64,";
  ASSERT_TRUE(address.starts_with(start));
  address.erase(0, start.size());
  ASSERT_EQ(address.size() % 4, 0);
  std::string bytes;
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  unsigned bits = 0, have = 0;
  for (const char c : address) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<unsigned>(digits.find(c));
    if ((have += 6) >= 8) bytes += static_cast<char>(bits >> (have -= 8));
  }
  png_image reader = {};
  reader.version = PNG_IMAGE_VERSION;
  ASSERT_NE(png_image_begin_read_from_memory(&reader, bytes.data(), bytes.size()), 0) << reader.message;
  EXPECT_EQ(reader.width, 3);
  EXPECT_EQ(reader.height, 2);
  reader.format = PNG_FORMAT_RGBA;
  std::vector<unsigned char> pixels(PNG_IMAGE_SIZE(reader));
  ASSERT_NE(png_image_finish_read(&reader, nullptr, pixels.data(), 0, nullptr), 0) << reader.message;
  EXPECT_EQ((std::vector<unsigned char>(pixels.begin() + 4, pixels.begin() + 8)),
            (std::vector<unsigned char>{1, 100, 200, 251}));
}

TEST(LineChart, has_a_guide_with_the_values_for_every_moment) {
  const LineChart chart{"Loss", "nats", {{"training", {4, 2, 1}}, {"test", {4, 3, 2}}}, [](double v) {
                          return "=" + std::to_string(v);
                        }};
  const std::string svg = line_chart(chart, std::vector<std::int64_t>{1, 2, 3});
  EXPECT_EQ(count(svg, "class=\"moment"), 3);
  EXPECT_TRUE(mentions(svg, {"Loss over 3 epochs: training from =4.000000 to =1.000000, test from", "epoch 2",
                             "=3.000000", "role=\"img\""}));
  EXPECT_EQ(count(svg, "nan"), 0);
}

TEST(LineChart, survives_a_single_epoch_and_numbers_that_are_not_finite) {
  const auto format = [](double v) { return std::to_string(v); };
  const std::string one =
      line_chart({"Loss", "", {{"training", {0.5}}}, format}, std::vector<std::int64_t>{1});
  EXPECT_EQ(count(one, "class=\"moment"), 1);
  EXPECT_EQ(count(one, "nan"), 0) << one;
  const std::string gap = line_chart({"Loss", "", {{"training", {0.5, INFINITY, 0.25}}}, format},
                                     std::vector<std::int64_t>{1, 2, 3});
  EXPECT_EQ(count(gap, "<circle"), 2);
}

TEST(LineChart, picks_numbers_that_are_spread_out) {
  EXPECT_EQ(spread(1, 10), std::vector<std::int64_t>({1}));
  EXPECT_EQ(spread(4, 10), std::vector<std::int64_t>({1, 2, 3, 4}));
  EXPECT_EQ(spread(10, 4), std::vector<std::int64_t>({1, 4, 7, 10}));
  EXPECT_LE(spread(12345, 200).size(), 201);
}

TEST(Report, shows_the_facts_and_the_numbers_of_every_epoch) {
  const std::string page = page_of(untrained(4, 30));
  EXPECT_TRUE(
      mentions(page, {"<title>A title</title>", "<dt>seed</dt><dd>17</dd>",
                      "<tr><td>1</td><td>0.7500</td><td>0.6250</td><td>50.00 %</td><td>56.25 %</td></tr>",
                      "<tr><td>2</td><td>0.2500</td><td>0.3750</td><td>87.50 %</td><td>81.25 %</td></tr>",
                      "epoch 2: loss 0.2500 in training, 0.3750 on test"}));
}

TEST(Report, agrees_with_what_the_network_answers) {
  const TrainingRun training = untrained(4, 30);
  const Evaluation test = evaluate(training.network, training.test);
  const std::string page = page_of(training);
  EXPECT_TRUE(mentions(page, {std::to_string(test.correct) + " of 30",
                              std::to_string(30 - test.correct) + " of 30 test samples"}));
  // The cells of the confusion matrix are all the samples.
  const std::regex cell("<td class=\"(right|wrong)( full)?\" style=\"--shade:[0-9]+%\">([0-9]+)</td>");
  std::int64_t samples = 0, right = 0;
  for (std::sregex_iterator it(page.begin(), page.end(), cell), end; it != end; ++it) {
    samples += std::stoi((*it)[3]);
    if ((*it)[1] == "right") right += std::stoi((*it)[3]);
  }
  EXPECT_EQ(samples, 30);
  EXPECT_EQ(right, test.correct);
  EXPECT_EQ(count(page, "<tr><td>") - 3,
            static_cast<std::size_t>(30 - test.correct));  // two epochs, one head
}

TEST(Report, shows_an_image_for_every_neuron_and_mistake_when_inputs_are_images) {
  const TrainingRun training = untrained(49, 30);
  const auto mistakes = static_cast<std::size_t>(30 - evaluate(training.network, training.test).correct);
  const std::string page = page_of(training);
  EXPECT_EQ(count(page, "alt=\"neuron "), 5);
  EXPECT_EQ(count(page, "alt=\"test sample "), mistakes);
  EXPECT_TRUE(mentions(page, {"7 × 7 pixels"}));
  EXPECT_EQ(count(page, "id=\"surface\""), 0);
}

TEST(Report, is_of_any_function_and_shows_no_weights_of_one) {
  TrainingRun training = untrained(49, 30);
  training.network = [](const Tensor& x) { return x[{Slice{}, Slice{0, 3}}]; };
  const auto mistakes = static_cast<std::size_t>(30 - evaluate(training.network, training.test).correct);
  const std::string page = page_of(training);
  EXPECT_EQ(count(page, "alt=\"neuron "), 0);
  EXPECT_EQ(count(page, "alt=\"test sample "), mistakes);
  training.network = [](const Tensor& x) { return x; };
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { page_of(training); }), {"49 outputs for 3 classes"}));
}

TEST(Report, takes_few_numbers_for_a_table_even_when_they_would_fill_a_square) {
  const std::string page = page_of(untrained(36, 30));
  EXPECT_EQ(count(page, "<img"), 0);
  EXPECT_TRUE(mentions(page, {"<th scope=\"col\" class=\"number\">input 1</th>", "… of 36"}));
}

TEST(Report, shows_samples_as_they_were_before_they_were_scaled) {
  TrainingRun training = untrained(3, 4, {"a", "b"});
  training.test = {(tensor({{5.5, -20.0, 0.125}}) - training.scale.mean()) / training.scale.deviation(),
                   tensor(std::vector{0}), 2};
  const auto predicted = evaluate(training.network, training.test).predicted[0];
  training.test.y = tensor(std::vector{1 - predicted});
  EXPECT_TRUE(mentions(page_of(training), {"<td class=\"number\">5.5</td><td class=\"number\">-20</td><td "
                                           "class=\"number\">0.125</td>"}));
}

TEST(Report, draws_the_plane_of_two_inputs) {
  const std::string page = page_of(untrained(2, 40));
  EXPECT_TRUE(
      mentions(page, {"id=\"surface\"", "<image href=\"data:image/png;base64,", "input 1", "input 2"}));
  EXPECT_EQ(count(page, "<use href=\"#class") - 3, 40);  // less the legend
}

TEST(Report, shows_markup_in_names_as_text) {
  TrainingRun training = untrained(2, 20, {"<script>alert(1)</script>", "\"quoted\" & 'so'"});
  training.inputs = {"</svg><img src=x onerror=alert(2)>", "y\nz\x01"};
  training.title = "</title><script>alert(3)</script>";
  training.facts = {{"<b>", "</dd><script>alert(4)</script>"}};
  const std::string page = page_of(training);
  EXPECT_EQ(count(page, "<script>alert"), 0);
  EXPECT_EQ(count(page, "<img src=x"), 0);
  EXPECT_TRUE(
      mentions(page, {"&lt;script&gt;alert(1)", "&lt;/svg&gt;&lt;img src=x", "&lt;script&gt;alert(3)"}));
}

TEST(Report, needs_nothing_from_elsewhere) {
  const std::string page = page_of(untrained(49, 100));
  EXPECT_EQ(count(page, "http://") + count(page, "https://"), 0);
  EXPECT_EQ(count(page, "src=\"data:image/png") + count(page, "href=\"data:"),
            count(page, "src=\"") + 1);  // the icon
}

TEST(Report, shows_predicted_numbers_against_true_ones) {
  TrainingRun training = untrained(3, 12, {});
  Generator generator(2);
  training.network = Mlp({3, 4, 2}, generator);
  training.train.y = training.test.y = randn({12, 2}, generator);
  training.targets = {{"wage", 10, 2}, {"<size>", 0, 1}};
  const std::string page = page_of(training);
  EXPECT_TRUE(mentions(page, {"R² ", "of wage on the test samples", "wage: predicted against true",
                              "&lt;size&gt;: residuals", "squared difference"}));
  EXPECT_EQ(count(page, "r=\"3\"/>"), 4 * 12);
  EXPECT_EQ(count(page, "accuracy"), 0);
  EXPECT_EQ(count(page, "id=\"symmetry\""), 0);
  training.targets.pop_back();
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { page_of(training); }), {"2 outputs for 1 numbers"}));
}

TEST(Report, shows_whether_units_differ) {
  TrainingRun training = untrained(4, 10);
  training.epochs[0].different_units = {1};
  training.epochs[1].different_units = {5};
  EXPECT_TRUE(mentions(page_of(training), {"Layer 1: 5 of 5 units differ", "from 1 to 5"}));
  EXPECT_EQ(different_rows(tensor({{1.0, 2.0}, {3.0, 4.0}, {1.0, 2.0 + 1e-9}})), 2);
  EXPECT_EQ(different_rows(zeros({4, 3})), 1);
}

TEST(ReportImages, are_files_of_png) {
  EXPECT_TRUE(png(2, 1, std::vector<std::uint8_t>(6, 7)).starts_with("\x89PNG\r\n"));
  EXPECT_TRUE(
      mentions(message_of<std::invalid_argument>([] { (void)png(2, 1, std::vector<std::uint8_t>(5)); }),
               {"png: 5 bytes for 2x1 pixels"}));
}

TEST(Report, says_what_does_not_fit) {
  const TemporaryFile file("", ".html");
  const auto complaint = [&](const TrainingRun& training) {
    return message_of<ShapeError>([&] { save_report(file.path(), training); });
  };
  TrainingRun training = untrained(4, 10);
  training.classes.pop_back();
  EXPECT_TRUE(mentions(complaint(training), {"save_report: 3 classes have 2 names"}));
  training = untrained(4, 10);
  training.inputs.pop_back();
  EXPECT_TRUE(
      mentions(complaint(training), {"save_report: x is (10, 4) for 10 samples with 3 named inputs"}));
  training = untrained(4, 10);
  training.classes.pop_back();
  training.train.classes = training.test.classes = 2;
  EXPECT_TRUE(mentions(complaint(training), {"save_report: the network has 3 outputs for 2 classes"}));
  training = untrained(4, 10);
  training.epochs.clear();
  EXPECT_TRUE(mentions(complaint(training), {"no epochs"}));
}

TEST(Report, says_why_it_cannot_be_written) {
  EXPECT_EQ(message_of<IoError>([] { save_report("/no/such/place.html", untrained(4, 10)); }),
            "/no/such/place.html: it cannot be written: No such file or directory");
  EXPECT_EQ(message_of<IoError>([] { save_report("/", untrained(4, 10)); }),
            "/: it cannot be written: Is a directory");
}

}  // namespace
}  // namespace chainrule::test
