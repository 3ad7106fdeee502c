// grad, value_and_grad, vjp, jvp and linearize: structures, nesting, what is a constant to which derivative,
// errors. Numbers of the small network are those of functorch (PyTorch 1.13) in float64.

#include "chainrule/transforms.h"

#include <array>

#include "chainrule/autograd.h"
#include "chainrule/gradcheck.h"
#include "chainrule/indexing.h"
#include "chainrule/nn.h"
#include "chainrule/ops.h"
#include "chainrule/random.h"
#include "chainrule/testing.h"
#include "chainrule/vmap.h"
#include "support.h"

namespace chainrule::test {
namespace {

struct Dense {
  Tensor weight, bias;
  CHAINRULE_MEMBERS(weight, bias)
};
struct Network {
  std::vector<Dense> layers;
  std::array<Tensor, 2> scale_and_shift;
  int calls = 0;  // is no member to a transform
  CHAINRULE_MEMBERS(layers, scale_and_shift)
};

Tensor layer(const Dense& dense, const Tensor& x) { return tanh(matmul(dense.weight, x) + dense.bias); }
Tensor loss(const Dense& dense, const Tensor& x) { return sum(square(layer(dense, x))) * exp(x[0]); }
Dense dense() { return {tensor({{0.3, -0.2}, {0.5, 0.7}, {-0.4, 0.1}}), tensor({0.1, -0.3, 0.2})}; }
Tensor point() { return tensor({0.6, -1.1}); }

TEST(Grad, of_a_struct_and_a_tensor_is_that_of_pytorch) {
  const auto [by_dense, by_x] = grad(loss, argnums<0, 1>)(dense(), point());
  EXPECT_TRUE(close(by_dense.weight,
                    {0.7946573289408783, -1.4568717697249436, -0.8225292419060426, 1.5079702768277450,
                     -0.3183272210300491, 0.5835999052217568},
                    1e-14));
  EXPECT_EQ(by_dense.weight.shape(), (Shape{3, 2}));
  EXPECT_TRUE(close(by_dense.bias, {1.3244288815681304, -1.3708820698434043, -0.5305453683834152}, 1e-14));
  EXPECT_TRUE(close(by_x, {1.1162028300481968, -1.2775577620423506}, 1e-14));
}

TEST(Grad, has_the_structure_of_its_argument_however_that_is_nested) {
  const auto f = [](const Network& network, const std::tuple<Tensor, std::pair<Tensor, double>>&) {
    return sum(layer(network.layers[1], layer(network.layers[0], point())) * network.scale_and_shift[0] +
               network.scale_and_shift[1]);
  };
  const Network network = {{dense(), {tensor({{1.0, 2.0, 3.0}}), tensor({0.5})}}, {2.0, 3.0}, 7};
  const Network g = grad(f)(network, std::tuple(Tensor(1.0), std::pair(Tensor(2.0), 3.0)));
  EXPECT_EQ(g.calls, 7);
  ASSERT_EQ(g.layers.size(), 2U);
  EXPECT_EQ(g.scale_and_shift[1].item(), 1);
  EXPECT_NEAR(g.scale_and_shift[0].item(), layer(network.layers[1], layer(dense(), point())).item(), 1e-15);
  // Each tensor's against central differences.
  for (std::size_t i = 0; i < 2; ++i) {
    const auto moved = [&](const Tensor& bias) {
      Network other = network;
      other.layers[i].bias = bias;
      return f(other, {});
    };
    const std::vector<double> at = values(network.layers[i].bias);
    for (std::size_t k = 0; k < at.size(); ++k) {
      auto above = at, below = at;
      above[k] += 1e-6;
      below[k] -= 1e-6;
      EXPECT_NEAR(values(g.layers[i].bias)[k],
                  (moved(tensor(above)).item() - moved(tensor(below)).item()) / 2e-6, 1e-9);
    }
  }
}

TEST(Grad, of_layers_is_layers_of_gradients) {
  Generator generator(3);
  const Mlp network({2, 4, 1}, generator);
  const Tensor x = tensor({{0.5, -1.0}, {1.5, 0.25}});
  const auto f = [](const Mlp& mlp, const Tensor& at) { return sum(square(mlp(at))); };
  const Mlp g = no_grad([&] { return grad(f)(network, x); });
  const Tensor expected = f(network, x);
  expected.backward();
  for (std::size_t i = 0; i < 4; ++i) {
    const Parameter parameter = network.parameters()[i];
    EXPECT_EQ(g.parameters()[i].name(), parameter.name());
    EXPECT_TRUE(close(g.parameters()[i].leaf(), values(parameter.grad()), 1e-14));
    EXPECT_FALSE(g.parameters()[i].leaf().requires_grad());
  }
  // Parameters are variables, so outside no_grad the gradients can be differentiated in turn.
  EXPECT_TRUE(grad(f)(network, x).parameters()[0].leaf().requires_grad());
}

TEST(Grad, takes_numbers_and_passes_on_what_is_not_differentiated) {
  const auto f = [](const Tensor& x, int power, const std::string& name) {
    EXPECT_EQ(name, "f");
    return pow(x, power);
  };
  EXPECT_EQ(grad(f)(3.0, 2, "f").item(), 6);
  EXPECT_EQ(grad(f)(3, 3, std::string("f")).item(), 27);
  const Parameter w(Tensor(2.0), "w");
  EXPECT_EQ(grad([](const Tensor& x) { return square(x); })(w).item(), 4);
}

TEST(Grad, nests_to_the_sixth_derivative) {
  const auto inverse = [](const Tensor& x) { return 1 / x; };
  const auto sixth = grad(grad(grad(grad(grad(grad(inverse))))));
  EXPECT_NEAR(sixth(4.0).item(), 0.0439453125, 1e-10);  // 720 / 4⁷
  const auto wave = [](const Tensor& x) { return sin(2 * x); };
  EXPECT_NEAR(grad(grad(grad(grad(wave))))(0.3).item(), 16 * std::sin(0.6), 1e-13);
}

TEST(Grad, takes_what_a_function_has_captured_as_a_constant) {
  // d/dx (x · d/dy (x + y)) = 1, where confusing the two derivatives gives 2.
  const auto f = [](const Tensor& x) { return x * grad([&](const Tensor& y) { return x + y; })(1.0); };
  EXPECT_EQ(grad(f)(1.0).item(), 1);
  // Also when it is the very tensor that is given: d/dx (x · (d/dy x y)(x)) = d/dx x² = 2x.
  const auto same = [](const Tensor& x) { return x * grad([&](const Tensor& y) { return x * y; })(x); };
  EXPECT_EQ(grad(same)(3.0).item(), 6);
  const Tensor w = variable(5.0);
  EXPECT_EQ(grad([&](const Tensor& y) { return w * y + w * w; })(w).item(), 5);
}

TEST(Grad, can_be_differentiated_from_outside_just_where_that_could_be_asked_for) {
  const Tensor x = variable(2.0);
  const auto cube = [](const Tensor& at) { return at * at * at; };
  const Tensor slope = grad(cube)(x);
  EXPECT_TRUE(slope.requires_grad());
  EXPECT_EQ(gradients(slope, {x}).at(x).item(), 12);
  EXPECT_FALSE(grad(cube)(2.0).requires_grad());
  EXPECT_FALSE(no_grad([&] { return grad(cube)(x); }).requires_grad());
  EXPECT_EQ(no_grad([&] { return grad(cube)(x); }).item(), 12);
  // A captured variable: a penalty on the input's gradient reaches the weights.
  const Tensor w = variable(3.0);
  const auto [value, by_x] = value_and_grad([&](const Tensor& at) { return w * w * at; })(2.0);
  square(by_x).backward();
  EXPECT_EQ(w.grad().item(), 4 * 27);
  EXPECT_EQ(value.item(), 18);
  EXPECT_TRUE(value.requires_grad());
  EXPECT_FALSE(grad([](const Tensor& at) { return at; })(2.0).requires_grad());
}

TEST(Grad, of_what_an_argument_does_not_reach_is_zero) {
  const auto [a, b] = grad([](const Tensor& x, const Tensor&) { return sum(x); }, argnums<0, 1>)(
      tensor({1.0F, 2.0F}), tensor({1.0F, 2.0F, 3.0F}));
  EXPECT_TRUE(equals(b, {3}, {0, 0, 0}));
  EXPECT_EQ(b.dtype(), DType::float32);
  EXPECT_TRUE(equals(grad([](const Tensor&) { return Tensor(1.0); })(tensor({1.0, 2.0})), {2}, {0, 0}));
}

TEST(ValueAndGrad, passes_on_what_else_the_function_gives) {
  const auto f = [](const Tensor& x) {
    const Tensor y = square(x);
    return std::pair(sum(y), std::tuple(y, argmax(y)));
  };
  const auto [value, gradient] = value_and_grad(f)(tensor({1.0, -3.0}));
  EXPECT_EQ(value.first.item(), 10);
  EXPECT_TRUE(equals(std::get<0>(value.second), {2}, {1, 9}));
  EXPECT_FALSE(std::get<0>(value.second).requires_grad());
  EXPECT_EQ(std::get<1>(value.second).item(), 1);
  EXPECT_TRUE(equals(gradient, {2}, {2, -6}));
  const auto counted = [](const Tensor& x) { return std::pair(sum(x), std::string("any")); };
  EXPECT_EQ(value_and_grad(counted)(1.0).value.second, "any");
}

TEST(Vjp, pulls_back_as_often_as_asked_and_as_pytorch_does) {
  const auto [value, pull_back] = vjp(layer, dense(), point());
  EXPECT_TRUE(close(value, {0.4621171572600097, -0.6469294504417666, -0.1488850336233180}, 1e-15));
  for (int time = 0; time < 2; ++time) {
    const auto [by_dense, by_x] = pull_back(tensor({1.0, -2.0, 3.0}));
    EXPECT_TRUE(close(by_dense.weight,
                      {0.4718686397795564, -0.8650925062625202, -0.6977787433813365, 1.2792610295324502,
                       1.7600998441733702, -3.2268497143178458},
                      1e-14));
    EXPECT_TRUE(close(by_x, {-1.5189478623769159, -0.6780147731758497}, 1e-14));
  }
}

TEST(Vjp, takes_cotangents_of_the_structure_of_several_results) {
  const auto f = [](const Tensor& x) {
    return std::tuple(square(x), std::vector{sum(x), prod(x)}, argmax(x));
  };
  const auto [value, pull_back] = vjp(f, tensor({2.0, 5.0}));
  const Tensor nothing;
  EXPECT_TRUE(equals(pull_back({tensor({1.0, 0.5}), {10.0, 100.0}, nothing}), {2}, {514, 215}));
  EXPECT_TRUE(equals(pull_back({nothing, {nothing, 1.0}, nothing}), {2}, {5, 2}));
  EXPECT_TRUE(equals(pull_back({nothing, {nothing, nothing}, nothing}), {2}, {0, 0}));
}

TEST(Vjp, can_be_differentiated_in_its_cotangent_and_its_argument) {
  const Tensor x = variable(3.0), g = variable(2.0);
  const Tensor pulled = vjp([](const Tensor& at) { return at * at; }, x).pull_back(g);  // 2 g x
  const Gradients found = gradients(pulled, {x, g});
  EXPECT_EQ(found[x].item(), 4);
  EXPECT_EQ(found[g].item(), 6);
}

TEST(JvpOfAFunction, is_that_of_pytorch_also_of_a_gradient) {
  const Dense along = {ones({3, 2}), tensor({1.0, 0.0, -1.0})};
  const auto [value, tangent] =
      jvp(layer, std::tuple(dense(), point()), std::tuple(along, tensor({0.5, 2.0})));
  EXPECT_TRUE(close(value, {0.4621171572600097, -0.6469294504417666, -0.1488850336233180}, 1e-15));
  EXPECT_TRUE(close(tangent, {0.1966119332414818, 0.6687046290737808, -1.4667498701444752}, 1e-14));
  const auto by_x = [](const Tensor& x) { return grad(loss, argnums<1>)(dense(), x); };
  EXPECT_TRUE(close(jvp(by_x, point(), tensor({0.5, 2.0})).tangent,
                    {-2.5589662870521210, -1.2127548111452855}, 1e-13));
}

TEST(JvpOfAFunction, takes_empty_handles_and_zeros_for_what_does_not_move) {
  const auto product = [](const Tensor& x, const Tensor& y) { return std::pair(x * y, x); };
  const auto [value, tangent] =
      jvp(product, std::tuple(tensor({1.0, 2.0}), Tensor(3.0)), std::tuple(tensor({1.0, -1.0}), Tensor()));
  EXPECT_TRUE(equals(value.first, {2}, {3, 6}));
  EXPECT_TRUE(equals(tangent.first, {2}, {3, -3}));
  EXPECT_TRUE(equals(tangent.second, {2}, {1, -1}));
  const auto none =
      jvp(product, std::tuple(tensor({1.0, 2.0}), Tensor(3.0)), std::tuple(zeros({2}), Tensor(0.0)));
  EXPECT_TRUE(equals(none.tangent.first, {2}, {0, 0}));
  EXPECT_FALSE(none.tangent.first.requires_grad());
}

TEST(JvpOfAFunction, nests_in_itself_and_in_grad) {
  const auto cube = [](const Tensor& x) { return x * x * x; };
  const auto slope = [&](const Tensor& x) { return jvp(cube, x, Tensor(1.0)).tangent; };
  EXPECT_NEAR(jvp(slope, Tensor(2.0), Tensor(1.0)).tangent.item(), 12, 1e-12);
  EXPECT_NEAR(grad(slope)(2.0).item(), 12, 1e-12);
  EXPECT_NEAR(grad(grad(slope))(2.0).item(), 6, 1e-12);
  EXPECT_NEAR(jvp(grad(grad(cube)), Tensor(2.0), Tensor(0.5)).tangent.item(), 3, 1e-12);
  // In the direction, which enters linearly.
  const auto along = [&](const Tensor& t) { return jvp(cube, Tensor(2.0), t).tangent; };
  EXPECT_NEAR(grad(along)(5.0).item(), 12, 1e-12);
}

TEST(JvpOfAFunction, and_vjp_agree_on_random_directions) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  const auto f = [](const Tensor& x, const Tensor& y) {
    return std::pair(softmax(matmul(x, y)) * sum(x), logsumexp(y, 0));
  };
  const Tensor x = random_tensor({3, 4}, engine), y = random_tensor({4, 2}, engine);
  const Tensor tx = random_tensor({3, 4}, engine), ty = random_tensor({4, 2}, engine);
  const Tensor g = random_tensor({3, 2}, engine), h = random_tensor({2}, engine);
  const auto tangent = jvp(f, std::tuple(x, y), std::tuple(tx, ty)).tangent;
  const auto [cx, cy] = vjp(f, x, y).pull_back({g, h});
  EXPECT_NEAR((sum(tangent.first * g) + sum(tangent.second * h)).item(), (sum(cx * tx) + sum(cy * ty)).item(),
              1e-12);
}

TEST(Linearize, gives_a_linear_function_after_one_run) {
  int runs = 0;
  const auto f = [&](const Tensor& x, const Tensor& y) {
    ++runs;
    return sin(x) * y;
  };
  const auto [value, push_forward] = linearize(f, tensor({0.5, 1.0}), tensor({2.0, 3.0}));
  EXPECT_TRUE(close(push_forward(tensor({1.0, 0.0}), Tensor()), {2 * std::cos(0.5), 0}));
  EXPECT_TRUE(close(push_forward(tensor({0.0, 2.0}), tensor({1.0, 1.0})),
                    {std::sin(0.5), std::sin(1.0) + 6 * std::cos(1.0)}));
  EXPECT_EQ(runs, 1);
}

// ---- Errors ------------------------------------------------------------------------------------------

TEST(Grad, refuses_a_result_that_is_not_one_floating_number) {
  EXPECT_TRUE(mentions(message_of<ShapeError>([] {
                         grad([](const Tensor& x) { return x; })(tensor({1.0, 2.0}));
                       }),
                       {"grad: ", "(2,)", "sum", "vjp"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([] {
                         value_and_grad([](const Tensor& x) { return argmax(x); })(tensor({1.0, 2.0}));
                       }),
                       {"value_and_grad: ", "int64"}));
  EXPECT_TRUE(mentions(message_of<GradError>([] { grad([](const Tensor&) { return Tensor(); })(1.0); }),
                       {"grad: ", "result", "empty handle"}));
}

TEST(Grad, names_the_argument_and_the_member_that_it_cannot_differentiate) {
  const auto f = [](const Network&, const Tensor&) { return Tensor(1.0); };
  Network network = {{dense(), {tensor({1, 2}), Tensor(1.0)}}, {1.0, 2.0}};
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] { grad(f)(network, 1.0); }),
                       {"grad: argument 0.layers[1].weight is int64", "cast"}));
  network.layers[1].weight = Tensor(1.0);
  network.scale_and_shift[1] = Tensor();
  EXPECT_TRUE(mentions(message_of<GradError>([&] { grad(f)(network, 1.0); }),
                       {"grad: argument 0.scale_and_shift[1] is an empty handle"}));
  network.scale_and_shift[1] = Tensor(2.0);
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] {
                         vjp(f, network, tensor({1, 2}));
                       }),
                       {"vjp: argument 1 is int64"}));
}

