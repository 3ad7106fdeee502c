// The cases of the floor that are layers of networks, in loops over floats; derivatives are written by hand.
// floor_math.h has the packs.

#pragma once

#include <cmath>

#include "floor_shapes.h"

namespace bench::floor {

/// A sample at a time: its windows as the columns of a matrix, and products with it.
struct Convolution {
  Convolution(std::int64_t samples, std::int64_t channels, std::int64_t side, std::int64_t outputs,
              std::int64_t kernel, std::int64_t padding, bool through)
      : in(samples, channels, side, outputs, kernel, padding),
        value(in.seed.size()),
        dx(through ? in.x.size() : 0),
        dweight(in.weight.size()),
        dbias(outputs) {}
  bench::ConvolutionInputs in;
  Floats value, dx, dweight, dbias;
  const std::int64_t out = in.out_side(), pixels = out * out, taps = in.channels * in.kernel * in.kernel;
  Floats windows = Floats(taps * pixels);

  /// Calls f(row of the windows, a place in the image) for each run of pixels that is not padding.
  template <class F>
  void for_windows(F f) const {
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      const std::int64_t right = tap % in.kernel - in.padding,
                         down = tap / in.kernel % in.kernel - in.padding,
                         channel = tap / (in.kernel * in.kernel);
      const std::int64_t begin = std::max<std::int64_t>(0, -right), end = std::min(out, in.side - right);
      for (std::int64_t row = std::max<std::int64_t>(0, -down); row < std::min(out, in.side - down); ++row)
        f(tap * pixels + row * out + begin, (channel * in.side + row + down) * in.side + begin + right,
          end - begin);
    }
  }
  void step() {
    const std::int64_t image = in.channels * in.side * in.side, above = in.outputs * pixels;
    std::fill(dx.begin(), dx.end(), 0.0F);
    std::fill(dweight.begin(), dweight.end(), 0.0F);
    std::fill(dbias.begin(), dbias.end(), 0.0F);
    for (std::int64_t sample = 0; sample < in.samples; ++sample) {
      const float* x = &in.x[sample * image];
      const float* seed = &in.seed[sample * above];
      std::fill(windows.begin(), windows.end(), 0.0F);
      for_windows([&](std::int64_t to, std::int64_t from, std::int64_t n) {
        for (std::int64_t i = 0; i < n; ++i) windows[to + i] = x[from + i];
      });
      float* y = &value[sample * above];
      for (std::int64_t o = 0; o < in.outputs; ++o) {
        std::fill_n(y + o * pixels, pixels, in.bias[o]);
        dbias[o] += static_cast<float>(sum(seed + o * pixels, pixels));
      }
      sgemm(false, false, in.outputs, pixels, taps, 1, in.weight.data(), taps, windows.data(), pixels, 1, y);
      sgemm(false, true, in.outputs, taps, pixels, 1, seed, pixels, windows.data(), pixels, 1,
            dweight.data());
      if (dx.empty()) continue;
      sgemm(true, false, taps, pixels, in.outputs, 1, in.weight.data(), taps, seed, pixels, 0,
            windows.data());
      for_windows([&](std::int64_t from, std::int64_t to, std::int64_t n) {
        float* gradient = &dx[sample * image];
        for (std::int64_t i = 0; i < n; ++i) gradient[to + i] += windows[from + i];
      });
    }
  }
  void report(Report& report) const {
    report.add("value", value.data(), static_cast<std::int64_t>(value.size()));
    for (const Floats* gradient : {&dweight, &dbias, &dx})
      if (!gradient->empty())
        report.add("gradient", gradient->data(), static_cast<std::int64_t>(gradient->size()));
  }
};

