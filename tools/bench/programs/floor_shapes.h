// The cases of the floor whose shapes nobody tunes for: each as plain loops that the compiler vectorises, in
// as few passes as there can be.

#pragma once

#include <cmath>

#include "floor_math.h"
#include "inputs.h"
#include "program.h"

namespace bench::floor {

/// Σ over pairs of f(|a - b|²), with the gradients of both sets. `Root` gives the distance from the square.
template <float (*Root)(float)>
struct Pairwise {
  bench::PointsInputs in;
  Floats da = Floats(in.a.size()), db = Floats(in.b.size());
  double value = 0;
  void step() {
    constexpr std::int64_t n = bench::PointsInputs::count;
    std::array<std::array<float, n>, 3> b, gradients = {};  // a coordinate after the other
    for (std::int64_t j = 0; j < n; ++j)
      for (int k = 0; k < 3; ++k) b[k][j] = in.b[j * 3 + k];
    double total = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const float x = in.a[i * 3], y = in.a[i * 3 + 1], z = in.a[i * 3 + 2];
      float sum = 0, gx = 0, gy = 0, gz = 0;
#pragma omp simd reduction(+ : sum, gx, gy, gz)
      for (std::int64_t j = 0; j < n; ++j) {
        const float dx = x - b[0][j], dy = y - b[1][j], dz = z - b[2][j];
        const float distance = Root(dx * dx + dy * dy + dz * dz), share = 1 / distance;
        sum += distance;
        gx += dx * share, gy += dy * share, gz += dz * share;
        gradients[0][j] -= dx * share, gradients[1][j] -= dy * share, gradients[2][j] -= dz * share;
      }
      total += sum;
      da[i * 3] = gx, da[i * 3 + 1] = gy, da[i * 3 + 2] = gz;
    }
    for (std::int64_t j = 0; j < n; ++j)
      for (int k = 0; k < 3; ++k) db[j * 3 + k] = gradients[k][j];
    value = total;
  }
  void report(Report& report) const {
    report.add("value", value);
    report.add("gradient", da.data(), static_cast<std::int64_t>(da.size()));
    report.add("gradient", db.data(), static_cast<std::int64_t>(db.size()));
  }
};
inline float smooth_root(float square) { return std::sqrt(square + 1e-6F); }
inline float plain_root(float square) { return std::sqrt(square); }
using PairwiseDistances = Pairwise<smooth_root>;
using PairwiseNorms = Pairwise<plain_root>;

/// f(array) and its gradient, for a given one from above.
template <class Function>
struct OfArray {
  template <class... Sizes>
  explicit OfArray(Sizes... sizes) : in({sizes...}) {}
  bench::ArrayInputs in;
  Floats value = Floats(Function::values(in)), gradient = Floats(in.x.size());
  void step() { Function::run(in, value.data(), gradient.data()); }
  void report(Report& report) const {
    report.add("value", value.data(), static_cast<std::int64_t>(value.size()));
    report.add("gradient", gradient.data(), in.size);
  }
};

