/// \file
/// The border to xtensor: its expressions as tensors, and tensors as its views, without a copy where that is
/// possible. Only programs that include this need xtensor.

#pragma once

#include "chainrule/detail/api.h"
#include "chainrule/tensor.h"

// xtensor moved its headers in 0.26; this is the one place that includes them.
#if __has_include(<xtensor/containers/xarray.hpp>)
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xarray.hpp>
#elif __has_include(<xtensor/xarray.hpp>)
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#else
#error \
    "chainrule/xtensor.h needs xtensor (Debian: libxtensor-dev): find_package(chainrule COMPONENTS xtensor)"
#endif

namespace CHAINRULE_API chainrule {

namespace detail {
template <class T>
struct FromXtensor {
  using type = ElementFor<T>;
};
template <Element T>
struct FromXtensor<T> {
  using type = T;
};
}  // namespace detail

/// The elements of any xtensor expression, evaluated, as a constant. They keep their type where it is one of
/// a tensor; other numbers become float64 or int64.
template <class E>
Tensor from_xtensor(const xt::xexpression<E>& expression) {
  using T = typename detail::FromXtensor<std::remove_cv_t<typename E::value_type>>::type;
  const E& from = expression.derived_cast();
  std::vector<std::int64_t> sizes(from.shape().begin(), from.shape().end());
  const xt::xarray<T, xt::layout_type::row_major> values = xt::cast<T>(from);
  return from_memory(values.data(), dtype_of<T>, Shape(sizes));
}

/// The value of a tensor as an xtensor expression, without a copy. It keeps no handle: the tensor must
/// outlive it. DTypeError when T is not the stored type.
template <Element T>
auto as_xtensor(const Tensor& tensor) {
  const std::span<const T> elements = tensor.data<T>();
  const auto sizes = tensor.shape().sizes();
  return xt::adapt(elements.data(), elements.size(), xt::no_ownership(),
                   std::vector<std::size_t>(sizes.begin(), sizes.end()));
}
template <Element T>
auto as_xtensor(Tensor&&) = delete;  // the view would outlive the value

}  // namespace chainrule
