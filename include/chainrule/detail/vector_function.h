/// \file
/// A user's function of a structure x and of further arguments, as solvers see it: a function of one vector
/// and of a list of tensors; src/solvers/vector_function.cpp.

#pragma once

#include <memory>

#include "chainrule/detail/custom.h"

namespace CHAINRULE_API chainrule {
namespace detail {

/// How the tensors of a structure lie in one vector.
class VectorLayout {
 public:
  /// Of these tensors, called x0 or the like. GradError for an empty handle, DTypeError unless all are of one
  /// floating dtype.
  VectorLayout(std::string_view called, std::string_view what, const std::vector<Tensor>& tensors);
  std::int64_t size() const { return size_; }
  DType dtype() const { return dtype_; }
  /// (size,) of tensors of these shapes; ShapeError says `what` they are where they have others.
  Tensor joined(std::string_view called, std::string_view what, const std::vector<Tensor>& tensors) const;
  /// The tensors from (..., size), the axes before the last in front of each.
  std::vector<Tensor> split(const Tensor& vector) const;

 private:
  std::vector<Shape> shapes_;
  std::int64_t size_ = 0;
  DType dtype_ = DType::float64;
};

class VectorFunction {
 public:
  VectorFunction(std::string_view called, std::string_view what, const std::vector<Tensor>& x)
      : called_(called), layout_(called, what, x) {}
  VectorFunction(const VectorFunction&) = delete;
  VectorFunction& operator=(const VectorFunction&) = delete;
  virtual ~VectorFunction() = default;
  /// The solver that the user has called.
  std::string_view called() const { return called_; }
  const VectorLayout& layout() const { return layout_; }
  /// f(x, in...), which has the shapes of x, as one vector.
  Tensor operator()(const Tensor& x, std::span<const Tensor> in) const;
  /// f(x, in...), which is one number.
  Tensor number(const Tensor& x, std::span<const Tensor> in) const;

 private:
  virtual std::vector<Tensor> results(const std::vector<Tensor>& x, std::span<const Tensor> in) const = 0;
  std::string_view called_;
  VectorLayout layout_;
};

/// With copies of the function and of all arguments but their tensors, as nodes keep it.
template <class F, class X, class... A>
class VectorFunctionOf final : public VectorFunction {
 public:
  VectorFunctionOf(std::string_view called, std::string_view what, const F& f, const X& x,
                   const std::tuple<A...>& arguments, const std::vector<Tensor>& leaves)
      : VectorFunction(called, what, leaves),
        f_(f),
        x_(without_tensors(std::tuple<X>(x))),
        arguments_(without_tensors(arguments)) {}

 private:
  std::vector<Tensor> results(const std::vector<Tensor>& x, std::span<const Tensor> in) const override {
    const X at = std::get<0>(with_tensors(x_, x.data()));
    const std::tuple<A...> arguments = with_tensors(arguments_, in.data());
    std::vector<Tensor> results;
    append_leaves(structure_of(std::apply([&](const A&... each) { return f_(at, each...); }, arguments)),
                  results);
    return results;
  }
  F f_;
  std::tuple<X> x_;
  std::tuple<A...> arguments_;
};

/// GradError, for an empty handle among the arguments after x.
void require_not_empty(std::string_view called, const Tensor& given, const Place& place);

/// f as that, with the tensors of x and of the arguments.
template <class X>
struct VectorProblem {
  X x;
  std::vector<Tensor> start, in;
  std::shared_ptr<const VectorFunction> function;
};
template <class F, class X, class... A>
auto vector_problem(std::string_view called, std::string_view what, const F& f, const X& x,
                    const A&... arguments) {
  using Structure = std::remove_const_t<decltype(structure_of(x))>;
  VectorProblem<Structure> problem{structure_of(x), {}, {}, nullptr};
  append_leaves(problem.x, problem.start);
  const std::tuple<Kept<A>...> kept(tensor_if_parameter(arguments)...);
  for_each_tensor(kept, [&](const auto& leaf, const Place& place) {
    require_not_empty(called, leaf_value(leaf), place);
    problem.in.push_back(leaf_value(leaf));
  });
  if constexpr (std::is_invocable_v<const std::decay_t<F>&, const Structure&, const Kept<A>&...>)
    problem.function = std::make_shared<const VectorFunctionOf<std::decay_t<F>, Structure, Kept<A>...>>(
        called, what, f, problem.x, kept, problem.start);
  else
    static_assert(sizeof(F) == 0,
                  "the function takes x and the parameters: fixed_point(f, x0, a), root and minimize call "
                  "f(x, a), and odeint(f, y0, t, a) calls f(y, t, a)");
  return problem;
}

}  // namespace detail
}  // namespace chainrule
