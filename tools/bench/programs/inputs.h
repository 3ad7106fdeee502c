// The inputs of every case, the same numbers for each program. Plain C++, as it is compiled into all of them.
// It relies on nothing.

#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace bench {

/// SplitMix64. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  float uniform(float low, float high) {
    return low + (high - low) * static_cast<float>(bits() >> 40) * 0x1p-24F;
  }
  std::vector<float> uniform(std::int64_t count, float low, float high) {
    std::vector<float> numbers(static_cast<std::size_t>(count));
    for (float& number : numbers) number = uniform(low, high);
    return numbers;
  }
  std::vector<std::int64_t> classes(std::int64_t count, std::int64_t bound) {
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(count));
    for (std::int64_t& number : numbers)
      number = static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(bound));
    return numbers;
  }

 private:
  std::uint64_t state_;
};

/// So many places below a bound.
inline std::vector<std::int64_t> some_places(std::int64_t count, std::int64_t bound) {
  return Random(17).classes(count, bound);
}

/// (x + y) * z, float64.
struct WalkthroughInputs {
  double x = -2, y = 5, z = -4;
};

/// r = x, then r = r * a + b over and over, float64. Gradients of x, a and b.
struct ChainInputs {
  explicit ChainInputs(std::int64_t count) : multiply_adds(count) {}
  std::int64_t multiply_adds;
  double x = 2, a = 1 - 1e-7, b = 1e-7;  // nothing over- or underflows
};

/// One linear layer: weight (outputs, inputs), bias (outputs,).
struct LayerInputs {
  LayerInputs(std::int64_t from, std::int64_t to, Random& random) : inputs(from), outputs(to) {
    float limit = 1;
    while (limit * limit * static_cast<float>(inputs) > 6)
      limit *= 0.9F;  // about √(6 / inputs), He's uniform
    weight = random.uniform(inputs * outputs, -limit, limit);
    bias = random.uniform(outputs, -0.1F, 0.1F);
  }
  std::int64_t inputs, outputs;
  std::vector<float> weight, bias;
};

/// micrograd's demo: 2-16-16-1 with ReLU, mean hinge loss plus l2 * Σ parameter², SGD on all 100 samples.
struct HalfMoonsInputs {
  HalfMoonsInputs() {
    Random random(1337);
    for (int i = 0; i < batch; ++i) {
      // Points of two half circles, by stepping a rotation: no library's sine takes part.
      constexpr float step_cos = 0.998027F, step_sin = 0.062791F;  // 180° in 50 steps
      static_assert(batch == 100);
      if (i % 50 == 0) c_ = 1, s_ = 0;
      const bool upper = i < 50;
      x.push_back((upper ? c_ : 1 - c_) + random.uniform(-0.1F, 0.1F));
      x.push_back((upper ? s_ : 0.5F - s_) + random.uniform(-0.1F, 0.1F));
      target.push_back(upper ? -1.0F : 1.0F);
      const float c = c_ * step_cos - s_ * step_sin;
      s_ = c_ * step_sin + s_ * step_cos;
      c_ = c;
    }
    layers = {LayerInputs(2, 16, random), LayerInputs(16, 16, random), LayerInputs(16, 1, random)};
  }
  static constexpr int batch = 100;
  static constexpr float l2 = 1e-4F, learning_rate = 0.05F;
  std::vector<float> x, target;  ///< (100, 2); (100, 1) of -1 or 1
  std::vector<LayerInputs> layers;

 private:
  float c_ = 1, s_ = 0;
};

/// 784-512-512-10 with ReLU, mean cross-entropy of integer classes, SGD.
struct NetworkInputs {
  explicit NetworkInputs(std::int64_t samples) : batch(samples) {
    Random random(784);
    x = random.uniform(batch * 784, 0, 1);
    target = random.classes(batch, 10);
    layers = {LayerInputs(784, 512, random), LayerInputs(512, 512, random), LayerInputs(512, 10, random)};
  }
  std::int64_t batch;
  static constexpr float learning_rate = 0.01F;
  std::vector<float> x;              ///< (batch, 784)
  std::vector<std::int64_t> target;  ///< (batch,)
  std::vector<LayerInputs> layers;
};

