// A derivative declares which values it reads, and the others are released with their last handle. These
// tests drop every handle before they differentiate, so that a value which was not declared is gone, and
// compare with a graph that keeps everything.

#include "chainrule/autograd.h"
#include "differences.h"
#include "op_cases.h"

namespace chainrule::test {
namespace {

class DeclaredReads : public ::testing::TestWithParam<Case> {
 protected:
  /// Runs check(shapes, mask) for every way in which some of the differentiable inputs, those in the mask,
  /// need a gradient and the others do not; once with inputs that are dropped after the call, and once with
  /// temporaries, whose handles the operation takes over.
  template <class Check>
  void for_each_subset(Check check) {
    PRINT_SEED_ON_FAILURE();
    for (const Shapes& shapes : GetParam().variant->shapes) {
      if (shapes.size() > 3 || shapes.front().size() > 100) continue;
      for (unsigned mask = 1; mask < 1U << shapes.size(); ++mask) {
        bool possible = true;
        std::string trace;
        for (std::size_t i = 0; i < shapes.size(); ++i) {
          const bool wanted = (mask >> i & 1) != 0;
          possible = possible && (!wanted || is_differentiable(GetParam(), i));
          trace += to_string(shapes[i]) + (wanted ? " with a gradient; " : " without; ");
        }
        for (const bool temporaries : {false, true}) {
          SCOPED_TRACE(trace + (temporaries ? "as temporaries" : "as variables"));
          as_temporaries_ = temporaries;
          if (possible) check(shapes, mask);
        }
      }
    }
  }

  struct Built {
    Inputs leaves;
    Tensor loss;
  };

  /// sum(operation(inputs · 1) · projection), of which only the leaves and the loss are still held.
  Built build(const Shapes& shapes, unsigned mask) const {
    Engine engine(seed());
    Built built;
    Inputs inputs = GetParam().draw(shapes, engine);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if ((mask >> i & 1) == 0) continue;
      built.leaves.push_back(variable(inputs[i]));
      inputs[i] = built.leaves.back() * 1.0;
    }
    const Tensor result =
        as_temporaries_ ? GetParam().variant->call(std::move(inputs)) : GetParam().variant->call(inputs);
    inputs.clear();
    const Tensor projection = random_like({result}, engine).front();
    built.loss = sum(result * projection);
    return built;
  }

  static Inputs all(const Gradients& g, const Inputs& leaves) {
    Inputs result;
    for (const Tensor& leaf : leaves) result.push_back(g.at(leaf));
    return result;
  }

  static void expect_equal(const Inputs& actual, const Inputs& expected) {
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_TRUE(close(actual[i], expected[i], 1e-14));
  }

 private:
  bool as_temporaries_ = false;
};

TEST_P(DeclaredReads, are_all_that_the_derivative_reads) {
  for_each_subset([&](const Shapes& shapes, unsigned mask) {
    const auto differentiated = [&] {
      const Built built = build(shapes, mask);
      return all(gradients(built.loss, built.leaves), built.leaves);
    };
    const Inputs kept = [&] {
      const KeepValues keep;
      return differentiated();
    }();
    expect_equal(differentiated(), kept);
  });
}

TEST_P(DeclaredReads, are_all_that_the_second_derivative_reads) {
  for_each_subset([&](const Shapes& shapes, unsigned mask) {
    const auto differentiated = [&] {
      const Built built = build(shapes, mask);
      Tensor total = tensor(0.0);
      {
        const Gradients g = gradients(built.loss, built.leaves, {.create_graph = true});
        for (const Tensor& leaf : built.leaves) total = total + sum(square(g.at(leaf)));
      }
      return all(gradients(total, built.leaves), built.leaves);
    };
    const Inputs kept = [&] {
      const KeepValues keep;
      return differentiated();
    }();
    expect_equal(differentiated(), kept);
  });
}

TEST_P(DeclaredReads, are_enough_for_a_backward_that_consumes_the_graph) {
  for_each_subset([&](const Shapes& shapes, unsigned mask) {
    Built built = build(shapes, mask);
    const Inputs expected = all(gradients(built.loss, built.leaves), built.leaves);
    std::move(built.loss).backward();
    Inputs accumulated;
    for (const Tensor& leaf : built.leaves) accumulated.push_back(leaf.grad());
    expect_equal(accumulated, expected);
  });
}

INSTANTIATE_TEST_SUITE_P(Table, DeclaredReads, ::testing::ValuesIn(differentiable_cases()), case_name);

}  // namespace
}  // namespace chainrule::test
