// Attention, a block of queries at a time. The weights of one block are all that is ever in memory; relies on
// gemm.h for products and on softmax.h's lines.

#include "kernels/attention.h"

#include <limits>

#include "kernels/gemm.h"
#include "kernels/parallel.h"
#include "kernels/softmax.h"

namespace chainrule::kernels {
namespace {

/// Queries in a block, and multiply-adds that make a further thread worth its start.
constexpr std::int64_t block = 64, products_per_part = 1 << 20;

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
  tiled_gemm(gemm);
}

/// The queries from `first` on, and the keys up to the last that one of them sees.
struct QueryBlock {
  QueryBlock(const Attention& attention, std::int64_t index)
      : first(index * block),
        count(std::min(block, attention.queries - first)),
        keys(attention.causal ? std::min(attention.keys, first + count) : attention.keys) {}
  std::int64_t first, count, keys;
};

/// softmax over the keys of each query in the block.
template <class T>
Array weights(const Attention& attention, std::int64_t batch, const QueryBlock& at, const T* q, const T* k) {
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
  return softmax(scores, 1);
}

template <class Part>
void in_parallel(std::int64_t tasks, std::int64_t products, const Part& part) {
  parallel_for(tasks, std::max<std::int64_t>(1, products_per_part / std::max<std::int64_t>(1, products)),
               part);
}

template <class T>
void forward(const Attention& attention, const T* q, const T* k, const T* v, T* out) {
  const std::int64_t blocks = (attention.queries + block - 1) / block, values = attention.values;
  in_parallel(attention.batches * blocks, block * attention.keys * (attention.width + values),
              [&](std::int64_t task, std::int64_t end) {
                for (; task < end; ++task) {
                  const std::int64_t batch = task / blocks;
                  const QueryBlock at(attention, task % blocks);
                  const Array share = weights(attention, batch, at, q, k);
                  product(at.count, values, at.keys, share.data<T>(), false,
                          v + batch * attention.keys * values, false,
                          out + (batch * attention.queries + at.first) * values, 1, false);
                }
              });
}

template <class T>
void backward(const Attention& attention, const T* q, const T* k, const T* v, const T* g, T* to_q, T* to_k,
              T* to_v) {
  const std::int64_t queries = attention.queries, keys = attention.keys, width = attention.width,
                     values = attention.values, blocks = (queries + block - 1) / block;
  if (to_k != nullptr) std::fill_n(to_k, attention.batches * keys * width, T(0));
  if (to_v != nullptr) std::fill_n(to_v, attention.batches * keys * values, T(0));
  in_parallel(attention.batches, queries * keys * (width + values),
              [&](std::int64_t batch, std::int64_t end) {
                for (; batch < end; ++batch)
                  for (std::int64_t index = 0; index < blocks; ++index) {
                    const QueryBlock at(attention, index);
                    const std::int64_t first = batch * queries + at.first;
                    const Array share = weights(attention, batch, at, q, k);
                    if (to_v != nullptr)
                      product(at.keys, values, at.count, share.data<T>(), true, g + first * values, false,
                              to_v + batch * keys * values, 1, true);
                    if (to_q == nullptr && to_k == nullptr) continue;
                    Array to_share(share.shape(), dtype_of<T>);
                    product(at.count, at.keys, values, g + first * values, false, v + batch * keys * values,
                            true, to_share.mutable_data<T>(), 1, false);
                    const Array to_scores = softmax_gradient(share, to_share, 1);
                    if (to_q != nullptr)
                      product(at.count, width, at.keys, to_scores.data<T>(), false, k + batch * keys * width,
                              false, to_q + first * width, attention.scale, false);
                    if (to_k != nullptr)
                      product(at.keys, width, at.count, to_scores.data<T>(), true, q + first * width, false,
                              to_k + batch * keys * width, attention.scale, true);
                  }
              });
}

}  // namespace

Array attention(const Attention& attention, const Array& q, const Array& k, const Array& v) {
  Array out({attention.batches, attention.queries, attention.values}, q.dtype());
  if (out.size() != 0)
    dispatch_floating(q.dtype(), [&]<class T>() {
      forward(attention, q.data<T>(), k.data<T>(), v.data<T>(), out.mutable_data<T>());
    });
  return out;
}

void attention_gradient(const Attention& attention, const Array& q, const Array& k, const Array& v,
                        const Array& g, Array* to_q, Array* to_k, Array* to_v) {
  dispatch_floating(q.dtype(), [&]<class T>() {
    const auto elements = [](Array* array) { return array != nullptr ? array->mutable_data<T>() : nullptr; };
    backward(attention, q.data<T>(), k.data<T>(), v.data<T>(), g.data<T>(), elements(to_q), elements(to_k),
             elements(to_v));
  });
}

}  // namespace chainrule::kernels
