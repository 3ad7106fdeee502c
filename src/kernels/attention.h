// Attention without the matrix of all weights: a block of queries at a time sees all keys, so that memory
// grows with the length of the sequences, not with its square.

#pragma once

#include <vector>

#include "array/array.h"

namespace chainrule::kernels {

/// Of `batches` with q (queries, width), k (keys, width) and v (keys, values) each.
struct Attention {
  std::int64_t batches, queries, keys, width, values;
  double scale;
  bool causal;  ///< query i sees the keys up to i
  /// Which keys a query sees (bool), or what is added to its scores. For batch b the one of query i and key j
  /// is at offsets[b] + i * row + j * column. No offsets: there is none.
  Array mask = {};
  std::vector<std::int64_t> offsets = {};
  std::int64_t row = 0, column = 0;
};

/// softmax(scale · q kᵀ + mask) v, zeros where nothing is seen: (batches, queries, values). All weights are
/// left in `kept`, unless it is null: (batches, queries, keys), of which those of later keys than all queries
/// of a block see may be anything.
Array attention(const Attention& attention, const Array& q, const Array& k, const Array& v, Array* kept);

/// What comes for q, k and v from g above; those that are null are not wanted. `known` are the weights that
/// were kept; without any they are computed once more.
void attention_gradient(const Attention& attention, const Array& q, const Array& k, const Array& v,
                        const Array* known, const Array& g, Array* to_q, Array* to_k, Array* to_v);

}  // namespace chainrule::kernels
