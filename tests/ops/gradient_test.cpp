// The derivative of every operation against differences, in every mode and of second order, for each row of
// the table.

#include <algorithm>

#include "chainrule/autograd.h"
#include "chainrule/graph.h"
#include "differences.h"
#include "op_cases.h"

namespace chainrule::test {
namespace {

/// Repeats a check for each differentiable operation with random inputs of each of its shapes.
class EveryDerivative : public ::testing::TestWithParam<Case> {
 protected:
  struct Sample {
    Inputs inputs;     ///< variables and constants
    Inputs variables;  ///< only the variables
    Tensor result;
    Tensor projection;  ///< a random direction in the result's space
  };

  template <class Check>
  void for_random_inputs(Check check) {
    for_random_inputs(GetParam().variant->shapes, check);
  }

  template <class Check>
  void for_random_inputs(const std::vector<Shapes>& all_shapes, Check check) {
    PRINT_SEED_ON_FAILURE();
    Engine engine(seed());
    const Case& one = GetParam();
    for (const Shapes& shapes : all_shapes) {
      std::string trace = "inputs of shape";
      for (const Shape& shape : shapes) trace += " " + to_string(shape);
      SCOPED_TRACE(trace);
      Sample sample;
      sample.inputs = as_variables(one, one.draw(shapes, engine));
      sample.variables = differentiable_inputs(one, sample.inputs);
      sample.result = one.variant->call(sample.inputs);
      sample.projection = random_like({sample.result}, engine).front();
      check(sample, engine);
    }
  }

  /// Calls check(place, input) for each differentiable input.
  template <class Check>
  void for_each_variable(const Sample& sample, Check check) {
    for (std::size_t place = 0; place < sample.inputs.size(); ++place) {
      if (!is_differentiable(GetParam(), place)) continue;
      SCOPED_TRACE("input " + std::to_string(place));
      check(place, sample.inputs[place]);
    }
  }

  /// The gradient of every variable, along a random direction, against central differences.
  void expect_agreement_with_central_differences(const Sample& sample, Engine& engine) {
    const Gradients g = gradients(sample.result, sample.variables, {.seed = sample.projection});
    for_each_variable(sample, [&](std::size_t place, const Tensor& input) {
      const Tensor gradient = g.at(input);
      ASSERT_EQ(to_string(gradient.shape()), to_string(input.shape()));
      ASSERT_EQ(gradient.dtype(), input.dtype());
      if (input.size() == 0) return;
      const Tensor direction = random_tensor(input.shape(), engine);
      const double expected = slope(
          [&](const Tensor& moved) {
            return dot(GetParam().variant->call(replaced(sample.inputs, place, moved)), sample.projection);
          },
          input, direction);
      EXPECT_NEAR(dot(gradient, direction), expected, allowance(tolerance(), expected, input.size()));
    });
  }

