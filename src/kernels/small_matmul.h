// Products of stacks of tiny matrices, where calling a kernel for each would cost more than the sums.
// matmul.cpp asks is_tiny first.

#pragma once

#include <cstdint>

#include "kernels/matmul.h"

namespace chainrule::kernels {

/// Is a product so small that calling a kernel for each of a batch of them takes longer than computing it?
inline bool is_tiny(const Product& product) {
  constexpr std::int64_t most = 16;
  return product.m <= most && product.n <= most && product.k <= most && product.m * product.n * product.k > 0;
}

/// `count` tiny products, one after another: those of matrices that lie a_step and b_step elements apart (0
/// for one matrix throughout).
template <class T>
void tiny_products(const Product& product, std::int64_t count, const T* a, std::int64_t a_step, const T* b,
                   std::int64_t b_step, T* c);

}  // namespace chainrule::kernels