TEST(Grad, names_members_as_told) {
  class Square {
   public:
    explicit Square(Tensor factor) : factor_(std::move(factor)) {}
    Tensor operator()(const Tensor& x) const { return factor_ * x * x; }
    CHAINRULE_MEMBERS_AS("factor", factor_)

   private:
    Tensor factor_;
  };
  const auto f = [](const Square& square) { return square(3.0); };
  EXPECT_EQ(grad(f)(Square(2.0))(1.0).item(), 9);
  EXPECT_TRUE(mentions(message_of<GradError>([&] { grad(f)(Square(Tensor())); }),
                       {"grad: argument 0.factor is an empty handle"}));
}

TEST(JvpOfAFunction, refuses_tangents_of_other_shapes_and_structures) {
  const auto f = [](const Dense& at, const Tensor& x) { return layer(at, x); };
  const Dense flat = {ones({3, 2}), ones({2})};
  EXPECT_TRUE(mentions(
      message_of<ShapeError>([&] { jvp(f, std::tuple(dense(), point()), std::tuple(flat, point())); }),
      {"jvp: the tangent of argument 0.bias has shape (2,), the argument (3,)"}));
  const auto total = [](const std::vector<Tensor>& parts) { return parts[0] + parts[1]; };
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         jvp(total, std::vector{Tensor(1.0), Tensor(2.0)}, std::vector{Tensor(1.0)});
                       }),
                       {"jvp: 1 tangents for 2"}));
  const auto linear = linearize(total, std::vector{Tensor(1.0), Tensor(2.0)});
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         linear.push_forward({Tensor(1.0), tensor({1.0, 2.0})});
                       }),
                       {"linearize: ", "argument 0[1]", "(2,)"}));
}