struct last3 {
  static std::int64_t values(const bench::ArrayInputs& in) { return in.size / 3; }
};
struct sum_last : last3 {
  static void run(const bench::ArrayInputs& in, float* value, float* gradient) {
    for (std::int64_t i = 0; i < in.size / 3; ++i) {
      value[i] = in.x[3 * i] + in.x[3 * i + 1] + in.x[3 * i + 2];
      for (int k = 0; k < 3; ++k) gradient[3 * i + k] = in.seed[i];
    }
  }
};
struct max_last : last3 {
  static void run(const bench::ArrayInputs& in, float* value, float* gradient) {
    for (std::int64_t i = 0; i < in.size / 3; ++i) {
      const float a = in.x[3 * i], b = in.x[3 * i + 1], c = in.x[3 * i + 2],
                  most = std::max(a, std::max(b, c));
      const float share = in.seed[i] / static_cast<float>((a == most) + (b == most) + (c == most));
      value[i] = most;
      gradient[3 * i] = a == most ? share : 0;
      gradient[3 * i + 1] = b == most ? share : 0;
      gradient[3 * i + 2] = c == most ? share : 0;
    }
  }
};
struct softmax_last {
  static std::int64_t values(const bench::ArrayInputs& in) { return in.size; }
  static void run(const bench::ArrayInputs& in, float* value, float* gradient) {
    constexpr std::int64_t few = 64;  // lines at a time, an element after the other
    for (std::int64_t first = 0; first < in.size / 3; first += few) {
      const std::int64_t count = std::min(few, in.size / 3 - first), at = first * 3;
      alignas(64) float x[3][few] = {}, total[few], most[few];
      for (std::int64_t i = 0; i < count; ++i)
        for (int k = 0; k < 3; ++k) x[k][i] = in.x[at + 3 * i + k];
      for (std::int64_t i = 0; i < few; ++i) most[i] = std::max(x[0][i], std::max(x[1][i], x[2][i]));
      for (auto& row : x)
        for (std::int64_t i = 0; i < few; i += lanes)
          store(row + i, bench::exp(load(row + i) - load(most + i)));
      for (std::int64_t i = 0; i < few; ++i) total[i] = 1 / (x[0][i] + x[1][i] + x[2][i]);
      for (std::int64_t i = 0; i < count; ++i) {
        float sum = 0;
        for (int k = 0; k < 3; ++k) {
          value[at + 3 * i + k] = x[k][i] * total[i];
          sum += value[at + 3 * i + k] * in.seed[at + 3 * i + k];
        }
        for (int k = 0; k < 3; ++k)
          gradient[at + 3 * i + k] = value[at + 3 * i + k] * (in.seed[at + 3 * i + k] - sum);
      }
    }
  }
};
/// Along the second of three axes, a strip of columns at a time.
struct log_softmax_middle {
  static std::int64_t values(const bench::ArrayInputs& in) { return in.size; }
  static void run(const bench::ArrayInputs& in, float* value, float* gradient) {
    const std::int64_t n = in.shape[1], inner = in.shape[2];
    for (std::int64_t outer = 0; outer < in.shape[0]; ++outer)
      for (std::int64_t column = 0; column < inner; column += lanes) {
        const std::int64_t first = outer * n * inner + column;
        Vec most = load(&in.x[first]), total = {}, upstream = {};
        for (std::int64_t i = 1; i < n; ++i) most = bench::maximum(most, load(&in.x[first + i * inner]));
        for (std::int64_t i = 0; i < n; ++i) {
          const Vec power = bench::exp(load(&in.x[first + i * inner]) - most);
          store(&gradient[first + i * inner], power);
          total += power;
          upstream += load(&in.seed[first + i * inner]);
        }
        Vec shift;
        for (std::int64_t i = 0; i < lanes; ++i) shift[i] = most[i] + std::log(total[i]);
        for (std::int64_t i = first; i < first + n * inner; i += inner) {
          store(&value[i], load(&in.x[i]) - shift);
          store(&gradient[i], load(&in.seed[i]) - load(&gradient[i]) / total * upstream);
        }
      }
  }
};
/// Over the first and the last of three axes.
struct apart {
  static std::int64_t values(const bench::ArrayInputs& in) { return in.shape[1]; }
};
struct sum_apart : apart {
  static void run(const bench::ArrayInputs& in, float* value, float* gradient) {
    const std::int64_t n = in.shape[1], inner = in.shape[2];
    std::fill_n(value, n, 0.0F);
    for (std::int64_t row = 0; row < in.shape[0] * n; ++row) {
      Vec sum = {};
      for (std::int64_t i = 0; i < inner; i += lanes) sum += load(&in.x[row * inner + i]);
      value[row % n] += bench::sum(sum);
      std::fill_n(gradient + row * inner, inner, in.seed[row % n]);
    }
  }
};
struct max_apart : apart {
  static void run(const bench::ArrayInputs& in, float* value, float* gradient) {
    const std::int64_t n = in.shape[1], inner = in.shape[2], rows = in.shape[0] * n;
    std::fill_n(value, n, -INFINITY);
    for (std::int64_t row = 0; row < rows; ++row) {
      Vec most = load(&in.x[row * inner]);
      for (std::int64_t i = lanes; i < inner; i += lanes)
        most = bench::maximum(most, load(&in.x[row * inner + i]));
      value[row % n] = std::max(value[row % n], bench::maximum(most));
    }
    std::vector<float> ties(n);
    for (std::int64_t row = 0; row < rows; ++row) {
      const float most = value[row % n], g = in.seed[row % n];
      float equal = 0;
#pragma omp simd reduction(+ : equal)
      for (std::int64_t i = row * inner; i < (row + 1) * inner; ++i) {
        equal += in.x[i] == most ? 1.0F : 0.0F;
        gradient[i] = in.x[i] == most ? g : 0.0F;
      }
      ties[row % n] += equal;
    }
    for (std::int64_t row = 0; row < rows; ++row)
      if (ties[row % n] != 1)
        for (std::int64_t i = row * inner; i < (row + 1) * inner; ++i) gradient[i] /= ties[row % n];
  }
};
struct permuted {
  static std::int64_t values(const bench::ArrayInputs& in) { return in.size; }
  static constexpr std::array<std::size_t, 6> order = {5, 2, 0, 4, 1, 3};
  static void run(const bench::ArrayInputs& in, float* value, float* gradient) {
    std::array<std::int64_t, 6> own, strides, sizes;
    std::int64_t step = 1;
    for (std::size_t axis = 6; axis-- > 0; step *= in.shape[axis]) own[axis] = step;
    for (std::size_t axis = 0; axis < 6; ++axis)
      strides[axis] = own[order[axis]], sizes[axis] = in.shape[order[axis]];
    std::int64_t at = 0;
    for (std::int64_t a = 0; a < sizes[0]; ++a)
      for (std::int64_t b = 0; b < sizes[1]; ++b)
        for (std::int64_t c = 0; c < sizes[2]; ++c)
          for (std::int64_t d = 0; d < sizes[3]; ++d)
            for (std::int64_t e = 0; e < sizes[4]; ++e) {
              const std::int64_t from =
                  a * strides[0] + b * strides[1] + c * strides[2] + d * strides[3] + e * strides[4];
              for (std::int64_t f = 0; f < sizes[5]; ++f, ++at) {
                value[at] = in.x[from + f * strides[5]];
                gradient[from + f * strides[5]] = in.seed[at];
              }
            }
  }
};

