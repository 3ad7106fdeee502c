// How long is a pendulum, and how much does the air hold it back? Read off a film of four seconds of it: the
// angles that odeint() computes are fitted to those measured, by their derivatives in both.
//
//   step 0  length 1.223 m  friction 0.256 /s  loss 1.80151
//   ...
//   step 3  length 1.200 m  friction 0.349 /s  loss 0.00405
//   truth   length 1.200 m  friction 0.350 /s
//   energy lost in ten seconds without friction: 4e-08 J/kg
#include <chainrule/chainrule.h>

#include <cmath>
#include <cstdio>

using namespace chainrule;

namespace {

struct State {
  Tensor angle, speed;
  CHAINRULE_MEMBERS(angle, speed)
};

/// Newton's law: the weight pulls it down, the air holds it back.
State motion(const State& now, const Tensor& /*t*/, const Tensor& length, const Tensor& friction) {
  return {now.speed, -9.81 / length * sin(now.angle) - friction * now.speed};
}

const State start = {2.5, 0.0};  // let go from high up, where the period depends on the angle

}  // namespace

int main() {
  const double true_length = 1.2, true_friction = 0.35;
  const Tensor t = linspace(0, 4, 81);
  Generator generator(2);
  const Tensor filmed =
      odeint(motion, start, t, true_length, true_friction).angle + 0.01 * randn({81}, generator);

  const Parameter length(tensor(1.0), "length"), friction(tensor(0.1), "friction");
  LevenbergMarquardt fit({length, friction});
  for (int step = 0; step < 4; ++step) {
    const auto [before, after, moved] =
        fit.step([&] { return odeint(motion, start, t, length, friction).angle - filmed; });
    std::printf("step %d  length %.3f m  friction %.3f /s  loss %.5f\n", step, length.leaf().item(),
                friction.leaf().item(), after);
  }
  std::printf("truth   length %.3f m  friction %.3f /s\n", true_length, true_friction);

  // Without friction, its energy is what it was.
  const State end = odeint(motion, {.rtol = 1e-10}, start, tensor({0.0, 10.0}), true_length, 0.0);
  const Tensor energy = square(true_length * end.speed) / 2 - 9.81 * true_length * cos(end.angle);
  const double lost = (energy[1] - energy[0]).item();
  std::printf("energy lost in ten seconds without friction: %.0e J/kg\n", std::abs(lost));

  const bool right = std::abs(length.leaf().item() - true_length) < 0.01 &&
                     std::abs(friction.leaf().item() - true_friction) < 0.01 && std::abs(lost) < 1e-7;
  return right ? 0 : 1;
}