TEST(Vjp, refuses_cotangents_of_other_shapes_and_structures) {
  const auto f = [](const Tensor& x) { return std::vector{x, sum(x)}; };
  const auto [value, pull_back] = vjp(f, tensor({1.0, 2.0}));
  const auto& pull = pull_back;
  EXPECT_TRUE(mentions(message_of<ShapeError>([&pull] {
                         pull({Tensor(1.0), Tensor(1.0)});
                       }),
                       {"vjp: the cotangent of the result[0] has shape (), the result (2,)"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&pull] {
                         pull({tensor({1.0, 2.0})});
                       }),
                       {"vjp: 1 cotangents for 2"}));
}

TEST(Grad, leaves_the_mode_of_the_thread_as_it_was_when_the_function_throws) {
  const NoGrad guard;
  const auto f = [](const Tensor& x) -> Tensor { return matmul(x, tensor({1.0, 2.0, 3.0})); };
  EXPECT_THROW(grad(f)(tensor({1.0, 2.0})), ShapeError);
  EXPECT_FALSE((variable(1.0) * 2).requires_grad());
}

TEST(ValueAndGrad, of_each_sample_is_one_call_of_vmap) {
  const auto f = [](const Tensor& x) { return prod(x); };
  const Tensor x = tensor({{2.0, 3.0}, {5.0, 7.0}});
  const auto [value, gradient] = vmap(value_and_grad(f))(x);
  EXPECT_TRUE(close(value, {6, 35}, 0));
  EXPECT_TRUE(close(gradient, {3, 2, 7, 5}, 0));
  const auto along = vmap([&](const Tensor& each) { return jvp(f, each, ones_like(each)); })(x);
  EXPECT_TRUE(close(along.tangent, {5, 12}, 0));
}

