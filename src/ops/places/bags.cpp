// Bags of embeddings: rows taken and combined at once.
// A bag is a line of a table of places, filled up with -1, which reads nothing.

#include <algorithm>
#include <limits>

#include "chainrule/shaping.h"
#include "ops/batching.h"
#include "ops/elementwise.h"
#include "ops/places/places.h"
#include "ops/places/weighted_rows.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

/// The numbers of the positions of each bag, a line for each, filled up with -1.
Tensor numbers_of_bags(const Tensor& given, std::int64_t count) {
  if (given.rank() != 1 || !is_integer(given.dtype()))
    throw ShapeError("embedding_bag: offsets " + to_string(given.shape()) + " of dtype " +
                     std::string(to_string(given.dtype())) +
                     "; give a vector of whole numbers, one for each bag");
  std::vector<std::int64_t> starts = cast(given, DType::int64).to_vector<std::int64_t>();
  const auto bags = static_cast<std::int64_t>(starts.size());
  starts.push_back(count);
  if (bags > 0 && (starts[0] != 0 || !std::is_sorted(starts.begin(), starts.end())))
    throw ShapeError("embedding_bag: offsets of " + std::to_string(count) +
                     " positions must begin with 0, never go back, and not exceed their number");
  std::int64_t longest = 0;
  for (std::size_t bag = 0; bag + 1 < starts.size(); ++bag)
    longest = std::max(longest, starts[bag + 1] - starts[bag]);
  Array table({bags, longest}, DType::int64);
  auto* number = table.mutable_data<std::int64_t>();
  for (std::size_t bag = 0; bag + 1 < starts.size(); ++bag)
    for (std::int64_t i = 0; i < longest; ++i)
      *number++ = starts[bag] + i < starts[bag + 1] ? starts[bag] + i : -1;
  return constant(table);
}

/// Of places (bags, longest).
Tensor combined(const Tensor& table, const Tensor& places, const Tensor& weights, BagMode mode, Here here) {
  const DType dtype = table.dtype();
  const Tensor counts = reshape(cast(sum(places >= 0, 1), dtype), {-1, 1});
  if (mode != BagMode::max || places.shape()[1] == 0) {
    const Tensor all = weights.is_empty() ? ones(places.shape(), dtype) : weights;
    const Tensor sums = weighted_rows(table, all, places, here);
    return mode == BagMode::mean ? div({sums, here}, maximum(counts, 1)) : sums;
  }
  const Tensor rows = embedding(table, maximum(places, 0));
  const Tensor counted =
      where(reshape(places, {places.shape()[0], -1, 1}) < 0, -std::numeric_limits<double>::infinity(), rows);
  return where({counts > 0, here}, max_with_places(counted, 1).values, 0);
}

}  // namespace

Entries bag_operations() {
  static constexpr Entry table[] = {
      {.name = "embedding_bag",
       .parameters =
           "weight|input, positions|indices, offsets=None, mode='mean', weights|per_sample_weights=None, "
           "padding|padding_idx=None, include_last_offset=False",
       .call = [](Arguments& a) -> Result {
         const bool is_swapped = is_integer(a.tensor(0).dtype()) && is_floating(a.tensor(1).dtype());
         EmbeddingBagOptions options = {.mode = static_cast<BagMode>(a.choice(3, {"sum", "mean", "max"}))};
         if (a.given(4)) options.weights = a.tensor(4);
         if (a.given(5)) options.padding = a.integer(5);
         const Operand weight = a[is_swapped ? 1 : 0];
         const Tensor positions = a.places(is_swapped ? 0 : 1);
         if (a.given(2)) options.offsets = a.places(2);
         if (a.flag(6) && options.offsets.size() > 0)  // where all ends
           options.offsets = narrow(options.offsets, 0, 0, options.offsets.size() - 1);
         return embedding_bag(weight, positions, options);
       },
       .formula = "to each row of a bag the gradient by its weight; of max to the largest",
       .example = "embedding_bag([[1, 2], [3, 4]], [[0, 1], [1, 1]])",
       .note = "also positions of int64 before weights, as in PyTorch"},
  };
  return table;
}

}  // namespace ops

Tensor embedding_bag(const Operand& weight, const Operand& positions,
                     const EmbeddingBagOptions& options) try {
  const DType dtype = ops::real_dtype(ops::dtype_of(weight)), computed = computed_in(dtype);
  const Tensor table = weight.as(computed), given = positions.as_tensor();
  if (table.rank() != 2 || given.rank() != (options.offsets.is_empty() ? 2 : 1))
    throw ShapeError("embedding_bag: weight " + to_string(table.shape()) + " and positions " +
                     to_string(given.shape()) + (options.offsets.is_empty() ? "" : " with offsets") +
                     "; they must be (n, C), and (bags, count) or with offsets (count,)");
  const bool is_weighted = !options.weights.is_empty();
  if (is_weighted && (options.mode != BagMode::sum || options.weights.shape() != given.shape()))
    throw ShapeError("embedding_bag: weights " + to_string(options.weights.shape()) + " for positions " +
                     to_string(given.shape()) + "; they must have the same shape, and the mode be sum");
  Tensor places = ops::counted_positions("embedding_bag", positions, table.shape(), 0, false), weights;
  if (is_weighted) weights = cast(options.weights, computed);
  if (options.padding)
    places = where(places == ops::padding_row("embedding_bag", *options.padding, table.shape()), -1, places);
  if (!options.offsets.is_empty()) {
    const Tensor numbers = ops::numbers_of_bags(options.offsets, given.shape()[0]);
    const auto in_bags = [&](const Tensor& each, double otherwise) {
      return each.size() == 0 ? full(numbers.shape(), otherwise, each.dtype())
                              : where(numbers < 0, otherwise, take(each, maximum(numbers, 0)));
    };
    places = cast(in_bags(places, -1), DType::int64);
    if (is_weighted) weights = in_bags(weights, 0);
  }
  return Operand(ops::combined(table, places, weights, options.mode, weight.here())).as(dtype);
} catch (...) {
  rethrow_in_call("embedding_bag", weight, positions);
}

}  // namespace chainrule
