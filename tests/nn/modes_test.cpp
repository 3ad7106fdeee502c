// What layers do besides the numbers that PyTorch gives: modes, random masks, sequences, errors, one after
// another.

#include <cmath>

#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "chainrule/graph.h"
#include "chainrule/nn.h"
#include "chainrule/shaping.h"
#include "chainrule/transforms.h"
#include "chainrule/vmap.h"
#include "support.h"

namespace chainrule::test {
namespace {

TEST(Dropout, draws_anew_in_each_call_and_nothing_when_evaluated) {
  Generator generator(4);
  Dropout dropout(0.25, generator);
  const Tensor x = ones({1000});
  const std::vector<double> first = values(dropout(x)), second = values(dropout(x));
  EXPECT_NE(first, second);
  const auto kept = std::count(first.begin(), first.end(), 4.0 / 3);
  EXPECT_EQ(kept + std::count(first.begin(), first.end(), 0), 1000);
  EXPECT_NEAR(static_cast<double>(kept), 750, 6 * 14);
  eval(dropout);
  EXPECT_TRUE(same(dropout(x), x));
}

TEST(Dropout, is_decided_by_the_generator_and_shared_by_copies_but_not_by_clones) {
  Generator one(4), two(4);
  const Dropout dropout(0.5, one), again(0.5, two), copy = dropout, clone = chainrule::clone(dropout);
  const Tensor x = ones({100});
  const std::vector<double> first = values(dropout(x)), second = values(copy(x));
  EXPECT_NE(first, second);
  EXPECT_EQ(values(again(x)), first);
  EXPECT_EQ(values(again(x)), second);
  EXPECT_EQ(values(clone(x)), first);
  EXPECT_TRUE(state_dict(dropout).empty());
}

TEST(Dropout, takes_a_probability) {
  Generator generator;
  EXPECT_TRUE(
      mentions(message_of<std::invalid_argument>([&] { Dropout(1.5, generator); }), {"Dropout", "1.5"}));
  EXPECT_EQ(values(Dropout(1, generator)(ones({3}))), (std::vector<double>{0, 0, 0}));
}

/// Of a layer with a `dropout` and one without, which have the same weights.
template <class Layer, class Call>
void expect_dropout_in_training(Layer dropping, const Layer& plain, const Call& call) {
  EXPECT_EQ(state_dict(dropping).size(), state_dict(plain).size());
  for (std::size_t i = 0; i < state_dict(plain).size(); ++i) {
    EXPECT_EQ(state_dict(dropping)[i].first, state_dict(plain)[i].first);
    EXPECT_EQ(values(state_dict(dropping)[i].second), values(state_dict(plain)[i].second));
  }
  const Layer copy = clone(dropping);
  const std::vector<double> first = call(dropping);
  EXPECT_NE(first, call(plain));
  EXPECT_NE(first, call(dropping));
  EXPECT_EQ(first, call(copy));
  eval(dropping);
  EXPECT_EQ(call(dropping), call(plain));
  train(dropping);
  EXPECT_NE(call(dropping), call(plain));
}

TEST(Dropout, is_within_layers_as_well) {
  const auto seeded = [] { return Generator(11); };
  const Tensor x = sin(arange(0, 60) * 0.7).reshape({5, 3, 4});
  Generator one = seeded(), two = seeded();
  expect_dropout_in_training(MultiheadAttention(4, 2, one, false, Bias::learned, DType::float64, 0.5),
                             MultiheadAttention(4, 2, two),
                             [&](const MultiheadAttention& layer) { return values(layer(x)); });
  const auto recurrent = [&]<class Layer>(const Layer&) {
    Generator third = seeded(), fourth = seeded();
    expect_dropout_in_training(Layer(4, 6, third, {.layers = 2, .dropout = 0.5}),
                               Layer(4, 6, fourth, {.layers = 2}),
                               [&](const Layer& layer) { return values(layer(x).output); });
  };
  recurrent(Rnn(1, 1, one));
  recurrent(Lstm(1, 1, one));
  recurrent(Gru(1, 1, one));
  EXPECT_EQ(named_buffers(Lstm(1, 1, one, {.layers = 2, .dropout = 0.5})).front().first, "dropout.seed");
  EXPECT_THROW(Lstm(1, 1, one, {.layers = 2, .dropout = 2}), std::invalid_argument);
  const TransformerEncoderLayer block(4, 2, one, {.feedforward = 5});
  EXPECT_EQ(block.self_attn.dropout.value().p, 0.1);
  EXPECT_FALSE(TransformerEncoderLayer(4, 2, one, {.dropout = 0}).self_attn.dropout.has_value());
}

TEST(BatchNorm, gives_what_it_has_seen_when_evaluated) {
  BatchNorm norm(1, {.eps = 0, .momentum = 0.5});
  const Tensor x = tensor({{1.0}, {3.0}});  // mean 2, variance 1, estimated as 2
  EXPECT_TRUE(equals(norm(x), {2, 1}, {-1, 1}));
  EXPECT_TRUE(equals(norm.running_mean.value(), {1}, {1}));
  EXPECT_TRUE(equals(norm.running_var.value(), {1}, {1.5}));
  eval(norm);
  EXPECT_TRUE(close(norm(x), {0, 2 / std::sqrt(1.5)}));
  EXPECT_TRUE(equals(norm.running_mean.value(), {1}, {1}));
}

TEST(BatchNorm, keeps_no_graph_of_what_it_has_seen) {
  const BatchNorm norm(2);
  norm(variable(tensor({{1.0, 2.0}, {3.0, 5.0}})));
  EXPECT_FALSE(norm.running_mean.value().requires_grad());
  EXPECT_FALSE(norm.running_var.value().requires_grad());
}

TEST(BatchNorm, in_training_under_vmap_is_an_error_that_leaves_its_statistics_alone) {
  BatchNorm norm(1);
  const Tensor x = tensor({{{1.0}, {3.0}}, {{2.0}, {6.0}}});
  const auto each = vmap([&](const Tensor& batch) { return norm(batch); });
  EXPECT_TRUE(
      mentions(message_of<GradError>([&] { (void)each(x); }), {"buffer", "vmap", "training = false"}));
  EXPECT_TRUE(equals(norm.running_mean.value(), {1}, {0}));
  eval(norm);
  EXPECT_TRUE(close(each(x)[1], norm(x[1]), 1e-15));
}

TEST(RmsNorm, divides_by_the_root_of_the_mean_square) {
  const RmsNorm norm(2, 0.5);
  norm.weight.assign(tensor({1.0, 10.0}));
  // mean square 12.5 + 0.5 = 13
  EXPECT_TRUE(close(norm(tensor({3.0, 4.0})), {3 / std::sqrt(13), 40 / std::sqrt(13)}));
}

TEST(Embedding, starts_with_zeros_for_the_padding) {
  Generator generator;
  const Embedding table(3, 2, generator, -1);
  EXPECT_TRUE(equals(table(tensor({2})), {1, 2}, {0, 0}));
  EXPECT_NE(values(table(tensor({0})))[0], 0);
  EXPECT_THROW(Embedding(3, 2, generator, 3), ShapeError);
  EXPECT_THROW(Embedding(0, 2, generator), ShapeError);
}

TEST(PositionalEncoding, is_made_of_sines_and_cosines) {
  EXPECT_TRUE(close(sinusoidal_encoding(3, 4), {0, 1, 0, 1,                                                //
                                                std::sin(1), std::cos(1), std::sin(0.01), std::cos(0.01),  //
                                                std::sin(2), std::cos(2), std::sin(0.02), std::cos(0.02)}));
  EXPECT_EQ(sinusoidal_encoding(2, 3, DType::float32).dtype(), DType::float32);
  const Tensor table = sinusoidal_encoding(3, 4), x = zeros({3, 2, 4});
  EXPECT_TRUE(close(PositionalEncoding{}(x)[{Slice{}, 1}], table, 0));
  EXPECT_TRUE(close(PositionalEncoding{true}(zeros({2, 3, 4}))[1], table, 0));
  EXPECT_TRUE(close(PositionalEncoding{true}(zeros({3, 4})), table, 0));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { PositionalEncoding{}(zeros({3})); }),
                       {"PositionalEncoding", "(3,)", "(L, N, E)"}));
}

