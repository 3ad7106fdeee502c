// Forward mode: the tangent of each operation against differentiating twice in reverse, in first and second
// order; what it keeps, and what stops a tangent.

#include <algorithm>
#include <functional>

#include "chainrule/autograd.h"
#include "chainrule/custom_gradient.h"
#include "chainrule/derivatives.h"
#include "chainrule/linalg.h"
#include "chainrule/shaping.h"
#include "chainrule/vmap.h"
#include "differences.h"
#include "graph/traversal.h"
#include "op_cases.h"

namespace chainrule::test {
namespace {

/// A case as a function of its differentiable inputs.
struct Function {
  const Case& one;
  Inputs all;
  Tensor operator()(const std::vector<Tensor>& some) const {
    Inputs in = all;
    for (std::size_t i = 0, next = 0; i < in.size(); ++i)
      if (is_differentiable(one, i)) in[i] = some[next++];
    return one.variant->call(in);
  }
};

class ForwardModeOfOperation : public ::testing::TestWithParam<Case> {};

bool has_empty_handle(const Inputs& inputs) {
  for (const Tensor& each : inputs)
    if (each.is_empty()) return true;
  return false;
}

TEST_P(ForwardModeOfOperation, is_what_two_reverse_passes_give_and_the_transpose_of_one) {
  PRINT_SEED_ON_FAILURE();
  const Case& one = GetParam();
  Engine engine(seed());
  for (const Shapes& shapes : one.variant->shapes) {
    const Function f{one, one.draw(shapes, engine)};
    if (has_empty_handle(f.all)) continue;
    const Inputs x = differentiable_inputs(one, f.all), u = random_like(x, engine);
    const auto [value, tangent] = jvp(f, x, u);
    EXPECT_TRUE(close(value, f(x), 1e-13));
    const double tolerance = value.dtype() == DType::float32 ? 1e-5 : 1e-9;
    EXPECT_TRUE(close(tangent, linearize(f, x).push_forward(u), tolerance));
    const Tensor v = random_like({value}, engine).front();
    const std::vector<Tensor> pulled = vjp(f, x).pull_back(v);
    const double forward = dot(tangent, v);
    double reverse = 0;
    for (std::size_t i = 0; i < x.size(); ++i) reverse += dot(pulled[i], u[i]);
    EXPECT_NEAR(forward, reverse, tolerance * std::max(1.0, std::abs(reverse)));
  }
}

TEST_P(ForwardModeOfOperation, over_reverse_is_the_second_derivative) {
  PRINT_SEED_ON_FAILURE();
  const Case& one = GetParam();
  if (one.row->operation == "log_gamma_sample" || one.row->operation == "gamma") return;
  Engine engine(seed() + 1);
  for (const Shapes& shapes : one.variant->shapes) {
    const Function f{one, one.draw(shapes, engine)};
    if (has_empty_handle(f.all)) continue;
    const Inputs x = differentiable_inputs(one, f.all), u = random_like(x, engine);
    const Tensor w = random_like({f(x)}, engine).front();
    const auto number = [&](const std::vector<Tensor>& at) { return sum(f(at) * w); };
    const std::vector<Tensor> expected = hvp(number, x, u), actual = jvp(grad(number), x, u).tangent;
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_TRUE(close(actual[i], expected[i], 1e-8));
  }
}

INSTANTIATE_TEST_SUITE_P(, ForwardModeOfOperation, ::testing::ValuesIn(differentiable_cases()), case_name);

TEST(ForwardMode, keeps_no_graph) {
  const auto [value, tangent] = jvp([](const Tensor& x) { return tanh(x) * x; }, Tensor(0.5), Tensor(1.0));
  EXPECT_TRUE(value.is_leaf());
  EXPECT_TRUE(tangent.is_leaf());
  EXPECT_FALSE(tangent.requires_grad());
}

TEST(ForwardMode, is_stopped_by_detach_but_not_by_no_grad) {
  const auto f = [](const Tensor& x) { return x * x.detach() + no_grad([&] { return square(x); }); };
  EXPECT_EQ(jvp(f, Tensor(3.0), Tensor(1.0)).tangent.item(), 3 + 6);
}

TEST(ForwardMode, reads_elements_of_the_value) {
  const auto f = [](const Tensor& x) { return x > 1 ? x.item() * x : -x; };
  EXPECT_EQ(jvp(f, Tensor(3.0), Tensor(1.0)).tangent.item(), 3);
  EXPECT_EQ(jvp(f, Tensor(0.5), Tensor(1.0)).tangent.item(), -1);
}

TEST(ForwardMode, of_custom_gradients_follows_their_rule) {
  const auto wrong = custom_gradient(
      "wrong", [](const Tensor& x) { return square(x); },
      [](const Tensor& x, const Tensor&, const Tensor& g) { return 5 * x * g; });
  const auto f = [&](const Tensor& x) { return sum(wrong(x)); };
  const Tensor x = tensor({1.0, 2.0}), t = tensor({1.0, -1.0});
  EXPECT_EQ(jvp(f, x, t).tangent.item(), 5 - 10);
}

TEST(Jacobians, in_chunks_are_the_same) {
  const auto f = [](const Tensor& x) { return tanh(matmul(x, x)); };
  const Tensor x = tensor({{0.1, 0.4, -0.2}, {0.3, -0.5, 0.2}, {0.7, 0.1, 0.6}});
  const Tensor all = jacobian(f, {.mode = JacobianMode::reverse})(x);
  EXPECT_EQ(all.shape(), (Shape{3, 3, 3, 3}));
  for (const auto mode : {JacobianMode::reverse, JacobianMode::forward})
    for (const std::int64_t chunk : {0, 1, 4, 100})
      EXPECT_TRUE(close(jacobian(f, {.mode = mode, .chunk_size = chunk})(x), all, 1e-14));
  EXPECT_THROW((void)jacobian(f, {.chunk_size = -1})(x), std::invalid_argument);
}

TEST(ForwardMode, within_itself_has_the_derivatives_of_tanh) {
  const Tensor x = variable(tensor({-1.5, 0.0, 0.7, 20.0})), along = tensor({1.0, 2.0, -1.0, 3.0});
  const auto f = [](const Tensor& at) { return tanh(at); };
  const auto first = [&](const Tensor& at) { return jvp(f, at, along).tangent; };
  const Tensor second = jvp(first, x, along).tangent;
  const Tensor y = tanh(x.detach()), slope = square(2 / (exp(x.detach()) + exp(-x.detach())));
  EXPECT_TRUE(close(second, square(along) * (-2 * y * slope), 1e-14));
  EXPECT_TRUE(close(gradients(sum(second), {x}).at(x), square(along) * slope * (6 * square(y) - 2), 1e-14));
  EXPECT_TRUE(close(no_grad([&] { return jvp(first, x, along).tangent; }), second, 0));
}

/// The operations of a graph, and how many of them had been recorded before, with the same inputs.
std::pair<int, int> recorded_and_repeated(const Tensor& root) {
  const Traversal graph(*root.node(), Traversal::Nodes::all);
  std::pair<int, int> counts = {0, 0};
  for (std::size_t i = 0; i < graph.size(); ++i) {
    if (graph[i].is_leaf()) continue;
    ++counts.first;
    for (std::size_t k = 0; k < i; ++k)
      if (graph[i].operation() == graph[k].operation() &&
          std::ranges::equal(graph[i].inputs(), graph[k].inputs(), {}, &Tensor::node, &Tensor::node) &&
          are_equal(graph[i].attributes(), graph[k].attributes()))
        ++counts.second;
  }
  return counts;
}

TEST(ForwardMode, within_itself_records_nothing_twice) {
  const Tensor x = tensor({{-1.5, 0.0, 0.7}, {0.4, 1.1, 2.0}}),
               w = tensor({{0.3, -0.2, 0.9}, {0.5, 0.8, -0.4}});
  const std::pair<const char*, Tensor (*)(const Tensor&)> functions[] = {
      {"tanh", [](const Tensor& at) { return tanh(at); }},
      {"sin", [](const Tensor& at) { return sin(at); }},
      {"exp", [](const Tensor& at) { return exp(at); }},
      {"sigmoid", [](const Tensor& at) { return sigmoid(at); }},
      {"softplus", [](const Tensor& at) { return softplus(at); }},
      {"softmax", [](const Tensor& at) { return softmax(at); }},
      {"square", [](const Tensor& at) { return square(at); }}};
  for (const auto& [name, f] : functions) {
    SCOPED_TRACE(name);
    using Direction = std::function<Tensor()>;
    const auto second = [f = f](const Tensor& weight, const Direction& inner, const Direction& outer) {
      return [=](const Tensor& at) {
        const auto layers = [&](const Tensor& in) { return f(matmul(f(linear(in, weight)), weight)); };
        const auto first = [&](const Tensor& in) { return jvp(layers, in, inner()).tangent; };
        return jvp(first, at, outer()).tangent;
      };
    };
    const Tensor weight = variable(w), along = ones({2, 3});
    const Direction one = [&] { return along; },
                    anew =
                        [] {
                          return ones({2, 3});
                        },
                    half =
                        [] {
                          return full({2, 3}, 0.5);
                        },
                    two = [] {
                      return full({2, 3}, 2.0);
                    };
    const Tensor found = second(weight, one, one)(x);
    const auto [operations, repeated] = recorded_and_repeated(found);
    EXPECT_EQ(repeated, 0);
    EXPECT_EQ(recorded_and_repeated(second(weight, anew, anew)(x)).first, operations);
    // Along two directions, of which nothing is the same.
    EXPECT_GT(recorded_and_repeated(second(weight, half, two)(x)).first, operations);
    EXPECT_TRUE(close(found, second(w, half, two)(x), 1e-14));
    const auto gradient_along = [&](const Direction& inner, const Direction& outer) {
      return grad([&](const Tensor& in) { return sum(square(second(in, inner, outer)(x))); })(w);
    };
    EXPECT_TRUE(close(gradient_along(one, one), gradient_along(half, two), 1e-12));
  }
}

// Under a transform, constants with equal elements may have different tangents or samples.
TEST(ForwardMode, within_itself_tells_values_from_their_tangents) {
  const Tensor x = tensor({0.3, -0.8, 0.5}), w = tensor({-0.4, 0.9, 0.2}), along = tensor({1.0, 0.5, -2.0});
  const auto f = [](const Tensor& at, const Tensor& weight) {
    return matmul(outer(weight, at), at) * det(eye(3, {}, DType::float64) + outer(sin(at), weight));
  };
  const auto gradient_of_third = [&](const auto& derivative) {
    return grad([&](const Tensor& weight) {
      const auto zeroth = [&](const Tensor& at) { return f(at, weight); };
      const auto first = [&](const Tensor& at) { return derivative(zeroth, at); };
      const auto second = [&](const Tensor& at) { return derivative(first, at); };
      return sum(sin(derivative(second, x)));
    })(w);
  };
  const auto forward = [&](const auto& of, const Tensor& at) { return jvp(of, at, along).tangent; };
  const Tensor expected = gradient_of_third(
      [&](const auto& of, const Tensor& at) { return linearize(of, at).push_forward(along); });
  EXPECT_TRUE(close(gradient_of_third(forward), expected, 1e-12));
  EXPECT_TRUE(close(gradient_of_third([&](const auto& of, const Tensor& at) {
                      const auto sample = [&](const Tensor& t) { return jvp(of, at, t).tangent; };
                      return sum(vmap(sample)(stack({along, zeros_like(along)})), 0);
                    }),
                    expected, 1e-12));
}

TEST(ForwardMode, of_a_linear_layer_adds_up_what_moves_recorded_or_not) {
  Generator generator(5);
  const auto like = [&](const Shape& shape) { return randn(shape, generator); };
  const Tensor x = like({3, 4}), w = like({2, 4}), b = like({2}), dx = like({3, 4}), dw = like({2, 4}),
               db = like({2});
  const auto f = [](const Tensor& at, const Tensor& weight, const Tensor& bias) {
    return linear(at, weight, bias);
  };
  using Three = std::tuple<Tensor, Tensor, Tensor>;
  for (int moving = 1; moving < 8; ++moving) {
    const Three along((moving & 1) != 0 ? dx : Tensor(), (moving & 2) != 0 ? dw : Tensor(),
                      (moving & 4) != 0 ? db : Tensor());
    Tensor expected = zeros({3, 2});
    if ((moving & 1) != 0) expected = expected + matmul(dx, transpose(w));
    if ((moving & 2) != 0) expected = expected + matmul(x, transpose(dw));
    if ((moving & 4) != 0) expected = expected + db;
    EXPECT_TRUE(close(jvp(f, Three(x, w, b), along).tangent, expected, 1e-14)) << moving;
    const Tensor recorded = jvp(f, Three(variable(x), variable(w), variable(b)), along).tangent;
    EXPECT_TRUE(close(recorded, expected, 1e-14)) << moving;
  }
}

}  // namespace
}  // namespace chainrule::test
