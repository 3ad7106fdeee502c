// What operations on spatial axes share: the rules for what is given per axis, and samples without a batch.
// Relies on kernels/windows.h.

#pragma once

#include <string>

#include "chainrule/networks.h"
#include "kernels/windows.h"
#include "ops/elementwise.h"
#include "ops/registry.h"

namespace chainrule::ops {

/// A size, stride or dilation is below this, so that sums of products of two of them can be counted.
constexpr std::int64_t largest_step = std::int64_t{1} << 30;

/// Number `axis` of what is given per axis, at least `least`. ShapeError, also for another count than `rank`.
inline std::int64_t per_axis(const std::string& operation, const char* what, const PerAxis& given,
                             std::size_t axis, std::size_t rank, std::int64_t least) {
  if (given.rank() != 1 && given.rank() != rank)
    throw ShapeError(operation + ": " + what + " " + to_string(given) + " for " + std::to_string(rank) +
                     " spatial axes; give one number, or one for each axis");
  const std::int64_t number = given[given.rank() == 1 ? 0 : axis];
  if (number < least || number >= largest_step)
    throw ShapeError(operation + ": " + what + " " + to_string(given) + " has a number " +
                     (number < least ? "below " + std::to_string(least) : "of 2³⁰ or more") +
                     "; it must be at least " + std::to_string(least) + " and below 2³⁰");
  return number;
}

/// As "(N, C, H, W)", for messages.
inline std::string layout(const char* first, const char* second, std::size_t spatial) {
  constexpr const char* names[] = {"D", "H", "W"};
  std::string text = std::string("(") + first + ", " + second;
  for (std::size_t i = 3 - spatial; i < 3; ++i) text += std::string(", ") + names[i];
  return text + ")";
}

/// What takes (N, C, spatial...) for a sample (C, spatial...) as well: calls f with a batch, of one if need
/// be. ShapeError for another rank.
template <class F>
Tensor in_batch(const std::string& operation, const Tensor& x, std::size_t spatial, const F& f) {
  if (x.rank() == spatial + 2) return f(x);
  if (x.rank() != spatial + 1)
    throw ShapeError(operation + ": x has shape " + to_string(x.shape()) + "; it must be " +
                     layout("N", "C", spatial) + ", or that without N");
  std::vector<std::int64_t> sizes(x.shape().begin(), x.shape().end());
  sizes.insert(sizes.begin(), 1);
  const Tensor result = f(reshape(x, Shape(sizes)));
  const Shape& shape = result.shape();
  return reshape(result, Shape(shape.sizes().subspan(1)));
}

/// x as (planes, three spatial axes): the sizes of its last `spatial` axes, after 1 where there are fewer.
inline std::array<std::int64_t, 3> spatial_sizes(const Shape& shape, std::size_t spatial) {
  std::array<std::int64_t, 3> sizes = {1, 1, 1};
  for (std::size_t i = 0; i < spatial; ++i) sizes[3 - spatial + i] = shape[shape.rank() - spatial + i];
  return sizes;
}

/// Argument i, given per axis. Refused where numbers so large along `spatial` axes make more elements than
/// the caller wants.
inline PerAxis per_axis_argument(Arguments& a, std::size_t i, std::size_t spatial,
                                 const std::vector<std::int64_t>& numbers) {
  double product = 1;
  for (std::size_t axis = 0; axis < spatial && !numbers.empty(); ++axis)
    product *= std::max(1.0, static_cast<double>(numbers[std::min(axis, numbers.size() - 1)]));
  if (product > static_cast<double>(a.most_elements())) a.fail(i, "smaller, to fit into memory");
  return PerAxis(numbers);
}
inline PerAxis per_axis_argument(Arguments& a, std::size_t i, std::size_t spatial) {
  return per_axis_argument(a, i, spatial, a.integers(i));
}

}  // namespace chainrule::ops
