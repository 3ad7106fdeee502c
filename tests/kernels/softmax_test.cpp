// Softmax and its kin on lines of every length and position, beside what the table of operations says of
// them: there are ways for long, short, neighbouring and narrow ones.

#include "kernels/softmax.h"

#include "chainrule/autograd.h"
#include "chainrule/ops.h"
#include "reference.h"
#include "support.h"
#include "thread_counts.h"

namespace chainrule::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

const std::vector<Shape> shapes = {{1, 1, 1},   {3, 7, 1},    {40, 10, 1},  {17, 63, 1},  {3, 64, 1},
                                   {5, 65, 1},  {2, 127, 1},  {3, 128, 1},  {2, 1001, 1}, {1, 5, 3},
                                   {2, 200, 7}, {3, 4, 16},   {20, 9, 5},   {2, 9, 33},   {1, 70, 64},
                                   {2, 3, 101}, {2, 40, 384}, {1, 700, 128}};

Tensor exp_of_log_softmax(const Tensor& x) {
  const reference::Array logs = reference::log_softmax(reference::from_tensor(x), 1);
  std::vector<double> shares;
  for (const reference::Number each : logs.values) shares.push_back(static_cast<double>(std::exp(each)));
  return tensor(shares, x.shape());
}

Tensor some_classes(std::int64_t samples, std::int64_t classes) {
  std::vector<std::int64_t> numbers;
  for (std::int64_t i = 0; i < samples; ++i) numbers.push_back(i * 7 % classes);
  return tensor(numbers);
}

TEST(SoftmaxKernels, agree_with_plain_loops_for_lines_of_every_kind) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  for (const Shape& shape : shapes)
    for (const DType dtype : {DType::float32, DType::float64}) {
      SCOPED_TRACE(testing::PrintToString(shape));
      const double tolerance = dtype == DType::float32 ? 2e-6 : 1e-14;
      const Tensor x = variable(cast(random_tensor(shape, engine, -9, 9), dtype)),
                   g = cast(random_tensor(shape, engine), dtype), shares = exp_of_log_softmax(x),
                   logs = log(shares);
      const Tensor y = softmax(x, 1), z = log_softmax(x, 1), total = logsumexp(x, 1, true);
      EXPECT_TRUE(close(y, shares, tolerance));
      EXPECT_TRUE(close(z, logs, 4 * tolerance));
      EXPECT_TRUE(close(x - total, logs, 4 * tolerance));
      const auto gradient = [&](const Tensor& of) { return gradients(of, {x}, {.seed = g}).at(x); };
      EXPECT_TRUE(close(gradient(y), shares * (g - sum(shares * g, 1, true)), tolerance));
      EXPECT_TRUE(close(gradient(z), g - shares * sum(g, 1, true), 10 * tolerance));
      EXPECT_TRUE(close(gradients(sum(total), {x}).at(x), shares, tolerance));
    }
}

TEST(SoftmaxKernels, keep_what_is_not_finite_to_its_line) {
  for (const Shape& shape : shapes) {
    SCOPED_TRACE(testing::PrintToString(shape));
    const std::int64_t n = shape[1];
    for (const double special : {std::nan(""), -infinity, infinity}) {
      Engine engine(1);
      std::vector<double> numbers = values(random_tensor(shape, engine));
      numbers.back() = special;  // in the last line
      const Tensor x = tensor(numbers, shape), y = softmax(x, 1), z = log_softmax(x, 1);
      const auto shares = values(y), logs = values(z);
      for (std::int64_t i = 0; i < x.size(); ++i) {
        const bool last_line = i / (n * shape[2]) == shape[0] - 1 && i % shape[2] == shape[2] - 1;
        if (!last_line) {
          EXPECT_TRUE(shares[i] > 0 && std::isfinite(logs[i]));
        } else if (std::isnan(special)) {
          EXPECT_TRUE(std::isnan(shares[i]) && std::isnan(logs[i]));
        } else if (special < 0) {
          EXPECT_EQ(shares[i] == 0, i == x.size() - 1);
          EXPECT_EQ(logs[i] == -infinity, i == x.size() - 1);
        } else {
          EXPECT_EQ(shares[i], i == x.size() - 1 ? 1 : 0);
          EXPECT_EQ(logs[i], i == x.size() - 1 ? 0 : -infinity);
        }
      }
    }
  }
}

