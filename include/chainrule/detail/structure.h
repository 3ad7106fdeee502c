#pragma once

// What functions take and give besides one tensor: tuples, pairs, arrays, vectors, and structs that name
// their members once, nested in any way. Their tensors are visited in order, each with its place for errors.

#include <array>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "chainrule/detail/api.h"
#include "chainrule/tensor.h"

/// Names the members of a struct that hold tensors, parameters, or structures of them, once:
///   struct Line {
///     Tensor slope, offset;
///     CHAINRULE_MEMBERS(slope, offset)
///   };
/// From then on it may stand wherever a transform takes or gives tensors, and errors call its tensors by
/// these names. The struct must be copyable; members that are not named keep the values of the original.
#define CHAINRULE_MEMBERS(...)                           \
  auto members() { return std::tie(__VA_ARGS__); }       \
  auto members() const { return std::tie(__VA_ARGS__); } \
  static constexpr std::string_view member_names() { return #__VA_ARGS__; }

namespace CHAINRULE_API chainrule {
namespace detail {

/// Where a tensor is among arguments or results, as "argument 0.layers[1].weight".
struct Place {
  std::string_view root = {};  ///< "argument", without a place around it
  const Place* within = nullptr;
  std::string_view names = {};  ///< of all members of the struct around it, with commas between
  std::size_t index = 0;
  bool numbered = true;  ///< does the root have a number?
  std::string text() const;
};

/// How a tensor in a structure is read, and replaced in a copy of it.
inline const Tensor& leaf_value(const Tensor& tensor) { return tensor; }
inline void replace_leaf(Tensor& leaf, Tensor value) { leaf = std::move(value); }
const Tensor& leaf_value(const Parameter& parameter);
void replace_leaf(Parameter& parameter, Tensor value);

template <class T>
inline constexpr bool is_leaf = std::is_same_v<T, Tensor> || std::is_same_v<T, Parameter>;
template <class T>
inline constexpr bool is_vector = false;
template <class T, class A>
inline constexpr bool is_vector<std::vector<T, A>> = true;
template <class T>
inline constexpr bool is_array = false;
template <class T, std::size_t N>
inline constexpr bool is_array<std::array<T, N>> = true;
template <class T>
inline constexpr bool is_tuple = false;
template <class... T>
inline constexpr bool is_tuple<std::tuple<T...>> = true;
template <class A, class B>
inline constexpr bool is_tuple<std::pair<A, B>> = true;
template <class T>
concept NamesMembers = requires(T& structure) {
  structure.members();
};

template <class T>
struct IsStructure : std::bool_constant<is_leaf<T> || NamesMembers<T>> {};
template <class T, class A>
struct IsStructure<std::vector<T, A>> : IsStructure<T> {};
template <class T, std::size_t N>
struct IsStructure<std::array<T, N>> : IsStructure<T> {};
template <class A, class B>
struct IsStructure<std::pair<A, B>> : std::bool_constant<IsStructure<A>::value && IsStructure<B>::value> {};
template <class... T>
struct IsStructure<std::tuple<T...>> : std::bool_constant<(IsStructure<T>::value && ...)> {};
/// A tensor or a structure of them.
template <class T>
concept Structure = IsStructure<T>::value;

/// What an argument or a result is to a transform: numbers are tensors, and so is a parameter by itself.
template <class T>
using Structured =
    std::conditional_t<Number<std::remove_cvref_t<T>> || std::is_same_v<std::remove_cvref_t<T>, Parameter>,
                       Tensor, std::remove_cvref_t<T>>;

/// An argument as that; a whole number becomes a floating one, as variable() does it.
template <class T>
Structured<T> structure_of(const T& argument) {
  if constexpr (Number<T> && !std::is_floating_point_v<T>)
    return Tensor(static_cast<double>(argument));
  else
    return Structured<T>(argument);
}

/// visit(leaf, place) for each tensor or parameter, in order.
template <class S, class Visit>
void for_each_leaf(S& structure, const Place& place, const Visit& visit) {
  using T = std::remove_const_t<S>;
  if constexpr (is_leaf<T>) {
    visit(structure, place);
  } else if constexpr (is_vector<T> || is_array<T>) {
    for (std::size_t i = 0; auto& each : structure)
      for_each_leaf(each, Place{.within = &place, .index = i++}, visit);
  } else if constexpr (is_tuple<T>) {
    std::apply(
        [&](auto&... each) {
          std::size_t i = 0;
          (for_each_leaf(each, Place{.within = &place, .index = i++}, visit), ...);
        },
        structure);
  } else {
    static_assert(NamesMembers<T>,
                  "a transform takes and gives tensors, and tuples, pairs, arrays, vectors and structs of "
                  "them; name the members of a struct by CHAINRULE_MEMBERS(...)");
    std::string_view names;
    if constexpr (requires { T::member_names(); }) names = T::member_names();
    std::apply(
        [&](auto&... each) {
          std::size_t i = 0;
          (for_each_leaf(each, Place{.within = &place, .names = names, .index = i++}, visit), ...);
        },
        structure.members());
  }
}

/// All tensors of a structure, in order.
template <class S>
void append_leaves(const S& structure, std::vector<Tensor>& to) {
  for_each_leaf(structure, {}, [&](const auto& leaf, const Place&) { to.push_back(leaf_value(leaf)); });
}

/// A structure like this one, of the tensors that change(tensor, place) gives.
template <class S, class Change>
S changed(const S& structure, const Place& place, const Change& change) {
  S copy = structure;
  for_each_leaf(copy, place,
                [&](auto& leaf, const Place& where) { replace_leaf(leaf, change(leaf_value(leaf), where)); });
  return copy;
}

/// A structure like this one, of the next tensors.
template <class S>
S like(const S& structure, const Tensor*& next) {
  return changed(structure, {}, [&](const Tensor&, const Place&) { return *next++; });
}

}  // namespace detail
}  // namespace chainrule