/// Σ tanh(x * a + b) * sigmoid(x) + relu(x) over a million elements; gradients of x, a and b, each as large.
struct ElementwiseInputs {
  ElementwiseInputs() {
    Random random(6);
    x = random.uniform(size, -4, 4);
    a = random.uniform(size, -1, 1);
    b = random.uniform(size, -1, 1);
  }
  static constexpr std::int64_t size = 1000000;
  std::vector<float> x, a, b;
};

/// Mean softmax cross-entropy of integer classes; gradient of the logits.
struct CrossEntropyInputs {
  CrossEntropyInputs(std::int64_t samples, std::int64_t classes) : rows(samples), columns(classes) {
    Random random(static_cast<std::uint64_t>(rows));
    logits = random.uniform(rows * columns, -5, 5);
    target = random.classes(rows, columns);
  }
  std::int64_t rows, columns;
  std::vector<float> logits;
  std::vector<std::int64_t> target;
};

/// A matrix of 1024x1024, a row or column that is broadcast onto it, and the gradient that comes from above.
struct MatrixInputs {
  MatrixInputs() {
    Random random(1024);
    x = random.uniform(size * size, -1, 1);
    vector = random.uniform(size, -1, 1);
    seed = random.uniform(size * size, -1, 1);
  }
  static constexpr std::int64_t size = 1024;
  std::vector<float> x;       ///< (1024, 1024)
  std::vector<float> vector;  ///< (1024,)
  std::vector<float> seed;    ///< as many as the case needs
};

/// Σ a @ b for matrices (size, size), or `batch` of them; gradients of both.
struct MatmulInputs {
  MatmulInputs(std::int64_t products, std::int64_t rows) : batch(products), size(rows) {
    Random random(static_cast<std::uint64_t>(size));
    a = random.uniform(batch * size * size, -1, 1);
    b = random.uniform(batch * size * size, -1, 1);
  }
  std::int64_t batch, size;
  std::vector<float> a, b;
};

/// Points in space, two sets of them.
struct PointsInputs {
  PointsInputs() {
    Random random(3);
    a = random.uniform(count * 3, -1, 1);
    b = random.uniform(count * 3, -1, 1);
  }
  static constexpr std::int64_t count = 500;
  std::vector<float> a, b;  ///< (500, 3)
};

/// An array with a shape of its own, and the gradient that comes from above.
struct ArrayInputs {
  explicit ArrayInputs(std::vector<std::int64_t> sizes, float low = -1, float high = 1)
      : shape(std::move(sizes)) {
    Random random(shape.size());
    for (const std::int64_t n : shape) size *= n;
    x = random.uniform(size, low, high);
    seed = random.uniform(size, -1, 1);
  }
  std::vector<std::int64_t> shape;
  std::int64_t size = 1;
  std::vector<float> x, seed;
};

/// Two vectors of as many elements, and the gradient that comes from above.
struct PairInputs {
  PairInputs(std::int64_t count, float low, float high) : size(count) {
    Random random(2);
    x = random.uniform(size, low, high);
    a = random.uniform(size, low, high);
    seed = random.uniform(size, -1, 1);
  }
  std::int64_t size;
  std::vector<float> x, a, seed;
};

/// Σ of A v for a tall matrix (rows, columns); gradients of both.
struct TallInputs {
  TallInputs() {
    Random random(64);
    matrix = random.uniform(rows * columns, -1, 1);
    vector = random.uniform(columns, -1, 1);
    seed = random.uniform(rows, -1, 1);
  }
  static constexpr std::int64_t rows = 100000, columns = 32;
  std::vector<float> matrix, vector, seed;
};

