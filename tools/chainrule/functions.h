// How expressions call functions by name: arguments bound to parameters of the registry, and limits of what
// an expression may make.

#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chainrule/random.h"
#include "chainrule/registry.h"
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

/// The arguments of one call, converted from values of expressions. What does not fit is a CommandError that
/// names the function and the parameter.
class Arguments final : public registry::Arguments {
 public:
  Arguments(const Function& function, std::string_view called, std::vector<Value> values,
            std::span<const std::string_view> keywords, Context& context)
      : function_(function),
        called_(called),
        values_(std::move(values)),
        keywords_(keywords),
        context_(context) {}

  bool given(std::size_t i) const override { return !values_[i].is_none(); }
  Operand operator[](std::size_t i) override;
  const Tensor& tensor(std::size_t i) override;
  std::vector<Tensor> tensors(std::size_t i) const override;
  Tensor places(std::size_t i) override;
  const Part& part(std::size_t i) const override;
  std::int64_t integer(std::size_t i) const override;
  std::vector<std::int64_t> integers(std::size_t i) const override;
  std::vector<std::int64_t> sizes(std::size_t i) const override;
  double number(std::size_t i) const override;
  bool flag(std::size_t i) const override;
  std::string word(std::size_t i) const override;
  bool is_word(std::size_t i) const override { return values_[i].as<std::string>() != nullptr; }
  Axes axes(std::size_t i) const override;
  Shape shape(std::size_t i) const override;
  DType dtype(std::size_t i) const override;

  bool are_axes_of(std::size_t i, std::size_t rank) const override;
  std::string text(std::size_t i) const override;
  std::string_view called() const override { return called_; }
  DType default_dtype() const override { return context_.dtype; }
  std::int64_t most_elements() const override { return context_.most_elements; }
  Generator& random() const override { return context_.random; }
  [[noreturn]] void fail(std::size_t i, const std::string& wanted) const override;
  [[noreturn]] void refuse(const std::string& message) const override;

  bool all_numbers() const;

 private:
  /// A whole number, also where a name stands for it, whose value is a float. Not so an axis: max(x, y) of
  /// two tensors means maximum.
  std::optional<std::int64_t> counted(const Value& value, std::size_t i) const;

  const Function& function_;
  std::string_view called_;
  std::vector<Value> values_;
  std::span<const std::string_view> keywords_;    // by which some of them were given
  std::map<std::size_t, Tensor> converted_ = {};  // numbers and lists of which tensors were made
  Context& context_;
};

/// All names of functions, as lines to print.
std::string function_list();

/// As a reader of Python would write it: "sum(x, axis=None, keepdims=False)".
std::string signature(const Function& function, std::string_view called);
inline std::string signature(const Function& function) { return signature(function, function.name); }

/// Calls with the given arguments, the last ones for `keywords`. CommandError for arguments that do not
/// fit the parameters. `called` is the function's name or one of its aliases.
Value call(const Function& function, std::string_view called, std::vector<Value> arguments,
           std::span<const std::string_view> keywords, Context& context);

}  // namespace chainrule::cli
