#include <chainrule/chainrule.h>

#include <cstdio>

// The walkthrough L = (x + y) * z at x = -2, y = 5, z = -4. Exits with 0 when value and gradients are right.
int main() {
  auto x = chainrule::variable(-2.0, "x");
  auto y = chainrule::variable(5.0, "y");
  auto z = chainrule::variable(-4.0, "z");
  auto L = (x + y) * z;
  L.backward();

  const double value = L.item<double>();
  const double dx = x.grad().item<double>(), dy = y.grad().item<double>(), dz = z.grad().item<double>();
  std::printf("L = %g, dL/dx = %g, dL/dy = %g, dL/dz = %g\n", value, dx, dy, dz);
  return value == -12 && dx == -4 && dy == -4 && dz == 3 ? 0 : 1;
}
