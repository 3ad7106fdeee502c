// What follows from naming members once: parameters, states, copies, printing, modes.
// support.h compares the numbers.

#include "chainrule/nn.h"

#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "chainrule/losses.h"
#include "chainrule/optim.h"
#include "chainrule/transforms.h"
#include "support.h"

namespace chainrule::test {
namespace {

/// A module with one of everything.
struct Block {
  Linear up, down;
  Dropout dropout;
  Tensor operator()(const Tensor& x) const { return x + down(dropout(tanh(up(x)))); }
  CHAINRULE_MEMBERS(up, down, dropout)
};

struct Network {
  explicit Network(Generator& generator)
      : stem(2, 3, generator),
        blocks{block(generator), block(generator)},
        norm(3),
        scale(tensor({1.0, 2.0, 4.0}), "scale"),
        heads{{"left", Linear(3, 1, generator, Bias::none)}, {"right", Linear(3, 2, generator)}} {}
  static Block block(Generator& generator) {
    return {Linear(3, 4, generator), Linear(4, 3, generator), Dropout(0.5, generator)};
  }
  Tensor operator()(const Tensor& x) const {
    Tensor signal = stem(x);
    for (const Block& each : blocks) signal = each(signal);
    signal = scale * norm(signal);
    return concatenate({heads[0].second(signal), heads[1].second(signal)}, 1);
  }
  std::vector<Parameter> all() const { return parameters(*this); }  // before the names of the members
  Linear stem;
  std::vector<Block> blocks;
  BatchNorm norm;
  Parameter scale;
  std::vector<std::pair<std::string, Linear>> heads;
  CHAINRULE_MEMBERS(stem, blocks, norm, scale, heads)
};

template <class Named>
std::vector<std::string> names_of(const Named& entries) {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries) names.push_back(name);
  return names;
}

const std::vector<std::string> names = {"stem.weight",
                                        "stem.bias",
                                        "blocks.0.up.weight",
                                        "blocks.0.up.bias",
                                        "blocks.0.down.weight",
                                        "blocks.0.down.bias",
                                        "blocks.1.up.weight",
                                        "blocks.1.up.bias",
                                        "blocks.1.down.weight",
                                        "blocks.1.down.bias",
                                        "norm.weight",
                                        "norm.bias",
                                        "scale",
                                        "heads.left.weight",
                                        "heads.right.weight",
                                        "heads.right.bias"};

TEST(Module, names_its_parameters_and_buffers_by_the_members) {
  Generator generator;
  const Network network(generator);
  EXPECT_EQ(names_of(named_parameters(network)), names);
  EXPECT_EQ(names_of(named_buffers(network)),
            (std::vector<std::string>{"blocks.0.dropout.seed", "blocks.1.dropout.seed", "norm.running_mean",
                                      "norm.running_var", "norm.num_batches_tracked"}));
  EXPECT_EQ(parameters(network).size(), names.size());
  EXPECT_EQ(network.all().size(), names.size());
  // stem 9, blocks 31 each, norm 6, scale 3, heads 3 + 8
  EXPECT_EQ(count_parameters(network), 9 + 2 * 31 + 6 + 3 + 11);
}

TEST(Module, counts_a_parameter_in_two_places_once) {
  Generator generator;
  const Linear shared(2, 2, generator);
  const std::vector<Linear> twice = {shared, shared};
  EXPECT_EQ(names_of(named_parameters(twice)), (std::vector<std::string>{"0.weight", "0.bias"}));
  EXPECT_EQ(count_parameters(twice), 6);
  EXPECT_EQ(names_of(state_dict(twice)),
            (std::vector<std::string>{"0.weight", "0.bias", "1.weight", "1.bias"}));
  const std::vector<Linear> copy = clone(twice);
  EXPECT_EQ(count_parameters(copy), 6);
  EXPECT_NE(copy[0].weight().slot(), shared.weight().slot());
}

TEST(Module, gives_parameters_its_names) {
  Generator generator;
  const Mlp network({2, 3, 1}, generator);
  name_parameters(network, "encoder");
  EXPECT_EQ(network.layers()[1].weight().name(), "encoder.layers.1.weight");
  EXPECT_EQ(network.layers()[1].weight().leaf().name(), "encoder.layers.1.weight");
  network.layers()[1].bias().assign(zeros({1}));
  EXPECT_EQ(network.layers()[1].bias().leaf().name(), "encoder.layers.1.bias");
}

TEST(Module, takes_over_the_state_of_another) {
  Generator one(1), two(2);
  Network from(one), into(two);
  const Tensor x = randn({5, 2}, one);
  from(x);  // changes the running statistics
  const NamedTensors state = state_dict(from);
  EXPECT_EQ(state.size(), names.size() + 3);
  eval(from);
  eval(into);
  EXPECT_NE(values(into(x)), values(from(x)));
  load_state_dict(into, state);
  EXPECT_EQ(values(into(x)), values(from(x)));
  EXPECT_EQ(into.norm.num_batches_tracked.value().item<std::int64_t>(), 1);
  from.scale.assign(zeros({3}));
  EXPECT_EQ(values(into.scale), (std::vector<double>{1, 2, 4}));
}

TEST(Module, loads_values_of_another_dtype) {
  Generator generator;
  const Linear layer(2, 1, generator);
  load_state_dict(layer, {{"bias", tensor({0.5F})}, {"weight", tensor({{1.0F, 2.0F}})}});
  EXPECT_TRUE(equals(layer.weight(), {1, 2}, {1, 2}));
  EXPECT_EQ(layer.weight().dtype(), DType::float64);
  EXPECT_TRUE(layer.weight().leaf().requires_grad());
}

TEST(Module, says_all_that_does_not_fit_and_changes_nothing) {
  Generator generator;
  const Mlp network({2, 3, 1}, generator);
  NamedTensors state = state_dict(network);
  const NamedTensors before = state;
  state[0].second = zeros({3, 2});  // fits, but must not be taken
  state[1].second = zeros({4});     // layers.0.bias
  state[2].first = "layers.1.weights";
  state.emplace_back("layers.0.bias", zeros({3}));
  EXPECT_EQ(
      message_of<ShapeError>([&] { load_state_dict(network, state); }),
      "load_state_dict: the state does not fit the module: missing: layers.1.weight; unknown: "
      "layers.1.weights; there twice: layers.0.bias; of another shape: layers.0.bias (4,) for (3,); give "
      "one of a module with the same members, as state_dict() lists them");
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_EQ(values(state_dict(network)[i].second), values(before[i].second));
}

TEST(Module, takes_what_fits_of_a_state_where_it_is_not_strict) {
  Generator generator;
  const Mlp network({2, 3, 1}, generator);
  const NamedTensors before = state_dict(network);
  const NamedTensors state = {{"layers.0.weight", ones({3, 2})}, {"head.weight", ones({1, 3})}};
  EXPECT_TRUE(mentions(
      message_of<ShapeError>([&] { load_state_dict(network, state); }),
      {"missing: layers.0.bias, layers.1.weight, layers.1.bias; unknown: head.weight", "{.strict = false}"}));
  const StateDifferences differences = load_state_dict(network, state, {.strict = false});
  EXPECT_EQ(differences.missing,
            (std::vector<std::string>{"layers.0.bias", "layers.1.weight", "layers.1.bias"}));
  EXPECT_EQ(differences.unknown, std::vector<std::string>{"head.weight"});
  EXPECT_EQ(values(state_dict(network)[0].second), std::vector<double>(6, 1));
  for (std::size_t i = 1; i < before.size(); ++i)
    EXPECT_EQ(values(state_dict(network)[i].second), values(before[i].second));
  // Another shape is an error all the same, and nothing is changed then.
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         load_state_dict(network,
                                         {{"layers.0.weight", zeros({3, 2})}, {"layers.1.bias", zeros({2})}},
                                         {.strict = false});
                       }),
                       {"of another shape: layers.1.bias (2,) for (1,)"}));
  EXPECT_EQ(values(state_dict(network)[0].second), std::vector<double>(6, 1));
  EXPECT_TRUE(load_state_dict(network, before).missing.empty());
}

