// The values of expressions.
// Python's numbers and lists stay what they are until an operation makes tensors of them.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "chainrule/detail/function_ref.h"
#include "chainrule/ops.h"
#include "chainrule/registry.h"
#include "chainrule/tensor.h"

namespace chainrule::cli {

struct Value;
using Function = registry::Entry;

struct None {};
struct Ellipsis {};
/// np, torch, F: what stands before the dot of a function that is pasted with it.
struct Module {};
/// Lists share their items, so that a copy costs nothing.
struct List {
  /// CommandError for one that is nested too deeply, or has too many elements: a = [a, a], forty times, has
  /// more than fit any memory.
  explicit List(std::vector<Value> values, bool tuple = false);
  std::shared_ptr<const std::vector<Value>> shared;
  bool is_tuple;
  std::size_t depth = 1;  ///< of the nesting
  std::size_t size = 1;   ///< everything in it counted, and everything in that, and the list itself
  const std::vector<Value>& items() const { return *shared; }
};

using registry::Part;

/// A function, by the name that it is called by.
struct Called {
  const Function* function;
  std::string_view name;
};

/// Anything that an expression can be about. Numbers are Python's: they take the dtype of the tensor that
/// they meet.
struct Value : std::variant<None, bool, std::int64_t, double, std::string, Tensor, List, Slice, Ellipsis,
                            Module, Part, Called> {
  using variant::variant;

  template <class T>
  const T* as() const {
    return std::get_if<T>(this);
  }
  bool is_number() const { return as<bool>() || as<std::int64_t>() || as<double>(); }
  bool is_none() const { return as<None>() != nullptr; }
};

/// What the value is, for messages: "a number", "a list", "a tensor of shape (2, 3)".
std::string describe(const Value& value);

/// How a list becomes a tensor.
struct ListType {
  DType floats = DType::float64;  ///< the dtype of a list with a number that has a fraction
  DType integers = DType::int64;  ///< the dtype of a list of whole numbers
};

/// A tensor from a tensor, a number or a nested list of them. Lists that contain tensors are stacked.
/// CommandError for anything else, and for ragged lists, naming the row.
Tensor to_tensor(const Value& value, const ListType& type);

/// Positions, classes and the like as int64. Where one is no whole number, refuse(number) throws.
Tensor whole_numbers(const Tensor& given, FunctionRef<void(const std::string& number)> refuse);

/// A number as Operand: weak, so that it takes the dtype of the tensor it meets.
Operand number_operand(const Value& number);

/// The number that the text of a literal stands for: whole ones are int64 while they fit.
Value parse_number(std::string_view text);

/// Python's arithmetic of two numbers; whole numbers stay whole while they fit. `sign` is an operator of
/// the grammar other than "@".
Value calculate(std::string_view sign, const Value& a, const Value& b);

/// The operators, also for tensors and lists.
Tensor apply(std::string_view sign, const Operand& a, const Operand& b);

}  // namespace chainrule::cli
