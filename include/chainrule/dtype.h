#pragma once

#include <cstddef>
#include <cstdint>
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
std::string_view to_string(DType dtype);

/// The type that holds every value of both: the later one in the order bool, int64, float32, float64.
/// As in PyTorch and JAX an int64 tensor with a float32 tensor gives float32.
constexpr DType promote(DType a, DType b) { return a > b ? a : b; }

/// Any C++ number, bool included.
template <class N>
concept Number = std::is_arithmetic_v<N>;

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

}  // namespace chainrule
