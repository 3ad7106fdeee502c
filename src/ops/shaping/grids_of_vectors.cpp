// What is made of vectors and positions: grids, combinations, powers, and the places of triangles.
// Compositions of taking elements and of broadcasting.

#include <algorithm>
#include <optional>

#include "array/axes.h"
#include "chainrule/indexing.h"
#include "chainrule/shaping.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

Entries grid_of_vector_operations() {
  static constexpr Entry table[] = {
      {.name = "vander",
       .parameters = "x, columns|n|N=None, increasing=False",
       .call = call<vander>,
       .formula = "∂xᵏ/∂x = k xᵏ⁻¹",
       .example = "vander([1, 2, 3])",
       .note = "falling powers, unless increasing"},
      {.name = "tril_indices",
       .parameters = "rows|row|n, columns|col|m, offset|k=0",
       .call = [](Arguments& a) -> Result {
         return tril_indices(a.shape(0).size(), a.shape(1).size(), a.integer(2));
       },
       .formula = "no gradient",
       .example = "tril_indices(2, 3)",
       .note = "(2, count), as in PyTorch",
       .differentiable = false,
       .weak = false},
      {.name = "triu_indices",
       .parameters = "rows|row|n, columns|col|m, offset|k=0",
       .call = [](Arguments& a) -> Result {
         return triu_indices(a.shape(0).size(), a.shape(1).size(), a.integer(2));
       },
       .formula = "no gradient",
       .example = "triu_indices(2, 3)",
       .note = "(2, count), as in PyTorch",
       .differentiable = false,
       .weak = false},
      {.name = "cartesian_prod",
       .parameters = "*tensors",
       .call = [](Arguments& a) -> Result { return cartesian_prod(a.tensors(0)); },
       .formula = "as meshgrid",
       .example = "cartesian_prod([1, 2], [3, 4])",
       .weak = false},
      {.name = "meshgrid",
       .parameters = "*tensors, indexing='ij'",
       .call = [](Arguments& a) -> Result {
         const bool xy = a.choice(1, {"ij", "xy"}) == 1;
         return meshgrid(std::span<const Tensor>(a.tensors(0)), xy);
       },
       .formula = "the gradient summed over the other axes",
       .example = "meshgrid([1, 2], [3, 4, 5])",
       .note = "'ij' unless told, as in PyTorch; 'xy' is NumPy's default"},
      {.name = "combinations",
       .parameters = "x|input, r=2, with_replacement=False",
       .call = [](Arguments& a) -> Result { return combinations(a[0], a.integer(1), a.flag(2)); },
       .formula = "to each element the sum of the gradients where it stands",
       .example = "combinations([1, 2, 3])"},
  };
  return table;
}

}  // namespace ops

std::vector<Tensor> meshgrid(std::span<const Tensor> tensors, Flag xy, Here here) try {
  std::vector<std::int64_t> sizes;
  std::vector<std::size_t> axes;
  for (const Tensor& tensor : tensors) {
    if (tensor.rank() > 1)
      throw ShapeError("meshgrid: shape " + to_string(tensor.shape()) + " is no vector; give one axis each");
    axes.push_back(axes.size());
    sizes.push_back(tensor.size());
  }
  if (xy && axes.size() >= 2) {
    std::swap(axes[0], axes[1]);
    std::swap(sizes[0], sizes[1]);
  }
  std::vector<Tensor> grids;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    Shape one = Shape::filled(axes.size(), 1);
    one[axes[i]] = tensors[i].size();
    grids.push_back(broadcast_to({reshape({tensors[i], here}, one), here}, Shape(sizes)));
  }
  return grids;
} catch (...) {
  std::vector<const Tensor*> pointers;
  for (const Tensor& tensor : tensors) pointers.push_back(&tensor);
  rethrow_in_call("meshgrid", here, pointers);
}

namespace ops {

/// Columns of the positions where a triangle of ones is.
static Tensor places_in(const char* name, Tensor (*part)(const Operand&, Integer), std::int64_t rows,
                        std::int64_t columns, std::int64_t offset, Here here) try {
  return transpose(nonzero(part(ones({rows, columns}, DType::boolean), offset)));
} catch (...) {
  rethrow_in_call(name, here, {});
}

}  // namespace ops