  double tolerance() const { return GetParam().row->gradient_tolerance; }
};

TEST_P(EveryDerivative, agrees_with_central_differences) {
  for_random_inputs([&](const Sample& sample, Engine& engine) {
    expect_agreement_with_central_differences(sample, engine);
  });
}

// The gradient of a sum is the same along the axes summed over, and travels with size 1 along them as far as
// the operations that it meets allow.
TEST_P(EveryDerivative, is_the_same_for_a_gradient_that_arrives_unexpanded) {
  for_random_inputs([&](const Sample& sample, Engine& engine) {
    const Tensor& y = sample.result;
    const double accuracy = y.dtype() == DType::float32 ? 1e-5 : 1e-12;
    const auto expect_equal = [&](const Tensor& loss, const Tensor& seed) {
      const Gradients g = gradients(loss, sample.variables);
      const Gradients expected = gradients(y, sample.variables, {.seed = seed});
      for_each_variable(sample, [&](std::size_t, const Tensor& input) {
        ASSERT_EQ(to_string(g.at(input).shape()), to_string(input.shape()));
        const auto a = g.at(input).to_vector<double>(), b = expected.at(input).to_vector<double>();
        for (std::size_t i = 0; i < a.size(); ++i)
          EXPECT_NEAR(a[i], b[i], allowance(accuracy, b[i], y.size()));
      });
    };
    expect_equal(sum(y), ones_like(y));
    expect_equal(-2 * sum(tanh(y) + y), -2 * (2 - square(tanh(y.detach()))));
    for (std::size_t axis = 0; axis < y.rank(); ++axis) {
      SCOPED_TRACE("summed over axis " + std::to_string(axis));
      const auto which = static_cast<std::int64_t>(axis);
      const Tensor weight = random_like({sum(y.detach(), which, true)}, engine).front();
      const Tensor seed = broadcast_to(weight, y.shape());
      expect_equal(sum(sum(y, which, true) * weight), seed);
      expect_equal(sum(sum(-y, which) * -reshape(weight, sum(y, which).shape())), seed);
    }
  });
}

TEST_P(EveryDerivative, can_itself_be_differentiated) {
  for_random_inputs([&](const Sample& sample, Engine& engine) {
    const Inputs weights = random_like(sample.variables, engine);
    // sum over the inputs of <gradient, weight>, as a number and as a graph
    const auto weighted = [&](const Inputs& inputs, bool create_graph) {
      const Inputs variables = differentiable_inputs(GetParam(), inputs);
      const Gradients g = gradients(GetParam().variant->call(inputs), variables,
                                    {.seed = sample.projection, .create_graph = create_graph});
      Tensor total = tensor(0.0);
      for (std::size_t i = 0; i < variables.size(); ++i) total = total + sum(g.at(variables[i]) * weights[i]);
      return total;
    };
    const Gradients second = gradients(weighted(sample.inputs, true), sample.variables);
    for_each_variable(sample, [&](std::size_t place, const Tensor& input) {
      const Tensor gradient = second.at(input);
      ASSERT_EQ(to_string(gradient.shape()), to_string(input.shape()));
      if (input.size() == 0) return;
      const Tensor direction = random_tensor(input.shape(), engine);
      const double expected = slope(
          [&](const Tensor& moved) {
            return weighted(replaced(sample.inputs, place, variable(moved)), false).item();
          },
          input, direction);
      EXPECT_NEAR(dot(gradient, direction), expected, allowance(10 * tolerance(), expected, input.size()));
    });
  });
}

TEST_P(EveryDerivative, forward_and_backward_are_each_others_transpose) {
  for_random_inputs([&](const Sample& sample, Engine& engine) {
    const Gradients g = gradients(sample.result, sample.variables, {.seed = sample.projection});
    for_each_variable(sample, [&](std::size_t, const Tensor& input) {
      const Tensor direction = random_like({input}, engine).front();
      const Tensor tangent = jvp(sample.result, input, direction);
      ASSERT_EQ(to_string(tangent.shape()), to_string(sample.result.shape()));
      if (input.size() == 0 || sample.result.size() == 0) return;
      const double expected = dot(direction, g.at(input));
      const double accuracy = sample.result.dtype() == DType::float32 ? 1e-5 : 1e-12;
      EXPECT_NEAR(dot(tangent, sample.projection), expected, allowance(accuracy, expected, input.size()));
    });
  });
}

TEST_P(EveryDerivative, is_the_same_in_float32_as_in_float64) {
  const Case& one = GetParam();
  for_random_inputs([&](const Sample& sample, Engine&) {
    const auto gradients_in = [&](DType dtype) {
      const Inputs rounded = converted(converted(sample.inputs, DType::float32), dtype);
      const Inputs inputs = as_variables(one, rounded);
      const Inputs variables = differentiable_inputs(one, inputs);
      const Tensor result = one.variant->call(inputs);
      const Tensor projection = converted({sample.projection}, result.dtype()).front();
      const Gradients g = gradients(result, variables, {.seed = projection});
      Inputs each;
      for (const Tensor& input : variables) each.push_back(g.at(input));
      return each;
    };
    const Inputs in_single = gradients_in(DType::float32);
    const Inputs in_double = gradients_in(DType::float64);
    for (std::size_t i = 0; i < in_single.size(); ++i) {
      EXPECT_EQ(in_single[i].dtype(), DType::float32);
      EXPECT_TRUE(close(in_single[i], in_double[i], 5 * one.row->float32_tolerance));
    }
  });
}

// Without a seed, and to the leaves: what most users call.
TEST_P(EveryDerivative, reaches_the_leaves_through_backward) {
  for_random_inputs([&](const Sample& sample, Engine&) {
    const Tensor loss = sum(sample.result * sample.projection);
    loss.backward();
    const Gradients g = gradients(sample.result, sample.variables, {.seed = sample.projection});
    for_each_variable(sample, [&](std::size_t, const Tensor& input) {
      EXPECT_TRUE(close(input.grad(), g.at(input), 1e-12));
    });
  });
}

INSTANTIATE_TEST_SUITE_P(Table, EveryDerivative, ::testing::ValuesIn(differentiable_cases()), case_name);

TEST(OperationTable, names_the_operations_that_derivatives_are_made_of) {
  Engine engine(seed());
  int count = 0;
  for (const Case& one : differentiable_cases()) {
    if (one.row->derivative.empty()) continue;
    const Inputs inputs = as_variables(one, one.draw(one.variant->shapes.front(), engine));
    const Inputs variables = differentiable_inputs(one, inputs);
    const Tensor result = one.variant->call(inputs);
    const Gradients g = gradients(result, variables, {.seed = ones_like(result), .create_graph = true});
    const Graph graph(g.at(variables.front()));
    const auto& nodes = graph.nodes();
    EXPECT_TRUE(std::any_of(nodes.begin(), nodes.end(), [&](const GraphNode& node) {
      return node.operation == one.row->derivative;
    })) << one;
    ++count;
  }
  EXPECT_GT(count, 0);
}

class EveryElementwiseDerivative : public EveryDerivative {};

TEST_P(EveryElementwiseDerivative, is_summed_over_the_axes_that_were_broadcast) {
  std::vector<Shapes> fitting;
  for (const Shapes& shapes : combinations_of_shapes(GetParam().inputs().size()))
    if (reference::can_broadcast(shapes)) fitting.push_back(shapes);
  for_random_inputs(fitting, [&](const Sample& sample, Engine& engine) {
    expect_agreement_with_central_differences(sample, engine);
  });
}

INSTANTIATE_TEST_SUITE_P(Table, EveryElementwiseDerivative, ::testing::ValuesIn([] {
                           std::vector<Case> some;
                           for (const Case& one : differentiable_cases())
                             if (one.row->scalar) some.push_back(one);
                           return some;
                         }()),
                         case_name);

}  // namespace
}  // namespace chainrule::test
