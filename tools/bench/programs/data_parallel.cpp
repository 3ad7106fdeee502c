// What data-parallel training costs: mpirun -np 2 bench_data_parallel. One line of JSON: seconds of a step of
// the network that the benchmark has, with the samples of a batch shared out to the ranks, and what each step
// sends. With --wait-ms, ranks wait in place of computing: more of them than there are processors do not
// fight for these, and what is measured is the network between them.

#include <chainrule/custom_gradient.h>
#include <chainrule/data.h>
#include <chainrule/distributed.h>
#include <chainrule/nn.h>
#include <chainrule/optim.h>
#include <chainrule/threads.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <thread>

#include "scaling.h"

using namespace chainrule;

namespace {

struct Settings {
  std::int64_t batch = 1024, bucket_bytes = distributed::DataParallelOptions().bucket_bytes;
  int steps = 30, threads = 1;
  double wait_ms = 0, rate = 0;
  bool plain = false;
};

double median(std::vector<double> all) {
  std::ranges::nth_element(all, all.begin() + std::ssize(all) / 2);
  return all[all.size() / 2];
}

/// A parameter's part of a network that waits in place of computing.
Tensor waited(const Tensor& x, const Tensor& parameter, double seconds) {
  const auto wait = [seconds](double share) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds * share));
  };
  return custom_gradient(
      "wait",
      [wait](const Tensor& before, const Tensor&) {
        wait(scaling::forward_share);
        return before + 0;
      },
      [wait](const Tensor&, const Tensor& p, const Tensor&, const Tensor& g) {
        wait(1 - scaling::forward_share);
        return std::tuple(g, full(p.shape(), 1e-3));
      })(x, parameter);
}

/// As large as the parameters that it stands for, and as long in each as that is large.
Tensor loss_of_waiting(const Mlp& network, double seconds) {
  Tensor x = tensor(0.0F);
  const auto all = static_cast<double>(count_parameters(network));
  for (const Parameter& each : network.parameters())
    x = waited(x, each, seconds * static_cast<double>(each.leaf().size()) / all);
  return x;
}

void measure(const distributed::World& world, const Settings& settings) {
  using Clock = std::chrono::steady_clock;
  Generator generator(784);
  const std::int64_t part = settings.batch / world.size();
  const Tensor x = rand({part, 784}, generator, DType::float32), target = zeros({part}, DType::int64);
  const Mlp network({784, 512, 512, 10}, generator);
  distributed::DataParallel parallel(world, network.parameters(), {.bucket_bytes = settings.bucket_bytes});
  Sgd optimizer(network.parameters(), {.learning_rate = 0.01});
  std::vector<double> steps, processor, seconds, waited, overlap;
  for (int i = -5; i < settings.steps; ++i) {
    world.barrier();
    const auto begin = Clock::now();
    const std::clock_t clock = std::clock();
    Tensor loss = settings.wait_ms > 0 ? loss_of_waiting(network, settings.wait_ms / 1e3)
                                       : cross_entropy(network(x), target);
    if (settings.plain)
      std::move(loss).backward();
    else
      parallel.backward(std::move(loss));
    optimizer.step();
    const double own = std::chrono::duration<double>(Clock::now() - begin).count();
    const double slowest = world.all_reduce(tensor(own), distributed::Reduce::max).item();
    if (i < 0) continue;  // to warm up
    steps.push_back(slowest);
    processor.push_back(static_cast<double>(std::clock() - clock) / CLOCKS_PER_SEC);
    seconds.push_back(parallel.cost().seconds);
    waited.push_back(parallel.cost().waited);
    overlap.push_back(parallel.cost().overlap());
  }
  if (world.rank() == 0)
    std::printf(
        "{\"ranks\": %d, \"threads\": %d, \"batch\": %lld, \"plain\": %s, \"wait_ms\": %g, "
        "\"megabits\": %g, \"bucket_bytes\": %lld, \"step_ms\": %.3f, \"processor_ms\": %.3f, "
        "\"communication_ms\": %.3f, \"waited_ms\": %.3f, \"overlap\": %.2f, \"buckets\": %lld, "
        "\"messages\": %lld, \"bytes\": %lld}\n",
        world.size(), num_threads(), static_cast<long long>(settings.batch),
        settings.plain ? "true" : "false", settings.wait_ms, settings.rate,
        static_cast<long long>(settings.bucket_bytes), 1e3 * median(steps), 1e3 * median(processor),
        1e3 * median(seconds), 1e3 * median(waited), median(overlap),
        static_cast<long long>(parallel.cost().buckets),
        static_cast<long long>(parallel.cost().sent.messages),
        static_cast<long long>(parallel.cost().sent.bytes));
}

}  // namespace

int main(int argc, char** argv) {
  set_default_dtype(DType::float32);
  Settings settings;
  CLI::App app("Times data-parallel training. Start it by mpirun.");
  app.add_option("--batch", settings.batch, "samples of all ranks together")->check(CLI::Range(1, 1 << 20));
  app.add_option("--steps", settings.steps, "how many are timed")->check(CLI::Range(1, 1 << 20));
  app.add_option("--threads", settings.threads, "of each rank; 0 is its share")->check(CLI::Range(0, 1024));
  app.add_option("--bucket-bytes", settings.bucket_bytes, "of gradients that are sent together");
  app.add_option("--wait-ms", settings.wait_ms, "wait so long in place of computing a step");
  app.add_option("--megabits", settings.rate,
                 "of the network, in a second: is only repeated in what is printed");
  app.add_flag("--plain", settings.plain, "without any communication");
  CLI11_PARSE(app, argc, argv);
  return distributed::run(argc, argv, [&](const distributed::World& world) { measure(world, settings); },
                          {.threads = settings.threads});
}
