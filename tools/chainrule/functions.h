#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chainrule/random.h"
#include "value.h"

namespace chainrule::cli {

/// Of a tensor that an expression makes: 256 MB of float64. What takes more is a slip, or doubles again and
/// again.
inline constexpr std::int64_t most_elements = std::int64_t{1} << 25;

/// What functions need beside their arguments.
struct Context {
  DType dtype = DType::float64;  ///< of lists, and of tensors that zeros(), randn() and the like make
  Generator random = Generator(0);
  std::int64_t most_elements = cli::most_elements;  ///< of a tensor
};

/// The arguments of one call, by position in the list of the function's parameters. The accessors convert,
/// or throw a CommandError that names the function and the parameter.
class Arguments {
 public:
  Arguments(const Function& function, std::vector<Value> values, Context& context)
      : function_(function), values_(std::move(values)), context_(context) {}

  /// For operations: a number stays weak.
  Operand operator[](std::size_t i);
  const Tensor& tensor(std::size_t i);
  const Part& part(std::size_t i) const;
  std::vector<Tensor> tensors(std::size_t i) const;
  std::int64_t integer(std::size_t i) const;
  double number(std::size_t i) const;
  bool flag(std::size_t i) const;
  Axes axes(std::size_t i) const;
  std::vector<std::int64_t> integers(std::size_t i) const;
  /// Checked to be of a size that could be meant.
  Shape shape(std::size_t i) const;
  DType dtype(std::size_t i) const;
  Reduction reduction(std::size_t i) const;

  /// Is it an axis of a tensor of this rank, or a list of some?
  bool are_axes_of(std::size_t i, std::size_t rank) const;
  /// How to write it in an expression: a number, or a name.
  std::string text(std::size_t i) const;

  bool given(std::size_t i) const { return !values_[i].is_none(); }
  bool all_numbers() const;
  std::string_view function_name() const;
  Context& context() const { return context_; }
  [[noreturn]] void fail(std::size_t i, const std::string& wanted) const;

 private:
  const Function& function_;
  std::vector<Value> values_;
  Context& context_;
};

/// A function that expressions can call.
struct Function {
  std::string_view name;
  /// "x|a, axis|dim=None, *shape": names with their alternatives, defaults, and what takes all the rest.
  std::string_view parameters;
  Tensor (*compute)(Arguments&);
  /// A function of numbers gives a number, which takes the dtype of what it meets; not so when false.
  bool weak = true;
};

const Function* find_function(std::string_view name);
std::vector<std::string_view> function_names();
/// All of them by name, as lines to print.
std::string function_list();

/// As a reader of Python would write it: "sum(x, axis=None, keepdims=False)".
std::string signature(const Function& function);

/// Calls with the given arguments, the last ones for `keywords`. CommandError for arguments that do not
/// fit the parameters.
Value call(const Function& function, std::vector<Value> arguments, std::span<const std::string_view> keywords,
           Context& context);

}  // namespace chainrule::cli