/// Source of the logarithm: Cephes, logf.c.
inline Vec log(Vec x) {
  IntVec bits;
  std::memcpy(&bits, &x, sizeof bits);
  const IntVec exponent = (bits - 0x3F3504F3) >> 23;
  bits -= exponent << 23;
  Vec m;
  std::memcpy(&m, &bits, sizeof m);
  m -= 1.0F;
  Vec p = m * 7.0376836292E-2F - 1.1514610310E-1F;
  for (const float c : {1.1676998740E-1F, -1.2420140846E-1F, 1.4249322787E-1F, -1.6668057665E-1F,
                        2.0000714765E-1F, -2.4999993993E-1F, 3.3333331174E-1F})
    p = p * m + c;
  const Vec e = __builtin_convertvector(exponent, Vec);
  return ((m * m * m * p + e * -2.12194440e-4F) - m * m * 0.5F + m) + e * 0.693359375F;
}

/// Σ f(x, a) over pairs and both gradients, in one pass. Function gives value, dx and da.
template <class Function>
struct OfPair {
  OfPair(std::int64_t count, float low, float high) : in(count, low, high) {}
  bench::PairInputs in;
  Floats dx = Floats(in.x.size()), da = dx;
  double value = 0;
  void step() {
    constexpr std::int64_t block = 1600;
    double total = 0;
    for (std::int64_t begin = 0; begin < in.size; begin += block) {
      Vec sums = {};
      for (std::int64_t i = begin; i < std::min(begin + block, in.size); i += lanes) {
        Vec x_gradient, a_gradient;
        sums += Function::run(load(&in.x[i]), load(&in.a[i]), x_gradient, a_gradient);
        store(&dx[i], x_gradient);
        store(&da[i], a_gradient);
      }
      total += bench::sum(sums);
    }
    value = total;
  }
  void report(Report& report) const {
    report.add("value", value);
    report.add("gradient", dx.data(), in.size);
    report.add("gradient", da.data(), in.size);
  }
};
struct powers {
  static Vec run(Vec x, Vec a, Vec& dx, Vec& da) {
    const Vec logarithm = log(x), first = bench::exp(logarithm * 1.7F), decay = bench::exp(-x),
              second = bench::exp(a * logarithm);
    dx = first / x * 1.7F * decay - first * decay + second / x + logarithm * second * a / x;
    da = logarithm * second * logarithm;
    return first * decay + logarithm * second;
  }
};
struct branches {
  static Vec run(Vec x, Vec a, Vec& dx, Vec& da) {
    const Vec zero = {}, one = zero + 1.0F, half = 0.5F * a, product = x * a,
              factor = x < 0.0F ? zero + 0.1F : one;
    const Vec most = x > half ? x : half;
    const Vec bounded = product > 0.5F ? zero + 0.5F : product < -0.5F ? zero - 0.5F : product;
    const Vec inside = product > 0.5F ? zero : product < -0.5F ? zero : one;
    const Vec x_share = x > half ? one : x == half ? zero + 0.5F : zero;
    dx = (x > a ? x_share : inside * a) * factor;
    da = (x > a ? (one - x_share) * 0.5F : inside * x) * factor;
    return (x > a ? most : bounded) * factor;
  }
};

