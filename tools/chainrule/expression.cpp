// The grammar of expressions, and the program on a stack of values that a text becomes, so that no nesting is
// too deep.

#include "expression.h"

#include <algorithm>
#include <array>
#include <optional>
#include <tao/pegtl/contrib/limit_depth.hpp>

#include "command.h"
#include "grammar.h"

namespace chainrule::cli {
namespace {

namespace p = tao::pegtl;
namespace g = grammar;

// The parser recurses into brackets and signs; this keeps it far from the end of the stack.
constexpr std::size_t deepest_nesting = 200;

constexpr const char* closing_quote = "the closing quote";

// ---- What the rules build --------------------------------------------------------------------------------

/// What a rule matched, and where.
struct Match {
  std::string_view text = {};
  std::size_t offset = 0;
};

/// An open bracket, and what it holds so far.
struct Bracket {
  std::size_t offset = 0;
  std::size_t count = 0;
  bool comma = false;
  std::vector<std::string_view> keywords = {};
  std::optional<std::size_t> callee = {};  // of the call whose arguments these are: where to point
  std::string_view method = {};            // and the method, if it is one
};

struct Builder {
  std::string_view source;   // as given, for messages
  std::string_view blanked;  // as parsed
  std::vector<Instruction>& instructions;
  std::vector<Bracket> brackets = {};
  std::vector<Match> operators = {};  // those that wait for their right side
  std::vector<Match> targets = {};    // of the assignment at hand
  Match attribute = {};               // the one seen last

