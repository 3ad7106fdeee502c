// The terms of equations in LaTeX. Names become letters with indices or words; characters that LaTeX does not
// have are written as it has them.

#include "draw/walk/latex.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <span>

#include "draw/markup.h"
#include "draw/numbers.h"
#include "draw/svg.h"
#include "draw/walk/equation.h"

namespace chainrule {
namespace {

struct Character {
  std::string_view utf8, latex;
};

/// Those that formulas are written with, and Greek letters, which people call variables by.
constexpr Character characters[] = {
    {"·", "\\cdot "},      {"⊙", "\\odot "},     {"×", "\\times "},  {"−", "-"},
    {"±", "\\pm "},        {"∂", "\\partial "},  {"Σ", "\\sum "},    {"Π", "\\prod "},
    {"√", "\\surd "},      {"∛", "\\sqrt[3]{}"}, {"‖", "\\Vert "},   {"∞", "\\infty "},
    {"≤", "\\le "},        {"≥", "\\ge "},       {"≠", "\\ne "},     {"→", "\\to "},
    {"←", "\\leftarrow "}, {"…", "\\dots "},     {"⌊", "\\lfloor "}, {"⌋", "\\rfloor "},
    {"⌈", "\\lceil "},     {"⌉", "\\rceil "},    {"⟨", "\\langle "}, {"⟩", "\\rangle "},
    {"½", "\\tfrac12 "},   {"ŷ", "\\hat{y}"},    {"′", "'"},         {"α", "\\alpha "},
    {"β", "\\beta "},      {"γ", "\\gamma "},    {"δ", "\\delta "},  {"ε", "\\varepsilon "},
    {"ζ", "\\zeta "},      {"η", "\\eta "},      {"θ", "\\theta "},  {"ι", "\\iota "},
    {"κ", "\\kappa "},     {"λ", "\\lambda "},   {"μ", "\\mu "},     {"ν", "\\nu "},
    {"ξ", "\\xi "},        {"π", "\\pi "},       {"ρ", "\\rho "},    {"σ", "\\sigma "},
    {"τ", "\\tau "},       {"υ", "\\upsilon "},  {"φ", "\\varphi "}, {"χ", "\\chi "},
    {"ψ", "\\psi "},       {"ω", "\\omega "},    {"Γ", "\\Gamma "},  {"Δ", "\\Delta "},
    {"Θ", "\\Theta "},     {"Λ", "\\Lambda "},   {"Ξ", "\\Xi "},     {"Φ", "\\Phi "},
    {"Ψ", "\\Psi "},       {"Ω", "\\Omega "},    {"∇", "\\nabla "},  {"∈", "\\in "},
    {"µ", "\\mu "},
};

/// Raised and lowered characters, with what they are raised or lowered.
constexpr Character raised[] = {
    {"ᵀ", "\\mathsf{T}"}, {"⁰", "0"}, {"¹", "1"}, {"²", "2"}, {"³", "3"}, {"⁴", "4"}, {"⁵", "5"}, {"⁶", "6"},
    {"⁷", "7"},           {"⁸", "8"}, {"⁹", "9"}, {"⁻", "-"}, {"⁺", "+"}, {"⁽", "("}, {"⁾", ")"}, {"ˣ", "x"},
    {"ⁿ", "n"},           {"ᵇ", "b"}, {"ᵏ", "k"}, {"ᵃ", "a"}, {"ᶻ", "z"}, {"ᵖ", "p"}, {"ʸ", "y"}, {"ʲ", "j"}};
constexpr Character lowered[] = {{"ᵢ", "i"}, {"ⱼ", "j"}, {"ₖ", "k"}, {"ₕ", "h"}, {"ᵣ", "r"}, {"₀", "0"},
                                 {"₁", "1"}, {"₂", "2"}, {"₃", "3"}, {"₋", "-"}, {"₊", "+"}};

/// ASCII that means something to TeX.
constexpr Character special[] = {{"\\", "\\backslash "}, {"{", "\\{"},     {"}", "\\}"},
                                 {"$", "\\$"},           {"&", "\\&"},     {"#", "\\#"},
                                 {"%", "\\%"},           {"_", "\\_"},     {"^", "\\text{\\textasciicircum}"},
                                 {"~", "\\sim "},        {"@", "\\,@\\,"}, {"|", "\\vert "}};

template <std::size_t N>
const Character* find(const Character (&table)[N], std::string_view utf8) {
  const auto* found = std::ranges::find(table, utf8, &Character::utf8);
  return found == std::end(table) ? nullptr : found;
}

/// The code of a character, for one that TeX may have no letter for: "U+65E5".
std::string code_of(std::string_view utf8) {
  std::uint32_t code = static_cast<unsigned char>(utf8[0]);
  if (utf8.size() > 1) code &= 0x7FU >> utf8.size();
  for (const char byte : utf8.substr(1)) code = code << 6 | (static_cast<unsigned char>(byte) & 0x3FU);
  return fmt::format("\\text{{U+{:04X}}}", code);
}

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

/// The first character of the text, taken off it; a byte that is no UTF-8 counts as one.
std::string_view take_character(std::string_view& text) {
  const std::string_view first = text.substr(0, std::max<std::size_t>(character_bytes(text), 1));
  text.remove_prefix(first.size());
  return first;
}

std::string symbol(std::string_view utf8) {
  if (const Character* found = find(characters, utf8)) return std::string(found->latex);
  if (const Character* found = find(special, utf8)) return std::string(found->latex);
  const auto byte = static_cast<unsigned char>(utf8[0]);
  if (byte >= 0xC3 && byte <= 0xC5 && utf8.size() == 2) return "\\text{" + std::string(utf8) + "}";  // À to ſ
  return utf8.size() == 1 && byte >= ' ' && byte < 0x7F ? std::string(utf8) : code_of(utf8);
}

/// Signs and words: a letter is a variable, several are a function, and digits with a point a number.
std::string formula(std::string_view text) {
  std::string out;
  bool after_word = false, after_keyword = false;
  const auto script = [&](const auto& table, const char* open) {
    std::string content;
    while (const Character* found = find(table, text.substr(0, character_bytes(text)))) {
      content += found->latex;
      take_character(text);
    }
    if (!content.empty()) out += open + content + "}";
    return !content.empty();
  };
  while (!text.empty()) {
    if (script(raised, "^{") || script(lowered, "_{")) continue;
    if (text.starts_with(" ")) {
      text.remove_prefix(1);
      // Math mode ignores spaces; between two words there is to be one. A name may stand before the formula,
      // or follow it.
      const bool before_keyword = text.starts_with("if ") || text.starts_with("else ");
      const bool before_word = !text.empty() && is_letter(text.front());
      const bool between_words = after_keyword || before_keyword ||
                                 (after_word && (before_word || text.empty())) ||
                                 (out.empty() && before_word);
      out += between_words ? "\\ " : out.ends_with(' ') || out.empty() ? "" : " ";
      after_word = after_keyword = false;
      continue;
    }
    after_word = is_letter(text.front()) || is_digit(text.front());
    for (const auto& [from, to] : {std::pair("**", "\\mathbin{{*}{*}}"),
                                   {"<=", "\\le "},
                                   {">=", "\\ge "},
                                   {"==", "="},
                                   {"!=", "\\ne "}}) {
      if (!text.starts_with(from)) continue;
      out += to;
      text.remove_prefix(2);
    }
    if (text.empty()) break;
    const auto is_in_word = [](char c) { return is_letter(c) || is_digit(c) || c == '_'; };
    const auto lead = static_cast<unsigned char>(text.front());
    const bool greek = lead == 0xCE || lead == 0xCF;
    if (!is_letter(text.front()) && !(greek && text.substr(2).starts_with('_'))) {
      out += symbol(take_character(text));
      continue;
    }
    std::size_t end = greek ? 2 : 0;
    while (end < text.size() && is_in_word(text[end])) ++end;
    const std::string_view word = text.substr(0, end);
    after_keyword = word == "if" || word == "else";
    out += after_keyword ? fmt::format("\\text{{{}}}", word) : latex_name(word);
    text.remove_prefix(end);
  }
  return out;
}

/// Numbers as one_line() writes them: "-1.5e-07", "[1, nan]", "(2, 50) from -1 to 2".
std::string numbers(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.starts_with('-') && out.ends_with("}\\ ")) {  // after a word it would be a difference
      out += "{-}";
      text.remove_prefix(1);
      continue;
    }
    if (text.starts_with("inf") || text.starts_with("nan")) {
      out += text.starts_with("inf") ? "\\infty" : "\\mathrm{NaN}";
      text.remove_prefix(3);
    } else if (out.size() > 0 && is_digit(out.back()) && text.starts_with('e')) {
      text.remove_prefix(text.starts_with("e+") ? 2 : 1);
      const bool negative = text.starts_with('-');
      if (negative) text.remove_prefix(1);
      while (text.size() > 1 && text[0] == '0' && is_digit(text[1])) text.remove_prefix(1);
      std::size_t end = 0;
      while (end < text.size() && is_digit(text[end])) ++end;
      out += fmt::format("\\cdot 10^{{{}{}}}", negative ? "-" : "", text.substr(0, end));
      text.remove_prefix(end);
    } else if (is_letter(text.front())) {
      std::size_t end = 0;
      while (end < text.size() && is_letter(text[end])) ++end;
      out += fmt::format("\\text{{{}}}", text.substr(0, end));
      text.remove_prefix(end);
    } else {
      out += text.starts_with(' ') ? "\\ "
                                   : symbol(text.substr(0, std::max<std::size_t>(character_bytes(text), 1)));
      take_character(text);
    }
  }
  return out;
}

