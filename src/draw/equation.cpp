#include "draw/equation.h"

namespace chainrule::draw {
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
  const auto write = [&](const Term& term) { text += in_colour(term, colour); };
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

}  // namespace chainrule::draw
