#include <benchmark/benchmark.h>
#include <chainrule/chainrule.h>

/// What the engine itself costs: graphs of scalars, where the arithmetic is free.
namespace {

using chainrule::Tensor, chainrule::variable;

/// (x + y) * z, forward and backward, on leaves that stay.
void walkthrough(benchmark::State& state) {
  const Tensor x = variable(-2.0), y = variable(5.0), z = variable(-4.0);
  for (auto _ : state) {
    const Tensor result = (x + y) * z;
    result.backward();
    x.zero_grad();
    y.zero_grad();
    z.zero_grad();
    benchmark::DoNotOptimize(result);
  }
}
BENCHMARK(walkthrough);

/// x ← x · a + b, over and over: built, differentiated and destroyed. Time per multiplication or addition.
void chain(benchmark::State& state) {
  const Tensor x = variable(1.0), a = variable(0.999), b = variable(0.001);
  for (auto _ : state) {
    Tensor result = x;
    for (std::int64_t i = 0; i < state.range(0); ++i) result = result * a + b;
    benchmark::DoNotOptimize(gradients(result, {x, a, b}));
  }
  state.counters["per_operation"] =
      benchmark::Counter(2e-9 * static_cast<double>(state.range(0)),
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(chain)->RangeMultiplier(10)->Range(1000, 1000000);

}  // namespace
