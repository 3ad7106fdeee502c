/// \file
/// vmap: a function of one sample as one of many, as in JAX and torch.func. A run puts tensors with one more
/// axis in place of the arguments; relies on detail/levels.h for that, and on each operation's rule for
/// batches.

#pragma once

#include "chainrule/detail/levels.h"

namespace CHAINRULE_API chainrule {

/// For in_axes and out_axes: the argument is the same for all samples, so is the result.
inline constexpr std::nullopt_t no_axis = std::nullopt;

/// Which axes are the batch, and how random numbers are drawn.
struct VmapOptions {
  /// Along which axis of its tensors each argument has the samples, or no_axis: one for each argument, or one
  /// for all of them. A C++ number among the arguments is the same for all samples.
  std::vector<std::optional<std::int64_t>> in_axes = {0};
  /// The axis of each tensor of the result, in order, or one for all of them.
  std::vector<std::optional<std::int64_t>> out_axes = {0};
  /// So many samples at once, so that memory is bounded; 0 is all of them.
  std::int64_t chunk_size = 0;
  /// Whether random operations inside give each sample its own numbers, or all the same.
  Randomness randomness = Randomness::error;
};

namespace detail {

/// Is this a structure whose tensors may have samples?
template <class A>
inline constexpr bool has_samples = Structure<A> && !Number<A>;

/// use(argument, number, axis) for each that has samples.
template <class Use, class... A>
void for_each_with_samples(const VmapOptions& options, const Use& use, const A&... arguments) {
  std::size_t number = 0;
  const auto each = [&]<class T>(const T& one) {
    const std::size_t i = number++;
    if constexpr (has_samples<T>)
      if (const SampleAxis axis = axis_for("vmap", "argument", options.in_axes, i, sizeof...(A)))
        use(one, argument(i), *axis);
  };
  (each(arguments), ...);
}

/// f on some of the samples.
template <class F, class... A>
auto mapped_part(const F& f, const VmapOptions& options, BatchedRun& run, const A&... arguments) {
  std::size_t number = 0;
  const auto inside = [&]<class T>(const T& one) -> decltype(auto) {
    const std::size_t i = number++;
    if constexpr (has_samples<T>) {
      const SampleAxis axis = axis_for("vmap", "argument", options.in_axes, i, sizeof...(A));
      return changed(Structured<T>(structure_of(one)), argument(i),
                     [&](const Tensor& each, const Place&) { return axis ? run.input(each, *axis) : each; });
    } else {
      return (one);
    }
  };
  // Braces, so that the arguments are numbered in their order.
  const std::tuple<decltype(inside(arguments))...> all{inside(arguments)...};
  const auto result = structure_of(std::apply(f, all));
  require_structure<std::remove_const_t<decltype(result)>>();
  std::size_t count = 0, position = 0;
  for_each_leaf(result, {}, [&](const auto&, const Place&) { ++count; });
  return changed(result, the_result, [&](const Tensor& each, const Place& place) {
    return run.output(each, axis_for("vmap", "result", options.out_axes, position++, count), place);
  });
}

template <class F, class... A>
auto mapped(const F& f, const VmapOptions& options, const A&... arguments) {
  Samples samples("vmap");
  for_each_with_samples(
      options,
      [&](const auto& structure, const Place& root, std::int64_t axis) {
        for_each_leaf(structure, root, [&](const auto& leaf, const Place& place) {
          samples.add(leaf_value(leaf), axis, place);
        });
      },
      arguments...);
  const std::int64_t count = samples.count(), chunk = checked_chunk("vmap", options.chunk_size);
  const auto part = [&](std::int64_t first, std::int64_t last) {
    BatchedRun run("vmap", first, last, count, options.randomness);
    return mapped_part(f, options, run, arguments...);
  };
  std::vector<std::remove_const_t<decltype(part(0, 0))>> parts;
  std::int64_t first = 0;
  do {
    const std::int64_t last = chunk == 0 || chunk > count - first ? count : first + chunk;
    parts.push_back(part(first, last));
    first = last;
  } while (first < count);
  std::vector<std::vector<Tensor>> leaves(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) append_leaves(parts[i], leaves[i]);
  std::size_t position = 0;
  return changed(parts.front(), the_result, [&](const Tensor&, const Place& place) {
    std::vector<Tensor> pieces;
    pieces.reserve(leaves.size());
    for (const auto& each : leaves) pieces.push_back(each[position]);
    const SampleAxis axis = axis_for("vmap", "result", options.out_axes, position++, leaves.front().size());
    return joined("vmap", pieces, axis, place);
  });
}

}  // namespace detail

/// The function that applies f to each sample: vmap(f)(x)[i] is f(x[i]), but f runs once, and its operations
/// work on all samples together, by a batching rule of each (`chainrule ops` marks those few that go from
/// sample to sample). f takes and gives tensors and structures of them (see transforms.h), and whatever else
/// is the same for all samples. A result that does not depend on a sample is repeated; tensors that f has
/// captured are the same for all.
///
/// It nests with itself, and with grad, jvp, jacobian and the others in any order: vmap(grad(loss),
/// {.in_axes = {no_axis, 0, 0}}) gives the gradient of each sample, and grad of a vmap is that of a program
/// with the axis written out. Inside, shapes are those of one sample. Elements cannot be read: item(),
/// if (tensor) and printing are GradErrors that name where(condition, a, b), and so are operations whose
/// result has a shape that depends on elements. backward() inside is an error, too, if it reaches a variable
/// from outside.
///
/// ShapeError for arguments of different numbers of samples (naming both), an axis that is not there, or
/// axes that do not fit the arguments. GradError where a random operation meets Randomness::error.
template <class F>
auto vmap(F f, VmapOptions options = {}) {
  return [ f = std::move(f), options = std::move(options) ]<class... A>(
      const A&... arguments) requires std::is_invocable_v<const F&, const A&...> {
    static_assert(sizeof...(A) > 0, "vmap needs an argument that has samples");
    return detail::mapped(f, options, arguments...);
  };
}
template <class F, class X, class... More>
requires detail::Structure<detail::Structured<X>>
void vmap(F, X, More...) = delete;  // it gives a function: vmap(f)(x)

}  // namespace chainrule
