// The smallest program with chainrule: how long does it take to start, and to compile? Its two companions do
// the same sum.

#include <chainrule/chainrule.h>

#include <iostream>

int main() {
  const auto x = chainrule::variable(-2.0), y = chainrule::variable(5.0), z = chainrule::variable(-4.0);
  ((x + y) * z).backward();
  std::cout << x.grad() << ' ' << y.grad() << ' ' << z.grad() << '\n';
}
