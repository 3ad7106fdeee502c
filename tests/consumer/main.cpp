// A program of an installed library: the walkthrough, the list of operations, and, if told, that it is one
// thread.

#include <chainrule/chainrule.h>

#include <cstdio>
#include <set>
#include <stdexcept>
#include <string_view>

/// Are all operations listed, also those that this program never calls?
bool lists_every_operation() {
  std::set<std::string_view> names;
  for (const auto& operation : chainrule::operations()) names.insert(operation.name);
  for (const char* name : {"add", "tanh", "where", "sum", "prod", "matmul", "index", "take_rows", "softmax",
                           "cross_entropy", "map"})
    if (!names.contains(name)) return std::printf("operations() lacks %s\n", name), false;
  return names.size() >= 50;
}

/// Has it been built without threads, and does it say so?
bool is_alone() {
  try {
    chainrule::set_num_threads(2);
    return false;
  } catch (const std::invalid_argument& error) {
    return chainrule::num_threads() == 1 &&
           std::string_view(error.what()).find("CHAINRULE_THREADS") != std::string_view::npos;
  }
}

// The walkthrough L = (x + y) * z at x = -2, y = 5, z = -4. Exits with 0 when value and gradients are right;
// with the argument "alone", when besides the library has no threads.
int main(int count, char** arguments) {
  if (count > 1 && std::string_view(arguments[1]) == "alone" && !is_alone()) return 1;
  auto x = chainrule::variable(-2.0, "x");
  auto y = chainrule::variable(5.0, "y");
  auto z = chainrule::variable(-4.0, "z");
  auto L = (x + y) * z;
  L.backward();

  const double value = L.item<double>();
  const double dx = x.grad().item<double>(), dy = y.grad().item<double>(), dz = z.grad().item<double>();
  std::printf("L = %g, dL/dx = %g, dL/dy = %g, dL/dz = %g\n", value, dx, dy, dz);
  return value == -12 && dx == -4 && dy == -4 && dz == 3 && lists_every_operation() ? 0 : 1;
}
