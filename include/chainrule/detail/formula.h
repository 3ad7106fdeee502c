/// \file
/// What a formula of `map` is tried on before it is compiled for packs, dual numbers and tensors, so that a
/// mistake is reported once and in few lines. All functions are only declared. What people try and a formula
/// cannot do is deleted, in a line that says what to do instead: compilers show it.

#pragma once

#include <concepts>
#include <type_traits>

#include "chainrule/tensor.h"

namespace chainrule::detail::formula {

/// Stands for an element.
struct Element;
/// Stands for what a comparison of elements gives.
struct Condition {
  explicit operator bool() const = delete;  // differs from element to element: use where(condition, a, b)
  friend Condition operator&(Condition, Condition);
  friend Condition operator|(Condition, Condition);
  friend Condition operator==(Condition, Condition);
  friend Condition operator!(Condition);
  friend Condition operator&&(Condition, Condition) = delete;  // differ from element to element: use a & b
  friend Condition operator||(Condition, Condition) = delete;  // differ from element to element: use a | b
};

template <class A>
concept Operand = Number<A> || std::same_as<A, Element>;
/// An element and another one, or a number, in any order.
template <class A, class B>
concept Operands = Operand<A> && Operand<B> && !(Number<A> && Number<B>);
/// An element and something else.
template <class A, class B>
concept NoOperands = (std::same_as<A, Element> && !Operand<B>) || (std::same_as<B, Element> && !Operand<A>);

struct Element {
  Element() = default;
  template <Number N>
  Element(N);                                    // NOLINT(google-explicit-constructor): as packs do
  operator double() const = delete;              // NOLINT: write tanh(x), not std::tanh(x)
  operator chainrule::Operand() const = delete;  // NOLINT: the functions of formulas are listed in map.h
  Element& operator+=(Element);
  Element& operator-=(Element);
  Element& operator*=(Element);
  Element& operator/=(Element);
};
Element operator-(Element);
// NOLINTNEXTLINE(bugprone-macro-parentheses): they name types
#define CHAINRULE_OF_TWO(Result, name) \
  template <class A, class B>          \
  requires Operands<A, B> Result name(const A&, const B&);
CHAINRULE_OF_TWO(Element, operator+)
CHAINRULE_OF_TWO(Element, operator-)
CHAINRULE_OF_TWO(Element, operator*)
CHAINRULE_OF_TWO(Element, operator/)
CHAINRULE_OF_TWO(Condition, operator<)
CHAINRULE_OF_TWO(Condition, operator<=)
CHAINRULE_OF_TWO(Condition, operator>)
CHAINRULE_OF_TWO(Condition, operator>=)
CHAINRULE_OF_TWO(Condition, operator==)
CHAINRULE_OF_TWO(Condition, operator!=)
CHAINRULE_OF_TWO(Element, maximum)
CHAINRULE_OF_TWO(Element, minimum)
CHAINRULE_OF_TWO(Element, pow)
CHAINRULE_OF_TWO(Element, logaddexp)
#undef CHAINRULE_OF_TWO
template <class A, class B>
requires NoOperands<A, B>
void operator+(const A&, const B&) = delete;  // only elements and numbers: pass tensors to map
template <class A, class B>
requires NoOperands<A, B>
void operator-(const A&, const B&) = delete;  // only elements and numbers: pass tensors to map
template <class A, class B>
requires NoOperands<A, B>
void operator*(const A&, const B&) = delete;  // only elements and numbers: pass tensors to map
template <class A, class B>
requires NoOperands<A, B>
void operator/(const A&, const B&) = delete;  // only elements and numbers: pass tensors to map
template <Operand A, Operand B>
Element where(Condition, const A&, const B&);
Element abs(Element);
Element cos(Element);
Element exp(Element);
Element expm1(Element);
Element log(Element);
Element log1p(Element);
Element relu(Element);
Element sigmoid(Element);
Element sigmoid_slope(Element);
Element sign(Element);
Element sin(Element);
Element softplus(Element);
Element sqrt(Element);
Element square(Element);
Element tanh(Element);

/// Is taken by parameters of any type only.
struct Anything {};
/// F beside a function that takes whatever F does not take. Where F takes it, a call is ambiguous: so one
/// finds out without a look into F's body, which may hold a mistake.
template <class F>
struct Otherwise : F {
  using F::operator();
  void operator()(...);
};
/// Can an F be called with as many arguments of any type, whatever comes of it?
template <class F, class... A>
constexpr bool takes() {
  if constexpr (std::is_class_v<F> && !std::is_final_v<F>) return !requires(Otherwise<F> & f) {
      f(A()...);
    };
  else
    return false;
}

}  // namespace chainrule::detail::formula