  void emit(Code code, const Match& place, std::string_view text = {}, std::size_t count = 0) {
    instructions.push_back({code, place.offset, text, count});
  }
  Match pop_operator() {
    const Match match = operators.back();
    operators.pop_back();
    return match;
  }
  [[noreturn]] void fail(const std::string& message, std::size_t offset) const {
    throw CommandError(message + pointer_to(source, offset));
  }
  [[noreturn]] void fail_unexpected(std::size_t offset, const std::string& expected) const;
};

constexpr std::array<std::string_view, 21> reserved = {
    "and", "or",    "not",    "if", "else", "elif",   "for",    "while", "in",   "is",    "lambda",
    "def", "class", "import", "as", "from", "return", "assert", "del",   "with", "yield",
};
bool is_reserved(std::string_view word) {
  return std::find(reserved.begin(), reserved.end(), word) != reserved.end();
}

/// What to write in place of something that people paste or are used to.
std::string_view hint(std::string_view token) {
  struct Hint {
    std::string_view token, text;
  };
  static constexpr std::array<Hint, 11> hints = {{
      {"!", "unequal is !="},
      {"=", "equal is ==, and an assignment is a statement of its own"},
      {"−", "the minus sign is -"},
      {"–", "the minus sign is -"},
      {"×", "a product is written with *"},
      {"·", "a product is written with *"},
      {"÷", "a quotient is written with /"},
      {"“", "quotes are \" or '"},
      {"‘", "quotes are \" or '"},
      {")", "no ( is open here"},
      {"]", "no [ is open here"},
  }};
  if (is_reserved(token)) return "it is not part of what chainrule understands of Python";
  for (const Hint& known : hints)
    if (token.starts_with(known.token)) return known.text;
  return {};
}

void Builder::fail_unexpected(std::size_t offset, const std::string& expected) const {
  const std::string_view rest = blanked.substr(offset);
  if (blanked.find_first_not_of(" \t\r\f\n;") == std::string_view::npos)
    throw CommandError("the expression is empty");
  if (rest.empty() || rest[0] == '\n') {
    if (!brackets.empty() && expected != closing_quote)
      fail(std::string("this ") + source[brackets.back().offset] + " is never closed",
           brackets.back().offset);
    fail("the expression ends where " + expected + " should follow", offset);
  }
  std::size_t length = identifier_length(rest);
  if (length == 0) length = character_length(rest);
  const std::string_view token = rest.substr(0, length), remedy = hint(token);
  // After one comma there is no other, and a bracket is open where its end is unexpected.
  const std::string wanted = token == "," && expected.starts_with("','") ? "a value" : expected;
  const bool is_open = !brackets.empty() && (token == ")" || token == "]");
  fail("unexpected '" + printable(token) + "'; " +
           (remedy.empty() || is_open ? wanted + " should stand here" : std::string(remedy)),
       offset);
}

// ---- Actions ---------------------------------------------------------------------------------------------

template <auto function>
struct does {
  template <class Input>
  static void apply(const Input& in, Builder& builder) {
    function(Match{in.string_view(), static_cast<std::size_t>(in.begin() - builder.blanked.data())}, builder);
  }
};

void push_operator(const Match& match, Builder& b) {
  const std::size_t end = match.text.find_last_not_of(" \t\r\f");
  b.operators.push_back({match.text.substr(0, end + 1), match.offset});
}
void emit_binary(const Match&, Builder& b) {
  const Match sign = b.pop_operator();
  b.emit(Code::binary, sign, sign.text);
}
void emit_negate(const Match&, Builder& b) { b.emit(Code::negate, b.pop_operator()); }
void emit_invert(const Match&, Builder& b) { b.emit(Code::invert, b.pop_operator()); }
void forbid_chains(const Match& match, Builder& b) {
  b.fail("comparisons cannot be chained; write (a < b) & (b < c)", match.offset);
}

void emit_number(const Match& match, Builder& b) { b.emit(Code::number, match, match.text); }
void emit_string(const Match& match, Builder& b) {
  b.emit(Code::string, match, match.text.substr(1, match.text.size() - 2));
}
void emit_name(const Match& match, Builder& b) {
  if (is_reserved(match.text)) b.fail_unexpected(match.offset, "a value");
  b.emit(Code::name, match, match.text);
}
void emit_absent(const Match& match, Builder& b) { b.emit(Code::absent, match); }
void emit_ellipsis(const Match& match, Builder& b) { b.emit(Code::ellipsis, match); }
void emit_slice(const Match& match, Builder& b) { b.emit(Code::slice, match); }
void emit_discard(const Match& match, Builder& b) { b.emit(Code::discard, match); }

void note_attribute(const Match& match, Builder& b) { b.attribute = match; }
void emit_attribute(const Match&, Builder& b) { b.emit(Code::attribute, b.attribute, b.attribute.text); }
void note_target(const Match& match, Builder& b) {
  if (is_reserved(match.text) || match.text == "None" || match.text == "True" || match.text == "False")
    b.fail("'" + std::string(match.text) + "' cannot be given another value", match.offset);
  b.targets.push_back(match);
}
void emit_assign(const Match&, Builder& b) {
  if (b.targets.size() > 1) b.emit(Code::unpack, b.targets[0], {}, b.targets.size());
  for (const Match& target : b.targets) {
    b.emit(Code::assign, target, target.text);
    if (b.targets.size() > 1) b.emit(Code::discard, target);
  }
  b.targets.clear();
}

void open_bracket(const Match& match, Builder& b) { b.brackets.push_back({.offset = match.offset}); }
void open_call(const Match& match, Builder& b) {  // errors point at the function's name where it is one
  const Instruction& callee = b.instructions.back();
  b.brackets.push_back(
      {.offset = match.offset, .callee = callee.code == Code::name ? callee.offset : match.offset});
}
void open_method(const Match& match, Builder& b) {
  b.brackets.push_back({.offset = match.offset, .callee = b.attribute.offset, .method = b.attribute.text});
}
void count_item(const Match&, Builder& b) { ++b.brackets.back().count; }
void note_comma(const Match&, Builder& b) { b.brackets.back().comma = true; }
void count_positional(const Match& match, Builder& b) {
  if (!b.brackets.back().keywords.empty())
    b.fail("an argument without a name follows one that has a name", match.offset);
  ++b.brackets.back().count;
}
void note_keyword(const Match& match, Builder& b) {
  auto& keywords = b.brackets.back().keywords;
  if (std::find(keywords.begin(), keywords.end(), match.text) != keywords.end())
    b.fail("the argument '" + std::string(match.text) + "' is given twice", match.offset);
  keywords.push_back(match.text);
  ++b.brackets.back().count;
}

void close(Code code, Builder& b) {
  Bracket bracket = std::move(b.brackets.back());
  b.brackets.pop_back();
  const std::size_t offset = bracket.callee.value_or(bracket.offset);
  b.instructions.push_back({code, offset, bracket.method, bracket.count, std::move(bracket.keywords)});
}
void close_list(const Match&, Builder& b) { close(Code::list, b); }
void close_index(const Match&, Builder& b) { close(Code::index, b); }
void close_tuple(const Match&, Builder& b) {
  const bool only_grouping = b.brackets.back().count == 1 && !b.brackets.back().comma;
  if (only_grouping)
    b.brackets.pop_back();
  else
    close(Code::tuple, b);
}
void close_call(const Match&, Builder& b) {
  close(b.brackets.back().method.empty() ? Code::call : Code::method, b);
}

template <class Rule>
struct action : p::nothing<Rule> {};
// clang-format off
template <> struct action<g::unary> : p::limit_depth<deepest_nesting> {};
template <> struct action<g::number> : does<emit_number> {};
template <> struct action<g::string> : does<emit_string> {};
template <> struct action<g::name> : does<emit_name> {};
template <> struct action<g::comma> : does<note_comma> {};
template <> struct action<g::item> : does<count_item> {};
template <> struct action<g::open_list> : does<open_bracket> {};
template <> struct action<g::close_list> : does<close_list> {};
template <> struct action<g::open_tuple> : does<open_bracket> {};
template <> struct action<g::close_tuple> : does<close_tuple> {};
template <> struct action<g::keyword> : does<note_keyword> {};
template <> struct action<g::positional> : does<count_positional> {};
template <> struct action<g::open_call> : does<open_call> {};
template <> struct action<g::close_call> : does<close_call> {};
template <> struct action<g::no_bound> : does<emit_absent> {};
template <> struct action<g::no_step> : does<emit_absent> {};
template <> struct action<g::slice_rest> : does<emit_slice> {};
template <> struct action<g::ellipsis> : does<emit_ellipsis> {};
template <> struct action<g::position> : does<count_item> {};
template <> struct action<g::open_index> : does<open_bracket> {};
template <> struct action<g::close_index> : does<close_index> {};
template <> struct action<g::attribute_name> : does<note_attribute> {};
template <> struct action<g::open_method> : does<open_method> {};
template <> struct action<g::no_call> : does<emit_attribute> {};
template <> struct action<g::power_sign> : does<push_operator> {};
template <> struct action<g::minus_sign> : does<push_operator> {};
template <> struct action<g::not_sign> : does<push_operator> {};
template <> struct action<g::and_sign> : does<push_operator> {};
template <> struct action<g::xor_sign> : does<push_operator> {};
template <> struct action<g::or_sign> : does<push_operator> {};
template <> struct action<g::product_sign> : does<push_operator> {};
template <> struct action<g::sum_sign> : does<push_operator> {};
template <> struct action<g::comparison_sign> : does<push_operator> {};
template <> struct action<g::power_tail> : does<emit_binary> {};
template <> struct action<g::negation> : does<emit_negate> {};
template <> struct action<g::inversion> : does<emit_invert> {};
template <> struct action<g::and_tail> : does<emit_binary> {};
template <> struct action<g::xor_tail> : does<emit_binary> {};
template <> struct action<g::or_tail> : does<emit_binary> {};
template <> struct action<g::product_tail> : does<emit_binary> {};
template <> struct action<g::sum_tail> : does<emit_binary> {};
template <> struct action<g::comparison_tail> : does<emit_binary> {};
template <> struct action<g::chained_comparison> : does<forbid_chains> {};
template <> struct action<g::target> : does<note_target> {};
template <> struct action<g::assignment> : does<emit_assign> {};
template <> struct action<g::next_statement> : does<emit_discard> {};

/// What should have stood where a rule that had to match did not.
template <class Rule> constexpr const char* expected = "a value";
template <> constexpr const char* expected<g::no_letters> = "an operator";
template <> constexpr const char* expected<g::close_list> = "',' or ']'";
template <> constexpr const char* expected<g::close_tuple> = "',' or ')'";
template <> constexpr const char* expected<g::close_call> = "',' or ')'";
template <> constexpr const char* expected<g::close_index> = "',', ':' or ']'";
template <> constexpr const char* expected<g::attribute_name> = "a name";
template <> constexpr const char* expected<p::one<'\''>> = closing_quote;
template <> constexpr const char* expected<p::one<'"'>> = closing_quote;
template <> constexpr const char* expected<p::eof> = "an operator";
// clang-format on

template <class Rule>
struct control : p::normal<Rule> {
  template <class Input>
  [[noreturn]] static void raise(const Input& in, const Builder& builder) {
    builder.fail_unexpected(static_cast<std::size_t>(in.current() - builder.blanked.data()), expected<Rule>);
  }
};

/// The source, as long as before, with comments, line breaks inside brackets or after a backslash, and
/// non-breaking spaces replaced by spaces: what does not matter, but the grammar would have to repeat.
std::string blank_out(std::string_view source) {
  std::string text(source);
  std::size_t depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char& c = text[i];
    if (quote != 0) {
      if (c == quote || c == '\n') quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '(' || c == '[') {
      ++depth;
    } else if (c == ')' || c == ']') {
      depth -= depth > 0 ? 1 : 0;
    } else if (c == '\n' && depth > 0) {
      c = ' ';
    } else if (c == '#') {
      for (; i < text.size() && text[i] != '\n'; ++i) text[i] = ' ';
      --i;
    } else if (text.compare(i, 2, "\\\n") == 0 || text.compare(i, 2, "\u00A0") == 0) {
      text.replace(i, 2, "  ");
    }
  }
  return text;
}

}  // namespace

Program::Program(std::string_view source) : source_(source), blanked_(blank_out(source)) {
  Builder builder{source_, blanked_, instructions_};
  p::memory_input<p::tracking_mode::lazy> in(blanked_.data(), blanked_.size(), "");
  try {
    p::parse<g::program, action, control>(in, builder);
  } catch (const p::parse_error& error) {  // only limit_depth throws it
    builder.fail(
        "nested more than " + std::to_string(deepest_nesting) + " levels deep; give parts of it names",
        error.positions().front().byte);
  }
}

}  // namespace chainrule::cli