TEST(Sequential, calls_one_after_another_and_shares_with_copies) {
  Generator generator;
  Sequential network(Linear(2, 3, generator), [](const Tensor& x) { return leaky_relu(x, 0.2); });
  network.add(Linear(3, 1, generator), "head");
  name_parameters(network);
  const Tensor x = randn({4, 2}, generator);
  const std::vector<Parameter> all = parameters(network);
  ASSERT_EQ(all.size(), 4);
  EXPECT_EQ(all[0].name(), "0.weight");
  EXPECT_EQ(all[3].name(), "head.bias");
  EXPECT_TRUE(close(network(x), linear(leaky_relu(linear(x, all[0], all[1]), 0.2), all[2], all[3]), 1e-15));
  const Sequential copy = network;
  const Sequential apart = clone(network);
  all[3].assign(tensor({100.0}));
  EXPECT_EQ(values(copy(x)), values(network(x)));
  EXPECT_NE(values(apart(x)), values(network(x)));
  EXPECT_TRUE(same(Sequential()(x), x));
}

TEST(Sequential, has_a_gradient_that_is_one) {
  Generator generator;
  const Sequential network(Linear(2, 3, generator), relu, Sequential(Linear(3, 1, generator)));
  const Tensor x = randn({4, 2}, generator);
  const Sequential gradient = grad([&](const Sequential& each) { return sum(square(each(x))); })(network);
  sum(square(network(x))).backward();
  const NamedParameters expected = named_parameters(network), found = named_parameters(gradient);
  ASSERT_EQ(found.size(), 4);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(found[i].first, expected[i].first);
    EXPECT_TRUE(close(found[i].second, expected[i].second.grad(), 1e-13));
  }
  EXPECT_EQ(found[2].first, "2.0.weight");
}