/// The elements from `next` on as nested lists, as "[[1, 2], [3, 4]]".
std::string list(const std::vector<std::string>& elements, std::size_t& next,
                 std::span<const std::int64_t> sizes) {
  if (sizes.empty()) return elements[next++];
  std::string text = "[";
  for (std::int64_t i = 0; i < sizes.front(); ++i)
    text += (i == 0 ? "" : ", ") + list(elements, next, sizes.subspan(1));
  return text + "]";
}

/// A list in as many lines as it takes, broken after commas.
LatexNumbers lines(std::string_view text, double widest) {
  LatexNumbers result;
  std::string line;
  const auto end_line = [&] {
    result.width = std::max(result.width, text_width(line));
    result.text += (result.height > 0 ? "\\\\ &" : "") + numbers(line);
    ++result.height;
    line.clear();
  };
  while (!text.empty()) {
    const std::string_view next = text.substr(0, std::min(text.find(", "), text.size() - 1) + 1);
    if (!line.empty() && text_width(line) + text_width(next) > widest) end_line();
    text.remove_prefix(next.size());
    line += next;
    if (text.starts_with(' ')) {
      line += ' ';
      text.remove_prefix(1);
    }
  }
  end_line();
  if (result.height > 1) result.text = "\\begin{aligned}&" + result.text + "\\end{aligned}";
  return result;
}