struct max_pool_2 {
  static std::int64_t values(const bench::ArrayInputs& in) { return in.size / 4; }
  static void run(const bench::ArrayInputs& in, float* value, float* gradient) {
    const std::int64_t width = in.shape[3], half = width / 2;
    for (std::int64_t row = 0; row < in.size / (2 * width); ++row)
      for (std::int64_t i = 0; i < half; ++i) {
        const std::int64_t at = row * 2 * width + 2 * i, below = at + width;
        const float a = in.x[at], b = in.x[at + 1], c = in.x[below], d = in.x[below + 1];
        const float up = std::max(a, b), down = std::max(c, d), most = std::max(up, down),
                    g = in.seed[row * half + i];
        value[row * half + i] = most;
        gradient[at] = a == most ? g : 0;
        gradient[at + 1] = a != most && b == most ? g : 0;
        gradient[below] = up != most && c == most ? g : 0;
        gradient[below + 1] = up != most && c != most ? g : 0;
      }
  }
};

/// Σ f(i), in the compiler's vectors.
template <class F>
float total(std::int64_t n, F f) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += f(i);
  return sum;
}

struct LayerNorm {
  LayerNorm(std::int64_t rows, std::int64_t features) : in({rows, features}, features) {}
  bench::NormInputs in;
  Floats value = Floats(in.x.size()), dx = value, dweight = Floats(in.weight.size()), dbias = dweight;
  void step() {
    const std::int64_t n = in.shape[1];
    const auto count = static_cast<float>(n);
    std::fill(dweight.begin(), dweight.end(), 0.0F);
    std::fill(dbias.begin(), dbias.end(), 0.0F);
    const float* __restrict weight = in.weight.data(), * __restrict bias = in.bias.data();
    float* __restrict to_weight = dweight.data(), * __restrict to_bias = dbias.data();
    for (std::int64_t row = 0; row < in.shape[0]; ++row) {
      const float* __restrict x = &in.x[row * n], * __restrict g = &in.seed[row * n];
      float* __restrict y = &value[row * n], * __restrict to_x = &dx[row * n];
      const float mean = total(n, [=](auto i) { return x[i]; }) / count;
      const float variance = total(n, [=](auto i) { return (x[i] - mean) * (x[i] - mean); }) / count,
                  scale = 1 / std::sqrt(variance + static_cast<float>(in.eps));
      for (std::int64_t i = 0; i < n; ++i) {
        const float normed = (x[i] - mean) * scale;
        to_x[i] = normed;
        y[i] = normed * weight[i] + bias[i];
        to_weight[i] += g[i] * normed;
        to_bias[i] += g[i];
      }
      const float first = total(n, [=](auto i) { return g[i] * weight[i]; }) / count,
                  second = total(n, [=](auto i) { return g[i] * weight[i] * to_x[i]; }) / count;
      for (std::int64_t i = 0; i < n; ++i) to_x[i] = (g[i] * weight[i] - first - to_x[i] * second) * scale;
    }
  }
  void report(Report& report) const {
    report.add("value", value.data(), in.size);
    report.add("gradient", dx.data(), in.size);
    for (const Floats* gradient : {&dweight, &dbias}) report.add("gradient", gradient->data(), in.shape[1]);
  }
};