TEST(Sequential, tells_all_within_how_it_is_used) {
  Generator generator;
  Sequential network(Sequential(Dropout(0.5, generator)));
  const Tensor x = ones({50});
  const Sequential before = network;
  eval(network);
  EXPECT_TRUE(same(network(x), x));
  EXPECT_NE(values(before(x)), values(x));
}

TEST(Sequential, refuses_names_that_could_not_be_told_apart) {
  Generator generator;
  Sequential network(relu);
  EXPECT_TRUE(
      mentions(message_of<std::invalid_argument>([&] { network.add(relu, "0"); }), {"'0'", "already"}));
  EXPECT_TRUE(
      mentions(message_of<std::invalid_argument>([&] { network.add(relu, "a.b"); }), {"'a.b'", "dot"}));
  EXPECT_EQ(network.size(), 1);
  EXPECT_THROW((void)network[1], std::out_of_range);
}

TEST(Layers, put_their_nodes_in_scopes_of_their_names) {
  Generator generator;
  const Sequential network(Conv1d(1, 2, 3, generator), BatchNorm(2));
  const Graph graph(network(zeros({2, 1, 5})));
  EXPECT_EQ(graph.scopes().at(graph.output().scope).name, "1");
}

TEST(Layers, without_a_bias_say_so_when_it_is_asked_for) {
  Generator generator;
  const Linear layer(2, 3, generator, Bias::none, "head");
  EXPECT_EQ(layer.parameters().size(), 1);
  EXPECT_FALSE(layer.clone().has_bias());
  EXPECT_TRUE(
      mentions(message_of<std::invalid_argument>([&] { (void)layer.bias(); }), {"head.weight", "no bias"}));
}

