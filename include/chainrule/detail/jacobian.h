/// \file
/// What Jacobians and products with second derivatives are made of, on lists of tensors;
/// src/autograd/jacobian.cpp.

#pragma once

#include "chainrule/detail/trace.h"

namespace CHAINRULE_API chainrule {

namespace detail {
/// Of a name among names; std::out_of_range with all of them where it is none.
std::size_t position_of(std::string_view name, const std::vector<std::string>& names);
}  // namespace detail

/// How a Jacobian is computed: by columns, each a tangent pushed forward, or by rows, each a cotangent pulled
/// back.
enum class JacobianMode : std::uint8_t {
  smaller,  ///< by whichever are fewer
  forward,
  reverse
};

/// What the numbers that a model gives are to the data.
enum class Likelihood : std::uint8_t {
  normal,       ///< means of normal distributions of variance 1
  categorical,  ///< logits of classes along the last axis
  bernoulli,    ///< logits of yes
  poisson       ///< logarithms of rates
};

/// Derivatives of a struct of tensors, or of a module: for each of its tensors one In, the derivatives of
/// that with respect to the arguments. As {name: In}, in the order of the struct.
template <class In>
class Blocks {
 public:
  /// By the name of the tensor, as "slope" or "layers.0.weight". std::out_of_range, which tells the names,
  /// where there is none of that name.
  [[nodiscard]] const In& at(std::string_view name) const {
    return blocks_[detail::position_of(name, names_)];
  }
  [[nodiscard]] const In& operator[](std::size_t number) const { return blocks_[number]; }
  [[nodiscard]] std::size_t size() const { return blocks_.size(); }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  void add(std::string name, In block) {
    names_.push_back(std::move(name));
    blocks_.push_back(std::move(block));
  }

 private:
  std::vector<std::string> names_;
  std::vector<In> blocks_;
};

namespace detail {

/// ∂result/∂input for every result and every input, in the order of the results: of the result's shape and
/// the input's after it. `chunk` lines at once, 0 for all.
std::vector<Tensor> jacobians(const std::shared_ptr<const Trace>& trace, JacobianMode mode,
                              std::int64_t chunk);
/// H·v and the like: the derivative of Σ⟨gradient, v⟩.
std::vector<Tensor> hessian_product(const Trace& trace, std::span<const Tensor> v);
/// Σ ∂result_i/∂input_i of one result and one input of the same shape.
Tensor divergence(const Trace& trace);
/// Σ ∂²result/∂x_i² over the elements of all inputs.
Tensor laplacian(const Trace& trace);
/// The Taylor coefficients of the results in the one input, for each result in turn.
std::vector<std::vector<Tensor>> taylor_coefficients(const Trace& trace, std::int64_t order);
/// x + t·v, checked.
Tensor moved(std::string_view called, const Tensor& x, const Tensor& t, const Tensor& v, const Place& place);
/// The number t = 0 along which something moves, in the dtype of the tensors.
Tensor start_of(std::span<const Tensor> tensors);
void check_order(std::int64_t order);
/// The Fisher matrix in the numbers that a model gives, times a vector.
Tensor fisher_times(Likelihood likelihood, const Tensor& numbers, const Tensor& vector);
/// `along` divided by the number of samples; ShapeError unless there is one value for each.
Tensor mean_of_samples(const Tensor& values, const Tensor& along);

/// Out with In in place of each tensor. The members of a struct are tensors, and cannot be another type.
template <class Out, class In>
struct Nested {
  using type = std::conditional_t<std::is_same_v<In, Tensor>, Out, Blocks<In>>;
};
template <class In>
struct Nested<Tensor, In> {
  using type = In;
};
template <class T, class In>
struct Nested<std::vector<T>, In> {
  using type = std::vector<typename Nested<T, In>::type>;
};
template <class T, std::size_t N, class In>
struct Nested<std::array<T, N>, In> {
  using type = std::array<typename Nested<T, In>::type, N>;
};
template <class A, class B, class In>
struct Nested<std::pair<A, B>, In> {
  using type = std::pair<typename Nested<A, In>::type, typename Nested<B, In>::type>;
};
template <class... T, class In>
struct Nested<std::tuple<T...>, In> {
  using type = std::tuple<typename Nested<T, In>::type...>;
};

/// That structure, of what next() gives in turn.
template <class In, class Out, class Next>
typename Nested<Out, In>::type nested(const Out& value, const Next& next) {
  using Result = typename Nested<Out, In>::type;
  if constexpr (std::is_same_v<Out, Tensor>) {
    return next();
  } else if constexpr (is_vector<Out>) {
    Result result;
    for (const auto& each : value) result.push_back(nested<In>(each, next));
    return result;
  } else if constexpr (is_array<Out>) {
    Result result;
    for (std::size_t i = 0; i < value.size(); ++i) result[i] = nested<In>(value[i], next);
    return result;
  } else if constexpr (is_tuple<Out>) {
    return std::apply([&](const auto&... each) { return Result{nested<In>(each, next)...}; }, value);
  } else if constexpr (std::is_same_v<In, Tensor>) {
    return changed(value, {}, [&](const Tensor&, const Place&) { return next(); });
  } else {
    Result result;
    for_each_leaf(value, {}, [&](const auto&, const Place& place) { result.add(place.path(), next()); });
    return result;
  }
}

/// Jacobians in the order in which jacobians() gives them, as a structure.
template <class Out, class... S>
auto like_jacobian(const Out& value, const std::tuple<S...>& structures, const std::vector<Tensor>& tensors) {
  const Tensor* rest = tensors.data();
  const auto next = [&] {
    if constexpr (sizeof...(S) == 1)
      return like(std::get<0>(structures), rest);
    else
      return std::apply([&](const S&... each) { return std::tuple<S...>{like(each, rest)...}; }, structures);
  };
  return nested<decltype(next())>(value, next);
}

/// The Jacobian of f with respect to the arguments `which`.
template <class F, std::size_t... I, class... A>
auto jacobian(std::string_view called, const F& f, Argnums<I...> which, JacobianMode mode, std::int64_t chunk,
              A&&... arguments) {
  const auto trace = std::make_shared<Trace>(called);
  auto given = std::forward_as_tuple(std::forward<A>(arguments)...);
  const auto structures = selected(which, given);
  const auto stand_ins = traced(*trace, which, structures);
  const auto value = taken(*trace, recorded([&]() -> decltype(auto) {
    return call_with(f, given, stand_ins, which, std::index_sequence_for<A...>());
  }));
  trace->finish();
  return like_jacobian(value, structures, jacobians(trace, mode, chunk));
}

/// A run whose result is one number.
template <class F, class... S>
auto scalar_run(std::string_view called, const F& f, const std::tuple<S...>& arguments) {
  auto finished = run(called, f, arguments);
  static_assert(std::is_same_v<decltype(finished.value), Tensor>, "the function gives one number");
  finished.trace->require_scalar();
  return finished;
}

}  // namespace detail
}  // namespace chainrule