/// Rows and columns in brackets.
LatexNumbers matrix(const std::vector<std::string>& elements, std::size_t rows, bool small) {
  LatexNumbers result{.text = {}, .height = rows};
  const std::size_t columns = elements.size() / rows;
  std::vector<double> widths(columns);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    double& width = widths[i % columns];
    width = std::max(width, text_width(elements[i]));
    result.text += (i == 0 ? "" : i % columns == 0 ? " \\\\ " : " & ") + numbers(elements[i]);
  }
  for (const double width : widths) result.width += width + 1;
  result.text = small ? "\\left[\\begin{smallmatrix}" + result.text + "\\end{smallmatrix}\\right]"
                      : "\\begin{bmatrix}" + result.text + "\\end{bmatrix}";
  return result;
}

/// "dL", "∂v1": the sign of a differential and what it is of; "d²L", "dx dy", "dx²", and "d(dL/dq)".
std::string differential(std::string_view text, bool is_second) {
  std::string_view of = text;
  const std::string_view sign = take_character(of);
  std::string start = sign == "d" ? "\\mathrm{d}" : symbol(sign);
  if (of.starts_with('(') && of.ends_with(')')) {
    of = of.substr(1, of.size() - 2);
    const std::size_t slash = of.find("/d");
    if (slash != std::string_view::npos)
      return start + "(" + differential(of.substr(0, slash), false) + "/" +
             differential(of.substr(slash + 1), false) + ")";
  }
  if (!is_second) return start + latex_name(of);
  constexpr std::string_view squared = "²";
  if (of.starts_with(squared)) return start + "^{2}" + latex_name(of.substr(squared.size()));
  if (of.ends_with(squared)) return start + latex_name(of.substr(0, of.size() - squared.size())) + "^{2}";
  if (const std::size_t space = of.find(" d"); space != std::string_view::npos)
    return start + latex_name(of.substr(0, space)) + "\\," + differential(of.substr(space + 1), false);
  return start + latex_name(of);
}

}  // namespace

