/// \file
/// Derivatives as functions of functions, as in JAX and torch.func: grad, value_and_grad, vjp, jvp,
/// linearize. They nest in any order; detail/trace.h runs functions, autograd.h differentiates.

#pragma once

#include "chainrule/detail/levels.h"

/// Derivatives as functions of functions, as in JAX and torch.func: grad(f) is a function that gives the
/// gradient of f. They nest in any order, so that grad(grad(f)) is a second derivative.
///
/// f is anything that can be called, also as a const object and more than once, with tensors, and gives one.
/// Where several go in or come out, they are arguments, or a structure: a std::tuple, std::pair, std::array,
/// std::vector, or a struct that names its members by CHAINRULE_MEMBERS(...), nested in any way. Layers are
/// structures of parameters: grad of a loss takes an Mlp, and gives an Mlp that holds gradients.
///
/// Only what reaches the result through the arguments counts: a tensor that f has captured is a constant to
/// this derivative. To others, inside and outside, it may be a variable: if the function is called where
/// operations are recorded (see NoGrad), and a variable or a parameter went in as an argument or captured,
/// the derivative can be differentiated in turn, at the price of its graph. Otherwise nothing is recorded of
/// it, and values come out without a history: of constants, as of everything inside no_grad().
///
/// What is differentiated is float32 or float64, or a C++ number, which is a tensor of the default dtype to
/// f. DTypeError for integers, GradError for an empty handle; errors name the transform and the place, as
/// "argument 1.layers[0].weight". A result that does not depend on an argument has the derivative zero.
/// Threads: any number may call one transformed function, if they may call f at once.
namespace CHAINRULE_API chainrule {

/// Which arguments to differentiate, counted from 0: grad(f, argnums<0, 2>).
template <std::size_t... I>
inline constexpr detail::Argnums<I...> argnums{};

/// A value and its gradient, also as `const auto [value, gradient] = ...`.
template <class Value, class Gradient>
struct [[nodiscard]] ValueAndGradient {
  /// What f gave.
  Value value;
  /// Of the structure of what was differentiated by.
  Gradient gradient;
  CHAINRULE_MEMBERS(value, gradient)  // vmap(value_and_grad(f))
};

/// A value and the function that pulls cotangents back to the arguments. See vjp.
template <class Value, class Pullback>
struct [[nodiscard]] ValueAndPullback {
  /// What f gave.
  Value value;
  /// From cotangents of the value to those of the primals.
  Pullback pull_back;
};

/// A value and the function that pushes tangents of the arguments forward. See linearize.
template <class Value, class Linear>
struct [[nodiscard]] ValueAndLinear {
  /// What f gave.
  Value value;
  /// From tangents of the primals to that of the value.
  Linear push_forward;
};

/// A value and its tangent. See jvp.
template <class Value>
struct [[nodiscard]] ValueAndTangent {
  /// What f gave, and its derivative along the tangents.
  Value value, tangent;
  CHAINRULE_MEMBERS(value, tangent)
};

namespace detail {

template <class F, std::size_t... I>
auto value_and_grad(std::string_view called, F function, Argnums<I...> which) {
  static_assert(sizeof...(I) > 0, "argnums names no argument");
  return [ called, f = std::move(function),
           which ]<class... A>(A && ... arguments) requires std::is_invocable_v<const F&, A...> &&
      argnums_are_arguments<sizeof...(A), I...> {
    Trace trace(called);
    auto given = std::forward_as_tuple(std::forward<A>(arguments)...);
    const auto structures = selected(which, given);
    const auto stand_ins = traced(trace, which, structures);
    auto value = take_scalar(trace, recorded([&]() -> decltype(auto) {
                               return call_with(f, given, stand_ins, which, std::index_sequence_for<A...>());
                             }));
    return ValueAndGradient<decltype(value), decltype(like_arguments(structures, trace.gradient()))>{
        std::move(value), like_arguments(structures, trace.gradient())};
  };
}

}  // namespace detail

/// The function that gives f(x...) and its gradient with respect to the arguments of these numbers. f gives
/// one number, a tensor of one element, or a std::pair of it and anything else (a prediction, a count, a
/// state), which then is part of the value. The gradient has the structure of the argument, and the shapes
/// and dtypes of its tensors; of several arguments, it is a std::tuple in the order of argnums. All other
/// arguments are whatever f takes. ShapeError when the result is not one number, DTypeError when it is an
/// integer.
template <class F, std::size_t... I>
auto value_and_grad(F f, detail::Argnums<I...> which) {
  return detail::value_and_grad("value_and_grad", std::move(f), which);
}
template <class F>
auto value_and_grad(F f) {
  return value_and_grad(std::move(f), argnums<0>);
}
template <class F, class X, class... More>
requires detail::Structure<detail::Structured<X>>
void value_and_grad(F, X, More...) = delete;  // it gives a function: value_and_grad(f)(x)

/// The function that gives the gradient alone. See value_and_grad; what else f gives is left out.
template <class F, std::size_t... I>
auto grad(F f, detail::Argnums<I...> which) {
  return [with_value = detail::value_and_grad("grad", std::move(f), which)]<class... A>(
      A && ... arguments) requires std::is_invocable_v<const F&, A...> &&
      detail::argnums_are_arguments<sizeof...(A), I...> {
    return with_value(std::forward<A>(arguments)...).gradient;
  };
}
template <class F>
auto grad(F f) {
  return grad(std::move(f), argnums<0>);
}
template <class F, class X, class... More>
requires detail::Structure<detail::Structured<X>>
void grad(F, X, More...) = delete;  // it gives a function: grad(f)(x), grad(f, argnums<1>)(x, y)

/// f(primals...), and the function that pulls back: from cotangents, of the structure and shapes of the
/// value, it gives the cotangents of the primals, vᵀ·∂f/∂x: one structure of one primal, a std::tuple of
/// several. It may be called any number of times, and holds the graph of f meanwhile. An empty handle is a
/// cotangent of zeros; that of an integer result is ignored. ShapeError, with the place, for another shape.
template <class F, class... P>
requires(sizeof...(P) > 0) auto vjp(const F& f, const P&... primals) {
  auto run = detail::run("vjp", f, std::tuple<detail::Structured<P>...>(detail::structure_of(primals)...));
  auto pull_back = [trace = run.trace, structures = std::move(run.structures),
                    value = run.value](const decltype(run.value)& cotangents) {
    return detail::like_arguments(structures,
                                  trace->pull_back(detail::cotangents_of(*trace, value, cotangents)));
  };
  return ValueAndPullback<decltype(run.value), decltype(pull_back)>{std::move(run.value),
                                                                    std::move(pull_back)};
}

/// f(primals...), and its derivative there as a function of tangents, one for each primal and of its
/// structure and shapes: it gives ∂f/∂x·t, of the structure and shapes of the value. f runs once, and is
/// differentiated once, by differentiating vᵀ·∂f/∂x with respect to v, so that its operations must be
/// differentiable twice; each call then costs about one gradient. An empty handle is a tangent of zeros.
/// ShapeError, with the place, for another shape.
template <class F, class... P>
requires(sizeof...(P) > 0) auto linearize(const F& f, const P&... primals) {
  auto run =
      detail::run("linearize", f, std::tuple<detail::Structured<P>...>(detail::structure_of(primals)...));
  auto push_forward = [linear = detail::Linearization(run.trace),
                       value = run.value](const detail::Structured<P>&... tangents) {
    return detail::like_value(value, linear.push_forward(detail::tangents_of(linear.trace(), tangents...)));
  };
  return ValueAndLinear<decltype(run.value), decltype(push_forward)>{std::move(run.value),
                                                                     std::move(push_forward)};
}

/// f at the primals and its derivative along the tangents: {f(x), ∂f/∂x·t}. The primals are one argument, or
/// a std::tuple of the arguments where f takes several; the tangents are the same of tensors of equal shapes,
/// with empty handles for zeros. In one pass, in which each operation computes both from those of its inputs,
/// so that no graph is kept: at about the cost of two to three calls of f, and in about twice its memory.
/// Inside, no_grad() stops no tangent, but detach() and stop_gradient() do; elements that are read are those
/// of the value. ShapeError, with the place, for a tangent of another shape.
template <class F, class P>
requires(!std::is_convertible_v<const F&, Tensor>) auto jvp(const F& f, const P& primals, const P& tangents) {
  const auto at = detail::arguments_for<F>(primals);
  auto [value, tangent] =
      detail::pushed_forward("jvp", f, at, detail::leaves_for<F>("jvp", "tangents", tangents, at));
  return ValueAndTangent<decltype(value)>{std::move(value), std::move(tangent)};
}

/// A structure like the first, with what f makes of its tensors, one after the other, and of those at the
/// same places in others of its type: a step of gradient descent that can be differentiated is
///
///     const Mlp adapted = tree_map([](const Tensor& w, const Tensor& g) { return w - 0.01 * g; },
///                                  network, grad(loss)(network));
///
/// Of a module, what holds f's results shares nothing with the parameters, and is no leaf: a gradient flows
/// through it to where they came from. ShapeError unless all have the same number of tensors.
template <class F, detail::Structure S, std::same_as<S>... More>
S tree_map(const F& f, const S& structure, const More&... others) {
  std::vector<Tensor> first;
  detail::append_leaves(structure, first);
  [[maybe_unused]] const auto leaves = [&](const S& other) {
    std::vector<Tensor> all;
    detail::append_leaves(other, all);
    return detail::checked_count("tree_map", "tensors", std::move(all), first.size());
  };
  return [&](const std::same_as<std::vector<Tensor>> auto&... at) {
    std::size_t next = 0;
    return detail::changed(structure, {}, [&](const Tensor& each, const detail::Place&) {
      [[maybe_unused]] const std::size_t i = next++;
      return Tensor(f(each, at[i]...));
    });
  }(leaves(others)...);
}

}  // namespace chainrule
