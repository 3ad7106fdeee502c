/// \file
/// Words as vectors, and where they are. The table is a parameter of which take_rows reads those that are
/// asked for; positions are computed once.

#pragma once

#include <optional>

#include "chainrule/detail/structure.h"
#include "chainrule/nn/parameter.h"
#include "chainrule/random.h"

namespace CHAINRULE_API chainrule {

/// A table with a vector for each of so many words: from positions, int64 of any shape, to (positions...,
/// features).
class Embedding {
 public:
  /// Standard normal weight (count, features), with zeros in the row `padding`, if there is one: that row is
  /// not learned. ShapeError for sizes that are not positive, or a row that is not there.
  Embedding(Integer count, Integer features, Generator& generator, std::optional<std::int64_t> padding = {},
            DType dtype = default_dtype());

  /// The rows at these positions.
  Tensor operator()(const Operand& positions) const;

  /// (count, features).
  Parameter weight;
  std::optional<std::int64_t> padding;  ///< the row that is not learned
  CHAINRULE_MEMBERS(weight)
};

/// Row t has sin(t / 10000^(2i / features)) in column 2i and the cosine of that in column 2i + 1: (length,
/// features). ShapeError for sizes below 0.
/// Source: Vaswani and others, "Attention is all you need", 2017, section 3.5.
Tensor sinusoidal_encoding(Integer length, Integer features, DType dtype = default_dtype());

/// x plus the sinusoidal_encoding of its positions: x (L, N, E), or (N, L, E) where batch_first, or (L, E).
struct PositionalEncoding {
  bool batch_first = false;  ///< is the batch the first axis, and not the second?
  /// x with its positions.
  Tensor operator()(const Operand& x) const;
  CHAINRULE_MEMBERS()
};

}  // namespace chainrule
