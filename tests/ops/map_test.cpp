// map against the same formula in operators: values, gradients, orders, dtypes, and errors in formulas. Rows
// for all checks are in op_cases_map.cpp.

#include "chainrule/map.h"

#include <gtest/gtest.h>

#include "chainrule/chainrule.h"
#include "chainrule/walk.h"

namespace chainrule {
namespace {

constexpr auto formula = [](auto x, auto a, auto b) { return tanh(x * a + b) * sigmoid(x) + relu(x); };

Tensor with_operators(const Tensor& x, const Tensor& a, const Tensor& b) {
  return tanh(x * a + b) * sigmoid(x) + relu(x);
}

std::vector<Tensor> operands(DType dtype) {
  Generator generator(7);
  return {randn({5, 37}, generator, dtype), randn({37}, generator, dtype), randn({5, 1}, generator, dtype)};
}

void expect_close(const Tensor& got, const Tensor& wanted, double tolerance) {
  ASSERT_EQ(got.shape(), wanted.shape());
  const auto a = got.to_vector<double>(), b = wanted.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_NEAR(a[i], b[i], tolerance * std::max(1.0, std::abs(b[i]))) << i;
}

TEST(Map, AgreesWithTheOperatorsInValueAndGradientsWhileBroadcasting) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    std::vector<Tensor> leaves;
    for (const Tensor& operand : operands(dtype)) leaves.push_back(variable(operand));
    const Tensor mapped = map(formula, leaves[0], leaves[1], leaves[2]);
    const Tensor plain = with_operators(leaves[0], leaves[1], leaves[2]);
    const double tolerance = dtype == DType::float32 ? 2e-5 : 1e-13;
    expect_close(mapped, plain, tolerance);
    const Gradients fused = gradients(sum(mapped), leaves), separate = gradients(sum(plain), leaves);
    for (const Tensor& leaf : leaves) {
      EXPECT_EQ(fused[leaf].dtype(), dtype);
      expect_close(fused[leaf], separate[leaf], tolerance);
    }
  }
}

TEST(Map, SendsExactlyNothingToWhatAFormulaDoesNotDependOn) {
  const double infinity = std::numeric_limits<double>::infinity();
  const Tensor x = variable({infinity, 2.0}), a = variable({3.0, 4.0}), b = variable({5.0, 6.0});
  const Gradients g = gradients(sum(map([](auto u, auto v, auto) { return u * v; }, x, a, b)), {x, a, b});
  EXPECT_EQ(g[x].to_vector<double>(), (std::vector{3.0, 4.0}));
  EXPECT_EQ(g[a].to_vector<double>(), (std::vector{infinity, 2.0}));
  EXPECT_EQ(g[b].to_vector<double>(), (std::vector{0.0, 0.0}));
}

TEST(Map, PassesNothingThroughZerosAmongElementsOfEveryKind) {
  const auto root = [](auto u, auto v) { return sqrt(relu(u)) * v; };  // its slopes are 0 times infinity
  const double infinity = std::numeric_limits<double>::infinity(), nan = std::nan("");
  constexpr std::int64_t size = 10000;  // several parts, of which some have none of them
  for (const DType dtype : {DType::float32, DType::float64}) {
    std::vector<double> seeds(size, 1), strange(size);
    Generator generator(3);
    const auto usual = rand({size}, generator, DType::float64).to_vector<double>();
    for (std::int64_t i = 0; i < size; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const double kinds[] = {-1, 0, infinity, nan, -infinity};
      const bool is_strange = i < size / 2 && i % 7 == 0;
      strange[at] = is_strange ? kinds[i % 5] : usual[at] + 0.5;
      if (i % 3 == 0) seeds[at] = 0;
    }
    const auto derivatives = [&](const std::vector<double>& elements, auto f) {
      const Tensor x = variable(cast(tensor(elements), dtype)), a = variable(cast(tensor(usual), dtype));
      const Tensor seed = variable(cast(tensor(seeds), dtype));
      const Gradients g = gradients(f(x, a), {x, a}, {.seed = seed, .create_graph = true});
      const Gradients second = gradients(sum(g[x]) + sum(g[a]), {x, a});
      std::vector<std::vector<double>> all;
      for (const Tensor& each : {g[x], g[a], second[x], second[a]})
        all.push_back(each.template to_vector<double>());
      return all;
    };
    const auto mapped = [&](const Tensor& x, const Tensor& a) { return map(root, x, a); };
    const auto got = derivatives(strange, mapped),
               wanted =
                   derivatives(strange, [](const Tensor&x, const Tensor&a) { return sqrt(relu(x)) * a; });
    std::vector<double> plain = strange;
    for (double& x : plain)
      if (!(x > 0 && x < infinity)) x = 1;
    const auto undisturbed = derivatives(plain, mapped);
    for (std::size_t k = 0; k < got.size(); ++k)
      for (std::size_t i = 0; i < got[k].size(); ++i) {
        const double a = got[k][i], b = wanted[k][i];
        const bool close = std::isfinite(b) ? std::abs(a - b) <= 1e-5 * std::max(1.0, std::abs(b))
                                            : a == b || (std::isnan(a) && std::isnan(b));
        EXPECT_TRUE(close) << k << " at " << strange[i] << ": " << a << ", the operations " << b;
        EXPECT_TRUE(strange[i] != plain[i] || a == undisturbed[k][i]) << k << " at " << strange[i];
      }
  }
}

