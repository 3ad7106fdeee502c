/// \file
/// The types of elements, and all that depends on them: sizes, promotion, dispatch. Relies on halves.h for
/// the two 16-bit floats. Whoever adds a dtype does it in the lists at the top; src/adding.md says how.

#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <iterator>
#include <limits>
#include <string_view>
#include <type_traits>

#include "chainrule/detail/api.h"
#include "chainrule/halves.h"

namespace CHAINRULE_API chainrule {

/// The C++ types of elements, in the order of DType. A further dtype is one more here, there, and in names.
template <class... T>
struct TypeList {};
/// One for each dtype.
using Elements = TypeList<bool, std::uint8_t, std::int32_t, std::int64_t, Float16, BFloat16, float, double>;

/// Element type of a tensor, in the order of promotion. Only the floats carry gradients.
///
/// Four of them are for storage: operations compute uint8 and int32 as int64, float16 and bfloat16 as
/// float32, and round the result back. What an operation is composed of rounds as well, and so do gradients,
/// which have the dtype of their tensor.
enum class DType : std::uint8_t { boolean, uint8, int32, int64, float16, bfloat16, float32, float64 };

/// Is it float16, bfloat16, float32 or float64?
constexpr bool is_floating(DType dtype) { return dtype >= DType::float16; }
/// Is it uint8, int32 or int64?
constexpr bool is_integer(DType dtype) { return dtype > DType::boolean && dtype < DType::float16; }

/// The dtype in which operations compute: another one for what is only stored.
constexpr DType computed_in(DType dtype) {
  return is_integer(dtype)                               ? DType::int64
         : is_floating(dtype) && dtype != DType::float64 ? DType::float32
                                                         : dtype;
}
/// Is it for storage, and computed in another?
constexpr bool is_only_stored(DType dtype);

namespace detail {
template <class List>
struct ElementTraits;
template <class... T>
struct ElementTraits<TypeList<T...>> {
  static constexpr unsigned char of[] = {sizeof(T)...};
  /// A bit for each dtype, as every operation asks.
  static constexpr unsigned only_stored = [] {
    unsigned bits = 0;
    for (std::size_t i = 0; i < sizeof...(T); ++i)
      if (computed_in(static_cast<DType>(i)) != static_cast<DType>(i)) bits |= 1U << i;
    return bits;
  }();
};
inline constexpr std::string_view dtype_names[] = {"bool",    "uint8",    "int32",   "int64",
                                                   "float16", "bfloat16", "float32", "float64"};
}  // namespace detail

constexpr bool is_only_stored(DType dtype) {
  return (detail::ElementTraits<Elements>::only_stored >> static_cast<unsigned>(dtype) & 1) != 0;
}

/// Bytes of one element.
constexpr std::size_t item_size(DType dtype) {
  return detail::ElementTraits<Elements>::of[static_cast<std::size_t>(dtype)];
}

/// NumPy's and PyTorch's name: "bool", "uint8", "int32", "int64", "float16", "bfloat16", "float32",
/// "float64".
[[nodiscard]] std::string_view to_string(DType dtype);
std::ostream& operator<<(std::ostream& out, DType dtype);

/// The dtype in which two meet: the later one in the order of DType, and of float16 and bfloat16 float32. As
/// in PyTorch and JAX an int64 tensor with a float32 tensor gives float32.
constexpr DType promote(DType a, DType b) {
  const DType low = a < b ? a : b, high = a < b ? b : a;
  return low == DType::float16 && high == DType::bfloat16 ? DType::float32 : high;
}

/// The dtype of C++ doubles written as numbers or braced lists, and of whatever is made without data, layers
/// included: float64 until set_default_dtype(DType::float32). Arrays (vector, span, std::array, C array,
/// memory of others, xtensor) keep their element type, where it is one of a tensor. In a list, or on its own,
/// a C++ float stays float32, an integer int64 and a bool bool; where real numbers are wanted, as of exp or
/// of a variable, integers become the default.
[[nodiscard]] DType default_dtype();
/// For the whole process, and for what is made from now on: call it once, at the start. Other threads may
/// make tensors meanwhile. DTypeError unless float32 or float64.
void set_default_dtype(DType dtype);

/// Any C++ number, bool included. Letters are text, not numbers; std::uint8_t and std::int8_t are numbers.
template <class N>
concept Number = std::is_arithmetic_v<N> && !std::is_same_v<N, char> && !std::is_same_v<N, wchar_t> &&
                 !std::is_same_v<N, char8_t> && !std::is_same_v<N, char16_t> &&
                 !std::is_same_v<N, char32_t> && (std::is_floating_point_v<N> || sizeof(N) <= 8);

namespace detail {
/// Where a type is in the list; beyond its end, if nowhere.
template <class T, class List>
inline constexpr std::uint8_t position_in_list = 0;
template <class T, class First, class... Rest>
inline constexpr std::uint8_t position_in_list<T, TypeList<First, Rest...>> =
    std::is_same_v<T, First> ? 0 : 1 + position_in_list<T, TypeList<Rest...>>;
}  // namespace detail

/// One of the C++ types that a tensor stores.
template <class T>
concept Element = detail::position_in_list<T, Elements> < std::size(detail::dtype_names);

/// The dtype whose elements are of this C++ type.
template <Element T>
constexpr DType dtype_of = static_cast<DType>(detail::position_in_list<T, Elements>);

/// What a C++ number is on its own or in a list: float stays float, other floats become double, integers
/// int64.
template <Number N>
using ElementFor = std::conditional_t<
    std::is_same_v<N, bool>, bool,
    std::conditional_t<std::is_same_v<N, float>, float,
                       std::conditional_t<std::is_floating_point_v<N>, double, std::int64_t>>>;

/// A number as another type, the same on every machine, and defined for all. A float that an integer type
/// cannot hold, NaN among them, becomes its smallest value, as NumPy has it on x86-64; integers wrap around;
/// bool is x != 0.
template <class To, class From>
requires(Number<To> || Element<To>) && (Number<From> || Element<From>)constexpr To convert(From x) {
  if constexpr (!Number<From>) {  // a half
    return convert<To>(static_cast<float>(x));
  } else if constexpr (!Number<To>) {
    return To(static_cast<double>(x));
  } else if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    constexpr From low = static_cast<From>(std::numeric_limits<To>::min());
    // NOLINTNEXTLINE(bugprone-integer-division): the largest rounds up to a power of two, the first beyond.
    constexpr From high = static_cast<From>(std::numeric_limits<To>::max() / 2 + 1) * 2;
    return x > low - 1 && x < high ? static_cast<To>(x) : std::numeric_limits<To>::min();
  } else {
    return static_cast<To>(x);
  }
}

}  // namespace chainrule