TEST(Module, keeps_the_values_of_a_state_through_training) {
  Generator generator;
  const Linear layer(2, 1, generator);
  const NamedTensors state = state_dict(layer);
  const std::vector<double> before = values(state[0].second);
  Sgd optimizer(parameters(layer), {.learning_rate = 1});
  sum(layer(ones({1, 2}))).backward();
  optimizer.step();
  EXPECT_EQ(values(state[0].second), before);
  EXPECT_NE(values(layer.weight()), before);
}

TEST(Module, in_another_dtype_is_a_module_of_its_own) {
  Generator generator;
  Network network(generator);
  eval(network);
  const Network single = to(network, DType::float32);
  for (const auto& [name, parameter] : named_parameters(single)) {
    EXPECT_EQ(parameter.dtype(), DType::float32) << name;
    EXPECT_TRUE(parameter.leaf().is_leaf()) << name;
  }
  EXPECT_EQ(single.norm.running_var.value().dtype(), DType::float32);
  EXPECT_EQ(single.norm.num_batches_tracked.value().dtype(), DType::int64);
  const Tensor x = randn({4, 2}, generator);
  EXPECT_EQ(single(cast(x, DType::float32)).dtype(), DType::float32);
  EXPECT_TRUE(close(cast(single(cast(x, DType::float32)), DType::float64), network(x), 1e-5));
  EXPECT_EQ(network.scale.dtype(), DType::float64);
  EXPECT_EQ(single.scale.name(), network.scale.name());
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] { (void)to(network, DType::int64); }), {"to", "int64"}));
}

