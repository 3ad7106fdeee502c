// The networks of the floor, whose gradients are written out by hand and whose memory is taken once.
// floor_math.h has the packs.

#pragma once

#include <cmath>
#include <limits>

#include "floor_math.h"
#include "inputs.h"
#include "program.h"

namespace bench::floor {

/// A layer small enough to stay in the cache, its rows padded to whole vectors. The sizes are known at run
/// time only, as they are to the others.
class SmallLayer {
 public:
  explicit SmallLayer(bench::LayerInputs& layer)
      : inputs(layer.inputs), outputs(layer.outputs), weight_(layer.weight.data()), bias_(layer.bias.data()) {
    for (std::vector<Vec>* matrix : {&by_output_, &gradient_}) matrix->resize(outputs * vectors(inputs));
    by_input_.resize(inputs * vectors(outputs));
    padded_bias_.resize(vectors(outputs));
    bias_gradient_.resize(vectors(outputs));
  }
  static std::int64_t vectors(std::int64_t count) { return (count + lanes - 1) / lanes; }

  void start() {
    std::fill(gradient_.begin(), gradient_.end(), Vec{});
    std::fill(bias_gradient_.begin(), bias_gradient_.end(), Vec{});
    for (std::int64_t o = 0; o < outputs; ++o) {
      padded_bias_[o / lanes][o % lanes] = bias_[o];
      for (std::int64_t i = 0; i < inputs; ++i) {
        const float w = weight_[o * inputs + i];
        by_output_[o * vectors(inputs) + i / lanes][i % lanes] = w;
        by_input_[i * vectors(outputs) + o / lanes][o % lanes] = w;
      }
    }
  }
  void forward(const Vec* __restrict x, Vec* __restrict z) const {
    const auto* each = reinterpret_cast<const float*>(x);
    const std::int64_t row = vectors(outputs), n = inputs;
    for (std::int64_t block = 0; block < row; ++block) {
      const Vec* __restrict w = by_input_.data() + block;
      Vec sums[4] = {padded_bias_[block]};
      std::int64_t i = 0;
      for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; ++k) sums[k] += w[(i + k) * row] * each[i + k];
      for (; i < n; ++i) sums[0] += w[i * row] * each[i];
      z[block] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
  }
  /// From dL/dz, gathers the gradients of the parameters, and gives dL/dx where dx is not null.
  void backward(const Vec* __restrict x, const Vec* __restrict dz, Vec* __restrict dx) {
    const auto* each = reinterpret_cast<const float*>(dz);
    const std::int64_t row = vectors(inputs), n = outputs;
    for (std::int64_t block = 0; block < vectors(n); ++block) bias_gradient_[block] += dz[block];
    for (std::int64_t block = 0; block < row; ++block) {
      const Vec* __restrict w = by_output_.data() + block;
      Vec* __restrict gradient = gradient_.data() + block;
      const Vec input = x[block];
      for (std::int64_t o = 0; o < n; ++o) gradient[o * row] += input * each[o];
      if (dx == nullptr) continue;
      Vec sums[4] = {};
      std::int64_t o = 0;
      for (; o + 4 <= n; o += 4)
        for (int k = 0; k < 4; ++k) sums[k] += w[(o + k) * row] * each[o + k];
      for (; o < n; ++o) sums[0] += w[o * row] * each[o];
      dx[block] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
  }
  /// One step of gradient descent on the loss plus l2 * Σ parameter²; returns that sum, before.
  float update(float learning_rate, float l2) {
    float squares = 0;
    for (std::int64_t o = 0; o < outputs; ++o) {
      const auto* gradient = reinterpret_cast<const float*>(&gradient_[o * vectors(inputs)]);
      squares += descend(weight_ + o * inputs, gradient, inputs, learning_rate, l2);
    }
    return squares +
           descend(bias_, reinterpret_cast<const float*>(bias_gradient_.data()), outputs, learning_rate, l2);
  }

  const std::int64_t inputs, outputs;

 private:
  static float descend(float* value, const float* gradient, std::int64_t n, float learning_rate, float l2) {
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (std::int64_t i = 0; i < n; ++i) {
      squares += value[i] * value[i];
      value[i] -= learning_rate * (gradient[i] + 2 * l2 * value[i]);
    }
    return squares;
  }

  float *weight_, *bias_;
  std::vector<Vec> by_output_, by_input_, gradient_, padded_bias_, bias_gradient_;
};

/// Layer by layer, all samples: independent of each other, they keep the processor busy.
struct HalfMoons {
  static constexpr bool learns = true;
  bench::HalfMoonsInputs in;
  std::vector<SmallLayer> layers{in.layers.begin(), in.layers.end()};
  std::vector<std::vector<Vec>> signals,
      gradients;  // before and after each layer: whole vectors for each sample
  float loss = 0;

