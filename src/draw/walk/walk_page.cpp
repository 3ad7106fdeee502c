// The page that steps through a walk: its list of steps, its bar of keys, and the graph. What each frame
// shows is walk_scene.h's; the page's script is page/walk.js.

#include "draw/walk/walk_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "draw/markup.h"
#include "draw/numbers.h"
#include "draw/page/page.h"
#include "draw/walk/equation.h"

namespace chainrule {
namespace {

constexpr std::size_t longest_expression = 200;  // characters

std::string element(std::string_view name, std::string_view classes, const std::string& content) {
  return fmt::format("<{} class=\"{}\">{}</{}>", name, classes, content, name);
}

std::string matrix(const Tensor& tensor) {
  std::string cells;
  for (const double cell : tensor.to_vector<double>()) cells += "<span>" + number(cell, 6) + "</span>";
  return fmt::format("<span class=\"matrix\" style=\"grid-template-columns:repeat({},auto)\">{}</span>",
                     std::max<std::int64_t>(tensor.shape().back(), 1), cells);
}

std::string html(const Term& whole) {
  const Term term = with_short_names(whole);
  const std::string text = markup(term.text);
  switch (term.kind) {
    case Term::Kind::text: return element("span", "sign", text);
    case Term::Kind::name: return "<i>" + text + "</i>";
    case Term::Kind::derivative:
      return element(
          "span", with_class_of(term, "fraction"),
          "<span>" + text + "</span><span class=\"slash\">/</span><span>" + markup(term.under) + "</span>");
    case Term::Kind::value:
    case Term::Kind::gradient:
    case Term::Kind::tangent:
    case Term::Kind::second: break;
  }
  const bool as_matrix = term.tensor.rank() > 0 && term.tensor.size() > 0 && is_small(term.tensor);
  return element("span", with_class_of(term, "numbers"), as_matrix ? matrix(term.tensor) : text);
}

std::string html(const std::vector<Side>& equation, bool accumulates = false) {
  std::string text;
  write_equation(equation, accumulates, true, [&](const char* sign, const Terms& terms) {
    std::string side = *sign == '\0' ? "" : element("span", "sign", sign);
    for (const Term& term : terms) side += html(term);
    text += element("span", "side", side) + "\n";
  });
  return text;
}

std::string spoken(const std::vector<Side>& equation, bool accumulates = false) {
  std::string text;
  write_equation(equation, accumulates, true, [&](const char* sign, const Terms& terms) {
    text += sign;
    for (const Term& term : terms) text += markup(plain(with_short_names(term)));
  });
  return text;
}

/// What a frame says: rows of equations, and the same as plain text.
struct Said {
  std::string rows, text;
  void add(const std::string& row, const std::string& as_text) {
    rows += element("div", "equation\" aria-hidden=\"true", row);
    text += (text.empty() ? "" : ", ") + as_text;
  }
};

Said said_in(const Walk& walk, const WalkScene& scene, std::size_t frame) {
  Said said;
  if (const WalkStep* step = scene.step(frame); step != nullptr) {
    const bool accumulates = !step->sum.empty();
    said.add(html(step->equation, accumulates), spoken(step->equation, accumulates));
    if (accumulates) said.add(element("span", "sign", "so ") + html(step->sum), "so " + spoken(step->sum));
  } else if (frame == 0) {
    const std::string expression = markup(walk.expression(), longest_expression);
    said.add(element("span", "code", expression), expression);
    std::string given, text;
    for (const WalkStep& each : walk.steps()) {
      if (!each.is_given()) continue;
      given += element("span", "given", html(each.equation));
      text += (text.empty() ? "" : ", ") + spoken(each.equation);
    }
    if (!given.empty()) said.add(given, text);
  } else {
    const std::string why = markup(walk.no_gradients(), longest_expression);
    said.add(element("span", "sign", why), why);
  }
  return said;
}

std::string steps_list(const Walk& walk, const WalkScene& scene) {
  std::string list;
  for (std::size_t frame = 0; frame < scene.frames(); ++frame) {
    const Said said = said_in(walk, scene, frame);
    const std::string what = markup(heading(walk, scene, frame));
    list += "<li " + scene.in_frames("step", frame, frame + 1) + ">" + element("p", "what", what) +
            said.rows + element("p", "spoken", what + ": " + said.text) + "</li>\n";
  }
  return "<ol class=\"steps\">\n" + list + "</ol>\n";
}

/// What there is to know about a node, for when the pointer is on it.
std::string card(const Walk& walk, const WalkScene& scene, std::size_t position) {
  const GraphNode& node = walk.graph().nodes()[position];
  constexpr std::string_view kinds[] = {"constant", "variable", "operation"};
  std::string about = element("b", "name", markup(plain(walk.name(position)), longest_expression));
  about += ", " +
           std::string(node.operation.empty() ? kinds[static_cast<std::size_t>(node.kind)] : node.operation);
  if (node.tensor.rank() > 0) about += " of shape " + to_string(node.tensor.shape());
  about += ", " + std::string(to_string(node.tensor.dtype()));

  std::string rows;
  const auto row = [&](const char* kind, const char* title, std::size_t from, const std::string& sums) {
    rows += "<dt " + scene.in_frames(kind, from) + ">" + title + "</dt><dd class=\"sums\">" + sums + "</dd>";
  };
  const auto pre = [&](const std::string& classes, std::size_t from, std::size_t to, const Tensor& tensor) {
    const std::string numbers = to_string(tensor, {.precision = 6, .threshold = 200, .edge_items = 3});
    return "<pre " + scene.in_frames(classes, from, to) + ">" + numbers + "</pre>";
  };
  if (const WalkScene::Known& value = scene.value(position); !value.tensor.is_empty()) {
    const char* kind = class_of(walk.value_kind(position));
    row(kind, kind, value.from, pre(kind, value.from, WalkScene::never, value.tensor));
  }
  const char* kind = class_of(walk.derivative_kind());
  std::string sums;
  const std::vector<WalkScene::Known>& gradients = scene.gradients(position);
  for (std::size_t i = 0; i < gradients.size(); ++i)
    sums += pre(kind, gradients[i].from, i + 1 < gradients.size() ? gradients[i + 1].from : WalkScene::never,
                gradients[i].tensor);
  if (!sums.empty())
    row(kind, walk.mode() == Walk::Mode::second ? "its gradient" : kind, gradients.front().from, sums);
  return fmt::format("<div class=\"card\" id=\"card{}\" role=\"tooltip\" hidden><p>{}</p><dl>{}</dl></div>\n",
                     position, about, rows);
}

std::string figure(const Walk& walk, const WalkScene& scene) {
  constexpr double border = 8, smallest = 0.7, largest = 2;  // scales
  const double width = scene.width() + 2 * border, height = scene.height() + 2 * border;
  std::string cards;
  for (std::size_t i = 0; i < walk.graph().nodes().size(); ++i) cards += card(walk, scene, i);
  return fmt::format(
      "<figure>\n<svg class=\"scene\" viewBox=\"{} {} {} {}\" role=\"group\" aria-label=\"The graph\" "
      "style=\"min-width:{:.0f}px;max-width:{:.0f}px;min-height:{:.0f}px;max-height:{:.0f}px\">\n{}</svg>\n{}"
      "</figure>\n",
      -border, -border, at(width), at(height), smallest * width, largest * width, smallest * height,
      largest * height, scene.svg(), cards);
}

std::string button(const char* id, const char* label, const char* title, const std::string& icons) {
  return fmt::format("<button type=\"button\" id=\"{}\" aria-label=\"{}\" title=\"{}\">{}</button>\n", id,
                     label, title, icons);
}

std::string icon(const char* path, const char* classes = "") {
  return fmt::format("<svg class=\"{}\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"{}\"/></svg>",
                     classes, path);
}

std::string bar(std::size_t last) {
  return "<div class=\"bar screen-only\" role=\"group\" aria-label=\"Steps\">\n" +
         button("first", "First step", "First step (Home)", icon("M3 2h2v12H3zM14 2v12L6 8z")) +
         button("back", "One step back", "One step back (←)", icon("M12 2v12L4 8z")) +
         button("play", "Play\" aria-pressed=\"false", "Play and pause (space)",
                icon("M4 2v12l9-6z", "when-paused") + icon("M4 2h3v12H4zM9 2h3v12H9z", "when-playing")) +
         button("forward", "One step forward", "One step forward (→)", icon("M4 2v12l8-6z")) +
         button("last", "Last step", "Last step (End)", icon("M11 2h2v12h-2zM2 2v12l8-6z")) +
         fmt::format(
             "<input type=\"range\" id=\"slider\" min=\"0\" max=\"{}\" value=\"{}\" aria-label=\"Step\">\n"
             "<output id=\"counter\" for=\"slider\"></output>\n</div>\n",
             last, last);
}

std::string coloured(Term::Kind kind, const char* text) {
  return fmt::format("<b class=\"{}\">{}</b>", class_of(kind), text);
}

std::string key(const Walk& walk) {
  const std::vector<GraphNode>& nodes = walk.graph().nodes();
  const bool has_arrays =
      std::any_of(nodes.begin(), nodes.end(), [](const GraphNode& node) { return node.tensor.rank() > 0; });
  std::string what =
      coloured(Term::Kind::value, "Values") + " and " +
      coloured(walk.derivative_kind(), walk.mode() == Walk::Mode::forward ? "tangents" : "gradients");
  if (walk.mode() == Walk::Mode::second)
    what = coloured(Term::Kind::value, "Values") + ", " + coloured(Term::Kind::gradient, "gradients") +
           " and " + coloured(Term::Kind::second, "second derivatives");
  return "<p class=\"key screen-only\"><span>" + what +
         std::string(
             has_arrays ? ": the stronger the colour the larger, grey below 0. Point at a node for all of it."
                        : ". Point at a node for all of it.") +
         "</span><span><kbd>←</kbd> <kbd>→</kbd> step</span><span><kbd>space</kbd> play</span></p>\n";
}

}  // namespace

std::string heading(const Walk& walk, const WalkScene& scene, std::size_t frame) {
  const WalkStep* step = scene.step(frame);
  if (step == nullptr) return frame == 0 ? "The expression" : passes(walk).back() + " pass";
  const std::size_t pass = pass_of(walk, *step);
  std::size_t first = frame, end = frame + 1;
  const auto is_in_pass = [&](std::size_t each) {
    return scene.step(each) != nullptr && pass_of(walk, *scene.step(each)) == pass;
  };
  while (is_in_pass(first - 1)) --first;
  while (end < scene.frames() && is_in_pass(end)) ++end;
  std::string which =
      fmt::format("{} pass, step {} of {}", passes(walk)[pass], frame - first + 1, end - first);
  if (step->kind != WalkStep::Kind::chain_rule) return which;
  const auto name = [&](std::size_t node) { return shortened(plain(walk.name(node)), 24); };
  return which + ": from " + name(step->from) + " to " + name(step->node);
}

std::string walk_page(const Walk& walk, const WalkScene& scene) {
  std::ostringstream out;
  write_page(out, {.title = shortened(walk.expression(), 120),
                   .body = "<main>\n" + steps_list(walk, scene) + figure(walk, scene) + "<div>\n" +
                           bar(scene.frames() - 1) + key(walk) +
                           "</div>\n</main>\n<p class=\"spoken\" id=\"now\" aria-live=\"polite\"></p>\n",
                   .styles = {"scene.css", "walk.css"},
                   .scripts = {"walk.js"}});
  return out.str();
}

}  // namespace chainrule
