/// \file
/// What functions take and give besides one tensor: tuples, pairs, arrays, vectors, and structs that name
/// their members once, nested in any way. Their tensors are visited in order, each with its place for errors.

#pragma once

#include <array>
#include <optional>
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
#define CHAINRULE_MEMBERS(...) CHAINRULE_MEMBERS_AS(#__VA_ARGS__, __VA_ARGS__)
/// The same under other names: CHAINRULE_MEMBERS_AS("slope, offset", slope_, offset_).
#define CHAINRULE_MEMBERS_AS(names, ...)                                        \
  auto members() {                                                              \
    return [&](const auto& use) -> decltype(auto) { return use(__VA_ARGS__); }; \
  }                                                                             \
  auto members() const {                                                        \
    return [&](const auto& use) -> decltype(auto) { return use(__VA_ARGS__); }; \
  }                                                                             \
  static constexpr std::string_view member_names() { return names; }

namespace CHAINRULE_API chainrule {

class AnyModule;
class Buffer;

namespace detail {

/// Where a tensor is among arguments or results, as "argument 0.layers[1].weight".
struct Place {
  std::string_view root = {};  ///< "argument", without a place around it
  const Place* within = nullptr;
  std::string_view names = {};  ///< of all members of the struct around it, with commas between
  std::size_t index = 0;
  bool numbered = true;  ///< does the root have a number?
  std::string text() const;
  /// The same as PyTorch writes it, without the root: "layers.1.weight".
  std::string path() const;
};

/// What a module is besides its parameters.
struct ModuleInfo {
  const char* type;  ///< see type_text
  bool* training;    ///< null where it has no mode
};

/// Goes through a module of any type: what a template does that visits leaves, in an interface.
class ModuleVisitor {
 public:
  virtual void parameter(Parameter&, const Place&) {}
  virtual void buffer(Buffer&, const Place&) {}
  virtual void tensor(Tensor&, const Place&) {}
  virtual void enter(const ModuleInfo&, const Place&) {}
  virtual void leave() {}
  /// After all that is within it.
  virtual void any(AnyModule&, const Place&) {}

 protected:
  ~ModuleVisitor() = default;
};

/// The same as for_each_leaf's visit.
struct ModuleVisit {
  ModuleVisitor& to;
  void operator()(Parameter& parameter, const Place& place) const { to.parameter(parameter, place); }
  void operator()(Tensor& tensor, const Place& place) const { to.tensor(tensor, place); }
};

/// The other way round: for_each_leaf's visit in the interface.
template <class Visit, bool is_const>
class LeafVisitor final : public ModuleVisitor {
 public:
  explicit LeafVisitor(const Visit& visit) : visit_(visit) {}
  void parameter(Parameter& parameter, const Place& place) override { pass(parameter, place); }
  void tensor(Tensor& tensor, const Place& place) override { pass(tensor, place); }