std::string latex_name(std::string_view name) {
  // v1 and w_2: a letter with an index.
  std::string_view letter = name;
  const std::string_view first = name.empty() ? name : take_character(letter);
  const bool has_line = letter.starts_with('_');
  const std::string_view index = letter.substr(has_line ? 1 : 0);
  const bool is_variable = first.size() > 1 || (!first.empty() && is_letter(first[0]));
  if (is_variable && !index.empty() && std::ranges::all_of(index, is_digit))
    return symbol(first) + fmt::format("_{{{}}}", index);
  if (is_variable && index.empty() && !has_line) return symbol(first);
  std::string inner;
  for (std::string_view rest = name; !rest.empty();) {
    const std::string_view next = take_character(rest);
    inner += next == " " ? "\\ " : symbol(next);
  }
  return "\\mathrm{" + inner + "}";
}

std::string latex_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view next = take_character(text);
    const std::string in_math = symbol(next);
    out += next == in_math ? in_math : "$" + in_math + "$";
  }
  return out;
}

LatexNumbers latex_numbers(const Tensor& tensor, int digits, double widest, bool small) {
  std::vector<std::string> elements;
  for (const double element : tensor.to_vector<double>()) elements.push_back(number(element, digits));
  if (tensor.rank() == 2) {
    LatexNumbers result = matrix(elements, static_cast<std::size_t>(tensor.shape()[0]), small);
    if (result.width <= widest) return result;
  }
  std::size_t next = 0;
  return lines(list(elements, next, tensor.shape().sizes()), widest);
}

LatexNumbers latex_numbers(const Term& term) {
  constexpr double widest = 34;
  if (!term.tensor.is_empty() && term.tensor.rank() > 0 && term.tensor.size() > 0 && is_small(term.tensor))
    return latex_numbers(term.tensor, 6, widest, false);
  return {.text = numbers(term.text), .width = text_width(term.text), .height = 1};
}

double latex_width(const Terms& terms) {
  double width = 0;
  for (const Term& term : terms)
    width += is_numbers(term)                      ? latex_numbers(term).width
             : term.kind == Term::Kind::derivative ? std::max(text_width(term.text), text_width(term.under))
                                                   : text_width(term.text);
  return width;
}

std::string latex(const Term& term, bool on_one_line) {
  switch (term.kind) {
    case Term::Kind::text: return formula(term.text);
    case Term::Kind::name: return latex_name(term.text);
    case Term::Kind::derivative: {
      const bool is_second = term.numbers == Term::Kind::second;
      const std::string above = differential(term.text, is_second),
                        under = differential(term.under, is_second);
      return on_one_line ? above + "/" + under : "\\frac{" + above + "}{" + under + "}";
    }
    case Term::Kind::value:
    case Term::Kind::gradient:
    case Term::Kind::tangent:
    case Term::Kind::second: break;
  }
  return fmt::format("\\textcolor{{{}}}{{{}}}", class_of(term), latex_numbers(term).text);
}

std::string latex(const Terms& terms, bool on_one_line) {
  std::string out;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (terms[i].kind == Term::Kind::text && terms[i].text == " ** ") {  // what follows is the exponent
      const Terms exponent(terms.begin() + static_cast<std::ptrdiff_t>(i) + 1, terms.end());
      return "{" + out + "}^{" + latex(exponent, on_one_line) + "}";
    }
    out += latex(terms[i], on_one_line);
  }
  return out;
}

}  // namespace chainrule
