// A robot's arm of four links follows a circle with its hand: which angles of its joints lead there? There
// are many answers; least squares find one close by, of which the joints bend little.
//
//   target ( 1.80,  0.90)  angles    0.3°   14.3°   38.3°   94.4°  hand off by 2e-05
//   target ( 1.72,  1.20)  angles    2.3°   19.9°   44.5°   63.3°  hand off by 1e-05
//   ...
//   the hand moves by 0.99 to 2.47 for a turn of 1
#include <chainrule/chainrule.h>

#include <cmath>
#include <cstdio>
#include <numbers>

using namespace chainrule;

namespace {

const Tensor links = tensor({1.0, 0.8, 0.6, 0.4});  // their lengths

/// The angle of each joint to the link before it, (4,), gives where the joints and the hand are, (4, 2).
Tensor joints(const Tensor& angles) {
  const Tensor direction = cumsum(angles, 0);
  return cumsum(stack({links * cos(direction), links * sin(direction)}, 1), 0);
}
Tensor hand(const Tensor& angles) { return joints(angles)[-1]; }

}  // namespace

int main() {
  const Parameter angles(tensor({0.3, 0.3, 0.3, 0.3}), "angles");
  double furthest = 0;
  for (int i = 0; i <= 12; ++i) {
    const double turn = 2 * std::numbers::pi * i / 12;
    const Tensor target = tensor({1.2 + 0.6 * std::cos(turn), 0.9 + 0.6 * std::sin(turn)});

    // Two numbers to be 0, and with little weight four more: of all solutions the one that bends least.
    LevenbergMarquardt solver({angles});
    for (int step = 0; step < 25; ++step)
      solver.step([&] { return concatenate({hand(angles) - target, 1e-4 * angles.leaf()}); });

    const double off = norm(hand(angles) - target).item();
    furthest = std::max(furthest, off);
    std::printf("target (%5.2f, %5.2f)  angles", target[0].item(), target[1].item());
    for (const double angle : angles.leaf().to_vector<double>())
      std::printf(" %6.1f°", angle * 180 / std::numbers::pi);
    std::printf("  hand off by %.0e\n", off);
  }

  // How the hand can move from here: the singular values of its Jacobian, which are 0 where it is stuck.
  const Tensor freedom = svdvals(jacobian(hand)(angles.leaf()));
  std::printf("the hand moves by %.2f to %.2f for a turn of 1\n", freedom[1].item(), freedom[0].item());
  return furthest < 1e-3 && freedom[1].item() > 0.1 ? 0 : 1;
}