struct OuterExp {
  bench::PairInputs in{1000, -2, 2};
  Floats dx = Floats(in.x.size()), da = dx, powers = dx;
  double value = 0;
  void step() {  // eˣ⁻ᵃ = eˣ e⁻ᵃ would need no loop over pairs: what is measured is one exp for each
    std::fill(da.begin(), da.end(), 0.0F);
    double total = 0;
    for (std::int64_t i = 0; i < in.size; ++i) {
      Vec sum = {};
      std::int64_t j = 0;
      for (; j + lanes <= in.size; j += lanes) {
        const Vec power = bench::exp(in.x[i] - load(&in.a[j]));
        sum += power;
        store(&da[j], load(&da[j]) - power);
      }
      float rest = 0;
      for (; j < in.size; ++j) {
        const float power = std::exp(in.x[i] - in.a[j]);
        rest += power;
        da[j] -= power;
      }
      dx[i] = bench::sum(sum) + rest;
      total += dx[i];
    }
    value = total;
  }
  void report(Report& report) const {
    report.add("value", value);
    report.add("gradient", dx.data(), in.size);
    report.add("gradient", da.data(), in.size);
  }
};

enum class Tall { times_vector, transposed_times_vector };
struct TallMatrix {
  explicit TallMatrix(Tall which) : transposed(which == Tall::transposed_times_vector) {}
  bool transposed;
  bench::TallInputs in;
  Floats value = Floats(transposed ? in.columns : in.rows), dmatrix = Floats(in.matrix.size()),
         dvector = Floats(transposed ? in.rows : in.columns);
  void step() {
    const int rows = in.rows, columns = in.columns;
    const auto& right = transposed ? in.seed : in.vector;
    const auto& above = transposed ? in.vector : in.seed;
    const auto times = [&](bool turned, const float* v, float* to) {
      cblas_sgemv(CblasRowMajor, turned ? CblasTrans : CblasNoTrans, rows, columns, 1, in.matrix.data(),
                  columns, v, 1, 0, to, 1);
    };
    times(transposed, right.data(), value.data());
    times(!transposed, above.data(), dvector.data());
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j) dmatrix[i * columns + j] = in.seed[i] * in.vector[j];
  }
  void report(Report& report) const {
    report.add("value", value.data(), static_cast<std::int64_t>(value.size()));
    report.add("gradient", dmatrix.data(), static_cast<std::int64_t>(dmatrix.size()));
    report.add("gradient", dvector.data(), static_cast<std::int64_t>(dvector.size()));
  }
};

}  // namespace bench::floor