  HalfMoons() {
    signals.emplace_back(in.batch);
    for (int sample = 0; sample < in.batch; ++sample)
      for (int i = 0; i < 2; ++i) signals[0][sample][i] = in.x[2 * sample + i];
    for (const SmallLayer& layer : layers)
      signals.emplace_back(in.batch * SmallLayer::vectors(layer.outputs));
    gradients = signals;
  }
  HalfMoons(const HalfMoons&) = delete;

  void step() {
    for (std::size_t k = 0; k < layers.size(); ++k) {
      layers[k].start();
      const std::int64_t from = row(k), to = row(k + 1);
      for (std::int64_t s = 0; s < in.batch; ++s)
        layers[k].forward(&signals[k][s * from], &signals[k + 1][s * to]);
      if (k + 1 < layers.size())
        for (Vec& signal : signals[k + 1]) signal = bench::maximum(signal, Vec{});
    }
    float hinge = 0;
    for (std::int64_t s = 0; s < in.batch; ++s) {
      const float target = in.target[s], margin = 1 - target * signals.back()[s][0];
      hinge += std::max(margin, 0.0F);
      gradients.back()[s][0] = margin > 0 ? -target / in.batch : 0;
    }
    for (std::size_t k = layers.size(); k-- > 0;) {
      const std::int64_t from = row(k), to = row(k + 1);
      for (std::int64_t s = 0; s < in.batch; ++s)
        layers[k].backward(&signals[k][s * from], &gradients[k + 1][s * to],
                           k > 0 ? &gradients[k][s * from] : nullptr);
      if (k > 0)
        for (std::size_t i = 0; i < signals[k].size(); ++i)
          gradients[k][i] = signals[k][i] > 0.0F ? gradients[k][i] : Vec{};
    }
    float squares = 0;
    for (SmallLayer& layer : layers) squares += layer.update(in.learning_rate, in.l2);
    loss = hinge / in.batch + in.l2 * squares;
  }
  /// Vectors for a sample before layer k, or after the last.
  std::int64_t row(std::size_t k) const { return std::ssize(signals[k]) / in.batch; }
  void report(Report& report) {
    const auto before = in.layers;
    step();
    report.add("loss", static_cast<double>(loss));
    for (const bench::LayerInputs& layer : before) {
      report.add("parameter", layer.weight.data(), layer.outputs * layer.inputs);
      report.add("parameter", layer.bias.data(), layer.outputs);
    }
  }
};

/// Mean cross-entropy of rows of logits, and its gradient. Reads up to 15 elements beyond the logits.
inline double cross_entropy(const float* logits, const std::int64_t* target, std::int64_t rows,
                            std::int64_t columns, float* gradient) {
  const std::int64_t whole = columns / lanes * lanes;
  Vec outside = {};  // -inf where the last vector of a row is beyond it
  for (std::int64_t i = columns - whole; i < lanes; ++i) outside[i] = -std::numeric_limits<float>::infinity();
  double loss = 0;
#pragma omp parallel for reduction(+ : loss) schedule(static) if (rows * columns > parallel_from)
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* x = logits + row * columns;
    float* g = gradient + row * columns;
    const Vec last = outside < 0.0F ? outside : load(x + whole);
    Vec largest = last;
    for (std::int64_t i = 0; i < whole; i += lanes) largest = bench::maximum(largest, load(x + i));
    const float shift = bench::maximum(largest);

    const Vec last_exp = outside < 0.0F ? Vec{} : bench::exp(last - shift);
    Vec total = last_exp;
    for (std::int64_t i = 0; i < whole; i += lanes) {
      const Vec e = bench::exp(load(x + i) - shift);
      total += e;
      store(g + i, e);
    }
    const float denominator = bench::sum(total), scale = 1 / (denominator * static_cast<float>(rows));
    for (std::int64_t i = 0; i < whole; i += lanes) store(g + i, load(g + i) * scale);
    for (std::int64_t i = whole; i < columns; ++i) g[i] = last_exp[i - whole] * scale;
    g[target[row]] -= 1 / static_cast<float>(rows);
    loss += std::log(denominator) + shift - x[target[row]];
  }
  return loss / static_cast<double>(rows);
}

/// 784-512-512-10. The update is folded into the product that makes a weight's gradient.
struct Network {
  static constexpr bool learns = true;
  explicit Network(std::int64_t batch) : in(batch), sums(512) {
    for (const bench::LayerInputs& layer : in.layers) values.emplace_back(batch * layer.outputs + lanes);
    gradients = values;
  }
  bench::NetworkInputs in;
  std::vector<Floats> values, gradients;  // of each layer's output
  Floats sums;
  double loss = 0;

