// The cases as hand-written loops around raw BLAS calls: no graph, no allocation, every buffer in place,
// each pass over memory doing all that it can. This is what the others are measured against.

#include <new>

#include "floor_layers.h"
#include "floor_math.h"
#include "floor_matrices.h"
#include "floor_networks.h"
#include "floor_operations.h"
#include "floor_shapes.h"
#include "inputs.h"
#include "program.h"

// All that is allocated begins at a cache line, as the tensors of the others do: vectors that cross lines are
// slower. (Not inlined, as g++ then takes the pairs of new and free for mistakes.)
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  if (void* block = std::aligned_alloc(64, (bytes + 63) / 64 * 64)) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept { std::free(block); }

namespace bench::floor {

struct Walkthrough {
  bench::WalkthroughInputs in;
  double value = 0, dx = 0, dy = 0, dz = 0;
  void step() {
    const double q = in.x + in.y;
    value = q * in.z;
    dz = q;
    dx = dy = in.z;
  }
  void report(Report& report) const {
    report.add("value", value);
    for (const double gradient : {dx, dy, dz}) report.add("gradient", gradient);
  }
};

struct Chain {
  explicit Chain(std::int64_t multiply_adds) : in(multiply_adds), values(multiply_adds + 1) {}
  bench::ChainInputs in;
  std::vector<double> values;
  double dx = 0, da = 0, db = 0;
  void step() {
    values[0] = in.x;
    for (std::int64_t i = 0; i < in.multiply_adds; ++i) values[i + 1] = values[i] * in.a + in.b;
    dx = 1, da = 0, db = 0;
    for (std::int64_t i = in.multiply_adds - 1; i >= 0; --i) {
      db += dx;
      da += dx * values[i];
      dx *= in.a;
    }
  }
  void report(Report& report) const {
    report.add("value", values.back());
    for (const double gradient : {dx, da, db}) report.add("gradient", gradient);
  }
};

struct Elementwise {
  bench::ElementwiseInputs in;
  Floats dx = Floats(in.size), da = dx, db = dx;
  double value = 0;
  void step() {
    constexpr std::int64_t block = 1600;
    static_assert(bench::ElementwiseInputs::size % block == 0 && block % lanes == 0);
    double total = 0;
#pragma omp parallel for reduction(+ : total) schedule(static)
    for (std::int64_t begin = 0; begin < in.size; begin += block) {
      Vec sums = {};
      for (std::int64_t i = begin; i < begin + block; i += lanes) {
        const Vec x = load(&in.x[i]), a = load(&in.a[i]), b = load(&in.b[i]);
        const Vec t = bench::tanh(x * a + b), s = bench::sigmoid(x);
        sums += t * s + bench::maximum(x, Vec{});
        const Vec du = (1.0F - t * t) * s;
        store(&dx[i], du * a + t * s * (1.0F - s) + (x > 0.0F ? Vec{} + 1.0F : Vec{}));
        store(&da[i], du * x);
        store(&db[i], du);
      }
      total += bench::sum(sums);
    }
    value = total;
  }
  void report(Report& report) const {
    report.add("value", value);
    for (const Floats* gradient : {&dx, &da, &db}) report.add("gradient", gradient->data(), in.size);
  }
};
using ElementwiseMap = Elementwise;

struct CrossEntropy {
  CrossEntropy(std::int64_t rows, std::int64_t columns) : in(rows, columns), gradient(rows * columns) {
    in.logits.resize(in.logits.size() + lanes);
  }
  bench::CrossEntropyInputs in;
  Floats gradient;
  double value = 0;
  void step() {
    value = cross_entropy(in.logits.data(), in.target.data(), in.rows, in.columns, gradient.data());
  }
  void report(Report& report) const {
    report.add("value", value);
    report.add("gradient", gradient.data(), in.rows * in.columns);
  }
};

/// The Jacobian of tanh(W₃ tanh(W₂ tanh(W₁ x))): three products of matrices, whatever is done besides.
struct JacobianOfNetwork {
  bench::TanhNetworkInputs in;
  Floats rows = Floats(in.size * in.size), other = rows;
  void step() {
    constexpr std::int64_t n = bench::TanhNetworkInputs::size;
    Floats h = in.x, slopes[3];
    for (int layer = 0; layer < 3; ++layer) {
      Floats next(n);
      cblas_sgemv(CblasRowMajor, CblasNoTrans, n, n, 1, in.weights[layer].data(), n, h.data(), 1, 0,
                  next.data(), 1);
      for (float& each : next) each = std::tanh(each);
      for (const float each : next) slopes[layer].push_back(1 - each * each);
      h = next;
    }
    const auto scale = [&](Floats& matrix, const Floats& slope) {
      for (std::int64_t i = 0; i < n * n; ++i) matrix[i] *= slope[i % n];
    };
    std::fill(rows.begin(), rows.end(), 0.0F);
    for (std::int64_t i = 0; i < n; ++i) rows[i * n + i] = slopes[2][i];
    for (int layer = 3; layer-- > 0;) {
      sgemm(false, false, n, n, n, 1, rows.data(), n, in.weights[layer].data(), n, 0, other.data());
      std::swap(rows, other);
      if (layer > 0) scale(rows, slopes[layer - 1]);
    }
  }
  void report(Report& report) const {
    report.add("jacobian", rows.data(), static_cast<std::int64_t>(rows.size()));
  }
};

#include "cases.inc"

}  // namespace bench::floor

int main() {
  bench::Program program(std::string(COMPILER ", ") + openblas_get_config());
  bench::floor::add_cases(program);
  program.add<bench::floor::JacobianOfNetwork>("jacobian_100");
  return program.serve();
}
