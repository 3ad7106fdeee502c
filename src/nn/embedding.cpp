// Tables of vectors for words, and for positions.
// Rows are read by take_rows, whose gradient touches only those.

#include "chainrule/nn/embedding.h"

#include <cmath>

#include "chainrule/autograd.h"
#include "chainrule/indexing.h"
#include "chainrule/ops.h"
#include "nn/layer.h"

namespace chainrule {
namespace {

Tensor initial_table(std::int64_t count, std::int64_t features, Generator& generator,
                     std::optional<std::int64_t> padding, DType dtype) {
  nn::require_positive("Embedding", {{"count", count}, {"features", features}});
  Tensor table = randn({count, features}, generator, dtype);
  if (!padding) return table;
  if (*padding < -count || *padding >= count)
    throw ShapeError("Embedding: no row " + std::to_string(*padding) + " for the padding among " +
                     std::to_string(count) + "; rows are from 0, or from the end by negative numbers");
  return slice_update(table, {*padding}, zeros({features}, dtype));
}

}  // namespace

Embedding::Embedding(Integer count, Integer features, Generator& generator, std::optional<std::int64_t> row,
                     DType dtype)
    : weight(initial_table(count, features, generator, row, dtype), "embedding.weight"), padding(row) {}

Tensor Embedding::operator()(const Operand& positions) const {
  const Scope scope(nn::scope_of(weight));
  return embedding(weight, positions, padding);
}

Tensor sinusoidal_encoding(Integer length, Integer features, DType dtype) {
  if (length < 0 || features < 0)
    throw ShapeError("sinusoidal_encoding: a length of " + std::to_string(length) + " and " +
                     std::to_string(features) + " features; neither may be negative");
  std::vector<double> numbers;
  numbers.reserve(static_cast<std::size_t>(Shape{length, features}.size()));
  for (std::int64_t t = 0; t < length; ++t)
    for (std::int64_t column = 0; column < features; ++column) {
      const std::int64_t even = column - column % 2;
      const double angle =
          static_cast<double>(t) / std::pow(1e4, static_cast<double>(even) / static_cast<double>(features));
      numbers.push_back(column == even ? std::sin(angle) : std::cos(angle));
    }
  return cast(tensor(numbers, {length, features}), dtype);
}

Tensor PositionalEncoding::operator()(const Operand& x) const {
  const Shape shape = x.as_tensor().shape();
  if (shape.rank() != 2 && shape.rank() != 3)
    throw ShapeError("PositionalEncoding: x " + to_string(shape) +
                     " is no sequence; it takes (L, N, E), or (N, L, E) where batch_first, or (L, E)");
  const bool second = shape.rank() == 3 && batch_first;
  const std::int64_t length = shape[second ? 1 : 0], features = shape.back();
  const Tensor table = sinusoidal_encoding(length, features, x.dtype());
  return x + (shape.rank() == 2 || second ? table : table.reshape({length, 1, features}));
}

}  // namespace chainrule
