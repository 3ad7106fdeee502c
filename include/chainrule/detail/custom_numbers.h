/// \file
/// How a user's function of numbers, with a derivative of its own, becomes an operation that works element by
/// element: what is needed of it without its types; src/ops/custom_numbers.cpp.

#pragma once

#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "chainrule/ops.h"

namespace CHAINRULE_API chainrule {
namespace detail {

/// What every function with a rule of its own has: see Definition.
struct DefinitionBase {
  std::string name;
  Here here;
};

/// A definition as a function of so many numbers, with the rule of its gradients in numbers, in operations,
/// or in both.
struct NumbersCalls {
  double (*value)(const DefinitionBase& of, const double* x);
  /// The gradients of all x, from the value y and the gradient g of it; null where the rule takes none.
  void (*gradients)(const DefinitionBase& of, const double* x, double y, double g, double* to);
  /// The same of tensors; an empty handle is zeros.
  std::vector<Tensor> (*gradients_of)(const DefinitionBase& of, const std::vector<Tensor>& x, const Tensor& y,
                                      const Tensor& g);
};

inline constexpr std::size_t most_numbers = 8;

/// The function element by element, broadcast, as one node of the graph.
Tensor apply_to_numbers(std::shared_ptr<const DefinitionBase> definition, const NumbersCalls& calls,
                        std::span<const Operand> in);

template <class, class T>
using InPlaceOf = T;
template <std::size_t, class T>
using Repeated = T;

/// Is the function, called so, one of numbers? One that takes the arguments as they are and gives a tensor is
/// not.
template <class F, class... A>
consteval bool is_of_numbers() {
  if constexpr (std::is_invocable_v<const F&, A...>)
    return std::is_arithmetic_v<std::remove_cvref_t<std::invoke_result_t<const F&, A...>>>;
  else if constexpr (std::conjunction_v<std::is_convertible<A, Operand>...,
                                        std::is_invocable<const F&, InPlaceOf<A, double>...>>)
    return std::is_arithmetic_v<std::remove_cvref_t<std::invoke_result_t<const F&, InPlaceOf<A, double>...>>>;
  else
    return false;
}

/// What a rule gives of arguments that are all T: void if it does not take them.
template <class Rule, class T, class X, class Last>
struct RuleResult;
template <class Rule, class T, std::size_t... X, std::size_t... Last>
struct RuleResult<Rule, T, std::index_sequence<X...>, std::index_sequence<Last...>> {
  using type = void;
};
template <class Rule, class T, std::size_t... X, std::size_t... Last>
requires std::is_invocable_v < const Rule&, Repeated<X, const T&>...,
const T&, Repeated<Last, const T&>... >
              struct RuleResult<Rule, T, std::index_sequence<X...>, std::index_sequence<Last...>> {
  using type = std::remove_cvref_t<
      std::invoke_result_t<const Rule&, Repeated<X, const T&>..., const T&, Repeated<Last, const T&>...>>;
};

/// Is that one, or a tuple of so many, of this kind?
template <class Given, class Kind, std::size_t Count>
consteval bool gives_each() {
  if constexpr (Count == 1 && std::is_convertible_v<Given, Kind>)
    return true;
  else if constexpr (requires { std::tuple_size<Given>::value; }) {
    if constexpr (std::tuple_size_v<Given> == Count) return []<std::size_t... I>(std::index_sequence<I...>) {
        return (std::is_convertible_v<std::tuple_element_t<I, Given>, Kind> && ...);
      }
    (std::make_index_sequence<Count>());
    else return false;
  } else
    return false;
}
template <std::size_t Count, class Kind, class Given>
void spread(const Given& given, Kind* to) {
  if constexpr (Count == 1 && std::is_convertible_v<Given, Kind>)
    *to = static_cast<Kind>(given);
  else
    std::apply([&](const auto&... each) { ((*to++ = static_cast<Kind>(each)), ...); }, given);
}

/// The functions above of one definition.
template <bool OfTangents, class Of, class F, class Rule, std::size_t N>
class NumbersOf {
  using X = std::make_index_sequence<N>;
  using Last = std::make_index_sequence<OfTangents ? N : 1>;
  static constexpr std::size_t given = OfTangents ? 1 : N;
  template <class T>
  using Result = typename RuleResult<Rule, T, X, Last>::type;
  static constexpr bool in_numbers = gives_each<Result<double>, double, given>(),
                        in_operations = gives_each<Result<Tensor>, Tensor, given>();
  static_assert(
      in_numbers || in_operations,
      "the rule of a function of numbers takes numbers or tensors, x..., y and g (of tangents x..., "
      "y and t...), and gives a number or a tensor for each x, a std::tuple for several");
  static_assert(N <= most_numbers, "a function of numbers has at most 8 arguments");

  static const Of& definition(const DefinitionBase& of) { return static_cast<const Of&>(of); }
  static double value(const DefinitionBase& of, const double* x) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return static_cast<double>(definition(of).function(x[I]...));
    }
    (X());
  }
  static void gradients(const DefinitionBase& of, const double* x, double y, double g, double* to) {
    pull_back(definition(of).rule, x, y, g, 0.0, to);
  }
  static std::vector<Tensor> gradients_of(const DefinitionBase& of, const std::vector<Tensor>& x,
                                          const Tensor& y, const Tensor& g) {
    std::vector<Tensor> to(N);
    pull_back(definition(of).rule, x.data(), y, g, OfTangents ? zeros_like(y) : Tensor(), to.data());
    return to;
  }

  /// The rule is linear in tangents, so the gradient of one input is what comes of a tangent of that alone.
  template <class T>
  static void pull_back(const Rule& rule, const T* x, const T& y, const T& g, [[maybe_unused]] const T& zero,
                        T* to) {
    if constexpr (OfTangents) {
      for (std::size_t i = 0; i < N; ++i) {
        T tangents[N];
        for (std::size_t k = 0; k < N; ++k) tangents[k] = k == i ? g : zero;
        spread<1>(call(rule, x, y, tangents, X(), Last()), to + i);
      }
    } else {
      spread<N>(call(rule, x, y, &g, X(), Last()), to);
    }
  }
  template <class T, std::size_t... I, std::size_t... L>
  static auto call(const Rule& rule, const T* x, const T& y, const T* last, std::index_sequence<I...>,
                   std::index_sequence<L...>) {
    return rule(x[I]..., y, last[L]...);
  }

 public:
  static constexpr NumbersCalls calls = [] {
    NumbersCalls all{&value, nullptr, nullptr};
    if constexpr (in_numbers) all.gradients = &gradients;
    if constexpr (in_operations) all.gradients_of = &gradients_of;
    return all;
  }();
};

}  // namespace detail
}  // namespace chainrule