TEST(Map, FollowsVariablesThatChangeOnTheWay) {
  const auto steps = [](auto x, auto a) {
    auto y = x - x;  // moves along x, then along both
    for (int i = 0; i < 3; ++i) y = where(y < 100, y * a + x, y);
    return y;
  };
  const Tensor x = variable({0.5, -2.0, 3.0}), a = variable({1.5, 0.3, 9.0});
  const Tensor expected = x * (a * a + a + 1);
  const Gradients fused = gradients(sum(map(steps, x, a)), {x, a}),
                  separate = gradients(sum(expected), {x, a});
  for (const Tensor& leaf : {x, a}) {
    const auto got = fused[leaf].to_vector<double>(), wanted = separate[leaf].to_vector<double>();
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(got[i], wanted[i], 1e-12);
  }
}

TEST(Map, IsOneNode) {
  const Tensor x = variable(1.0);
  EXPECT_EQ(Graph(map(formula, x, 2.0, 3.0)).output().operation, "map");
}

TEST(Map, MatchesDifferencesForEveryFunctionItKnows) {
  const auto check = [](const char* name, auto f, double low) {
    Generator generator(11);
    const Tensor x = rand({19}, generator, DType::float64) + low,
                 y = rand({19}, generator, DType::float64) + 0.3;
    const auto result = gradcheck([&](auto& in) { return map(f, in[0], in[1]); }, {x, y});
    EXPECT_TRUE(result.passed) << name << ": " << result.message;
    const auto second = gradcheck(
        [&](auto& in) {
          const Tensor loss = sum(map(f, in[0], in[1]) * in[1]);
          const Gradients g = gradients(loss, in, {.create_graph = true});
          return sum(square(g[in[0]])) + sum(g[in[1]] * in[0]);
        },
        {x, y}, {.tolerance = 1e-5});
    EXPECT_TRUE(second.passed) << name << " twice: " << second.message;
  };
  check(
      "arithmetic", [](auto x, auto y) { return (x + 2 * y - 1) * x / (y + 1) - -x; }, -0.5);
  check(
      "exp", [](auto x, auto y) { return exp(x * y); }, -0.5);
  check(
      "log", [](auto x, auto y) { return log(x) * y; }, 0.5);
  check(
      "sqrt", [](auto x, auto y) { return sqrt(x) * y; }, 0.5);
  check(
      "sin and cos", [](auto x, auto y) { return sin(x) * cos(y); }, -0.5);
  check(
      "tanh", [](auto x, auto y) { return tanh(x * y); }, -0.5);
  check(
      "sigmoid", [](auto x, auto y) { return sigmoid(x * y); }, -0.5);
  check(
      "pow", [](auto x, auto y) { return pow(x, y); }, 0.5);
  check(
      "square", [](auto x, auto y) { return square(x + y); }, -0.5);
  check(
      "abs, sign, relu", [](auto x, auto y) { return abs(x) * relu(y) + sign(x) * y; }, 0.1);
  check(
      "maximum, minimum", [](auto x, auto y) { return maximum(x, y + 2) * minimum(x, y - 3); }, 0.0);
  check(
      "a number first", [](auto x, auto y) { return logaddexp(1, x) * maximum(0.5, y) + pow(2, x) * y; },
      0.0);
  check(
      "where", [](auto x, auto y) { return where(x > 5, x * x, y * x); }, 0.0);
}

TEST(Map, CopiesWhatTheLambdaCaptures) {
  const Tensor x = variable({1.0, 2.0, 3.0});
  Tensor y;
  {
    const double rate = 0.5;
    y = map([rate](auto v) { return exp(v * -rate); }, x);
  }
  const Tensor slope = gradients(sum(y), {x})[x];
  expect_close(slope, -0.5 * exp(-0.5 * x), 1e-14);
}

TEST(Map, GivesDerivativesOfAnyOrder) {
  const Tensor x = variable(2.0);
  const Tensor y = map([](auto v) { return v * v * v; }, x);
  const Tensor first = gradients(y, {x}, {.create_graph = true})[x];
  EXPECT_DOUBLE_EQ(first.item(), 12);
  EXPECT_DOUBLE_EQ(gradients(first, {x})[x].item(), 12);
  const Tensor second = gradients(first, {x}, {.create_graph = true})[x];
  EXPECT_DOUBLE_EQ(second.item(), 12);
  const Tensor third = gradients(second, {x}, {.create_graph = true})[x];
  EXPECT_DOUBLE_EQ(third.item(), 6);
  EXPECT_DOUBLE_EQ(gradients(third, {x})[x].item(), 0);
}

