// The half-moons network, learned by several processes from their parts of the samples:
//
//     mpirun -np 4 build/release/bin/data_parallel
//
// The numbers that it prints are, to rounding, those of one process: build/release/bin/data_parallel.
#include <chainrule/chainrule.h>
#include <chainrule/distributed.h>
//
//   epoch  5: loss 0.182488
//   ...
//   epoch 20: loss 0.026847
//   99.5 % of the samples are right

#include <cstdio>

using namespace chainrule;

struct Network {
  Linear first, second;
  explicit Network(Generator& generator) : first(2, 32, generator), second(32, 2, generator) {}
  Tensor operator()(const Tensor& x) const { return second(tanh(first(x))); }
  CHAINRULE_MEMBERS(first, second)
};

int learn(const distributed::World& world) {
  // The same seed on all ranks; should their data differ all the same, that is an error at the start.
  Generator generator(1);
  const Dataset data = half_moons(960, 0.1, generator);
  world.check_equal("half moons", data.x);

  Network network(generator);
  name_parameters(network);
  distributed::DataParallel parallel(world, network);
  distributed::Sharded<Adam> optimizer(world, parameters(network), {.learning_rate = 0.02});
  // Of 96 samples in each step every rank has its part. (A number of ranks that divides 96.)
  const distributed::Sampler sampler(world, data.size(), {.batch_size = 96 / world.size(), .seed = 2});

  for (int epoch = 0; epoch < 20; ++epoch) {
    double sum = 0;
    for (const auto& batch : sampler.batches(epoch)) {
      const Dataset part = take_rows(data, batch);
      Tensor loss = cross_entropy(network(part.x), part.y);
      sum += loss.item();
      parallel.backward(std::move(loss));
      optimizer.step();
    }
    const double loss =
        world.all_reduce(tensor(sum / static_cast<double>(sampler.size())), distributed::Reduce::mean).item();
    if (world.rank() == 0 && (epoch + 1) % 5 == 0) std::printf("epoch %2d: loss %.6f\n", epoch + 1, loss);
  }
  const double right = accuracy(no_grad([&] { return network(data.x); }), data.y);
  if (world.rank() == 0) std::printf("%.1f %% of the samples are right\n", 100 * right);
  return right > 0.97 ? 0 : 1;
}

int main(int argc, char** argv) {
  return distributed::run(argc, argv, [](const distributed::World& world) { return learn(world); });
}
