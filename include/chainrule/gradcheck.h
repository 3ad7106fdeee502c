/// \file
/// Comparing derivatives with differences.
///
/// Threads: any number may check one function, if they may call it at once.

#pragma once

#include "chainrule/detail/function_ref.h"
#include "chainrule/detail/trace.h"

namespace CHAINRULE_API chainrule {

/// How gradients are compared with differences.
struct GradcheckOptions {
  double step = 1e-6;       ///< of the central difference, relative to the size of what is moved
  double tolerance = 1e-6;  ///< largest error accepted, relative to the size of the gradient
  std::uint64_t seed = 0;   ///< of the random projections
  /// Compare every element of every result with respect to every element of every input, and not random
  /// projections of them, which find the same errors in a few runs of the function.
  bool full_jacobian = false;
  bool forward_mode = false;  ///< compare what jvp gives along a random direction, too
  bool batched = false;       ///< compare gradients under vmap with one after the other, too
};

/// The likely reason for gradients that differ.
enum class GradcheckCause : std::uint8_t {
  none,               ///< they do not
  wrong_rule,         ///< a derivative is not that of its function
  kink,               ///< the differences to both sides disagree
  precision,          ///< with another step of the difference the error is gone
  cut_graph,          ///< no gradient comes back at all: a detach, a NoGrad, numbers that were read
  not_deterministic,  ///< the function gives other results for the same inputs
  not_finite          ///< a value, a difference or a gradient is NaN or infinite
};

/// What gradcheck() has found.
struct [[nodiscard]] GradcheckResult {
  /// Do all derivatives agree?
  bool passed = true;
  double worst_error = 0;  ///< relative to the size of the gradient; infinite where one is not finite
  /// Why they most likely do not.
  GradcheckCause cause = GradcheckCause::none;
  std::string message;  ///< of a failure: names input and element, both numbers, and the likely reason
};

namespace detail {

using Checked = FunctionRef<std::vector<Tensor>(const std::vector<Tensor>& inputs)>;
GradcheckResult gradcheck(std::string_view called, Checked function, const std::vector<Tensor>& inputs,
                          const std::vector<std::string>& places, const GradcheckOptions& options);
GradcheckResult gradgradcheck(Checked function, const std::vector<Tensor>& inputs,
                              const std::vector<std::string>& places, const GradcheckOptions& options);

/// check(function, inputs, places) of f as a function of lists of tensors.
template <class F, class P, class Check>
GradcheckResult checked(const F& f, const P& at, const Check& check) {
  const auto arguments = arguments_for<F>(at);
  std::vector<Tensor> inputs;
  std::vector<std::string> places;
  std::size_t number = 0;
  const auto add = [&](const auto& structure) {
    for_each_leaf(structure, argument(number++), [&](const auto& leaf, const Place& place) {
      inputs.push_back(leaf_value(leaf));
      places.push_back(place.text());
    });
  };
  std::apply([&](const auto&... each) { (add(each), ...); }, arguments);
  const auto function = [&](const std::vector<Tensor>& tensors) {
    const Tensor* next = tensors.data();
    const auto moved = std::apply(
        [&](const auto&... each) {
          return std::tuple<std::remove_cvref_t<decltype(each)>...>{like(each, next)...};
        },
        arguments);
    std::vector<Tensor> results;
    append_leaves(structure_of(std::apply(f, moved)), results);
    return results;
  };
  return check(function, inputs, places);
}

}  // namespace detail

/// Compares the gradients of f with central differences. Its inputs are one argument, or a std::tuple of the
/// arguments where f takes several: float64 tensors, and structures of them (see transforms.h), also layers.
/// So are its results, of any shape. By default along one random direction in each input, and of a random
/// projection of the results: f runs a few times for each input, and where the numbers differ once for each
/// of its elements, to name the worst one. The error is relative to the size of the gradient of that input,
/// however small or large that is, less what rounding can make of the difference. DTypeError for inputs that
/// are not float64.
template <class F, class P>
GradcheckResult gradcheck(const F& f, const P& inputs, const GradcheckOptions& options = {}) {
  return detail::checked(f, inputs, [&](const auto& function, const auto& tensors, const auto& places) {
    return detail::gradcheck("gradcheck", function, tensors, places, options);
  });
}
/// The same of a function of a list of tensors, as gradcheck(f, {x, y}).
GradcheckResult gradcheck(FunctionRef<Tensor(const std::vector<Tensor>&)> f,
                          const std::vector<Tensor>& inputs, const GradcheckOptions& options = {});

/// Compares the gradients of f's gradients with central differences of these: second derivatives. Of the
/// gradients of a random projection of the results.
template <class F, class P>
GradcheckResult gradgradcheck(const F& f, const P& inputs, const GradcheckOptions& options = {}) {
  return detail::checked(f, inputs, [&](const auto& function, const auto& tensors, const auto& places) {
    return detail::gradgradcheck(function, tensors, places, options);
  });
}
GradcheckResult gradgradcheck(FunctionRef<Tensor(const std::vector<Tensor>&)> f,
                              const std::vector<Tensor>& inputs, const GradcheckOptions& options = {});

}  // namespace chainrule
