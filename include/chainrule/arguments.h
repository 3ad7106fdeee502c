/// \file
/// What operations take beside tensors: whole numbers, axes and flags. C++ converts bool, letters, fractions
/// and numbers to each other, so that softmax(x, true) or sum(x, 0, 1) would compile and mean something else.
/// These convert from what is meant alone.

#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "chainrule/detail/api.h"
#include "chainrule/dtype.h"

namespace CHAINRULE_API chainrule {

class Tensor;

/// A number that counts something or says where it is: of an integer type, or an enum that converts to one.
template <class N>
concept WholeNumber = (Number<N> && std::is_integral_v<N> && !std::is_same_v<N, bool>) ||
                      (std::is_enum_v<N> && std::is_convertible_v<N, std::int64_t>);
/// All other numbers, and text.
template <class N>
concept NoWholeNumber =
    (std::is_arithmetic_v<N> && !WholeNumber<N>) || std::is_convertible_v<const N&, std::string_view>;

/// A parameter that is a whole number, as an axis (negative ones count from the end), a size or a position.
class Integer {
 public:
  /// Of any integer type.
  template <WholeNumber N>
  constexpr Integer(N number)  // NOLINT(google-explicit-constructor)
      : number_(static_cast<std::int64_t>(number)) {}
  template <NoWholeNumber N>
  Integer(N) = delete;  // it is a whole number; true and false, as of keepdims, come after the axis

  /// The number.
  constexpr operator std::int64_t() const { return number_; }  // NOLINT(google-explicit-constructor)

 private:
  std::int64_t number_;
};

/// The same where none may be given, by {}.
class OptionalInteger : public std::optional<std::int64_t> {
 public:
  constexpr OptionalInteger() = default;
  /// None, or a number of any integer type.
  constexpr OptionalInteger(std::nullopt_t) {}                   // NOLINT(google-explicit-constructor)
  constexpr OptionalInteger(std::optional<std::int64_t> number)  // NOLINT(google-explicit-constructor)
      : std::optional<std::int64_t>(number) {}
  constexpr OptionalInteger(Integer number)  // NOLINT(google-explicit-constructor)
      : std::optional<std::int64_t>(number) {}
  template <WholeNumber N>
  constexpr OptionalInteger(N number)  // NOLINT(google-explicit-constructor)
      : std::optional<std::int64_t>(static_cast<std::int64_t>(number)) {}
  template <NoWholeNumber N>
  OptionalInteger(N) = delete;  // it is a whole number; keepdims comes after the axis: argmax(x, {}, true)
};

/// Numbers that are neither true nor false.
template <class N>
concept NoFlag = std::is_arithmetic_v<N> && !std::is_same_v<N, bool>;

/// A parameter that is true or false.
class Flag {
 public:
  /// Of a bool, and of no number.
  template <std::same_as<bool> B>
  constexpr Flag(B value) : value_(value) {}  // NOLINT(google-explicit-constructor)
  template <NoFlag N>
  Flag(N) = delete;  // it is true or false; several axes are in braces: sum(x, {0, 1})

  /// The truth value.
  constexpr operator bool() const { return value_; }  // NOLINT(google-explicit-constructor)

 private:
  bool value_;
};

/// The axes an operation works on: none given means all; negative ones count from the end.
class Axes {
 public:
  Axes() = default;
  /// One axis, or several.
  template <WholeNumber N>
  Axes(N axis) : Axes({Integer(axis)}) {}                           // NOLINT(google-explicit-constructor)
  Axes(Integer axis) : Axes({axis}) {}                              // NOLINT(google-explicit-constructor)
  Axes(std::initializer_list<Integer> axes);                        // NOLINT(google-explicit-constructor)
  Axes(std::vector<std::int64_t> axes) : axes_(std::move(axes)) {}  // NOLINT(google-explicit-constructor)
  template <NoWholeNumber N>
  Axes(N) = delete;              // axes are whole numbers; keepdims comes third: sum(x, {}, true)
  Axes(const Tensor&) = delete;  // of two tensors there are maximum(a, b), minimum(a, b), add(a, b), ...

  /// The axes as they were given; nothing stands for all.
  const std::optional<std::vector<std::int64_t>>& list() const& { return axes_; }
  std::optional<std::vector<std::int64_t>> list() && { return std::move(axes_); }

 private:
  std::optional<std::vector<std::int64_t>> axes_;
};

}  // namespace chainrule
