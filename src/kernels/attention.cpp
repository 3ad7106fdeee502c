// Attention, a block of queries at a time. The weights of one block are all that is ever in memory; relies on
// gemm.h for products and on softmax.h's lines.

#include "kernels/attention.h"

#include <limits>

#include "kernels/gemm.h"
#include "kernels/parallel.h"
#include "kernels/softmax.h"

namespace chainrule::kernels {
namespace {

/// Queries in a block. Twice as many share the packing of keys where all they see still fits the near caches.
std::int64_t block_of(const Attention& attention) { return attention.keys <= 256 ? 128 : 64; }

/// c (m, n) = scale · op(a) op(b), or added to what is there.
template <class T>
void product(std::int64_t m, std::int64_t n, std::int64_t k, const T* a, bool transpose_a, const T* b,
             bool transpose_b, T* c, double scale, bool accumulate) {
  if (m == 0 || n == 0) return;
  if (k == 0) {
    if (!accumulate) std::fill_n(c, m * n, T(0));
    return;
  }
  Gemm<T> gemm{m, n, k, a, b, c, transpose_a, transpose_b, transpose_a ? m : k, transpose_b ? k : n, n};
  gemm.scale = static_cast<T>(scale);
  if (accumulate) gemm.start = c, gemm.row_of_start = n;
  // A single row would leave most of a tile empty.
  if (m == 1 && !transpose_a) return transpose_b ? dot_products(gemm) : sums_of_rows(gemm);
  tiled_gemm(gemm);
}

/// The queries from `first` on, and the keys up to the last that one of them sees.
struct QueryBlock {
  QueryBlock(const Attention& attention, std::int64_t index)
      : first(index * block_of(attention)),
        count(std::min(block_of(attention), attention.queries - first)),
        keys(attention.causal ? std::min(attention.keys, first + count) : attention.keys) {}
  std::int64_t first, count, keys;
};

/// softmax over the keys of each query in the block, in rows of at.keys elements.
template <class T>
void weigh(const Attention& attention, std::int64_t batch, const QueryBlock& at, const T* q, const T* k,
           T* weights) {
  Array scores({at.count, at.keys}, dtype_of<T>);
  T* const to = scores.mutable_data<T>();
  product(at.count, at.keys, attention.width, q + (batch * attention.queries + at.first) * attention.width,
          false, k + batch * attention.keys * attention.width, true, to, attention.scale, false);
  constexpr T nothing = -std::numeric_limits<T>::infinity();
  if (!attention.offsets.empty()) {
    const std::int64_t offset = attention.offsets[static_cast<std::size_t>(batch)] + at.first * attention.row;
    const auto apply = [&](const auto* mask, const auto& change) {
      mask += offset;
      for (std::int64_t i = 0; i < at.count; ++i)
        for (std::int64_t j = 0; j < at.keys; ++j)
          change(to[i * at.keys + j], mask[i * attention.row + j * attention.column]);
    };
    if (attention.mask.dtype() == DType::boolean)
      apply(attention.mask.data<bool>(), [&](T& score, bool seen) { score = seen ? score : nothing; });
    else
      apply(attention.mask.data<T>(), [](T& score, T more) { score += more; });
  }
  if (attention.causal)
    for (std::int64_t i = 0; i < at.count; ++i)
      for (std::int64_t j = at.first + i + 1; j < at.keys; ++j) to[i * at.keys + j] = nothing;
  softmax_of_rows(at.count, at.keys, to, weights);
}

/// Where the weights of a block are kept among those of all: one block after another, each without a gap.
template <class T>
T* place(const Attention& attention, std::int64_t batch, const QueryBlock& at, T* kept) {
  return kept + (batch * attention.queries + at.first) * attention.keys;
}

template <class T>
void forward(const Attention& attention, const T* q, const T* k, const T* v, T* kept, T* out) {
  const std::int64_t block = block_of(attention), blocks = (attention.queries + block - 1) / block,
                     values = attention.values;
  parallel_products(attention.batches * blocks, block * attention.keys * (attention.width + values),
                    [&](std::int64_t task, std::int64_t end) {
                      for (; task < end; ++task) {
                        const std::int64_t batch = task / blocks;
                        const QueryBlock at(attention, task % blocks);
                        Array room = kept != nullptr ? Array() : Array({at.count, at.keys}, dtype_of<T>);
                        T* const share =
                            kept != nullptr ? place(attention, batch, at, kept) : room.mutable_data<T>();
                        weigh(attention, batch, at, q, k, share);
                        product(at.count, values, at.keys, share, false, v + batch * attention.keys * values,
                                false, out + (batch * attention.queries + at.first) * values, 1, false);
                      }
                    });
}

template <class T>
void backward(const Attention& attention, const T* q, const T* k, const T* v, const T* known, const T* g,
              T* to_q, T* to_k, T* to_v) {
  const std::int64_t queries = attention.queries, keys = attention.keys, width = attention.width,
                     values = attention.values, block = block_of(attention),
                     blocks = (queries + block - 1) / block;
  // The first block gives all keys a first term, unless it does not see them all.
  const bool add_to_first = attention.causal || queries == 0;
  if (to_k != nullptr && add_to_first) std::fill_n(to_k, attention.batches * keys * width, T(0));
  if (to_v != nullptr && add_to_first) std::fill_n(to_v, attention.batches * keys * values, T(0));
  parallel_products(attention.batches, queries * keys * (width + values),
                    [&](std::int64_t batch, std::int64_t end) {
                      for (; batch < end; ++batch)
                        for (std::int64_t index = 0; index < blocks; ++index) {
                          const QueryBlock at(attention, index);
                          const std::int64_t first = batch * queries + at.first;
                          const bool add = add_to_first || index > 0;
                          Array room = known != nullptr ? Array() : Array({at.count, at.keys}, dtype_of<T>);
                          const T* share = known != nullptr ? place(attention, batch, at, known) : nullptr;
                          if (share == nullptr) {
                            weigh(attention, batch, at, q, k, room.mutable_data<T>());
                            share = room.data<T>();
                          }
                          if (to_v != nullptr)
                            product(at.keys, values, at.count, share, true, g + first * values, false,
                                    to_v + batch * keys * values, 1, add);
                          if (to_q == nullptr && to_k == nullptr) continue;
                          Array through({at.count, at.keys}, dtype_of<T>);
                          T* const to_scores = through.mutable_data<T>();
                          product(at.count, at.keys, values, g + first * values, false,
                                  v + batch * keys * values, true, to_scores, 1, false);
                          softmax_gradient_of_rows(at.count, at.keys, share, to_scores, to_scores);
                          if (to_q != nullptr)
                            product(at.count, width, at.keys, to_scores, false, k + batch * keys * width,
                                    false, to_q + first * width, attention.scale, false);
                          if (to_k != nullptr)
                            product(at.keys, width, at.count, to_scores, true, q + first * width, false,
                                    to_k + batch * keys * width, attention.scale, add);
                        }
                    });
}

}  // namespace

Array attention(const Attention& attention, const Array& q, const Array& k, const Array& v, Array* kept) {
  Array out({attention.batches, attention.queries, attention.values}, q.dtype());
  if (kept != nullptr) *kept = Array({attention.batches, attention.queries, attention.keys}, q.dtype());
  if (out.size() != 0)
    dispatch_floating(q.dtype(), [&]<class T>() {
      forward(attention, q.data<T>(), k.data<T>(), v.data<T>(),
              kept != nullptr ? kept->mutable_data<T>() : nullptr, out.mutable_data<T>());
    });
  return out;
}

void attention_gradient(const Attention& attention, const Array& q, const Array& k, const Array& v,
                        const Array* known, const Array& g, Array* to_q, Array* to_k, Array* to_v) {
  dispatch_floating(q.dtype(), [&]<class T>() {
    const auto elements = [](Array* array) { return array != nullptr ? array->mutable_data<T>() : nullptr; };
    backward(attention, q.data<T>(), k.data<T>(), v.data<T>(), known != nullptr ? known->data<T>() : nullptr,
             g.data<T>(), elements(to_q), elements(to_k), elements(to_v));
  });
}

}  // namespace chainrule::kernels
