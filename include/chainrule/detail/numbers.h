/// \file
/// The C++ numbers that tensors are made of: written out in braces, or in arrays. Nested lists become a shape
/// and elements here, before there is a tensor; relies on dtype.h and shape.h alone.

#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "chainrule/detail/api.h"
#include "chainrule/dtype.h"
#include "chainrule/error.h"
#include "chainrule/shape.h"

namespace CHAINRULE_API chainrule {
namespace detail {

/// DTypeError: int64 is the only type of integers.
[[noreturn]] void report_beyond_int64(std::uint64_t number, Here here);

/// As a tensor stores it. DTypeError for an integer beyond int64.
template <Number N>
constexpr ElementFor<N> as_element(N number, [[maybe_unused]] Here here) {
  if constexpr (std::is_integral_v<N> && std::is_unsigned_v<N> && sizeof(N) == sizeof(std::uint64_t))
    if (number > std::uint64_t{INT64_MAX}) report_beyond_int64(number, here);
  return static_cast<ElementFor<N>>(number);
}

/// A number in braces, or a list of them in braces of its own. It points to what it is made of, so it lives
/// as long as the braces do: until the end of the statement.
class Literal {
 public:
  template <Number N>
  Literal(N number, Here here = Here::now())  // NOLINT(google-explicit-constructor)
      : real_(static_cast<double>(number)), dtype_(dtype_of<ElementFor<N>>) {
    if constexpr (std::is_integral_v<N>) integer_ = static_cast<std::int64_t>(as_element(number, here));
  }
  Literal(std::initializer_list<Literal> items) {  // NOLINT(google-explicit-constructor)
    items_ = items.begin();
    integer_ = static_cast<std::int64_t>(items.size());
    is_list_ = true;
  }

  bool is_list() const { return is_list_; }
  std::span<const Literal> items() const { return {items_, static_cast<std::size_t>(integer_)}; }
  /// Of a number; float64 stands for the default.
  DType dtype() const { return dtype_; }
  template <Element T>
  T as() const {
    return is_floating(dtype_) ? convert<T>(real_) : convert<T>(integer_);
  }

 private:
  double real_ = 0;
  std::int64_t integer_ = 0;  // or how many items
  const Literal* items_ = nullptr;
  DType dtype_ = DType::boolean;
  bool is_list_ = false;
};

/// The dtype of the numbers in a list: the last of theirs in the order of promotion, where doubles count as
/// float64. Float64 for no numbers.
DType dtype_of(std::span<const Literal> list);

/// What an array consists of.
template <class A>
struct ArrayItem {};
template <class T, class Allocator>
struct ArrayItem<std::vector<T, Allocator>> {
  using type = T;
};
template <class T, std::size_t n>
struct ArrayItem<std::array<T, n>> {
  using type = T;
};
template <class T, std::size_t n>
struct ArrayItem<std::span<T, n>> {
  using type = std::remove_cv_t<T>;
};
template <class T, std::size_t n>
struct ArrayItem<T[n]> {
  using type = std::remove_cv_t<T>;
};

/// The number that a nested array consists of, or void.
template <class A>
struct Innermost {
  using type = void;
};
template <class N>
requires(Number<N> || Element<N>) struct Innermost<N> {
  using type = N;
};
template <class A>
requires requires { typename ArrayItem<A>::type; }
struct Innermost<A> : Innermost<typename ArrayItem<A>::type> {};

/// A std::vector, std::span, std::array or C array of numbers, or of such arrays.
template <class A>
concept ArrayOfNumbers = !Number<A> && !Element<A> &&
                         (Number<typename Innermost<A>::type> || Element<typename Innermost<A>::type>);

/// What a tensor stores the numbers of an array as.
template <class N>
struct StoredAs : std::type_identity<ElementFor<N>> {};
template <Element N>
struct StoredAs<N> : std::type_identity<N> {};
template <ArrayOfNumbers A>
using ElementOf = typename StoredAs<typename Innermost<A>::type>::type;

/// ShapeError.
[[noreturn]] void report_ragged(std::int64_t expected, std::int64_t found, Here here);

/// The sizes of a nested array, as far as its first items go.
template <ArrayOfNumbers A>
void append_sizes(const A& array, std::vector<std::int64_t>& sizes) {
  const auto size = std::size(array);
  sizes.push_back(static_cast<std::int64_t>(size));
  if constexpr (ArrayOfNumbers<typename ArrayItem<A>::type>) {
    if (size != 0)
      append_sizes(array[0], sizes);
    else
      append_sizes(typename ArrayItem<A>::type{}, sizes);
  }
}

/// Copies the numbers in row-major order to `out`, which it moves along. ShapeError for ragged rows.
template <ArrayOfNumbers A, Element T>
void copy_elements(const A& array, const std::int64_t* sizes, T*& out, Here here) {
  const auto size = static_cast<std::int64_t>(std::size(array));
  if (size != *sizes) report_ragged(*sizes, size, here);
  for (std::size_t i = 0; i < static_cast<std::size_t>(size); ++i) {
    if constexpr (ArrayOfNumbers<typename ArrayItem<A>::type>)
      copy_elements(array[i], sizes + 1, out, here);
    else if constexpr (Element<typename ArrayItem<A>::type>)
      *out++ = array[i];
    else
      *out++ = as_element<typename ArrayItem<A>::type>(array[i], here);
  }
}

}  // namespace detail
}  // namespace chainrule