TEST(Module, cloned_shares_nothing) {
  Generator generator;
  Network network(generator);
  const Network copy = clone(network);
  const std::vector<double> scale = values(copy.scale);
  network.scale.assign(zeros({3}));
  network(randn({4, 2}, generator));
  EXPECT_EQ(values(copy.scale), scale);
  EXPECT_EQ(values(copy.norm.running_mean.value()), (std::vector<double>{0, 0, 0}));
  EXPECT_NE(values(copy.blocks[0].dropout.seed.value()), values(network.blocks[0].dropout.seed.value()));
}

TEST(Module, is_told_how_it_is_used_with_all_that_is_within) {
  Generator generator;
  Network network(generator);
  Network copy = network;
  eval(copy);
  EXPECT_FALSE(copy.norm.training);
  EXPECT_FALSE(copy.blocks[1].dropout.training);
  EXPECT_TRUE(network.norm.training);
  network(randn({4, 2}, generator));
  EXPECT_EQ(values(copy.norm.running_mean.value()), values(network.norm.running_mean.value()));
  train(copy);
  EXPECT_TRUE(copy.norm.training);
}

TEST(Module, has_a_gradient_that_is_a_module) {
  Generator generator;
  Network network(generator);
  const Tensor x = randn({6, 2}, generator), y = randn({6, 3}, generator);
  for (Block& each : network.blocks) eval(each.dropout);
  const auto loss = [&](const Network& each) { return mse_loss(each(x), y); };
  const auto [value, gradient] = value_and_grad(loss)(network);
  loss(network).backward();
  const NamedParameters expected = named_parameters(network), found = named_parameters(gradient);
  ASSERT_EQ(found.size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(found[i].first, names[i]);
    EXPECT_TRUE(close(found[i].second, expected[i].second.grad(), 1e-12)) << names[i];
  }
  // Both runs have been seen.
  EXPECT_EQ(network.norm.num_batches_tracked.value().item<std::int64_t>(), 2);
}

TEST(Module, says_where_a_transform_found_something_wrong) {
  const std::vector<std::pair<std::string, Tensor>> weights = {{"a", tensor(2.0)}, {"b", tensor(3)}};
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] {
                         grad([](const NamedTensors& w) { return w[0].second * w[1].second; })(weights);
                       }),
                       {"argument 0.b", "int64"}));
}

TEST(Module, of_a_dictionary_has_a_gradient_that_is_one) {
  const NamedTensors weights = {{"a", tensor(2.0)}, {"b", tensor(3.0)}};
  const NamedTensors gradient =
      grad([](const NamedTensors& w) { return w[0].second * w[1].second; })(weights);
  EXPECT_EQ(gradient[0].first, "a");
  EXPECT_EQ(gradient[0].second.item(), 3);
  EXPECT_EQ(gradient[1].second.item(), 2);
}

