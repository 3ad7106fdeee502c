/// \file
/// Jacobians, Hessians, products with them, and Taylor coefficients, of functions as transforms.h takes them.
/// All may be differentiated again, and nest with each other and with grad, vjp and jvp. Rows, columns and
/// diagonals are computed in one pass each, by vmap over the directions.

#pragma once

#include "chainrule/detail/jacobian.h"
#include "chainrule/transforms.h"

namespace CHAINRULE_API chainrule {

/// How jacobian() goes about it.
struct JacobianOptions {
  /// By rows, by columns, or by what is less.
  JacobianMode mode = JacobianMode::smaller;
  /// So many rows or columns at once, so that memory is bounded; 0 is all of one tensor.
  std::int64_t chunk_size = 0;
};

/// The function that gives all ∂f_i/∂x_j: of one tensor with respect to one tensor, a tensor of the result's
/// shape and the argument's after it. Of several results with respect to several tensors, the structure of
/// the results, in which each tensor is replaced by a structure as the argument's (with several argnums by a
/// std::tuple of them); in place of a struct of results are Blocks, as the struct's members are tensors.
/// Costs one run of f, and about one gradient for each element of the results, or of the arguments if these
/// are fewer, see JacobianMode. The result may be an integer, whose derivatives are zero.
template <class F, std::size_t... I>
auto jacobian(F f, detail::Argnums<I...> which, const JacobianOptions& options = {}) {
  return [ f = std::move(f), which,
           options ]<class... A>(A && ... arguments) requires std::is_invocable_v<const F&, A...> {
    return detail::jacobian("jacobian", f, which, options.mode, options.chunk_size,
                            std::forward<A>(arguments)...);
  };
}
template <class F>
auto jacobian(F f, const JacobianOptions& options = {}) {
  return jacobian(std::move(f), argnums<0>, options);
}
template <class F, class X, class... More>
requires detail::Structure<detail::Structured<X>>
void jacobian(F, X, More...) = delete;  // it gives a function: jacobian(f)(x)

/// The function that gives all ∂²f/∂x_i∂x_j of a function whose result is one number: of one tensor, a tensor
/// of its shape twice. Of a structure of tensors, that structure of such structures; of a struct or a module,
/// Blocks of such structs by the names of its members, so that h.at("slope").offset is ∂²f/∂slope ∂offset.
/// Costs about two gradients for each element of the arguments.
template <class F, std::size_t... I>
auto hessian(F f, detail::Argnums<I...> which) {
  return [ gradient = detail::value_and_grad("hessian", std::move(f), which),
           which ]<class... A>(A && ... arguments) requires std::is_invocable_v<const F&, A...> {
    return detail::jacobian(
        "hessian", [&](const auto&... at) { return gradient(at...).gradient; }, which, JacobianMode::reverse,
        0, std::forward<A>(arguments)...);
  };
}
template <class F>
auto hessian(F f) {
  return hessian(std::move(f), argnums<0>);
}
template <class F, class X, class... More>
requires detail::Structure<detail::Structured<X>>
void hessian(F, X, More...) = delete;  // it gives a function: hessian(f)(x)

/// The Hessian of f at the primals times a vector, H·v, of the structure of the primals, without the Hessian:
/// at the cost of about three gradients. f gives one number. Primals and vector are one argument each, or a
/// std::tuple of the arguments where f takes several; an empty handle is a part of zeros. ShapeError, with
/// the place, for a vector of another shape.
template <class F, class P>
auto hvp(const F& f, const P& primals, const P& vector) {
  const auto run = detail::scalar_run("hvp", f, detail::arguments_for<F>(primals));
  return detail::like_arguments(
      run.structures, detail::hessian_product(*run.trace, detail::tangents_for<F>(*run.trace, vector)));
}
/// vᵀ·H. As the Hessian is symmetric, the same numbers as hvp() at the same cost.
template <class F, class P>
auto vhp(const F& f, const P& primals, const P& vector) {
  const auto run = detail::scalar_run("vhp", f, detail::arguments_for<F>(primals));
  return detail::like_arguments(
      run.structures, detail::hessian_product(*run.trace, detail::tangents_for<F>(*run.trace, vector)));
}

/// The function that gives the divergence Σ_i ∂f_i/∂x_i of a vector field: f gives one tensor of the shape of
/// its one argument. Costs one gradient for each element. ShapeError when the shapes differ.
template <class F>
auto divergence(F f) {
  return [f = std::move(f)]<class X>(const X& x) requires std::is_invocable_v<const F&, const X&> {
    return detail::divergence(*detail::run("divergence", f, std::tuple(detail::structure_of(x))).trace);
  };
}
template <class F, class X, class... More>
requires detail::Structure<detail::Structured<X>>
void divergence(F, X, More...) = delete;  // it gives a function: divergence(f)(x)

/// The function that gives the Laplacian Σ_i ∂²f/∂x_i², over all elements of the arguments, of an f that
/// gives one number. Costs about two gradients for each element, and never holds the Hessian.
template <class F>
auto laplacian(F f) {
  return [f = std::move(f)]<class... X>(const X&... x) requires std::is_invocable_v<const F&, const X&...> {
    return detail::laplacian(
        *detail::scalar_run("laplacian", f, std::tuple(detail::structure_of(x)...)).trace);
  };
}
template <class F, class X, class... More>
requires detail::Structure<detail::Structured<X>>
void laplacian(F, X, More...) = delete;  // it gives a function: laplacian(f)(x)

/// The Taylor coefficients c_0 ... c_order of f along a line, f(x + t·v) = Σ c_k tᵏ + ...: each of the
/// structure of the value, and c_k is the k-th derivative along v divided by k!. Primals and direction as in
/// hvp(). By repeated differentiation, so that the cost grows two- to threefold with each order.
/// std::invalid_argument for a negative order.
template <class F, class P>
auto jet(const F& f, const P& primals, const P& direction, Integer order) {
  detail::check_order(order);
  const auto at = detail::arguments_for<F>(primals);
  const auto along = detail::arguments_for<F>(direction);
  std::vector<Tensor> x, v;
  std::apply([&](const auto&... each) { (detail::append_leaves(each, x), ...); }, at);
  std::apply([&](const auto&... each) { (detail::append_leaves(each, v), ...); }, along);
  v = detail::checked_count("jet", "directions", std::move(v), x.size());
  const auto on_the_line = [&](const Tensor& t) {
    const Tensor* next = v.data();
    std::size_t number = 0;
    const auto one = [&](const auto& structure) {
      return detail::changed(structure, detail::argument(number++),
                             [&](const Tensor& each, const detail::Place& place) {
                               return detail::moved("jet", each, t, *next++, place);
                             });
    };
    const auto moved = std::apply(
        [&](const auto&... each) { return std::tuple<std::remove_cvref_t<decltype(each)>...>{one(each)...}; },
        at);
    return std::apply(f, moved);
  };
  const auto run = detail::run("jet", on_the_line, std::tuple(detail::start_of(x)));
  std::vector<std::remove_const_t<decltype(run.value)>> coefficients;
  for (const std::vector<Tensor>& each : detail::taylor_coefficients(*run.trace, order))
    coefficients.push_back(detail::like_value(run.value, each));
  return coefficients;
}

/// The Gauss-Newton matrix of loss(f(x)) times a vector: Jᵀ·H·J·v with the Jacobian J of f and the Hessian H
/// of the loss at f(x), which is positive semidefinite for a convex loss. Primals and vector as in hvp();
/// loss takes what f gives, and gives one number. Costs about five gradients.
template <class F, class Loss, class P>
auto gnvp(const F& f, const Loss& loss, const P& primals, const P& vector) {
  const auto run = detail::run("gnvp", f, detail::arguments_for<F>(primals));
  const detail::Linearization linear(run.trace);
  const auto along =
      detail::like_value(run.value, linear.push_forward(detail::tangents_for<F>(*run.trace, vector)));
  const auto curved = hvp(loss, run.value, along);
  return detail::like_arguments(run.structures,
                                run.trace->pull_back(detail::cotangents_of(*run.trace, run.value, curved)));
}

/// The Fisher information matrix of a model times a vector, Jᵀ·F·J·v, with the Jacobian J of f and the Fisher
/// matrix F of the likelihood in the numbers that f gives; summed over all of these, so divide by their
/// number for a mean. f gives one tensor. Primals and vector as in hvp(). Costs about four gradients. Source:
/// Martens, "New insights and perspectives on the natural gradient method", 2020, section 9.
template <class F, class P>
auto fvp(const F& f, Likelihood likelihood, const P& primals, const P& vector) {
  const auto run = detail::run("fvp", f, detail::arguments_for<F>(primals));
  static_assert(std::is_same_v<std::remove_const_t<decltype(run.value)>, Tensor>,
                "the model gives one tensor");
  const detail::Linearization linear(run.trace);
  const Tensor along = linear.push_forward(detail::tangents_for<F>(*run.trace, vector))[0];
  const std::vector<Tensor> weighted = {detail::fisher_times(likelihood, run.value, along)};
  return detail::like_arguments(run.structures, run.trace->pull_back(weighted));
}

/// The empirical Fisher matrix times a vector, (1/N) Σ_n g_n (g_nᵀ·v), where f gives the N log-likelihoods
/// (or losses) of the samples, shape (N,), and g_n is the gradient of one. Primals and vector as in hvp().
/// ShapeError for a result of another rank.
template <class F, class P>
auto empirical_fvp(const F& f, const P& primals, const P& vector) {
  const auto run = detail::run("empirical_fvp", f, detail::arguments_for<F>(primals));
  static_assert(std::is_same_v<std::remove_const_t<decltype(run.value)>, Tensor>,
                "the function gives one tensor");
  const detail::Linearization linear(run.trace);
  const std::vector<Tensor> along = {detail::mean_of_samples(
      run.value, linear.push_forward(detail::tangents_for<F>(*run.trace, vector))[0])};
  return detail::like_arguments(run.structures, run.trace->pull_back(along));
}

}  // namespace chainrule