  void step() {
    for (std::size_t k = 0; k < 3; ++k) {
      product(k);
      add_bias(k, k < 2);
    }
    loss = cross_entropy(values[2].data(), in.target.data(), in.batch, 10, gradients[2].data());
    for (std::size_t k = 3; k-- > 0;) {
      if (k > 0) product_backward(k);
      update_weight(k);
      update_bias(k);
      if (k > 0) mask(k - 1);
    }
  }
  void report(Report& report) {
    const auto layers = in.layers;
    step();
    report.add("loss", loss);
    for (const bench::LayerInputs& layer : layers) {
      report.add("parameter", layer.weight.data(), layer.outputs * layer.inputs);
      report.add("parameter", layer.bias.data(), layer.outputs);
    }
  }

 private:
  const float* input(std::size_t k) const { return k == 0 ? in.x.data() : values[k - 1].data(); }
  /// One sample is a product with a vector, and its weight's gradient a product of two vectors.
  bool one() const { return in.batch == 1; }

  void product(std::size_t k) {
    const auto& layer = in.layers[k];
    if (one())
      cblas_sgemv(CblasRowMajor, CblasNoTrans, static_cast<int>(layer.outputs),
                  static_cast<int>(layer.inputs), 1, layer.weight.data(), static_cast<int>(layer.inputs),
                  input(k), 1, 0, values[k].data(), 1);
    else
      sgemm(false, true, in.batch, layer.outputs, layer.inputs, 1, input(k), layer.inputs,
            layer.weight.data(), layer.inputs, 0, values[k].data());
  }
  void add_bias(std::size_t k, bool relu) {
    const std::int64_t columns = in.layers[k].outputs;
    const float* bias = in.layers[k].bias.data();
    float* all = values[k].data();
    const float least = relu ? 0 : -std::numeric_limits<float>::infinity();
#pragma omp parallel for schedule(static) if (in.batch * columns > parallel_from)
    for (std::int64_t row = 0; row < in.batch; ++row) {
      float* z = all + row * columns;
#pragma omp simd
      for (std::int64_t i = 0; i < columns; ++i) {
        const float biased = z[i] + bias[i];
        z[i] = biased > least ? biased : least;
      }
    }
  }
  void product_backward(std::size_t k) {
    const auto& layer = in.layers[k];
    if (one())
      cblas_sgemv(CblasRowMajor, CblasTrans, static_cast<int>(layer.outputs), static_cast<int>(layer.inputs),
                  1, layer.weight.data(), static_cast<int>(layer.inputs), gradients[k].data(), 1, 0,
                  gradients[k - 1].data(), 1);
    else
      sgemm(false, false, in.batch, layer.inputs, layer.outputs, 1, gradients[k].data(), layer.outputs,
            layer.weight.data(), layer.inputs, 0, gradients[k - 1].data());
  }
  void update_weight(std::size_t k) {
    auto& layer = in.layers[k];
    if (one())
      cblas_sger(CblasRowMajor, static_cast<int>(layer.outputs), static_cast<int>(layer.inputs),
                 -in.learning_rate, gradients[k].data(), 1, input(k), 1, layer.weight.data(),
                 static_cast<int>(layer.inputs));
    else
      sgemm(true, false, layer.outputs, layer.inputs, in.batch, -in.learning_rate, gradients[k].data(),
            layer.outputs, input(k), layer.inputs, 1, layer.weight.data());
  }
  void update_bias(std::size_t k) {
    auto& layer = in.layers[k];
    const std::int64_t columns = layer.outputs;
    std::fill_n(sums.data(), columns, 0.0F);
    for (std::int64_t row = 0; row < in.batch; ++row) {
      const float* g = gradients[k].data() + row * columns;
      float* total = sums.data();
#pragma omp simd
      for (std::int64_t i = 0; i < columns; ++i) total[i] += g[i];
    }
    for (std::int64_t i = 0; i < columns; ++i) layer.bias[i] -= in.learning_rate * sums[i];
  }
  /// ReLU backward: what did not pass gets no gradient.
  void mask(std::size_t k) {
    const std::int64_t n = in.batch * in.layers[k].outputs;
    const float* h = values[k].data();
    float* g = gradients[k].data();
#pragma omp parallel for simd schedule(static) if (n > parallel_from)
    for (std::int64_t i = 0; i < n; ++i) g[i] = h[i] > 0 ? g[i] : 0;
  }
};

}  // namespace bench::floor