TEST(SoftmaxKernels, add_up_long_lines_as_accurately_as_pairs) {
  constexpr std::int64_t n = (1 << 22) + 5;
  std::vector<float> x(n, -2.3F);
  x[n / 2] = 0;
  const double expected = std::log(1 + (n - 1) * std::exp(static_cast<double>(-2.3F)));
  EXPECT_NEAR(logsumexp(tensor(x)).item(), expected, 2e-6);
  EXPECT_NEAR(logsumexp(tensor(x, {n, 1}), 0).item(), expected, 2e-6);
  EXPECT_NEAR(cross_entropy(tensor(x, {1, n}), tensor({n / 2})).item(), expected, 2e-6);
}

TEST(CrossEntropyKernel, agrees_with_its_definition_for_rows_of_every_length) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  for (const std::int64_t samples : {1, 15, 33})
    for (const std::int64_t classes : {1, 2, 10, 17, 63, 64, 65, 200, 1001})
      for (const DType dtype : {DType::float32, DType::float64}) {
        SCOPED_TRACE(std::to_string(samples) + " samples of " + std::to_string(classes));
        const double tolerance = dtype == DType::float32 ? 3e-6 : 1e-14;
        const Tensor z = variable(cast(random_tensor({samples, classes}, engine, -9, 9), dtype));
        const Tensor y = some_classes(samples, classes);
        const Tensor truth = cast(reshape(y, {samples, 1}) == arange(0, classes), dtype);
        const Tensor shares = softmax(cast(random_tensor({samples, classes}, engine), dtype), 1) * 3;
        const Tensor g = cast(random_tensor({samples}, engine), dtype), column = reshape(g, {samples, 1});
        const Tensor logs = log_softmax(z, 1), probabilities = exp(logs);

        const Tensor losses = cross_entropy(z, y, Reduction::none);
        EXPECT_TRUE(close(losses, -sum(truth * logs, 1), 4 * tolerance));
        EXPECT_TRUE(
            close(gradients(losses, {z}, {.seed = g}).at(z), (probabilities - truth) * column, tolerance));
        const Tensor mean_loss = cross_entropy(z, y);
        EXPECT_TRUE(close(gradients(mean_loss, {z}).at(z),
                          (probabilities - truth) / static_cast<double>(samples), tolerance));
        EXPECT_TRUE(close(gradients(mean_loss * -3, {z}).at(z),
                          (probabilities - truth) * (-3.0 / static_cast<double>(samples)), 3 * tolerance));

        const Tensor softly = cross_entropy(z, shares, Reduction::none);
        EXPECT_TRUE(close(softly, -sum(shares * logs, 1), 12 * tolerance));
        EXPECT_TRUE(close(gradients(softly, {z}, {.seed = g}).at(z),
                          (probabilities * sum(shares, 1, true) - shares) * column, 3 * tolerance));
      }
}

TEST(CrossEntropyKernel, gives_the_same_loss_with_and_without_a_gradient) {
  Engine engine(5);
  for (const std::int64_t classes : {10, 1000}) {
    const Tensor z = random_tensor({20, classes}, engine), y = some_classes(20, classes);
    EXPECT_EQ(cross_entropy(z, y).item(), cross_entropy(variable(z), y).item());
  }
}

TEST(CrossEntropyKernel, gives_its_gradient_any_number_of_times) {
  const Tensor z = variable({{1.0, 2.0}, {3.0, 5.0}});
  const Tensor loss = cross_entropy(z, tensor({0, 1}));
  loss.backward();
  const auto once = values(z.grad());
  loss.backward();
  EXPECT_TRUE(close(z.grad(), {2 * once[0], 2 * once[1], 2 * once[2], 2 * once[3]}));
  EXPECT_EQ(values(gradients(loss, {z}).at(z)), once);
}

TEST(SoftmaxKernels, give_the_same_bits_with_any_number_of_threads) {
  Engine engine(9);
  for (const Shape& shape :
       {Shape{301, 1001, 1}, Shape{40001, 10, 1}, Shape{3, 100, 1003}, Shape{3, 100, 1152}}) {
    const Tensor x = variable(cast(random_tensor(shape, engine, -5, 5), DType::float32));
    const Tensor target = zeros({shape[0], shape[2]}, DType::int64);
    const auto all = [&](int threads) {
      const ThreadCount guard(threads);
      std::vector<std::vector<double>> results;
      for (const Tensor& y : {softmax(x, 1), log_softmax(x, 1), logsumexp(x, 1)}) {
        results.push_back(values(y));
        results.push_back(values(gradients(sum(y * y), {x}).at(x)));
      }
      if (shape[2] == 1) {
        const Tensor loss = cross_entropy(reshape(x, {shape[0], shape[1]}), reshape(target, {shape[0]}));
        results.push_back(values(loss));
        results.push_back(values(gradients(loss, {x}).at(x)));
      }
      return results;
    };
    EXPECT_EQ(all(1), all(3));
  }
}

}  // namespace
}  // namespace chainrule::test
