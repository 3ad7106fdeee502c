// The equations of a step as plain text, in colours if a terminal has them.
// Terms are made in terms.h.

#include "draw/walk/equation.h"

#include "draw/markup.h"

namespace chainrule {
namespace {

/// Colours for a terminal, or nothing: blue for values, orange for gradients, green for tangents, and purple
/// for second derivatives, as in drawings.
struct Palette {
  const char *value = "", *gradient = "", *tangent = "", *second = "", *heading = "", *plain = "";
};

std::string in_colour(const Term& term, const Palette& colour) {
  const char* start = nullptr;
  switch (term.kind) {
    case Term::Kind::text:
    case Term::Kind::name:
    case Term::Kind::derivative: return plain(term);
    case Term::Kind::value: start = colour.value; break;
    case Term::Kind::gradient: start = colour.gradient; break;
    case Term::Kind::tangent: start = colour.tangent; break;
    case Term::Kind::second: start = colour.second; break;
  }
  return start + plain(term) + colour.plain;
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

const char* class_of(Term::Kind kind) {
  switch (kind) {
    case Term::Kind::text:
    case Term::Kind::name:
    case Term::Kind::derivative: break;
    case Term::Kind::value: return "value";
    case Term::Kind::gradient: return "gradient";
    case Term::Kind::tangent: return "tangent";
    case Term::Kind::second: return "second";
  }
  return "";
}

std::string with_class_of(const Term& term, std::string classes) {
  const std::string_view more = class_of(term);
  return more.empty() ? classes : classes.append(" ").append(more);
}

std::vector<std::string> passes(const Walk& walk) {
  switch (walk.mode()) {
    case Walk::Mode::backward: break;
    case Walk::Mode::forward: return {"Forward"};
    case Walk::Mode::second: return {"Forward", "Backward", "Second backward"};
  }
  return {"Forward", "Backward"};
}

std::size_t pass_of(const Walk& walk, const WalkStep& step) {
  if (step.is_backward()) return walk.mode() == Walk::Mode::second ? 2 : 1;
  return walk.is_recorded(step.node) ? 1 : 0;
}

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
  if (is_numbers(term)) return term;                            // few enough, see one_line()
  term.text = shortened(term.text, term.kind == Term::Kind::text ? longest_text : longest_name);
  term.under = shortened(term.under, longest_name);
  return term;
}

std::string plain(const WalkStep& step) { return line(step, {}); }

std::string walk_text(const Walk& walk, bool colours) {
  Palette colour;
  if (colours)
    colour = {.value = "\x1b[34m",
              .gradient = "\x1b[33m",
              .tangent = "\x1b[32m",
              .second = "\x1b[35m",
              .heading = "\x1b[1m",
              .plain = "\x1b[0m"};
  const std::vector<std::string> titles = passes(walk);
  std::vector<std::string> lines(titles.size());
  for (const WalkStep& step : walk.steps()) lines[pass_of(walk, step)] += "  " + line(step, colour) + "\n";
  if (const std::string reason = walk.no_gradients(); !reason.empty()) lines.back() += "  " + reason + "\n";
  std::string text;
  for (std::size_t i = 0; i < titles.size(); ++i)
    text += (i > 0 ? "\n" : "") + (colour.heading + titles[i]) + colour.plain + "\n" + lines[i];
  return text;
}

}  // namespace chainrule
