// The same numbers without any library: what starting a process costs by itself.
// measure.cpp starts it.

#include <iostream>

int main() {
  const double x = -2.0, y = 5.0, z = -4.0, q = x + y;
  std::cout << z << ' ' << z << ' ' << q << '\n';
}
