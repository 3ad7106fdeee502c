#include "chainrule/autograd.h"
#include "support.h"

// Published examples with their published numbers.
namespace chainrule::test {
namespace {

class Walkthrough : public ::testing::TestWithParam<DType> {
 protected:
  Tensor number(double value) const { return variable(full({}, value, GetParam())); }
};

TEST_P(Walkthrough, gives_the_numbers_of_the_lecture) {
  const Tensor x = number(-2).named("x");
  const Tensor y = number(5).named("y");
  const Tensor z = number(-4).named("z");
  const Tensor q = (x + y).named("q");
  const Tensor loss = (q * z).named("L");

  EXPECT_EQ(q.item(), 3);
  EXPECT_EQ(loss.item(), -12);
  EXPECT_EQ(loss.dtype(), GetParam());

  const Gradients g = gradients(loss, {loss, z, q, x, y});
  EXPECT_EQ(g.at(loss).item(), 1);
  EXPECT_EQ(g.at(z).item(), 3);
  EXPECT_EQ(g.at(q).item(), -4);
  EXPECT_EQ(g.at(x).item(), -4);
  EXPECT_EQ(g.at(y).item(), -4);
  EXPECT_EQ(g.at(x).dtype(), GetParam());

  loss.backward();
  EXPECT_EQ(x.grad().item(), -4);
  EXPECT_EQ(y.grad().item(), -4);
  EXPECT_EQ(z.grad().item(), 3);
}

INSTANTIATE_TEST_SUITE_P(In, Walkthrough, ::testing::Values(DType::float32, DType::float64),
                         [](const auto& each) { return std::string(to_string(each.param)); });

TEST(CrossEntropy, of_the_lecture_has_prediction_minus_target_as_gradient) {
  // The logits whose softmax is [0.2, 0.7, 0.1].
  const Tensor logits = variable(log(tensor({0.2, 0.7, 0.1})));
  EXPECT_TRUE(close(softmax(logits), {0.2, 0.7, 0.1}));

  const Tensor one_hot = tensor({0.0, 1.0, 0.0});
  const Tensor loss = cross_entropy(logits, one_hot);
  EXPECT_TRUE(close(loss, {-std::log(0.7)}));
  EXPECT_TRUE(close(gradients(loss, {logits}).at(logits), {0.2, -0.3, 0.1}));

  const Tensor of_class = cross_entropy(logits, tensor(std::int64_t{1}));
  EXPECT_TRUE(close(gradients(of_class, {logits}).at(logits), {0.2, -0.3, 0.1}));

  const Tensor by_hand = -sum(one_hot * log(softmax(logits)));
  EXPECT_TRUE(close(gradients(by_hand, {logits}).at(logits), {0.2, -0.3, 0.1}));
}

// https://github.com/karpathy/micrograd, README.md
TEST(Micrograd, published_example_has_its_published_gradients) {
  const Tensor a = variable(-4.0);
  const Tensor b = variable(2.0);
  Tensor c = a + b;
  Tensor d = a * b + pow(b, 3);
  c = c + (c + 1);
  c = c + (1 + c + (-a));
  d = d + (d * 2 + relu(b + a));
  d = d + (3 * d + relu(b - a));
  const Tensor e = c - d;
  const Tensor f = pow(e, 2);
  Tensor g = f / 2.0;
  g = g + 10.0 / f;

  EXPECT_NEAR(g.item(), 24.7041, 5e-5);
  g.backward();
  EXPECT_NEAR(a.grad().item(), 138.8338, 5e-5);
  EXPECT_NEAR(b.grad().item(), 645.5773, 5e-5);
}

TEST(LogisticRegression, has_the_gradient_of_the_textbook) {
  const Tensor x = tensor({{1.0, 2.0}, {-1.0, 0.5}, {0.0, -1.5}});
  const Tensor y = tensor({1.0, 0.0, 1.0});
  const Tensor w = variable({0.3, -0.7}, "w");
  const Tensor p = sigmoid(matmul(x, w));
  const Tensor loss = -mean(y * log(p) + (1 - y) * log(1 - p));
  const Tensor expected = matmul(x.T(), (p - y).detach()) / 3;
  EXPECT_TRUE(close(gradients(loss, {w}).at(w), expected, 1e-14));
}

}  // namespace
}  // namespace chainrule::test
