/// \file
/// Every operation by name: what it is called, its parameters, its formula, and how to call it with arguments
/// that are known only at run time. The command line, `chainrule ops`, the drawings and the tests read this
/// list, and so may any other front end.
///
/// Threads: any number may read the list and call at once, each with Arguments of its own.

#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "chainrule/detail/api.h"
#include "chainrule/graph.h"
#include "chainrule/ops.h"
#include "chainrule/random.h"

namespace CHAINRULE_API chainrule {
namespace registry {

/// What a call gives: a tensor, or several.
using Result = std::variant<Tensor, std::vector<Tensor>>;

/// A part of a tensor, to be replaced: x.at[0, 1:3], as in JAX.
struct Part {
  /// What was named.
  Tensor whole;
  /// Which part of it; empty: all of it.
  std::vector<Index> where = {};
};

/// The arguments of a call, by their position in the list of the operation's parameters. Each accessor
/// converts, or throws an error that names the operation and the parameter.
class Arguments {
 public:
  Arguments() = default;
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;
  virtual ~Arguments() = default;

  /// Anything but None?
  virtual bool given(std::size_t i) const = 0;
  /// As an operand of an operation: a number takes the dtype of the tensors that it meets.
  virtual Operand operator[](std::size_t i) = 0;
  /// An argument that is a tensor.
  virtual const Tensor& tensor(std::size_t i) = 0;
  /// One that is a list of tensors.
  virtual std::vector<Tensor> tensors(std::size_t i) const = 0;
  /// Positions, classes and the like: int64, also from floats that are whole numbers.
  virtual Tensor places(std::size_t i) = 0;
  /// One that is a part of a tensor.
  virtual const Part& part(std::size_t i) const = 0;
  /// One that is a whole number.
  virtual std::int64_t integer(std::size_t i) const = 0;
  /// One that is a list of whole numbers.
  virtual std::vector<std::int64_t> integers(std::size_t i) const = 0;
  /// One that is a list of sizes, of which None leaves one as it is: -1.
  virtual std::vector<std::int64_t> sizes(std::size_t i) const = 0;
  /// One that is a number.
  virtual double number(std::size_t i) const = 0;
  /// One that is true or false.
  virtual bool flag(std::size_t i) const = 0;
  /// Where a word may stand in place of numbers, as in padding='same'.
  virtual bool is_word(std::size_t i) const = 0;
  /// One that is a word, as "mean".
  virtual std::string word(std::size_t i) const = 0;
  /// One that says which axes.
  virtual Axes axes(std::size_t i) const = 0;
  /// Checked to be of a size that could be meant.
  virtual Shape shape(std::size_t i) const = 0;
  /// One that is a dtype.
  virtual DType dtype(std::size_t i) const = 0;

  /// Is it an axis of a tensor of this rank, or a list of some, or given by its keyword, as axis=0?
  virtual bool are_axes_of(std::size_t i, std::size_t rank) const = 0;
  /// How to write it in an expression: a number, or a name.
  virtual std::string text(std::size_t i) const = 0;
  /// The name by which the operation was called.
  virtual std::string_view called() const = 0;
  /// The dtype of what is made without data.
  virtual DType default_dtype() const = 0;
  /// How large results may be.
  virtual std::int64_t most_elements() const = 0;
  /// What random numbers are drawn from.
  virtual Generator& random() const = 0;
  /// Throws an error that says what the argument is, and what it should be.
  [[noreturn]] virtual void fail(std::size_t i, const std::string& wanted) const = 0;
  /// Throws an error with this message.
  [[noreturn]] virtual void refuse(const std::string& message) const = 0;

