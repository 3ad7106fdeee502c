// The cases of the floor that are single operations: elementwise ones a vector at a time, the others as
// plain loops or by the standard library.

#pragma once

#include <cmath>
#include <numeric>

#include "floor_shapes.h"

namespace bench::floor {

/// f of many numbers and its gradient for a given one, in one pass. Function gives the value and the slope.
template <class Function>
struct OfNumbers {
  OfNumbers(std::int64_t count, float low, float high) : in(count, low, high) {}
  bench::PairInputs in;
  Floats value = Floats(in.x.size()), gradient = value;
  void step() {
    for (std::int64_t i = 0; i < in.size; i += lanes) {
      Vec slope;
      store(&value[i], Function::run(load(&in.x[i]), slope));
      store(&gradient[i], load(&in.seed[i]) * slope);
    }
  }
  void report(Report& report) const {
    report.add("value", value.data(), in.size);
    report.add("gradient", gradient.data(), in.size);
  }
};

inline Vec absolute(Vec x) { return x < 0.0F ? -x : x; }
/// With exp(-x²) given. Source: Abramowitz and Stegun, "Handbook of mathematical functions", 7.1.26.
inline Vec erf(Vec x, Vec decay) {
  const Vec t = 1.0F / (1.0F + 0.3275911F * absolute(x));
  Vec p = t * 1.061405429F - 1.453152027F;
  for (const float c : {1.421413741F, -0.284496736F, 0.254829592F}) p = p * t + c;
  const Vec y = 1.0F - p * t * decay;
  return x < 0.0F ? -y : y;
}
struct erf_of {
  static Vec run(Vec x, Vec& slope) {
    const Vec decay = bench::exp(-x * x);
    slope = decay * 1.1283791671F;
    return erf(x, decay);
  }
};
struct gelu_of {
  static Vec run(Vec x, Vec& slope) {
    const Vec decay = bench::exp(x * x * -0.5F), share = 0.5F + 0.5F * erf(x * 0.7071067812F, decay);
    slope = share + x * decay * 0.3989422804F;
    return x * share;
  }
};
struct silu_of {
  static Vec run(Vec x, Vec& slope) {
    const Vec s = bench::sigmoid(x);
    slope = s + x * s * (1.0F - s);
    return x * s;
  }
};

struct Angles {
  Angles(std::int64_t count, float low, float high) : in(count, low, high) {}
  bench::PairInputs in;
  Floats value = Floats(in.x.size()), dx = value, da = value;
  void step() {
    for (std::int64_t i = 0; i < in.size; i += lanes) {
      const Vec x = load(&in.x[i]), a = load(&in.a[i]), g = load(&in.seed[i]);
      const Vec share = g / (x * x + a * a);
      store(&value[i], angle(x, a));
      store(&dx[i], share * a);
      store(&da[i], -share * x);
    }
  }
  /// Source of the polynomial: Cephes, atanf.c.
  static Vec angle(Vec y, Vec x) {
    const Vec up = absolute(y), right = absolute(x), less = up < right ? up : right,
              more = up < right ? right : up, ratio = less / more;
    const Vec zero = {}, steep = zero + 0.4142135624F;
    const Vec u = ratio > steep ? (ratio - 1.0F) / (ratio + 1.0F) : ratio, z = u * u;
    Vec p = z * 8.05374449538e-2F - 1.38776856032e-1F;
    p = p * z + 1.99777106478e-1F;
    p = p * z - 3.33329491539e-1F;
    Vec result = p * z * u + u + (ratio > steep ? zero + 0.7853981634F : zero);
    result = up > right ? 1.5707963268F - result : result;
    result = x < 0.0F ? 3.1415926536F - result : result;
    return y < 0.0F ? -result : result;
  }
  void report(Report& report) const {
    report.add("value", value.data(), in.size);
    report.add("gradient", dx.data(), in.size);
    report.add("gradient", da.data(), in.size);
  }
};

struct Embedding {
  bench::EmbeddingInputs in;
  Floats value = Floats(in.seed.size()), gradient = Floats(in.table.size());
  void step() {
    std::fill(gradient.begin(), gradient.end(), 0.0F);
    for (std::int64_t i = 0; i < in.count; ++i)
      for (std::int64_t j = 0; j < in.width; j += lanes) {
        const std::int64_t here = i * in.width + j, there = in.positions[i] * in.width + j;
        store(&value[here], load(&in.table[there]));
        store(&gradient[there], load(&gradient[there]) + load(&in.seed[here]));
      }
  }
  void report(Report& report) const {
    report.add("value", value.data(), in.count * in.width);
    report.add("gradient", gradient.data(), in.rows * in.width);
  }
};
struct EmbeddingSgd {
  static constexpr bool learns = true;
  bench::EmbeddingInputs in;
  Floats value = Floats(in.seed.size());
  void step() {
    for (std::int64_t i = 0; i < in.count; ++i)
      std::memcpy(&value[i * in.width], &in.table[in.positions[i] * in.width], in.width * sizeof(float));
    for (std::int64_t i = 0; i < in.count; ++i)
      for (std::int64_t j = 0; j < in.width; j += lanes) {
        float* there = &in.table[in.positions[i] * in.width + j];
        store(there, load(there) - in.learning_rate * load(&in.seed[i * in.width + j]));
      }
  }
  void report(Report& report) const { report.add("parameter", in.table.data(), in.rows * in.width); }
};

/// One pass over memory, in floor_adam.cpp.
void adam_step(std::int64_t n, float* x, const float* gradient, float* first, float* second, float rate,
               float scale);
struct AdamStep {
  static constexpr bool learns = true;
  bench::AdamInputs in;
  Floats first = Floats(in.weights.size()), second = first;
  int steps = 0;
  void step() {
    ++steps;
    adam_step(in.size, in.weights.data(), in.gradient.data(), first.data(), second.data(),
              static_cast<float>(in.learning_rate / (1 - std::pow(in.beta1, steps))),
              static_cast<float>(1 / std::sqrt(1 - std::pow(in.beta2, steps))));
  }
  void report(Report& report) const { report.add("parameter", in.weights.data(), in.size); }
};

/// Along the second of two axes.
struct cumsum_last {
  static std::int64_t values(const bench::ArrayInputs& in) { return in.size; }
  static void run(const bench::ArrayInputs& in, float* value, float* gradient) {
    const std::int64_t n = in.shape[1];
    for (std::int64_t first = 0; first < in.size; first += n) {
      double sum = 0, upstream = 0;
      for (std::int64_t i = first; i < first + n; ++i) value[i] = static_cast<float>(sum += in.x[i]);
      for (std::int64_t i = first + n; i-- > first;) gradient[i] = static_cast<float>(upstream += in.seed[i]);
    }
  }
};
/// The first `count` in order, with their places; the gradient goes back to these.
template <bool all>
struct Ordered {
  static std::int64_t count(const bench::ArrayInputs& in) { return all ? in.shape[1] : 10; }
  static std::int64_t values(const bench::ArrayInputs& in) { return in.shape[0] * count(in); }
  static void run(const bench::ArrayInputs& in, float* value, float* gradient) {
    const std::int64_t n = in.shape[1], k = count(in);
    std::vector<std::int32_t> places(n);
    for (std::int64_t row = 0; row < in.shape[0]; ++row) {
      const float* x = &in.x[row * n];
      std::iota(places.begin(), places.end(), 0);
      if (all)
        std::sort(places.begin(), places.end(), [=](auto a, auto b) { return x[a] < x[b]; });
      else
        std::partial_sort(places.begin(), places.begin() + k, places.end(),
                          [=](auto a, auto b) { return x[a] > x[b]; });
      std::fill_n(gradient + row * n, n, 0.0F);
      for (std::int64_t i = 0; i < k; ++i) {
        value[row * k + i] = x[places[i]];
        gradient[row * n + places[i]] = in.seed[row * k + i];
      }
    }
  }
};
using sort_last = Ordered<true>;
using topk_last = Ordered<false>;

struct var_last {
  static std::int64_t values(const bench::ArrayInputs& in) { return in.shape[0]; }
  static void run(const bench::ArrayInputs& in, float* value, float* gradient) {
    const std::int64_t n = in.shape[1];
    for (std::int64_t row = 0; row < in.shape[0]; ++row) {
      const float* x = &in.x[row * n];
      float sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
      for (std::int64_t i = 0; i < n; ++i) sum += x[i];
      const float mean = sum / static_cast<float>(n);
#pragma omp simd reduction(+ : squares)
      for (std::int64_t i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
      value[row] = squares / static_cast<float>(n - 1);
      const float factor = in.seed[row] * 2 / static_cast<float>(n - 1);
      for (std::int64_t i = 0; i < n; ++i) gradient[row * n + i] = factor * (x[i] - mean);
    }
  }
};

}  // namespace bench::floor
