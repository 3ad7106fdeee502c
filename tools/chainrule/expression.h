// An expression as a program: instructions in the order in which a stack of values carries them out. It is
// parsed once and run as often as needed.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chainrule::cli {

/// What one instruction does with the stack of values.
enum class Code : std::uint8_t {
  number,     ///< pushes the literal `text`
  string,     ///< pushes the string `text`
  name,       ///< pushes what `text` names
  absent,     ///< pushes None: a bound that a slice leaves out
  ellipsis,   ///< pushes "..."
  negate,     ///< pops one value, pushes it negated
  invert,     ///< pops one value, pushes ~value
  binary,     ///< pops two values, pushes `text` applied to them
  list,       ///< pops `count` values, pushes a list of them
  tuple,      ///< the same for a tuple
  slice,      ///< pops start, stop and step, pushes a slice
  index,      ///< pops `count` positions and what they index, pushes the element
  attribute,  ///< pops an object, pushes its attribute `text`
  call,       ///< pops `count` arguments, the last ones for `keywords`, and a function; pushes the result
  method,     ///< the same with an object, whose method is `text`, in place of the function
  unpack,     ///< pushes the `count` items of the list on top, the first one last
  assign,     ///< gives the value on top the name `text` and leaves it there
  discard,    ///< pops the value of a statement that another one follows
};

struct Instruction {
  Code code;
  std::size_t offset = 0;  ///< the byte of the source to point at when it fails
  std::string_view text = {};
  std::size_t count = 0;
  std::vector<std::string_view> keywords = {};
};

/// An expression translated to instructions for a stack machine. Running them needs no recursion, so
/// that a sum of a million terms is as good as one of two.
class Program {
 public:
  /// Parses the part of Python described in the help of `chainrule eval`: assignments and expressions
  /// separated by ";" or newlines. CommandError, with a caret below the place, for anything else.
  explicit Program(std::string_view source);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// They leave one value: that of the last statement.
  const std::vector<Instruction>& instructions() const { return instructions_; }
  const std::string& source() const { return source_; }

 private:
  std::string source_;
  std::string blanked_;  ///< what was parsed, as long as source_; the instructions' texts point into it
  std::vector<Instruction> instructions_;
};

}  // namespace chainrule::cli