  /// Which of these words it is.
  std::size_t choice(std::size_t i, std::initializer_list<std::string_view> words) const;
  /// The first argument, in the dtype that argument i says, unless that is None: PyTorch's dtype=.
  Tensor in_dtype(std::size_t i);
  /// That dtype, for what is made without data.
  DType dtype_of_new(std::size_t i) const { return given(i) ? dtype(i) : default_dtype(); }
  /// One of the words "mean", "sum" and "none".
  Reduction reduction(std::size_t i) const;
};

/// What is known of an operation.
struct [[nodiscard]] Entry {
  std::string_view name;  ///< "tanh"
  /// "x|a, axis|dim=None, *shape": names with their alternatives, defaults as Python's literals, and what
  /// takes all the rest.
  std::string_view parameters = "";
  /// Null for what people do not call by name, as what derivatives are made of.
  Result (*call)(Arguments&) = nullptr;
  std::string_view formula;  ///< "∂tanh(x)/∂x = 1 − tanh(x)²"
  /// Other names, with spaces between.
  std::string_view aliases = "";
  /// An expression that runs: "tanh([0, 1])".
  std::string_view example = "";
  /// What was chosen where the derivative is not unique, or where NumPy and PyTorch differ.
  std::string_view note = "";
  /// Does a gradient flow through it, in every order of derivative?
  bool differentiable = true;
  /// Of numbers alone it gives a number, which takes the dtype of what it meets.
  bool weak = true;
  /// How drawings and walks write it.
  Notation notation = {};
};

/// All of them by name.
[[nodiscard]] std::span<const Entry> entries();
/// By its name or an alias; null where there is none.
[[nodiscard]] const Entry* find(std::string_view name);
/// Every name and alias by which something can be called.
[[nodiscard]] std::vector<std::string_view> names();

namespace detail {

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {
  using Inside = T;
};

/// The argument as a parameter of this type takes it.
template <class T>
decltype(auto) argument(Arguments& a, std::size_t i) {
  if constexpr (std::is_same_v<T, Operand>)
    return a[i];
  else if constexpr (std::is_same_v<T, Tensor>)
    return a.tensor(i);
  else if constexpr (std::is_same_v<T, std::vector<Tensor>> || std::is_same_v<T, std::span<const Tensor>>)
    return a.tensors(i);
  else if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, Flag>)
    return a.flag(i);
  else if constexpr (std::is_same_v<T, Integer>)
    return a.integer(i);
  else if constexpr (std::is_same_v<T, OptionalInteger>)
    return a.given(i) ? OptionalInteger(a.integer(i)) : OptionalInteger();
  else if constexpr (std::is_integral_v<T>)
    return static_cast<T>(a.integer(i));
  else if constexpr (std::is_floating_point_v<T>)
    return a.number(i);
  else if constexpr (std::is_same_v<T, std::vector<std::int64_t>>)
    return a.integers(i);
  else if constexpr (std::is_same_v<T, Axes>)
    return a.axes(i);
  else if constexpr (std::is_same_v<T, Shape>)
    return a.shape(i);
  else if constexpr (std::is_same_v<T, DType>)
    return a.dtype(i);
  else if constexpr (std::is_same_v<T, Reduction>)
    return a.reduction(i);
  else if constexpr (std::is_same_v<T, Generator>)
    return a.random();
  else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>)
    return a.word(i);
  else if constexpr (std::is_same_v<T, Here>)
    return Here::now();
  else if constexpr (IsOptional<T>::value)
    return a.given(i) ? T(argument<typename IsOptional<T>::Inside>(a, i)) : T();
  else
    static_assert(sizeof(T) == 0, "no argument is converted to this type: write a lambda");
}

inline Result result(Tensor tensor) { return tensor; }
inline Result result(std::vector<Tensor> tensors) { return tensors; }
/// Structs of two or three tensors.
template <class R>
requires(std::is_aggregate_v<R> && sizeof(R) == 2 * sizeof(Tensor)) Result result(R several) {
  auto& [a, b] = several;
  return std::vector<Tensor>{a, b};
}
template <class R>
requires(std::is_aggregate_v<R> && sizeof(R) == 3 * sizeof(Tensor)) Result result(R several) {
  auto& [a, b, c] = several;
  return std::vector<Tensor>{a, b, c};
}

template <class R, class... P, std::size_t... I>
Result invoke(R (*f)(P...), Arguments& a, std::index_sequence<I...>) {
  return result(f(argument<std::remove_cvref_t<P>>(a, I)...));
}
template <class R, class... P>
Result invoke(R (*f)(P...), Arguments& a) {
  return invoke(f, a, std::index_sequence_for<P...>());
}

}  // namespace detail

/// The call of a function whose parameters are those of the entry, in their order.
template <auto f>
Result call(Arguments& a) {
  return detail::invoke(f, a);
}

}  // namespace registry
}  // namespace chainrule
