// Sixteen floats at a time, in the compiler's vector extensions, for the hand-written loops.
// Products of matrices are OpenBLAS's.

#pragma once

#include <cblas.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

namespace bench {

typedef float Vec __attribute__((vector_size(64)));
typedef std::int32_t IntVec __attribute__((vector_size(64)));
constexpr std::int64_t lanes = 16;

inline Vec load(const float* from) {
  Vec v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
inline void store(float* to, Vec v) { std::memcpy(to, &v, sizeof v); }
/// The first `count` < 16 elements; the others are `rest`.
inline Vec load(const float* from, std::int64_t count, float rest) {
  Vec v = Vec{} + rest;
  std::memcpy(&v, from, static_cast<std::size_t>(count) * sizeof(float));
  return v;
}
inline void store(float* to, Vec v, std::int64_t count) {
  std::memcpy(to, &v, static_cast<std::size_t>(count) * sizeof(float));
}
inline Vec maximum(Vec a, Vec b) { return a > b ? a : b; }
inline float sum(Vec v) {
  float total[lanes];
  store(total, v);
  for (std::int64_t width = lanes / 2; width > 0; width /= 2)
    for (std::int64_t i = 0; i < width; ++i) total[i] += total[i + width];
  return total[0];
}
inline float maximum(Vec v) {
  float largest[lanes];
  store(largest, v);
  for (std::int64_t width = lanes / 2; width > 0; width /= 2)
    for (std::int64_t i = 0; i < width; ++i)
      largest[i] = largest[i] > largest[i + width] ? largest[i] : largest[i + width];
  return largest[0];
}

/// Source: Cephes, expf.c.
inline Vec exp(Vec x) {
  x = x < 88.0F ? x : Vec{} + 88.0F;
  x = x > -87.0F ? x : Vec{} - 87.0F;
  const Vec n = (x * 1.44269504F + 12582912.0F) - 12582912.0F;  // rounds to an integer
  const Vec r = x - n * 0.693359375F + n * 2.12194440e-4F;
  Vec p = r * 1.9875691500e-4F + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  const IntVec power = (__builtin_convertvector(n, IntVec) + 127) << 23;
  Vec scale;
  std::memcpy(&scale, &power, sizeof scale);
  return p * scale;
}
/// Source: Cephes, tanhf.c.
inline Vec tanh(Vec x) {
  const Vec z = x * x;
  Vec p = z * -5.70498872745e-3F + 2.06390887954e-2F;
  p = p * z - 5.37397155531e-2F;
  p = p * z + 1.33314422036e-1F;
  p = p * z - 3.33332819422e-1F;
  const Vec near = p * z * x + x, far = 1.0F - 2.0F / (exp(2.0F * x) + 1.0F);
  const Vec size = x < 0.0F ? -x : x;
  return size < 0.625F ? near : far;
}
inline Vec sigmoid(Vec x) { return 1.0F / (1.0F + exp(-x)); }

namespace floor {

using Floats = std::vector<float>;

/// Loops shorter than this stay in one thread.
constexpr std::int64_t parallel_from = 1 << 15;

inline void sgemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
                  float alpha, const float* a, std::int64_t row_a, const float* b, std::int64_t row_b,
                  float beta, float* c) {
  const auto as_int = [](std::int64_t i) { return static_cast<int>(i); };
  cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans,
              as_int(m), as_int(n), as_int(k), alpha, a, as_int(row_a), b, as_int(row_b), beta, c, as_int(n));
}

/// Σ of n numbers, in vectors, summed up in double every so often.
inline double sum(const float* x, std::int64_t n) {
  constexpr std::int64_t block = 4096;
  double total = 0;
#pragma omp parallel for reduction(+ : total) schedule(static) if (n > parallel_from)
  for (std::int64_t begin = 0; begin < n; begin += block) {
    const std::int64_t end = std::min(begin + block, n);
    std::array<Vec, 4> sums = {};
    std::int64_t i = begin;
    for (; i + 4 * lanes <= end; i += 4 * lanes)
      for (int k = 0; k < 4; ++k) sums[k] += load(x + i + k * lanes);
    double rest = 0;
    for (; i < end; ++i) rest += x[i];
    total += bench::sum((sums[0] + sums[1]) + (sums[2] + sums[3])) + rest;
  }
  return total;
}

}  // namespace floor
}  // namespace bench