TEST(Map, GivesTheThirdDerivativesOfTheOperatorsWhileBroadcasting) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    std::vector<Tensor> leaves;
    for (const Tensor& operand : operands(dtype)) leaves.push_back(variable(operand));
    const auto third = [&](const Tensor& y) {
      Tensor loss = sum(y * y);
      for (int order = 1; order < 3; ++order) {
        const Gradients g = gradients(loss, leaves, {.create_graph = true});
        loss = sum(square(g[leaves[0]])) + sum(g[leaves[1]]) + sum(g[leaves[2]] * leaves[2]);
      }
      return gradients(loss, leaves);
    };
    const Gradients fused = third(map(formula, leaves[0], leaves[1], leaves[2])),
                    separate = third(with_operators(leaves[0], leaves[1], leaves[2]));
    for (const Tensor& leaf : leaves) {
      EXPECT_EQ(fused[leaf].dtype(), dtype);
      expect_close(fused[leaf], separate[leaf], dtype == DType::float32 ? 2e-3 : 1e-11);
    }
  }
}

TEST(Map, HasAGradientWithADirectionalDerivative) {
  const Tensor x = variable({0.3, -0.7}), direction = tensor({1.0, 2.0});
  const Tensor first =
      gradients(sum(map([](auto v) { return exp(v) * v; }, x)), {x}, {.create_graph = true})[x];
  expect_close(jvp(first, x, direction), exp(x) * (x + 2) * direction, 1e-13);
}

TEST(Map, IsDifferentiatedWhileValuesAreKept) {
  const KeepValues keep;
  const Tensor x = variable({0.3, -0.7});
  const Tensor first =
      gradients(sum(map([](auto v) { return exp(v) * v; }, x)), {x}, {.create_graph = true})[x];
  expect_close(gradients(sum(first), {x})[x], exp(x) * (x + 2), 1e-13);
  const std::string text = walk_text(Walk(sum(first)));
  EXPECT_NE(text.find("map_gradient"), std::string::npos) << text;
}

TEST(Map, ChoosesBetweenNumbersInDerivativesOfAnyOrder) {
  const Tensor x = variable(tensor({-2.0F, 3.0F}));
  Tensor y = map([](auto v) { return where(v > 0, 1, -1) * v * v; }, x);
  y = gradients(sum(y), {x}, {.create_graph = true})[x];
  EXPECT_EQ(y.to_vector<double>(), (std::vector{4.0, 6.0}));
  EXPECT_EQ(gradients(sum(y), {x})[x].to_vector<double>(), (std::vector{-2.0, 2.0}));
  const Tensor second = gradients(sum(y), {x}, {.create_graph = true})[x];
  EXPECT_EQ(second.dtype(), DType::float32);
  EXPECT_EQ(second.to_vector<double>(), (std::vector{-2.0, 2.0}));
}

TEST(Map, OfAConstantHasDerivativesOfZero) {
  const Tensor x = variable({1.0, 2.0});
  const Tensor y = map([](auto) { return 3.0; }, x);
  EXPECT_EQ(y.to_vector<double>(), (std::vector{3.0, 3.0}));
  const Tensor first = gradients(sum(y), {x}, {.create_graph = true})[x];
  EXPECT_EQ(gradients(sum(first), {x}, {.create_graph = true})[x].to_vector<double>(),
            (std::vector{0.0, 0.0}));
}

TEST(Map, RefusesShapesThatDoNotBroadcast) {
  EXPECT_THROW(map([](auto a, auto b) { return a + b; }, zeros({2}), zeros({3})), ShapeError);
}

struct Complaint {};

TEST(Map, PassesOnWhatTheLambdaThrowsForAnyNumberOfElements) {
  for (const std::int64_t size : {10, 1000000, 3000000}) {
    const Tensor x = variable(ones({size}));
    EXPECT_THROW(map([](auto element) -> decltype(element) { throw Complaint(); }, x), Complaint);
    bool fails = false;
    const auto picky = [&fails](auto element) {
      if (fails) throw Complaint();
      return element * element;
    };
    const Tensor loss = sum(map(picky, x));
    fails = true;
    EXPECT_THROW(gradients(loss, {x}), Complaint);
    EXPECT_THROW(gradients(loss, {x}, {.create_graph = true}), Complaint);
    EXPECT_THROW(sum(map(picky, x) * 2), Complaint);
    fails = false;
    EXPECT_EQ(gradients(loss, {x})[x][size - 1].item(), 2) << "the graph is as it was";
  }
}

}  // namespace
}  // namespace chainrule