TEST(Layers, start_with_the_variance_that_keeps_the_signal) {
  PRINT_SEED_ON_FAILURE();
  Generator generator(seed());
  const auto variance = [](const Tensor& weight) { return mean(square(weight)).item(); };
  // 18,432 numbers each: six deviations are a share of 6 √(2 / 18432) = 0.063
  EXPECT_NEAR(variance(Conv2d(64, 32, 3, generator).weight) * 64 * 9, 2, 0.126);
  EXPECT_NEAR(variance(ConvTranspose2d(64, 32, 3, generator).weight) * 64 * 9, 2, 0.126);
  EXPECT_EQ(ConvTranspose2d(64, 32, {3, 5}, generator, {.groups = 4}).weight.shape(), (Shape{64, 8, 3, 5}));
  EXPECT_EQ(values(Conv1d(2, 2, 1, generator).bias.value()), (std::vector<double>{0, 0}));
  const Lstm lstm(5, 16, generator);
  EXPECT_LE(max(abs(lstm.weights[0].second)).item(), 0.25);
  EXPECT_GT(max(abs(lstm.weights[0].second)).item(), 0.24);
}

TEST(Layers, name_what_cannot_be_made) {
  Generator g;
  const auto says = [](const auto& make, const std::vector<std::string>& words) {
    EXPECT_TRUE(mentions(message_of<ShapeError>(make), words));
  };
  says([&] { Conv2d(3, 0, 3, g); }, {"Conv2d", "out_channels is 0"});
  says([&] { Conv2d(3, 4, 3, g, {.groups = 2}); }, {"Conv2d", "2 groups", "3 channels"});
  says([&] { Conv2d(3, 4, {3, 3, 3}, g); }, {"Conv2d", "(3, 3, 3)", "2 axes"});
  says([&] { Conv1d(3, 4, -1, g); }, {"Conv1d", "kernel is -1"});
  says([&] { ConvTranspose3d(3, 4, 1, g, {.groups = 0}); }, {"ConvTranspose3d", "groups is 0"});
  says([&] { BatchNorm(0); }, {"BatchNorm", "channels is 0"});
  says([&] { LayerNorm({2, 0}); }, {"LayerNorm", "is 0"});
  says([&] { GroupNorm(3, 4); }, {"GroupNorm", "3 groups", "4 channels"});
  says([&] { Lstm(0, 3, g); }, {"Lstm", "inputs is 0"});
  says([&] { Gru(2, 3, g, {.layers = 0}); }, {"Gru", "layers is 0"});
  says([&] { MultiheadAttention(5, 2, g); }, {"MultiheadAttention", "2 heads", "5 features"});
}

TEST(Layers, name_what_they_cannot_take) {
  Generator g;
  const auto says = [](const auto& call, const std::vector<std::string>& words) {
    EXPECT_TRUE(mentions(message_of<ShapeError>(call), words));
  };
  says([&] { Conv2d(3, 4, 3, g)(zeros({1, 2, 5, 5})); }, {"conv2d", "(1, 2, 5, 5)"});
  says([&] { ConvTranspose1d(3, 4, 3, g)(zeros({1, 2, 5})); }, {"conv_transpose1d", "(1, 2, 5)"});
  says([&] { BatchNorm(3)(zeros({4, 2})); }, {"BatchNorm", "(4, 2)", "3 channels"});
  says([&] { BatchNorm(3)(zeros({3})); }, {"BatchNorm", "(3,)", "3 channels"});
  says([&] { BatchNorm(3)(zeros({1, 3})); }, {"batch_norm", "(1, 3)"});
  says([&] { LayerNorm(3)(zeros({4, 2})); }, {"layer_norm", "(4, 2)"});
  says([&] { GroupNorm(2, 4)(zeros({1, 6})); }, {"GroupNorm", "(1, 6)", "4 channels"});
  says([&] { Lstm(2, 3, g)(zeros({4, 1, 5})); }, {"lstm", "5"});
  says([&] { MultiheadAttention(4, 2, g)(zeros({3, 1, 6})); }, {"multi_head_attention", "6"});
  const Embedding table(3, 2, g);
  EXPECT_ANY_THROW(table(tensor({3})));
  EXPECT_THROW(table(tensor({0.5})), DTypeError);
}

}  // namespace
}  // namespace chainrule::test
