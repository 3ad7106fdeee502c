// Checks of the parameters of distributions, with errors that say what they must be. Under vmap they are of
// all samples at once: ops/samples.h.

#pragma once

#include <algorithm>
#include <string>

#include "graph/stored.h"
#include "ops/samples.h"

namespace chainrule::ops {

/// Does it hold for every element, of all samples?
template <class F>
bool all_hold(const Tensor& x, const F& holds) {
  const Tensor each_sample = elements_of_all_samples(x);
  return dispatch_stored(x.dtype(), [&]<class T>() {
    const std::span<const T> all = each_sample.data<T>();
    return std::all_of(all.begin(), all.end(), [&](T each) { return holds(convert<double>(each)); });
  });
}

/// ShapeError, "name: what, of shape (3,), must be rule", unless it does.
template <class F>
void require(std::string_view name, std::string_view what, const Tensor& x, const F& holds,
             std::string_view rule) {
  if (!all_hold(x, holds))
    throw ShapeError(std::string(name) + ": " + std::string(what) + ", of shape " + to_string(x.shape()) +
                     ", must be " + std::string(rule));
}

}  // namespace chainrule::ops