/// Queries, keys and values of several heads.
struct AttentionInputs {
  AttentionInputs(std::int64_t count, std::int64_t of) : heads(count), length(of) {
    Random random(8);
    const std::int64_t size = heads * length * width;
    q = random.uniform(size, -1, 1);
    k = random.uniform(size, -1, 1);
    v = random.uniform(size, -1, 1);
    seed = random.uniform(size, -1, 1);
  }
  std::int64_t heads, length;
  static constexpr std::int64_t width = 64;
  static constexpr float scale = 0.125F;
  std::vector<float> q, k, v, seed;  ///< (heads, length, width)
};

/// Images (samples, channels, side, side), kernels for them, and the gradient from above.
struct ConvolutionInputs {
  ConvolutionInputs(std::int64_t images, std::int64_t from, std::int64_t side_length, std::int64_t to,
                    std::int64_t kernel_size, std::int64_t padding_size)
      : samples(images),
        channels(from),
        side(side_length),
        outputs(to),
        kernel(kernel_size),
        padding(padding_size) {
    Random random(5);
    const LayerInputs layer(channels * kernel * kernel, outputs, random);
    x = random.uniform(samples * channels * side * side, -1, 1);
    weight = layer.weight;
    bias = layer.bias;
    seed = random.uniform(samples * outputs * out_side() * out_side(), -1, 1);
  }
  std::int64_t samples, channels, side, outputs, kernel, padding;
  std::int64_t out_side() const { return side + 2 * padding - kernel + 1; }
  std::vector<float> x, weight, bias, seed;  ///< weight (outputs, channels, kernel, kernel), bias (outputs,)
};

/// LeNet-5 on images of 28x28: convolutions of 5x5 to 6 channels, padded by 2, and to 16, ReLU and the maxima
/// of 2x2 after each, then linear layers 400-120-84-10 with ReLU, mean cross-entropy of integer classes, SGD.
struct LenetInputs {
  explicit LenetInputs(std::int64_t samples) : batch(samples) {
    Random random(28);
    x = random.uniform(batch * 28 * 28, 0, 1);
    target = random.classes(batch, 10);
    convolutions = {LayerInputs(25, 6, random), LayerInputs(6 * 25, 16, random)};
    layers = {LayerInputs(400, 120, random), LayerInputs(120, 84, random), LayerInputs(84, 10, random)};
  }
  std::int64_t batch;
  static constexpr float learning_rate = 0.01F;
  std::vector<float> x;              ///< (batch, 1, 28, 28)
  std::vector<std::int64_t> target;  ///< (batch,)
  std::vector<LayerInputs> convolutions, layers;
};

/// An array to normalise, with as many weights and biases as the given number of features.
struct NormInputs : ArrayInputs {
  NormInputs(std::vector<std::int64_t> sizes, std::int64_t features) : ArrayInputs(std::move(sizes)) {
    Random random(11);
    weight = random.uniform(features, 0.5F, 1.5F);
    bias = random.uniform(features, -1, 1);
  }
  static constexpr double eps = 1e-5;
  std::vector<float> weight, bias;
};

/// A table (rows, width), positions in it, some of them twice, and the gradient from above.
struct EmbeddingInputs {
  EmbeddingInputs() {
    Random random(10);
    table = random.uniform(rows * width, -1, 1);
    positions = random.classes(count, rows);
    seed = random.uniform(count * width, -1, 1);
  }
  static constexpr std::int64_t rows = 10000, width = 64, count = 4096;
  static constexpr float learning_rate = 0.1F;
  std::vector<float> table, seed;
  std::vector<std::int64_t> positions;
};

/// Parameters of one tensor and their gradient, which is the same in every step of Adam.
struct AdamInputs {
  AdamInputs() {
    Random random(31);
    weights = random.uniform(size, -1, 1);
    gradient = random.uniform(size, -1, 1);
  }
  static constexpr std::int64_t size = 1'000'000;
  static constexpr double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  std::vector<float> weights, gradient;
};

