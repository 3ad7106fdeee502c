// The network of every introduction to backpropagation, z = W2·relu(W1 x + b1) + b2 with softmax and
// cross-entropy, against gradients derived by hand and computed with plain loops.

#include <cmath>

#include "chainrule/autograd.h"
#include "support.h"

namespace chainrule::test {
namespace {

using Vector = std::vector<double>;
using Matrix = std::vector<Vector>;

Vector product(const Matrix& w, const Vector& v) {
  Vector result(w.size(), 0.0);
  for (std::size_t i = 0; i < w.size(); ++i)
    for (std::size_t j = 0; j < v.size(); ++j) result[i] += w[i][j] * v[j];
  return result;
}

Vector transposed_product(const Matrix& w, const Vector& v) {
  Vector result(w[0].size(), 0.0);
  for (std::size_t i = 0; i < w.size(); ++i)
    for (std::size_t j = 0; j < result.size(); ++j) result[j] += w[i][j] * v[i];
  return result;
}

Vector flat_outer_product(const Vector& a, const Vector& b) {
  Vector result;
  for (const double each : a)
    for (const double other : b) result.push_back(each * other);
  return result;
}

Vector sum_of(Vector a, const Vector& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

Vector softmax_of(const Vector& z) {
  Vector result;
  double total = 0;
  for (const double each : z) total += std::exp(each);
  for (const double each : z) result.push_back(std::exp(each) / total);
  return result;
}

Matrix rows_of(const Tensor& matrix) {
  Matrix rows;
  for (std::int64_t i = 0; i < matrix.shape()[0]; ++i) rows.push_back(values(matrix[i]));
  return rows;
}

/// Every gradient of the loss for one sample, as one derives it on paper.
struct ByHand {
  Vector z, hidden, before, w1, b1, w2, b2, x;
  double loss = 0;
};

ByHand derive(const Matrix& w1, const Vector& b1, const Matrix& w2, const Vector& b2, const Vector& x,
              std::size_t target) {
  const Vector before = sum_of(product(w1, x), b1);
  Vector hidden = before;
  for (double& each : hidden) each = std::max(each, 0.0);
  const Vector prediction = softmax_of(sum_of(product(w2, hidden), b2));

  ByHand d;
  d.loss = -std::log(prediction[target]);
  d.z = prediction;  // softmax(z) - y
  d.z[target] -= 1;
  d.w2 = flat_outer_product(d.z, hidden);  // (softmax - y) hᵀ
  d.b2 = d.z;
  d.hidden = transposed_product(w2, d.z);  // W2ᵀ (softmax - y)
  d.before = d.hidden;                     // masked by relu, element by element: no matrix
  for (std::size_t i = 0; i < before.size(); ++i)
    if (before[i] <= 0) d.before[i] = 0;
  d.w1 = flat_outer_product(d.before, x);  // times xᵀ
  d.b1 = d.before;
  d.x = transposed_product(w1, d.before);
  return d;
}

TEST(TwoLayerNetwork, has_every_gradient_that_is_derived_by_hand) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  for (int trial = 0; trial < 20; ++trial) {
    const Tensor x = variable(random_tensor({5}, engine, -2, 2), "x");
    const Tensor w1 = variable(random_tensor({7, 5}, engine), "W1"),
                 b1 = variable(random_tensor({7}, engine), "b1");
    const Tensor w2 = variable(random_tensor({3, 7}, engine), "W2"),
                 b2 = variable(random_tensor({3}, engine), "b2");
    const auto target = static_cast<std::size_t>(trial % 3);

    const Tensor before = matmul(w1, x) + b1;
    const Tensor hidden = relu(before);
    const Tensor z = matmul(w2, hidden) + b2;
    const Tensor loss = cross_entropy(z, tensor(static_cast<std::int64_t>(target)));
    const Gradients g = gradients(loss, {z, hidden, before, w1, b1, w2, b2, x});

    const ByHand d = derive(rows_of(w1), values(b1), rows_of(w2), values(b2), values(x), target);
    EXPECT_TRUE(close(loss, {d.loss}));
    EXPECT_TRUE(close(g[z], d.z));
    EXPECT_TRUE(close(g[w2], d.w2));
    EXPECT_TRUE(close(g[b2], d.b2));
    EXPECT_TRUE(close(g[hidden], d.hidden));
    EXPECT_TRUE(close(g[before], d.before));
    EXPECT_TRUE(close(g[w1], d.w1));
    EXPECT_TRUE(close(g[b1], d.b1));
    EXPECT_TRUE(close(g[x], d.x));
  }
}

TEST(TwoLayerNetwork, of_a_batch_has_the_mean_of_the_gradients_of_its_samples) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  constexpr std::int64_t samples = 6;
  const Tensor x = random_tensor({samples, 4}, engine, -2, 2);
  const Tensor w1 = variable(random_tensor({5, 4}, engine)), b1 = variable(random_tensor({5}, engine));
  const Tensor w2 = variable(random_tensor({3, 5}, engine)), b2 = variable(random_tensor({3}, engine));
  const std::vector<std::int64_t> targets = {0, 2, 1, 1, 0, 2};

  cross_entropy(linear(relu(linear(x, w1, b1)), w2, b2), tensor(targets)).backward();

  Vector of_w1(20, 0.0), of_b1(5, 0.0), of_w2(15, 0.0), of_b2(3, 0.0);
  const auto add_share = [](Vector& to, const Vector& part) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += part[i] / samples;
  };
  for (std::int64_t i = 0; i < samples; ++i) {
    const auto target = static_cast<std::size_t>(targets[static_cast<std::size_t>(i)]);
    const ByHand d = derive(rows_of(w1), values(b1), rows_of(w2), values(b2), values(x[i]), target);
    add_share(of_w1, d.w1);
    add_share(of_b1, d.b1);
    add_share(of_w2, d.w2);
    add_share(of_b2, d.b2);
  }
  EXPECT_TRUE(close(w1.grad(), of_w1));
  EXPECT_TRUE(close(b1.grad(), of_b1));
  EXPECT_TRUE(close(w2.grad(), of_w2));
  EXPECT_TRUE(close(b2.grad(), of_b2));
}

}  // namespace
}  // namespace chainrule::test
