// Numbers with currencies, units and signs between thousands. Texts are taken apart by hand, without a
// locale; io.h's parse_number reads what remains.

#include "data/amounts.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "chainrule/io.h"
#include "data/letters.h"

namespace chainrule {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view with_point = "1,234.5", with_comma = "1.234,5";

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

bool remove_prefix(std::string_view& text, std::string_view prefix) {
  if (prefix.empty() || !text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// What may stand before a number, the longer first. Other texts there, as in "Q1", make names.
constexpr std::array currencies = {"US$"sv, "USD"sv, "EUR"sv, "GBP"sv, "CHF"sv, "JPY"sv, "INR"sv,
                                   "R$"sv,  "$"sv,   "€"sv,   "£"sv,   "¥"sv,   "₹"sv};

/// A text apart: -, a currency, digits with signs among them, a unit.
struct Pieces {
  bool is_negative = false;
  std::string_view prefix, digits, suffix;
};

/// A unit has no digits, and no sign that would make two numbers of one, as a range or a time.
bool is_unit(std::string_view text) {
  constexpr std::size_t longest = 16;
  return text.size() <= longest && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return c >= 0x80 || std::isalpha(c) != 0 ||
                  " %/$'\"^"sv.find(static_cast<char>(c)) != std::string_view::npos;
         });
}

std::optional<Pieces> taken_apart(std::string_view text) {
  Pieces pieces;
  text = trimmed(text);
  bool closes = false;
  const auto take_sign = [&] {
    for (const std::string_view minus : {"-"sv, "\u2212"sv})
      if (remove_prefix(text, minus)) return pieces.is_negative = true;
    return remove_prefix(text, "+");
  };
  if (remove_prefix(text, "(")) pieces.is_negative = closes = true;  // as accountants write it
  bool has_sign = closes || take_sign();
  for (const std::string_view currency : currencies)
    if (remove_prefix(text, currency)) {
      pieces.prefix = currency;
      text = trimmed(text);
      has_sign = has_sign || take_sign();
      break;
    }
  // Digits, and what may stand among them when more follow.
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t next = at;
    for (const std::string_view between :
         {","sv, "."sv, " "sv, "'"sv, "\u00a0"sv, "\u202f"sv, "\u2009"sv, "\u2019"sv})
      if (text.substr(at).starts_with(between)) {
        next = at + between.size();
        break;
      }
    if (next == text.size() || !is_digit(text[next])) {
      if (next > at && (text[at] == '.' || text[at] == ',')) return std::nullopt;  // "5." and "3, 4"
      break;
    }
    end = at = next + 1;
  }
  if (end == 0) return std::nullopt;
  pieces.digits = text.substr(0, end);
  text.remove_prefix(end);
  if (closes) {
    if (!text.ends_with(')')) return std::nullopt;
    text.remove_suffix(1);
  }
  for (const std::string_view space : {"\u00a0"sv, "\u202f"sv, "\u2009"sv})
    if (text.starts_with(space)) text.remove_prefix(space.size());
  pieces.suffix = trimmed(text);
  if (!is_unit(pieces.suffix)) return std::nullopt;
  return pieces;
}

/// The digits as a number with this sign before the decimals; other signs stand between thousands, and all
/// are the same. Nothing if they stand elsewhere.
std::optional<double> value_of(std::string_view digits, char decimal) {
  std::string plain;
  std::string_view between;
  std::size_t group = 0;  // how many digits since the last sign
  for (std::size_t at = 0; at < digits.size();) {
    if (is_digit(digits[at])) {
      plain += digits[at++];
      ++group;
      continue;
    }
    std::size_t end = at + 1;
    while (!is_digit(digits[end])) ++end;
    const std::string_view sign = digits.substr(at, end - at);
    constexpr std::size_t thousands = 3;
    if (!between.empty() ? group != thousands : group > thousands && sign.front() != decimal)
      return std::nullopt;
    if (sign.size() == 1 && sign.front() == decimal) {
      const std::string_view rest = digits.substr(end);
      if (!std::all_of(rest.begin(), rest.end(), is_digit)) return std::nullopt;
      return parse_number(plain + "." + std::string(rest));
    }
    if ((!between.empty() && sign != between) || group == 0 || plain == "0") return std::nullopt;
    between = sign;
    at = end;
    group = 0;
  }
  constexpr std::size_t thousands = 3;
  if (!between.empty() && group != thousands) return std::nullopt;
  return parse_number(plain);
}

std::optional<double> value_of(const Pieces& pieces, char decimal) {
  const std::optional<double> value = value_of(pieces.digits, decimal);
  return value && pieces.is_negative ? -*value : value;
}

}  // namespace

std::optional<std::string> find_amount_form(const std::vector<std::string>& texts, char separator) {
  if (texts.empty()) return std::nullopt;
  std::optional<Pieces> first;
  bool may_be_points = true, may_be_commas = true, has_comma = false;
  for (const std::string& text : texts) {
    const std::optional<Pieces> pieces = taken_apart(text);
    if (!pieces) return std::nullopt;
    if (!first) first = pieces;
    if (pieces->prefix != first->prefix || pieces->suffix != first->suffix) return std::nullopt;
    has_comma = has_comma || pieces->digits.find(',') != std::string_view::npos;
    may_be_points = may_be_points && value_of(*pieces, '.');
    may_be_commas = may_be_commas && value_of(*pieces, ',');
    if (!may_be_points && !may_be_commas) return std::nullopt;
  }
  const bool has_sign = !first->prefix.empty() || !first->suffix.empty();
  // A plain number with a decimal comma is for --decimal to read, which knows of all columns.
  if (!may_be_points && !has_sign) return std::nullopt;
  if (may_be_points && may_be_commas && has_comma && separator != ',') return std::nullopt;
  std::string form(first->prefix);
  form += may_be_points ? with_point : with_comma;
  if (!first->suffix.empty()) form += (first->suffix == "%" ? "" : " ") + std::string(first->suffix);
  return form;
}

std::optional<double> parse_amount(std::string_view text, const std::string& form) {
  const std::optional<Pieces> pieces = taken_apart(text);
  if (!pieces) return parse_number(text);
  const bool is_point = form.find(with_point) != std::string::npos;
  const std::size_t at = form.find(is_point ? with_point : with_comma);
  if (at == std::string::npos) return std::nullopt;
  const std::string_view prefix = std::string_view(form).substr(0, at),
                         suffix = trimmed(std::string_view(form).substr(at + with_point.size()));
  const bool is_plain = pieces->prefix.empty() && pieces->suffix.empty();
  if (!is_plain && (pieces->prefix != prefix || pieces->suffix != suffix)) return std::nullopt;
  return value_of(*pieces, is_point ? '.' : ',');
}

bool has_unit(const std::string& form) { return form != with_point && form != with_comma; }

}  // namespace chainrule
