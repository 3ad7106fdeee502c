#pragma once

#include <cstdint>
#include <utility>
#include <vector>

/// The inputs of every case, the same numbers for each program. Plain C++, as it is compiled into all of
/// them.
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

/// Two vectors of as many elements.
struct PairInputs {
  PairInputs(std::int64_t count, float low, float high) : size(count) {
    Random random(2);
    x = random.uniform(size, low, high);
    a = random.uniform(size, low, high);
  }
  std::int64_t size;
  std::vector<float> x, a;
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
  AttentionInputs() {
    Random random(8);
    const std::int64_t size = heads * length * width;
    q = random.uniform(size, -1, 1);
    k = random.uniform(size, -1, 1);
    v = random.uniform(size, -1, 1);
    seed = random.uniform(size, -1, 1);
  }
  static constexpr std::int64_t heads = 8, length = 256, width = 64;
  static constexpr float scale = 0.125F;
  std::vector<float> q, k, v, seed;  ///< (heads, length, width)
};

}  // namespace bench
