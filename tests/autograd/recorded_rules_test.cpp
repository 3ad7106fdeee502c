// An operation has one way to compute its gradient when only numbers are wanted, and another where these are
// to be differentiated again. Both give the same, also for ties, at kinks and for special values.

#include <cmath>
#include <limits>

#include "chainrule/autograd.h"
#include "chainrule/random.h"
#include "differences.h"
#include "op_cases.h"

namespace chainrule::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

class RecordedRules : public ::testing::TestWithParam<Case> {
 protected:
  static Tensor drawn_from(const std::vector<double>& pool, const Shape& shape, Engine& engine) {
    std::vector<double> numbers(static_cast<std::size_t>(shape.size()));
    std::uniform_int_distribution<std::size_t> choice(0, pool.size() - 1);
    for (double& number : numbers) number = pool[choice(engine)];
    return tensor(numbers, shape);
  }

  /// Inputs whose elements are drawn from these, in float32 and float64, against what comes from above drawn
  /// from `seeds`. Where these are no inputs for the operation, those of its row.
  void expect_agreement(const std::vector<double>& pool, const std::vector<double>& seeds) {
    PRINT_SEED_ON_FAILURE();
    Engine engine(seed());
    const Case& one = GetParam();
    for (int round = 0; round < 4; ++round)
      for (const Shapes& shapes : one.variant->shapes) {
        if (shapes.front().size() > 100) continue;
        Inputs inputs = one.draw(shapes, engine);
        for (std::size_t i = 0; i < inputs.size(); ++i)
          if (is_differentiable(one, i) && !one.row->own_inputs)
            inputs[i] = drawn_from(pool, shapes[i], engine);
        for (const DType dtype : {DType::float64, DType::float32})
          expect_agreement(as_variables(one, converted(inputs, dtype)), seeds, engine);
      }
  }

 private:
  static void expect_agreement(const Inputs& inputs, const std::vector<double>& seeds, Engine& engine) {
    const Inputs variables = differentiable_inputs(GetParam(), inputs);
    const Tensor result = GetParam().variant->call(inputs);
    const Tensor above = cast(drawn_from(seeds, result.shape(), engine), result.dtype());
    const Gradients numbers = gradients(result, variables, {.seed = above}),
                    recorded = gradients(result, variables, {.seed = above, .create_graph = true});
    for (const Tensor& input : variables) {
      const auto a = values(recorded.at(input)), b = values(numbers.at(input));
      for (std::size_t i = 0; i < a.size(); ++i)
        EXPECT_TRUE(agree(a[i], b[i], result.dtype() == DType::float64 ? 1e-12 : 1e-5))
            << "element " << i << ": recorded " << a[i] << ", in numbers " << b[i] << "; inputs "
            << ::testing::PrintToString(values(inputs[0])) << " "
            << (inputs.size() > 1 ? ::testing::PrintToString(values(inputs[1])) : "") << ", above "
            << ::testing::PrintToString(values(above));
    }
  }
};

TEST_P(RecordedRules, agree_with_those_in_numbers_on_ties) {
  expect_agreement({-1, 0, 1, 2}, {-1, 0, 0.5, 2});
}

TEST_P(RecordedRules, agree_with_those_in_numbers_on_special_values) {
  expect_agreement({nan, infinity, -infinity, 0.0, -0.0, 1, -2, 40, -40}, {-1, 0, 0.5, 2});
}

TEST_P(RecordedRules, agree_with_those_in_numbers_on_huge_and_tiny_ones) {
  expect_agreement({1e15, -1e15, 1e-15, -1e-15, 0, 90, -90, 1}, {-1, 0, 0.5, 2});
}

INSTANTIATE_TEST_SUITE_P(Table, RecordedRules, ::testing::ValuesIn(differentiable_cases()), case_name);