/// A matrix that is symmetric and positive definite, or has no symmetry; a vector, and the gradient from
/// above.
struct SquareInputs {
  SquareInputs(std::int64_t rows, bool symmetric) : size(rows) {
    Random random(200);
    matrix = random.uniform(size * size, -1, 1);
    for (std::int64_t i = 0; i < size; ++i) {
      for (std::int64_t j = 0; symmetric && j < i; ++j) matrix[j * size + i] = matrix[i * size + j];
      matrix[i * size + i] += static_cast<float>(size) / 4;  // all eigenvalues are far from 0
    }
    vector = random.uniform(size, -1, 1);
    seed = random.uniform(size * size, -1, 1);
  }
  std::int64_t size;
  std::vector<float> matrix, vector, seed;
};

/// A sequence (steps, batch, inputs) for an LSTM that starts with zeros, and the gradient of what it gives.
struct LstmInputs {
  LstmInputs() {
    Random random(30);
    x = random.uniform(steps * batch * inputs, -1, 1);
    input = random.uniform(4 * hidden * inputs, -0.125F, 0.125F);
    recurrent = random.uniform(4 * hidden * hidden, -0.125F, 0.125F);
    input_bias = random.uniform(4 * hidden, -0.125F, 0.125F);
    recurrent_bias = random.uniform(4 * hidden, -0.125F, 0.125F);
    seed = random.uniform(steps * batch * hidden, -1, 1);
  }
  static constexpr std::int64_t steps = 30, batch = 16, inputs = 32, hidden = 64;
  std::vector<float> x, input, recurrent, input_bias, recurrent_bias, seed;
};

/// A block of a transformer, norms first: h = x + attention(norm(x)), y = h + wide(norm(h)), where wide is
/// two linear layers with GELU between them.
struct TransformerInputs {
  TransformerInputs() {
    Random random(128);
    x = random.uniform(batch * length * width, -1, 1);
    for (std::vector<float>* scale : {&first_weight, &second_weight})
      *scale = random.uniform(width, 0.5F, 1.5F);
    for (std::vector<float>* shift : {&first_bias, &second_bias}) *shift = random.uniform(width, -0.5F, 0.5F);
    projections = {LayerInputs(width, 3 * width, random), LayerInputs(width, width, random),
                   LayerInputs(width, wide, random), LayerInputs(wide, width, random)};
    seed = random.uniform(batch * length * width, -1, 1);
  }
  static constexpr std::int64_t batch = 8, length = 64, width = 128, heads = 4, wide = 512;
  static constexpr double eps = 1e-5;
  std::vector<float> x, first_weight, first_bias, second_weight, second_bias, seed;
  std::vector<LayerInputs> projections;  ///< to queries, keys and values; of the heads' results; wide; back
};

/// Three square weights and a vector, for tanh(W₃ tanh(W₂ tanh(W₁ x))).
struct TanhNetworkInputs {
  TanhNetworkInputs() {
    Random random(33);
    for (auto& weight : weights) weight = random.uniform(size * size, -0.2F, 0.2F);
    x = random.uniform(size, -1, 1);
  }
  static constexpr std::int64_t size = 100;
  std::vector<float> weights[3], x;
};

/// A network 1-32-32-1 with tanh, and points (count, 1) at which u'' = -sin(x) is to hold.
struct PinnInputs {
  PinnInputs() {
    Random random(1);
    layers = {LayerInputs(1, 32, random), LayerInputs(32, 32, random), LayerInputs(32, 1, random)};
    x = random.uniform(count, 0, 3);
  }
  static constexpr std::int64_t count = 256;
  static constexpr float learning_rate = 1e-3F;
  std::vector<LayerInputs> layers;
  std::vector<float> x;
};

}  // namespace bench
