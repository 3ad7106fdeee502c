// Results are the same to the bit for any number of threads. support.h reads and compares tensors.

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "chainrule/autograd.h"
#include "chainrule/data.h"
#include "chainrule/map.h"
#include "chainrule/memory.h"
#include "chainrule/nn.h"
#include "chainrule/optim.h"
#include "chainrule/random.h"
#include "io/elements.h"
#include "op_cases.h"
#include "thread_counts.h"

namespace chainrule::test {
namespace {

using Bits = std::vector<std::vector<std::byte>>;

/// Large enough for several parts of everything.
constexpr std::int64_t large = thread_sanitized ? 150'000 : 300'000;

std::vector<std::byte> bits_of(const Tensor& tensor) {
  const std::string_view bytes = bytes_of(tensor);
  const auto* const first = reinterpret_cast<const std::byte*>(bytes.data());
  return {first, first + bytes.size()};
}

/// Runs compute() with each number of threads and compares what it returns.
template <class Compute>
void expect_same_bits(Compute compute) {
  Bits alone;
  with_each_thread_count([&](int threads) {
    const Bits now = compute();
    if (threads == 1) alone = now;
    EXPECT_TRUE(now == alone) << "with " << threads << " threads";
  });
}

/// Every size of at least 2 multiplied by the same number, so that what was equal, as the inner sizes of a
/// product, still is.
Shapes enlarged(const Shapes& shapes, std::int64_t factor) {
  Shapes result;
  for (const Shape& shape : shapes) {
    std::vector<std::int64_t> sizes(shape.begin(), shape.end());
    for (std::int64_t& size : sizes)
      if (size > 1) size *= factor;
    result.emplace_back(sizes);
  }
  return result;
}
Shapes of_large_size(const Shapes& shapes, std::int64_t size) {
  for (std::int64_t factor = 1; factor < 2 * size; factor += 1 + factor / 8) {
    const Shapes result = enlarged(shapes, factor);
    for (const Shape& shape : result)
      if (shape.size() >= size) return result;
  }
  return shapes;
}

/// Decompositions take a time that grows faster than their size, and what is made of other operations many
/// passes; but those operations are compared at the full size themselves. So do products, which the thread
/// sanitizer sees cut into parts at smaller sizes, too.
bool is_slow(const OpCase& row) {
  if (row.composed) return true;
  if (thread_sanitized && std::set<std::string>{"convolution", "transposed_convolution", "convolution_weight",
                                                "linear", "matmul", "cholesky"}
                              .contains(row.operation))
    return true;
  const std::set<std::string> slow = {"matrix_exp", "matrix_power", "cond",  "pinv",     "svd", "svdvals",
                                      "eigh",       "eigvalsh",     "qr",    "lstsq",    "det", "slogdet",
                                      "polygamma",  "pdist",        "cdist", "attention"};
  return slow.contains(row.operation);
}

class LargeOperation : public ::testing::TestWithParam<Case> {};

TEST_P(LargeOperation, gives_the_same_bits_with_any_number_of_threads) {
  PRINT_SEED_ON_FAILURE();
  const Case& one = GetParam();
  if (sanitized && one.row->composed) GTEST_SKIP() << "of operations that are tested themselves";
  // The sanitizer sees the same accesses in fewer elements.
  const std::int64_t size = (is_slow(*one.row) ? large / 16 : large) / (address_sanitized ? 8 : 1);
  Engine engine(seed());
  int compared = 0;
  for (const Shapes& shapes : one.variant->shapes) {
    // What is called with sizes of its own, as reshape, takes no others.
    for (const Shapes& sizes : {of_large_size(shapes, size), shapes}) {
      const Inputs drawn = one.draw(sizes, engine);
      try {
        // What makes far more than it is given, as a matrix from its diagonal, is compared when small.
        const TensorLimit limit(20 * large * sizeof(double));
        one.variant->call(Arguments(drawn));
      } catch (const ShapeError&) {
        continue;
      } catch (const MemoryError&) {
        continue;
      }
      for (const DType dtype : {DType::float32, DType::float64}) {
        if (thread_sanitized && dtype == DType::float64) continue;  // the same loops
        const Inputs constants = converted(drawn, dtype);
        expect_same_bits([&] {
          const Inputs inputs = as_variables(one, constants);
          const Tensor result = one.variant->call(Arguments(inputs));
          Bits bits = {bits_of(result)};
          if (!result.requires_grad()) return bits;
          const Inputs variables = differentiable_inputs(one, inputs);
          const Gradients g = gradients(sum(square(result)), variables);
          for (const Tensor& each : variables) bits.push_back(bits_of(g.at(each)));
          return bits;
        });
      }
      ++compared;
      break;
    }
    if (compared == 2) break;  // further shapes are about broadcasting
  }
  EXPECT_GT(compared, 0);
}

INSTANTIATE_TEST_SUITE_P(Bits, LargeOperation, ::testing::ValuesIn(all_cases()), case_name);

TEST(Training, gives_the_same_bits_with_any_number_of_threads) {
  for (const std::int64_t batch : {32, 300, 1024}) {
    if (sanitized && batch != 300) continue;  // slow there
    Generator data(1);
    const Tensor x = rand({batch, 784}, data, DType::float32);
    std::vector<std::int64_t> classes;
    for (std::int64_t i = 0; i < batch; ++i) classes.push_back(data.below(10));
    const Tensor y = tensor(classes);
    expect_same_bits([&] {
      Generator weights(2);
      const Mlp network({784, 512, 300, 10}, weights);
      Sgd optimizer(network.parameters(),
                    {.learning_rate = 0.1, .momentum = batch == 300 ? 0.9 : 0.0, .weight_decay = 0.01});
      Bits bits;
      for (int step = 0; step < 3; ++step) {
        Tensor loss = cross_entropy(network(x), y);
        bits.push_back(bits_of(loss));
        std::move(loss).backward();
        optimizer.step();
      }
      for (const Parameter& parameter : network.parameters()) bits.push_back(bits_of(parameter.leaf()));
      return bits;
    });
  }
}

TEST(Formulas, give_the_same_bits_with_any_number_of_threads) {
  Engine engine(3);
  const std::int64_t rows = sanitized ? 203 : 1003;
  const Tensor row = random_tensor({1000}, engine), matrix = random_tensor({rows, 1000}, engine),
               column = random_tensor({rows, 1}, engine);
  for (const DType dtype : {DType::float32, DType::float64})
    expect_same_bits([&] {
      const Tensor x = variable(cast(matrix, dtype)), a = variable(cast(row, dtype)),
                   b = variable(cast(column, dtype));
      const Tensor one =
          map([](auto u, auto v, auto w) { return tanh(u * v + w) * sigmoid(u) + relu(u); }, x, a, b);
      const Tensor other = tanh(x * a + b) * sigmoid(x) + relu(x);
      const Tensor attention = matmul(softmax(matmul(x, transpose(x)) * 0.1, 1), x);
      const Tensor loss = mean(one) + sum(norm(other, 1)) + sum(logsumexp(attention, 0)) + max(x * b);
      const Gradients g = gradients(loss, {x, a, b});
      return Bits{bits_of(loss),    bits_of(one),     bits_of(attention),
                  bits_of(g.at(x)), bits_of(g.at(a)), bits_of(g.at(b))};
    });
}

TEST(Formulas, give_the_same_bits_in_higher_derivatives_with_any_number_of_threads) {
  Engine engine(4);
  const Tensor numbers = random_tensor({500, 700}, engine);
  expect_same_bits([&] {
    const Tensor x = variable(numbers);
    const Tensor first = gradients(sum(square(softmax(x, 1)) * exp(x)), {x}, {.create_graph = true}).at(x);
    return Bits{bits_of(first), bits_of(gradients(sum(square(first)), {x}).at(x))};
  });
}

TEST(RandomTensors, have_the_same_bits_with_any_number_of_threads) {
  expect_same_bits([] {
    Generator generator(5);
    return Bits{bits_of(rand({large}, generator)), bits_of(randn({large}, generator)),
                bits_of(randperm(large, generator))};
  });
}

}  // namespace
}  // namespace chainrule::test
