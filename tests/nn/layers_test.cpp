// Linear layers and small networks: shapes, first weights, learning.
// support.h compares the numbers.

#include <cmath>

#include "chainrule/nn.h"
#include "chainrule/optim.h"
#include "support.h"

namespace chainrule::test {
namespace {

std::vector<std::string> names_of(const std::vector<Parameter>& parameters) {
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters) names.push_back(parameter.name());
  return names;
}

TEST(HeNormal, has_mean_zero_and_variance_two_over_the_inputs) {
  PRINT_SEED_ON_FAILURE();
  Generator generator(seed());
  const Tensor weight = he_normal(400, 50, generator, DType::float64);
  EXPECT_EQ(weight.shape(), (Shape{400, 50}));
  EXPECT_FALSE(weight.requires_grad());
  const double variance = 2.0 / 50;
  EXPECT_NEAR(mean(weight).item(), 0, 6 * std::sqrt(variance / 20000));
  EXPECT_NEAR(mean(square(weight)).item(), variance, 6 * variance * std::sqrt(2.0 / 20000));
}

TEST(HeNormal, keeps_the_size_of_the_signal_through_many_layers_of_relu) {
  PRINT_SEED_ON_FAILURE();
  Generator generator(seed());
  const Mlp network({256, 256, 256, 256, 256, 256}, generator);
  const Tensor x = randn({32, 256}, generator);
  const double before = mean(square(x)).item();
  const double after = mean(square(network(x))).item() / 2;  // the last layer has no relu to halve it
  EXPECT_GT(after, 0.4 * before);
  EXPECT_LT(after, 2.5 * before);
}

TEST(HeNormal, refuses_a_layer_of_nothing) {
  Generator generator;
  EXPECT_THROW(he_normal(3, 0, generator), ShapeError);
  EXPECT_THROW(he_normal(-1, 3, generator), ShapeError);
}

TEST(Linear, starts_with_a_random_weight_and_no_bias) {
  Generator generator(3);
  const Linear layer(4, 2, generator, "head");
  EXPECT_EQ(layer.weight().shape(), (Shape{2, 4}));
  EXPECT_EQ(values(layer.bias()), (std::vector<double>{0, 0}));
  EXPECT_EQ(layer.weight().dtype(), DType::float64);
  EXPECT_EQ(names_of(layer.parameters()), (std::vector<std::string>{"head.weight", "head.bias"}));
}

TEST(Linear, is_the_product_with_the_transposed_weight_plus_the_bias) {
  const Linear layer(Parameter(tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}}), "weight"),
                     Parameter(tensor({10.0, 20.0, 30.0}), "bias"));
  EXPECT_TRUE(equals(layer(tensor({1.0, -1.0})), {3}, {9, 19, 29}));
  EXPECT_TRUE(equals(layer(tensor({{1.0, -1.0}, {0.0, 1.0}})), {2, 3}, {9, 19, 29, 12, 24, 36}));
}

TEST(Linear, computes_in_the_dtype_that_it_was_made_with) {
  Generator generator;
  const Linear layer(3, 2, generator, "linear", DType::float64);
  EXPECT_EQ(layer(zeros({1, 3}, DType::float64)).dtype(), DType::float64);
}

TEST(Linear, names_the_shapes_that_do_not_fit) {
  const Parameter weight(zeros({3, 2}), "head.weight"), bias(zeros({2}), "head.bias");
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { Linear(weight, bias); }),
                       {"head.weight", "(3, 2)", "head.bias", "(2,)"}));
  Generator generator;
  EXPECT_THROW(Linear(3, 2, generator)(zeros({5, 4})), ShapeError);
}

TEST(Mlp, names_its_parameters_by_layer) {
  Generator generator;
  const Mlp network({3, 5, 2}, generator);
  EXPECT_EQ(names_of(network.parameters()),
            (std::vector<std::string>{"layer1.weight", "layer1.bias", "layer2.weight", "layer2.bias"}));
}

TEST(Mlp, puts_relu_between_its_layers_and_none_at_the_end) {
  const Mlp network({Linear(Parameter(tensor({{1.0}, {-1.0}}), "w1"), Parameter(tensor({0.0, 0.0}), "b1")),
                     Linear(Parameter(tensor({{-1.0, -1.0}}), "w2"), Parameter(tensor({0.0}), "b2"))});
  EXPECT_TRUE(equals(network(tensor({{3.0}, {-2.0}})), {2, 1}, {-3, -2}));  // minus the absolute value
}

TEST(Mlp, of_two_sizes_is_one_linear_layer) {
  Generator generator;
  const Mlp network({3, 2}, generator);
  const Tensor x = tensor({{1.0F, 2.0F, 3.0F}});
  EXPECT_EQ(values(network(x)), values(network.layers()[0](x)));
}

TEST(Mlp, with_the_same_seed_is_the_same) {
  Generator one(5), two(5), other(6);
  const Tensor x = ones({1, 4});
  const auto result = values(Mlp({4, 8, 3}, one)(x));
  EXPECT_EQ(result, values(Mlp({4, 8, 3}, two)(x)));
  EXPECT_NE(result, values(Mlp({4, 8, 3}, other)(x)));
}

TEST(Mlp, can_share_layers_and_adds_their_gradients) {
  const Linear layer(Parameter(tensor({{2.0}}), "w"), Parameter(tensor({0.0}), "b"));
  const Mlp network({layer, layer});
  network(tensor({3.0})).backward(tensor({1.0}));
  // w² x: dw = 2 w x
  EXPECT_EQ(values(layer.weight().grad()), (std::vector<double>{12}));
}

TEST(Mlp, refuses_sizes_that_make_no_network) {
  Generator generator;
  EXPECT_THROW(Mlp({}, generator), ShapeError);
  EXPECT_THROW(Mlp({3}, generator), ShapeError);
  EXPECT_THROW(Mlp({3, 0, 2}, generator), ShapeError);
  EXPECT_THROW(Mlp(std::vector<Linear>{}), ShapeError);
}

TEST(Mlp, names_the_layers_that_do_not_fit) {
  Generator generator;
  const Linear first(3, 5, generator, "first"), second(4, 2, generator, "second");
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         Mlp({first, second});
                       }),
                       {"second.weight", "(2, 4)", "first.weight", "(5, 3)"}));
}

TEST(Mlp, shares_its_parameters_with_copies_but_not_with_clones) {
  Generator generator(1);
  const Mlp network({2, 4, 3}, generator), copy = network, clone = network.clone();
  const Tensor x = randn({5, 2}, generator);
  const std::vector<double> before = values(network(x));
  Sgd optimizer(network.parameters(), {.learning_rate = 0.1});
  sum(square(network(x))).backward();
  optimizer.step();
  EXPECT_EQ(values(copy(x)), values(network(x)));
  EXPECT_NE(values(network(x)), before);
  EXPECT_EQ(values(clone(x)), before);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(clone.parameters()[i].name(), network.parameters()[i].name());
}

TEST(Linear, cloned_has_parameters_of_its_own) {
  Generator generator(1);
  const Linear layer(3, 2, generator, "layer"), clone = layer.clone();
  EXPECT_EQ(values(clone.weight()), values(layer.weight()));
  layer.bias().assign(ones({2}, layer.bias().dtype()));
  EXPECT_EQ(values(clone.bias()), (std::vector<double>{0, 0}));
}

}  // namespace
}  // namespace chainrule::test
