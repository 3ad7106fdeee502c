// The cases of the floor that go over matrices, forward and backward, with no more memory passed over than
// they must.

#pragma once

#include "floor_math.h"
#include "inputs.h"
#include "program.h"

namespace bench::floor {

constexpr std::int64_t size = bench::MatrixInputs::size;

enum class Along { row, column };

/// Forward and backward in one pass: each element is added, summed, and sent its gradient.
struct Broadcast {
  explicit Broadcast(Along which) : along(which) {}
  Along along;
  bench::MatrixInputs in;
  Floats dx = Floats(size * size), dvector = Floats(size);
  double value = 0;
  void step() { along == Along::row ? add_row() : add_column(); }
  void add_row() {
    constexpr std::int64_t strip = 32;  // vectors of columns; what belongs to them stays in the first cache
    const Vec one = Vec{} + 1.0F;
    double total = 0;
#pragma omp parallel for reduction(+ : total) schedule(static)
    for (std::int64_t column = 0; column < size; column += strip * lanes) {
      std::array<Vec, strip> gradients = {}, added;
      for (int k = 0; k < strip; ++k) added[k] = load(&in.vector[column + k * lanes]);
      for (std::int64_t i = column; i < size * size; i += size) {
        std::array<Vec, 2> sums = {};
        for (int k = 0; k < strip; ++k) {
          sums[k % 2] += load(&in.x[i + k * lanes]) + added[k];
          gradients[k] += one;
          store(&dx[i + k * lanes], one);
        }
        total += bench::sum(sums[0] + sums[1]);
      }
      for (int k = 0; k < strip; ++k) store(&dvector[column + k * lanes], gradients[k]);
    }
    value = total;
  }
  void add_column() {
    const Vec one = Vec{} + 1.0F;
    double total = 0;
#pragma omp parallel for reduction(+ : total) schedule(static)
    for (std::int64_t row = 0; row < size; ++row) {
      std::array<Vec, 2> sums = {}, gradients = {};
      const Vec added = Vec{} + in.vector[row];
      for (std::int64_t i = row * size; i < (row + 1) * size; i += 2 * lanes)
        for (int k = 0; k < 2; ++k) {
          sums[k] += load(&in.x[i + k * lanes]) + added;
          gradients[k] += one;
          store(&dx[i + k * lanes], one);
        }
      total += bench::sum(sums[0] + sums[1]);
      dvector[row] = bench::sum(gradients[0] + gradients[1]);
    }
    value = total;
  }
  void report(Report& report) const {
    report.add("value", value);
    report.add("gradient", dx.data(), size * size);
    report.add("gradient", dvector.data(), size);
  }
};

/// f(matrix) and its gradient, for a given one from above.
template <class Function>
struct OfMatrix {
  bench::MatrixInputs in;
  Floats value = Floats(Function::values), gradient = Floats(size * size);
  void step() { Function::run(in.x.data(), in.seed.data(), value.data(), gradient.data()); }
  void report(Report& report) const {
    report.add("value", value.data(), Function::values);
    report.add("gradient", gradient.data(), size * size);
  }
};

struct sum_axis0 {
  static constexpr std::int64_t values = size;
  static void run(const float* x, const float* seed, float* value, float* gradient) {
    // Strips of columns, in blocks of 64 rows: as accurate as sums of pairs.
#pragma omp parallel for schedule(static)
    for (std::int64_t strip = 0; strip < size; strip += 16 * lanes) {
      std::array<Vec, 16> total = {};
      for (std::int64_t block = 0; block < size; block += 64) {
        std::array<Vec, 16> sums = {};
        for (std::int64_t row = block; row < block + 64; ++row)
          for (int k = 0; k < 16; ++k) sums[k] += load(x + row * size + strip + k * lanes);
        for (int k = 0; k < 16; ++k) total[k] += sums[k];
      }
      for (int k = 0; k < 16; ++k) store(value + strip + k * lanes, total[k]);
    }
#pragma omp parallel for schedule(static)
    for (std::int64_t row = 0; row < size; ++row)
      std::memcpy(gradient + row * size, seed, size * sizeof(float));
  }
};

struct sum_axis1 {
  static constexpr std::int64_t values = size;
  static void run(const float* x, const float* seed, float* value, float* gradient) {
#pragma omp parallel for schedule(static)
    for (std::int64_t row = 0; row < size; ++row) {
      std::array<Vec, 4> sums = {};
      for (std::int64_t i = 0; i < size; i += 4 * lanes)
        for (int k = 0; k < 4; ++k) sums[k] += load(x + row * size + i + k * lanes);
      value[row] = bench::sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
      std::fill_n(gradient + row * size, size, seed[row]);
    }
  }
};

struct sum_all {
  static constexpr std::int64_t values = 1;
  static void run(const float* x, const float* seed, float* value, float* gradient) {
    *value = static_cast<float>(sum(x, size * size));
#pragma omp parallel for simd schedule(static)
    for (std::int64_t i = 0; i < size * size; ++i) gradient[i] = *seed;
  }
};

/// Elements that tie share the gradient evenly, so they are counted.
struct max_axis0 {
  static constexpr std::int64_t values = size;
  static void run(const float* x, const float* seed, float* value, float* gradient) {
#pragma omp parallel for schedule(static)
    for (std::int64_t strip = 0; strip < size; strip += 16 * lanes) {
      std::array<Vec, 16> largest, count = {};
      for (int k = 0; k < 16; ++k) largest[k] = load(x + strip + k * lanes);
      for (std::int64_t row = 1; row < size; ++row)
        for (int k = 0; k < 16; ++k)
          largest[k] = bench::maximum(largest[k], load(x + row * size + strip + k * lanes));
      for (int k = 0; k < 16; ++k) store(value + strip + k * lanes, largest[k]);
      for (std::int64_t row = 0; row < size; ++row)
        for (int k = 0; k < 16; ++k) {
          const std::int64_t i = strip + k * lanes;
          const Vec g = load(seed + i);
          const auto is_largest = load(x + row * size + i) == largest[k];
          count[k] += is_largest ? Vec{} + 1.0F : Vec{};
          store(gradient + row * size + i, is_largest ? g : Vec{});
        }
      for (std::int64_t i = 0; i < 16 * lanes; ++i)
        if (const float ties = count[i / lanes][i % lanes]; ties != 1)
          for (std::int64_t row = 0; row < size; ++row) gradient[row * size + strip + i] /= ties;
    }
  }
};

struct max_axis1 {
  static constexpr std::int64_t values = size;
  static void run(const float* x, const float* seed, float* value, float* gradient) {
#pragma omp parallel for schedule(static)
    for (std::int64_t row = 0; row < size; ++row) {
      const float* from = x + row * size;
      float* to = gradient + row * size;
      Vec largest = load(from), count = {};
      for (std::int64_t i = lanes; i < size; i += lanes) largest = bench::maximum(largest, load(from + i));
      value[row] = bench::maximum(largest);
      const Vec all = Vec{} + value[row], g = Vec{} + seed[row];
      for (std::int64_t i = 0; i < size; i += lanes) {
        const auto is_largest = load(from + i) == all;
        count += is_largest ? Vec{} + 1.0F : Vec{};
        store(to + i, is_largest ? g : Vec{});
      }
      if (const float ties = bench::sum(count); ties != 1)
        for (std::int64_t i = 0; i < size; ++i) to[i] /= ties;
    }
  }
};

struct transposed {
  static constexpr std::int64_t values = size * size;
  static void transpose(const float* __restrict from, float* __restrict to) {
    constexpr std::int64_t rows = 8, columns = 16;  // of a tile: measured to be the best of several
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < size; i += rows)
      for (std::int64_t j = 0; j < size; j += columns) {
        float tile[rows][columns];
        for (std::int64_t c = 0; c < columns; ++c)
          for (std::int64_t r = 0; r < rows; ++r) tile[r][c] = from[(j + c) * size + i + r];
        for (std::int64_t r = 0; r < rows; ++r) std::memcpy(to + (i + r) * size + j, tile[r], sizeof tile[r]);
      }
  }
  static void run(const float* x, const float* seed, float* value, float* gradient) {
    transpose(x, value);
    transpose(seed, gradient);
  }
};

struct Matmul {
  Matmul(std::int64_t batch, std::int64_t n)
      : in(batch, n), c(batch * n * n), g(c.size()), da(c.size()), db(c.size()) {}
  bench::MatmulInputs in;
  Floats c, g, da, db;
  double value = 0;
  void step() {
    const std::int64_t n = in.size;
    for (std::int64_t k = 0; k < in.batch * n * n; k += n * n)
      sgemm(false, false, n, n, n, 1, &in.a[k], n, &in.b[k], n, 0, &c[k]);
    value = sum(c.data(), in.batch * n * n);
    std::fill(g.begin(), g.end(), 1.0F);
    for (std::int64_t k = 0; k < in.batch * n * n; k += n * n) {
      sgemm(false, true, n, n, n, 1, &g[k], n, &in.b[k], n, 0, &da[k]);
      sgemm(true, false, n, n, n, 1, &in.a[k], n, &g[k], n, 0, &db[k]);
    }
  }
  void report(Report& report) const {
    report.add("value", value);
    report.add("gradient", da.data(), in.batch * in.size * in.size);
    report.add("gradient", db.data(), in.batch * in.size * in.size);
  }
};

}  // namespace bench::floor