TEST(TreeMap, makes_a_step_of_gradient_descent_that_can_be_differentiated) {
  Generator generator(1);
  const Mlp network({2, 3, 1}, generator, DType::float64);
  const Tensor x = tensor({{0.3, -1.0}, {0.7, 0.2}});
  const auto loss_of = [&](const Mlp& of) { return mean(square(of(x) - 1)); };
  const auto descend = [](const Tensor& w, const Tensor& g) { return w - 0.1 * g; };
  const auto after_a_step = [&](const Mlp& of) { return loss_of(tree_map(descend, of, grad(loss_of)(of))); };
  EXPECT_TRUE(gradcheck(after_a_step, network).passed);
  after_a_step(network).backward();
  const auto by_transform = parameters(grad(after_a_step)(network)), by_backward = network.parameters();
  for (std::size_t i = 0; i < by_backward.size(); ++i)
    EXPECT_THAT(by_backward[i].grad(), IsClose(by_transform[i].leaf(), 1e-12, 1e-12));
}

TEST(TreeMap, takes_structures_that_have_tensors_at_the_same_places) {
  const std::vector<Tensor> some = {1.0, tensor({2.0, 3.0})};
  const auto halves = tree_map([](const Tensor& each) { return each / 2; }, some);
  EXPECT_TRUE(close(halves[1], {1, 1.5}, 0));
  const auto sums = tree_map([](const Tensor& a, const Tensor& b, const Tensor& c) { return a + b + c; },
                             some, halves, some);
  EXPECT_TRUE(close(sums[1], {5, 7.5}, 0));
  const auto added = [](const Tensor& a, const Tensor& b) { return a + b; };
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { (void)tree_map(added, some, std::vector<Tensor>{1.0}); }),
                       {"tree_map: 1 tensors for 2"}));
}

}  // namespace
}  // namespace chainrule::test