struct BatchNorm {
  BatchNorm(std::int64_t samples, std::int64_t channels, std::int64_t side)
      : in({samples, channels, side, side}, channels) {}
  bench::NormInputs in;
  Floats value = Floats(in.x.size()), dx = value, dweight = Floats(in.weight.size()), dbias = dweight;
  void step() {
    const std::int64_t channels = in.shape[1], n = in.shape[2] * in.shape[3];
    const auto count = static_cast<float>(in.shape[0] * n);
    for (std::int64_t channel = 0; channel < channels; ++channel) {
      const auto all = [&](auto f) {  // Σ over samples and pixels
        double sum = 0;
        for (std::int64_t at = channel * n; at < in.size; at += channels * n)
          sum += total(n, [=](auto i) { return f(at + i); });
        return static_cast<float>(sum);
      };
      const float *x = in.x.data(), *g = in.seed.data();
      const float mean = all([=](auto i) { return x[i]; }) / count;
      const float variance = all([=](auto i) { return (x[i] - mean) * (x[i] - mean); }) / count,
                  scale = 1 / std::sqrt(variance + static_cast<float>(in.eps)), weight = in.weight[channel],
                  bias = in.bias[channel];
      const float first = all([=](auto i) { return g[i]; }),
                  second = all([=](auto i) { return g[i] * (x[i] - mean) * scale; });
      dbias[channel] = first;
      dweight[channel] = second;
      for (std::int64_t at = channel * n; at < in.size; at += channels * n)
        for (std::int64_t i = at; i < at + n; ++i) {
          const float normed = (x[i] - mean) * scale;
          value[i] = normed * weight + bias;
          dx[i] = (g[i] - first / count - normed * second / count) * scale * weight;
        }
    }
  }
  void report(Report& report) const {
    report.add("value", value.data(), in.size);
    report.add("gradient", dx.data(), in.size);
    for (const Floats* gradient : {&dweight, &dbias}) report.add("gradient", gradient->data(), in.shape[1]);
  }
};

struct Attention {
  Attention(std::int64_t heads, std::int64_t of) : in(heads, of), length(of) {}
  bench::AttentionInputs in;
  static constexpr std::int64_t width = bench::AttentionInputs::width;
  const std::int64_t length, head = length * width;
  Floats value = Floats(in.q.size()), dq = value, dk = value, dv = value, weights = Floats(length * length),
         upstream = weights;
  void step() {
    for (std::int64_t at = 0; at < in.heads * head; at += head) {
      sgemm(false, true, length, length, width, in.scale, &in.q[at], width, &in.k[at], width, 0,
            weights.data());
      for (float* row = weights.data(); row < weights.data() + length * length; row += length) {
        Vec most = load(row), total = {};
        for (std::int64_t i = lanes; i < length; i += lanes) most = bench::maximum(most, load(row + i));
        const Vec shift = Vec{} + bench::maximum(most);
        for (std::int64_t i = 0; i < length; i += lanes) {
          const Vec power = bench::exp(load(row + i) - shift);
          total += power;
          store(row + i, power);
        }
        const float share = 1 / bench::sum(total);
        for (std::int64_t i = 0; i < length; ++i) row[i] *= share;
      }
      sgemm(false, false, length, width, length, 1, weights.data(), length, &in.v[at], width, 0, &value[at]);
      sgemm(true, false, length, width, length, 1, weights.data(), length, &in.seed[at], width, 0, &dv[at]);
      sgemm(false, true, length, length, width, 1, &in.seed[at], width, &in.v[at], width, 0, upstream.data());
      for (std::int64_t row = 0; row < length * length; row += length) {
        Vec sums = {};
        for (std::int64_t i = row; i < row + length; i += lanes)
          sums += load(&weights[i]) * load(&upstream[i]);
        const float sum = bench::sum(sums);
        for (std::int64_t i = row; i < row + length; ++i) upstream[i] = weights[i] * (upstream[i] - sum);
      }
      sgemm(false, false, length, width, length, in.scale, upstream.data(), length, &in.k[at], width, 0,
            &dq[at]);
      sgemm(true, false, length, width, length, in.scale, upstream.data(), length, &in.q[at], width, 0,
            &dk[at]);
    }
  }
  void report(Report& report) const {
    report.add("value", value.data(), static_cast<std::int64_t>(value.size()));
    for (const Floats* gradient : {&dq, &dk, &dv})
      report.add("gradient", gradient->data(), static_cast<std::int64_t>(gradient->size()));
  }
};

/// As many heads in several samples.
struct FusedAttention : Attention {
  FusedAttention(std::int64_t batch, std::int64_t heads, std::int64_t each)
      : Attention(batch * heads, each) {}
};

}  // namespace bench::floor
