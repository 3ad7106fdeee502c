// Units that start alike get the same gradient, so they stay alike for ever: this is why networks start from
// random numbers.

#include "chainrule/data.h"
#include "chainrule/optim.h"
#include "support.h"

namespace chainrule::test {
namespace {

Linear constant_layer(std::int64_t inputs, std::int64_t outputs, double value, const std::string& name) {
  return {Parameter(full({outputs, inputs}, value, DType::float64), name + ".weight"),
          Parameter(zeros({outputs}, DType::float64), name + ".bias")};
}

double largest_difference_between_units(const Linear& layer) {
  const Tensor weight = layer.weight(), bias = layer.bias();
  return max(abs(weight - weight[0])).item() + max(abs(bias - bias[0])).item();
}

double train(const Mlp& network, const Dataset& data) {
  Sgd optimizer(network.parameters(), {.learning_rate = 0.1, .momentum = 0.9});
  double loss = 0;
  for (int step = 0; step < 200; ++step) {
    const Tensor now = cross_entropy(network(cast(data.x, DType::float64)), data.y);
    now.backward();
    optimizer.step();
    loss = now.item();
  }
  return loss;
}

TEST(Symmetry, of_equal_initial_weights_stays_through_training) {
  Generator generator(1);
  const Dataset moons = half_moons(100, 0.1, generator);
  const Mlp network({constant_layer(2, 8, 0.5, "layer1"), constant_layer(8, 2, 0.5, "layer2")});
  const std::vector<double> before = values(network.layers()[0].weight());
  train(network, moons);
  EXPECT_NE(values(network.layers()[0].weight()), before);
  // Not even rounding tells the units apart.
  EXPECT_EQ(largest_difference_between_units(network.layers()[0]), 0);
}

TEST(Symmetry, is_broken_by_random_initial_weights) {
  Generator generator(1);
  const Dataset moons = half_moons(100, 0.1, generator);
  const Mlp equal({constant_layer(2, 8, 0.5, "layer1"), constant_layer(8, 2, 0.5, "layer2")});
  const Mlp random({2, 8, 2}, generator, DType::float64);
  EXPECT_GT(largest_difference_between_units(random.layers()[0]), 0.1);
  EXPECT_LT(train(random, moons), 0.5 * train(equal, moons));
}

}  // namespace
}  // namespace chainrule::test
