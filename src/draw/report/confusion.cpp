// Which classes a network takes for which, as a table, and the most frequent mistakes in words. Many classes
// would make a table that nobody reads: then only the mistakes are listed.

#include "draw/report/confusion.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "draw/markup.h"

namespace chainrule {
namespace {

constexpr std::size_t longest_name = 24;

std::string percent(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return "–";
  return fmt::format("{:.1f} %", 100 * static_cast<double>(part) / static_cast<double>(whole));
}

/// The shade is the square root of the share of the row, so that single mistakes show.
std::string cell(const Confusion& confusion, std::int64_t truth, std::int64_t predicted) {
  const std::int64_t count = confusion.count(truth, predicted), total = confusion.of_class(truth);
  if (count == 0) return "<td class=\"none\">0</td>";
  const double shade = std::sqrt(static_cast<double>(count) / static_cast<double>(total));
  return fmt::format("<td class=\"{}{}\" style=\"--shade:{:.0f}%\">{}</td>",
                     truth == predicted ? "right" : "wrong", shade > 0.72 ? " full" : "", 100 * shade, count);
}

std::string matrix(const Confusion& confusion, std::span<const std::string> names) {
  const auto name = [&](std::int64_t c) { return markup(names[static_cast<std::size_t>(c)], longest_name); };
  const std::int64_t classes = confusion.classes();
  std::string html = fmt::format(
      "<thead><tr><td></td><th scope=\"colgroup\" colspan=\"{}\" "
      "class=\"axis\">predicted</th><td></td></tr>\n"
      "<tr><th scope=\"col\" class=\"axis\">true</th>",
      classes);
  for (std::int64_t c = 0; c < classes; ++c) html += "<th scope=\"col\"><span>" + name(c) + "</span></th>";
  html += "<th scope=\"col\" class=\"sum\"><span>recall</span></th></tr></thead>\n<tbody>\n";
  for (std::int64_t truth = 0; truth < classes; ++truth) {
    html += "<tr><th scope=\"row\">" + name(truth) + "</th>";
    for (std::int64_t predicted = 0; predicted < classes; ++predicted)
      html += cell(confusion, truth, predicted);
    html += "<td class=\"sum\">" + percent(confusion.count(truth, truth), confusion.of_class(truth)) +
            "</td></tr>\n";
  }
  html += "</tbody>\n<tfoot><tr><th scope=\"row\" class=\"sum\">precision</th>";
  for (std::int64_t c = 0; c < classes; ++c)
    html += "<td class=\"sum\">" + percent(confusion.count(c, c), confusion.predicted_as(c)) + "</td>";
  return html + "<td></td></tr></tfoot>\n";
}

std::string most_frequent(const Confusion& confusion, std::span<const std::string> names) {
  std::vector<std::pair<Confusion::Pair, std::int64_t>> pairs;
  for (const auto& entry : confusion.counts())
    if (entry.first.first != entry.first.second) pairs.emplace_back(entry);
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  constexpr std::size_t most = 40;
  pairs.resize(std::min(pairs.size(), most));
  std::string html =
      "<thead><tr><th scope=\"col\">true</th><th scope=\"col\">predicted</th><th scope=\"col\">samples</th>"
      "<th scope=\"col\">of the class</th></tr></thead>\n<tbody>\n";
  for (const auto& [pair, count] : pairs)
    html += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                        markup(names[static_cast<std::size_t>(pair.first)], longest_name),
                        markup(names[static_cast<std::size_t>(pair.second)], longest_name), count,
                        percent(count, confusion.of_class(pair.first)));
  return html + "</tbody>\n";
}

}  // namespace

Confusion::Confusion(std::span<const std::int64_t> truth, std::span<const std::int64_t> predicted,
                     std::int64_t classes)
    : of_class_(static_cast<std::size_t>(classes)), predicted_as_(static_cast<std::size_t>(classes)) {
  for (std::size_t i = 0; i < truth.size(); ++i) {
    ++counts_[{truth[i], predicted[i]}];
    ++of_class_[static_cast<std::size_t>(truth[i])];
    ++predicted_as_[static_cast<std::size_t>(predicted[i])];
  }
}

std::int64_t Confusion::count(std::int64_t truth, std::int64_t predicted) const {
  const auto found = counts_.find({truth, predicted});
  return found == counts_.end() ? 0 : found->second;
}

std::string confusion_table(const Confusion& confusion, std::span<const std::string> names) {
  constexpr std::int64_t most_classes = 40;
  const auto table = [](const std::string& about, const char* look, const std::string& content) {
    return "<p>" + about +
           "</p>\n<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Confusion matrix\"><table "
           "class=\"" +
           look + "\">\n" + content + "</table></div>\n";
  };
  if (confusion.classes() > most_classes)
    return table(
        std::to_string(confusion.classes()) +
            " classes are too many for a matrix. These confusions of test samples are the most frequent:",
        "plain", most_frequent(confusion, names));
  const bool long_names =
      std::any_of(names.begin(), names.end(), [](const std::string& name) { return name.size() > 4; });
  return table(
      "How many test samples of each class were taken for each. Shaded by the square root of their share of "
      "the row: <span class=\"key right\"></span> right, <span class=\"key wrong\"></span> wrong.",
      long_names && confusion.classes() > 4 ? "confusion upright" : "confusion", matrix(confusion, names));
}

}  // namespace chainrule
