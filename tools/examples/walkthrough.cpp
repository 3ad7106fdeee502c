// Backpropagation at the board: L = (x + y) * z, and how L reacts to a nudge of each number in it.
//
//   forward, from the inputs to the result
//     q = x + y = -2 + 5 = 3
//     L = q * z = 3 * -4 = -12
//   ...
//     dL/dx = dL/dq * 1 = -4 * 1 = -4
//     dL/dy = dL/dq * 1 = -4 * 1 = -4
//
//   x + 0.001 gives L = -12.004, a change of -0.004 = dL/dx * 0.001

#include <chainrule/autograd.h>
#include <chainrule/ops.h>

#include <cstdio>

using namespace chainrule;

int main() {
  const Tensor x = variable(-2.0, "x"), y = variable(5.0, "y"), z = variable(-4.0, "z");

  const Tensor q = x + y;
  const Tensor L = q * z;

  std::printf("forward, from the inputs to the result\n");
  std::printf("  q = x + y = %g + %g = %g\n", x.item(), y.item(), q.item());
  std::printf("  L = q * z = %g * %g = %g\n\n", q.item(), z.item(), L.item());

  const Gradients d = gradients(L, {L, z, q, x, y});

  std::printf("backward, from the result to the inputs: dL/d(input) = dL/d(output) * d(output)/d(input)\n");
  std::printf("  dL/dL = %g\n", d[L].item());
  std::printf("  dL/dz = dL/dL * q = %g * %g = %g\n", d[L].item(), q.item(), d[z].item());
  std::printf("  dL/dq = dL/dL * z = %g * %g = %g\n", d[L].item(), z.item(), d[q].item());
  std::printf("  dL/dx = dL/dq * 1 = %g * 1 = %g\n", d[q].item(), d[x].item());
  std::printf("  dL/dy = dL/dq * 1 = %g * 1 = %g\n\n", d[q].item(), d[y].item());

  // The proof: move x a little, and L moves dL/dx times as far.
  const double nudge = 0.001;
  const double moved = ((x + nudge + y) * z).item();
  std::printf("x + %g gives L = %g, a change of %g = dL/dx * %g\n", nudge, moved, moved - L.item(), nudge);
}
