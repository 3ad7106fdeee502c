/// \file
/// Functions with derivatives of the user's own, and tensors whose gradient is stopped, scaled or reversed.
///
/// Threads: any number may call one, if they may call f at once. The rule is called by the thread that runs
/// the backward pass.

#pragma once

#include "chainrule/detail/custom.h"
#include "chainrule/ops.h"

namespace CHAINRULE_API chainrule {

/// A function as f, with the derivative that `rule` gives. f is called with the arguments, records nothing,
/// and may read their elements as numbers, for instance for a C function. It gives a tensor, or a structure
/// of tensors (see transforms.h); arguments are tensors, structures and anything else that can be copied.
///
/// rule(x..., y, g) gives the gradients of the arguments x of tensors, each of its shape, in a std::tuple if
/// there are several: from the value y and the gradient g of it, of the same structure. An empty handle is a
/// gradient of zeros, and also what g has for a result that is no floating number. For instance
///   const auto cube_root = custom_gradient("cube_root",
///       [](const Tensor& x) { return from_c(x, &std::cbrt); },
///       [](const Tensor&, const Tensor& y, const Tensor& g) { return g / (3 * square(y)); });
/// What f has computed on the way it may save for the rule: if it gives saving(y, saved), that is called as
/// rule(x..., y, saved, g).
///
/// Derivatives of the derivative follow from a rule in operations, of x, y and g. GradError where there is
/// none: if the rule reads elements as numbers, or the derivative with respect to a saved tensor is asked
/// for. Where only first derivatives are, both are fine. ShapeError for a gradient of another shape, or too
/// few or many.
///
/// A function of numbers, as [](double x) { ... } or a C function, works element by element, on
/// tensors of any shape, broadcast (of up to eight arguments), and computes in double. Its rule may be one of
/// numbers, too, and both then cost a scalar hardly more than an operation of the library:
///   const auto erf = custom_gradient("erf", [](double x) { return std::erf(x); },
///       [](double x, double, double g) { return g * 2 / std::sqrt(M_PI) * std::exp(-x * x); });
/// Such a rule has first derivatives only; one of tensors, or of both ([](auto x, auto y, auto g) { ... }),
/// has more. Where g is 0 it is not asked, and gives 0. Of these functions there is no saving().
///
/// The name is shown in drawings, walks and errors; place is that of this call. A node holds x, y, and what
/// was saved.
template <class F, class Rule>
auto custom_gradient(std::string name, F f, Rule rule, Here here = Here::now()) {
  return detail::Custom<false, F, Rule>(std::move(name), std::move(f), std::move(rule), here);
}

/// The same with a rule for tangents: rule(x..., y, t...) gives the tangents of the value, of its structure,
/// from those of all arguments, with each t of the structure of its x (other arguments once more as they
/// are). It must be linear in the tangents and written in operations on them, from which the gradient
/// follows; GradError where it is not so written. Of x and y it may read elements as numbers, if only first
/// derivatives are asked for.
template <class F, class Rule>
auto custom_jvp(std::string name, F f, Rule rule, Here here = Here::now()) {
  return detail::Custom<true, F, Rule>(std::move(name), std::move(f), std::move(rule), here);
}

/// What a function with a rule of its own gives if it saves something for the rule.
template <class Value, class Saved>
WithSaved<Value, Saved> saving(Value value, Saved saved) {
  return {std::move(value), std::move(saved)};
}

/// The same values, which no gradient flows through: of a tensor or a structure.
template <class T>
detail::Structured<T> stop_gradient(const T& x) {
  return detail::changed(detail::structure_of(x), {},
                         [](const Tensor& each, const detail::Place&) { return each.detach(); });
}

/// x as it is, with its gradient multiplied by `factor`: reversed, as for training against an adversary, or
/// scaled. Shape and dtype of x, which is floating (DTypeError). std::invalid_argument for a factor that is
/// not finite. Source: Ganin and Lempitsky, "Unsupervised domain adaptation by backpropagation", 2015,
/// section 3.1.
Tensor reverse_gradient(const Operand& x, double factor = -1);

}  // namespace chainrule