 private:
  template <class T>
  void pass(T& leaf, const Place& place) const {
    visit_(static_cast<std::conditional_t<is_const, const T, T>&>(leaf), place);
  }
  const Visit& visit_;
};

/// The name of a type, somewhere in a text that depends on the compiler.
template <class T>
const char* type_text() {
  return __PRETTY_FUNCTION__;
}

/// How a tensor in a structure is read, and replaced in a copy of it.
inline const Tensor& leaf_value(const Tensor& tensor) { return tensor; }
inline void replace_leaf(Tensor& leaf, Tensor value) { leaf = std::move(value); }
const Tensor& leaf_value(const Parameter& parameter);
void replace_leaf(Parameter& parameter, Tensor value);

template <class T>
inline constexpr bool holds_one_tensor = std::is_same_v<T, Tensor> || std::is_same_v<T, Parameter>;
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
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
/// An element with a name, of which a vector is a dictionary.
template <class T>
inline constexpr bool is_named = false;
template <class T>
inline constexpr bool is_named<std::pair<std::string, T>> = true;
/// A module whose type is not known.
template <class T>
concept Walkable = requires(const T& module, const Place& place, ModuleVisitor& visitor) {
  module.walk(place, visitor);
};
template <class T>
concept NamesMembers = requires(T& structure) {
  structure.members();
};

/// How many they are.
struct MemberCount {
  template <class... Members>
  constexpr auto operator()(Members&...) const {
    return std::integral_constant<std::size_t, sizeof...(Members)>();
  }
};

/// A struct that names no member, but has one: the place of that is the place of the struct.
template <class T>
concept StandsForItsMember = NamesMembers<T> && requires(T& structure) {
  requires T::member_names()
  .empty();
  requires decltype(structure.members()(MemberCount()))::value == 1;
};

template <class T>
struct IsStructure
    : std::bool_constant<holds_one_tensor<T> || std::is_same_v<T, Buffer> || Walkable<T> || NamesMembers<T>> {
};
template <class T>
struct IsStructure<std::optional<T>> : IsStructure<T> {};
template <class T>
struct IsStructure<std::pair<std::string, T>> : IsStructure<T> {};
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

/// A function of its own, as compilers then say so once for each type, wherever it has come up; and one whose
/// type is found out, as clang then shows all of the way to it, if that is by such functions, too.
template <class T>
constexpr auto require_structure() {
  static_assert(
      IsStructure<T>::value,
      "a transform takes and gives tensors, and tuples, pairs, arrays, vectors and structs of them; "
      "name the members of a struct by CHAINRULE_MEMBERS(...)");
}

/// visit(leaf, place) for each tensor or parameter, in order. A ModuleVisit also sees buffers, and where
/// structs begin and end.
template <class S, class Visit>
void for_each_leaf(S& structure, const Place& place, const Visit& visit) {
  using T = std::remove_const_t<S>;
  constexpr bool whole = std::is_same_v<Visit, ModuleVisit>;
  if constexpr (holds_one_tensor<T>) {
    visit(structure, place);
  } else if constexpr (std::is_same_v<T, Buffer>) {
    if constexpr (whole) visit.to.buffer(structure, place);
  } else if constexpr (is_optional<T>) {
    if (structure) for_each_leaf(*structure, place, visit);
  } else if constexpr (is_named<T>) {
    for_each_leaf(structure.second, Place{.within = &place, .names = structure.first}, visit);
  } else if constexpr (Walkable<T>) {
    if constexpr (whole) {
      structure.walk(place, visit.to);
    } else {
      LeafVisitor<Visit, std::is_const_v<S>> leaves(visit);
      structure.walk(place, leaves);
    }
  } else if constexpr (is_vector<T> || is_array<T>) {
    for (std::size_t i = 0; auto& each : structure)
      if constexpr (is_named<typename T::value_type>)
        for_each_leaf(each, place, visit);
      else
        for_each_leaf(each, Place{.within = &place, .index = i++}, visit);
  } else if constexpr (is_tuple<T>) {
    std::apply(
        [&](auto&... each) {
          std::size_t i = 0;
          (for_each_leaf(each, Place{.within = &place, .index = i++}, visit), ...);
        },
        structure);
  } else if constexpr (NamesMembers<T>) {
    if constexpr (whole) {
      bool* training = nullptr;
      if constexpr (requires { structure.training = true; }) training = &structure.training;
      visit.to.enter({type_text<T>(), training}, place);
    }
    structure.members()([&](auto&... each) {
      if constexpr (StandsForItsMember<T>) {
        (for_each_leaf(each, place, visit), ...);
      } else {
        [[maybe_unused]] std::size_t i = 0;
        (for_each_leaf(each, Place{.within = &place, .names = T::member_names(), .index = i++}, visit), ...);
      }
    });
    if constexpr (whole) visit.to.leave();
  } else {
    require_structure<T>();
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
