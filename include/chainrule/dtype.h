#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <limits>
#include <string_view>
#include <type_traits>

#include "chainrule/detail/api.h"

namespace CHAINRULE_API chainrule {

/// Element type of a tensor, in the order of promotion. Only the floats carry gradients.
enum class DType : std::uint8_t { boolean, int64, float32, float64 };

constexpr bool is_floating(DType dtype) { return dtype >= DType::float32; }

/// Bytes of one element.
constexpr std::size_t item_size(DType dtype) {
  return dtype == DType::boolean ? 1 : dtype == DType::float32 ? 4 : 8;
}

/// NumPy's name: "bool", "int64", "float32" or "float64".
[[nodiscard]] std::string_view to_string(DType dtype);
std::ostream& operator<<(std::ostream& out, DType dtype);

/// The type that holds every value of both: the later one in the order bool, int64, float32, float64.
/// As in PyTorch and JAX an int64 tensor with a float32 tensor gives float32.
constexpr DType promote(DType a, DType b) { return a > b ? a : b; }

/// The dtype of C++ doubles written as numbers or braced lists, and of whatever is made without data, layers
/// included: float64 until set_default_dtype(DType::float32). Arrays (vector, span, std::array, C array,
/// memory of others, xtensor) keep their element type. In a list, or on its own, a C++ float stays float32,
/// an integer int64 and a bool bool; where real numbers are wanted, as of exp or of a variable, integers
/// become the default.
[[nodiscard]] DType default_dtype();
/// For the whole process, and for what is made from now on: call it once, at the start. Other threads may
/// make tensors meanwhile. DTypeError unless floating.
void set_default_dtype(DType dtype);

/// Any C++ number, bool included. Letters are text, not numbers; std::uint8_t and std::int8_t are numbers.
template <class N>
concept Number = std::is_arithmetic_v<N> && !std::is_same_v<N, char> && !std::is_same_v<N, wchar_t> &&
                 !std::is_same_v<N, char8_t> && !std::is_same_v<N, char16_t> &&
                 !std::is_same_v<N, char32_t> && (std::is_floating_point_v<N> || sizeof(N) <= 8);

/// The four C++ types that a tensor stores.
template <class T>
concept Element = std::is_same_v<T, bool> || std::is_same_v<T, std::int64_t> || std::is_same_v<T, float> ||
    std::is_same_v<T, double>;

template <Element T>
constexpr DType dtype_of = std::is_same_v<T, bool>           ? DType::boolean
                           : std::is_same_v<T, std::int64_t> ? DType::int64
                           : std::is_same_v<T, float>        ? DType::float32
                                                             : DType::float64;

/// The stored type for any C++ number: float stays float, other floats become double, integers int64.
template <Number N>
using ElementFor = std::conditional_t<
    std::is_same_v<N, bool>, bool,
    std::conditional_t<std::is_same_v<N, float>, float,
                       std::conditional_t<std::is_floating_point_v<N>, double, std::int64_t>>>;

/// A number as another type, the same on every machine, and defined for all. A float that an integer type
/// cannot hold, NaN among them, becomes its smallest value, as NumPy has it on x86-64; integers wrap around;
/// bool is x != 0.
template <Number To, Number From>
constexpr To convert(From x) {
  if constexpr (std::is_same_v<To, bool>) {
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
