// Products of row-major matrices, and which kernel computes them. Relies on gemm.h, small_matmul.h and
// openblas.h; the choice depends on sizes alone, so that results do not vary.

#pragma once

#include "array/array.h"

namespace chainrule::kernels {

/// One product C = scale · op(A) · op(B) of row-major matrices, op being the transpose where told: C is (m,
/// n), the inner size is k. `accumulate` adds to C instead.
struct Product {
  std::int64_t m, n, k;
  bool transpose_a = false, transpose_b = false, accumulate = false;
  double scale = 1;
};
void matmul(const Product& product, const float* a, const float* b, float* c);
void matmul(const Product& product, const double* a, const double* b, double* c);
/// The same plus `row`, which has n elements, added to every row. `accumulate` does not apply.
void matmul_plus_row(const Product& product, const float* a, const float* b, const float* row, float* c);
void matmul_plus_row(const Product& product, const double* a, const double* b, const double* row, double* c);
/// `scale` does not apply.
void matmul(const Product& product, const std::int64_t* a, const std::int64_t* b, std::int64_t* c);

/// Which kernel makes products of floats: the one that fits their sizes, or always the same. It begins as
/// what CHAINRULE_PRODUCTS in the environment says, so that tests can have each on any machine.
enum class ProductKernel : std::uint8_t { fitting, tiles, openblas };
/// Not to be set while a product is being made.
ProductKernel product_kernel();
void set_product_kernel(ProductKernel kernel);

}  // namespace chainrule::kernels
