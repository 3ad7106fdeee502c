// One frame of a walk as a picture by itself: equation above, graph below, in SVG without styles from
// elsewhere.

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "draw/markup.h"
#include "draw/page/page.h"
#include "draw/walk/equation.h"
#include "draw/walk/walk_page.h"

namespace chainrule {
namespace {

constexpr double border = 24, heading_size = 15, equation_size = 24, row_height = 36;
constexpr double least_width = 760, widest_equation = 1400;
constexpr std::size_t longest_text = 400;  // characters

/// A style sheet with the light one of each colour instead of its name, for readers of SVG that know no
/// names.
std::string in_light_colours(std::string_view style) {
  const std::string_view palette = page_file("page.css");
  std::string result;
  while (!style.empty()) {
    const std::size_t begin = style.find("var(");
    result += style.substr(0, begin);
    if (begin == std::string_view::npos) break;
    const std::size_t end = style.find(')', begin);
    const std::string name = std::string(style.substr(begin + 4, end - begin - 4)) + ": ";
    std::string_view value = palette.substr(palette.find(name) + name.size());
    value = value.substr(0, value.find(';'));
    if (value.starts_with("light-dark(")) value = value.substr(11, value.find(',') - 11);
    result += value;
    style.remove_prefix(end + 1);
  }
  return result;
}

/// A row of an equation: its markup, and about how wide it is.
struct Row {
  std::string content;
  double width = 0;
};

class Rows {
 public:
  void add(const Term& term) {
    const std::string classes = term.kind == Term::Kind::text   ? "sign"
                                : term.kind == Term::Kind::name ? "name"
                                : is_numbers(term)              ? class_of(term)
                                                                : with_class_of(term, "derivative");
    const std::string text = plain(with_short_names(term));
    rows_.back().content += fmt::format("<tspan class=\"{}\">{}</tspan>", classes, markup(text));
    rows_.back().width += text_width(text) * equation_size;
  }
  void add(const std::vector<Side>& equation, bool accumulates = false) {
    write_equation(equation, accumulates, true, [&](const char* sign, const Terms& terms) {
      double width = 0;
      for (const Term& term : terms) width += text_width(plain(with_short_names(term))) * equation_size;
      if (rows_.back().width + width > widest_equation) next();
      add(Term{.text = sign});
      for (const Term& term : terms) add(term);
    });
  }
  /// In as many rows as it takes, broken between words.
  void add(const std::string& text) {
    std::istringstream words(shortened(text, longest_text));
    for (std::string word; words >> word;) {
      if (rows_.back().width + text_width(word) * equation_size > widest_equation) next();
      add(Term{.text = word + " "});
    }
    next();
  }
  void next() {
    if (!rows_.back().content.empty()) rows_.emplace_back();
  }
  std::vector<Row> take() { return std::move(rows_); }

 private:
  std::vector<Row> rows_ = {{}};
};

std::vector<Row> rows_of(const Walk& walk, const WalkScene& scene, std::size_t frame) {
  Rows rows;
  if (const WalkStep* step = scene.step(frame); step != nullptr) {
    rows.add(step->equation, !step->sum.empty());
    if (step->sum.empty()) return rows.take();
    rows.next();
    rows.add(Term{.text = "so "});
    rows.add(step->sum);
  } else if (frame == 0) {
    rows.add(walk.expression());
    bool first = true;
    for (const WalkStep& each : walk.steps()) {
      if (!each.is_given()) continue;
      if (!std::exchange(first, false)) rows.add(Term{.text = ",  "});
      rows.add(each.equation);
    }
  } else {
    rows.add(walk.no_gradients());
  }
  return rows.take();
}

}  // namespace

WalkPicture::WalkPicture(const Walk& walk, const WalkScene& scene) : walk_(walk), scene_(scene) {
  std::size_t most_rows = 1;
  width_ = std::max(least_width, scene.width());
  for (std::size_t frame = 0; frame < scene.frames(); ++frame) {
    const std::vector<Row> rows = rows_of(walk, scene, frame);
    most_rows = std::max(most_rows, rows.size());
    for (const Row& row : rows) width_ = std::max(width_, row.width);
  }
  width_ += 2 * border;
  header_ = border + heading_size + static_cast<double>(most_rows) * row_height + border;
  height_ = header_ + scene.height() + border;
}

std::string WalkPicture::svg(std::size_t frame) const {
  static const std::string style = in_light_colours(page_file("scene.css"));
  std::string svg = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"scene\" "
      "width=\"{0}\" "
      "height=\"{1}\" viewBox=\"0 0 {0} {1}\">\n<style>{2}</style>\n<rect width=\"100%\" height=\"100%\" "
      "fill=\"#ffffff\"/>\n",
      at(width_), at(height_), style);
  svg += svg_text({width_ / 2, border + heading_size / 2}, heading_size, "shape",
                  markup(heading(walk_, scene_, frame))) +
         "\n";
  double y = border + heading_size + row_height - 4;
  for (const Row& row : rows_of(walk_, scene_, frame)) {
    svg += svg_text({width_ / 2, y}, equation_size, "equation", row.content) + "\n";
    y += row_height;
  }
  return svg +
         fmt::format("<g transform=\"translate({} {})\">\n", at((width_ - scene_.width()) / 2), at(header_)) +
         scene_.svg(frame) + "</g>\n</svg>\n";
}

}  // namespace chainrule
