// The equations of a step as plain text.

#include "draw/walk/equation.h"

#include "draw/markup.h"

namespace chainrule {
namespace {

/// Colours for a terminal, or nothing: blue for values, orange for gradients, as in drawings.
struct Palette {
  const char *value = "", *gradient = "", *heading = "", *plain = "";
};

std::string in_colour(const Term& term, const Palette& colour) {
  const char* start = term.kind == Term::Kind::value      ? colour.value
                      : term.kind == Term::Kind::gradient ? colour.gradient
                                                          : nullptr;
  return start == nullptr ? plain(term) : start + plain(term) + colour.plain;
}

std::string line(const WalkStep& step, const Palette& colour) {
  std::string text;
  const auto write = [&](const char* sign, const Terms& terms) {
    text += sign;
    for (const Term& term : terms) text += in_colour(term, colour);
  };
  write_equation(step.equation, !step.sum.empty(), false, write);
  if (!step.sum.empty()) text += ", so ";
  write_equation(step.sum, false, false, write);
  return text;
}

}  // namespace

std::string plain(const Term& term) {
  return term.kind == Term::Kind::derivative ? term.text + "/" + term.under : term.text;
}

std::string plain(const Terms& terms) {
  std::string text;
  for (const Term& term : terms) text += plain(term);
  return text;
}

Term with_short_names(Term term) {
  constexpr std::size_t longest_name = 24, longest_text = 200;  // characters
  const bool is_numbers = term.kind == Term::Kind::value || term.kind == Term::Kind::gradient;
  if (is_numbers) return term;  // few enough, see one_line()
  term.text = shortened(term.text, term.kind == Term::Kind::text ? longest_text : longest_name);
  term.under = shortened(term.under, longest_name);
  return term;
}

std::string plain(const WalkStep& step) { return line(step, {}); }

std::string walk_text(const Walk& walk, bool colours) {
  Palette colour;
  if (colours)
    colour = {.value = "\x1b[34m", .gradient = "\x1b[33m", .heading = "\x1b[1m", .plain = "\x1b[0m"};
  const auto heading = [&](const char* title) {
    return colour.heading + std::string(title) + colour.plain + "\n";
  };

  std::string forward, backward;
  for (const WalkStep& step : walk.steps())
    (step.is_backward() ? backward : forward) += "  " + line(step, colour) + "\n";
  if (backward.empty()) backward = "  " + walk.no_gradients() + "\n";
  return heading("Forward") + forward + "\n" + heading("Backward") + backward;
}

}  // namespace chainrule