Tensor tril_indices(Integer rows, Integer columns, Integer offset, Here here) {
  return ops::places_in("tril_indices", tril, rows, columns, offset, here);
}
Tensor triu_indices(Integer rows, Integer columns, Integer offset, Here here) {
  return ops::places_in("triu_indices", triu, rows, columns, offset, here);
}

Tensor vander(const Operand& x, OptionalInteger columns, Flag increasing) try {
  const Tensor in = x.as_tensor();
  if (in.rank() == 0)
    throw ShapeError("vander: a scalar, of shape (), has no powers of a vector; give it at least one axis");
  const std::int64_t n = columns.value_or(in.shape().back());
  if (n < 0) throw ShapeError("vander: the number of columns must not be negative; leave it out");
  const Tensor powers = increasing ? arange(n) : arange(n - 1, -1, -1);
  return pow(unsqueeze(x, -1), cast(powers, in.dtype()));
} catch (...) {
  rethrow_in_call("vander", x);
}

Tensor cartesian_prod(std::span<const Tensor> tensors, Here here) try {
  if (tensors.size() == 1) return meshgrid(tensors, false, here)[0];
  std::vector<Tensor> columns = meshgrid(tensors, false, here);
  for (Tensor& column : columns) column = reshape({column, here}, {-1});
  return stack(columns, -1, here);
} catch (...) {
  rethrow_in_call("cartesian_prod", here, std::vector<const Tensor*>());
}

namespace ops {

/// n! / (r! (n - r)!), 0 for r > n; none where it is beyond 64 bits.
static std::optional<std::int64_t> binomial_coefficient(std::int64_t n, std::int64_t r) {
  if (r > n) return 0;
  std::int64_t count = 1;
  for (std::int64_t i = 0; i < std::min(r, n - r); ++i) {
    if (__builtin_mul_overflow(count, n - i, &count)) return std::nullopt;
    count /= i + 1;
  }
  return count;
}

}  // namespace ops

/// From one choice to the next the last place that can still grow does, and those after it begin behind it.
Tensor combinations(const Operand& x, Integer r, Flag with_replacement) try {
  const Tensor in = x.as_tensor();
  const std::int64_t n = in.size(), size = r, apart = with_replacement ? 0 : 1;
  if (in.rank() != 1 || size < 0)
    throw ShapeError("combinations: " + std::to_string(size) + " at a time of shape " +
                     to_string(in.shape()) + "; give a vector, and 0 or more");
  (void)bytes_of({n, size}, DType::int64);
  const auto count = ops::binomial_coefficient(with_replacement && size > 0 ? n + size - 1 : n, size);
  if (!count)
    throw ShapeError("combinations: those of " + std::to_string(size) + " of shape " + to_string(in.shape()) +
                     " are too many; choose fewer at a time");
  Array list = new_array("combinations", {*count, size}, DType::int64);
  auto* to = list.mutable_data<std::int64_t>();
  std::vector<std::int64_t> choice(static_cast<std::size_t>(*count == 0 ? 0 : size), 0);
  for (std::size_t i = 0; i < choice.size(); ++i) choice[i] = apart * static_cast<std::int64_t>(i);
  const auto most = [&](std::size_t i) { return n - 1 - apart * (size - 1 - static_cast<std::int64_t>(i)); };
  for (std::int64_t left = *count; left > 0; --left) {
    to = std::copy(choice.begin(), choice.end(), to);
    std::size_t i = choice.size();
    while (i > 0 && choice[i - 1] == most(i - 1)) --i;
    if (i == 0) continue;  // that was the last one
    ++choice[i - 1];
    for (; i < choice.size(); ++i) choice[i] = choice[i - 1] + apart;
  }
  return take(x, constant(std::move(list)));
} catch (...) {
  rethrow_in_call("combinations", x);
}

}  // namespace chainrule
