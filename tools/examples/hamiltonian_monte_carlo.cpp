// Draws from a distribution of which only the density is known, and that up to a factor: a banana in the
// plane, x normal and y around x². Each sample is thrown like a ball over the landscape -log p, which takes
// its slope; 200 chains at once, which are 200 rows of every tensor.
//
//   accepted 96 %
//            mean x  deviation x  mean y  deviation y
//   drawn    -0.021        0.997   0.995        1.491
//   exact     0.000        1.000   1.000        1.500
//
// Source: Neal, "MCMC using Hamiltonian dynamics", 2011.
#include <chainrule/chainrule.h>

#include <cmath>
#include <cstdio>

using namespace chainrule;

namespace {

/// -log of the density of each row of q (chains, 2), up to a constant.
Tensor energy(const Tensor& q) {
  const Tensor x = q[{Index::ellipsis(), 0}], y = q[{Index::ellipsis(), 1}];
  return square(x) / 2 + 2 * square(y - square(x));
}

struct State {
  Tensor q, p;  // places and momenta
};

/// Moves for some time, by steps that keep volumes, and the total energy nearly.
State leapfrog(State s, double size, int steps) {
  // Each row's energy depends on that row alone, so the slopes of all are those of the sum.
  const auto slope = grad([](const Tensor& q) { return sum(energy(q)); });
  s.p = s.p - size / 2 * slope(s.q);
  for (int i = 1; i <= steps; ++i) {
    s.q = s.q + size * s.p;
    s.p = s.p - (i < steps ? size : size / 2) * slope(s.q);
  }
  return s;
}

Tensor total(const State& s) { return energy(s.q) + sum(square(s.p), 1) / 2; }

}  // namespace

int main() {
  constexpr std::int64_t chains = 200;
  constexpr int rounds = 300, burn_in = 50;
  Generator generator(17);
  Tensor q = randn({chains, 2}, generator);
  std::vector<Tensor> drawn;
  double accepted = 0;
  for (int round = 0; round < rounds; ++round) {
    const State before = {q, randn({chains, 2}, generator)};
    const State after = leapfrog(before, 0.15, 12);
    const Tensor accept = rand({chains}, generator) < exp(total(before) - total(after));
    q = where(accept.reshape({chains, 1}), after.q, q);
    accepted += mean(accept).item() / rounds;
    if (round >= burn_in) drawn.push_back(q);
  }

  const Tensor samples = concatenate(drawn);
  const Tensor center = mean(samples, 0), deviation = chainrule::std(samples, 0);
  std::printf("accepted %.0f %%\n", 100 * accepted);
  std::printf("         mean x  deviation x  mean y  deviation y\n");
  std::printf("drawn    %6.3f  %11.3f  %6.3f  %11.3f\n", center[0].item(), deviation[0].item(),
              center[1].item(), deviation[1].item());
  std::printf("exact    %6.3f  %11.3f  %6.3f  %11.3f\n", 0.0, 1.0, 1.0, 1.5);  // y varies by 2 + 1/4
  return max(abs(center - tensor({0.0, 1.0}))).item() < 0.1 &&
                 max(abs(deviation - tensor({1.0, 1.5}))).item() < 0.1
             ? 0
             : 1;
}