TEST(Module, may_have_members_without_parameters) {
  Generator generator;
  struct Small {
    Conv1d conv;
    MaxPool1d pool;
    AnyModule activation;
    std::optional<Linear> head;
    CHAINRULE_MEMBERS(conv, pool, activation, head)
  };
  const Small without{Conv1d(1, 2, 3, generator), MaxPool1d(2), relu, {}};
  EXPECT_EQ(names_of(state_dict(without)), (std::vector<std::string>{"conv.weight", "conv.bias"}));
  const Small with{without.conv, without.pool, without.activation, Linear(2, 1, generator)};
  EXPECT_EQ(names_of(state_dict(with)),
            (std::vector<std::string>{"conv.weight", "conv.bias", "head.weight", "head.bias"}));
  EXPECT_TRUE(mentions(summary(with), {"Small", "pool", "MaxPool1d", "activation", "function"}));
}

TEST(Buffer, keeps_its_shape_and_dtype_and_no_history) {
  const Tensor x = variable(tensor({1.0, 2.0}));
  const Buffer buffer(square(x)), copy = buffer;
  EXPECT_FALSE(buffer.value().requires_grad());
  buffer.assign(3 * x);
  EXPECT_FALSE(copy.value().requires_grad());
  EXPECT_EQ(values(copy.value()), (std::vector<double>{3, 6}));
  EXPECT_TRUE(
      mentions(message_of<ShapeError>([&] { buffer.assign(zeros({3})); }), {"Buffer", "(2,)", "(3,)"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] { buffer.assign(tensor({1, 2})); }), {"Buffer", "int64"}));
}

TEST(Summary, lists_names_kinds_and_numbers) {
  Generator generator;
  EXPECT_EQ(summary(Network(generator)),
            "name                  kind       parameters\n"
            "                      Network            91\n"
            "  stem                Linear              9\n"
            "  blocks.0            Block              31\n"
            "    blocks.0.up       Linear             16\n"
            "    blocks.0.down     Linear             15\n"
            "    blocks.0.dropout  Dropout             0\n"
            "  blocks.1            Block              31\n"
            "    blocks.1.up       Linear             16\n"
            "    blocks.1.down     Linear             15\n"
            "    blocks.1.dropout  Dropout             0\n"
            "  norm                BatchNorm           6\n"
            "  heads.left          Linear              3\n"
            "  heads.right         Linear              8\n"
            "total                                    91\n");
}

TEST(Summary, shows_shapes_work_and_memory_on_the_way_through_a_sequence) {
  Generator generator;
  const Sequential network(
      Conv2d(1, 2, 3, generator), relu, MaxPool2d(2),
      [](const Tensor& x) {
        return x.reshape({x.shape()[0], -1});
      },
      Sequential(Linear(32, 3000, generator), BatchNorm(3000)));
  EXPECT_EQ(summary(network, zeros({5, 1, 10, 10})),
            "name     kind        output            flops    bytes  parameters\n"
            "         Sequential  (5, 3000)     1,020,800  516,800     105,020\n"
            "  0      Conv2d      (5, 2, 8, 8)     11,520    5,120          20\n"
            "  1      function    (5, 2, 8, 8)        640    5,120           0\n"
            "  2      MaxPool2d   (5, 2, 4, 4)        640    1,280           0\n"
            "  3      function    (5, 32)               0    1,280           0\n"
            "  4      Sequential  (5, 3000)     1,008,000  504,000     105,000\n"
            "    4.0  Linear      (5, 3000)       960,000  120,000      99,000\n"
            "    4.1  BatchNorm   (5, 3000)        48,000  384,000       6,000\n"
            "total                              1,020,800  516,800     105,020\n");
  EXPECT_EQ(no_grad([&] {
              return summary(network, zeros({5, 1, 10, 10}));
            }),
            summary(network, zeros({5, 1, 10, 10})));
  EXPECT_TRUE(network(zeros({5, 1, 10, 10})).requires_grad());
}

}  // namespace
}  // namespace chainrule::test