/// g shared evenly among the elements of a (2, 3, 4) x that equal the extremum over the axes.
std::vector<double> even_shares(const std::vector<double>& x, const std::vector<double>& g,
                                const std::vector<bool>& over, bool largest) {
  const auto group_of = [&](std::size_t i) {
    const std::size_t at[] = {i / 12, i / 4 % 3, i % 4};
    std::size_t group = 0;
    for (std::size_t axis = 0; axis < 3; ++axis)
      if (!over[axis]) group = group * (2 + axis) + at[axis];
    return group;
  };
  std::vector<double> shares(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    int ties = 0;
    bool is_extreme = true;
    for (std::size_t j = 0; j < x.size(); ++j) {
      if (group_of(j) != group_of(i)) continue;
      ties += x[j] == x[i] ? 1 : 0;
      is_extreme = is_extreme && (largest ? x[j] <= x[i] : x[j] >= x[i]);
    }
    shares[i] = is_extreme ? g[group_of(i)] / ties : 0;
  }
  return shares;
}

TEST(Extrema, share_the_gradient_of_ties_evenly_over_any_axes_in_every_mode) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  for (unsigned mask = 1; mask < 8; ++mask)
    for (const bool largest : {true, false}) {
      std::vector<std::int64_t> axes;
      std::vector<bool> over;
      for (std::int64_t axis = 0; axis < 3; ++axis) {
        over.push_back((mask >> axis & 1) != 0);
        if (over.back()) axes.push_back(axis);
      }
      std::vector<double> numbers(24);
      for (double& number : numbers) number = std::uniform_int_distribution<int>(0, 2)(engine);
      const Tensor x = variable(tensor(numbers, {2, 3, 4}));
      const Tensor y = largest ? max(x, axes) : min(x, axes);
      const Tensor g = random_tensor(y.shape(), engine);
      const auto expected = even_shares(numbers, values(g), over, largest);
      for (const bool create_graph : {false, true})
        EXPECT_TRUE(close(gradients(y, {x}, {.seed = g, .create_graph = create_graph}).at(x), expected))
            << "axes mask " << mask << (create_graph ? ", recorded" : "");
      EXPECT_NEAR(dot(jvp(y, x, ones_like(x)), g), sum(tensor(expected)).item(), 1e-12);
    }
}

TEST(ProductOfARow, has_the_same_gradient_to_the_bit_in_numbers_and_recorded) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  std::uniform_real_distribution<double> any(-2, 2);
  for (const std::int64_t n : {1, 2, 3, 7, 16, 63, 64, 65, 131})
    for (const std::int64_t lines : {1, 5, 33})
      for (const DType dtype : {DType::float32, DType::float64}) {
        std::vector<double> numbers(static_cast<std::size_t>(n * lines));
        for (double& number : numbers) number = engine() % 50 == 0 ? 0 : any(engine);
        const Tensor x = variable(cast(tensor(numbers, {n, lines}), dtype)), y = prod(x, 0);
        const Tensor seed = full({lines}, 1.5, dtype);
        EXPECT_EQ(values(gradients(y, {x}, {.seed = seed}).at(x)),
                  values(gradients(y, {x}, {.seed = seed, .create_graph = true}).at(x)))
            << n << ' ' << lines;
      }
}

TEST(SlicesOfALargeTensor, have_the_same_gradient_in_numbers_and_recorded) {
  Generator generator(3);
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Tensor x = variable(randn({6, 41, 50}, generator, dtype));
    const Tensor left = x[{Slice{}, Slice{}, Slice{0, 25}}], right = x[{Slice{}, Slice{}, Slice{25, 50}}],
                 steps = x[{Slice{0, 6, 2}, Slice{40, 0, -2}, Slice{1, 26}}], row = x[3];
    const Tensor y = sum(left * right) + sum(square(steps)) + sum(row) + sum(x[{Slice{}, 7, Slice{}}]);
    EXPECT_EQ(values(gradients(y, {x}).at(x)), values(gradients(y, {x}, {.create_graph = true}).at(x)));
  }
}

}  // namespace
}  // namespace chainrule::test
